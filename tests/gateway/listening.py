"""An app with an HTTP port, in a thread of the test: it keeps what it was sent, and answers as it is told."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


class Heard(NamedTuple):
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


class HttpApp:
    """`answer` gives the response to what is heard; `subscriptions` what GET /dapr/subscribe says."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.subscriptions: list[dict[str, Any]] = []
        self.answer: Callable[[Heard], Response] = lambda _: Response(status_code=200)
        self.port = 0

    def at(self, path: str) -> list[Heard]:
        return [one for one in self.heard if one.path == path]

    async def handle(self, request: Request) -> Response:
        if request.url.path == "/dapr/subscribe":
            return JSONResponse(self.subscriptions)
        raw = request.scope["raw_path"].decode()
        heard = Heard(request.method, raw, request.url.query, dict(request.headers), await request.body())
        self.heard.append(heard)
        return self.answer(heard)

    @contextmanager
    def listening(self, port: int = 0) -> Iterator["HttpApp"]:
        listener = socket.create_server(("127.0.0.1", port))
        self.port = listener.getsockname()[1]
        methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]
        served = Starlette(routes=[Route("/{path:path}", self.handle, methods=methods)])
        server = uvicorn.Server(uvicorn.Config(served, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.should_exit = True
            thread.join(timeout=10)
            listener.close()
