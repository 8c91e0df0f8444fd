"""The handle of one instance: its state, waiting for it, acting on it."""

import asyncio
from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

import wflab as wf
from tests.lab.seed import run_cell
from wfengine.errors import EngineStopped, InstanceNotFound, InstanceNotTerminal, InvalidArgument, PayloadError, WorkflowFailed

WITHIN_SECONDS = 30.0


def waiting(lab: wf.Lab, seed: dict[str, Any], instance_id: str = "order") -> wf.Run:
    run = lab.start(seed["request_escalation"], {"amount": 5000}, instance_id)
    lab.engine.wait_for_workflow_start(instance_id, WITHIN_SECONDS)
    return run


def test_a_run_tells_its_state(lab: wf.Lab, seed: dict[str, Any]) -> None:
    run = waiting(lab, seed)
    assert (run.id, run.name, run.status, run.input, run.output) == ("order", "request_escalation", "RUNNING", {"amount": 5000}, None)
    assert (run.custom_status, run.failure) == (None, None)
    assert repr(run) == "Run(request_escalation, RUNNING)"
    run.approve(data={"by": "ana"})
    assert run.result(WITHIN_SECONDS) == "processed {'by': 'ana'}"
    assert run.output == "processed {'by': 'ana'}"
    assert repr(run) == "Run(request_escalation, COMPLETED)"


def test_a_run_can_be_awaited_in_an_event_loop(lab: wf.Lab, seed: dict[str, Any]) -> None:
    run = waiting(lab, seed)

    async def approve_and_wait() -> Any:
        waiting_for_it = asyncio.ensure_future(run._finished())
        await asyncio.sleep(0)
        run.approve()
        return await waiting_for_it, await run

    assert asyncio.run(approve_and_wait()) == ("processed True", "processed True")


def test_giving_up_an_await_leaves_the_workflow_alone(lab: wf.Lab, seed: dict[str, Any]) -> None:
    run = waiting(lab, seed)

    async def impatient() -> None:
        await asyncio.wait_for(run._finished(), 0.05)

    with pytest.raises(TimeoutError):
        asyncio.run(impatient())
    assert run.status == "RUNNING"
    run.reject()
    assert run.result(WITHIN_SECONDS) == "processed False"


def test_an_await_ends_when_the_lab_is_closed(lab: wf.Lab, seed: dict[str, Any]) -> None:
    run = waiting(lab, seed)

    async def close_meanwhile() -> None:
        waiting_for_it = asyncio.ensure_future(run._finished())
        await asyncio.sleep(0)
        lab.close()
        await waiting_for_it

    with pytest.raises(EngineStopped):
        asyncio.run(close_meanwhile())


def test_a_wait_that_is_up_says_how_long_it_was(lab: wf.Lab, seed: dict[str, Any]) -> None:
    with pytest.raises(TimeoutError, match=r"^Not there after 0.05 seconds; it goes on, wait again\.$"):
        waiting(lab, seed).result(0.05)


def test_a_failure_is_raised_where_the_result_is_asked_for(lab: wf.Lab) -> None:
    @wf.workflow
    def breaks(_: wf.WorkflowContext) -> None:
        raise ValueError("no stock")

    run = lab.start(breaks, instance_id="b")
    with pytest.raises(
        WorkflowFailed,
        match=r"^Workflow 'breaks' \(b\) is FAILED: ValueError: no stock\n  File .*, in breaks\n    raise ValueError\(\"no stock\"\)$",
    ) as caught:
        run.result(WITHIN_SECONDS)
    assert caught.value.failure_details is not None
    assert run.failure is not None
    assert (run.failure.error_type, run.failure.message) == ("ValueError", "no stock")
    assert "raise ValueError" in str(run.failure.stack_trace)


def test_a_terminated_run_has_no_result(lab: wf.Lab, seed: dict[str, Any]) -> None:
    run = waiting(lab, seed)
    run.terminate("enough")
    with pytest.raises(WorkflowFailed, match=r"^Workflow 'request_escalation' \(order\) is TERMINATED$"):
        run.result(WITHIN_SECONDS)
    assert run.output == "enough"


def test_approving_needs_something_that_waits(lab: wf.Lab, seed: dict[str, Any]) -> None:
    done = lab.start(seed["request_escalation"], {"amount": 500}, "small")
    done.result(WITHIN_SECONDS)
    with pytest.raises(InvalidArgument, match=r"is COMPLETED: it waits for nothing any more, and events for it are discarded"):
        done.approve()


def test_where_several_events_are_awaited_the_name_says_which(lab: wf.Lab) -> None:
    @wf.workflow
    def two(ctx: wf.WorkflowContext) -> Any:
        return (yield wf.when_all([ctx.wait_for_external_event("boss"), ctx.wait_for_external_event("audit")]))

    run = lab.start(two)
    lab.engine.wait_for_workflow_start(run.id, WITHIN_SECONDS)
    with pytest.raises(InvalidArgument, match=r"^two waits for several events: audit, boss\. Say which: run\.reject\('audit'\)\.$"):
        run.reject()
    run.approve("boss")
    run.reject()
    assert run.result(WITHIN_SECONDS) == [True, False]


def test_an_event_that_comes_before_it_is_asked_for_is_kept(lab: wf.Lab, seed: dict[str, Any]) -> None:
    run = waiting(lab, seed)
    run.suspend()
    run.approve()
    assert run.status == "SUSPENDED"
    run.resume()
    assert run.result(WITHIN_SECONDS) == "processed True"


def test_only_an_ended_run_can_be_purged_and_is_gone_then(lab: wf.Lab, seed: dict[str, Any]) -> None:
    run = waiting(lab, seed)
    with pytest.raises(InstanceNotTerminal):
        run.purge()
    run.terminate()
    with pytest.raises(WorkflowFailed):
        run.result(WITHIN_SECONDS)
    run.purge()
    assert repr(run) == "Run(purged)"
    for ask in (lambda: run.status, run.history, run.why, lambda: run.raise_event("x"), lambda: run.result(1)):
        with pytest.raises(InstanceNotFound, match="No workflow instance has the id 'order'"):
            ask()


def test_a_payload_that_is_not_json_is_refused_with_its_place(lab: wf.Lab, seed: dict[str, Any]) -> None:
    run = waiting(lab, seed)
    with pytest.raises(PayloadError, match=r"bytes at \$\.items\[1\]") as caught:
        run.raise_event("human_approval", {"items": [1, b"x"]})
    assert caught.value.path == "$.items[1]"
    run.approve()
    assert run.result(WITHIN_SECONDS) == "processed True"
    assert list(run.history().type).count("EventRaised") == 1


def test_history_and_steps_are_frames_with_types_one_can_compute_with(lab: wf.Lab, seed: dict[str, Any]) -> None:
    run = waiting(lab, seed)
    run.approve()
    run.result(WITHIN_SECONDS)
    history, steps = run.history(), run.steps()
    assert str(history.occurred_at.dtype) == "datetime64[us, UTC]"
    assert pd.api.types.is_timedelta64_dtype(history.duration.dtype)
    assert list(history.sequence) == list(range(len(history)))
    assert history.occurred_at.is_monotonic_increasing
    assert history.iloc[0].payload == {"amount": 5000}
    assert list(steps.name) == ["human_approval", "timer 7 d", "process_approval"]
    assert list(steps.kind) == ["event", "timer", "activity"]
    assert list(steps.state) == ["COMPLETED", "CANCELED", "COMPLETED"]
    assert list(steps.result) == [True, None, "processed True"]
    assert steps.state.cat.ordered
    for column in ("created_at", "started_at", "ended_at"):
        assert str(steps[column].dtype).endswith("UTC]")
    assert pd.api.types.is_timedelta64_dtype(steps.duration.dtype)
    assert steps.duration.dropna().min() >= timedelta(0)


def test_a_new_run_has_frames_of_the_same_types(lab: wf.Lab, seed: dict[str, Any]) -> None:
    run = lab.start(seed["request_escalation"], {"amount": 5000}, start_at=lab.clock.now() + timedelta(days=1))
    assert run.steps().empty
    assert run.steps().state.cat.ordered
    assert str(run.steps().ended_at.dtype).endswith("UTC]")


def test_a_run_that_cannot_be_asked_says_so_in_its_text(lab: wf.Lab, seed: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    run = waiting(lab, seed)
    lab.close()
    assert repr(run) == "Run(order: The lab is closed. Open it again to go on.)"
    run._ipython_display_()
    assert capsys.readouterr().out == "Run(order: The lab is closed. Open it again to go on.)\n"


def test_runs_of_one_lab_and_id_are_equal(lab: wf.Lab, seed: dict[str, Any]) -> None:
    run = waiting(lab, seed)
    assert run == lab.get("order")
    assert len({run, lab.get("order")}) == 1
    assert run != waiting(lab, seed, "other")
    assert run.app_id is None


def test_an_answer_for_an_event_that_nobody_waits_for_is_told_to_be_kept(
    lab: wf.Lab, seed: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    run = waiting(lab, seed)
    run.approve("aproval")
    assert capsys.readouterr().out == "kept: request_escalation does not wait for 'aproval' just now (it waits for human_approval).\n"
    run.approve("Human_Approval")
    assert capsys.readouterr().out == ""


def test_a_failure_carries_the_line_that_raised_and_no_line_of_ours(lab: wf.Lab) -> None:
    @wf.workflow
    def breaks(_: wf.WorkflowContext) -> Any:
        raise ValueError("no stock")
        yield

    with pytest.raises(WorkflowFailed) as caught:
        lab.start(breaks).result(WITHIN_SECONDS)
    (note,) = caught.value.__notes__
    assert 'raise ValueError("no stock")' in note
    assert "wfengine" not in note
    assert caught.value._render_traceback_() == [f"WorkflowFailed: {caught.value}", note]


def test_a_fork_goes_on_with_what_was_edited_and_tells_whose_past_it_shares(lab: wf.Lab, seed: dict[str, Any]) -> None:
    run = waiting(lab, seed)
    run.approve(data="yes")
    assert run.result(WITHIN_SECONDS) == "processed yes"
    before = run.history()
    fork = run.fork(edit={"human_approval": "no"}, instance_id="fork")
    assert fork.result(WITHIN_SECONDS) == "processed no"
    raised = int(before.query("type == 'EventRaised'").sequence.iloc[0])
    assert fork.forked_from is not None
    assert (fork.forked_from.instance_id, fork.forked_from.at, run.forked_from) == ("order", raised, None)
    assert fork.history().note.iloc[0] == f"shares the past of order up to event {raised}"
    assert not before.note.any()
    pd.testing.assert_frame_equal(run.history(), before)
    assert list(lab.sql("SELECT what FROM audit ORDER BY position DESC LIMIT 1").what) == ["fork of order"]


def test_a_fork_of_a_waiting_run_runs_other_code_where_it_agrees(lab: wf.Lab, seed: dict[str, Any]) -> None:
    def kinder(ctx: wf.WorkflowContext, order: dict[str, Any]) -> Any:
        approval = ctx.wait_for_external_event("human_approval")
        yield wf.when_any([approval, ctx.create_timer(timedelta(days=7))])
        return f"{order['amount']} in any case"

    def other(ctx: wf.WorkflowContext, order: dict[str, Any]) -> Any:
        yield ctx.call_activity("auto_approve", input=order)

    run = waiting(lab, seed)
    fork = run.fork(code=kinder)
    fork.reject()
    assert fork.result(WITHIN_SECONDS) == "5000 in any case"
    with pytest.raises(wf.NonDeterminismError, match="Nothing was forked"):
        run.fork(code=other)
    assert lab.runs.count() == 2


def test_a_failure_has_both_names_at_the_run_and_at_the_error_and_says_which_activity_it_was(lab: wf.Lab) -> None:
    names = run_cell(
        "import wflab as wf\n@wf.activity\ndef charge(ctx, card): raise ValueError('declined')\n"
        "@wf.workflow\ndef pays(ctx, card): yield ctx.call_activity(charge, input=card)\n"
        "@wf.workflow\ndef orders(ctx, card): yield ctx.call_child_workflow(pays, input=card)\n"
    )
    run = lab.start(names["orders"], 1)
    with pytest.raises(wf.WorkflowFailed) as failed:
        run.result(30)
    assert failed.value.failure is failed.value.failure_details
    assert run.failure == run.failure_details == failed.value.failure
    assert run.failure is not None
    assert run.failure.message == "Child workflow 'pays' (task #0) failed: Activity 'charge' (task #0) failed: declined"
