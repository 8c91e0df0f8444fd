"""A chain of activities: what one durable step costs."""

import statistics
import time
from itertools import pairwise

from benchmarks.bench import Bench
from benchmarks.measuring import Figures, Goal, Work
from benchmarks.works.steps import Steps
from wfengine.core.context import WorkflowContext
from wfengine.runtime.worker import WorkflowActivityContext

CHAINS = 10
begun: list[float] = []


def stamp(ctx: WorkflowActivityContext, number: int) -> int:
    """Note when the step began."""
    del ctx
    begun.append(time.perf_counter())
    return number + 1


def stamped_chain(ctx: WorkflowContext, length: int) -> Steps:
    """One activity after the other, each with the former's result."""
    number = 0
    for _ in range(length):
        number = yield ctx.call_activity(stamp, input=number)
    return number


def measure(bench: Bench) -> Figures:
    """From the begin of an activity to the begin of the next; and start to result, shared among the steps."""
    length = bench.sized(100)
    gaps, shares = [], []
    with bench.engine([stamped_chain], [stamp]) as engine:

        def one() -> float:
            begun.clear()
            begin = time.perf_counter()
            ended = engine.wait_for_workflow_completion(engine.schedule_new_workflow(stamped_chain, input=length), 60)
            assert ended.output == str(length), ended
            return time.perf_counter() - begin

        one()  # not measured: first calls are slower
        with bench.profiled(engine):
            for _ in range(CHAINS):
                shares.append(one() * 1000 / length)
                gaps += [(later - earlier) * 1000 for earlier, later in pairwise(begun)]
    return {
        "value": statistics.median(gaps),
        "whole_ms_per_step": statistics.median(shares),
        "p99_ms": statistics.quantiles(gaps, n=100)[-1],
    }


WORK = Work(
    name="chain",
    what="a chain of 100 activities, p50 of a step",
    unit="ms",
    measure=measure,
    goals=(Goal("ratio_to_raw", 2.3, "at most"),),
    per_commit_ms=lambda value: value,
)
