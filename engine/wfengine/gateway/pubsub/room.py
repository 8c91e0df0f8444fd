"""The doors of the pub/sub API: publish by HTTP and gRPC, one or many, and subscribe by a stream."""

import asyncio
import base64
from collections.abc import Mapping
from typing import Any

import grpc
import msgspec
from google.protobuf.empty_pb2 import Empty
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from wfengine.gateway.apps import App
from wfengine.gateway.components import Subscription
from wfengine.gateway.pubsub.acts import Entry, PublishActs
from wfengine.gateway.pubsub.envelope import is_json
from wfengine.gateway.pubsub.subscribers import Subscribers
from wfengine.gateway.pubsub.takers import StreamTaker
from wfengine.gateway.refusals import Refusal
from wfengine.gateway.tracing import Trace, trace_of
from wfengine.gateway.wire import dapr_pb2 as wire

MOST_ENTRIES = 10_000
_METADATA = "metadata."
_EVENTS = "ERR_PUBSUB_EVENTS_SER"


class Item(msgspec.Struct, frozen=True, rename={"entry_id": "entryId", "content_type": "contentType"}):
    """A message in the body of a bulk publish."""

    event: msgspec.Raw
    entry_id: str = ""
    content_type: str = ""
    metadata: dict[str, Any] | None = None


class PubSub:
    """The pub/sub API of one gateway."""

    def __init__(self, acts: PublishActs, subscribers: Subscribers) -> None:
        self._acts = acts
        self._subscribers = subscribers

    def routes(self, app: App) -> list[BaseRoute]:
        """Publish, and publish many."""

        async def publish(request: Request) -> Response:
            entry = Entry(await request.body(), request.headers.get("content-type", ""), _labels(request))
            await self._acts.publish(app, request.path_params["pubsub"], request.path_params["topic"], [entry], _trace(request))
            return Response(status_code=204)

        async def bulk(request: Request) -> Response:
            given, topic = request.path_params, request.path_params["topic"]
            try:
                items = msgspec.json.decode(await request.body(), type=list[Item])
            except (msgspec.DecodeError, RecursionError) as error:
                raise Refusal(
                    400, _EVENTS, f"error when unmarshaling the request for topic {topic} pubsub {given['pubsub']}: {error}"
                ) from None
            entries = [_entry(item, _labels(request)) for item in items]
            _check(entries, topic)
            await self._acts.publish(app, given["pubsub"], topic, entries, _trace(request))
            return Response(status_code=204)

        return [  # the longer paths first
            Route("/v1.0/publish/bulk/{pubsub}/{topic:path}", bulk, methods=["POST", "PUT"]),
            Route("/v1.0-alpha1/publish/bulk/{pubsub}/{topic:path}", bulk, methods=["POST", "PUT"]),
            Route("/v1.0/publish/{pubsub}/{topic:path}", publish, methods=["POST", "PUT"]),
        ]

    def rpcs(self, app: App) -> dict[str, Any]:
        """The same, and the stream."""

        async def publish(asked: wire.PublishEventRequest, context: Any) -> Empty:
            entry = Entry(asked.data, asked.data_content_type, asked.metadata)
            await self._acts.publish(app, asked.pubsub_name, asked.topic, [entry], _trace_of_call(context))
            return Empty()

        async def bulk(asked: wire.BulkPublishRequest, context: Any) -> wire.BulkPublishResponse:
            entries = [Entry(one.event, one.content_type, {**asked.metadata, **one.metadata}, one.entry_id) for one in asked.entries]
            _check(entries, asked.topic)
            await self._acts.publish(app, asked.pubsub_name, asked.topic, entries, _trace_of_call(context))
            return wire.BulkPublishResponse()

        async def subscribe(_: Any, context: Any) -> None:
            await self._stream(app, context)

        def rpc(act: Any, request: Any, response: Any) -> Any:
            return grpc.unary_unary_rpc_method_handler(act, request.FromString, response.SerializeToString)

        publish_many = rpc(bulk, wire.BulkPublishRequest, wire.BulkPublishResponse)
        return {
            "PublishEvent": rpc(publish, wire.PublishEventRequest, Empty),
            "BulkPublishEvent": publish_many,
            "BulkPublishEventAlpha1": publish_many,
            "SubscribeTopicEventsAlpha1": grpc.stream_stream_rpc_method_handler(
                subscribe,
                wire.SubscribeTopicEventsRequestAlpha1.FromString,
                wire.SubscribeTopicEventsResponseAlpha1.SerializeToString,
            ),
        }

    async def _stream(self, app: App, context: Any) -> None:
        """One subscription, as long as the stream is open."""
        first = await context.read()
        if first is grpc.aio.EOF or first.WhichOneof("subscribe_topic_events_request_type") != "initial_request":
            raise Refusal(400, "ERR_PUBSUB_SUBSCRIBE", "The first message of the stream is the subscription (initial_request).")
        wish = first.initial_request
        self._acts.check(app, wish.pubsub_name, wish.topic)
        subscription = Subscription(
            pubsub=wish.pubsub_name,
            topic=wish.topic,
            dead_letter_topic=wish.dead_letter_topic or None,
            metadata=dict(wish.metadata),
        )
        one_at_a_time = asyncio.Lock()

        async def send(message: wire.SubscribeTopicEventsResponseAlpha1) -> None:
            async with one_at_a_time:
                await context.write(message)

        taker = StreamTaker(app, self._subscribers.told, send)
        await send(wire.SubscribeTopicEventsResponseAlpha1(initial_response=wire.SubscribeTopicEventsResponseInitialAlpha1()))
        delivery = await self._subscribers.take(app, subscription, taker, wire.STREAMING)
        try:
            while (message := await context.read()) is not grpc.aio.EOF:
                taker.processed(message.event_processed)
        finally:
            delivery.remove(taker)
            taker.close()
            await self._subscribers.leave(app, delivery, taker)


def _check(entries: list[Entry], topic: str) -> None:
    ids = [entry.id for entry in entries]
    if len(ids) > MOST_ENTRIES:
        raise Refusal(400, _EVENTS, f"error when marshaling events for topic {topic}: more than {MOST_ENTRIES} in one request")
    if not all(ids) or len(set(ids)) < len(ids):
        raise Refusal(400, _EVENTS, f"error when marshaling events for topic {topic}: entryId is duplicated or not present for entry")


def _entry(item: Item, labels: Mapping[str, str]) -> Entry:
    """An event of a bulk publish: JSON as it stands, text without its quotes, bytes out of base64."""
    data = bytes(item.event)
    if not is_json(item.content_type):
        try:
            text = msgspec.json.decode(data, type=str)
            data = base64.b64decode(text, validate=True) if item.content_type == "application/octet-stream" else text.encode()
        except (msgspec.DecodeError, ValueError):
            pass  # an object under another type is kept as it was written
    metadata = {**labels, **{name: str(value) for name, value in (item.metadata or {}).items()}}
    return Entry(data, item.content_type, metadata, item.entry_id)


def _labels(request: Request) -> dict[str, str]:
    return {name.removeprefix(_METADATA): value for name, value in request.query_params.items() if name.startswith(_METADATA)}


def _trace(request: Request) -> Trace:
    trace = request.scope.get("wfengine.trace")
    return trace if isinstance(trace, Trace) else trace_of(None)


def _trace_of_call(context: Any) -> Trace:
    said = {str(key): value for key, value in context.invocation_metadata() or ()}
    found = said.get("traceparent")
    return trace_of(found if isinstance(found, str) else None)
