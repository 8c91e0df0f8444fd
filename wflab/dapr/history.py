"""Histories and lists of ids as Dapr's client tells them: plain records, one kind for all events."""

from collections.abc import Iterable
from datetime import datetime
from enum import Enum

import msgspec

from wfengine.model import history as h
from wfengine.model.failure import FailureDetails
from wfengine.model.history import HistoryEvent

WITHOUT_ID = -1  # what Dapr says of an event that confirms no action


class WorkflowHistoryEventType(Enum):
    """Dapr's kinds of events. UNKNOWN is whatever Dapr has no word for, such as an attempt that was made again after a crash."""

    UNKNOWN = "unknown"
    EXECUTION_STARTED = "executionStarted"
    EXECUTION_COMPLETED = "executionCompleted"
    EXECUTION_TERMINATED = "executionTerminated"
    EXECUTION_SUSPENDED = "executionSuspended"
    EXECUTION_RESUMED = "executionResumed"
    EXECUTION_STALLED = "executionStalled"
    TASK_SCHEDULED = "taskScheduled"
    TASK_COMPLETED = "taskCompleted"
    TASK_FAILED = "taskFailed"
    CHILD_WORKFLOW_INSTANCE_CREATED = "childWorkflowInstanceCreated"
    CHILD_WORKFLOW_INSTANCE_COMPLETED = "childWorkflowInstanceCompleted"
    CHILD_WORKFLOW_INSTANCE_FAILED = "childWorkflowInstanceFailed"
    DETACHED_WORKFLOW_INSTANCE_CREATED = "detachedWorkflowInstanceCreated"
    TIMER_CREATED = "timerCreated"
    TIMER_FIRED = "timerFired"
    EVENT_SENT = "eventSent"
    EVENT_RAISED = "eventRaised"
    CONTINUE_AS_NEW = "continueAsNew"
    WORKFLOW_STARTED = "workflowStarted"
    WORKFLOW_COMPLETED = "workflowCompleted"

    @classmethod
    def _missing_(cls, value: object) -> "WorkflowHistoryEventType":
        del value
        return cls.UNKNOWN


_RERUNNABLE = frozenset(
    {
        WorkflowHistoryEventType.TASK_SCHEDULED,
        WorkflowHistoryEventType.TIMER_CREATED,
        WorkflowHistoryEventType.CHILD_WORKFLOW_INSTANCE_CREATED,
    }
)

_TYPES: dict[type[HistoryEvent], WorkflowHistoryEventType] = {
    h.ExecutionStarted: WorkflowHistoryEventType.EXECUTION_STARTED,
    h.ExecutionCompleted: WorkflowHistoryEventType.EXECUTION_COMPLETED,
    h.ExecutionTerminated: WorkflowHistoryEventType.EXECUTION_TERMINATED,
    h.ExecutionSuspended: WorkflowHistoryEventType.EXECUTION_SUSPENDED,
    h.ExecutionResumed: WorkflowHistoryEventType.EXECUTION_RESUMED,
    h.ContinuedAsNew: WorkflowHistoryEventType.CONTINUE_AS_NEW,
    h.TaskScheduled: WorkflowHistoryEventType.TASK_SCHEDULED,
    h.TaskCompleted: WorkflowHistoryEventType.TASK_COMPLETED,
    h.TaskFailed: WorkflowHistoryEventType.TASK_FAILED,
    h.ChildWorkflowInstanceCreated: WorkflowHistoryEventType.CHILD_WORKFLOW_INSTANCE_CREATED,
    h.ChildWorkflowInstanceCompleted: WorkflowHistoryEventType.CHILD_WORKFLOW_INSTANCE_COMPLETED,
    h.ChildWorkflowInstanceFailed: WorkflowHistoryEventType.CHILD_WORKFLOW_INSTANCE_FAILED,
    h.DetachedWorkflowInstanceCreated: WorkflowHistoryEventType.DETACHED_WORKFLOW_INSTANCE_CREATED,
    h.TimerCreated: WorkflowHistoryEventType.TIMER_CREATED,
    h.TimerFired: WorkflowHistoryEventType.TIMER_FIRED,
    h.EventRaised: WorkflowHistoryEventType.EVENT_RAISED,
}


class WorkflowHistoryEvent(msgspec.Struct, gc=False, frozen=True):
    """One event of an instance's history; what its kind does not have is None. The fields stand in Dapr's order.

    `event_id` is what `rerun_workflow_from_event` takes (-1 where the event has none), `task_scheduled_id` the `event_id` of the
    event that this one answers, `timestamp` naive UTC, as in Dapr.
    """

    event_id: int
    timestamp: datetime
    event_type: WorkflowHistoryEventType
    name: str | None
    task_scheduled_id: int | None
    failure_details: FailureDetails | None

    @property
    def is_rerunnable(self) -> bool:
        """Whether `rerun_workflow_from_event` can start here: at an activity, a timer or a child workflow."""
        return self.event_type in _RERUNNABLE


class WorkflowInstanceIdPage(msgspec.Struct, gc=False, frozen=True):
    """Some instance ids, and what to pass to get the next ones; None where these were the last."""

    instance_ids: list[str]
    continuation_token: str | None


def events_of(history: Iterable[HistoryEvent]) -> list[WorkflowHistoryEvent]:
    """A history in Dapr's words."""
    return [_told(event) for event in history]


def _told(event: HistoryEvent) -> WorkflowHistoryEvent:
    return WorkflowHistoryEvent(
        event_id=event.event_id if isinstance(event, h.ConfirmingEvent) else WITHOUT_ID,
        timestamp=event.occurred_at.replace(tzinfo=None),
        event_type=_TYPES.get(type(event), WorkflowHistoryEventType.UNKNOWN),
        name=getattr(event.origin if isinstance(event, h.TimerCreated) else event, "name", None),
        task_scheduled_id=getattr(event, "task_scheduled_id", None),
        failure_details=getattr(event, "failure", None),
    )
