"""A31: every event of ours in Dapr's words."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

import wflab as wf
from wfengine.model import history as h
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import Status
from wflab.dapr.history import WorkflowHistoryEvent, events_of

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BROKEN = FailureDetails(message="no", error_type="ValueError")
Kind = wf.WorkflowHistoryEventType

TOLD: list[tuple[h.HistoryEvent, Kind, int, str | None, int | None, FailureDetails | None]] = [
    (h.ExecutionStarted(occurred_at=NOON, name="order", instance_id="1"), Kind.EXECUTION_STARTED, -1, "order", None, None),
    (h.ExecutionCompleted(occurred_at=NOON, status=Status.FAILED, failure=BROKEN), Kind.EXECUTION_COMPLETED, -1, None, None, BROKEN),
    (h.ExecutionTerminated(occurred_at=NOON), Kind.EXECUTION_TERMINATED, -1, None, None, None),
    (h.ExecutionSuspended(occurred_at=NOON), Kind.EXECUTION_SUSPENDED, -1, None, None, None),
    (h.ExecutionResumed(occurred_at=NOON), Kind.EXECUTION_RESUMED, -1, None, None, None),
    (h.ContinuedAsNew(occurred_at=NOON), Kind.CONTINUE_AS_NEW, -1, None, None, None),
    (h.TaskScheduled(occurred_at=NOON, event_id=0, name="pay", task_execution_id="a"), Kind.TASK_SCHEDULED, 0, "pay", None, None),
    (h.TaskCompleted(occurred_at=NOON, task_scheduled_id=0), Kind.TASK_COMPLETED, -1, None, 0, None),
    (h.TaskFailed(occurred_at=NOON, task_scheduled_id=0, failure=BROKEN), Kind.TASK_FAILED, -1, None, 0, BROKEN),
    (h.TaskRestarted(occurred_at=NOON, task_scheduled_id=0, deaths=1), Kind.UNKNOWN, -1, None, 0, None),
    (h.TaskEndedLate(occurred_at=NOON, task_scheduled_id=0), Kind.UNKNOWN, -1, None, 0, None),
    (h.TimerCreated(occurred_at=NOON, event_id=3, fire_at=NOON), Kind.TIMER_CREATED, 3, None, None, None),
    (
        h.TimerCreated(occurred_at=NOON, event_id=4, fire_at=None, origin=h.EventWait(name="go")),
        Kind.TIMER_CREATED,
        4,
        "go",
        None,
        None,
    ),
    (h.TimerFired(occurred_at=NOON, timer_id=3, fire_at=NOON), Kind.TIMER_FIRED, -1, None, None, None),
    (
        h.ChildWorkflowInstanceCreated(occurred_at=NOON, event_id=5, name="ship", instance_id="2"),
        Kind.CHILD_WORKFLOW_INSTANCE_CREATED,
        5,
        "ship",
        None,
        None,
    ),
    (h.ChildWorkflowInstanceCompleted(occurred_at=NOON, task_scheduled_id=5), Kind.CHILD_WORKFLOW_INSTANCE_COMPLETED, -1, None, 5, None),
    (
        h.ChildWorkflowInstanceFailed(occurred_at=NOON, task_scheduled_id=5, failure=BROKEN),
        Kind.CHILD_WORKFLOW_INSTANCE_FAILED,
        -1,
        None,
        5,
        BROKEN,
    ),
    (
        h.DetachedWorkflowInstanceCreated(occurred_at=NOON, event_id=6, name="mail", instance_id="3"),
        Kind.DETACHED_WORKFLOW_INSTANCE_CREATED,
        6,
        "mail",
        None,
        None,
    ),
    (h.PatchRecorded(occurred_at=NOON, name="new-tax"), Kind.UNKNOWN, -1, "new-tax", None, None),
    (h.EventRaised(occurred_at=NOON, name="go"), Kind.EVENT_RAISED, -1, "go", None, None),
]


@pytest.mark.parametrize(("event", "kind", "event_id", "name", "answers", "failure"), TOLD, ids=lambda one: type(one).__name__)
def test_an_event_is_told_in_daprs_words(
    event: h.HistoryEvent, kind: Kind, event_id: int, name: str | None, answers: int | None, failure: FailureDetails | None
) -> None:
    assert events_of([event]) == [WorkflowHistoryEvent(event_id, NOON.replace(tzinfo=None), kind, name, answers, failure)]


def test_every_kind_of_event_is_told_above() -> None:
    assert {type(event) for event, *_ in TOLD} == set(get_args(h.HistoryEvent))


def test_only_activities_timers_and_children_can_be_run_again() -> None:
    assert {one.event_type for one in events_of(event for event, *_ in TOLD) if one.is_rerunnable} == {
        Kind.TASK_SCHEDULED,
        Kind.TIMER_CREATED,
        Kind.CHILD_WORKFLOW_INSTANCE_CREATED,
    }


def test_a_kind_that_is_not_known_is_unknown() -> None:
    assert Kind("somethingNewer") is Kind.UNKNOWN


def test_told_events_keep_their_order() -> None:
    history = [h.EventRaised(occurred_at=NOON + timedelta(seconds=number), name=str(number)) for number in range(3)]
    assert [one.name for one in events_of(history)] == ["0", "1", "2"]
