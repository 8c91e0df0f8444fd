"""rerun: the past of an ended instance up to one of its actions → a new instance that does that action again and goes on from there.

The new history shares the turns up to the one that asked for the action; all that was open after it is open again: activities are made again,
with idempotency keys of their own, timers run their whole span again, children start anew. Random numbers and UUIDs are drawn as the source drew
them, so that the shared past stays true.
"""

from collections.abc import Sequence
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
    HistoryEvent,
    TaskCompleted,
    TaskFailed,
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
    open_ids = _open_actions(shared)
    started = _first(shared)
    begun = msgspec.structs.replace(started, instance_id=instance_id, execution=key, parent=None, seed=started.seed or identity_of(started))
    identity = identity_of(begun)
    first_attempts = {row.event.task_execution_id: row.event.event_id for row in reversed(shared) if isinstance(row.event, TaskScheduled)}
    children: list[tuple[Instance, list[HistoryRow]]] = []
    rows: list[HistoryRow] = []
    for row in shared:
        event: HistoryEvent = row.event
        is_chosen = event is chosen
        match event:
            case ExecutionStarted():
                event = begun
            case TaskScheduled() if event.event_id in open_ids:
                event = msgspec.structs.replace(
                    event,
                    input=event.input if input is UNSET or not is_chosen else input,
                    task_execution_id=task_execution_id(identity, first_attempts[event.task_execution_id]),
                )
            case TimerCreated() if event.event_id in open_ids and event.fire_at is not None:
                event = msgspec.structs.replace(event, fire_at=now + (event.fire_at - event.occurred_at))
            case ChildWorkflowInstanceCreated() if event.event_id in open_ids:
                new_id = (child_id if is_chosen else None) or f"{instance_id}:{event.event_id:04x}"
                event = msgspec.structs.replace(
                    event,
                    instance_id=new_id,
                    child_key=claim_key(new_id),
                    input=event.input if input is UNSET or not is_chosen else input,
                )
                if event.child_key is not None:
                    children.append(_child(event, begun, key, now, app_id=event.app_id or source.app_id))
        rows.append(HistoryRow(key, row.sequence, row.turn, event))
    instance = Instance(
        key=key,
        instance_id=instance_id,
        name=source.name,
        status=Status.SUSPENDED if _is_suspended(shared) else Status.RUNNING,
        created_at=now,
        updated_at=now,
        root=key,
        version=source.version,
        app_id=source.app_id,
        tags=source.tags,
        input=begun.input,
        next_sequence=len(rows),
        turn=max(row.turn for row in rows),
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


def _first(shared: Sequence[HistoryRow]) -> ExecutionStarted:
    match shared[0].event:
        case ExecutionStarted() as started:
            return started
        case other:
            raise AssertionError(other)  # every history begins with it


def _end_of_turn(recorded: Sequence[HistoryRow], chosen: Rerunnable) -> int:
    """All that the turn asked for belongs to it: replay asks for it again."""
    turn = next(row.turn for row in recorded if row.event is chosen)
    return 1 + max(place for place, row in enumerate(recorded) if row.turn == turn)


def _open_actions(shared: Sequence[HistoryRow]) -> set[int]:
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
