"""wf.testing.run: what is said when the test itself is mistaken, and what may be said to it."""

from typing import Any

import pytest

import wflab as wf
from tests.lab.played import DAY, calculate, double, triple
from wfengine.errors import InvalidArgument
from wfengine.model.instance import Status
from wflab.testing import Event, IfCalled, Takes, run


def echo(ctx: wf.WorkflowContext, _: Any) -> Any:
    return (yield ctx.wait_for_external_event("approval"))


def test_a_mock_that_nobody_called_is_an_error_that_names_what_was_called() -> None:
    with pytest.raises(InvalidArgument) as caught:
        run(calculate, 7, mocks={"duoble": 1, triple: 3})
    assert str(caught.value) == (
        "Workflow 'calculate' never called what is mocked: 'duoble'. It called 'double', 'triple'. "
        "Mend the name, or say that it need not be called: mocks={'duoble': IfCalled(...)}."
    )
    with pytest.raises(InvalidArgument, match=r"'triple'\. It called 'double'\. It ended with TaskFailedError: .* no\. Mend"):
        run(calculate, 7, mocks={double: ValueError("no"), triple: 3})


@pytest.mark.parametrize("answer", [5, Takes(DAY, 5), [5], lambda: 5])
def test_a_mock_may_say_that_it_need_not_be_called(answer: Any) -> None:
    outcome = run(calculate, 7, mocks={double: IfCalled(answer), "refund": IfCalled(1)})
    assert outcome.result() == 15


def test_a_play_that_was_left_in_the_middle_may_yet_call_its_mocks() -> None:
    def later(ctx: wf.WorkflowContext, _: Any) -> Any:
        yield ctx.create_timer(DAY)
        yield ctx.call_activity(double)

    assert run(later, mocks={double: 1}, timeout=DAY / 2).status is Status.RUNNING


def test_with_mocks_only_nothing_runs_for_real() -> None:
    ran: list[int] = []

    def step(ctx: wf.WorkflowContext, _: Any) -> Any:
        return (yield ctx.step(ran.append, 1, name="note"))

    def child(ctx: wf.WorkflowContext, _: Any) -> Any:
        return (yield ctx.call_child_workflow(calculate, input=1))

    with pytest.raises(InvalidArgument, match=r"calls activity 'triple', which has no mock, and mocks_only=True: add mocks=\{'triple'"):
        run(calculate, 7, mocks={double: 1}, mocks_only=True)
    with pytest.raises(InvalidArgument, match="calls step 'note', which has no mock"):
        run(step, mocks_only=True)
    assert ran == []
    assert run(child, mocks={double: 1, triple: 2}, mocks_only=True).result() == 2


def test_events_may_be_a_mapping_of_names_to_data() -> None:
    assert run(echo, events={"approval": {"by": "ana"}}).result() == {"by": "ana"}
    assert run(echo, events={"approval": ("data", 5)}).result() == ["data", 5]


@pytest.mark.parametrize("events", ["approval", Event("approval"), 5])
def test_events_that_are_no_list_are_refused(events: Any) -> None:
    with pytest.raises(InvalidArgument, match="events is a list of events"):
        run(echo, events=events)


def test_a_clock_or_a_timeout_of_another_type_is_refused() -> None:
    wrong: Any = "2026-01-01"
    with pytest.raises(InvalidArgument, match="clock is the moment at which the workflow starts, a datetime, not '2026-01-01'"):
        run(echo, clock=wrong)
    with pytest.raises(InvalidArgument, match="timeout is the virtual time to play for"):
        run(echo, timeout=wrong)


def test_the_path_without_a_patch_can_be_played() -> None:
    def patched(ctx: wf.WorkflowContext, _: Any) -> Any:
        answers = [ctx.is_patched("a"), ctx.is_patched("b")]
        yield ctx.create_timer(DAY)
        return [*answers, ctx.is_patched("a")]

    assert run(patched).result() == [True, True, True]
    assert run(patched, patched=False).result() == [False, False, False]
    assert run(patched, patched={"a"}).result() == [True, False, True]
    for wrong in ("a", True, 5):
        with pytest.raises(InvalidArgument, match="patched is a set of patch names"):
            run(patched, patched=wrong)  # type: ignore[arg-type]  # that is the point


def test_propagated_history_reaches_a_mocked_activity() -> None:
    def passes(ctx: wf.WorkflowContext, _: Any) -> Any:
        return (yield ctx.call_activity("audit", propagation=wf.PropagationScope.OWN_HISTORY))

    def audit(ctx: wf.WorkflowActivityContext, _: Any) -> list[str]:
        history = ctx.get_propagated_history()
        assert history is not None
        return [one.name for one in history.get_workflows()]

    assert run(passes, mocks={"audit": audit}).result() == ["passes"]


def test_an_activity_that_takes_its_context_for_the_input_is_told_so() -> None:
    def mistaken(x: Any) -> Any:
        return x

    def calls(ctx: wf.WorkflowContext, _: Any) -> Any:
        return (yield ctx.call_activity(mistaken, input=1))

    assert "The first parameter of a workflow or an activity is ctx" in run(calls).calls[0].outcome.message
