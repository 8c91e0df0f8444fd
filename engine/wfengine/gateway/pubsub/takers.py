"""Handing a message to an app: to a path of its HTTP port, to its gRPC port, or into a stream that it has opened."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import grpc
import msgspec
from google.protobuf.struct_pb2 import Struct

from wfengine.gateway.channels import AppChannel, AppUnreachable, raw_path
from wfengine.gateway.pubsub.broker import Message
from wfengine.gateway.pubsub.delivery import Handed, Verdict
from wfengine.gateway.pubsub.envelope import CLOUD_EVENT, Envelope, data_of
from wfengine.gateway.pubsub.telling import Told
from wfengine.gateway.wire import dapr_pb2 as wire

_STANDARD = frozenset(("id", "source", "type", "specversion", "datacontenttype", "data", "data_base64", "topic", "pubsubname"))
_NOT_THERE = 404
_STATUSES = {"": Verdict.SUCCESS, "SUCCESS": Verdict.SUCCESS, "RETRY": Verdict.RETRY, "DROP": Verdict.DROP}
_VERDICTS = {
    wire.TopicEventResponse.SUCCESS: Verdict.SUCCESS,
    wire.TopicEventResponse.RETRY: Verdict.RETRY,
    wire.TopicEventResponse.DROP: Verdict.DROP,
}


class HttpTaker:
    """The app's HTTP port: the event is posted to the route."""

    def __init__(self, channel: AppChannel, told: Told) -> None:
        self._channel = channel
        self._told = told

    async def take(self, message: Message, event: Envelope, path: str) -> Handed:
        """A 2xx is success, unless its body says otherwise; a 404 drops; all else is tried again."""
        body = msgspec.json.encode(event)
        headers = [("content-type", CLOUD_EVENT), ("pubsubname", message.draft.topic.pubsub), *_trace(event).items()]
        with self._told.delivery(self._channel.app, f"POST /{path.lstrip('/')}", message, event, len(body)) as row:
            answer = await self._channel.request("POST", raw_path(path), content=body, headers=headers)
            handed = _verdict(answer.status, answer.body)
            row.answered(str(answer.status), len(answer.body), handed.said)
        return handed


class GrpcTaker:
    """The app's gRPC port: OnTopicEvent."""

    def __init__(self, channel: AppChannel, told: Told) -> None:
        self._channel = channel
        self._told = told

    async def take(self, message: Message, event: Envelope, path: str) -> Handed:
        """The app's own word; an app that has no such rpc drops, another error is tried again."""
        request = topic_event(event, path)
        with self._told.delivery(self._channel.app, "OnTopicEvent", message, event, request.ByteSize()) as row:
            try:
                answer = await self._channel.call("OnTopicEvent", request, wire.TopicEventResponse, _trace(event))
            except grpc.aio.AioRpcError as error:
                row.answered(error.code().name, 0, error.details())
                is_lacking = error.code() is grpc.StatusCode.UNIMPLEMENTED
                return Handed(
                    Verdict.DROP if is_lacking else Verdict.RETRY, f"{error.code().name}: {error.details()}", error.code().value[0]
                )
            row.answered("OK", answer.ByteSize(), None)
            handed = Handed(_VERDICTS.get(answer.status, Verdict.RETRY))
            row.error = None if handed.verdict is Verdict.SUCCESS else f"The app said {handed.verdict.value}."
        return handed


class StreamTaker:
    """A stream the app has opened: events go out by `send`, and `processed` comes back with their ids."""

    def __init__(self, app: Any, told: Told, send: Callable[[wire.SubscribeTopicEventsResponseAlpha1], Any]) -> None:
        self._app = app
        self._told = told
        self._send = send
        self._open: dict[str, asyncio.Future[Verdict]] = {}

    async def take(self, message: Message, event: Envelope, path: str) -> Handed:
        """What the app answers, however long it takes; a stream that ends has not answered."""
        request = topic_event(event, path)
        with self._told.delivery(self._app, "SubscribeTopicEventsAlpha1", message, event, request.ByteSize()) as row:
            if request.id in self._open:
                return Handed(Verdict.RETRY, "An event with this id is under way in the stream already.")
            answer: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
            self._open[request.id] = answer
            try:
                await self._sent(request)
                verdict = await answer
            finally:
                self._open.pop(request.id, None)
            row.answered(verdict.name, 0, None if verdict is Verdict.SUCCESS else f"The app said {verdict.value}.")
        return Handed(verdict)

    async def _sent(self, request: wire.TopicEventRequest) -> None:
        try:
            await self._send(wire.SubscribeTopicEventsResponseAlpha1(event_message=request))
        except Exception as error:
            raise AppUnreachable(f"The app's stream has ended: {type(error).__name__}.") from error

    def processed(self, event: wire.SubscribeTopicEventsRequestProcessedAlpha1) -> None:
        """The app has answered; an id that is not known is none of ours any more."""
        answer = self._open.get(event.id)
        if answer is not None and not answer.done():
            answer.set_result(_VERDICTS.get(event.status.status, Verdict.RETRY))

    def close(self) -> None:
        """The stream has ended: what it had in hand goes to another."""
        for answer in list(self._open.values()):
            if not answer.done():
                answer.set_exception(AppUnreachable("The app's stream ended before it had answered."))


def topic_event(event: Envelope, path: str) -> wire.TopicEventRequest:
    """The event as gRPC carries it: attributes beside the payload's bytes, and what else it has as extensions."""
    extensions = Struct()
    with suppress(ValueError, TypeError):  # what a Struct has no word for stays out
        extensions.update({name: value for name, value in event.items() if name not in _STANDARD})
    return wire.TopicEventRequest(
        id=str(event.get("id", "")),
        source=str(event.get("source", "")),
        type=str(event.get("type", "")),
        spec_version=str(event.get("specversion", "")),
        data_content_type=str(event.get("datacontenttype", "")),
        topic=str(event.get("topic", "")),
        pubsub_name=str(event.get("pubsubname", "")),
        data=data_of(event),
        path=path,
        extensions=extensions,
    )


def _verdict(status: int, body: bytes) -> Handed:
    if status == _NOT_THERE:
        return Handed(Verdict.DROP, "The app has nothing at that route (404).", status)
    if not 200 <= status < 300:  # noqa: PLR2004  # the numbers of HTTP
        return Handed(Verdict.RETRY, f"{status}: {body[:500].decode('utf-8', 'replace')}", status)
    try:
        word = msgspec.json.decode(body, type=dict).get("status", "") if body.strip() else ""
    except (msgspec.DecodeError, RecursionError):
        word = ""  # whatever the app says of its own, it has taken the event
    verdict = _STATUSES.get(word, Verdict.RETRY) if isinstance(word, str) else Verdict.SUCCESS
    return Handed(verdict, None if verdict is Verdict.SUCCESS else f"The app said {word}.")


def _trace(event: Envelope) -> dict[str, str]:
    trace = event.get("traceparent") or event.get("traceid")
    return {"traceparent": trace} if isinstance(trace, str) and trace.isascii() and trace.isprintable() else {}
