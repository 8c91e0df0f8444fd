"""A lab from end to end, in this process."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import wflab as wf
from tests.lab.seed import PROGRAM, run_cell
from wfengine.errors import (
    DefinitionNotFound,
    EngineStopped,
    InstanceAlreadyExists,
    InstanceNotFound,
    InvalidArgument,
    NotADatabase,
    StoreInUse,
)
from wflab.current import NoLab

WITHIN_SECONDS = 30.0


def test_a_small_order_is_approved_at_once(lab: wf.Lab, seed: dict[str, Any]) -> None:
    assert lab.start(seed["request_escalation"], {"amount": 500}).result(WITHIN_SECONDS) == "auto-approved"


def test_a_large_order_waits_until_somebody_approves_it(lab: wf.Lab, seed: dict[str, Any]) -> None:
    run = lab.start(seed["request_escalation"], {"amount": 5000})
    with pytest.raises(TimeoutError):
        run.result(0.05)
    assert run.status == "RUNNING"
    run.approve()
    assert run.result(WITHIN_SECONDS) == "processed True"


def test_seven_virtual_days_later_it_takes_the_timeout_branch(lab: wf.Lab, seed: dict[str, Any]) -> None:
    assert repr(lab.clock) == "real clock"
    lab.clock.virtual()
    run = lab.start(seed["request_escalation"], {"amount": 5000})
    lab.clock.advance(timedelta(days=6, hours=23))
    assert run.status == "RUNNING"
    lab.clock.advance(timedelta(hours=1))
    assert run.result(WITHIN_SECONDS) == "escalated order of 5000"
    took = run.history().occurred_at
    assert took.iloc[-1] - took.iloc[0] == timedelta(days=7)
    assert repr(lab.clock) == f"virtual clock at {lab.clock.now():%Y-%m-%d %H:%M:%S} UTC: lab.clock.advance(timedelta(...)) moves it"


def test_skip_goes_to_the_next_timer(lab: wf.Lab, seed: dict[str, Any]) -> None:
    before = lab.clock.virtual().now()
    run = lab.start(seed["request_escalation"], {"amount": 5000})
    assert lab.clock.skip().now() - before == timedelta(days=7)
    assert run.result(WITHIN_SECONDS) == "escalated order of 5000"
    assert not lab.clock.real().is_virtual


@pytest.mark.parametrize("span", ["7d", 7, timedelta(days=-1)])
def test_the_clock_takes_spans_only(lab: wf.Lab, span: Any) -> None:
    with pytest.raises(InvalidArgument, match=r"takes a span such as timedelta\(days=7\)"):
        lab.clock.virtual().advance(span)


def test_the_open_lab_is_the_current_one_and_closing_it_leaves_nothing_behind(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with pytest.raises(NoLab, match=r"run `%load_ext wflab`; in a script use `with wf.Lab\('orders.duckdb'\) as lab:`"):
        wf.current_lab()
    with wf.Lab(tmp_path / "one.duckdb") as one:
        assert wf.current_lab() is one
        with wf.Lab(tmp_path / "two.duckdb") as two:
            assert wf.current_lab() is two
        assert wf.current_lab() is one
    one.close()
    for thread in set(threading.enumerate()) - before:
        thread.join(WITHIN_SECONDS)
        assert not thread.is_alive()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.duckdb", "two.duckdb"]


def test_a_closed_lab_says_so(tmp_path: Path) -> None:
    with wf.Lab(tmp_path / "one.duckdb") as lab:
        names = run_cell(PROGRAM)
        run = lab.start(names["request_escalation"], {"amount": 5000})
    assert "closed" in lab.status
    for ask in (lambda: run.status, run.why, lambda: lab.start("request_escalation"), lab.runs.count):
        with pytest.raises(EngineStopped, match=r"closed\. Open (it|the lab) again to "):
            ask()


def test_what_was_under_way_goes_on_when_the_lab_is_opened_again(tmp_path: Path) -> None:
    with wf.Lab(tmp_path / "one.duckdb") as lab:
        assert lab.resumed() == []
        names = run_cell(PROGRAM)
        for n in range(2):
            lab.start(names["request_escalation"], {"amount": 5000}, f"order-{n}")
    with wf.Lab(tmp_path / "one.duckdb") as lab:
        assert lab.resumed() == ["2 workflows go on from where they were. Run the cells that define request_escalation."]
        run_cell(PROGRAM)
        assert lab.resumed() == ["2 workflows go on from where they were."]
        lab.get("order-0").approve()
        assert lab.get("order-0").result(WITHIN_SECONDS) == "processed True"
        assert lab.resumed() == ["1 workflow goes on from where it was."]


def test_an_id_may_be_shortened_to_a_unique_beginning_or_be_last(lab: wf.Lab, seed: dict[str, Any]) -> None:
    for instance_id in ("apple-1", "apple-2", "pear-1", "pear"):
        lab.start(seed["request_escalation"], {"amount": 500}, instance_id)
    assert lab.get("apple-1").id == "apple-1"
    assert lab.get("pear").id == "pear", "a whole id is that id, even if it begins another"
    assert lab.get("last").id == "pear"
    assert lab.get("pear-").id == "pear-1"
    with pytest.raises(InvalidArgument, match=r"^'app' fits several instances, such as apple-2 and apple-1\. Write more of the id\.$"):
        lab.get("app")
    with pytest.raises(InstanceNotFound, match=r"^No workflow instance has the id 'plum'\. `%wf ls` lists the ids that exist\.$"):
        lab.get("plum")
    with pytest.raises(InstanceNotFound):
        lab.get("%")


def test_there_is_no_last_in_an_empty_lab(lab: wf.Lab) -> None:
    with pytest.raises(InstanceNotFound):
        lab.get("last")


def test_an_id_is_refused_while_its_instance_lives_and_free_after_that(lab: wf.Lab, seed: dict[str, Any]) -> None:
    run = lab.start(seed["request_escalation"], {"amount": 5000}, "order")
    with pytest.raises(InstanceAlreadyExists):
        lab.start(seed["request_escalation"], {"amount": 500}, "order")
    run.approve()
    run.result(WITHIN_SECONDS)
    assert lab.start(seed["request_escalation"], {"amount": 500}, "order").result(WITHIN_SECONDS) == "auto-approved"
    assert lab.runs.count() == 1


def test_a_start_can_be_planned_for_later_and_carry_tags(lab: wf.Lab, seed: dict[str, Any]) -> None:
    now = lab.clock.virtual().now()
    run = lab.start(seed["request_escalation"], {"amount": 500}, start_at=now + timedelta(hours=2), tags={"team": "billing"})
    assert run.status == "PENDING"
    assert run.why() == "request_escalation starts in 2 h, as it was asked to."
    lab.clock.advance(timedelta(hours=2))
    assert run.result(WITHIN_SECONDS) == "auto-approved"
    assert lab.runs.df().tags[0] == {"team": "billing"}


def test_a_second_lab_on_the_same_file_is_refused_and_the_first_goes_on(lab: wf.Lab, seed: dict[str, Any]) -> None:
    with pytest.raises(StoreInUse):
        wf.Lab(lab.path)
    assert wf.current_lab() is lab
    assert lab.start(seed["request_escalation"], {"amount": 500}).result(WITHIN_SECONDS) == "auto-approved"


def test_a_file_that_is_no_database_is_refused_untouched(tmp_path: Path) -> None:
    diary = tmp_path / "diary.txt"
    diary.write_text("dear diary\n" * 500)
    with pytest.raises(NotADatabase, match="was left as it is"):
        wf.Lab(diary)
    assert diary.read_text() == "dear diary\n" * 500
    with pytest.raises(NotADatabase, match="is a folder"):
        wf.Lab(tmp_path)


def test_an_act_of_a_person_is_a_row_of_audit(lab: wf.Lab, seed: dict[str, Any]) -> None:
    run = lab.start(seed["request_escalation"], {"amount": 5000}, "order")
    run.suspend()
    run.resume()
    run.raise_event("note", {"text": "call back"})
    run.approve()
    run.result(WITHIN_SECONDS)
    other = lab.start(seed["request_escalation"], {"amount": 5000}, "other")
    run_states = [other.status]
    other.terminate("enough")
    run.purge()
    rows = lab.sql("SELECT what, instance_id, who, from_where, occurred_at FROM audit ORDER BY position")
    assert run_states == ["RUNNING"]
    assert list(rows.what) == ["suspend", "resume", "raise_event note", "approve human_approval", "terminate", "purge"]
    assert list(rows.instance_id)[:5] == ["order"] * 4 + ["other"]
    assert set(rows.from_where) == {"run"}
    assert rows.who.str.len().min() > 0
    assert (datetime.now(UTC) - rows.occurred_at.min()) < timedelta(minutes=5)


def test_the_lab_of_a_script_shows_its_file_and_state(lab: wf.Lab) -> None:
    assert repr(lab) == "Lab('orders.duckdb'): running on orders.duckdb"


def test_last_is_the_newest_that_no_workflow_started(lab: wf.Lab) -> None:
    @wf.workflow
    def packing(ctx: wf.WorkflowContext) -> Any:
        yield ctx.wait_for_external_event("packed")

    @wf.workflow
    def order(ctx: wf.WorkflowContext) -> Any:
        ctx.schedule_new_workflow(packing, instance_id="detached")
        yield ctx.call_child_workflow(packing, instance_id="child")

    lab.start(order, instance_id="mine")
    lab.engine.wait_for_workflow_start("mine", WITHIN_SECONDS)
    assert {"mine", "detached", "child"} == {run.instance_id for run in lab.runs}
    assert lab.get("last").id == "mine"


def test_a_start_can_be_planned_by_a_span(lab: wf.Lab, seed: dict[str, Any]) -> None:
    lab.clock.virtual()
    run = lab.start(seed["request_escalation"], {"amount": 500}, start_at=timedelta(hours=2))
    assert run.why() == "request_escalation starts in 2 h, as it was asked to."
    lab.clock.advance(timedelta(hours=2))
    assert run.result(WITHIN_SECONDS) == "auto-approved"


def test_what_cannot_be_started_says_where_its_name_belongs(lab: wf.Lab) -> None:
    wf.WorkflowRuntime(app_id="billing").register_workflow(lambda _: None, name="invoice")
    wf.WorkflowRuntime().register_activity(lambda _: None, name="charge")
    with pytest.raises(DefinitionNotFound, match=r"App 'billing' has one: pass app_id='billing'\.$"):
        lab.start("invoice")
    with pytest.raises(DefinitionNotFound, match=r"There is an activity of that name; start a workflow that calls it"):
        lab.start("charge")
    with pytest.raises(DefinitionNotFound, match=r"Run the cell that defines it, then try again\.$"):
        lab.start("ship")


def test_dapr_s_names_for_coroutines_are_there_after_the_import() -> None:
    assert asyncio.iscoroutinefunction(wf.aio.DaprWorkflowClient.schedule_new_workflow)
