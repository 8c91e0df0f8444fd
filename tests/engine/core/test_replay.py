"""advance over histories written by hand: what is confirmed is not asked for again, and what disagrees is told."""

from datetime import timedelta
from typing import Any

import pytest

from wfengine.core.context import WorkflowContext
from wfengine.core.replay import Execution
from wfengine.core.tasks import when_all
from wfengine.errors import NonDeterminismError
from wfengine.model.actions import CompleteWorkflow
from wfengine.model.history import (
    ChildWorkflowInstanceCreated,
    EventWait,
    ExecutionCompleted,
    ExecutionStarted,
    HistoryEvent,
    TaskCompleted,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from wfengine.model.instance import Status
from wfengine.testing.rehearsal import BEGINNING, Rehearsal, Steps

STARTED = ExecutionStarted(occurred_at=BEGINNING, name="w", instance_id="i")
LATER = BEGINNING + timedelta(seconds=1)


def scheduled(event_id: int, name: str) -> TaskScheduled:
    return TaskScheduled(occurred_at=BEGINNING, event_id=event_id, name=name, task_execution_id="-")


def completed(task_id: int, result: str) -> TaskCompleted:
    return TaskCompleted(occurred_at=LATER, task_scheduled_id=task_id, result=result)


def test_what_history_holds_is_not_asked_for_again() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        a = yield ctx.call_activity("a")
        b = yield ctx.call_activity("b")
        return [a, b]

    execution = Execution(workflow)
    execution.replay([STARTED, scheduled(0, "a"), completed(0, "1"), scheduled(1, "b")])
    assert execution.advance([]).actions == []
    assert execution.advance([completed(1, "2")]).actions == [CompleteWorkflow(status=Status.COMPLETED, output="[1, 2]")]


def test_is_replaying_is_true_for_what_is_recorded_only() -> None:
    seen: list[bool] = []

    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        seen.append(ctx.is_replaying)
        yield ctx.call_activity("a")
        seen.append(ctx.is_replaying)
        yield ctx.call_activity("b")

    execution = Execution(workflow)
    execution.replay([STARTED, scheduled(0, "a")])
    execution.advance([completed(0, "1")])
    assert seen == [True, False]


CALLS: dict[str, Any] = {
    "activity a": lambda ctx: ctx.call_activity("a"),
    "activity b": lambda ctx: ctx.call_activity("b"),
    "timer": lambda ctx: ctx.create_timer(timedelta(1)),
    "wait x": lambda ctx: ctx.wait_for_external_event("x"),
    "wait y": lambda ctx: ctx.wait_for_external_event("y"),
    "child a": lambda ctx: ctx.call_child_workflow("a"),
    "child b": lambda ctx: ctx.call_child_workflow("b"),
}
RECORDED: dict[str, HistoryEvent] = {
    "activity a": scheduled(0, "a"),
    "timer": TimerCreated(occurred_at=BEGINNING, event_id=0, fire_at=LATER),
    "wait x": TimerCreated(occurred_at=BEGINNING, event_id=0, fire_at=None, origin=EventWait(name="X")),
    "child a": ChildWorkflowInstanceCreated(occurred_at=BEGINNING, event_id=0, name="a", instance_id="c"),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("recorded", RECORDED)
def test_history_and_code_must_agree_on_kind_and_name(recorded: str, call: str) -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        yield CALLS[call](ctx)

    execution = Execution(workflow)
    if recorded == call:
        execution.replay([STARTED, RECORDED[recorded]])
        return
    with pytest.raises(NonDeterminismError) as caught:
        execution.replay([STARTED, RECORDED[recorded]])
    assert caught.value.event_id == 0
    assert caught.value.recorded in str(caught.value)
    assert caught.value.attempted in str(caught.value)
    assert caught.value.line.startswith("line ")
    assert caught.value.line in str(caught.value)
    assert f"{caught.value.recorded} was replaced by {caught.value.attempted}" in str(caught.value)


def test_an_action_that_the_code_no_longer_asks_for_is_a_disagreement() -> None:
    execution = Execution(lambda _ctx, _input: None)
    with pytest.raises(NonDeterminismError, match="the code now asks for nothing"):
        execution.replay([STARTED, scheduled(0, "a")])


def test_an_action_that_history_lacks_is_a_disagreement() -> None:
    """It would wait for ever for something that was never begun."""

    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        yield when_all([ctx.call_activity("a"), ctx.call_activity("added")])

    with pytest.raises(
        NonDeterminismError, match=r"recorded is nothing more, the code now asks for call_activity\('added'\) \(line \d+ of workflow\)"
    ):
        Execution(workflow).replay([STARTED, scheduled(0, "a")])


def test_code_that_ends_where_history_went_on_is_a_disagreement() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity("a")

    with pytest.raises(NonDeterminismError, match="the code now ends"):
        Execution(workflow).replay([STARTED, scheduled(0, "a"), completed(0, "1")])


def test_a_history_that_has_ended_agrees_with_code_that_dropped_its_last_actions() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity("a")
        ctx.call_activity("never awaited")

    ended = ExecutionCompleted(occurred_at=BEGINNING, status=Status.COMPLETED)
    Execution(workflow).replay([STARTED, scheduled(0, "a"), completed(0, "1"), ended])


def test_actions_in_another_order_are_a_disagreement() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        yield when_all([ctx.call_activity("b"), ctx.call_activity("a")])

    with pytest.raises(NonDeterminismError, match=r"call_activity\('a'\).*call_activity\('b'\)"):
        Execution(workflow).replay([STARTED, scheduled(0, "a"), scheduled(1, "b")])


def test_inputs_are_not_compared() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity("a", input="something new")

    Execution(workflow).replay([STARTED, scheduled(0, "a")])


def test_outcomes_that_nobody_waits_for_are_passed_over() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity("a")
        return (yield ctx.call_activity("b"))

    execution = Execution(workflow)
    execution.replay([STARTED, scheduled(0, "a")])
    execution.advance([completed(0, "1"), completed(0, "2"), completed(7, "3"), TimerFired(occurred_at=LATER, timer_id=9, fire_at=LATER)])
    assert execution.advance([completed(1, '"b"')]).actions == [CompleteWorkflow(status=Status.COMPLETED, output='"b"')]


def test_while_suspended_everything_waits_and_is_delivered_in_order_on_resumption() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        got: list[Any] = []
        yield ctx.call_activity("a")
        for _ in range(2):
            got += [(yield ctx.wait_for_external_event("x"))]
        return got

    story = Rehearsal(workflow)
    story.start()
    assert story.turn(story.suspended(), story.raised("x", 1)) == []
    assert story.turn(story.completed(0)) == []
    assert story.turn(story.raised("x", 2), story.suspended()) == []
    assert len(story.turn(story.resumed(), story.raised("x", 3))) == 1
    assert story.output == [1, 2]


def test_what_arrived_before_the_suspension_in_the_same_turn_is_taken_up() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity("a")
        yield ctx.call_activity("b")

    story = Rehearsal(workflow)
    story.start()
    assert len(story.turn(story.completed(0), story.suspended())) == 1
    assert story.turn(story.completed(1)) == []
    assert story.turn(story.resumed()) == [CompleteWorkflow(status=Status.COMPLETED)]


def test_ten_thousand_steps_replay_without_deep_recursion() -> None:
    def workflow(ctx: WorkflowContext, steps: int) -> Steps:
        total = 0
        for _ in range(steps):
            total += yield ctx.call_activity("one")
        return total

    history: list[HistoryEvent] = [ExecutionStarted(occurred_at=BEGINNING, name="w", instance_id="i", input="10000")]
    for number in range(10_000):
        history += [scheduled(number, "one"), completed(number, "1")]
    execution = Execution(workflow)
    execution.replay(history[:-1])
    assert execution.advance(history[-1:]).actions == [CompleteWorkflow(status=Status.COMPLETED, output="10000")]


def test_ten_thousand_events_that_came_early_are_taken_up_without_deep_recursion() -> None:
    def workflow(ctx: WorkflowContext, count: int) -> Steps:
        yield ctx.call_activity("first")
        tasks = [ctx.wait_for_external_event("x") for _ in range(count)]
        return sum((yield when_all(tasks)))

    story = Rehearsal(workflow, 3_000)
    story.start(*(story.raised("x", 1) for _ in range(3_000)))
    story.turn(story.completed(0))
    assert story.output == 3_000
