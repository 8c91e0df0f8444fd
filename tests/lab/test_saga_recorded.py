"""wf.Saga here: async workflows, code that is closed, what is recorded, and a lab that is opened again."""

import inspect
from datetime import timedelta
from pathlib import Path
from typing import Any

import dapr.ext.workflow as dapr
import pytest

import wflab as wf
from tests.lab.trips import WITHIN_SECONDS, Ending, World, at_will, in_testing, on_dapr, register, trip
from wfengine.core.tasks import Task
from wfengine.model.history import TaskScheduled
from wfengine.model.instance import Status
from wflab.saga import LeftUndone


def test_undoes_are_done_one_after_the_other() -> None:
    running: list[str] = []

    def undo(name: str) -> Any:
        def slow() -> Any:
            running.append(name)
            return None

        return wf.testing.Takes(timedelta(hours=1), slow)

    mocks = {**at_will(World("book_car").answers), "cancel_hotel": undo("hotel"), "cancel_flight": undo("flight")}
    outcome = wf.testing.run(trip, mocks=mocks)
    assert (running, outcome.elapsed) == (["hotel", "flight"], timedelta(hours=2))


def test_an_async_workflow_awaits_its_compensation() -> None:
    async def workflow(ctx: wf.WorkflowContext, _: Any) -> Any:
        saga = wf.Saga(ctx)
        try:
            flight = await saga.step("book_flight", undo="cancel_flight")
            await saga.step("book_car", undo="cancel_car", input=flight)
        except wf.TaskFailedError:
            await saga.compensate()
            raise

    world = World("book_car")
    ending = in_testing(workflow, world.answers)
    assert ending.error is not None
    assert ending.error[0] == "TaskFailedError"
    assert [thing for thing, _ in world.undone] == ["flight"]


def test_an_undo_that_has_no_name_is_refused_before_the_step_is_done() -> None:
    def workflow(ctx: wf.WorkflowContext, _: Any) -> Any:
        yield wf.Saga(ctx).step("book_flight", undo=lambda _ctx, _given: None)

    world = World()
    ending = in_testing(workflow, world.answers)
    assert ending.error is not None
    assert ending.error[0] == "InvalidArgument"
    assert ending.error[1].endswith("A step that is not registered is ctx.step(fn, name='...').")
    assert world.done == []


@pytest.mark.parametrize("how", ["called", "yielded", "returned"])
def test_a_compensation_that_is_not_awaited_fails_the_workflow_and_says_what_to_write(how: str) -> None:
    def workflow(ctx: wf.WorkflowContext, _: Any) -> Any:
        saga = wf.Saga(ctx)
        try:
            yield saga.step("book_flight", undo="cancel_flight")
            yield saga.step("book_car", undo="cancel_car")
        except wf.TaskFailedError:
            compensation = saga.compensate()
            if how == "yielded":
                yield compensation
            if how == "returned":
                return compensation
            raise

    world = World("book_car")
    ending = in_testing(workflow, world.answers)
    assert ending.error is not None
    assert ending.error[1].startswith("`saga.compensate()` was not awaited: write `yield from saga.compensate()`")


def test_yielding_a_compensation_says_to_write_yield_from() -> None:
    def workflow(ctx: wf.WorkflowContext, _: Any) -> Any:
        compensation = wf.Saga(ctx).compensate()
        try:
            yield compensation
        except TypeError as error:
            yield from compensation
            return str(error)

    ending = in_testing(workflow, {})
    assert ending.output.endswith("write `yield from`, not `yield`.")


def test_on_dapr_a_forgotten_compensation_breaks_nothing() -> None:
    def workflow(ctx: Any, _: Any) -> Any:
        saga = wf.Saga(ctx)
        yield saga.step("book_flight", undo="cancel_flight")
        saga.compensate()
        return "fine"

    world = World()
    assert on_dapr(workflow, world.answers) == Ending("fine")
    assert world.undone == []


def test_a_step_is_the_contexts_own_task_and_takes_its_other_options() -> None:
    def workflow(ctx: wf.WorkflowContext, _: Any) -> Any:
        saga = wf.Saga(ctx)
        step = saga.step("book_flight", undo="cancel_flight", timeout=timedelta(minutes=1))
        assert isinstance(step, type(ctx.call_activity("book_hotel")))
        return (yield step)["booking"]

    outcome = wf.testing.run(workflow, mocks=at_will(World().answers))
    assert outcome.result() == "flight"
    assert next(event.timeout_s for event in outcome.history if isinstance(event, TaskScheduled)) == 60


# Closing, dying, and what is recorded.


def test_code_that_is_closed_compensates_nothing() -> None:
    """A workflow is closed whenever it is put out of memory: it goes on later, as if nothing had been."""
    entered: list[str] = []

    def workflow(ctx: wf.WorkflowContext, _: Any) -> Any:
        saga = wf.Saga(ctx)
        try:
            yield saga.step("book_flight", undo="cancel_flight")
            yield ctx.create_timer(timedelta(days=30))
        except Exception:
            entered.append("compensation")
            yield from saga.compensate()
            raise

    world = World()
    outcome = wf.testing.run(workflow, mocks=world.answers, timeout=timedelta(days=1))
    assert (outcome.status, entered, world.undone) == (Status.RUNNING, [], [])


def test_closing_in_the_middle_of_a_compensation_ends_it() -> None:
    def workflow(ctx: wf.WorkflowContext, _: Any) -> Any:
        saga = wf.Saga(ctx)
        yield saga.step("book_flight", undo="cancel_flight")
        yield saga.step("book_hotel", undo="cancel_hotel")
        yield from saga.compensate()

    world = World()
    mocks = {**world.answers, "cancel_hotel": wf.testing.Takes(timedelta(days=30))}
    outcome = wf.testing.run(workflow, mocks=mocks, timeout=timedelta(days=1))
    assert [call.name for call in outcome.calls] == ["book_flight", "book_hotel", "cancel_hotel"]
    assert (outcome.status, world.undone) == (Status.RUNNING, [])


def test_nothing_more_is_asked_for_once_a_compensation_is_closed() -> None:
    """Dapr's context takes calls from code that is being closed; so the saga must make none."""
    calls: list[str] = []

    class Desk:
        def call_activity(self, activity: str, *, input: Any = None) -> Task[Any]:
            calls.append(activity)
            task: Task[Any] = Task()
            if activity.startswith("book"):
                task.record_outcome(input)
            return task

    saga = wf.Saga(Desk())
    saga.step("book_flight", undo="cancel_flight")
    saga.step("book_hotel", undo="cancel_hotel")
    code = iter(saga.compensate())
    next(code)
    code.close()
    assert calls == ["book_flight", "book_hotel", "cancel_hotel"]


def test_a_saga_is_no_context_manager() -> None:
    """Leaving a block cannot yield, and closing leaves it, too."""
    assert not hasattr(wf.Saga, "__exit__")
    assert not hasattr(wf.Saga, "__aexit__")


def test_each_undo_is_recorded_with_the_step_that_it_undoes(lab: wf.Lab) -> None:
    register(lab, World("book_car").answers)
    lab.engine.register_workflow(trip, "trip")
    run = lab.start("trip")
    run.result(WITHIN_SECONDS)
    scheduled = [row.event for row in lab.engine.history(run.id) if isinstance(row.event, TaskScheduled)]
    ids = {event.name: event.event_id for event in scheduled}
    assert {event.name: event.compensates for event in scheduled} == {
        "book_flight": None,
        "book_hotel": None,
        "book_car": None,
        "cancel_hotel": ids["book_hotel"],
        "cancel_flight": ids["book_flight"],
    }


def test_an_undo_is_recorded_with_the_first_attempt_of_its_step() -> None:
    """The number of a call is that of its first attempt; all attempts share a task_execution_id."""
    policy = wf.RetryPolicy(first_retry_interval=timedelta(hours=1), max_number_of_attempts=3)

    def workflow(ctx: wf.WorkflowContext, _: Any) -> Any:
        saga = wf.Saga(ctx)
        yield saga.step("book_flight", undo="cancel_flight", retry_policy=policy, undo_retry_policy=policy)
        yield from saga.compensate()

    mocks = {"book_flight": [OSError("busy"), "booked"], "cancel_flight": [OSError("busy"), None]}
    scheduled = [event for event in wf.testing.run(workflow, mocks=mocks).history if isinstance(event, TaskScheduled)]
    assert [(event.name, event.attempt, event.compensates) for event in scheduled] == [
        ("book_flight", 1, None),
        ("book_flight", 2, None),
        ("cancel_flight", 1, scheduled[0].event_id),
        ("cancel_flight", 2, scheduled[0].event_id),
    ]


def test_a_compensation_goes_on_where_it_was_when_the_lab_is_opened_again(tmp_path: Path) -> None:
    """Here it is between two attempts of its second undo."""
    policy = wf.RetryPolicy(first_retry_interval=timedelta(days=1), max_number_of_attempts=2)

    def patient(ctx: wf.WorkflowContext, _: Any) -> Any:
        saga = wf.Saga(ctx)
        yield saga.step("book_flight", undo="cancel_flight", undo_retry_policy=policy)
        yield saga.step("book_hotel", undo="cancel_hotel")
        yield from saga.compensate()
        return "undone"

    path = tmp_path / "orders.duckdb"
    before, after = World("cancel_flight"), World()
    for world, span in ((before, timedelta(seconds=1)), (after, timedelta(days=2))):
        with wf.Lab(path) as lab:
            lab.clock.virtual()
            register(lab, world.answers)
            lab.engine.register_workflow(patient, "trip")
            run = lab.start("trip", instance_id="t") if world is before else lab.get("t")
            lab.clock.advance(span)
            if world is after:
                assert run.result(WITHIN_SECONDS) == "undone"
    assert [thing for thing, _ in before.undone] == ["hotel", "flight"]
    assert [thing for thing, _ in after.undone] == ["flight"]


def test_daprs_context_has_no_word_for_what_an_undo_undoes() -> None:
    """Should it get one, the saga uses it; until then it must leave it out."""
    assert "compensates" not in inspect.signature(dapr.DaprWorkflowContext.call_activity).parameters
    assert "compensates" in inspect.signature(wf.WorkflowContext.call_activity).parameters


def test_what_is_left_is_data() -> None:
    failed = wf.FailureDetails(message="lost", error_type="OSError")
    left = [LeftUndone(step="a", undo="b", failure=failed), LeftUndone(step="c", undo="d", failure=failed)]
    error = wf.SagaCompensationError(left)
    assert error.left == left
    assert str(error) == "2 completed steps are not undone. b of a: OSError: lost; d of c: OSError: lost"
