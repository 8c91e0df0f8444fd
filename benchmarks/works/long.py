"""One workflow of five thousand steps: whether a long history makes the next step dearer."""

import statistics
import time
from itertools import pairwise

from benchmarks.bench import Bench
from benchmarks.measuring import Figures, Goal, Work
from benchmarks.works.chain import begun, stamp, stamped_chain


def measure(bench: Bench) -> Figures:
    """Steps per second, and how much longer the last tenth took than the first, by the activity's own clock."""
    length = bench.sized(5000)
    with bench.engine([stamped_chain], [stamp]) as engine:
        engine.wait_for_workflow_completion(engine.schedule_new_workflow(stamped_chain, input=20), 60)
        begun.clear()
        with bench.profiled(engine):
            begin = time.perf_counter()
            ended = engine.wait_for_workflow_completion(engine.schedule_new_workflow(stamped_chain, input=length), 600)
            seconds = time.perf_counter() - begin
    assert ended.output == str(length), ended
    tenth = max(1, (length - 1) // 10)
    gaps = [later - earlier for earlier, later in pairwise(begun)]
    first, last = gaps[:tenth], gaps[-tenth:]
    return {
        "value": length / seconds,
        "last_to_first": sum(last) / sum(first),
        "last_to_first_p50": statistics.median(last) / statistics.median(first),  # what a passing stall does not touch
    }


WORK = Work(
    name="long",
    what="one workflow of 5,000 steps",
    unit="steps/s",
    measure=measure,
    goals=(Goal("value", 1800, "at least"), Goal("last_to_first", 1.2, "at most")),
    per_commit_ms=lambda steps_per_second: 1000 / steps_per_second,
)
