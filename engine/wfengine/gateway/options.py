"""How a gateway is served: where, to whom, and how much at once."""

import ipaddress

import msgspec

from wfengine.errors import InvalidArgument

MEBIBYTE = 1024 * 1024
GRPC_PORT = 50001
HTTP_PORT = 3500


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The ports are those of the lab's own sidecar; those of apps stand in each `App`.

    Without `api_token` anybody on this machine may call, and nobody else: another `host` needs a token. `allowed_hosts` are further names by which
    this machine may be called, `allowed_origins` the web pages that may. Sizes are bytes, times seconds.
    """

    host: str = "127.0.0.1"
    grpc_port: int = GRPC_PORT
    http_port: int = HTTP_PORT
    api_token: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    max_body_bytes: int = 4 * MEBIBYTE
    max_message_bytes: int = 64 * MEBIBYTE  # gRPC: a worker hands in whole turns
    max_header_bytes: int = 32 * 1024
    max_connections: int = 2_000
    header_seconds: float = 10.0
    body_seconds: float = 30.0
    kept_calls: int = 100_000

    def __post_init__(self) -> None:
        for name in (
            "max_body_bytes",
            "max_message_bytes",
            "max_header_bytes",
            "max_connections",
            "header_seconds",
            "body_seconds",
            "kept_calls",
        ):
            if not getattr(self, name) > 0:
                raise InvalidArgument(f"{name} must be more than 0, not {getattr(self, name)!r}.")
        if self.api_token is not None and not self.api_token.strip():
            raise InvalidArgument("api_token is empty. Pass a secret, or leave it out to serve only this machine without one.")
        if not self.is_local and self.api_token is None:
            raise InvalidArgument(
                f"The gateway would be open to whoever reaches {self.host}. Pass an api_token (callers show it as dapr-api-token), or bind it to 127.0.0.1."
            )

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False
