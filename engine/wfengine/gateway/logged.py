"""Every call that comes in by HTTP has a row: an ASGI application around all others, which looks at what passes and changes nothing.

It also makes sure that a call has a trace, and that a fault of ours is an answer and a line in the log, not a broken connection.
"""

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wfengine.gateway.apps import App
from wfengine.gateway.calls import Api, ApiCall, CallLog
from wfengine.gateway.refusals import of_error
from wfengine.gateway.tracing import trace_of

_APIS: dict[str, Api] = {
    "workflows": "workflow",
    "state": "state",
    "publish": "pubsub",
    "subscribe": "pubsub",
    "invoke": "invoke",
    "metadata": "metadata",
    "healthz": "health",
}
_TARGETS = ("instance_id", "workflow_name", "key", "topic", "app_id", "store", "pubsub")
TARGET = "wfengine.target"  # in a request's scope: what it is about, where the path does not say so
_FIRST_ERROR = 400
_KEPT_OF_BODY = 2_000
_log = logging.getLogger("wfengine.gateway")


class Logged:
    """The application that a sidecar serves by HTTP, with a row for each of its requests."""

    def __init__(self, inner: ASGIApp, app: App, calls: CallLog) -> None:
        self._inner = inner
        self._app = app
        self._calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":  # no websockets here
            await self._inner(scope, receive, send)
            return
        headers = Headers(scope=scope)
        trace = trace_of(headers.get("traceparent"))
        scope["wfengine.trace"] = trace
        began, at = perf_counter(), datetime.now(UTC)

        def record() -> None:
            self._calls.record(
                ApiCall(
                    occurred_at=at,
                    api=_api(scope, headers),
                    method=f"{scope['method']} {scope['path']}",
                    app_id=self._app.app_id,
                    status=None if seen.status is None else str(seen.status),
                    duration_ms=1000 * (perf_counter() - began),
                    target=_target(scope, headers),
                    trace=trace.trace_id,
                    caller=headers.get("user-agent"),
                    error=seen.error(),
                    request_bytes=seen.received,
                    response_bytes=seen.sent,
                )
            )

        seen = _Seen(record)
        try:
            await self._inner(scope, seen.receiving(receive), seen.sending(send))
        except ClientDisconnect:
            pass  # nobody is there to be answered; the row says so
        except Exception as error:  # noqa: BLE001  # the caller gets an answer, whatever it is
            _log.exception("%s %s failed.", scope["method"], scope["path"])
            refusal = of_error(error)
            if seen.status is None:
                answer = JSONResponse({"errorCode": refusal.error_code, "message": refusal.message}, refusal.http)
                await answer(scope, receive, seen.sending(send))
        finally:
            seen.end()


class _Seen:
    """What has passed of one request and its answer; `ended` is called once, before the caller has the last of it."""

    def __init__(self, ended: Callable[[], None]) -> None:
        self._ended: Callable[[], None] | None = ended
        self.status: int | None = None
        self.received = self.sent = 0
        self._body = b""
        self._start: Message | None = None

    def receiving(self, receive: Receive) -> Receive:
        async def received() -> Message:
            message = await receive()
            self.received += len(message.get("body", b""))
            return message

        return received

    def sending(self, send: Send) -> Send:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self._start = message  # held back: to a caller who reads that nothing follows, it is the last of the answer
                return
            if message["type"] == "http.response.body":
                body = message.get("body", b"")
                self.sent += len(body)
                if self.status is not None and self.status >= _FIRST_ERROR and len(self._body) < _KEPT_OF_BODY:
                    self._body += body[:_KEPT_OF_BODY]
                if not message.get("more_body", False):
                    self.end()
                start, self._start = self._start, None
                if start is not None:
                    await send(start)
            await send(message)

        return sent

    def end(self) -> None:
        """Nothing more will pass."""
        ended, self._ended = self._ended, None
        if ended is not None:
            ended()

    def error(self) -> str | None:
        """What a refused caller was told."""
        if self.status is None:
            return "The caller left before there was an answer."
        if self.status < _FIRST_ERROR:
            return None
        text = self._body.decode("utf-8", "replace")
        try:
            told: Any = json.loads(text)
        except ValueError:
            return text or None
        return (
            f"{told.get('errorCode', '')}: {told['message']}".removeprefix(": ") if isinstance(told, dict) and "message" in told else text
        )


def _api(scope: Scope, headers: Headers) -> Api:
    version, _, rest = scope["path"].lstrip("/").partition("/")
    if version.startswith("v1.0"):
        return _APIS.get(rest.partition("/")[0], "other")
    return "invoke" if "dapr-app-id" in headers else "other"


def _target(scope: Scope, headers: Headers) -> str | None:
    if TARGET in scope:
        return str(scope[TARGET])
    found = scope.get("path_params", {})
    return next((str(found[name]) for name in _TARGETS if name in found), headers.get("dapr-app-id"))
