"""apply: what arrived and what the code asks for → a Commit, the instance's new state, and what is to be done once it is durable.

Theory of operation. The rows of one turn stand in history in this order: the events that arrived, then one confirming event per action,
then the end if there is one. Nothing here reads a clock or invents an id: the time and the keys of new instances are arguments.
An arrived event is recorded even where no code could run (its workflow is not defined yet, or the instance is suspended); then its
row has turn 0 and the code sees it later. Termination is decided here alone: it needs no code, and what the turn asked for is dropped.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import assert_never

import msgspec

from wfengine.model.actions import (
    CompleteWorkflow,
    ContinueAsNew,
    CreateChildWorkflow,
    CreateDetachedWorkflow,
    CreateTimer,
    ExecutionResult,
    RecordPatch,
    ScheduleTask,
)
from wfengine.model.failure import FailureDetails
from wfengine.model.history import (
    ChildWorkflowInstanceCompleted,
    ChildWorkflowInstanceCreated,
    ChildWorkflowInstanceFailed,
    ContinuedAsNew,
    DetachedWorkflowInstanceCreated,
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    ExecutionTerminated,
    HistoryEvent,
    PatchRecorded,
    TaskScheduled,
    TimerCreated,
)
from wfengine.model.instance import Instance, ParentInstance, Status
from wfengine.model.propagation import PropagationScope
from wfengine.model.work import Commit, HistoryRow

ClaimKey = Callable[[str | None], int | None]
"""Gives the key for a new execution of an instance id; None where a live instance has the id. For None as id: the successor's key."""


PassOn = Callable[[PropagationScope, list[HistoryRow]], str | None]
"""Gives the history that a call passes on; the rows are those that this turn has written so far."""


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """What a turn comes to. All but `commit` is to be acted upon once that is durable.

    `started` are new executions (children, or the next generation) with the rows they begin with; `unstartable` are children whose
    id was taken; `to_parent` is what the parent learns of this instance's end.
    """

    commit: Commit
    instance: Instance
    activities: list[TaskScheduled] = []
    timers: list[TimerCreated] = []
    started: list[tuple[Instance, list[HistoryRow]]] = []
    unstartable: list[ChildWorkflowInstanceFailed] = []
    to_parent: ChildWorkflowInstanceCompleted | ChildWorkflowInstanceFailed | None = None


def apply(
    instance: Instance,
    arrived: Sequence[HistoryEvent],
    result: ExecutionResult | FailureDetails | None,
    *,
    now: datetime,
    claim_key: ClaimKey,
    pass_on: PassOn | None = None,
    keep_for: Mapping[Status, timedelta] | None = None,
) -> Transition:
    """The outcome of one turn of `instance`. `result` is None where no code ran, a failure where code and history disagree (STALLED).

    `now` is not earlier than any event's time. `keep_for` says how long an instance is kept after an end of this status; for ever by default.
    """
    draft = _Draft(instance, now, claim_key, pass_on, keep_for or {}, turn=instance.turn + 1 if isinstance(result, ExecutionResult) else 0)
    for event in arrived:
        draft.record(event)
        match event:
            case ExecutionSuspended():
                draft.status = Status.SUSPENDED
            case ExecutionResumed():
                draft.resume()
            case ExecutionTerminated():
                draft.complete(CompleteWorkflow(status=Status.TERMINATED, output=event.output))
                return draft.transition()
    if isinstance(result, FailureDetails):
        draft.stall(result)
    elif result is not None:
        draft.go_on()
        draft.custom_status = result.custom_status
        for action in result.actions:
            match action:
                case ScheduleTask():
                    draft.schedule_task(action)
                case CreateTimer():
                    draft.create_timer(action)
                case CreateChildWorkflow():
                    draft.create_child(action)
                case CreateDetachedWorkflow():
                    draft.create_detached(action)
                case RecordPatch():
                    draft.record(PatchRecorded(occurred_at=now, name=action.name))
                case CompleteWorkflow():
                    draft.complete(action)
                case ContinueAsNew():
                    draft.continue_as_new(action)
                case _:
                    assert_never(action)
    return draft.transition()


class _Draft:
    """A transition in the making."""

    def __init__(
        self,
        instance: Instance,
        now: datetime,
        claim_key: ClaimKey,
        pass_on: PassOn | None,
        keep_for: Mapping[Status, timedelta],
        *,
        turn: int,
    ) -> None:
        self._pass_on = pass_on
        self._keep_for = keep_for
        self._purge_at: datetime | None = None
        self._instance = instance
        self._now = now
        self._claim_key = claim_key
        self._turn = turn
        self._sequence = instance.next_sequence
        self._history: list[HistoryRow] = []
        self._activities: list[TaskScheduled] = []
        self._timers: list[TimerCreated] = []
        self._started: list[tuple[Instance, list[HistoryRow]]] = []
        self._unstartable: list[ChildWorkflowInstanceFailed] = []
        self._to_parent: ChildWorkflowInstanceCompleted | ChildWorkflowInstanceFailed | None = None
        self._output: str | None = None
        self._failure = instance.failure
        self.status = instance.status
        self.custom_status = instance.custom_status

    @property
    def has_run(self) -> bool:
        """Whether the workflow's code has run before this turn."""
        return self._instance.turn > 0

    def record(self, event: HistoryEvent) -> None:
        """Append one event to the history."""
        self._history.append(HistoryRow(self._instance.key, self._sequence, self._turn, event))
        self._sequence += 1

    def resume(self) -> None:
        """Back to where it stood before the suspension."""
        self.status = Status.STALLED if self._failure is not None else Status.RUNNING if self.has_run else Status.PENDING

    def stall(self, failure: FailureDetails) -> None:
        """The instance waits for code that agrees with its history."""
        if self.status is not Status.SUSPENDED:
            self.status = Status.STALLED
        self._failure = failure

    def go_on(self) -> None:
        """The code ran."""
        self._failure = None
        if self.status in {Status.PENDING, Status.STALLED}:
            self.status = Status.RUNNING

    def schedule_task(self, action: ScheduleTask) -> None:
        """An activity is to be run."""
        event = TaskScheduled(
            occurred_at=self._now,
            event_id=action.id,
            name=action.name,
            task_execution_id=action.task_execution_id,
            input=action.input,
            attempt=action.attempt,
            app_id=action.app_id,
            timeout_s=action.timeout_s,
            compensates=action.compensates,
            is_inline=action.is_inline,
            propagated=self._passed_on(action.propagation),
        )
        self.record(event)
        self._activities.append(event)

    def create_timer(self, action: CreateTimer) -> None:
        """A timer is to be set, or a wait noted."""
        event = TimerCreated(
            occurred_at=self._now, event_id=action.id, fire_at=action.fire_at, origin=action.origin, nanoseconds=action.nanoseconds
        )
        self.record(event)
        self._timers.append(event)

    def create_child(self, action: CreateChildWorkflow) -> None:
        """A child starts within the same commit, unless a live instance has its id."""
        propagated = self._passed_on(action.propagation)
        key = self._claim_key(action.instance_id)
        self.record(
            ChildWorkflowInstanceCreated(
                occurred_at=self._now,
                event_id=action.id,
                name=action.name,
                instance_id=action.instance_id,
                input=action.input,
                child_key=key,
                attempt=action.attempt,
                app_id=action.app_id,
            )
        )
        if key is None:
            self._unstartable.append(id_taken(action.id, action.instance_id, self._now))
            return
        parent = self._instance
        started = ExecutionStarted(
            occurred_at=self._now,
            name=action.name,
            instance_id=action.instance_id,
            input=action.input,
            parent=ParentInstance(key=parent.key, instance_id=parent.instance_id, name=parent.name, task_id=action.id),
            app_id=action.app_id or parent.app_id,
            tags=parent.tags,
            propagated=propagated,
        )
        self._started.append(new_instance(key, started, root=parent.root))

    def create_detached(self, action: CreateDetachedWorkflow) -> None:
        """A workflow of its own starts within the same commit, unless a live instance has its id."""
        key = self._claim_key(action.instance_id)
        app_id = action.app_id or self._instance.app_id
        self.record(
            DetachedWorkflowInstanceCreated(
                occurred_at=self._now,
                event_id=action.id,
                name=action.name,
                instance_id=action.instance_id,
                input=action.input,
                execution=key,
                app_id=action.app_id,
                scheduled_start=action.scheduled_start,
            )
        )
        if key is not None:
            started = ExecutionStarted(
                occurred_at=self._now,
                name=action.name,
                instance_id=action.instance_id,
                input=action.input,
                app_id=app_id,
                scheduled_start=action.scheduled_start,
            )
            self._started.append(new_instance(key, started))

    def _passed_on(self, scope: PropagationScope) -> str | None:
        if scope is PropagationScope.NONE or self._pass_on is None:
            return None
        return self._pass_on(scope, self._history)

    def complete(self, action: CompleteWorkflow) -> None:
        """The instance ends."""
        self.record(ExecutionCompleted(occurred_at=self._now, status=action.status, output=action.output, failure=action.failure))
        self.status = action.status
        self._output = action.output
        self._failure = action.failure
        if action.status in self._keep_for:
            self._purge_at = self._now + self._keep_for[action.status]
        parent = self._instance.parent
        if parent is not None:
            self._to_parent = outcome_for_parent(
                parent.task_id, self._instance.instance_id, action.status, action.output, action.failure, self._now
            )

    def continue_as_new(self, action: ContinueAsNew) -> None:
        """This generation ends and the next begins within the same commit."""
        self.record(ContinuedAsNew(occurred_at=self._now, input=action.input, carried_events=len(action.carried)))
        suspended = self.status is Status.SUSPENDED
        self.status = Status.CONTINUED_AS_NEW
        old = self._instance
        key = self._claim_key(None)
        if key is None:
            raise AssertionError(old.instance_id)  # a successor takes over the id of this very instance
        started = ExecutionStarted(
            occurred_at=self._now,
            name=old.name,
            instance_id=old.instance_id,
            input=action.input,
            parent=old.parent,
            app_id=old.app_id,
            tags=old.tags,
            propagated=action.propagated,
        )
        instance, rows = new_instance(key, started, root=key if old.root == old.key else old.root, generation=old.generation + 1)
        if suspended:  # the suspension came with the turn that ends this generation: it is the instance's, so it holds on
            rows.append(HistoryRow(key, len(rows), 0, ExecutionSuspended(occurred_at=self._now)))
            instance = msgspec.structs.replace(instance, status=Status.SUSPENDED)
        for event in action.carried:
            rows.append(HistoryRow(key, len(rows), 0, msgspec.structs.replace(event, occurred_at=self._now)))
        self._started.append((msgspec.structs.replace(instance, next_sequence=len(rows)), rows))

    def transition(self) -> Transition:
        """All of it."""
        old = self._instance
        before = (old.status, old.custom_status, old.failure)
        changed = (self.status, self.custom_status, self._failure) != before or not old.next_sequence
        instance = msgspec.structs.replace(
            old,
            status=self.status,
            custom_status=self.custom_status,
            output=self._output,
            failure=self._failure,
            updated_at=self._now,
            next_sequence=self._sequence,
            turn=self._turn or old.turn,
            purge_at=self._purge_at,
        )
        begun = [row for _, rows in self._started for row in rows]
        return Transition(
            commit=Commit(
                history=[*self._history, *begun], runs=[*([instance] if changed else []), *(started for started, _ in self._started)]
            ),
            instance=instance,
            activities=self._activities,
            timers=self._timers,
            started=self._started,
            unstartable=self._unstartable,
            to_parent=self._to_parent,
        )


def new_instance(key: int, started: ExecutionStarted, *, root: int | None = None, generation: int = 0) -> tuple[Instance, list[HistoryRow]]:
    """An execution that begins with `started`, and the row that says so."""
    instance = Instance(
        key=key,
        instance_id=started.instance_id,
        name=started.name,
        status=Status.PENDING,
        created_at=started.occurred_at,
        updated_at=started.occurred_at,
        root=key if root is None else root,
        version=started.version,
        parent=started.parent,
        generation=generation,
        app_id=started.app_id,
        tags=started.tags,
        scheduled_start=started.scheduled_start,
        input=started.input,
        next_sequence=1,
    )
    return instance, [HistoryRow(key, 0, 0, started if started.execution == key else msgspec.structs.replace(started, execution=key))]


def outcome_for_parent(
    task_id: int, instance_id: str, status: Status, output: str | None, failure: FailureDetails | None, now: datetime
) -> ChildWorkflowInstanceCompleted | ChildWorkflowInstanceFailed:
    """What the parent of an ended child learns."""
    if status is Status.COMPLETED:
        return ChildWorkflowInstanceCompleted(occurred_at=now, task_scheduled_id=task_id, result=output)
    told = failure or FailureDetails(message=f"Child workflow {instance_id!r} was terminated.", error_type="WorkflowTerminated")
    return ChildWorkflowInstanceFailed(occurred_at=now, task_scheduled_id=task_id, failure=told)


def id_taken(task_id: int, instance_id: str, now: datetime) -> ChildWorkflowInstanceFailed:
    """What a parent learns of a child that could not start."""
    return ChildWorkflowInstanceFailed(
        occurred_at=now,
        task_scheduled_id=task_id,
        failure=FailureDetails(message=f"The id {instance_id!r} is in use by a live instance.", error_type="InstanceAlreadyExists"),
    )
