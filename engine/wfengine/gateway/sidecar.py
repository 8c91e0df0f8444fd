"""One app's sidecar: a gRPC port and an HTTP port, as daprd opens beside an app. Which sidecar a call comes in by says who calls."""

import asyncio
import logging
import socket
from collections.abc import Callable, Sequence

import grpc
import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from wfengine.gateway import ports
from wfengine.gateway.apps import App
from wfengine.gateway.calls import CallLog
from wfengine.gateway.connections import impatient
from wfengine.gateway.guard import Guard
from wfengine.gateway.logged import Logged
from wfengine.gateway.options import Options
from wfengine.gateway.refusals import Refusal, of_error
from wfengine.gateway.rooms import Room
from wfengine.gateway.rpcs import Watched

Service = Callable[[App], grpc.GenericRpcHandler]
RUNTIME = "dapr.proto.runtime.v1.Dapr"
_CLOSE_WITHIN_SECONDS = 2.0
_log = logging.getLogger("wfengine.gateway")


class Sidecar:
    """Two servers for one app. `open` and `close` are for the gateway's loop; `app` and the addresses for anybody, once it is open."""

    def __init__(self, app: App, options: Options, calls: CallLog, rooms: Sequence[Room], services: Sequence[Service]) -> None:
        self.app = app
        self._options = options
        self._calls = calls
        self._rooms = rooms
        self._services = services
        self._grpc: grpc.aio.Server | None = None
        self._http: _HttpServer | None = None
        self._serving: asyncio.Task[None] | None = None

    @property
    def grpc_address(self) -> str:
        """Host and port, as gRPC's clients take them."""
        return f"{self._options.host}:{self.app.grpc_port}"

    @property
    def http_address(self) -> str:
        """The beginning of every URL."""
        return f"http://{self._options.host}:{self.app.http_port}"

    async def open(self) -> None:
        """Listen on both ports, or on none. Raises PortInUse."""
        listener = ports.listening(self._options.host, self.app.http_port, "http_port")
        try:
            self.app = msgspec.structs.replace(self.app, http_port=listener.getsockname()[1])
            self._grpc, grpc_port = self._grpc_server()
            self.app = msgspec.structs.replace(self.app, grpc_port=grpc_port)
            for service in self._services:
                self._grpc.add_generic_rpc_handlers((service(self.app),))
            runtime = {name: handler for room in self._rooms for name, handler in room.rpcs(self.app).items()}
            self._grpc.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(RUNTIME, runtime),))
            await self._grpc.start()
        except BaseException:
            listener.close()
            raise
        self._http = _HttpServer(self._http_config())
        self._serving = asyncio.create_task(self._http.serve(sockets=[listener]))
        await self._http.listens.wait()

    async def close(self) -> None:
        """Stop listening; calls under way have a moment to end."""
        if self._grpc is not None:
            await self._grpc.stop(grace=_CLOSE_WITHIN_SECONDS / 2)
        if self._http is not None and self._serving is not None:
            self._http.should_exit = True
            done, _ = await asyncio.wait({self._serving}, timeout=_CLOSE_WITHIN_SECONDS)
            if not done:
                self._http.force_exit = True
                await asyncio.wait({self._serving}, timeout=_CLOSE_WITHIN_SECONDS)

    def _grpc_server(self) -> tuple[grpc.aio.Server, int]:
        server = grpc.aio.server(
            interceptors=(Watched(self.app, self._calls),),
            options=(
                ("grpc.so_reuseport", 0),  # else two labs would share a port, and calls, without a word
                ("grpc.max_receive_message_length", self._options.max_message_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_metadata_size", 64 * 1024),
                # Dapr's SDK for Python pings every 30 s, also when idle; by default the third such ping ends the connection.
                ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
                ("grpc.keepalive_permit_without_calls", 1),
            ),
        )
        try:
            return server, server.add_insecure_port(f"{self._options.host}:{self.app.grpc_port}")
        except RuntimeError:
            raise ports.in_use(self.app.grpc_port, "grpc_port") from None

    def _http_config(self) -> uvicorn.Config:
        routes = [route for room in self._rooms for route in room.routes(self.app)]
        inner = Starlette(routes=routes, exception_handlers={HTTPException: _unknown, Exception: _refused, Refusal: _refused})
        return uvicorn.Config(
            Logged(Guard(inner, self._options, self.app.api_token), self.app, self._calls),
            http=impatient(self._options.header_seconds),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            h11_max_incomplete_event_size=2 * self._options.max_header_bytes,
            limit_concurrency=self._options.max_connections,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=1,
        )


class _HttpServer(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's; whatever comes of it, nobody waits for ever."""
        try:
            await super().startup(sockets)
        finally:
            self.listens.set()


async def _refused(request: Request, error: Exception) -> Response:  # noqa: ARG001  # Starlette's signature
    refusal = of_error(error)
    return JSONResponse({"errorCode": refusal.error_code, "message": refusal.message}, refusal.http)


async def _unknown(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    reason = {404: "There is nothing at", 405: "This cannot be done with"}.get(status, "Refused:")
    return JSONResponse({"errorCode": "ERR_METHOD_NOT_FOUND", "message": f"{reason} {request.method} {request.url.path}."}, status)
