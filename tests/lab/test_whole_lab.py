"""What this lab does with many runs, and with runs that have ended: start_many, rerun, purge by force, retention, limits."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import wflab as wf
from tests.waiting import eventually
from wfengine.errors import InstanceNotFound, PayloadError
from wfengine.model.instance import Status


def double(_ctx: wf.WorkflowContext, number: int) -> int:
    return number * 2


def waits(ctx: wf.WorkflowContext, _: Any) -> Any:
    return (yield ctx.wait_for_external_event("go"))


def pays(ctx: wf.WorkflowContext, amount: int) -> Any:
    return (yield ctx.call_activity("pay", input=amount))


def pay(_ctx: wf.WorkflowActivityContext, amount: int) -> str:
    if amount < 0:
        raise ValueError("nothing to pay")
    return f"paid {amount}"


@pytest.fixture
def shop(lab: wf.Lab) -> wf.Lab:
    runtime = wf.WorkflowRuntime(lab=lab)
    for workflow in (double, waits, pays):
        runtime.workflow(workflow)
    runtime.activity(pay)
    return lab


def test_many_runs_are_started_at_once_in_the_order_of_their_inputs(shop: wf.Lab) -> None:
    runs = shop.start_many(double, range(2000), tags={"batch": "7"})
    assert [run.result(30) for run in runs] == [2 * number for number in range(2000)]
    assert shop.sql('SELECT count(*) AS n FROM instances WHERE tags = \'{"batch":"7"}\'').n[0] == 2000


def test_an_input_that_is_refused_is_told_with_its_place_and_what_came_before_is_started(shop: wf.Lab) -> None:
    with pytest.raises(PayloadError, match=r"inputs\[2\]: .*object at \$.*2 were started"):
        shop.start_many(double, [1, 2, object(), 4])
    assert shop.sql("SELECT count(*) AS n FROM instances").n[0] == 2


def test_a_run_is_rerun_from_an_event_with_another_input(shop: wf.Lab) -> None:
    run = shop.start(pays, -5)
    with pytest.raises(wf.WorkflowFailed):
        run.result(30)
    event_id = int(run.history().query("type == 'TaskScheduled'").event_id.iloc[0])
    again = run.rerun(event_id, input=5, instance_id="again")
    assert again.result(30) == "paid 5"
    assert run.status is Status.FAILED
    assert list(shop.sql("SELECT what FROM audit").what) == [f"rerun of {run.id} from event {event_id}"]


def test_a_run_is_purged_by_force(shop: wf.Lab) -> None:
    run = shop.start(waits)
    run.purge(force=True)
    with pytest.raises(InstanceNotFound):
        _ = run.status


def test_a_lab_keeps_what_its_retention_says_and_holds_to_its_limits(tmp_path: Path) -> None:
    with wf.Lab(
        tmp_path / "l.duckdb", retention=wf.StateRetention(completed=timedelta(days=1)), limits=wf.Limits(workflows={"waits": 1})
    ) as lab:
        runtime = wf.WorkflowRuntime(lab=lab)
        runtime.workflow(double)
        runtime.workflow(waits)
        lab.start(double, 4).result(30)
        first, second = lab.start(waits), lab.start(waits)
        eventually(lambda: first.status is Status.RUNNING)
        assert second.why() == "waits waits for its turn: 1 of 1 of this name are under way."
        first.raise_event("go")
        first.result(30)
        eventually(lambda: second.status is Status.RUNNING)
        lab.clock.virtual()
        lab.clock.advance(timedelta(days=2))
        eventually(lambda: [run.instance_id for run in lab.runs.list()] == [second.id])
