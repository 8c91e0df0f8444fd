"""ctx.step: an activity without a decorator; and timeouts and compensations as calls record them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from wfengine.core.context import WorkflowContext
from wfengine.core.replay import Execution
from wfengine.core.tasks import when_all
from wfengine.model.actions import ScheduleTask
from wfengine.model.retry import RetryPolicy
from wfengine.testing.rehearsal import Rehearsal, Steps

POLICY = RetryPolicy(first_retry_interval=timedelta(seconds=1), max_number_of_attempts=2)


def add(a: int, b: int) -> int:
    return a + b


def scheduled(play: Rehearsal) -> list[ScheduleTask]:
    return [action for turn in play.actions for action in turn if isinstance(action, ScheduleTask)]


def test_a_step_is_recorded_as_an_activity_with_its_arguments_and_holds_its_function() -> None:
    execution = Execution(lambda ctx, _: (yield ctx.step(add, 1, 2)))
    play = Rehearsal(lambda ctx, _: (yield ctx.step(add, 1, 2)))
    play.start()
    (task,) = scheduled(play)
    assert (task.name, task.input, task.is_inline) == ("add", "[1, 2]", True)
    execution.replay(play.history)
    assert execution.inline(0) is add
    execution.advance([play.completed(0, 3)])
    assert execution.inline(0) is None


def test_a_step_may_be_a_closure_with_a_name_and_is_retried_by_a_policy() -> None:
    def flow(ctx: WorkflowContext, rate: float) -> Steps:
        return (yield ctx.step(lambda: rate * 2, name="double the rate", retry_policy=POLICY))

    play = Rehearsal(flow, 1.5)
    play.start()
    play.turn(play.failed(0))
    play.turn(play.fired(1))
    rebuilt = play.rebuilt()
    again = rebuilt.inline(2)
    assert again is not None
    assert again() == 3.0
    assert [task.attempt for task in scheduled(play)] == [1, 2]
    assert len({task.task_execution_id for task in scheduled(play)}) == 1


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda ctx: ctx.step("add", 1), "ctx.step takes a function"),
        (lambda ctx: ctx.step(lambda: 1), "ctx.step(fn, name='...')"),
        (lambda ctx: ctx.step(add, object()), "the argument list of step 'add' is not JSON"),
        (lambda ctx: ctx.call_activity("a", timeout=5), "timeout is a timedelta"),
        (lambda ctx: ctx.call_activity("a", timeout=timedelta(0)), "timeout is a timedelta"),
        (lambda ctx: ctx.call_activity("a", propagation="lineage"), "propagation is wf.PropagationScope"),
        (lambda ctx: ctx.call_activity("a", compensates=when_all([])), "compensates is the task of the call to undo"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_to_write_instead(call: Callable[[WorkflowContext], Any], told: str) -> None:
    def flow(ctx: WorkflowContext, _: Any) -> Steps:
        yield call(ctx)

    play = Rehearsal(flow)
    play.start()
    assert told in play.failure.message


def test_a_calls_timeout_and_what_it_compensates_are_recorded() -> None:
    def flow(ctx: WorkflowContext, _: Any) -> Steps:
        booked = ctx.call_activity("book", retry_policy=POLICY)
        yield booked
        yield ctx.call_activity("cancel", timeout=timedelta(seconds=1.5), compensates=booked)

    play = Rehearsal(flow)
    play.start()
    play.turn(play.completed(0))
    cancel = scheduled(play)[-1]
    assert (cancel.timeout_s, cancel.compensates) == (1.5, 0)
