"""Where one repetition works: its directory, its sizes, an engine on a store of its own, and the profiler when it is asked for."""

import cProfile
import io
import pstats
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wfengine.runtime.engine import Engine
from wfengine.store.store import Store

Function = Callable[..., Any]
PROFILE_LINES = 25


class Bench:
    """One repetition of one row. `scale` shrinks the sizes; `events` is how many the large file holds."""

    def __init__(self, directory: Path, *, scale: float = 1.0, events: int = 1_000_000, is_profiled: bool = False) -> None:
        self.directory = directory
        self.events = events
        self.profile = ""
        self._scale = scale
        self._is_profiled = is_profiled

    @property
    def database(self) -> Path:
        """The repetition's own lab."""
        return self.directory / "bench.duckdb"

    def sized(self, full: int) -> int:
        """The size to work with, where `full` is the row's own."""
        return max(2, round(full * self._scale))

    @contextmanager
    def engine(self, workflows: Iterable[Function], activities: Iterable[Function]) -> Iterator[Engine]:
        """A running engine on `database`, with these defined."""
        engine = Engine(Store.open(self.database))
        for workflow in workflows:
            engine.register_workflow(workflow)
        for activity in activities:
            engine.register_activity(activity)
        with engine:
            yield engine

    @contextmanager
    def profiled(self, engine: Engine) -> Iterator[None]:
        """Watch the engine's thread meanwhile, if asked: its functions by their own time, and the processor time of every thread."""
        if not self._is_profiled:
            yield
            return
        profiler = cProfile.Profile()
        before, begin, spent = _thread_seconds(), time.perf_counter(), time.process_time()
        engine.in_engine(lambda ack: _settle(ack, profiler.enable))
        yield
        engine.in_engine(lambda ack: _settle(ack, profiler.disable))
        elapsed, spent, after = time.perf_counter() - begin, time.process_time() - spent, _thread_seconds()
        told = io.StringIO()
        pstats.Stats(profiler, stream=told).sort_stats("tottime").print_stats(PROFILE_LINES)
        busy = {name: seconds - before.get(name, 0.0) for name, seconds in after.items()}
        busy["(threads that have ended)"] = max(spent - sum(busy.values()), 0.0)
        shares = "\n".join(f"  {seconds:8.3f} s  {name}" for name, seconds in sorted(busy.items(), key=lambda pair: -pair[1]))
        self.profile = f"{elapsed:.3f} s elapsed; processor time by thread:\n{shares}\n{told.getvalue()}"


def _settle(ack: "Future[None]", act: Callable[[], Any]) -> None:
    act()
    ack.set_result(None)


def _thread_seconds() -> dict[str, float]:
    """Processor seconds so far by thread name; threads of one name are added up. Linux only; empty elsewhere."""
    seconds: dict[str, float] = {}
    if sys.platform == "linux":
        for thread in threading.enumerate():
            spent = Path(f"/proc/self/task/{thread.native_id}/schedstat")
            if spent.exists():
                seconds[thread.name] = seconds.get(thread.name, 0.0) + int(spent.read_text("ascii").split()[0]) / 1e9
    return seconds
