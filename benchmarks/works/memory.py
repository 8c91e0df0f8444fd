"""What a lab holds in memory when much is going on in it: workflows that sleep, and live ones whose histories somebody looks at."""

import ctypes
import gc
import math
import time
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measuring import Figures, Goal, Work
from benchmarks.works.sleepers import fall_asleep, sleeper
from benchmarks.works.steps import Steps, add_one
from wfengine.core.context import WorkflowContext
from wfengine.runtime.engine import Engine

ACTIVITIES = 20  # of a live run: with its start, its wait and a word each for call and result, 42 events
MEGABYTE = 1e6
ROLLUP, STATUS = Path("/proc/self/smaps_rollup"), Path("/proc/self/status")


def live(ctx: WorkflowContext, length: int) -> Steps:
    """Activities in a row, then a wait for somebody's word: it stays live, with all that a graph of it shows."""
    number = 0
    for _ in range(length):
        number = yield ctx.call_activity(add_one, input=number)
    yield ctx.wait_for_external_event("approved")
    return number


def measure(bench: Bench) -> Figures:
    """What the process grew by, since its engine was idle: the resident pages, the most of them at any time, its proportional share."""
    with bench.engine([sleeper, live], [add_one]) as engine:
        engine.wait_for_workflow_start(engine.schedule_new_workflow(sleeper, input="first"), 60)
        _live_histories(engine, 1)
        idle, idle_share = _megabytes(STATUS, "VmRSS"), _megabytes(ROLLUP, "Pss")
        fall_asleep(engine, bench.sized(10_000))
        asleep = _megabytes(STATUS, "VmRSS")
        histories = _live_histories(engine, bench.sized(1000))
        grown, share, peak = _megabytes(STATUS, "VmRSS"), _megabytes(ROLLUP, "Pss"), _megabytes(STATUS, "VmHWM")
    return {
        "value": grown - idle,
        "peak_mb": peak - idle,
        "share_mb": share - idle_share,
        "sleepers_mb": asleep - idle,
        "live_mb": grown - asleep,
        "idle_mb": idle,
        "events": sum(map(len, histories)),
    }


def _live_histories(engine: Engine, count: int) -> list[list[object]]:
    """Start so many, wait until all of them wait, and hold what a graph of each is drawn from."""
    started = [engine.schedule_new_workflow(live, input=ACTIVITIES) for _ in range(count)]
    histories: list[list[object]] = []
    for each in started:
        while len(history := engine.history(each)) < 2 * ACTIVITIES + 2:
            time.sleep(0.005)
        histories.append([*history])
    return histories


def _megabytes(source: Path, entry: str) -> float:
    """What the system tells of this process, after all that is free was given back to it. Not a number where it does not tell."""
    gc.collect()
    if not source.exists():
        return math.nan
    ctypes.CDLL(None).malloc_trim(0)
    told = next(line for line in source.read_text("ascii").splitlines() if line.startswith(f"{entry}:"))
    return int(told.split()[1]) * 1024 / MEGABYTE


WORK = Work(
    name="memory",
    what="10,000 sleeping workflows and 1,000 live ones with their histories: growth of an idle engine",
    unit="MB",
    measure=measure,
    goals=(Goal("value", 150, "at most"), Goal("peak_mb", 150, "at most")),
)
