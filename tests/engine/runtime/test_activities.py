"""Activities at work: on threads or on a loop, and whatever they do, an outcome is recorded and the engine goes on."""

import asyncio
import functools
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_all
from wfengine.errors import NonRetryableError
from wfengine.model.history import TaskCompleted, TaskFailed
from wfengine.model.instance import Instance, Status
from wfengine.runtime.engine import Engine
from wfengine.testing.rehearsal import Steps

Opener = Callable[..., Engine]


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise SystemExit

    __repr__ = __str__


class BrokenModel:
    def model_dump(self, **_: Any) -> None:
        raise ZeroDivisionError

    @classmethod
    def model_validate(cls, _: Any) -> Any:
        raise ZeroDivisionError


def raising(error: BaseException | type[BaseException]) -> Callable[..., Any]:
    def activity(_ctx: Any, _: Any) -> None:
        raise error

    return activity


def returning(value: Any) -> Callable[..., Any]:
    def activity(_ctx: Any, _: Any) -> Any:
        return value

    return activity


async def asynchronous(_ctx: Any, number: int) -> int:
    await asyncio.sleep(0)
    return number + 1


async def cancels_itself(_ctx: Any, _: Any) -> None:
    raise asyncio.CancelledError


def through(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*arguments: Any) -> Any:
        return function(*arguments)

    return wrapper


class Callables:
    def method(self, _ctx: Any, number: int) -> int:
        return number + 1

    def __call__(self, _ctx: Any, number: int) -> int:
        return number + 1


def plus(more: int, _ctx: Any, number: int) -> int:
    return number + more


def run(engine: Engine, activity: Any, input: Any = None) -> Instance:
    def calls(ctx: WorkflowContext, value: Any) -> Steps:
        return (yield ctx.call_activity("activity", input=value))

    engine.register_activity(activity, name="activity")
    engine.register_workflow(calls)
    return engine.wait_for_workflow_completion(engine.schedule_new_workflow(calls, input=input), 20)


@pytest.mark.parametrize(
    ("activity", "error_type"),
    [
        (raising(ValueError("v")), "ValueError"),
        (raising(SystemExit(1)), "SystemExit"),
        (raising(KeyboardInterrupt), "KeyboardInterrupt"),
        (raising(StopIteration), "StopIteration"),
        (raising(NonRetryableError("no")), "NonRetryableError"),
        (raising(Unspeakable), "Unspeakable"),
        (lambda _ctx, _: sys.exit(3), "SystemExit"),
        (cancels_itself, "CancelledError"),
        (returning(float("nan")), "PayloadError"),
        (returning({1: 2}), "PayloadError"),
        (returning("\ud800"), "PayloadError"),
        (returning(object()), "PayloadError"),
        (returning(BrokenModel()), "ZeroDivisionError"),
        (returning(10**5000), "PayloadError"),
    ],
)
def test_whatever_goes_wrong_in_an_activity_is_recorded_as_its_failure(engine: Engine, activity: Any, error_type: str) -> None:
    final = run(engine, activity)
    assert final.status is Status.FAILED
    [failed] = [row.event for row in engine.history(final.instance_id) if isinstance(row.event, TaskFailed)]
    assert failed.failure.error_type == error_type
    assert failed.failure.non_retryable == (error_type == "NonRetryableError")
    assert run(engine, returning(1)).output == "1", "the engine goes on"


@pytest.mark.parametrize(
    "activity",
    [
        asynchronous,
        through(asynchronous),
        functools.partial(asynchronous),
        functools.partial(plus, 1),
        Callables().method,
        Callables(),
        through(Callables().method),
    ],
)
def test_whatever_can_be_called_can_be_an_activity(engine: Engine, activity: Any) -> None:
    assert run(engine, activity, 1).output == "2"


def test_a_built_in_function_can_be_an_activity_by_name(engine: Engine) -> None:
    engine.register_activity(max, name="most")
    final = run(engine, lambda ctx: ctx.workflow_id)
    assert final.output == f'"{final.instance_id}"'


def test_an_activity_is_told_who_calls_it_and_which_attempt_it_is(engine: Engine) -> None:
    final = run(engine, lambda ctx, _: [ctx.workflow_id, ctx.task_id, len(ctx.task_execution_id), ctx.attempt])
    assert final.output == f'["{final.instance_id}", 0, 36, 1]'


def test_the_result_is_recorded_with_start_duration_and_kind_of_worker(engine: Engine) -> None:
    for activity, worker in ((returning(1), "thread"), (asynchronous, "async")):
        rows = engine.history(run(engine, activity, 1).instance_id)
        [completed] = [row.event for row in rows if isinstance(row.event, TaskCompleted)]
        assert completed.worker == worker
        assert completed.started_at is not None
        assert completed.duration_ms is not None
        assert 0 <= completed.duration_ms < 20_000


def test_blocking_activities_run_beside_each_other_and_beside_coroutines(engine: Engine) -> None:
    together = threading.Barrier(20, timeout=20)

    def meets(_ctx: Any, _: Any) -> int:
        together.wait()
        return 1

    async def meets_too(_ctx: Any, _: Any) -> int:
        await asyncio.sleep(0)
        return 1

    def crowd(ctx: WorkflowContext, _: Any) -> Steps:
        return sum((yield when_all([*(ctx.call_activity(meets) for _ in range(20)), ctx.call_activity(meets_too)])))

    engine.register_workflow(crowd)
    engine.register_activity(meets)
    engine.register_activity(meets_too)
    assert engine.wait_for_workflow_completion(engine.schedule_new_workflow(crowd), 20).output == "21"


def test_what_was_queued_is_not_begun_after_the_engine_was_closed(opened: Opener) -> None:
    engine = opened()
    engine._worker._most_threads = 1
    release, running = threading.Event(), threading.Event()
    ran: list[int] = []

    def slow(_ctx: Any, number: int) -> None:
        ran.append(number)
        running.set()
        release.wait(20)

    def fan(ctx: WorkflowContext, _: Any) -> Steps:
        yield when_all([ctx.call_activity(slow, input=n) for n in range(5)])

    engine.register_workflow(fan)
    engine.register_activity(slow)
    engine.schedule_new_workflow(fan)
    assert running.wait(20)
    [worker] = [thread for thread in threading.enumerate() if thread.name == "wflab-activity"]
    engine.close()
    release.set()
    worker.join(20)
    assert ran == [0]
