"""A thousand histories of twenty events, replayed on the workflow's code: what a cell that changes a workflow sets off."""

import time

from benchmarks.bench import Bench
from benchmarks.measuring import Figures, Goal, Work
from benchmarks.works.steps import add_one, chain
from wflab.checking.checking import check

ACTIVITIES = 9


def measure(bench: Bench) -> Figures:
    """Seconds from the question to the answer; `again_s` is a second time, when all is in DuckDB's memory."""
    count = bench.sized(1000)
    with bench.engine([chain], [add_one]) as engine:
        started = [engine.schedule_new_workflow_soon(chain, input=ACTIVITIES) for _ in range(count)]
        for instance_id, _ in started:
            engine.wait_for_workflow_completion(instance_id, 60)
        events = len(engine.history(started[0][0]))
        engine.store.flush()
        with bench.profiled(engine):
            begin = time.perf_counter()
            checked = check(engine, "chain", code=None, limit=None, status=None)
            end = time.perf_counter()
            check(engine, "chain", code=None, limit=None, status=None)
            again = time.perf_counter()
    assert (checked.agree, events) == (count, 20), checked
    return {"value": end - begin, "again_s": again - end, "events": count * events}


WORK = Work(
    name="check",
    what="1,000 histories of 20 events replayed on code (`lab.check`)",
    unit="s",
    measure=measure,
    goals=(Goal("value", 2.0, "at most"),),
)
