"""Ten thousand workflows that sleep for a day: how fast they fall asleep, and what each takes of the memory."""

import gc
import resource
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measuring import Figures, Goal, Work
from benchmarks.works.steps import Steps
from wfengine.core.context import WorkflowContext
from wfengine.runtime.engine import Engine

STARTERS = 16  # a start returns when it is durable, so that only callers side by side can share a sync


def sleeper(ctx: WorkflowContext, name: str) -> Steps:
    """Sleep."""
    yield ctx.create_timer(timedelta(days=1))
    return name


def measure(bench: Bench) -> Figures:
    """Until each one's timer is durable. Memory is what the process grew by."""
    count = bench.sized(10_000)
    with bench.engine([sleeper], []) as engine:
        engine.wait_for_workflow_start(engine.schedule_new_workflow(sleeper, input="first"), 60)
        memory = _resident_bytes()
        with bench.profiled(engine):
            begin = time.perf_counter()
            _fall_asleep(engine, count)
            seconds = time.perf_counter() - begin
        engine.store.flush()
        grown = _resident_bytes() - memory
    return {"value": count / seconds, "bytes_each": max(grown, 0) / count}


def _fall_asleep(engine: Engine, count: int) -> None:
    started: list[str] = []

    def start(first: int) -> None:
        for number in range(first, count, STARTERS):
            started.append(engine.schedule_new_workflow(sleeper, input=f"sleeper {number}"))  # noqa: PERF401  # threads share the list

    starters = [threading.Thread(target=start, args=(first,), name="starter") for first in range(STARTERS)]
    for thread in starters:
        thread.start()
    for thread in starters:
        thread.join()
    for each in started:
        engine.wait_for_workflow_start(each, 60)
    assert len(started) == count


def _resident_bytes() -> int:
    gc.collect()
    if sys.platform == "linux":
        return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * resource.getpagesize()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # the highest so far, which is now


WORK = Work(
    name="sleepers",
    what="10,000 sleeping workflows",
    unit="started/s",
    measure=measure,
    goals=(Goal("value", 5000, "at least"), Goal("bytes_each", 10 * 1024, "at most")),
)
