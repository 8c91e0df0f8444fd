"""How the gateway speaks to an app: to its HTTP port or its gRPC port, with the token the app wants to be shown."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, NamedTuple

import grpc
import httpx

from wfengine.errors import WflabError
from wfengine.gateway.apps import App
from wfengine.gateway.guard import TOKEN_HEADER

CALLBACK = "/dapr.proto.runtime.v1.AppCallback/"
_CONNECT_SECONDS = 5.0
_MOST_CONNECTIONS = 200


class AppUnreachable(WflabError):
    """Nobody listens at the app's port, or the connection broke before there was an answer."""


class Answer(NamedTuple):
    """What an app has answered by HTTP, undecoded."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class AppChannel:
    """The connections to one app; on the gateway's loop."""

    def __init__(self, app: App) -> None:
        self.app = app
        self._http: httpx.AsyncClient | None = None
        self._grpc: grpc.aio.Channel | None = None
        self._room: AbstractAsyncContextManager[object] = asyncio.Semaphore(app.max_concurrency) if app.max_concurrency else nullcontext()

    @property
    def grpc(self) -> grpc.aio.Channel:
        """The channel to its gRPC port."""
        if self._grpc is None:
            unlimited = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.enable_http_proxy", 0))
            self._grpc = grpc.aio.insecure_channel(f"{self.app.app_host}:{self.app.app_port}", options=unlimited)
        return self._grpc

    async def request(self, method: str, raw_path: bytes, *, content: bytes, headers: Sequence[tuple[str, str]]) -> Answer:
        """The app's answer by HTTP, whatever its status, as it came. `raw_path` is as it goes over the wire. Raises AppUnreachable."""
        if self._http is None:
            limits = httpx.Limits(max_connections=_MOST_CONNECTIONS, max_keepalive_connections=_MOST_CONNECTIONS)
            timeout = httpx.Timeout(None, connect=_CONNECT_SECONDS)
            self._http = httpx.AsyncClient(trust_env=False, limits=limits, timeout=timeout, follow_redirects=False)
        shown = [("accept-encoding", "identity"), *headers]
        if self.app.app_api_token:
            shown.append((TOKEN_HEADER, self.app.app_api_token))
        async with self._room:
            try:
                url = httpx.URL(f"http://{self.app.app_host}:{self.app.app_port}").copy_with(raw_path=raw_path)
                async with self._http.stream(method, url, content=content, headers=_single_encoding(shown)) as answer:
                    body = b"".join([part async for part in answer.aiter_raw()])
                    return Answer(answer.status_code, list(answer.headers.multi_items()), body)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise AppUnreachable(self._silence(str(error) or type(error).__name__)) from None

    async def call(self, rpc: str, request: Any, response: Any, metadata: Mapping[str, str] | None = None) -> Any:
        """The app's answer to an rpc of AppCallback. Raises AppUnreachable, and grpc.aio.AioRpcError for a refusal."""
        shown = [*(metadata or {}).items(), *([(TOKEN_HEADER, self.app.app_api_token)] if self.app.app_api_token else [])]
        asked = self.grpc.unary_unary(
            f"{CALLBACK}{rpc}", request_serializer=type(request).SerializeToString, response_deserializer=response.FromString
        )
        async with self._room:
            try:
                return await asked(request, metadata=shown)
            except grpc.aio.AioRpcError as error:
                if error.code() is grpc.StatusCode.UNAVAILABLE:
                    raise AppUnreachable(self._silence(error.details() or "")) from None
                raise

    async def listens(self) -> bool:
        """Whether somebody listens at the app's port."""
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(self.app.app_host, self.app.app_port), _CONNECT_SECONDS)
        except (OSError, TimeoutError):
            return False
        writer.close()
        return True

    def _silence(self, why: str) -> str:
        return f"{self.app.label} does not answer at port {self.app.app_port}: {why}"

    async def close(self) -> None:
        """Let go of the connections."""
        if self._http is not None:
            await self._http.aclose()
        if self._grpc is not None:
            await self._grpc.close()


def raw_path(path: str, query: str = "") -> bytes:
    """A path as it goes over the wire, with what cannot stand there in percents."""
    target = httpx.URL(path=f"/{path.lstrip('/')}").raw_path
    return target + b"?" + query.encode("ascii", "ignore") if query else target


def _single_encoding(headers: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Without ours where the caller has said which encodings it takes."""
    is_said = sum(name.lower() == "accept-encoding" for name, _ in headers) > 1
    return list(headers[1:] if is_said else headers)
