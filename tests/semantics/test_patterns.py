"""Rows A41 to A46, the six patterns, as a user writes them; tests/patterns plays them deeper, and kills them at every commit."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

import wflab as wf
from tests.semantics.runs import WITHIN_SECONDS, begun
from tests.waiting import eventually

Note = Callable[[str, Any], Any]


@pytest.fixture
def done(lab: wf.Lab) -> list[tuple[str, Any]]:
    """What the activities of a small shop were called with, in order; `charge` declines what costs more than 100."""
    done: list[tuple[str, Any]] = []
    runtime = wf.WorkflowRuntime(lab=lab)

    def define(name: str, answer: Callable[[Any], Any]) -> None:
        def activity(_: wf.WorkflowActivityContext, given: Any) -> Any:
            done.append((name, given))
            return answer(given)

        runtime.register_activity(activity, name=name)

    def charge(amount: int) -> str:
        if amount > 100:
            raise ValueError("card declined")
        return "paid"

    define("list_work", lambda size: list(range(size)))
    define("double", lambda number: 2 * number)
    define("check", lambda number: "up" if number == 3 else "down")
    define("charge", charge)
    for what in ("flight", "hotel"):
        define(f"book_{what}", lambda _, what=what: f"{what} 7")  # type: ignore[misc]
        define(f"cancel_{what}", lambda booking: booking)
    return done


def chaining(ctx: wf.WorkflowContext, number: int) -> Any:
    number = yield ctx.call_activity("double", input=number)
    number = yield ctx.call_activity("double", input=number)
    return (yield ctx.call_activity("double", input=number))


async def chaining_async(ctx: wf.WorkflowContext, number: int) -> Any:
    for _ in range(3):
        number = await ctx.call_activity("double", input=number)
    return number


@pytest.mark.parametrize("workflow", [chaining, chaining_async])
def test_a41_task_chaining_hands_each_output_on_as_the_next_input(
    lab: wf.Lab, done: list[tuple[str, Any]], workflow: Callable[..., Any]
) -> None:
    wf.workflow(workflow)
    assert lab.start(workflow, 1).result(WITHIN_SECONDS) == 8
    assert done == [("double", 1), ("double", 2), ("double", 4)]


def fan_out(ctx: wf.WorkflowContext, size: int) -> Any:
    work = yield ctx.call_activity("list_work", input=size)
    return (yield wf.when_all([ctx.call_activity("double", input=item) for item in work]))


async def fan_out_async(ctx: wf.WorkflowContext, size: int) -> Any:
    work = await ctx.call_activity("list_work", input=size)
    return await wf.when_all([ctx.call_activity("double", input=item) for item in work])


@pytest.mark.usefixtures("done")
@pytest.mark.parametrize("workflow", [fan_out, fan_out_async])
def test_a42_fan_out_runs_as_many_as_the_data_says_and_fan_in_gathers_them_in_their_order(
    lab: wf.Lab, workflow: Callable[..., Any]
) -> None:
    wf.workflow(workflow)
    assert lab.start(workflow, 5).result(WITHIN_SECONDS) == [0, 2, 4, 6, 8]
    assert lab.start(workflow, 0).result(WITHIN_SECONDS) == []


def test_a43_a_start_answers_at_once_with_an_id_whose_state_is_polled_until_it_is_done(lab: wf.Lab) -> None:
    @wf.workflow
    def report(ctx: wf.WorkflowContext) -> Any:
        ctx.set_custom_status("collecting")
        return (yield ctx.wait_for_external_event("rows"))

    instance_id = begun(lab, report).id
    client = wf.DaprWorkflowClient()
    state = client.get_workflow_state(instance_id)
    assert state is not None
    assert (state.runtime_status, state.serialized_custom_status) == (wf.WorkflowStatus.RUNNING, "collecting")
    client.raise_workflow_event(instance_id, "rows", data=9)

    def is_done() -> bool:
        polled = client.get_workflow_state(instance_id)
        return polled is not None and polled.serialized_output == "9"

    eventually(is_done)


@pytest.mark.usefixtures("done")
def test_a44_a_monitor_checks_sleeps_as_long_as_it_likes_and_continues_as_new(lab: wf.Lab) -> None:
    @wf.workflow
    def monitor(ctx: wf.WorkflowContext, number: int) -> Any:
        if (yield ctx.call_activity("check", input=number)) == "up":
            return number
        yield ctx.create_timer(timedelta(hours=number))
        ctx.continue_as_new(number + 1)

    lab.clock.virtual()
    run = lab.start(monitor, 1)
    lab.clock.advance(timedelta(hours=2.5))
    assert str(run.status) == "RUNNING"
    lab.clock.advance(timedelta(hours=1))
    assert run.result(WITHIN_SECONDS) == 3
    assert list(run.history()["type"]) == ["ExecutionStarted", "TaskScheduled", "TaskCompleted", "ExecutionCompleted"]


def test_a45_an_external_system_answers_in_time_or_the_timer_wins(lab: wf.Lab) -> None:
    @wf.workflow
    def approval(ctx: wf.WorkflowContext) -> Any:
        answer, late = ctx.wait_for_external_event("approval"), ctx.create_timer(timedelta(days=7))
        winner = yield wf.when_any([answer, late])
        return "nobody answered" if winner is late else answer.get_result()

    lab.clock.virtual()
    answered, unanswered = begun(lab, approval), begun(lab, approval)
    answered.approve(data="Ana")
    lab.clock.advance(timedelta(days=8))
    assert (answered.result(WITHIN_SECONDS), unanswered.result(WITHIN_SECONDS)) == ("Ana", "nobody answered")


def trip(ctx: wf.WorkflowContext, amount: int) -> Any:
    saga = wf.Saga(ctx)
    try:
        for what in ("flight", "hotel"):
            yield saga.step(f"book_{what}", undo=f"cancel_{what}")
        return (yield ctx.call_activity("charge", input=amount))
    except wf.TaskFailedError as error:
        yield from saga.compensate()
        yield ctx.call_activity("double", input=1)  # all of the block runs
        return error.details.message


async def trip_async(ctx: wf.WorkflowContext, amount: int) -> Any:
    saga = wf.Saga(ctx)
    try:
        for what in ("flight", "hotel"):
            await saga.step(f"book_{what}", undo=f"cancel_{what}")
        return await ctx.call_activity("charge", input=amount)
    except wf.TaskFailedError as error:
        await saga.compensate()
        await ctx.call_activity("double", input=1)
        return error.details.message


@pytest.mark.parametrize("workflow", [trip, trip_async])
def test_a46_a_saga_undoes_in_reverse_order_and_the_whole_except_block_runs(
    lab: wf.Lab, done: list[tuple[str, Any]], workflow: Callable[..., Any]
) -> None:
    wf.workflow(workflow)
    assert lab.start(workflow, 50).result(WITHIN_SECONDS) == "paid"
    done.clear()
    assert lab.start(workflow, 500).result(WITHIN_SECONDS) == "card declined"
    assert done[2:] == [("charge", 500), ("cancel_hotel", "hotel 7"), ("cancel_flight", "flight 7"), ("double", 1)]
