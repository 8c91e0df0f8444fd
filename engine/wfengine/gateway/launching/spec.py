"""What is to be started: one program and the sidecar it is given, as `dapr run` or an entry of a run file says it. Plain data."""

import re
import shlex
from pathlib import Path
from typing import Literal, cast, get_args

import msgspec

from wfengine.errors import InvalidArgument

Protocol = Literal["http", "grpc", "https", "grpcs", "h2c"]
LogDestination = Literal["console", "file", "fileAndConsole"]
_APP_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,254}")


class ProgramSpec(msgspec.Struct, frozen=True, kw_only=True):
    """`app_port` is where the program listens (None where it does not), the sidecar's ports are 0 for any that is free.

    `max_concurrency` is how many calls the program is given at a time. `command` is empty where only the sidecar is wanted. `directory` is where it runs. `env` comes on top of ours and of the lab's own environment.
    `log_destination` says where its output goes beside the lab, which always has it: "file" and "fileAndConsole" add `directory`/.dapr/logs.
    """

    app_id: str
    directory: Path
    command: tuple[str, ...] = ()
    app_port: int | None = None
    app_protocol: Protocol = "http"
    app_host: str = "127.0.0.1"
    max_concurrency: int | None = None
    http_port: int = 0
    grpc_port: int = 0
    env: dict[str, str] = {}
    resources: tuple[Path, ...] = ()
    log_destination: LogDestination = "console"


def checked_app_id(app_id: object, where: str = "app_id") -> str:
    """The id, if it can be one: it stands in paths and headers. Raises InvalidArgument."""
    if not isinstance(app_id, str) or not _APP_ID.fullmatch(app_id):
        raise InvalidArgument(f"{where}: {app_id!r} cannot be an app's id. Use letters, digits, '-', '_' and '.', such as order-service.")
    return app_id


def checked_port(port: object, where: str, *, least: int = 0) -> int:
    """The port. Raises InvalidArgument."""
    if not isinstance(port, int) or isinstance(port, bool) or not least <= port <= 65_535:  # noqa: PLR2004  # TCP's largest
        raise InvalidArgument(
            f"{where}: {port!r} is no port. Write a number from {least} to 65535{' (0: any free one)' if not least else ''}."
        )
    return port


def checked_command(written: object, where: str = "command") -> tuple[str, ...]:
    """The words of a command; a text is taken apart as a shell would. Raises InvalidArgument."""
    try:
        words = [] if written is None else shlex.split(written) if isinstance(written, str) else written
    except ValueError as error:
        raise InvalidArgument(f"{where}: {written!r}: {error}.") from None
    if not isinstance(words, list | tuple) or not all(isinstance(word, str | int | float | Path) for word in words):
        raise InvalidArgument(f'{where}: a list of words, such as ["python3", "app.py"].')
    return tuple(str(word) for word in words)


def checked_protocol(written: object, where: str = "app_protocol") -> Protocol:
    """How the app is called. Raises InvalidArgument."""
    if written not in get_args(Protocol):
        raise InvalidArgument(f"{where}: {written!r} is none of {', '.join(get_args(Protocol))}.")
    return cast("Protocol", written)
