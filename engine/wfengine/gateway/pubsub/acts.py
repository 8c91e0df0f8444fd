"""What the pub/sub API does, for both doors: checks the broker and topic, makes the event, and hands it to the broker."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from wfengine.errors import WflabError
from wfengine.gateway.apps import App
from wfengine.gateway.components import PUBSUB, Resources
from wfengine.gateway.pubsub.broker import Broker, Draft, Topic
from wfengine.gateway.pubsub.envelope import CLOUD_EVENT, envelope_of
from wfengine.gateway.refusals import Refusal
from wfengine.gateway.tracing import Trace

_LONGEST_TTL = timedelta(days=36_500)
_LONGEST_TOPIC = 512


class Entry(NamedTuple):
    """One message as a publisher hands it in; `id` tells it from others of the same request."""

    data: bytes
    content_type: str
    metadata: Mapping[str, str]
    id: str = ""


class PublishActs:
    """On the gateway's loop. `resources_of` says which brokers an app may use."""

    def __init__(self, broker: Broker, resources_of: Callable[[str | None], Resources]) -> None:
        self._broker = broker
        self._resources_of = resources_of

    async def publish(self, app: App, pubsub: str, topic: str, entries: Sequence[Entry], trace: Trace) -> None:
        """Take the messages, all or none; they are durable then."""
        self.check(app, pubsub, topic)
        drafts = [_draft(app, Topic(pubsub, topic), entry, trace) for entry in entries]
        if not drafts:
            return
        try:
            await self._broker.publish(drafts)
        except WflabError as error:
            message = f"error when publishing to topic {topic} in pubsub {pubsub}: {error}"
            raise Refusal(500, "ERR_PUBSUB_PUBLISH_MESSAGE", message) from error

    def check(self, app: App, pubsub: str, topic: str) -> None:
        """Raise a Refusal where the app has no such broker, or the topic is none."""
        resources = self._resources_of(app.app_id)
        if not pubsub:
            raise Refusal(404, "ERR_PUBSUB_EMPTY", "pubsub name is empty")
        if resources.component(PUBSUB, pubsub, app.app_id) is None:
            if not any(one.kind == PUBSUB for one in resources.components):
                raise Refusal(400, "ERR_PUBSUB_NOT_CONFIGURED", f"pubsub {pubsub} is not configured")
            raise Refusal(404, "ERR_PUBSUB_NOT_FOUND", f"pubsub {pubsub} is not found")
        if not topic:
            raise Refusal(404, "ERR_TOPIC_NAME_EMPTY", "topic is empty in the request")
        if len(topic) > _LONGEST_TOPIC:
            raise Refusal(400, "ERR_PUBSUB_PUBLISH_MESSAGE", f"A topic's name has at most {_LONGEST_TOPIC} characters.")


def _draft(app: App, topic: Topic, entry: Entry, trace: Trace) -> Draft:
    expires_at = _expiry(entry.metadata)
    if _is_raw(entry.metadata):
        return Draft(
            topic=topic,
            id=entry.metadata.get("cloudevent.id", ""),
            data=entry.data,
            content_type=entry.content_type,
            is_raw=True,
            app_id=app.app_id,
            expires_at=expires_at,
        )
    try:
        event = envelope_of(
            entry.data,
            content_type=entry.content_type,
            topic=topic.name,
            pubsub=topic.pubsub,
            source=app.app_id,
            traceparent=trace.traceparent,
            metadata=entry.metadata,
        )
    except ValueError as error:
        raise Refusal(400, "ERR_PUBSUB_CLOUD_EVENTS_SER", f"cannot create cloudevent: {error}") from None
    return Draft(
        topic=topic,
        id=str(event["id"]),
        data=msgspec.json.encode(event),
        content_type=CLOUD_EVENT,
        app_id=app.app_id,
        expires_at=expires_at,
    )


def _is_raw(metadata: Mapping[str, str]) -> bool:
    word = next((value for name, value in metadata.items() if name.lower() == "rawpayload"), "false").lower()
    if word not in {"true", "false"}:
        raise Refusal(
            400, "ERR_PUBSUB_REQUEST_METADATA", f"failed deserializing metadata. Error: rawPayload is true or false, not {word!r:.40}"
        )
    return word == "true"


def _expiry(metadata: Mapping[str, str]) -> datetime | None:
    text = next((value for name, value in metadata.items() if name.lower() == "ttlinseconds"), None)
    if text is None:
        return None
    try:
        seconds = int(text)
    except ValueError:
        seconds = 0
    if seconds <= 0:
        message = f"failed deserializing metadata. Error: ttlInSeconds is a whole number above 0, not {text!r:.40}"
        raise Refusal(400, "ERR_PUBSUB_REQUEST_METADATA", message)
    return datetime.now(UTC) + min(timedelta(seconds=seconds), _LONGEST_TTL)
