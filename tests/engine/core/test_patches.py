"""A19: is_patched lets new code into workflows that run, and what was answered once is answered for ever."""

from typing import Any

import pytest

from wfengine.core.context import WorkflowContext
from wfengine.core.replay import Execution
from wfengine.errors import InvalidArgument, NonDeterminismError
from wfengine.model.actions import RecordPatch, ScheduleTask
from wfengine.model.history import ExecutionStarted, HistoryEvent, PatchRecorded, TaskCompleted, TaskScheduled
from wfengine.testing.rehearsal import BEGINNING, Rehearsal, Steps

STARTED = ExecutionStarted(occurred_at=BEGINNING, name="w", instance_id="i")


def scheduled(event_id: int, name: str) -> TaskScheduled:
    return TaskScheduled(occurred_at=BEGINNING, event_id=event_id, name=name, task_execution_id="-")


def completed(task_id: int) -> TaskCompleted:
    return TaskCompleted(occurred_at=BEGINNING, task_scheduled_id=task_id)


def patch(name: str) -> PatchRecorded:
    return PatchRecorded(occurred_at=BEGINNING, name=name)


def patched(ctx: WorkflowContext, _: Any) -> Steps:
    yield ctx.call_activity("a")
    if ctx.is_patched("fraud check"):
        yield ctx.call_activity("check")
    yield ctx.call_activity("b")
    return [ctx.is_patched("fraud check"), ctx.is_patched("later")]


def test_is_patched_is_true_and_recorded_for_what_has_not_come_there_before() -> None:
    play = Rehearsal(patched)
    play.start()
    asked = play.turn(play.completed(0))
    assert asked[0] == RecordPatch(name="fraud check")
    assert isinstance(asked[1], ScheduleTask)
    assert asked[1].name == "check"
    assert PatchRecorded in [type(event) for event in play.history]
    play.turn(play.completed(1))
    play.turn(play.completed(2))
    assert play.output == [True, True]


def test_a_patch_that_is_asked_for_in_the_last_turn_is_recorded_too() -> None:
    """Or whoever replays the ended history would go the old way."""

    def late(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity("a")
        return "new" if ctx.is_patched("late") else "old"

    play = Rehearsal(late)
    play.start()
    play.turn(play.completed(0))
    assert play.output == "new"
    assert [event.name for event in play.history if isinstance(event, PatchRecorded)] == ["late"]


def test_is_patched_is_false_for_what_had_passed_there_before_the_patch() -> None:
    execution = Execution(patched)
    execution.replay([STARTED, scheduled(0, "a"), completed(0), scheduled(1, "b")])
    result = execution.advance([completed(1)])
    assert result.actions[-1].output == "[false, true]"  # type: ignore[union-attr]


def test_an_answer_stays_the_same_within_an_execution_and_at_every_replay() -> None:
    history: list[HistoryEvent] = [STARTED, scheduled(0, "a"), completed(0), patch("fraud check"), scheduled(1, "check")]
    for _ in range(2):
        execution = Execution(patched)
        execution.replay(history)
        asked = execution.advance([completed(1)]).actions
        assert [action.name for action in asked if isinstance(action, ScheduleTask)] == ["b"]
        assert not any(isinstance(action, RecordPatch) for action in asked)


def test_a_removed_patch_is_a_disagreement() -> None:
    def unpatched(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity("a")
        yield ctx.call_activity("check")

    with pytest.raises(NonDeterminismError, match=r"is_patched\('fraud check'\).*an is_patched was removed"):
        Execution(unpatched).replay([STARTED, scheduled(0, "a"), completed(0), patch("fraud check"), scheduled(1, "check")])


def test_patches_in_another_order_are_a_disagreement() -> None:
    def reordered(ctx: WorkflowContext, _: Any) -> Steps:
        both = [ctx.is_patched("two"), ctx.is_patched("one")]
        yield ctx.call_activity("a", input=both)

    with pytest.raises(NonDeterminismError, match=r"recorded is is_patched\('one'\), the code now asks for is_patched\('two'\)"):
        Execution(reordered).replay([STARTED, patch("one"), patch("two"), scheduled(0, "a")])


def test_a_patch_that_the_code_asks_for_in_old_territory_after_one_recorded_later_is_still_no() -> None:
    def two(ctx: WorkflowContext, _: Any) -> Steps:
        early = ctx.is_patched("early")
        yield ctx.call_activity("a")
        late = ctx.is_patched("late")
        yield ctx.call_activity("b")
        return [early, late]

    execution = Execution(two)
    execution.replay([STARTED, scheduled(0, "a"), completed(0), patch("late"), scheduled(1, "b")])
    assert execution.advance([completed(1)]).actions[0].output == "[false, true]"  # type: ignore[union-attr]


def test_a_patch_has_a_name() -> None:
    def nameless(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity("a", input=ctx.is_patched(""))

    play = Rehearsal(nameless)
    play.start()
    assert play.failure.error_type == InvalidArgument.__name__
