"""gRPC proxying: a call of an app's own service, made to the caller's sidecar with `dapr-app-id` in its metadata, is passed on as it is.

Messages are bytes here: the gateway knows no service but Dapr's. Whatever the call's kind, it is a stream each way on the wire. A known gap: where an
app refuses a call before it has read anything (UNIMPLEMENTED), grpc's asyncio client now and then says INTERNAL instead, since its own write was cut off.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc

from wfengine.gateway.apps import App
from wfengine.gateway.channels import AppChannel
from wfengine.gateway.guard import TOKEN_HEADER
from wfengine.gateway.refusals import Refusal

APP_ID = "dapr-app-id"
_OUR_OWN = ("/dapr.proto.runtime.v1.Dapr/", "/TaskHubSidecarService/")
_NOT_HANDED_ON = frozenset((APP_ID, TOKEN_HEADER, "user-agent", "te", "content-type"))


class Proxy(grpc.GenericRpcHandler):
    """Handles every rpc that names an app and is none of the sidecar's own; `channel_of` finds an app's connections."""

    def __init__(self, caller: App, channel_of: Callable[[str], AppChannel | None]) -> None:
        self._caller = caller
        self._channel_of = channel_of

    def service(self, handler_call_details: Any) -> Any:
        """The handler, if it is ours to handle."""
        method = str(handler_call_details.method)
        said = {str(key): value for key, value in handler_call_details.invocation_metadata or ()}
        target = said.get(APP_ID)
        if not isinstance(target, str) or method.startswith(_OUR_OWN):
            return None

        async def proxied(requests: Any, context: Any) -> AsyncIterator[bytes]:
            async for answer in self._passed_on(target, method, requests, context):
                yield answer

        return grpc.stream_stream_rpc_method_handler(proxied)

    async def _passed_on(self, target: str, method: str, requests: Any, context: Any) -> AsyncIterator[bytes]:
        channel = self._channel_of(target)
        if channel is None or channel.app.app_port is None or channel.app.app_protocol != "grpc":
            message = f"failed to invoke, id: {target}, err: no app of this id has a gRPC port here. Start it with its app-port and app-protocol grpc."
            raise Refusal(503, "ERR_DIRECT_INVOKE", message)
        metadata = [(key, value) for key, value in context.invocation_metadata() or () if _is_handed_on(str(key))]
        metadata += [("dapr-caller-app-id", self._caller.app_id or ""), ("dapr-callee-app-id", target)]
        if channel.app.app_api_token:
            metadata.append((TOKEN_HEADER, channel.app.app_api_token))
        call: grpc.aio.StreamStreamCall[bytes, bytes] = channel.grpc.stream_stream(method)(requests, metadata=metadata)
        try:
            async for answer in call:
                yield answer
        except grpc.aio.AioRpcError as error:
            await context.abort(error.code(), error.details() or "", tuple(error.trailing_metadata() or ()))
        finally:
            call.cancel()
        context.set_trailing_metadata(tuple(await call.trailing_metadata() or ()))


def _is_handed_on(key: str) -> bool:
    return key not in _NOT_HANDED_ON and not key.startswith(("grpc-", ":"))
