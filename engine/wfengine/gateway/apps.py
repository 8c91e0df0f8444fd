"""An app: a program with an id of its own, and the ports by which it and its sidecar find each other."""

from typing import Literal

import msgspec

from wfengine.errors import InvalidArgument

AppProtocol = Literal["http", "grpc"]
LAB = "the lab"  # how the app without an id is called in sentences
_HIGHEST_PORT = 65535


class App(msgspec.Struct, frozen=True, kw_only=True):
    """One app as it is to be served, or as it is served; then its sidecar's ports are the real ones.

    `app_id` None is the lab's own. `app_port` is where the program itself listens, `grpc_port` and `http_port` where its sidecar does (0: any free
    port). `api_token` is what the app has to show (`dapr-api-token`), `app_api_token` what it is shown. `state` is a word for people.
    """

    app_id: str | None = None
    app_port: int | None = None
    app_protocol: AppProtocol = "http"
    app_host: str = "127.0.0.1"
    grpc_port: int = 0
    http_port: int = 0
    api_token: str | None = None
    app_api_token: str | None = None
    max_concurrency: int | None = None
    command: tuple[str, ...] = ()
    state: str = "served"

    def __post_init__(self) -> None:
        if self.app_id is not None:
            checked_app_id(self.app_id)
        if self.app_protocol not in {"http", "grpc"}:
            raise InvalidArgument(f"app_protocol is 'http' or 'grpc', not {self.app_protocol!r}.")
        for name, port, least in (("app_port", self.app_port, 1), ("grpc_port", self.grpc_port, 0), ("http_port", self.http_port, 0)):
            if port is not None and (isinstance(port, bool) or not isinstance(port, int) or not least <= port <= _HIGHEST_PORT):
                raise InvalidArgument(f"{name} is a number from {least} to {_HIGHEST_PORT}, not {port!r}.")

    @property
    def label(self) -> str:
        """The app's name in a sentence."""
        return LAB if self.app_id is None else self.app_id


def checked_app_id(app_id: object) -> str:
    """An id that can stand in a path and before `||` in a key of state. Raises InvalidArgument."""
    longest = 256
    is_word = isinstance(app_id, str) and app_id.isprintable() and not set(app_id) & set("/|?# ")
    if not is_word or not isinstance(app_id, str) or not 0 < len(app_id) <= longest:
        raise InvalidArgument(
            f"An app id is a word of up to {longest} characters without spaces, '/', '|', '?' or '#', not {app_id!r:.80}."
        )
    return app_id
