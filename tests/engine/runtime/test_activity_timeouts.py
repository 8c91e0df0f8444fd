"""Timeouts of activities (SEMANTICS: activity timeout; A40): the attempt fails, its place is free, and what comes of it after all is late."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import timedelta
from typing import Any

import pytest

from tests.waiting import eventually
from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_all
from wfengine.errors import InvalidArgument, TaskFailedError
from wfengine.model.history import HistoryEvent, TaskCompleted, TaskEndedLate, TaskFailed
from wfengine.model.instance import Instance, Status
from wfengine.model.retry import RetryPolicy
from wfengine.runtime.deadlines import Deadlines
from wfengine.runtime.engine import Engine
from wfengine.runtime.limits import Limits
from wfengine.testing.rehearsal import Steps

Opener = Callable[..., Engine]
SHORT = timedelta(milliseconds=50)
LONG = timedelta(seconds=60)


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """What hanging activities wait for; they are let go at the test's end."""
    event = threading.Event()
    yield event
    event.set()


def hanging(released: threading.Event) -> Callable[..., str]:
    def hangs(_ctx: Any, _: Any) -> str:
        released.wait(60)
        return "late"

    return hangs


def calls(ctx: WorkflowContext, timeout_ms: int | None) -> Steps:
    """Call the activity `work`, then wait, so that what is late finds somebody."""
    timeout = None if timeout_ms is None else timedelta(milliseconds=timeout_ms)
    try:
        result = yield ctx.call_activity("work", timeout=timeout)
    except TaskFailedError as error:
        result = error.details.error_type
    ctx.set_custom_status(result)
    yield ctx.wait_for_external_event("go")
    return result


def events(engine: Engine, kind: type[HistoryEvent], instance_id: str = "w") -> list[Any]:
    return [row.event for row in engine.history(instance_id) if isinstance(row.event, kind)]


def started(engine: Engine, timeout_ms: int | None = None, instance_id: str = "w") -> None:
    engine.register_workflow(calls)
    engine.schedule_new_workflow(calls, input=timeout_ms, instance_id=instance_id)


def status(engine: Engine, instance_id: str = "w") -> str | None:
    state = engine.get_workflow_state(instance_id)
    return None if state is None else state.custom_status


def ended(engine: Engine, instance_id: str = "w") -> Instance:
    engine.raise_workflow_event(instance_id, "go")
    return engine.wait_for_workflow_completion(instance_id, 20)


def test_an_attempt_that_takes_too_long_fails_as_activity_timeout_error(engine: Engine, released: threading.Event) -> None:
    engine.register_activity(hanging(released), "work", timeout=SHORT)
    started(engine)
    eventually(lambda: status(engine) == "ActivityTimeoutError")
    [failed] = events(engine, TaskFailed)
    assert failed.failure.error_type == "ActivityTimeoutError"
    assert failed.failure.message == (
        "Activity 'work' had not ended after 0.05 s, its timeout. Its function cannot be stopped and goes on; what comes of it is late."
    )
    assert not failed.failure.non_retryable


def test_what_the_function_returns_after_its_timeout_is_recorded_as_late_once_and_ignored(
    engine: Engine, released: threading.Event
) -> None:
    engine.register_activity(hanging(released), "work", timeout=SHORT)
    started(engine)
    eventually(lambda: status(engine) == "ActivityTimeoutError")
    released.set()
    eventually(lambda: bool(events(engine, TaskEndedLate)))
    final = ended(engine)
    [late] = events(engine, TaskEndedLate)
    assert (late.task_scheduled_id, late.error_type, late.worker) == (0, None, "thread")
    assert late.duration_ms >= 50
    assert (final.status, final.output) == (Status.COMPLETED, '"ActivityTimeoutError"')
    assert not events(engine, TaskCompleted)


def test_how_the_function_fails_after_its_timeout_is_recorded_as_late(engine: Engine, released: threading.Event) -> None:
    def fails(_ctx: Any, _: Any) -> None:
        released.wait(60)
        raise ZeroDivisionError

    engine.register_activity(fails, "work", timeout=SHORT)
    started(engine)
    eventually(lambda: status(engine) == "ActivityTimeoutError")
    released.set()
    eventually(lambda: [late.error_type for late in events(engine, TaskEndedLate)] == ["ZeroDivisionError"])


def test_what_ends_late_for_an_instance_that_has_ended_leaves_no_trace(engine: Engine, released: threading.Event) -> None:
    others = set(threading.enumerate())
    engine.register_activity(hanging(released), "work", timeout=SHORT)
    started(engine)
    eventually(lambda: status(engine) == "ActivityTimeoutError")
    ended(engine)
    before = engine.history("w")
    [thread] = [thread for thread in threading.enumerate() if thread.name == "wflab-activity" and thread not in others]
    released.set()
    thread.join(20)  # it ends, because another could have taken its place
    engine.in_engine(lambda ack: ack.set_result(None), 20)
    assert engine.history("w") == before


def test_the_timeout_of_the_call_counts_before_that_of_the_activity(engine: Engine, released: threading.Event) -> None:
    engine.register_activity(hanging(released), "work", timeout=LONG)
    started(engine, 50)
    eventually(lambda: status(engine) == "ActivityTimeoutError")


def test_the_time_runs_from_the_start_of_the_attempt_not_from_its_scheduling(opened: Opener) -> None:
    engine = opened(limits=Limits(most_activities=1))
    first_runs, release_first = threading.Event(), threading.Event()

    def waits(_ctx: Any, _: Any) -> str:
        first_runs.set()
        assert release_first.wait(20)
        return "first"

    engine.register_activity(waits, "waits")
    engine.register_activity(lambda _ctx, _: "in time", "work", timeout=SHORT)

    def waiter(ctx: WorkflowContext, _: Any) -> Steps:
        return (yield ctx.call_activity("waits"))

    engine.register_workflow(waiter)
    engine.schedule_new_workflow(waiter, instance_id="first")
    assert first_runs.wait(20)
    started(engine)
    eventually(lambda: engine.lacking("w") == "activity 'work' waits for its turn: 1 of 1 in all are under way")
    engine.in_engine(lambda ack: threading.Timer(2 * SHORT.total_seconds(), ack.set_result, [None]).start(), 20)
    release_first.set()
    eventually(lambda: status(engine) == "in time")


def test_a_coroutine_is_cancelled_at_its_timeout(engine: Engine) -> None:
    cancelled = threading.Event()

    async def sleeps(_ctx: Any, _: Any) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    engine.register_activity(sleeps, "work", timeout=SHORT)
    started(engine)
    eventually(lambda: status(engine) == "ActivityTimeoutError")
    assert cancelled.wait(20)
    eventually(lambda: [late.error_type for late in events(engine, TaskEndedLate)] == ["CancelledError"])
    [failed] = events(engine, TaskFailed)
    assert failed.failure.message.endswith("It was cancelled.")


def test_a_coroutine_that_ignores_its_cancellation_is_late_when_it_ends(engine: Engine) -> None:
    async def stubborn(_ctx: Any, _: Any) -> str:
        for _ in range(2):
            try:
                await asyncio.sleep(0.3)
            except asyncio.CancelledError:
                continue
        return "after all"

    engine.register_activity(stubborn, "work", timeout=SHORT)
    started(engine)
    eventually(lambda: [late.error_type for late in events(engine, TaskEndedLate)] == [None])
    assert ended(engine).output == '"ActivityTimeoutError"'


def test_the_place_within_a_limit_is_free_at_the_timeout(opened: Opener, released: threading.Event) -> None:
    engine = opened(limits=Limits(activities={"work": 1}))
    engine.register_activity(hanging(released), "work")
    started(engine, 50, "first")
    started(engine, 50, "second")
    eventually(lambda: status(engine, "second") == "ActivityTimeoutError")
    assert status(engine, "first") == "ActivityTimeoutError"


def test_functions_that_hang_past_their_timeout_do_not_use_up_the_threads(engine: Engine, released: threading.Event) -> None:
    engine._worker._most_threads = 2

    def crowd(ctx: WorkflowContext, _: Any) -> Steps:
        for _ in range(2):
            try:
                yield when_all([ctx.call_activity("work", timeout=SHORT) for _ in range(3)])
            except TaskFailedError:
                continue
        return (yield ctx.call_activity("quick"))

    engine.register_activity(hanging(released), "work")
    engine.register_activity(lambda _ctx, _: 1, "quick")
    engine.register_workflow(crowd)
    assert engine.wait_for_workflow_completion(engine.schedule_new_workflow(crowd), 20).output == "1"
    released.set()
    eventually(lambda: (engine._worker._most_threads, engine._worker._threads <= 2) == (2, True))


def test_a_retry_policy_tries_again_after_a_timeout(engine: Engine, released: threading.Event) -> None:
    attempts: list[int] = []

    def slow_at_first(ctx: Any, _: Any) -> int:
        attempts.append(ctx.attempt)
        if ctx.attempt < 3:
            released.wait(60)
        return int(ctx.attempt)

    def persists(ctx: WorkflowContext, _: Any) -> Steps:
        policy = RetryPolicy(first_retry_interval=timedelta(0), max_number_of_attempts=3)
        return (yield ctx.call_activity("work", timeout=SHORT, retry_policy=policy))

    engine.register_activity(slow_at_first, "work")
    engine.register_workflow(persists)
    assert engine.wait_for_workflow_completion(engine.schedule_new_workflow(persists), 20).output == "3"
    assert attempts == [1, 2, 3]


def test_an_attempt_that_ends_in_time_is_not_touched_by_its_timeout(engine: Engine) -> None:
    engine.register_activity(lambda _ctx, _: "in time", "work", timeout=SHORT)
    for number in range(30):
        started(engine, None, f"w-{number}")
    for number in range(30):
        assert ended(engine, f"w-{number}").output == '"in time"'
        assert not events(engine, TaskEndedLate, f"w-{number}")


def test_what_ended_in_time_is_in_time_though_the_engine_was_too_busy_to_take_note(engine: Engine) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work(_ctx: Any, _: Any) -> str:
        begun.set()
        go_on.wait(20)
        return "in time"

    def is_busy(ack: "Future[None]") -> None:
        go_on.set()
        threading.Event().wait(6 * SHORT.total_seconds())
        ack.set_result(None)

    engine.register_activity(work, "work", timeout=4 * SHORT)
    started(engine)
    assert begun.wait(20)
    engine.in_engine(is_busy, 20)
    assert ended(engine).output == '"in time"'


def test_deadlines_that_were_met_take_no_room() -> None:
    under_way = {(0, 0)}
    deadlines = Deadlines(under_way.__contains__)
    for number in range(10_000):
        deadlines.add(1000.0 + number, (0, number))
    assert len(deadlines._heap) < 200
    assert deadlines.next() == 1000.0
    under_way.clear()
    assert deadlines.next() is None


def test_with_virtual_time_on_a_timeout_is_still_in_real_time(
    engine: Engine, advance: Callable[[timedelta], None], released: threading.Event
) -> None:
    engine.register_activity(hanging(released), "work", timeout=SHORT)
    started(engine)
    advance(timedelta(days=7))  # it comes to its end only when nothing is under way
    assert status(engine) == "ActivityTimeoutError"


@pytest.mark.parametrize("timeout", [0, 1.5, timedelta(0), timedelta(seconds=-1), "1s"])
def test_a_timeout_is_a_span_of_more_than_nothing(engine: Engine, timeout: Any) -> None:
    with pytest.raises(InvalidArgument, match="timeout"):
        engine.register_activity(lambda _ctx, _: 1, "work", timeout=timeout)
