"""A process is killed while its workflows wait for an event; the next one opens the lab, raises the event to all, and all finish."""

import multiprocessing
import time
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measuring import Figures, Goal, Work
from benchmarks.works.steps import Steps, add_one
from wfengine.core.context import WorkflowContext


def approval(ctx: WorkflowContext, number: int) -> Steps:
    """Wait for a person's word, then act."""
    approved = yield ctx.wait_for_external_event("approved")
    assert approved is True
    return (yield ctx.call_activity(add_one, input=number))


def measure(bench: Bench) -> Figures:
    """From the moment the killed process is gone to the last result."""
    names = [f"waiting-{number}" for number in range(bench.sized(500))]
    _leave_behind(bench, names)
    begin = time.perf_counter()
    with bench.engine([approval], [add_one]) as engine:
        opened = time.perf_counter()
        with bench.profiled(engine):
            for name in names:
                engine.raise_workflow_event(name, "approved", data=True)
            ended = [engine.wait_for_workflow_completion(name, 60) for name in names]
            end = time.perf_counter()
    assert all(each.output == str(number + 1) for number, each in enumerate(ended))
    return {"value": end - begin, "open_s": opened - begin}


def _leave_behind(bench: Bench, names: list[str]) -> None:
    spawn = multiprocessing.get_context("spawn")
    told, tells = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_wait_to_be_killed, args=(bench.directory, names, tells))
    process.start()
    tells.close()
    told.recv()
    process.kill()
    process.join()


def _wait_to_be_killed(directory: Path, names: list[str], tells: Connection) -> None:
    with Bench(directory).engine([approval], [add_one]) as engine:
        for number, name in enumerate(names):
            engine.schedule_new_workflow(approval, input=number, instance_id=name)
        for name in names:
            engine.wait_for_workflow_start(name, 60)
        tells.send("all wait")
        while True:
            time.sleep(60)


WORK = Work(
    name="recovery",
    what="kill -9 with 500 waiting instances, reopened, all finished",
    unit="s",
    measure=measure,
    goals=(Goal("value", 1, "at most"),),
)
