"""Circuit breakers of activities (SEMANTICS: circuit breaker; A40): durable, visible, on the engine's time."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.waiting import eventually
from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_all
from wfengine.errors import InvalidArgument, NonRetryableError, TaskFailedError
from wfengine.model.circuit import CircuitBreaker, consecutive_failures
from wfengine.model.history import TaskFailed
from wfengine.model.retry import RetryPolicy
from wfengine.runtime.engine import Engine
from wfengine.testing.rehearsal import Steps

Opener = Callable[..., Engine]
Advance = Callable[[timedelta], None]
MINUTE = timedelta(minutes=1)
BREAKER = CircuitBreaker(timeout=MINUTE, trip=consecutive_failures(2))


class Service:
    """An activity that works or does not, as the test says, and counts how often it was asked."""

    def __init__(self) -> None:
        self.works = False
        self.asked = 0

    def __call__(self, _ctx: Any, _: Any) -> str:
        self.asked += 1
        if not self.works:
            raise ConnectionError("down")
        return "well"


def once(ctx: WorkflowContext, app_id: str | None) -> Steps:
    try:
        return (yield ctx.call_activity("charge", app_id=app_id))
    except TaskFailedError as error:
        return error.details.error_type


def told(engine: Engine, times: int = 1, app_id: str | None = None) -> list[str | None]:
    """What `times` calls came to, one after the other."""
    engine.register_workflow(once)
    return [engine.wait_for_workflow_completion(engine.schedule_new_workflow(once, input=app_id), 20).output for _ in range(times)]


def rows(engine: Engine) -> list[tuple[Any, ...]]:
    with engine.store.cursor() as cursor:
        return cursor.execute("SELECT app_id, name, state, consecutive_failures, requests FROM circuits ORDER BY position").fetchall()


def test_an_open_circuit_fails_attempts_at_once_without_running_them(engine: Engine) -> None:
    service = Service()
    engine.register_activity(service, "charge", circuit_breaker=BREAKER)
    assert told(engine, 4) == ['"ConnectionError"', '"ConnectionError"', '"CircuitOpenError"', '"CircuitOpenError"']
    assert service.asked == 2


def test_a_refusal_says_since_when_the_circuit_is_open_and_when_it_is_tried_again(engine: Engine, advance: Advance) -> None:
    engine.register_activity(Service(), "charge", circuit_breaker=BREAKER)
    told(engine, 2)
    opened = engine.now()
    advance(timedelta(seconds=10))
    engine.register_workflow(once)
    refused = engine.wait_for_workflow_completion(engine.schedule_new_workflow(once), 20)
    [failed] = [row.event for row in engine.history(refused.instance_id) if isinstance(row.event, TaskFailed)]
    assert failed.failure.error_type == "CircuitOpenError"
    assert failed.failure.message == (
        f"The circuit of activity 'charge' has been open since {opened:%Y-%m-%d %H:%M:%S} UTC, after 2 failures in a row. "
        f"It is tried again from {opened + MINUTE:%Y-%m-%d %H:%M:%S} UTC on."
    )
    assert not failed.failure.non_retryable


def test_after_its_timeout_one_attempt_is_made_on_trial_and_its_success_closes_the_circuit(engine: Engine, advance: Advance) -> None:
    service = Service()
    engine.register_activity(service, "charge", circuit_breaker=BREAKER)
    told(engine, 2)
    advance(MINUTE)
    assert told(engine, 2) == ['"ConnectionError"', '"CircuitOpenError"'], "the trial failed, and the circuit is open again"
    service.works = True
    advance(MINUTE)
    assert told(engine, 3) == ['"well"'] * 3
    assert rows(engine) == [
        (None, "charge", "closed", 1, 0),
        (None, "charge", "open", 2, 0),
        (None, "charge", "open", 3, 0),
        (None, "charge", "closed", 0, 0),
    ]


def test_half_open_it_lets_through_max_requests_at_a_time(engine: Engine, advance: Advance) -> None:
    service = Service()
    engine.register_activity(service, "charge", circuit_breaker=CircuitBreaker(max_requests=2, trip=consecutive_failures(1)))
    told(engine)
    advance(MINUTE)
    both_run, go_on = threading.Barrier(3, timeout=20), threading.Event()

    def slow(_ctx: Any, _: Any) -> str:
        both_run.wait()
        go_on.wait(20)
        return "well"

    engine.register_activity(slow, "charge", circuit_breaker=CircuitBreaker(max_requests=2, trip=consecutive_failures(1)))
    engine.register_workflow(once)
    trials = [engine.schedule_new_workflow(once) for _ in range(2)]
    both_run.wait()
    assert told(engine) == ['"CircuitOpenError"']
    go_on.set()
    assert [engine.wait_for_workflow_completion(trial, 20).output for trial in trials] == ['"well"'] * 2
    assert [state for _, _, state, *_ in rows(engine)] == ["open", "half-open", "closed"]


def test_a_retry_policy_waits_out_an_open_circuit(engine: Engine, advance: Advance) -> None:
    service = Service()
    engine.register_activity(service, "charge", circuit_breaker=BREAKER)
    told(engine, 2)
    service.works = True

    def persists(ctx: WorkflowContext, _: Any) -> Steps:
        policy = RetryPolicy(first_retry_interval=timedelta(seconds=25), max_number_of_attempts=4)
        return (yield ctx.call_activity("charge", retry_policy=policy))

    engine.register_workflow(persists)
    started = engine.schedule_new_workflow(persists)
    advance(2 * MINUTE)
    assert engine.wait_for_workflow_completion(started, 20).output == '"well"'
    failed = [row.event.failure.error_type for row in engine.history(started) if isinstance(row.event, TaskFailed)]
    assert failed == ["CircuitOpenError"] * 3
    assert service.asked == 3


def test_the_circuit_is_as_open_after_the_lab_was_closed_and_opened_again(opened: Opener) -> None:
    first = opened()
    first.register_activity(Service(), "charge", circuit_breaker=BREAKER)
    told(first, 2)
    first.close()
    second = opened()
    service = Service()
    second.register_activity(service, "charge", circuit_breaker=BREAKER)
    assert told(second) == ['"CircuitOpenError"']
    assert service.asked == 0


def test_failures_in_a_row_are_counted_across_a_restart(opened: Opener) -> None:
    for _ in range(2):
        engine = opened()
        engine.register_activity(Service(), "charge", circuit_breaker=BREAKER)
        told(engine)
        engine.close()
    engine = opened()
    engine.register_activity(Service(), "charge", circuit_breaker=BREAKER)
    assert told(engine) == ['"CircuitOpenError"']


def test_the_state_is_in_the_very_commit_of_the_failure_that_caused_it(engine: Engine) -> None:
    engine.register_activity(Service(), "charge", circuit_breaker=BREAKER)
    told(engine, 2)
    with engine.store.cursor() as cursor:
        failures = cursor.execute("SELECT position FROM events WHERE type = 'TaskFailed' ORDER BY position").fetchall()
        changes = cursor.execute("SELECT position FROM circuits ORDER BY position").fetchall()
        starts = cursor.execute("SELECT position FROM events WHERE type = 'ExecutionStarted' ORDER BY position").fetchall()
    assert len(changes) == len(failures) == 2
    assert failures[0] < changes[0] < starts[1], "before anything else was recorded"


def test_what_ends_after_its_instance_still_counts(engine: Engine) -> None:
    runs, go_on = threading.Event(), threading.Event()

    def slow(_ctx: Any, _: Any) -> None:
        runs.set()
        go_on.wait(20)
        raise ConnectionError

    engine.register_activity(slow, "charge", circuit_breaker=CircuitBreaker(trip=consecutive_failures(1)))
    engine.register_workflow(once)
    started = engine.schedule_new_workflow(once)
    assert runs.wait(20)
    engine.terminate_workflow(started)
    go_on.set()
    eventually(lambda: rows(engine) == [(None, "charge", "open", 1, 0)])
    assert told(engine) == ['"CircuitOpenError"']


def test_timeouts_and_errors_that_are_not_worth_a_retry_count_as_failures(engine: Engine) -> None:
    hangs = threading.Event()
    failures = iter([lambda: hangs.wait(60), None])

    def fails(_ctx: Any, _: Any) -> None:
        hang = next(failures)
        if hang is not None:
            hang()
        raise NonRetryableError("no")

    engine.register_activity(fails, "charge", circuit_breaker=BREAKER, timeout=timedelta(milliseconds=50))
    assert told(engine, 3) == ['"ActivityTimeoutError"', '"NonRetryableError"', '"CircuitOpenError"']
    hangs.set()


def test_success_costs_no_row(engine: Engine) -> None:
    service = Service()
    service.works = True
    engine.register_activity(service, "charge", circuit_breaker=BREAKER)
    assert told(engine, 3) == ['"well"'] * 3
    assert rows(engine) == []


def test_each_app_has_a_circuit_of_its_own(engine: Engine) -> None:
    working = Service()
    working.works = True
    engine.register_activity(Service(), "charge", circuit_breaker=BREAKER)
    engine.register_activity(working, "charge", app_id="payments", circuit_breaker=BREAKER)
    told(engine, 2)
    assert told(engine) == ['"CircuitOpenError"']
    assert told(engine, app_id="payments") == ['"well"']


def test_a_crowd_that_an_open_circuit_refuses_is_refused_in_order_and_to_the_last(opened: Opener) -> None:
    engine = opened()
    engine.register_activity(Service(), "charge", circuit_breaker=CircuitBreaker(trip=consecutive_failures(1)))
    told(engine)

    def crowd(ctx: WorkflowContext, _: Any) -> Steps:
        tasks = [ctx.call_activity("charge") for _ in range(2000)]
        try:
            yield when_all(tasks)
        except TaskFailedError:
            failures = [task.get_exception() for task in tasks]
            return sum(isinstance(failure, TaskFailedError) and failure.details.error_type == "CircuitOpenError" for failure in failures)

    engine.register_workflow(crowd)
    assert engine.wait_for_workflow_completion(engine.schedule_new_workflow(crowd), 60).output == "2000"


def test_what_is_no_circuit_breaker_is_refused_at_registration(engine: Engine) -> None:
    with pytest.raises(InvalidArgument, match=r"circuit_breaker must be a CircuitBreaker"):
        engine.register_activity(Service(), "charge", circuit_breaker=5)  # type: ignore[arg-type]
