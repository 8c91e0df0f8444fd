"""Acts on many runs: a dry run first, then the act on exactly the runs that were shown, with what became of each."""

from typing import Any

import pandas as pd
import pytest

import wflab as wf
from wfengine.errors import InvalidArgument
from wflab.bulk import BulkAct

WITHIN_SECONDS = 30.0


@pytest.fixture
def many(lab: wf.Lab) -> wf.Lab:
    """Three that wait, one that rests, one that failed, one that is done; and a parent with its child."""

    @wf.activity
    def charge(_: Any, order: dict[str, Any]) -> str:
        if order.get("broken"):
            raise ValueError("no card")
        return "charged"

    @wf.workflow
    def order(ctx: wf.WorkflowContext, order: dict[str, Any]) -> Any:
        charged = yield ctx.call_activity(charge, input=order)
        if order.get("waits"):
            yield ctx.wait_for_external_event("go")
        return charged

    @wf.workflow
    def basket(ctx: wf.WorkflowContext, order_: dict[str, Any]) -> Any:
        return (yield ctx.call_child_workflow(order, input=order_, instance_id="child"))

    for n in range(3):
        lab.start(order, {"waits": True}, f"waiting-{n}", tags={"team": "billing"})
    lab.start(order, {"waits": True}, "resting")
    lab.start(order, {}, "done").result(WITHIN_SECONDS)
    lab.start(basket, {"waits": True}, "parent")
    with pytest.raises(wf.WorkflowFailed):
        lab.start(order, {"broken": True}, "failed", tags={"team": "x", "urgent": ""}).result(WITHIN_SECONDS)
    for instance_id in ("waiting-0", "waiting-1", "waiting-2", "resting", "child"):
        lab.engine.wait_for_workflow_start(instance_id, WITHIN_SECONDS)
    lab.get("resting").suspend()
    return lab


def plan(made: Any) -> BulkAct:
    assert isinstance(made, BulkAct)
    return made


def done(frame: Any) -> dict[str, bool]:
    return dict(zip(frame["instance_id"], frame["done"], strict=True))


def test_runs_are_narrowed_by_tags_version_app_and_time(many: wf.Lab) -> None:
    runs = many.runs
    assert runs.where(tags={"team": "billing"}).ids() == ["waiting-2", "waiting-1", "waiting-0"]
    assert runs.where(tag="urgent").ids() == ["failed"]
    assert runs.where(tag="team").count() == 4
    assert runs.where(tag="x' OR 1=1 --").count() == 0
    code_hash = many.sql("SELECT code_hash FROM instances WHERE instance_id = 'done'").code_hash[0]
    assert runs.where(name="order", version=code_hash[:8]).count() == runs.where(name="order").count()
    assert runs.where(version="v9").count() == runs.where(app_id="billing").count() == 0
    assert runs.since("1h").count() == runs.until(many.engine.now()).count() == runs.count() == 8
    assert runs.until("1h").count() == 0
    narrowed = runs.where(tags={"team": "billing"}).reached("charge").since("1h")
    assert many.sql(narrowed.sql(), **narrowed.parameters).instance_id.tolist() == narrowed.ids()


@pytest.mark.parametrize("moment", [7, None, "soon"])
def test_a_moment_that_is_none_is_refused(many: wf.Lab, moment: Any) -> None:
    with pytest.raises(InvalidArgument, match="24h"):
        many.runs.until(moment)


def test_tags_that_are_no_pairs_are_refused(many: wf.Lab) -> None:
    with pytest.raises(InvalidArgument, match="tag='team'"):
        many.runs.where(tags="team")  # type: ignore[arg-type]


def test_a_dry_run_says_how_many_which_and_what_will_happen_and_does_nothing(many: wf.Lab) -> None:
    shown = plan(many.runs.where(name="order").terminate())
    assert repr(shown) == (
        "terminate 5 of 7 runs? Nothing has been done yet.\n"
        "  they are      4 RUNNING, 1 SUSPENDED\n"
        "  workflows     5 order\n"
        "  what happens  each ends now as TERMINATED, its children with it; activities under way are not stopped, their results are ignored\n"
        "  refused       1 has ended (FAILED); 1 has ended (COMPLETED)\n"
        "  to do it      .confirm(), or lab.runs.where(name='order').terminate(confirm=5)"
    )
    html = shown._repr_html_()
    assert "terminate 5 of 7 runs?" in html
    assert html.count("waiting-") == 3
    assert list(shown.df().columns) == ["instance_id", "name", "status", "refused"]
    assert many.runs.where(status="TERMINATED").count() == 0
    assert many.sql("SELECT count(*) AS n FROM audit WHERE what = 'terminate'").n[0] == 0


def test_confirming_does_it_once_to_those_that_were_shown_and_is_audited(many: wf.Lab) -> None:
    shown = plan(many.runs.where(name="order", status="RUNNING").terminate())
    late = many.start("order", {"waits": True}, "late")
    many.engine.wait_for_workflow_start("late", WITHIN_SECONDS)
    many.get("waiting-0").raise_event("go")
    many.get("waiting-0").result(WITHIN_SECONDS)  # it has ended since it was shown
    outcome = shown.confirm()
    assert done(outcome) == {"child": True, "waiting-2": True, "waiting-1": True, "waiting-0": False}
    assert outcome.set_index("instance_id").why["waiting-0"] == "has ended (COMPLETED)"
    assert many.get("waiting-1").status == "TERMINATED"
    assert late.status == "RUNNING"
    assert repr(shown) == "terminate: done to 3 runs, refused by 1; see .outcome"
    with pytest.raises(InvalidArgument, match="was done already"):
        shown.confirm()
    audit = many.sql("SELECT instance_id, from_where, why FROM audit WHERE what = 'terminate' ORDER BY instance_id")
    assert list(audit.instance_id) == ["child", "waiting-1", "waiting-2"]
    assert set(audit.why) == {"one of 4: lab.runs.where(name='order', status='RUNNING').terminate()"}


def test_a_count_that_is_not_the_count_does_nothing(many: wf.Lab) -> None:
    for wrong in (0, 4, 6, True, "5"):
        with pytest.raises(InvalidArgument, match=r"does not name the count: terminate concerns 5 runs now\. Nothing was done"):
            many.runs.where(name="order").terminate(confirm=wrong)  # type: ignore[arg-type]
    assert many.runs.where(status="TERMINATED").count() == 0
    outcome = many.runs.where(name="order").terminate(confirm=5)
    assert isinstance(outcome, pd.DataFrame)
    assert int(outcome.done.sum()) == 5


def test_children_go_with_their_parent_and_are_not_acted_on_twice(many: wf.Lab) -> None:
    outcome = plan(many.runs.where(status="RUNNING").terminate()).confirm().set_index("instance_id")
    assert outcome.done.all()
    assert outcome.why["child"] == "with its parent"
    many.engine.wait_for_workflow_completion("child", WITHIN_SECONDS)
    assert many.get("child").status == "TERMINATED"
    purged = plan(many.runs.purge()).confirm().set_index("instance_id")
    assert list(purged.index[~purged.done]) == ["resting"]
    assert "purge(force=True)" in purged.why["resting"]
    assert many.runs.ids() == ["resting"]


def test_suspend_and_resume_are_for_those_they_mean_something_to(many: wf.Lab) -> None:
    runs = many.runs.where(name="order")
    assert done(plan(runs.suspend()).confirm()) == {
        "failed": False, "child": True, "done": False, "resting": False, "waiting-2": True, "waiting-1": True, "waiting-0": True,
    }  # fmt: skip
    assert many.runs.where(status="SUSPENDED").count() == 5
    assert "each goes on" in repr(runs.resume())
    plan(runs.where(instance_id="waiting-1").resume()).confirm()
    assert many.get("waiting-1").status == "RUNNING"


def test_an_event_is_sent_to_all_that_live_and_the_dry_run_says_who_waits(many: wf.Lab) -> None:
    shown = plan(many.runs.where(name="order").raise_event("GO", {"by": "bulk"}))
    assert "each gets the event 'GO': 5 wait for it now, 0 do not and keep it until they ask" in repr(shown)
    assert "raise_event('GO', data={'by': 'bulk'}, confirm=5)" in repr(shown)
    shown.confirm()
    for n in range(3):
        assert many.get(f"waiting-{n}").result(WITHIN_SECONDS) == "charged"
    assert many.get("resting").status == "SUSPENDED"


def test_what_failed_is_done_again_from_the_step_that_failed(many: wf.Lab) -> None:
    shown = plan(many.runs.where(name="order").rerun(input={"broken": False}))
    assert "1 has no failed step" in repr(shown)
    assert "5 has not ended" not in repr(shown)
    assert shown.count == 1
    outcome = shown.confirm().set_index("instance_id")
    assert outcome.done["failed"]
    assert many.get(outcome.new_id["failed"]).result(WITHIN_SECONDS) == "charged"
    assert many.get("failed").status == "FAILED"
    again = plan(many.runs.where(instance_id="done").rerun("charge")).confirm()
    assert many.get(again.new_id[0]).result(WITHIN_SECONDS) == "charged"
    assert "has no step 'ship'" in repr(many.runs.where(instance_id="done").rerun("ship"))


def test_nothing_to_do_is_said_so(many: wf.Lab) -> None:
    shown = plan(many.runs.where(name="nobody").terminate())
    assert repr(shown) == "terminate: lab.runs.where(name='nobody') finds no runs, so there is nothing to do."
    assert shown.confirm().empty


def test_hostile_names_are_text_in_a_dry_run(lab: wf.Lab) -> None:
    name = "<img src=x onerror=alert(1)>"
    lab.engine.register_workflow(lambda _: None, name)
    lab.start(name, None, "<b>").result(WITHIN_SECONDS)
    html = plan(lab.runs.where(name=name).purge())._repr_html_()
    assert "<img" not in html
    assert "<b>" not in html.replace("<p><b>", "")


def test_a_thousand_are_ended_in_one_go(lab: wf.Lab) -> None:
    @wf.workflow
    def waits(ctx: wf.WorkflowContext, _: Any) -> Any:
        yield ctx.wait_for_external_event("never")

    lab.start_many(waits, range(1000))
    outcome = plan(lab.runs.where(name="waits").terminate()).confirm()
    assert outcome.done.all()
    assert len(outcome) == lab.runs.where(status="TERMINATED").count() == 1000
    assert lab.sql("SELECT count(*) AS n FROM audit WHERE what = 'terminate'").n[0] == 1000


def test_many_are_forked_with_another_input_and_what_disagrees_is_told(many: wf.Lab) -> None:
    shown = plan(many.runs.where(instance_id="done").fork(edit={"input": {"broken": True}}))
    assert "a new run for each, which shares its past up to what is edited, and goes on from there" in repr(shown)
    assert "lab.runs.where(instance_id='done').fork(edit={'input': {'broken': True}}, confirm=1)" in repr(shown)
    outcome = shown.confirm()
    with pytest.raises(wf.WorkflowFailed):
        many.get(outcome.new_id[0]).result(WITHIN_SECONDS)
    assert many.get("done").status == "COMPLETED"

    def other(ctx: wf.WorkflowContext, _: Any) -> Any:
        return (yield ctx.call_activity("somewhere_else"))

    refused = plan(many.runs.where(instance_id="done").fork(code=other)).confirm()
    assert done(refused) == {"done": False}
    assert "charge" in refused.why[0]


def test_what_there_is_no_time_for_is_left_and_told(lab: wf.Lab, seed: dict[str, Any]) -> None:
    for number in range(3):
        lab.start(seed["request_escalation"], {"amount": 5000}, f"order-{number}")
    outcome = plan(lab.runs.where(name="request_escalation").suspend()).confirm(within_seconds=-1)
    assert not outcome["done"].any()
    assert set(outcome["why"]) == {"There was no time for it; do it again for those that are left."}
    assert lab.runs.where(status="SUSPENDED").count() == 0
