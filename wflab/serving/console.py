"""`wflab run -f dapr.yaml`: the apps of a run file on a console, each line with the app that wrote it, until all have ended or somebody presses Ctrl-C."""

import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TextIO

from wfengine.gateway.launching.output import OutputLine
from wfengine.gateway.launching.program import prefixed
from wflab.serving.apps import Apps
from wflab.serving.serving import Serving

_LOOK_SECONDS = 0.2
_COLOURS = (36, 33, 35, 32, 34, 31)  # of a terminal, in the order of the apps


def run_on_console(serving: Serving, run_file: str | Path, out: TextIO = sys.stdout) -> int:
    """Run them; 0 where all ended well or were told to end, 1 where one failed. For the main thread: it takes SIGINT and SIGTERM as the wish to end."""
    told = threading.Event()
    before = {number: signal.signal(number, _teller(told)) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        apps = serving.run_file(run_file)
        _announce(apps, out)
        _follow(apps, out)
        while not told.wait(_LOOK_SECONDS) and _goes_on(apps):
            pass
        failed = [app.id for app in apps.values() if app.state == "failed"]
        if told.is_set():
            print("Ending all apps.", file=out, flush=True)
        apps.stop()
        return 1 if failed else 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _teller(told: threading.Event) -> Callable[[int, FrameType | None], None]:
    return lambda *_: told.set()


def _goes_on(apps: Apps) -> bool:
    """An app without a program is there for one that somebody starts by hand, so it goes on as long as the console does."""
    return any(app.is_alive or app.state == "served" for app in apps.values())


def _announce(apps: Apps, out: TextIO) -> None:
    for note in apps.notes:
        print(f"note: {note}", file=out)
    for app in apps.values():
        print(f"{app.id}: sidecar at HTTP {app.http_port} and gRPC {app.grpc_port}", file=out)
    print("Ctrl-C ends all apps.", file=out, flush=True)


def _follow(apps: Apps, out: TextIO) -> None:
    lock = threading.Lock()  # of the console: a line stays whole
    is_terminal = out.isatty()
    for place, app in enumerate(app for app in apps.values() if app.state != "served"):
        colour = _COLOURS[place % len(_COLOURS)] if is_terminal else None
        app.output.listen(_printer(out, lock, colour), from_the_first=True)


def _printer(out: TextIO, lock: threading.Lock, colour: int | None) -> Callable[[OutputLine], None]:
    def show(line: OutputLine) -> None:
        text = prefixed(line)
        if colour is not None:
            head = f"== APP - {line.app_id} =="
            text = f"\x1b[{colour}m{head}\x1b[0m{text.removeprefix(head)}\x1b[0m"
        with lock:
            print(text, file=out, flush=True)

    return show
