"""when_all waits for everybody, when_any for the first; child workflows are tasks like any other."""

from datetime import timedelta
from typing import Any

import pytest

from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import Task, settle, when_all, when_any
from wfengine.errors import TaskFailedError
from wfengine.model.actions import CreateChildWorkflow, CreateTimer
from wfengine.model.history import ChildWorkflowRetry
from wfengine.model.retry import RetryPolicy
from wfengine.testing.rehearsal import Rehearsal, Steps


def fan(ctx: WorkflowContext, count: int) -> Steps:
    return (yield when_all([ctx.call_activity("work", input=n) for n in range(count)]))


def test_when_all_gives_the_results_in_the_order_of_its_arguments() -> None:
    story = Rehearsal(fan, 3)
    assert len(story.start()) == 3
    story.turn(story.completed(2, "c"), story.completed(0, "a"))
    story.turn(story.completed(1, "b"))
    assert story.output == ["a", "b", "c"]


def test_when_all_waits_for_every_task_and_raises_the_failure_that_came_first() -> None:
    story = Rehearsal(fan, 3)
    story.start()
    assert story.turn(story.failed(2, "came first")) == []
    assert story.turn(story.failed(0, "came second")) == []
    story.turn(story.completed(1))
    assert "came first" in story.failure.message


def test_when_all_of_nothing_completes_at_once() -> None:
    story = Rehearsal(fan, 0)
    story.start()
    assert story.output == []


def test_when_all_of_tasks_that_are_done_completes_at_once() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        task = ctx.call_activity("a")
        yield task
        return (yield when_all([task, task]))

    story = Rehearsal(workflow)
    story.start()
    story.turn(story.completed(0, 1))
    assert story.output == [1, 1]


def test_when_any_gives_the_winning_task_itself_and_the_others_go_on() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        slow, fast = ctx.call_activity("slow"), ctx.call_activity("fast")
        winner = yield when_any([slow, fast])
        won = [winner is fast, winner == fast, winner.get_result()]
        return [*won, (yield slow)]

    story = Rehearsal(workflow)
    story.start()
    story.turn(story.completed(1, "fast"))
    story.turn(story.completed(0, "slow"))
    assert story.output == [True, True, "fast", "slow"]


def test_when_any_does_not_raise_for_a_winner_that_failed_until_it_is_asked() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        winner = yield when_any([ctx.call_activity("a"), ctx.call_activity("b")])
        with pytest.raises(TaskFailedError):
            winner.get_result()
        return winner.is_failed

    story = Rehearsal(workflow)
    story.start()
    story.turn(story.failed(0))
    assert story.output is True


def test_when_any_with_a_task_that_is_done_goes_on_at_once() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        first = ctx.call_activity("a")
        yield first
        winner = yield when_any([ctx.call_activity("b"), first])
        return winner is first

    story = Rehearsal(workflow)
    story.start()
    story.turn(story.completed(0))
    assert story.output is True


def test_when_any_of_nothing_completes_with_nothing() -> None:
    def workflow(_ctx: WorkflowContext, _: Any) -> Steps:
        return (yield when_any([]))

    story = Rehearsal(workflow)
    story.start()
    assert story.output == []


def test_they_nest() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        pair = when_all([ctx.call_activity("a"), ctx.call_activity("b")])
        winner = yield when_any([pair, ctx.create_timer(timedelta(hours=1))])
        return winner.get_result() if winner is pair else "timed out"

    in_time, late = Rehearsal(workflow), Rehearsal(workflow)
    in_time.start()
    in_time.turn(in_time.completed(1, 2), in_time.completed(0, 1))
    assert in_time.output == [1, 2]
    late.start()
    late.turn(late.completed(1, 2))
    late.turn(late.fired(2))
    assert late.output == "timed out"


@pytest.mark.parametrize("verb", [when_all, when_any])
def test_they_take_tasks_only(verb: Any) -> None:
    with pytest.raises(TypeError, match=f"{verb.__name__} takes a list of tasks"):
        verb(["not a task"])
    with pytest.raises(TypeError, match=rf"write {verb.__name__}\(\[\.\.\.\]\), not {verb.__name__}\(Task\)"):
        verb(Task())
    with pytest.raises(TypeError, match=rf"takes one list of tasks: write {verb.__name__}\(\[a, b\]\), not {verb.__name__}\(a, b\)"):
        verb(Task(), Task())


def test_a_task_says_how_it_stands() -> None:
    pending, done, failed = Task[int](), Task[int](), Task[int]()
    settle(done, 5)
    settle(failed, None, ValueError("no"))
    assert [repr(task) for task in (pending, done, failed)] == [
        "<Task: pending, yield it>",
        "<Task: completed with 5>",
        "<Task: failed with ValueError('no')>",
    ]
    assert repr(when_all([pending])) == "<WhenAllTask: pending, yield it>"


def test_the_result_of_a_task_cannot_be_asked_for_too_early() -> None:
    task: Task[int] = Task()
    with pytest.raises(ValueError, match="not completed yet"):
        task.get_result()
    with pytest.raises(ValueError, match="not failed"):
        task.get_exception()


def test_a_child_workflow_has_an_id_made_from_its_parents_or_a_given_one() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        return (yield when_all([ctx.call_child_workflow("kid", input=1), ctx.call_child_workflow("kid", instance_id="mine")]))

    story = Rehearsal(workflow)
    assert story.start() == [
        CreateChildWorkflow(id=0, name="kid", instance_id="i-1:0000", input="1"),
        CreateChildWorkflow(id=1, name="kid", instance_id="mine"),
    ]
    story.turn(story.child_completed(1, "b"), story.child_completed(0, "a"))
    assert story.output == ["a", "b"]


def test_the_failure_of_a_child_is_raised_in_its_parent_and_may_be_retried_with_the_same_id() -> None:
    policy = RetryPolicy(first_retry_interval=timedelta(seconds=1), max_number_of_attempts=2)

    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        try:
            yield ctx.call_child_workflow("kid", retry_policy=policy)
        except TaskFailedError as failed:
            return failed.details.message

    story = Rehearsal(workflow)
    story.start()
    [pause] = story.turn(story.child_failed(0, "first"))
    assert isinstance(pause, CreateTimer)
    assert pause.origin == ChildWorkflowRetry(name="kid", instance_id="i-1:0000", attempt=1)
    assert story.turn(story.fired(1)) == [CreateChildWorkflow(id=2, name="kid", instance_id="i-1:0000", attempt=2)]
    story.turn(story.child_failed(2, "second"))
    assert story.output == "second"
