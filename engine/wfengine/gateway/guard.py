"""Who may call by HTTP, and how much: the door in front of a sidecar's application.

Three kinds of strangers are kept out: who does not show the app's token, a web page in somebody's browser (`Origin`, `Sec-Fetch-Site`), and one that
made its own name point at this machine (`Host`). What is too large or comes too slowly is refused before anybody reads it.
"""

import asyncio
import hmac
from contextlib import suppress
from time import monotonic

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wfengine.gateway.options import Options
from wfengine.gateway.refusals import Refusal

TOKEN_HEADER = "dapr-api-token"  # noqa: S105  # its name, not a secret
OPEN_PATHS = frozenset(("/v1.0/healthz", "/v1.0/healthz/outbound"))  # a supervisor asks these without a token
_LOCAL_NAMES = frozenset(("localhost", "127.0.0.1", "[::1]"))
_OUR_OWN_PAGES = frozenset(("same-origin", "none"))


def is_token(shown: str | None, wanted: str | None) -> bool:
    """Whether the right token is shown; the comparison takes as long whatever is wrong with it."""
    return wanted is None or (shown is not None and hmac.compare_digest(shown.encode("utf-8", "replace"), wanted.encode()))


class Guard:
    """An ASGI application in front of another: lets a request pass, or answers it."""

    def __init__(self, inner: ASGIApp, options: Options, api_token: str | None) -> None:
        self._inner = inner
        self._options = options
        self._api_token = api_token
        self._hosts = _LOCAL_NAMES | {name.lower() for name in (options.host, *options.allowed_hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope["path"], headers)
        if refusal is not None:
            await self._answer(refusal, scope, receive, send)
            return
        began = False

        async def noted(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._inner(scope, _Measured(receive, self._options), noted)
        except Refusal as error:
            if not began:
                await self._answer(error, scope, receive, send)

    def _refusal(self, path: str, headers: Headers) -> Refusal | None:
        if sum(len(name) + len(value) for name, value in headers.raw) > self._options.max_header_bytes:
            return Refusal(431, "ERR_HEADERS_TOO_LARGE", f"The headers have more than {self._options.max_header_bytes} bytes. Send less.")
        host = headers.get("host", "").lower()
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        checks_host = self._options.is_local or self._options.allowed_hosts
        if checks_host and name not in self._hosts:
            return Refusal(
                403,
                "ERR_HOST_NOT_ALLOWED",
                f"This machine is not called {name!r} here. Call it localhost or 127.0.0.1, or start the gateway with allowed_hosts.",
            )
        origin = headers.get("origin")
        if origin is not None and origin not in self._options.allowed_origins:
            return Refusal(403, "ERR_ORIGIN_NOT_ALLOWED", f"The page {origin!r} may not call this. Start the gateway with allowed_origins.")
        if origin is None and headers.get("sec-fetch-site", "none") not in _OUR_OWN_PAGES:
            return Refusal(403, "ERR_ORIGIN_NOT_ALLOWED", "A page of another site may not call this.")
        if path not in OPEN_PATHS and not is_token(headers.get(TOKEN_HEADER), self._api_token):
            return Refusal(401, "ERR_API_TOKEN", f"Show the API token of this sidecar in the header {TOKEN_HEADER}.")
        length = headers.get("content-length")
        if length is not None and length.isdecimal() and int(length) > self._options.max_body_bytes:
            return too_large(self._options)
        return None

    async def _answer(self, refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
        answer = JSONResponse({"errorCode": refusal.error_code, "message": refusal.message}, refusal.http, {"connection": "close"})
        with suppress(OSError):
            await answer(scope, receive, send)


class _Measured:
    """What is received of a body: so much, within such a time."""

    def __init__(self, receive: Receive, options: Options) -> None:
        self._receive = receive
        self._options = options
        self._seen = 0
        self._deadline = monotonic() + options.body_seconds
        self._is_whole = False

    async def __call__(self) -> Message:
        if self._is_whole:  # what comes now is that the caller leaves, and that may take as long as it likes
            return await self._receive()
        try:
            async with asyncio.timeout(max(0.0, self._deadline - monotonic())):
                message = await self._receive()
        except TimeoutError:
            raise Refusal(408, "ERR_REQUEST_TIMEOUT", f"The body did not come within {self._options.body_seconds:g} s.") from None
        self._seen += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
        if self._seen > self._options.max_body_bytes:
            raise too_large(self._options)
        return message


def too_large(options: Options) -> Refusal:
    """The refusal of a body beyond the limit."""
    return Refusal(
        413,
        "ERR_BODY_TOO_LARGE",
        f"The body has more than {options.max_body_bytes} bytes. Start the gateway with a larger max_body_bytes, or send less.",
    )
