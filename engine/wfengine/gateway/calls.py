"""The API log: a row of `api_calls` for each call that came in by a sidecar, and for each delivery to an app.

Whoever records never waits: rows gather in a bounded queue, and one thread writes them, a little late. What does not fit is counted.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from wfengine.condition import Condition
from wfengine.errors import EngineError
from wfengine.store.appending import append_rows
from wfengine.store.rows import Row, naive
from wfengine.store.store import Store

Api = Literal["workflow", "taskhub", "state", "pubsub", "invoke", "metadata", "health", "delivery", "other"]
Listener = Callable[[Sequence["ApiCall"]], None]

LINGER_SECONDS = 0.1
MOST_WAITING = 20_000
MOST_TRIES = 20
RETRY_SECONDS = 0.5
_LONGEST_TEXT = 500
_log = logging.getLogger("wfengine.gateway")


class ApiCall(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """One call. `app_id` is who called, by its sidecar (None: the lab's), or for a delivery who was called.

    `method` is what was asked ("POST /v1.0/state/orders", or an rpc's name), `status` the HTTP code or the name of the gRPC code, `target` the app,
    topic, key or instance it was about, `trace` the W3C trace id, `caller` the program as it calls itself. Times are aware UTC.
    """

    occurred_at: datetime
    api: Api
    method: str
    app_id: str | None = None
    status: str | None = None
    duration_ms: float | None = None
    target: str | None = None
    trace: str | None = None
    caller: str | None = None
    error: str | None = None
    request_bytes: int | None = None
    response_bytes: int | None = None


class CallLog:
    """`record` and `subscribe` are for any thread. Listeners get what was just written, on the log's own thread; they must return soon."""

    def __init__(self, store: Store, *, kept: int = 100_000, linger_seconds: float = LINGER_SECONDS) -> None:
        self._store = store
        self._kept = kept
        self._linger_seconds = linger_seconds
        self._changed = Condition()  # guards the four below
        self._waiting: deque[ApiCall] = deque()
        self._dropped = 0
        self._is_closing = False
        self._recorded = self._written = 0
        self._listeners: list[Listener] = []
        self._since_pruning = kept  # so that the first batch looks how many there are
        self._thread = threading.Thread(target=self._run, name="wflab-gateway-calls", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """How many calls have no row, because they came faster than they could be written, or could not be written at all."""
        return self._dropped

    def record(self, call: ApiCall) -> None:
        """Have a row written for the call."""
        with self._changed.lock:
            if self._is_closing or len(self._waiting) >= MOST_WAITING:
                self._dropped += 1
                return
            self._waiting.append(call)
            self._recorded += 1
            if len(self._waiting) == 1:
                self._changed.notify_all()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` told of calls once they can be read; call the result to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def flush(self, timeout_seconds: float = 10.0) -> bool:
        """Wait until what has been recorded so far can be read; whether it can."""
        with self._changed.lock:
            wanted = self._recorded
        return self._changed.wait_for(lambda: self._written >= wanted, timeout_seconds)

    def close(self) -> None:
        """Write what is left, and stop."""
        with self._changed.lock:
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while True:
            self._changed.wait_for(lambda: self._waiting or self._is_closing)
            self._changed.wait_for(lambda: self._is_closing, self._linger_seconds)
            with self._changed.lock:
                batch = list(self._waiting)
                self._waiting.clear()
                if not batch and self._is_closing:
                    return
            self._write(batch)
            with self._changed.lock:
                self._written += len(batch)
                self._changed.notify_all()

    def _write(self, batch: list[ApiCall]) -> None:
        try:
            self._append([_row(call) for call in batch])
        except Exception as error:  # noqa: BLE001  # whatever it is, the next batch may go through
            self._dropped += len(batch)
            _log.warning("The API log could not write %d calls; it goes on. %s", len(batch), error)
            return
        for listener in list(self._listeners):
            try:
                listener(batch)
            except Exception:  # noqa: BLE001  # a listener's fault is its own
                _log.exception("A listener of the API log failed; the log goes on.")

    def _append(self, rows: list[Row]) -> None:
        """Write, and prune; what the engine's surroundings refuse is tried again for a while."""
        tries = 0
        while True:
            tries += 1
            try:
                with self._store.transaction() as cursor:
                    append_rows(cursor, "api_calls", rows)
                break
            except EngineError:
                if tries >= MOST_TRIES or self._changed.wait_for(lambda: self._is_closing, RETRY_SECONDS):
                    raise
        self._prune(len(rows))

    def _prune(self, written: int) -> None:
        """Forget the oldest now and then, so that a lab that serves for weeks does not grow for ever."""
        self._since_pruning += written
        if self._since_pruning < self._kept / 10:
            return
        self._since_pruning = 0
        with self._store.transaction() as cursor:
            cursor.execute(
                "DELETE FROM api_calls WHERE occurred_at < (SELECT occurred_at FROM api_calls ORDER BY occurred_at DESC LIMIT 1 OFFSET ?)",
                [self._kept],
            )


def _row(call: ApiCall) -> Row:
    return (
        naive(call.occurred_at),
        call.app_id,
        call.api,
        _short(call.method),
        call.status,
        call.duration_ms,
        call.trace,
        _short(call.caller),
        _short(call.error),
        _short(call.target),
        call.request_bytes,
        call.response_bytes,
    )


def _short(text: str | None) -> str | None:
    """At most so much of what a caller sent, and only what can be stored as text."""
    return None if text is None else text[:_LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8")
