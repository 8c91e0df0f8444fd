"""What an app says it subscribes to: GET /dapr/subscribe of its HTTP port, or ListTopicSubscriptions of its gRPC port."""

from typing import Any

import grpc
import msgspec
from google.protobuf.empty_pb2 import Empty

from wfengine.errors import InvalidArgument
from wfengine.gateway.channels import AppChannel
from wfengine.gateway.components import Rule, Subscription
from wfengine.gateway.pubsub.rules import compiled
from wfengine.gateway.wire import dapr_pb2 as wire

_OK, _NOT_THERE = 200, 404


class _Rule(msgspec.Struct, frozen=True):
    match: str = ""
    path: str = ""


class _Routes(msgspec.Struct, frozen=True):
    rules: list[_Rule] | None = None
    default: str | None = None


class _Wish(msgspec.Struct, frozen=True, rename={"dead_letter_topic": "deadLetterTopic"}):
    pubsubname: str
    topic: str
    route: str | None = None
    routes: _Routes | None = None
    dead_letter_topic: str | None = None
    metadata: dict[str, Any] | None = None


async def subscriptions_of(channel: AppChannel) -> list[Subscription]:
    """The app's wishes; none where it does not answer that question. Raises AppUnreachable, and InvalidArgument for an answer that makes no sense."""
    wishes = await (_by_grpc(channel) if channel.app.app_protocol == "grpc" else _by_http(channel))
    for wish in wishes:
        for rule in wish.rules:
            if rule.match.strip():
                compiled(rule.match)
    return wishes


async def _by_http(channel: AppChannel) -> list[Subscription]:
    answer = await channel.request("GET", b"/dapr/subscribe", content=b"", headers=[("accept", "application/json")])
    if answer.status == _NOT_THERE or (answer.status == _OK and not answer.body.strip()):
        return []
    if answer.status != _OK:
        raise InvalidArgument(
            f"{channel.app.label} answered {answer.status} when it was asked for its subscriptions (GET /dapr/subscribe)."
        )
    try:
        wishes = msgspec.json.decode(answer.body, type=list[_Wish] | None) or []
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidArgument(f"{channel.app.label} answered GET /dapr/subscribe with what is no list of subscriptions: {error}") from None
    return [found for wish in wishes if (found := _wished(wish)).rules]


def _wished(wish: _Wish) -> Subscription:
    routes = wish.routes or _Routes()
    rules = [Rule(path=one.path, match=one.match) for one in routes.rules or []]
    default = routes.default or wish.route
    return Subscription(
        pubsub=wish.pubsubname,
        topic=wish.topic,
        rules=(*rules, *([Rule(path=default)] if default else [])),
        dead_letter_topic=wish.dead_letter_topic or None,
        metadata={name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in (wish.metadata or {}).items()},
    )


async def _by_grpc(channel: AppChannel) -> list[Subscription]:
    try:
        answer = await channel.call("ListTopicSubscriptions", Empty(), wire.ListTopicSubscriptionsResponse)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNIMPLEMENTED:
            return []
        raise InvalidArgument(f"{channel.app.label} answered {error.code().name} when it was asked for its subscriptions.") from None
    return [
        Subscription(
            pubsub=one.pubsub_name,
            topic=one.topic,
            rules=(*(Rule(path=rule.path, match=rule.match) for rule in one.routes.rules), Rule(path=one.routes.default)),
            dead_letter_topic=one.dead_letter_topic or None,
            metadata=dict(one.metadata),
        )
        for one in answer.subscriptions
    ]
