"""History, as a worker is told it.

Workers know the time of a turn from the WorkflowStarted event before it. Ours has none: the time of a workflow's code is that of the event that it
handles. So each event that arrives is told with a WorkflowStarted of its own moment before it; what a replay then sees depends on history alone,
whoever took it up together with what. The patches that a turn's code was told of stand on the first of that turn.

Workers fail a workflow over event types that they do not know, so what is there for people, or ends a history, is not told them.
"""

from collections.abc import Iterable

from wfengine.gateway.taskhub.scalars import NEVER_NANOS, NEVER_SECONDS, STATUSES, failure_on_wire, text, timestamp
from wfengine.gateway.wire import taskhub_pb2 as pb
from wfengine.model import history as h
from wfengine.model.instance import Status
from wfengine.model.propagation import read_propagated

_PAST = h.ConfirmingEvent | h.PatchRecorded
_ONLY_FOR_PEOPLE = h.ExecutionCompleted | h.ContinuedAsNew | h.TaskRestarted | h.TaskEndedLate


_ASKED = frozenset({"taskScheduled", "timerCreated", "childWorkflowInstanceCreated", "detachedWorkflowInstanceCreated"})


class Telling:
    """Tells one execution's history, piece by piece. `version` is the named version that its code runs in."""

    def __init__(self, version: str | None = None) -> None:
        self._version = version
        self._first: pb.HistoryEvent | None = None
        self._turn: pb.HistoryEvent | None = None  # the first of the turn that is being told
        self._calls: dict[int, str] = {}  # of each attempt, by its number, the id of the call that it is of

    def is_of(self, version: str) -> None:
        """The worker has said which named version it runs."""
        self._version = version
        if self._first is not None:
            self._first.workflowStarted.version.name = version

    def tell(self, events: Iterable[h.HistoryEvent]) -> list[pb.HistoryEvent]:
        """What a worker is told of these events."""
        told: list[pb.HistoryEvent] = []
        for event in events:
            if isinstance(event, h.PatchRecorded):
                if self._turn is not None:
                    self._turn.workflowStarted.version.patches.append(event.name)
            elif isinstance(event, _PAST):
                if isinstance(event, h.TaskScheduled):
                    self._calls[event.event_id] = event.task_execution_id
                found = on_wire(event)
                if found is not None:
                    told.append(found)
            elif not isinstance(event, _ONLY_FOR_PEOPLE):
                found = on_wire(event)
                if found is not None:
                    self._name_call(found)
                    started = pb.HistoryEvent(eventId=-1, timestamp=found.timestamp, workflowStarted=pb.WorkflowStartedEvent())
                    if isinstance(event, h.ExecutionStarted) and event.scheduled_start is not None:
                        started.timestamp.CopyFrom(timestamp(max(event.scheduled_start, event.occurred_at)))
                    if self._first is None:
                        self._first = started
                        if self._version is not None:
                            started.workflowStarted.version.name = self._version
                    if self._turn is None or not told or _is_asked(told[-1]):
                        self._turn = started
                    told += (started, found)
        return told

    def _name_call(self, told: pb.HistoryEvent) -> None:
        """An outcome is told with its call's id: from there Dapr's SDK for Go has the id for the next attempt."""
        if told.WhichOneof("eventType") == "taskCompleted":
            told.taskCompleted.taskExecutionId = self._calls.get(told.taskCompleted.taskScheduledId, "")
        elif told.WhichOneof("eventType") == "taskFailed":
            told.taskFailed.taskExecutionId = self._calls.get(told.taskFailed.taskScheduledId, "")


def whole(events: Iterable[h.HistoryEvent]) -> list[pb.HistoryEvent]:
    """All that the wire has a word for, as one who asks for the history of an instance gets it."""
    told = []
    for event in events:
        found = on_wire(event)
        if found is not None:
            told.append(found)
    return told


def _is_asked(event: pb.HistoryEvent) -> bool:
    return event.WhichOneof("eventType") in _ASKED


def on_wire(event: h.HistoryEvent) -> pb.HistoryEvent | None:  # noqa: C901, PLR0911, PLR0912  # one case for each type
    """One event; None where the wire has no word for it. What confirms an action has its number, all else -1."""
    when = timestamp(event.occurred_at)
    match event:
        case h.ExecutionStarted():
            return _started(event)
        case h.TaskScheduled():
            made = pb.TaskScheduledEvent(name=event.name, input=text(event.input), taskExecutionId=event.task_execution_id)
            return _routed(pb.HistoryEvent(eventId=event.event_id, timestamp=when, taskScheduled=made), event.app_id)
        case h.TaskCompleted():
            done = pb.TaskCompletedEvent(taskScheduledId=event.task_scheduled_id, result=text(event.result))
            return pb.HistoryEvent(eventId=-1, timestamp=when, taskCompleted=done)
        case h.TaskFailed():
            failed = pb.TaskFailedEvent(taskScheduledId=event.task_scheduled_id, failureDetails=failure_on_wire(event.failure))
            return pb.HistoryEvent(eventId=-1, timestamp=when, taskFailed=failed)
        case h.TimerCreated():
            return pb.HistoryEvent(eventId=event.event_id, timestamp=when, timerCreated=_timer(event))
        case h.TimerFired():
            fired = pb.TimerFiredEvent(timerId=event.timer_id, fireAt=timestamp(event.fire_at))
            return pb.HistoryEvent(eventId=-1, timestamp=when, timerFired=fired)
        case h.ChildWorkflowInstanceCreated():
            child = pb.ChildWorkflowInstanceCreatedEvent(instanceId=event.instance_id, name=event.name, input=text(event.input))
            return _routed(pb.HistoryEvent(eventId=event.event_id, timestamp=when, childWorkflowInstanceCreated=child), event.app_id)
        case h.ChildWorkflowInstanceCompleted():
            ended = pb.ChildWorkflowInstanceCompletedEvent(taskScheduledId=event.task_scheduled_id, result=text(event.result))
            return pb.HistoryEvent(eventId=-1, timestamp=when, childWorkflowInstanceCompleted=ended)
        case h.ChildWorkflowInstanceFailed():
            fell = pb.ChildWorkflowInstanceFailedEvent(
                taskScheduledId=event.task_scheduled_id, failureDetails=failure_on_wire(event.failure)
            )
            return pb.HistoryEvent(eventId=-1, timestamp=when, childWorkflowInstanceFailed=fell)
        case h.EventRaised():
            raised = pb.EventRaisedEvent(name=event.name, input=text(event.input))
            return pb.HistoryEvent(eventId=-1, timestamp=when, eventRaised=raised)
        case h.ExecutionSuspended():
            return pb.HistoryEvent(eventId=-1, timestamp=when, executionSuspended=pb.ExecutionSuspendedEvent(input=text(event.reason)))
        case h.ExecutionResumed():
            return pb.HistoryEvent(eventId=-1, timestamp=when, executionResumed=pb.ExecutionResumedEvent(input=text(event.reason)))
        case h.ExecutionTerminated():
            terminated = pb.ExecutionTerminatedEvent(input=text(event.output), recurse=event.recurse)
            return pb.HistoryEvent(eventId=-1, timestamp=when, executionTerminated=terminated)
        case h.ExecutionCompleted():
            completed = pb.ExecutionCompletedEvent(
                workflowStatus=STATUSES[event.status],
                result=text(event.output),
                failureDetails=None if event.failure is None else failure_on_wire(event.failure),
            )
            return pb.HistoryEvent(eventId=-1, timestamp=when, executionCompleted=completed)
        case h.ContinuedAsNew():
            over = pb.ExecutionCompletedEvent(workflowStatus=STATUSES[Status.CONTINUED_AS_NEW], result=text(event.input))
            return pb.HistoryEvent(eventId=-1, timestamp=when, executionCompleted=over)
        case h.DetachedWorkflowInstanceCreated():
            detached = pb.DetachedWorkflowInstanceCreatedEvent(instanceId=event.instance_id)
            return pb.HistoryEvent(eventId=event.event_id, timestamp=when, detachedWorkflowInstanceCreated=detached)
        case h.PatchRecorded() | h.TaskRestarted() | h.TaskEndedLate():
            return None


def _routed(event: pb.HistoryEvent, app_id: str | None) -> pb.HistoryEvent:
    if app_id is not None:
        event.router.targetAppID = app_id
    return event


def _started(event: h.ExecutionStarted) -> pb.HistoryEvent:
    started = pb.ExecutionStartedEvent(
        name=event.name,
        input=text(event.input),
        version=text(event.version),
        workflowInstance=pb.WorkflowInstance(instanceId=event.instance_id, executionId=text(str(event.execution))),
        scheduledStartTimestamp=None if event.scheduled_start is None else timestamp(event.scheduled_start),
        tags=event.tags,
    )
    parent = event.parent
    if parent is not None:
        started.parentInstance.CopyFrom(
            pb.ParentInstanceInfo(
                taskScheduledId=parent.task_id,
                name=text(parent.name),
                workflowInstance=pb.WorkflowInstance(instanceId=parent.instance_id, executionId=text(str(parent.key))),
            )
        )
    told = pb.HistoryEvent(eventId=-1, timestamp=timestamp(event.occurred_at), executionStarted=started)
    if event.app_id is not None:
        told.router.sourceAppID = event.app_id
    return told


def _timer(event: h.TimerCreated) -> pb.TimerCreatedEvent:
    timer = pb.TimerCreatedEvent()
    if event.fire_at is None:
        timer.fireAt.seconds, timer.fireAt.nanos = NEVER_SECONDS, NEVER_NANOS
    else:
        timer.fireAt.CopyFrom(timestamp(event.fire_at))
        timer.fireAt.nanos += event.nanoseconds
    match event.origin:
        case h.UserTimer():
            timer.createTimer.SetInParent()
        case h.EventWait(name=name):
            timer.externalEvent.name = name
        case h.ActivityRetry(task_execution_id=task_execution_id):
            timer.activityRetry.taskExecutionId = task_execution_id
        case h.ChildWorkflowRetry(instance_id=instance_id):
            timer.childWorkflowRetry.instanceId = instance_id
    return timer


def passed_on(received: str | None) -> pb.PropagatedHistory | None:
    """The history that a caller passed on."""
    if received is None:
        return None
    propagated = read_propagated(received)
    chunks = [
        pb.PropagatedHistoryChunk(
            rawEvents=[event.SerializeToString() for event in Telling().tell(chunk.events)],
            appId=chunk.app_id or "",
            instanceId=chunk.instance_id,
            workflowName=chunk.name,
        )
        for chunk in propagated.chunks
    ]
    return pb.PropagatedHistory(scope=pb.HistoryPropagationScope.Name(propagated.scope.value), chunks=chunks)
