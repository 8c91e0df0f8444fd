"""A thousand workflows of five activities: started by one thread, as `lab.start_many` does it, then waited for."""

import time

from benchmarks.bench import Bench
from benchmarks.measuring import Figures, Goal, Work
from benchmarks.works.steps import add_one, chain

ACTIVITIES = 5


def measure(bench: Bench) -> Figures:
    """Workflows per second, from the first start to the last result; every start is durable when the waiting begins."""
    count = bench.sized(1000)
    with bench.engine([chain], [add_one]) as engine:
        engine.wait_for_workflow_completion(engine.schedule_new_workflow(chain, input=ACTIVITIES), 60)
        with bench.profiled(engine):
            begin = time.perf_counter()
            started = [engine.schedule_new_workflow_soon(chain, input=ACTIVITIES) for _ in range(count)]
            for _, durable in started:
                durable.result(60)
            all_started = time.perf_counter()
            ended = [engine.wait_for_workflow_completion(each, 60) for each, _ in started]
            end = time.perf_counter()
    assert all(each.output == str(ACTIVITIES) for each in ended)
    return {"value": count / (end - begin), "start_ms": (all_started - begin) * 1000 / count}


WORK = Work(
    name="many", what="1,000 workflows of 5 activities", unit="workflows/s", measure=measure, goals=(Goal("value", 1000, "at least"),)
)
