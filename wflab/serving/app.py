"""The handle of one app: its sidecar, and its program, if the lab has started one."""

from datetime import UTC, datetime
from html import escape
from typing import Any

from wfengine.errors import InvalidArgument
from wfengine.gateway.apps import App
from wfengine.gateway.gateway import Gateway
from wfengine.gateway.launching.output import Output
from wfengine.gateway.launching.program import Program

_LAST_LINES = 12
_LONGEST_SHOWN = 200


class RunningApp:
    """`lab.run_app(...)`, or `lab.apps["orders"]`. Any thread may call it; `stop` and `restart` wait until it is done."""

    def __init__(self, app: App, program: Program | None, gateway: Gateway) -> None:
        self._app = app
        self._program = program
        self._gateway = gateway

    @property
    def id(self) -> str:
        """Its app id."""
        return self._app.app_id or ""

    @property
    def state(self) -> str:
        """`running`, `stopped` (as asked), `exited` (by itself, with 0), `failed` (with anything else), or `served`: the lab has only opened its sidecar."""
        return "served" if self._program is None else self._program.state

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return self._program.pid if self._program is not None and self._program.is_alive else None

    @property
    def exit_code(self) -> int | None:
        """How it ended; negative for a signal. None while it runs."""
        return None if self._program is None or self._program.is_alive else self._program.exit_code

    @property
    def port(self) -> int | None:
        """Where the program itself listens, if it does."""
        return self._app.app_port

    @property
    def http_port(self) -> int:
        """Its sidecar's."""
        return self._app.http_port

    @property
    def grpc_port(self) -> int:
        """Its sidecar's."""
        return self._app.grpc_port

    @property
    def workers(self) -> int:
        """How many workers of it are connected: streams on which it takes workflows and activities."""
        return self._gateway.hub.count_workers(self._app.app_id)

    @property
    def subscriptions(self) -> list[str]:
        """What it subscribes to, as `broker/topic`; known once it listens and has been asked."""
        return [f"{broker}/{topic}" for broker, topic in self._gateway.subscriptions(self._app.app_id)]

    @property
    def is_alive(self) -> bool:
        """Whether its program runs."""
        return self._program is not None and self._program.is_alive

    @property
    def output(self) -> Output:
        """What it has written: print it, iterate over its lines (`.at`, `.stream`, `.text`), or `.listen`. Raises InvalidArgument where there is no program."""
        return self._known().output

    def stop(self) -> None:
        """End the program with all it has started: SIGTERM, then SIGKILL. Its sidecar stays."""
        self._known().stop()

    def restart(self) -> None:
        """End the program, and start it again."""
        self._known().restart()

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait until the program has ended; whether it has."""
        return self._known().wait(timeout_seconds)

    def close(self) -> None:
        """End the program, if there is one."""
        if self._program is not None:
            self._program.stop()

    def let_go(self) -> None:
        """Have the program end, without waiting."""
        if self._program is not None:
            self._program.let_go()

    def row(self) -> dict[str, Any]:
        """What `lab.apps` shows of it."""
        program = self._program
        lines = [] if program is None else program.output.lines()[-1:]
        return {
            "app": self.id,
            "state": self.state,
            "pid": self.pid,
            "port": self.port,
            "http_port": self.http_port,
            "grpc_port": self.grpc_port,
            "workers": self.workers,
            "subscriptions": self.subscriptions,
            "starts": 0 if program is None else program.starts,
            "since": None if program is None or program.started_at is None else program.started_at.astimezone(UTC),
            "last_line": lines[0].plain[:_LONGEST_SHOWN] if lines else "",
        }

    def _known(self) -> Program:
        if self._program is None:
            raise InvalidArgument(
                f"The lab has not started {self.id}, only opened its sidecar: start it yourself with "
                f"DAPR_HTTP_PORT={self.http_port} DAPR_GRPC_PORT={self.grpc_port}, or pass lab.run_app() a command."
            )
        return self._program

    def __repr__(self) -> str:
        code = f" ({self.exit_code})" if self.exit_code else ""
        return f"{self.id}: {self.state}{code}, sidecar at HTTP {self.http_port} and gRPC {self.grpc_port}"

    def _repr_html_(self) -> str:
        lines = [] if self._program is None else self._program.output.lines()[-_LAST_LINES:]
        shown = "\n".join(f"{_clock(line.at)}  {line.plain}" for line in lines)
        output = f"<pre>{escape(shown)}</pre>" if shown else ""
        return f"<p><b>{escape(self.id)}</b>: {escape(repr(self).removeprefix(f'{self.id}: '))}</p>{output}"


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S}"
