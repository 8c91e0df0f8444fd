"""A row in the API log for each attempt to hand a message to an app."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from time import perf_counter

from wfengine.errors import WflabError
from wfengine.gateway.apps import App
from wfengine.gateway.calls import ApiCall, CallLog
from wfengine.gateway.pubsub.broker import Message
from wfengine.gateway.pubsub.envelope import Envelope
from wfengine.gateway.tracing import trace_of

GATEWAY = "wflab-gateway"


class Answer:
    """What is known of one attempt so far."""

    def __init__(self) -> None:
        self.status: str | None = None
        self.response_bytes = 0
        self.error: str | None = None

    def answered(self, status: str, response_bytes: int, error: str | None) -> None:
        """The app has said something."""
        self.status, self.response_bytes, self.error = status, response_bytes, error


class Told:
    """Tells a log of deliveries."""

    def __init__(self, calls: CallLog) -> None:
        self._calls = calls

    @contextmanager
    def delivery(self, app: App, method: str, message: Message, event: Envelope, request_bytes: int) -> Iterator[Answer]:
        """Around one attempt; what it raises is in the row, and raised."""
        row = Answer()
        at, began = datetime.now(UTC), perf_counter()
        try:
            yield row
        except WflabError as error:
            row.error = str(error)
            raise
        finally:
            trace = event.get("traceparent") or event.get("traceid")
            self._calls.record(
                ApiCall(
                    occurred_at=at,
                    api="delivery",
                    method=method,
                    app_id=app.app_id,
                    status=row.status,
                    duration_ms=1000 * (perf_counter() - began),
                    target=message.draft.topic.name,
                    trace=trace_of(trace if isinstance(trace, str) else None).trace_id,
                    caller=GATEWAY,
                    error=row.error,
                    request_bytes=request_bytes,
                    response_bytes=row.response_bytes,
                )
            )
