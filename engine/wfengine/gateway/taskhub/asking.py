"""What a worker asks for with a turn, in the words of `wfengine.model.actions`."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from wfengine.errors import InvalidArgument
from wfengine.gateway.taskhub.scalars import OUR_STATUSES, failure, moment, payload
from wfengine.gateway.wire import taskhub_pb2 as pb
from wfengine.model import actions as a
from wfengine.model import history as h
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import Instance, Status
from wfengine.model.propagation import PropagationScope
from wfengine.runtime.requests import checked_id

_ZERO = datetime(1970, 1, 1, tzinfo=UTC)  # the moment of what is carried over is set by whoever records it
_ENDS = a.CompleteWorkflow | a.ContinueAsNew
_WITH_THE_END = a.CreateDetachedWorkflow | a.RecordPatch


class Calls:
    """How often each call of an execution was attempted: the wire has attempts of one call share a task execution id, or a child's id."""

    def __init__(self, past: Iterable[h.HistoryEvent] = ()) -> None:
        self._activities: dict[str, tuple[str, int]] = {}
        self._children: dict[str, tuple[str, int]] = {}
        self.note(past)

    def note(self, recorded: Iterable[h.HistoryEvent]) -> None:
        """These attempts are recorded."""
        for event in recorded:
            if isinstance(event, h.TaskScheduled):
                self._activities[event.task_execution_id] = event.name, event.attempt
            elif isinstance(event, h.ChildWorkflowInstanceCreated):
                self._children[event.instance_id] = event.name, event.attempt

    def activity(self, task_execution_id: str) -> tuple[str, int]:
        """Its name, empty where none was attempted, and the number of attempts so far."""
        return self._activities.get(task_execution_id, ("", 0))

    def child(self, instance_id: str) -> tuple[str, int]:
        """Likewise."""
        return self._children.get(instance_id, ("", 0))


def asked(response: pb.WorkflowResponse, instance: Instance, calls: Calls, patches: Sequence[str]) -> a.ExecutionResult | FailureDetails:
    """What the turn asks for; a failure where the instance has to wait for other code. `patches` are those recorded so far."""
    told = list(response.version.patches)
    if told[: len(patches)] != list(patches):
        return FailureDetails(
            message=f"The worker's code was told of the patches {told}, and history says {list(patches)}: start a program with the patches of old.",
            error_type="PatchMismatch",
        )
    found: list[a.Action] = [a.RecordPatch(name=name) for name in told[len(patches) :]]
    end: a.Action | None = None
    for action in response.actions:
        match action.WhichOneof("workflowActionType"):
            case "workflowVersionNotAvailable":
                wanted = instance.version or "that it started with"
                message = f"The worker has no version {wanted!r} of workflow {instance.name!r}: start a program that has it."
                return FailureDetails(message=message, error_type="VersionNotAvailable")
            case "completeWorkflow":
                end = end or _end(action.completeWorkflow)
            case "sendEvent" | "terminateWorkflow" as what:
                message = (
                    f"The workflow asked for {what!r}, which the lab does not do yet. Raise the event, or terminate, from an activity."
                )
                return FailureDetails(message=message, error_type="NotSupported")
            case None:
                continue
            case _:
                try:
                    found.append(_task(action, instance, calls))
                except InvalidArgument as error:
                    return FailureDetails(message=f"The worker asked for what cannot be: {error}", error_type="InvalidArgument")
    if end is not None:  # as with code that runs here: what nobody waits for any more is not begun
        found = [*(action for action in found if isinstance(action, _WITH_THE_END)), end]
    return a.ExecutionResult(
        actions=found,
        passes_on=any(_scope_of(action) is not PropagationScope.NONE for action in found),
        custom_status=payload(response.customStatus),
        version=response.version.name or None,
    )


def _scope_of(action: a.Action) -> PropagationScope:
    return action.propagation if isinstance(action, a.ScheduleTask | a.CreateChildWorkflow) else PropagationScope.NONE


def _task(action: pb.WorkflowAction, instance: Instance, calls: Calls) -> a.Action:
    number, app_id = action.id, action.router.targetAppID or None
    match action.WhichOneof("workflowActionType"):
        case "scheduleTask":
            task = action.scheduleTask
            task_execution_id = task.taskExecutionId or f"{instance.instance_id}:{instance.key}:{number}"
            return a.ScheduleTask(
                id=number,
                name=task.name,
                task_execution_id=task_execution_id,
                input=payload(task.input),
                attempt=calls.activity(task_execution_id)[1] + 1,
                app_id=app_id,
                propagation=PropagationScope(task.historyPropagationScope),
            )
        case "createTimer":
            timer = action.createTimer
            return a.CreateTimer(
                id=number, fire_at=moment(timer.fireAt), origin=_origin(timer, calls), nanoseconds=timer.fireAt.nanos % 1000
            )
        case "createChildWorkflow":
            child = action.createChildWorkflow
            instance_id = child.instanceId or f"{instance.instance_id}:{number:04x}"
            return a.CreateChildWorkflow(
                id=number,
                name=child.name,
                instance_id=checked_id(instance_id),
                input=payload(child.input),
                attempt=calls.child(instance_id)[1] + 1,
                app_id=app_id,
                propagation=PropagationScope(child.historyPropagationScope),
            )
        case _:
            detached = action.createDetachedWorkflow
            start = moment(detached.scheduledStartTimestamp) if detached.HasField("scheduledStartTimestamp") else None
            return a.CreateDetachedWorkflow(
                id=number,
                name=detached.name,
                instance_id=checked_id(detached.instanceId),
                input=payload(detached.input),
                app_id=app_id,
                scheduled_start=start,
            )


def _origin(timer: pb.CreateTimerAction, calls: Calls) -> h.TimerOrigin:
    match timer.WhichOneof("origin"):
        case "externalEvent":
            return h.EventWait(name=timer.externalEvent.name)
        case "activityRetry":
            task_execution_id = timer.activityRetry.taskExecutionId
            name, attempts = calls.activity(task_execution_id)
            return h.ActivityRetry(name=name, task_execution_id=task_execution_id, attempt=attempts)
        case "childWorkflowRetry":
            instance_id = timer.childWorkflowRetry.instanceId
            name, attempts = calls.child(instance_id)
            return h.ChildWorkflowRetry(name=name, instance_id=instance_id, attempt=attempts)
        case _:
            return h.UserTimer()


def _end(action: pb.CompleteWorkflowAction) -> _ENDS:
    status = OUR_STATUSES.get(action.workflowStatus, Status.FAILED)
    if status is Status.CONTINUED_AS_NEW:
        carried = tuple(
            h.EventRaised(occurred_at=moment(event.timestamp) or _ZERO, name=event.eventRaised.name, input=payload(event.eventRaised.input))
            for event in action.carryoverEvents
            if event.WhichOneof("eventType") == "eventRaised"
        )
        return a.ContinueAsNew(input=payload(action.result), carried=carried)
    if status not in {Status.COMPLETED, Status.FAILED, Status.TERMINATED, Status.CANCELED}:
        status = Status.FAILED
    told = failure(action.failureDetails) if action.HasField("failureDetails") else None
    if status is Status.FAILED and told is None:
        told = FailureDetails(message=action.details.value or "The worker gave no reason.", error_type="WorkflowFailed")
    return a.CompleteWorkflow(status=status, output=payload(action.result), failure=told)
