"""`lab.check`: every recorded history replayed on code; which agree, which do not, where, and what would mend it."""

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

import wflab as wf
from tests.lab.seed import run_cell
from tests.waiting import eventually
from wfengine.errors import DefinitionNotFound, InvalidArgument
from wflab.checking import remedy

ORDER = """
import wflab as wf
wfr = wf.WorkflowRuntime()

@wfr.activity
def charge(ctx, amount): return amount

@wfr.activity
def charge_card(ctx, amount): return amount

@wfr.activity
def ship(ctx, what): return what

@wfr.workflow
def order(ctx, amount):
    paid = yield ctx.call_activity(charge, input=amount)
    go = yield ctx.wait_for_external_event("go")
    shipped = yield ctx.call_activity(ship, input=paid)
    return shipped
"""
RENAMED = ("yield ctx.call_activity(charge,", "yield ctx.call_activity(charge_card,")
WITHIN_SECONDS = 30


def edited(old: str, new: str) -> dict[str, Any]:
    """The cell run again, with one edit."""
    assert old in ORDER
    return run_cell(ORDER.replace(old, new))


def until_it_asks(lab: wf.Lab, instance_id: str) -> None:
    eventually(lambda: len(lab.engine.awaited(instance_id)) == 1)


@pytest.fixture
def recorded(lab: wf.Lab) -> dict[str, Any]:
    """Three that have ended and two that wait."""
    names = run_cell(ORDER)
    for number in range(5):
        lab.start("order", number, f"order-{number}")
        lab.engine.wait_for_workflow_start(f"order-{number}", WITHIN_SECONDS)
        until_it_asks(lab, f"order-{number}")
        if number < 3:
            lab.get(f"order-{number}").raise_event("go")
            lab.get(f"order-{number}").result(WITHIN_SECONDS)
    return names


def everything(lab: wf.Lab) -> list[Any]:
    return [
        lab.sql(f"SELECT * FROM {table} ORDER BY position")  # noqa: S608
        for table in ("history", "runs", "audit")
    ]


def test_all_histories_agree_with_the_code_that_made_them_and_nothing_is_recorded_or_run(lab: wf.Lab, recorded: dict[str, Any]) -> None:
    before = everything(lab)
    checked = lab.check(recorded["order"])
    assert (checked.ok, len(checked), checked.agree, checked.disagree, checked.groups) == (True, 5, 5, 0, [])
    assert repr(checked) == "order: 5 recorded histories replayed on this code: all agree, 0 incompatible."
    assert list(checked.df().instance_id) == [f"order-{number}" for number in (4, 3, 2, 1, 0)], "newest first"
    for one, other in zip(before, everything(lab), strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_a_change_of_a_comment_leaves_nothing_incompatible(lab: wf.Lab, recorded: dict[str, Any]) -> None:
    before = lab.engine.registry.find("workflow", "order")
    edited("    go = yield", "    # ask the boss\n    go = yield")
    after = lab.engine.registry.find("workflow", "order")
    assert before is not None
    assert after is not None
    assert before.code_hash != after.code_hash
    assert lab.check("order").headline == "order: 5 recorded histories replayed on this code: all agree, 0 incompatible."
    del recorded


def test_a_renamed_call_lists_every_instance_with_event_line_cause_and_patch(lab: wf.Lab, recorded: dict[str, Any]) -> None:
    del recorded
    edited(*RENAMED)
    checked = lab.check("order")
    frame = checked.df()
    assert not frame.agrees.any()
    assert set(frame.kind) == {"replaced"}
    for instance_id, sequence, event_id in zip(frame.instance_id, frame.sequence, frame.event_id, strict=True):
        event = lab.get(instance_id).history().set_index("sequence").loc[int(sequence)]
        assert (event.type, event.event_id, event["name"], event_id) == ("TaskScheduled", 0, "charge", 0)
    [group] = checked.groups
    assert (group.count, group.live, group.found.line) == (5, 2, "line 16 of order")
    assert group.found.source == "paid = yield ctx.call_activity(charge_card, input=amount)"
    assert repr(checked) == (
        "order: 5 recorded histories replayed on this code: 0 agree, 5 incompatible.\n\n"
        "5 x at action 0 recorded is call_activity('charge'), now call_activity('charge_card') (line 16 of order); 2 still open\n"
        "  Most likely call_activity('charge') was replaced by call_activity('charge_card'), or renamed.\n"
        "  Keep the recorded path for them:\n"
        '      if ctx.is_patched("charge_card"):\n'
        "          paid = yield ctx.call_activity(charge_card, input=amount)\n"
        "      else:\n"
        '          paid = yield ctx.call_activity("charge", input=amount)'
    )
    assert "&#x27;charge&#x27;" in checked._repr_html_()


def pasted(patch: str) -> str:
    return "\n".join(f"    {line}" for line in patch.splitlines())


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (*RENAMED, "replaced"),
        ("    paid = yield", "    yield ctx.call_activity(charge_card, input=1)\n    paid = yield", "added"),
        ("    return shipped", "    yield ctx.call_activity(charge, input=1)\n    return shipped", "goes on"),
        ('    go = yield ctx.wait_for_external_event("go")\n', "", "removed"),
        ("    shipped = yield", "    return 1\n    shipped = yield", "ends early"),
        ("    shipped = yield", '    amount["x"]\n    shipped = yield', "raises"),
        ("    paid = yield", "    ctx.create_timer(5)\n    paid = yield", "raises"),
    ],
)
def test_each_kind_of_edit_is_told(lab: wf.Lab, recorded: dict[str, Any], old: str, new: str, kind: str) -> None:
    del recorded
    edited(old, new)
    checked = lab.check("order")
    assert kind in {group.found.kind for group in checked.groups}
    assert checked.disagree == (5 if kind in {"replaced", "removed", "added"} or "timer" in new else 3), checked
    assert all(group.found.cause for group in checked.groups)
    assert all(group.found.line for group in checked.groups if kind != "ends early"), "code that has ended stands nowhere"


def test_a_line_that_was_put_in_is_called_added_and_the_patch_for_it_mends_it(lab: wf.Lab, recorded: dict[str, Any]) -> None:
    del recorded
    new = "    yield ctx.call_activity(charge_card, input=1)\n"
    edited("    paid = yield", new + "    paid = yield")
    [group] = lab.check("order").groups
    assert group.found.cause == "call_activity('charge_card') was added before call_activity('charge')"
    edited("    paid = yield", pasted(remedy.patch(group.found)) + "\n    paid = yield")
    assert lab.check("order").ok


def test_the_patch_that_is_advised_mends_it(lab: wf.Lab, recorded: dict[str, Any]) -> None:
    del recorded
    edited(*RENAMED)
    [group] = lab.check("order").groups
    line = "    paid = yield ctx.call_activity(charge, input=amount)"
    edited(line, pasted(remedy.patch(group.found)))
    assert lab.check("order").ok
    lab.get("order-3").raise_event("go")
    assert lab.get("order-3").result(WITHIN_SECONDS) == 3
    new = lab.start("order", 1)
    new.raise_event("go")
    assert new.result(WITHIN_SECONDS) == 1
    assert list(new.history().query("type == 'TaskScheduled'").name) == ["charge_card", "ship"], "new ones go the new way"


def test_stalled_instances_are_checked_and_marked(lab: wf.Lab, recorded: dict[str, Any]) -> None:
    del recorded
    path = lab.path
    lab.close()
    with wf.Lab(path) as again:
        edited(*RENAMED)
        eventually(lambda: again.runs.where(status="PENDING").count() == 0)
        again.get("order-4").raise_event("go")
        eventually(lambda: again.get("order-4").status == "STALLED")
        [group] = again.check("order").groups
        assert group.standing.startswith("2 still open")
        assert "STALLED" in group.standing
        assert "STALLED" in set(again.check("order").df().status)


def test_other_code_is_tried_without_being_registered(lab: wf.Lab, recorded: dict[str, Any]) -> None:
    def order(ctx: wf.WorkflowContext, amount: int) -> Any:
        yield ctx.call_activity("charge", input=amount)
        yield ctx.create_timer(timedelta(days=1))

    hashes = lab.engine.registry.find("workflow", "order")
    assert lab.check(order).disagree == 5
    assert lab.check(recorded["order"], code=order).disagree == 5
    assert lab.engine.registry.find("workflow", "order") is hashes
    assert lab.check("order").ok


def test_each_history_is_checked_against_the_version_that_it_is_recorded_with(lab: wf.Lab) -> None:
    wfr = wf.WorkflowRuntime(lab=lab)

    def one(ctx: wf.WorkflowContext, _: Any) -> Any:
        yield ctx.wait_for_external_event("one")

    def two(ctx: wf.WorkflowContext, _: Any) -> Any:
        yield ctx.wait_for_external_event("two")

    wfr.register_versioned_workflow(one, name="flow", version_name="v1", is_latest=True)
    lab.start("flow", instance_id="first")
    lab.engine.wait_for_workflow_start("first", WITHIN_SECONDS)
    wfr.register_versioned_workflow(two, name="flow", version_name="v2", is_latest=True)
    lab.start("flow", instance_id="second")
    lab.engine.wait_for_workflow_start("second", WITHIN_SECONDS)
    assert lab.check("flow").ok
    wfr.register_versioned_workflow(two, name="flow", version_name="v1", is_latest=False)
    checked = lab.check("flow")
    [group] = checked.groups
    assert (group.example, group.versions) == ("first", ("v1",))
    assert 'version_name="v2"' in repr(checked)


def test_every_generation_of_continue_as_new_is_checked(lab: wf.Lab) -> None:
    def counts(ctx: wf.WorkflowContext, number: int) -> Any:
        yield ctx.create_timer(timedelta(0))
        if number < 3:
            ctx.continue_as_new(number + 1)

    def goes_on(ctx: wf.WorkflowContext, _: int) -> Any:
        yield ctx.create_timer(timedelta(0))
        yield ctx.wait_for_external_event("more")

    lab.engine.register_workflow(counts)
    lab.start("counts", 0).result(WITHIN_SECONDS)
    checked = lab.check("counts")
    assert (len(checked), checked.ok) == (4, True)
    assert sorted(checked.df().generation) == [0, 1, 2, 3]
    assert lab.check("counts", code=goes_on).disagree == 4


def test_the_newest_come_first_and_only_some_may_be_asked_for(lab: wf.Lab, recorded: dict[str, Any]) -> None:
    del recorded
    assert list(lab.check("order", limit=2).df().instance_id) == ["order-4", "order-3"]
    assert len(lab.check("order", status="completed")) == 3
    assert len(lab.check("order", status=["RUNNING", wf.WorkflowStatus.COMPLETED])) == 5
    for wrong in ({"limit": 0}, {"limit": "x"}, {"status": "walking"}):
        with pytest.raises(InvalidArgument):
            lab.check("order", **wrong)
    with pytest.raises(DefinitionNotFound):
        lab.check("nobody")


def test_what_the_code_prints_is_not_printed_again(lab: wf.Lab, capsys: pytest.CaptureFixture[str]) -> None:
    def chatty(ctx: wf.WorkflowContext, _: Any) -> Any:
        print("hello")  # noqa: T201
        yield ctx.create_timer(timedelta(0))

    lab.engine.register_workflow(chatty)
    lab.start("chatty").result(WITHIN_SECONDS)
    capsys.readouterr()
    assert lab.check("chatty").ok
    assert capsys.readouterr().out == ""
    print("still heard")  # noqa: T201
    assert capsys.readouterr().out == "still heard\n"


def test_a_terminated_instance_agrees_as_far_as_it_came(lab: wf.Lab, recorded: dict[str, Any]) -> None:
    lab.get("order-4").terminate()
    lab.engine.wait_for_workflow_completion("order-4", WITHIN_SECONDS)
    assert lab.check(recorded["order"]).ok
    assert "history to replay" in repr(lab.check(recorded["order"], status="FAILED"))
