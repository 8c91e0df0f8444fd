"""What surrounds every rpc that comes in by a sidecar: the token, the row in the API log, and one way of refusing.

It wraps handlers of any service, so that a service only says what it does and raises a Refusal where it does not.
"""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import grpc
from google.protobuf.message import Message

from wfengine.gateway.apps import App
from wfengine.gateway.calls import Api, ApiCall, CallLog
from wfengine.gateway.guard import TOKEN_HEADER, is_token
from wfengine.gateway.refusals import Refusal, of_error
from wfengine.gateway.tracing import trace_of

_APIS: tuple[tuple[str, Api], ...] = (
    ("/TaskHubSidecarService/", "taskhub"),
    ("Workflow", "workflow"),
    ("State", "state"),
    ("Publish", "pubsub"),
    ("SubscribeTopicEvents", "pubsub"),
    ("InvokeService", "invoke"),
    ("Metadata", "metadata"),
    ("Health", "health"),
)
_TARGETS = ("instance_id", "instanceId", "key", "topic", "id", "store_name", "storeName")
_log = logging.getLogger("wfengine.gateway")


class Watched(grpc.aio.ServerInterceptor):
    """One app's rpcs: who may call them, and what is told of each."""

    def __init__(self, app: App, calls: CallLog) -> None:
        self._app = app
        self._calls = calls

    async def intercept_service(self, continuation: Callable[[Any], Awaitable[Any]], handler_call_details: Any) -> Any:
        """The handler of one rpc, with all that around it."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        call = _Call(self._app, self._calls, handler_call_details)
        request, response = handler.request_deserializer, handler.response_serializer
        if handler.request_streaming and handler.response_streaming:
            return grpc.stream_stream_rpc_method_handler(call.streaming(handler.stream_stream), request, response)
        if handler.response_streaming:
            return grpc.unary_stream_rpc_method_handler(call.streaming(handler.unary_stream), request, response)
        if handler.request_streaming:
            return grpc.stream_unary_rpc_method_handler(call.answering(handler.stream_unary), request, response)
        return grpc.unary_unary_rpc_method_handler(call.answering(handler.unary_unary), request, response)


class _Call:
    """One rpc under way."""

    def __init__(self, app: App, calls: CallLog, details: Any) -> None:
        self._app = app
        self._calls = calls
        self._method = str(details.method)
        self._said = {str(key): value for key, value in details.invocation_metadata or ()}
        self._at, self._began = datetime.now(UTC), perf_counter()
        self._target: str | None = None
        self._received = self._sent = 0

    def answering(self, inner: Callable[[Any, Any], Awaitable[Any]]) -> Callable[[Any, Any], Awaitable[Any]]:
        """An rpc with one answer."""

        async def answered(request: Any, context: Any) -> Any:
            try:
                self._admit(request)
                answer = await inner(request, context)
                self._sent += _size(answer)
            except BaseException as error:
                await self._failed(error, context)
                raise
            self._record(_code(context))
            return answer

        return answered

    def streaming(self, inner: Callable[[Any, Any], Any]) -> Callable[[Any, Any], AsyncIterator[Any]]:
        """An rpc that answers as long as it is open: written as a generator, or with the context's own read and write."""

        async def streamed(request: Any, context: Any) -> AsyncIterator[Any]:
            try:
                self._admit(request)
                answers = inner(request, context)
                if hasattr(answers, "__aiter__"):
                    async for answer in answers:
                        self._sent += _size(answer)
                        yield answer
                else:
                    await answers
            except GeneratorExit:
                self._record("CANCELLED")
                raise
            except BaseException as error:
                await self._failed(error, context)
                raise
            self._record(_code(context))

        return streamed

    def _admit(self, request: Any) -> None:
        shown = self._said.get(TOKEN_HEADER)
        if not is_token(shown if isinstance(shown, str) else None, self._app.api_token):
            raise Refusal(401, "ERR_API_TOKEN", f"Show the API token of this sidecar in the metadata {TOKEN_HEADER}.")
        if isinstance(request, Message):
            self._received = request.ByteSize()
            self._target = _target(request)

    async def _failed(self, error: BaseException, context: Any) -> None:
        """Tell the caller and the log; an end that the handler chose with `context.abort` passes as it is."""
        if isinstance(error, grpc.aio.AbortError) or not isinstance(error, Exception):
            self._record(_code(context) if isinstance(error, grpc.aio.AbortError) else "CANCELLED", context.details() or None)
            return
        if not isinstance(error, Refusal):
            _log.error("%s failed.", self._method, exc_info=error)
        refusal = of_error(error)
        self._record(refusal.grpc_code.name, f"{refusal.error_code}: {refusal.message}")
        await context.abort(refusal.grpc_code, refusal.message)

    def _record(self, status: str, error: Any = None) -> None:
        service, _, name = self._method.lstrip("/").rpartition("/")
        agent = self._said.get("user-agent")
        self._calls.record(
            ApiCall(
                occurred_at=self._at,
                api=next((api for word, api in _APIS if word in self._method), "other"),
                method=name or service,
                app_id=self._app.app_id,
                status=status,
                duration_ms=1000 * (perf_counter() - self._began),
                target=self._target,
                trace=trace_of(self._said.get("traceparent")).trace_id,
                caller=agent if isinstance(agent, str) else None,
                error=error.decode("utf-8", "replace") if isinstance(error, bytes) else error,
                request_bytes=self._received,
                response_bytes=self._sent,
            )
        )


def _code(context: Any) -> str:
    """The status that the handler has set, by name; a number where grpc keeps it as one."""
    code = context.code()
    if isinstance(code, grpc.StatusCode):
        return code.name
    return next((status.name for status in grpc.StatusCode if status.value[0] == code), "OK")


def _size(message: Any) -> int:
    return message.ByteSize() if isinstance(message, Message) else 0


def _target(request: Message) -> str | None:
    known = request.DESCRIPTOR.fields_by_name
    for name in _TARGETS:
        if name in known and isinstance(found := getattr(request, name), str) and found:
            return found
    return None
