"""A22: what the error says when history and code disagree: the event, both actions, the line, and the likely edit."""

from collections.abc import Callable
from typing import Any

import pytest

from wfengine.core.context import WorkflowContext
from wfengine.core.replay import Execution
from wfengine.core.tasks import when_all
from wfengine.errors import NonDeterminismError
from wfengine.testing.rehearsal import Rehearsal, Steps

Edited = Callable[[WorkflowContext, Any], Any]


def original(ctx: WorkflowContext, _: Any) -> Steps:
    yield ctx.call_activity("reserve")
    yield ctx.call_activity("charge")
    return (yield ctx.call_activity("ship"))


def added(ctx: WorkflowContext, _: Any) -> Steps:
    yield ctx.call_activity("reserve")
    yield when_all([ctx.call_activity("check"), ctx.call_activity("charge")])
    return (yield ctx.call_activity("ship"))


def removed(ctx: WorkflowContext, _: Any) -> Steps:
    yield ctx.call_activity("charge")
    return (yield ctx.call_activity("ship"))


def renamed(ctx: WorkflowContext, _: Any) -> Steps:
    yield ctx.call_activity("reserve")
    yield ctx.call_activity("charge_card")
    return (yield ctx.call_activity("ship"))


def swapped(ctx: WorkflowContext, _: Any) -> Steps:
    yield when_all([ctx.call_activity("charge"), ctx.call_activity("reserve")])
    return (yield ctx.call_activity("ship"))


def ends(ctx: WorkflowContext, _: Any) -> Steps:
    yield ctx.call_activity("reserve")
    yield ctx.call_activity("charge")
    return "done"


def ends_at_once(ctx: WorkflowContext, _: Any) -> Steps:
    yield ctx.call_activity("reserve")
    return "done"


def other_kind(ctx: WorkflowContext, _: Any) -> Steps:
    yield ctx.call_activity("reserve")
    yield ctx.call_child_workflow("charge")


@pytest.mark.parametrize(
    ("edited", "event_id", "line", "told"),
    [
        (added, 1, 3, "call_activity('check') was added before call_activity('charge')"),
        (removed, 0, 1, "call_activity('reserve') was removed before call_activity('charge')"),
        (renamed, 1, 2, "call_activity('charge') was replaced by call_activity('charge_card'), or renamed"),
        (swapped, 0, 1, "call_activity('reserve') and call_activity('charge') changed places"),
        (ends, 2, None, "call_activity('ship') was removed"),
        (ends_at_once, 1, None, "call_activity('charge') was removed"),
        (other_kind, 1, 2, "call_activity('charge') was replaced by call_child_workflow('charge')"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_the_error_names_the_event_both_actions_the_line_and_the_likely_edit(
    edited: Edited, event_id: int, line: int | None, told: str
) -> None:
    play = Rehearsal(original)
    play.start()
    play.turn(play.completed(0))
    play.turn(play.completed(1))
    with pytest.raises(NonDeterminismError) as caught:
        Execution(edited).replay(play.history)
    error = caught.value
    assert error.event_id == event_id
    assert told in str(error)
    assert error.recorded in str(error)
    assert error.attempted in str(error)
    if line is not None:
        first_line = edited.__code__.co_firstlineno
        if edited is not swapped and edited is not added:
            assert error.line == f"line {first_line + line} of {edited.__name__}"
        assert f"({error.line})" in str(error)


def test_a_call_that_was_added_where_history_has_nothing_is_told_with_its_line() -> None:
    def appended(ctx: WorkflowContext, _: Any) -> Steps:
        yield when_all([ctx.call_activity("reserve"), ctx.call_activity("log")])

    play = Rehearsal(original)
    play.start()
    with pytest.raises(NonDeterminismError) as caught:
        Execution(appended).replay(play.history)
    assert "call_activity('log') was added" in str(caught.value)
    assert caught.value.line == f"line {appended.__code__.co_firstlineno + 1} of appended"


def test_code_that_returns_where_the_instance_went_on_is_told_so() -> None:
    def returns(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity("reserve")
        yield ctx.call_activity("charge")

    def original_pair(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity("reserve")
        yield ctx.call_activity("charge")
        yield ctx.wait_for_external_event("ship")

    play = Rehearsal(original_pair)
    play.start()
    play.turn(play.completed(0))
    history = list(play.history)
    history.append(play.completed(1))
    with pytest.raises(NonDeterminismError, match=r"ends where the recorded instance went on.*a `return` was added"):
        Execution(returns).replay(history)
