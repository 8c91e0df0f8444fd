"""rerun: the past of an ended instance up to one of its actions → a new instance that does that action again and goes on from there.

The new history shares the turns up to the one that asked for the action; all that was open after it is open again: activities are made again,
with idempotency keys of their own, timers run their whole span again, children start anew. Random numbers and UUIDs are drawn as the source drew
them, so that the shared past stays true. `going_on` is the part that a fork (`core/forking.py`) shares.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from wfengine.core.context import identity_of
from wfengine.core.deterministic import task_execution_id
from wfengine.core.transitions import ClaimKey, new_instance
from wfengine.errors import InvalidArgument
from wfengine.model.history import (
    ChildWorkflowInstanceCompleted,
    ChildWorkflowInstanceCreated,
    ChildWorkflowInstanceFailed,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    ForkedFrom,
    HistoryEvent,
    TaskCompleted,
    TaskFailed,
    TaskRestarted,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from wfengine.model.instance import Instance, ParentInstance, Status
from wfengine.model.payload import UNSET, UnsetType
from wfengine.model.work import HistoryRow

Rerunnable = TaskScheduled | TimerCreated | ChildWorkflowInstanceCreated


class Rerun(msgspec.Struct, frozen=True, kw_only=True):
    """The new instance with its rows, and the children that start with it."""

    instance: Instance
    rows: list[HistoryRow]
    children: list[tuple[Instance, list[HistoryRow]]]


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be other than in the source, by action: inputs of activities and children, ids of children."""

    inputs: Mapping[int, str | None] = {}
    child_ids: Mapping[int, str] = {}


def rerun(  # noqa: PLR0913  # Dapr's own arguments, and the time and keys that a pure function is given
    source: Instance,
    recorded: Sequence[HistoryRow],
    event_id: int,
    *,
    key: int,
    instance_id: str,
    now: datetime,
    claim_key: ClaimKey,
    input: str | UnsetType | None = UNSET,
    child_id: str | None = None,
) -> Rerun:
    """A new instance `instance_id` from action `event_id` on; `input` replaces the action's, `child_id` names the child where it starts one.

    Raises InvalidArgument where there is no such action, or it takes no input.
    """
    chosen = _chosen(recorded, event_id, has_input=input is not UNSET)
    shared = list(recorded[: _end_of_turn(recorded, chosen)])
    changes = Changes(
        inputs={} if isinstance(input, UnsetType) else {event_id: input}, child_ids={} if child_id is None else {event_id: child_id}
    )
    return going_on(source, shared, key=key, instance_id=instance_id, now=now, claim_key=claim_key, changes=changes)


def going_on(
    source: Instance,
    shared: Sequence[HistoryRow],
    *,
    key: int,
    instance_id: str,
    now: datetime,
    claim_key: ClaimKey,
    changes: Changes | None = None,
) -> Rerun:
    """A new instance whose past is `shared`, whole turns and perhaps what no code has taken up yet; what is open there is open again."""
    changes = changes or Changes()
    open_ids = open_actions(shared)
    started = first_of(shared)
    last = shared[-1].sequence
    begun = msgspec.structs.replace(
        started,
        instance_id=instance_id,
        execution=key,
        parent=None,
        seed=started.seed or identity_of(started),
        forked_from=ForkedFrom(key=source.key, instance_id=source.instance_id, at=last),
    )
    identity = identity_of(begun)
    first_attempts = {row.event.task_execution_id: row.event.event_id for row in reversed(shared) if isinstance(row.event, TaskScheduled)}
    children: list[tuple[Instance, list[HistoryRow]]] = []
    rows: list[HistoryRow] = []
    for row in shared:
        event: HistoryEvent = row.event
        match event:
            case ExecutionStarted():
                event = begun
            case TaskScheduled() if event.event_id in open_ids:
                event = msgspec.structs.replace(
                    event,
                    input=changes.inputs.get(event.event_id, event.input),
                    task_execution_id=task_execution_id(identity, first_attempts[event.task_execution_id]),
                )
            case TimerCreated() if event.event_id in open_ids and event.fire_at is not None:
                event = msgspec.structs.replace(event, fire_at=now + (event.fire_at - event.occurred_at))
            case ChildWorkflowInstanceCreated() if event.event_id in open_ids:
                new_id = changes.child_ids.get(event.event_id) or f"{instance_id}:{event.event_id:04x}"
                event = msgspec.structs.replace(
                    event,
                    instance_id=new_id,
                    child_key=claim_key(new_id),
                    input=changes.inputs.get(event.event_id, event.input),
                )
                if event.child_key is not None:
                    children.append(_child(event, begun, key, now, app_id=event.app_id or source.app_id))
            case TaskRestarted() if event.task_scheduled_id in open_ids:
                continue  # the new attempt has brought no process down
        rows.append(HistoryRow(key, len(rows), row.turn, event))
    turn = max(row.turn for row in rows)
    instance = Instance(
        key=key,
        instance_id=instance_id,
        name=source.name,
        status=Status.SUSPENDED if _is_suspended(shared) else Status.RUNNING if turn else Status.PENDING,
        created_at=now,
        updated_at=now,
        root=key,
        version=source.version if turn else None,
        app_id=source.app_id,
        tags=source.tags,
        scheduled_start=None if turn else begun.scheduled_start,
        input=begun.input,
        next_sequence=len(rows),
        turn=turn,
    )
    return Rerun(instance=instance, rows=rows, children=children)


def _chosen(recorded: Sequence[HistoryRow], event_id: int, *, has_input: bool) -> Rerunnable:
    can_be = [row.event for row in recorded if isinstance(row.event, Rerunnable)]
    chosen = next((event for event in can_be if event.event_id == event_id), None)
    if chosen is None:
        listed = ", ".join(str(event.event_id) for event in can_be[:20]) or "none"
        raise InvalidArgument(
            f"No activity, timer or child workflow has the event id {event_id!r} in this history (those that have one: {listed})."
        )
    if has_input and isinstance(chosen, TimerCreated):
        raise InvalidArgument(f"Event {event_id} is a timer and takes no input; leave `input` out.")
    return chosen


def first_of(shared: Sequence[HistoryRow]) -> ExecutionStarted:
    """The event that every history begins with."""
    match shared[0].event:
        case ExecutionStarted() as started:
            return started
        case other:
            raise AssertionError(other)


def _end_of_turn(recorded: Sequence[HistoryRow], chosen: Rerunnable) -> int:
    """All that the turn asked for belongs to it: replay asks for it again."""
    turn = next(row.turn for row in recorded if row.event is chosen)
    return 1 + max(place for place, row in enumerate(recorded) if row.turn == turn)


def open_actions(shared: Sequence[HistoryRow]) -> set[int]:
    """The actions whose outcome is not among these rows."""
    opened: set[int] = set()
    for row in shared:
        match row.event:
            case TaskScheduled() | TimerCreated() | ChildWorkflowInstanceCreated():
                opened.add(row.event.event_id)
            case TaskCompleted() | TaskFailed() | ChildWorkflowInstanceCompleted() | ChildWorkflowInstanceFailed():
                opened.discard(row.event.task_scheduled_id)
            case TimerFired():
                opened.discard(row.event.timer_id)
            case _:
                pass
    return opened


def _child(
    created: ChildWorkflowInstanceCreated, parent: ExecutionStarted, parent_key: int, now: datetime, *, app_id: str | None
) -> tuple[Instance, list[HistoryRow]]:
    started = ExecutionStarted(
        occurred_at=now,
        name=created.name,
        instance_id=created.instance_id,
        input=created.input,
        parent=ParentInstance(key=parent_key, instance_id=parent.instance_id, name=parent.name, task_id=created.event_id),
        app_id=app_id,
        tags=parent.tags,
    )
    return new_instance(created.child_key or 0, started, root=parent_key)


def _is_suspended(shared: Sequence[HistoryRow]) -> bool:
    said = [row.event for row in shared if isinstance(row.event, ExecutionSuspended | ExecutionResumed)]
    return bool(said) and isinstance(said[-1], ExecutionSuspended)
