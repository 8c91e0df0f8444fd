"""What happened: one immutable event each, named in the past with durabletask's words.

Events are of two kinds. Those that *confirm an action* of the workflow's code carry `event_id`, the number of that action:
TaskScheduled, TimerCreated, ChildWorkflowInstanceCreated, DetachedWorkflowInstanceCreated; PatchRecorded confirms by its name. All others
*arrive*: the code learns of them in the order of history.
Structs here hold nothing that could form a cycle, so the garbage collector need not look at them (`gc=False`). Payloads are JSON text; times are aware UTC and never decrease within a history.
"""

from datetime import datetime

import msgspec

from wfengine.model.failure import FailureDetails
from wfengine.model.instance import ParentInstance, Status


class _Event(msgspec.Struct, gc=False, frozen=True, kw_only=True, tag=True, omit_defaults=True):
    occurred_at: datetime


class ForkedFrom(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """Whose past a fork or a rerun shares: the source's execution, and the place in its history (`sequence`) up to which."""

    key: int
    instance_id: str
    at: int


class ExecutionStarted(_Event, frozen=True, kw_only=True):
    """The first event of every history. `execution` is its key, so that no two executions draw the same ids, not even in virtual time.

    `propagated` is the history that the caller passed on (see `model.propagation`). `seed` is what a rerun or fork draws its random numbers and
    UUIDs from: its source's identity, or that one's `seed`, so that the past it shares stays true.
    """

    name: str
    instance_id: str
    input: str | None = None
    version: str | None = None
    parent: ParentInstance | None = None
    scheduled_start: datetime | None = None
    app_id: str | None = None
    tags: dict[str, str] = {}
    execution: int = 0
    propagated: str | None = None
    seed: str | None = None
    forked_from: ForkedFrom | None = None


class ExecutionCompleted(_Event, frozen=True, kw_only=True):
    """The last event of a history that ended: COMPLETED, FAILED or TERMINATED."""

    status: Status
    output: str | None = None
    failure: FailureDetails | None = None


class ContinuedAsNew(_Event, frozen=True, kw_only=True):
    """The last event of a generation; the next one starts with `input` and `carried_events` unconsumed external events."""

    input: str | None = None
    carried_events: int = 0


class ExecutionSuspended(_Event, frozen=True, kw_only=True):
    """From here on arriving events wait for the resumption."""

    reason: str | None = None


class ExecutionResumed(_Event, frozen=True, kw_only=True):
    """Waiting events are delivered, in order."""

    reason: str | None = None


class ExecutionTerminated(_Event, frozen=True, kw_only=True):
    """Somebody asked for the end; an ExecutionCompleted with TERMINATED follows at once."""

    output: str | None = None
    recurse: bool = True


class TaskScheduled(_Event, frozen=True, kw_only=True):
    """An attempt of an activity was asked for. `task_execution_id` is the same for all attempts of one call.

    `timeout_s` is how long the attempt may take, in seconds, from its start. `compensates` is the action that this one undoes. `is_inline`: the
    function is not registered but the workflow's own (`ctx.step`). `propagated` is the history that the caller passed on.
    """

    event_id: int
    name: str
    task_execution_id: str
    input: str | None = None
    attempt: int = 1
    app_id: str | None = None
    timeout_s: float | None = None
    compensates: int | None = None
    is_inline: bool = False
    propagated: str | None = None


class TaskCompleted(_Event, frozen=True, kw_only=True):
    """An attempt returned. `started_at`, `duration_ms` and `worker` are None where the worker did not tell."""

    task_scheduled_id: int
    result: str | None = None
    started_at: datetime | None = None
    duration_ms: float | None = None
    worker: str | None = None


class TaskFailed(_Event, frozen=True, kw_only=True):
    """An attempt raised."""

    task_scheduled_id: int
    failure: FailureDetails
    started_at: datetime | None = None
    duration_ms: float | None = None
    worker: str | None = None


class TaskRestarted(_Event, frozen=True, kw_only=True):
    """The attempt was under way when the process died, and is made again; `deaths` counts how often that has happened to it."""

    task_scheduled_id: int
    deaths: int


class TaskEndedLate(_Event, frozen=True, kw_only=True):
    """An attempt ended after its timeout had failed it: recorded, and no more than that. `error_type` is None where it returned."""

    task_scheduled_id: int
    error_type: str | None = None
    started_at: datetime | None = None
    duration_ms: float | None = None
    worker: str | None = None


class UserTimer(msgspec.Struct, gc=False, frozen=True, kw_only=True, tag="timer"):
    """The workflow's own `create_timer`."""


class EventWait(msgspec.Struct, gc=False, frozen=True, kw_only=True, tag="event"):
    """The deadline of a `wait_for_external_event`, or with no `fire_at` the mere fact that it waits.

    `schema` is a JSON Schema (as JSON text) of the answer, `title` what to ask a person, `description` more about it in Markdown, `risk` low,
    medium or high, `requester` on whose behalf it asks.
    """

    name: str
    title: str | None = None
    schema: str | None = None
    description: str | None = None
    risk: str | None = None
    requester: str | None = None


class ActivityRetry(msgspec.Struct, gc=False, frozen=True, kw_only=True, tag="activity_retry"):
    """The pause before an activity's next attempt."""

    name: str
    task_execution_id: str
    attempt: int


class ChildWorkflowRetry(msgspec.Struct, gc=False, frozen=True, kw_only=True, tag="child_retry"):
    """The pause before a child workflow's next attempt."""

    name: str
    instance_id: str
    attempt: int


TimerOrigin = UserTimer | EventWait | ActivityRetry | ChildWorkflowRetry


class TimerCreated(_Event, frozen=True, kw_only=True):
    """A durable timer was set. `fire_at` None never fires: it records what an instance waits for.

    `nanoseconds` is what a program elsewhere asked for below a microsecond: it compares the moment with its own, exactly.
    """

    event_id: int
    fire_at: datetime | None
    origin: TimerOrigin = UserTimer()
    nanoseconds: int = 0


class TimerFired(_Event, frozen=True, kw_only=True):
    """The timer `timer_id` came due."""

    timer_id: int
    fire_at: datetime


class ChildWorkflowInstanceCreated(_Event, frozen=True, kw_only=True):
    """A child workflow was started; `child_key` is None where its id was taken and it never came to be."""

    event_id: int
    name: str
    instance_id: str
    input: str | None = None
    child_key: int | None = None
    attempt: int = 1
    app_id: str | None = None


class ChildWorkflowInstanceCompleted(_Event, frozen=True, kw_only=True):
    """The child completed."""

    task_scheduled_id: int
    result: str | None = None


class ChildWorkflowInstanceFailed(_Event, frozen=True, kw_only=True):
    """The child failed, was terminated, or could not be started."""

    task_scheduled_id: int
    failure: FailureDetails


class DetachedWorkflowInstanceCreated(_Event, frozen=True, kw_only=True):
    """A workflow of its own was started: no parent, nobody waits. `execution` is its key; None where its id was taken and it never came to be."""

    event_id: int
    name: str
    instance_id: str
    input: str | None = None
    execution: int | None = None
    app_id: str | None = None
    scheduled_start: datetime | None = None


class PatchRecorded(_Event, frozen=True, kw_only=True):
    """The code asked `is_patched(name)` for the first time in new territory and was told yes; every replay must ask again, in this order."""

    name: str


class EventRaised(_Event, frozen=True, kw_only=True):
    """An external event arrived; `raised_by` says who sent it, where that is known."""

    name: str
    input: str | None = None
    raised_by: str | None = None


Untold = TaskRestarted | TaskEndedLate  # recorded for people and for counting: the code learns nothing of them
ConfirmingEvent = TaskScheduled | TimerCreated | ChildWorkflowInstanceCreated | DetachedWorkflowInstanceCreated

HistoryEvent = (
    ExecutionStarted
    | ExecutionCompleted
    | ContinuedAsNew
    | ExecutionSuspended
    | ExecutionResumed
    | ExecutionTerminated
    | TaskScheduled
    | TaskCompleted
    | TaskFailed
    | TaskRestarted
    | TaskEndedLate
    | TimerCreated
    | TimerFired
    | ChildWorkflowInstanceCreated
    | ChildWorkflowInstanceCompleted
    | ChildWorkflowInstanceFailed
    | DetachedWorkflowInstanceCreated
    | PatchRecorded
    | EventRaised
)
