"""A program that runs beside its sidecar: started, watched, stopped with everything it has started, and started again on demand."""

import json
import os
import selectors
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal

from wfengine.errors import InvalidArgument
from wfengine.gateway.launching.output import LineReader, Output, OutputLine, Stream
from wfengine.gateway.launching.spec import ProgramSpec

State = Literal["ready", "running", "stopping", "stopped", "exited", "failed"]
GRACE_SECONDS = 5.0
_GUARD = Path(__file__).with_name("guard.py")
_CHUNK = 65_536
_LAST_WORDS_SECONDS = 1.0


class Program:
    """`start`, `stop` and `restart` are for any thread, one at a time; a daemon thread reads what the program writes.

    `state` is ready, running, stopping, stopped (as asked), exited (by itself, with 0) or failed (with anything else, or never started).
    `changed` is called at each change of the state, on whatever thread; it must return at once.
    """

    def __init__(
        self, spec: ProgramSpec, env: Mapping[str, str], *, changed: Callable[[], None] = lambda: None, grace_seconds: float = GRACE_SECONDS
    ) -> None:
        self.spec = spec
        self.output = Output(spec.app_id)
        self.state: State = "ready"
        self.pid: int | None = None
        self.exit_code: int | None = None
        self.started_at: datetime | None = None
        self.starts = 0
        self._env = dict(env)
        self._changed = changed
        self._grace_seconds = grace_seconds
        self._acting = threading.RLock()  # of start, stop and restart
        self._end: socket.socket | None = None
        self._over = threading.Event()
        self._over.set()
        self._begun = threading.Event()
        self._log: IO[str] | None = None

    @property
    def is_alive(self) -> bool:
        """Whether anything of it may be running."""
        return not self._over.is_set()

    def start(self) -> None:
        """Start it; where it runs already, nothing happens. Raises InvalidArgument where it cannot be started, with what to mend."""
        with self._acting:
            if self.is_alive:
                return
            if not self.spec.command:
                raise InvalidArgument(f"{self.spec.app_id} has no command, only a sidecar: start the program yourself, with its ports.")
            self._begin()
            self._begun.wait()
            if self.state == "failed" and self.pid is None:
                raise InvalidArgument(f"{self.spec.app_id}: {self.output.lines()[-1].text}")

    def stop(self) -> None:
        """SIGTERM to it and all it has started; what is there after the grace gets SIGKILL. Returns when nothing is left."""
        with self._acting:
            self.let_go()
            self._over.wait()

    def let_go(self) -> None:
        """Have it stopped, without waiting."""
        end = self._end
        if end is not None and self.is_alive:
            self._become("stopping")
            with suppress(OSError):  # it has ended by itself
                end.shutdown(socket.SHUT_WR)

    def restart(self) -> None:
        """Stop it, and start it again."""
        with self._acting:
            self.stop()
            self.start()

    def wait(self, timeout_seconds: float | None = None) -> bool:
        """Wait until it has ended; whether it has."""
        return self._over.wait(timeout_seconds)

    def _begin(self) -> None:
        mine, its = socket.socketpair()
        command = [sys.executable, "-I", "-S", str(_GUARD), str(its.fileno()), str(self._grace_seconds), *self.spec.command]
        try:
            guard = subprocess.Popen(
                command,
                cwd=self.spec.directory,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(its.fileno(),),
                start_new_session=True,  # Ctrl-C in the lab's terminal is the lab's
            )
        except OSError as error:
            mine.close()
            raise InvalidArgument(f"{self.spec.app_id} cannot be started in {self.spec.directory}: {error.strerror or error}.") from None
        finally:
            its.close()
        self._end, self.pid, self.exit_code = mine, None, None
        self._over.clear()
        self._begun.clear()
        self.starts += 1
        self.started_at = datetime.now(UTC)
        self._log = _log_file(self.spec, self.started_at)
        threading.Thread(target=self._follow, args=(guard, mine), name=f"wflab-app-{self.spec.app_id}", daemon=True).start()

    def _follow(self, guard: "subprocess.Popen[bytes]", end: socket.socket) -> None:
        """Read all that it writes, and what its guard tells of it, until both are over."""
        readers = {stream: LineReader(self._writer(stream)) for stream in ("out", "err")}
        told = LineReader(self._heard)
        with selectors.DefaultSelector() as selector, end:
            selector.register(end, selectors.EVENT_READ, told)
            for stream, pipe in (("out", guard.stdout), ("err", guard.stderr)):
                if pipe is not None:
                    selector.register(pipe, selectors.EVENT_READ, readers[stream])
            while selector.get_map():
                ready = selector.select(_LAST_WORDS_SECONDS if end not in _watched(selector) else None)
                if not ready:  # the program has ended, and somebody outside of its group holds its output open
                    break
                for key, _ in ready:
                    chunk = _read(key.fd)
                    if chunk:
                        key.data.feed(chunk)
                        continue
                    key.data.end()
                    selector.unregister(key.fileobj)
        for pipe in (guard.stdout, guard.stderr):
            if pipe is not None:
                pipe.close()
        guard.wait()
        self._finish()

    def _writer(self, stream: Stream) -> Callable[[str], None]:
        def write(text: str) -> None:
            self.output.add(stream, text)
            if self._log is not None:
                self._log.write(text + "\n")
                self._log.flush()

        return write

    def _heard(self, text: str) -> None:
        told = json.loads(text)
        if "pid" in told:
            self.pid = told["pid"]
            self._become("running")
        elif "exit" in told:
            self.exit_code = told["exit"]
        else:
            self.output.add("lab", _cannot_start(self.spec, told["error"]))
            self._become("failed")
        self._begun.set()

    def _finish(self) -> None:
        self._end = None
        if self._log is not None:
            self._log.close()
            self._log = None
        code = self.exit_code
        if self.state == "stopping":
            self._become("stopped")
        elif self.state != "failed":
            if code:
                how = f"signal {-code}" if code < 0 else f"exit code {code}"
                self.output.add("lab", f"ended with {how}")
            elif code is None:
                self.output.add("lab", "its guard was killed; something of it may still run")
            self._become("exited" if code == 0 else "failed")
        self._over.set()
        self._begun.set()
        self._changed()

    def _become(self, state: State) -> None:
        self.state = state
        self._changed()

    def __repr__(self) -> str:
        return f"{self.spec.app_id}: {self.state}"


def _watched(selector: selectors.BaseSelector) -> list[object]:
    return [key.fileobj for key in selector.get_map().values()]


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, _CHUNK)
    except OSError:  # the guard was killed
        return b""


def _cannot_start(spec: ProgramSpec, reason: str) -> str:
    program = spec.command[0]
    advice = "Is it installed, and on PATH?" if "/" not in program else f"The path starts at {spec.directory}."
    return f"{program!r} cannot be started: {reason}. {advice}"


def _log_file(spec: ProgramSpec, at: datetime) -> IO[str] | None:
    if spec.log_destination == "console":
        return None
    folder = spec.directory / ".dapr" / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return (folder / f"{spec.app_id}_app_{at:%Y%m%d%H%M%S}.log").open("a", encoding="utf-8")


def prefixed(line: OutputLine) -> str:
    """As `dapr run -f` prints it."""
    return f"== APP - {line.app_id} == {line.text}"
