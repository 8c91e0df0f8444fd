"""The doors of service invocation: a path that names the app and its method, any path with the header `dapr-app-id`, and InvokeService.

What a caller shows its own sidecar, the token most of all, is not handed on; neither are headers that concern one connection.
"""

from typing import Any
from urllib.parse import unquote

import grpc
from google.protobuf.any_pb2 import Any as Packed
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from wfengine.gateway.apps import App
from wfengine.gateway.channels import raw_path
from wfengine.gateway.guard import TOKEN_HEADER
from wfengine.gateway.invocation.acts import Call, InvokeActs
from wfengine.gateway.invocation.statuses import grpc_of
from wfengine.gateway.logged import TARGET
from wfengine.gateway.refusals import Refusal
from wfengine.gateway.tracing import Trace
from wfengine.gateway.wire import dapr_pb2 as wire

APP_ID = "dapr-app-id"
_ANY = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"]
_OF_A_CONNECTION = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade")
)
_NOT_HANDED_ON = _OF_A_CONNECTION | {"host", "content-length", "expect", TOKEN_HEADER}
_NOT_HANDED_BACK = _OF_A_CONNECTION | {"content-length", "date", "server"}


class Invocation:
    """Service invocation of one gateway. Its routes take every path that no other room has, so they come last."""

    def __init__(self, acts: InvokeActs) -> None:
        self._acts = acts

    def routes(self, app: App) -> list[BaseRoute]:
        """By path, and by header."""

        async def by_path(request: Request) -> Response:
            target = request.path_params["app_id"]
            return await self._by_http(app, target, request, _after_method(request))

        async def by_header(request: Request) -> Response:
            target = request.headers.get(APP_ID)
            if not target:
                message = f"There is nothing at {request.method} {request.url.path}."
                raise Refusal(404, "ERR_METHOD_NOT_FOUND", message)
            return await self._by_http(app, target, request, _raw(request))

        return [
            Route("/v1.0/invoke/{app_id}/method/{method:path}", by_path, methods=_ANY),
            Route("/v1.0/invoke/{app_id}/method", by_path, methods=_ANY),
            Route("/{anything:path}", by_header, methods=_ANY),
        ]

    def rpcs(self, app: App) -> dict[str, Any]:
        """InvokeService: the answer's status becomes the call's."""

        async def invoke(asked: wire.InvokeServiceRequest, context: Any) -> wire.InvokeResponse:
            message = asked.message
            if not asked.id or not message.method:
                raise Refusal(400, "ERR_DIRECT_INVOKE", "An app's id and a method are needed: InvokeServiceRequest(id, message.method).")
            said = [(str(key), value) for key, value in context.invocation_metadata() or () if isinstance(value, str)]
            headers = [(key, value) for key, value in said if key not in _NOT_HANDED_ON and not key.startswith("grpc-")]
            if message.content_type:
                headers.append(("content-type", message.content_type))
            path, _, query = message.method.partition("?")
            query = message.http_extension.querystring or query
            verb = wire.HTTPExtension.Verb.Name(message.http_extension.verb)
            method = path.lstrip("/")
            call = Call(
                "POST" if verb == "NONE" else verb,
                raw_path(path, query),
                method,
                query,
                message.data.value,
                headers,
                message.content_type,
            )
            answer = await self._acts.invoke(app, asked.id, call)
            context.set_trailing_metadata((("dapr-http-status", str(answer.status)),))
            code = grpc_of(answer.status)
            if code is not grpc.StatusCode.OK:
                raise Refusal(answer.status, "ERR_DIRECT_INVOKE", answer.body.decode("utf-8", "replace") or code.name, grpc_code=code)
            content_type = next((value for name, value in answer.headers if name.lower() == "content-type"), "")
            return wire.InvokeResponse(data=Packed(value=answer.body), content_type=content_type)

        handler = grpc.unary_unary_rpc_method_handler(invoke, wire.InvokeServiceRequest.FromString, wire.InvokeResponse.SerializeToString)
        return {"InvokeService": handler}

    async def _by_http(self, app: App, target: str, request: Request, path: bytes) -> Response:
        request.scope[TARGET] = target
        query = request.scope.get("query_string", b"")
        headers = [(name, value) for name, value in request.headers.items() if name not in _NOT_HANDED_ON]
        trace = request.scope.get("wfengine.trace")
        if isinstance(trace, Trace) and "traceparent" not in request.headers:
            headers.append(("traceparent", trace.traceparent))
        call = Call(
            request.method,
            path + (b"?" + query if query else b""),
            unquote(path.decode("ascii", "replace")).lstrip("/"),
            query.decode("ascii", "replace"),
            await request.body(),
            headers,
            request.headers.get("content-type", ""),
        )
        answer = await self._acts.invoke(app, target, call)
        response = Response(answer.body, answer.status)
        kept = [(name.lower(), value) for name, value in answer.headers if name.lower() not in _NOT_HANDED_BACK]
        response.raw_headers[:] = [
            *((name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in kept),
            (b"content-length", str(len(answer.body)).encode()),
        ]
        return response


def _raw(request: Request) -> bytes:
    """The path as the caller wrote it, in percents."""
    raw = request.scope.get("raw_path")
    return raw.partition(b"?")[0] if isinstance(raw, bytes) else raw_path(request.url.path)


def _after_method(request: Request) -> bytes:
    """What stands behind `/v1.0/invoke/{app}/method`."""
    return b"/" + b"/".join(_raw(request).split(b"/")[5:])
