"""One workflow that runs a thousand activities at once."""

import time

from benchmarks.bench import Bench
from benchmarks.measuring import Figures, Goal, Work
from benchmarks.works.steps import add_one, fan_out


def measure(bench: Bench) -> Figures:
    """Start to result."""
    width = bench.sized(1000)
    with bench.engine([fan_out], [add_one]) as engine:
        engine.wait_for_workflow_completion(engine.schedule_new_workflow(fan_out, input=2), 60)
        with bench.profiled(engine):
            begin = time.perf_counter()
            ended = engine.wait_for_workflow_completion(engine.schedule_new_workflow(fan_out, input=width), 60)
            seconds = time.perf_counter() - begin
    assert ended.output == str(width * (width + 1) // 2), ended
    return {"value": seconds}


WORK = Work(name="fan", what="fan-out to 1,000 activities", unit="s", measure=measure, goals=(Goal("value", 0.3, "at most"),))
