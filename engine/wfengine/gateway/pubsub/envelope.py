"""CloudEvents 1.0 as Dapr wraps what is published: the envelope made, what a publisher may say of it, and a bare payload wrapped for who wants that."""

import base64
import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

CLOUD_EVENT = "application/cloudevents+json"
DEFAULT_TYPE = "com.dapr.event.sent"
DEFAULT_SOURCE = "Dapr"
_OVERRIDES = ("id", "type", "source", "subject", "traceid", "traceparent", "tracestate")
_PREFIX = "cloudevent."
Envelope = dict[str, Any]


def envelope_of(
    data: bytes,
    *,
    content_type: str,
    topic: str,
    pubsub: str,
    source: str | None,
    traceparent: str,
    tracestate: str = "",
    metadata: Mapping[str, str],
) -> Envelope:
    """The event for what was published. Raises ValueError where it says that it is an event and is none."""
    kind = content_type.partition(";")[0].strip().lower() or "text/plain"
    if kind == CLOUD_EVENT:
        return _completed(data, topic=topic, pubsub=pubsub, traceparent=traceparent, tracestate=tracestate)
    told = {name.lower().removeprefix(_PREFIX): value for name, value in metadata.items() if name.lower().startswith(_PREFIX)}
    said = {name: told[name] for name in _OVERRIDES if name in told}
    trace = said.get("traceparent") or said.get("traceid") or traceparent
    made: Envelope = {
        "id": said.get("id") or str(uuid.uuid4()),
        "time": _now(),
        "specversion": "1.0",
        "datacontenttype": content_type or kind,
        "source": said.get("source") or source or DEFAULT_SOURCE,
        "type": said.get("type") or DEFAULT_TYPE,
        "topic": topic,
        "pubsubname": pubsub,
        "traceid": trace,
        "traceparent": trace,
        "tracestate": said.get("tracestate", tracestate),
    }
    if "subject" in said:
        made["subject"] = said["subject"]
    return made | _payload(data, kind)


def wrapped(data: bytes, *, topic: str, pubsub: str) -> Envelope:
    """The event for a subscriber that asks for bare payloads: its bytes, in base64."""
    return {
        "id": str(uuid.uuid4()),
        "specversion": "1.0",
        "datacontenttype": "application/octet-stream",
        "source": DEFAULT_SOURCE,
        "type": DEFAULT_TYPE,
        "topic": topic,
        "pubsubname": pubsub,
        "data_base64": base64.b64encode(data).decode(),
    }


def data_of(event: Envelope) -> bytes:
    """The payload in an event, as bytes: what gRPC carries beside the event's attributes."""
    if "data_base64" in event:
        return base64.b64decode(str(event["data_base64"]))
    data = event.get("data")
    if isinstance(data, str) and not is_json(str(event.get("datacontenttype", ""))):
        return data.encode()
    return b"" if data is None else json.dumps(data, ensure_ascii=False).encode()


def is_json(content_type: str) -> bool:
    """Whether the type is JSON, or something written in it."""
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _payload(data: bytes, kind: str) -> Envelope:
    if is_json(kind):
        try:
            return {"data": json.loads(data)}
        except (ValueError, RecursionError):
            pass  # as in Dapr: then it is text
    if kind == "application/octet-stream" or kind.startswith(("image/", "audio/", "video/")):
        return {"data_base64": base64.b64encode(data).decode()}
    try:
        return {"data": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"data_base64": base64.b64encode(data).decode()}


def _completed(data: bytes, *, topic: str, pubsub: str, traceparent: str, tracestate: str) -> Envelope:
    try:
        event = json.loads(data)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(event, dict):
        raise ValueError(f"a CloudEvent is a JSON object, not a {type(event).__name__}")  # noqa: TRY004  # the caller's text is at fault
    defaults = {"id": str(uuid.uuid4()), "source": DEFAULT_SOURCE, "type": DEFAULT_TYPE, "specversion": "1.0", "time": _now()}
    trace = {"traceid": traceparent, "traceparent": traceparent, "tracestate": tracestate}
    return {**defaults, **trace, **event, "topic": topic, "pubsubname": pubsub}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
