"""A workflow of one activity, alone: how long until its result is there."""

import statistics
import time

from benchmarks.bench import Bench
from benchmarks.measuring import Figures, Goal, Work
from benchmarks.works.steps import add_one, chain


def measure(bench: Bench) -> Figures:
    """From the call that starts it to the answer of the wait; three commits lie between."""
    times = []
    with bench.engine([chain], [add_one]) as engine:
        with_warm_up = 10 + bench.sized(200)
        with bench.profiled(engine):
            for _ in range(with_warm_up):
                begin = time.perf_counter()
                ended = engine.wait_for_workflow_completion(engine.schedule_new_workflow(chain, input=1), 60)
                times.append((time.perf_counter() - begin) * 1000)
                assert ended.output == "1", ended
    measured = times[10:]
    return {"value": statistics.median(measured), "p99_ms": statistics.quantiles(measured, n=100)[-1]}


WORK = Work(
    name="one",
    what="a workflow of one activity, start to result, p50",
    unit="ms",
    measure=measure,
    goals=(Goal("value", 1.5, "at most"),),
    per_commit_ms=lambda value: value,
)
