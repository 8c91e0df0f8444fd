"""Row A40: circuit breakers and timeouts of activities. A38 (access policies, tamper detection) and A39 (traces, metrics) are not built."""

from datetime import datetime, timedelta
from threading import Event
from typing import Any

import wflab as wf
from tests.semantics.runs import WITHIN_SECONDS, kinds
from tests.waiting import eventually

HOUR = timedelta(hours=1)


def test_a40_an_open_circuit_fails_attempts_that_are_never_made_and_a_retry_policy_waits_it_out(lab: wf.Lab) -> None:
    """Two failures open it for an hour; the attempt that comes after half of that is refused, the next is let through on trial."""
    lab.clock.virtual()
    began = lab.clock.now()
    made: list[datetime] = []

    @wf.activity(circuit_breaker=wf.CircuitBreaker(timeout=HOUR, trip=wf.consecutive_failures(2)))
    def charge(_: wf.WorkflowActivityContext) -> str:
        made.append(lab.clock.now())
        if len(made) <= 2:
            raise ConnectionError("down")
        return "charged"

    @wf.workflow
    def order(ctx: wf.WorkflowContext) -> Any:
        return (yield ctx.call_activity(charge, retry_policy=wf.RetryPolicy(first_retry_interval=HOUR / 2, max_number_of_attempts=9)))

    run = lab.start(order)
    lab.clock.advance(3 * HOUR)
    assert run.result(WITHIN_SECONDS) == "charged"
    assert [round((at - began) / HOUR, 1) for at in made] == [0, 0.5, 1.5]
    errors = run.history().query("type == 'TaskFailed'")["error"]
    assert [error.partition(":")[0] for error in errors] == ["ConnectionError", "ConnectionError", "CircuitOpenError"]
    assert list(lab.sql("SELECT state FROM circuits WHERE name = 'charge' ORDER BY position").state)[-1] == "closed"


def test_a40_an_attempt_that_takes_too_long_fails_and_its_late_result_is_recorded_and_ignored(lab: wf.Lab, release: Event) -> None:
    @wf.activity(timeout=timedelta(milliseconds=30))
    def slow(_: wf.WorkflowActivityContext) -> str:
        release.wait(WITHIN_SECONDS)
        return "late"

    @wf.workflow
    def order(ctx: wf.WorkflowContext) -> Any:
        try:
            return (yield ctx.call_activity(slow))
        except wf.TaskFailedError as error:
            yield ctx.wait_for_external_event("go")
            return error.details.error_type

    run = lab.start(order)
    eventually(lambda: "waits for the event 'go'" in run.why())
    release.set()
    eventually(lambda: "TaskEndedLate" in kinds(run))
    run.raise_event("go")
    assert run.result(WITHIN_SECONDS) == "ActivityTimeoutError"
    assert "TaskCompleted" not in kinds(run)
