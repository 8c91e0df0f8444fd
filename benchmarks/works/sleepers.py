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
from wfengine.model.instance import Instance
from wfengine.runtime.engine import Engine


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
            fall_asleep(engine, count)
            seconds = time.perf_counter() - begin
        engine.store.flush()
        grown = _resident_bytes() - memory
    return {"value": count / seconds, "bytes_each": max(grown, 0) / count}


def fall_asleep(engine: Engine, count: int) -> None:
    """Start so many and wait until the timer of each is durable."""
    asleep: set[str] = set()
    all_asleep = threading.Event()

    def listen(changed: list[Instance]) -> None:
        asleep.update(instance.instance_id for instance in changed if instance.name == sleeper.__name__ and instance.turn)
        if len(asleep) == count:
            all_asleep.set()

    stop_listening = engine.listen(listen)
    for number in range(count):
        engine.schedule_new_workflow_soon(sleeper, input=f"sleeper {number}")
    assert all_asleep.wait(60)
    stop_listening()


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
