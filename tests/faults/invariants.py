"""What must hold of any record, whatever happened to the process that wrote it: the invariants B to E of the fault campaigns.

Each check raises AssertionError with the instance and the place. (A, that what was acknowledged is there, only the one who was told can check.)
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import msgspec

from wfengine.core.replay import Execution
from wfengine.model.actions import (
    Action,
    CompleteWorkflow,
    ContinueAsNew,
    CreateChildWorkflow,
    CreateDetachedWorkflow,
    CreateTimer,
    RecordPatch,
    ScheduleTask,
)
from wfengine.model.history import (
    ChildWorkflowInstanceCompleted,
    ChildWorkflowInstanceCreated,
    ChildWorkflowInstanceFailed,
    ContinuedAsNew,
    DetachedWorkflowInstanceCreated,
    EventRaised,
    EventWait,
    ExecutionCompleted,
    HistoryEvent,
    PatchRecorded,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from wfengine.model.instance import Instance, Status
from wfengine.model.work import HistoryRow

RECORDED_AS: dict[type[Action], type[HistoryEvent]] = {
    ScheduleTask: TaskScheduled,
    CreateTimer: TimerCreated,
    CreateChildWorkflow: ChildWorkflowInstanceCreated,
    CreateDetachedWorkflow: DetachedWorkflowInstanceCreated,
    RecordPatch: PatchRecorded,
    CompleteWorkflow: ExecutionCompleted,
    ContinueAsNew: ContinuedAsNew,
}
_OF_ACTIONS = tuple(RECORDED_AS.values())
_OUTCOMES = TaskCompleted | TaskFailed
_Told = tuple[str, dict[str, Any]]


def check_numbers(instance: Instance, rows: Sequence[HistoryRow]) -> None:
    """B: a history is numbered from 0 without a gap, its times never decrease, and nothing stands behind its end."""
    assert [row.sequence for row in rows] == list(range(len(rows))), f"the history of {instance.instance_id} has a gap"
    times = [row.event.occurred_at for row in rows]
    assert times == sorted(times), f"time goes back in the history of {instance.instance_id}"
    ends = [place for place, row in enumerate(rows) if isinstance(row.event, ExecutionCompleted | ContinuedAsNew)]
    assert ends in ([], [len(rows) - 1]), f"{instance.instance_id} goes on behind its end"
    assert bool(ends) == instance.status.is_terminal, f"{instance.instance_id} is {instance.status}, its history says otherwise"


def check_replay(workflow: Callable[..., Any], instance: Instance, rows: Sequence[HistoryRow], *, is_thorough: bool = True) -> int:
    """C: the code asks, turn by turn, for what is recorded; kept from turn to turn, and rebuilt before each (else before the last alone).

    Gives the number of turns.
    """
    kept = Execution(workflow)
    turns = 0
    taken_up = 0
    for turn, group in groupby(rows, key=lambda row: row.turn):
        of_turn = list(group)
        if not turn:
            continue
        place, behind = of_turn[0].sequence, of_turn[-1].sequence + 1
        new = [row.event for row in rows[taken_up:behind] if not isinstance(row.event, _OF_ACTIONS)]
        recorded = [_told(row.event) for row in of_turn if isinstance(row.event, _OF_ACTIONS)]
        executions = {"kept": kept}
        if is_thorough or behind == len(rows):
            executions["rebuilt"] = Execution(workflow)
            executions["rebuilt"].replay([row.event for row in rows[:taken_up]])
        for how, execution in executions.items():
            asked = [_told(action) for action in execution.advance(new).actions]
            assert asked == recorded, f"turn {turn} of {instance.instance_id} ({how}, row {place}): recorded {recorded}, asked for {asked}"
            if execution is not kept:
                execution.close()
        taken_up = behind
        turns += 1
    kept.close()
    return turns


def check_results(instance: Instance, rows: Sequence[HistoryRow]) -> None:
    """D: what was scheduled has at most one outcome, and nothing has an outcome that was not scheduled."""
    scheduled = {row.event.event_id for row in rows if isinstance(row.event, TaskScheduled)}
    outcomes = [row.event.task_scheduled_id for row in rows if isinstance(row.event, _OUTCOMES)]
    assert len(set(outcomes)) == len(outcomes), f"{instance.instance_id} has two outcomes of one activity"
    assert set(outcomes) <= scheduled, f"{instance.instance_id} has an outcome of no activity"


def check_wake_up(instance: Instance, rows: Sequence[HistoryRow]) -> None:
    """E: an instance that has not ended waits for something that can come: a turn, an outcome, a timer, a child, an event, a person."""
    if instance.status.is_terminal or instance.status in {Status.SUSPENDED, Status.STALLED}:
        return
    events = [row.event for row in rows]
    outcomes = {event.task_scheduled_id for event in events if isinstance(event, _OUTCOMES)}
    of_children = {
        event.task_scheduled_id for event in events if isinstance(event, ChildWorkflowInstanceCompleted | ChildWorkflowInstanceFailed)
    }
    fired = {event.timer_id for event in events if isinstance(event, TimerFired)}
    raised = sum(isinstance(event, EventRaised) for event in events)
    waits = [event for event in events if isinstance(event, TimerCreated) and event.fire_at is None and isinstance(event.origin, EventWait)]
    sources = (
        not rows[-1].turn,  # it has a turn to come
        any(isinstance(event, TaskScheduled) and event.event_id not in outcomes for event in events),
        any(isinstance(event, ChildWorkflowInstanceCreated) and event.event_id not in of_children for event in events),
        any(isinstance(event, TimerCreated) and event.fire_at is not None and event.event_id not in fired for event in events),
        len(waits) > raised,
    )
    assert any(sources), f"nothing can wake up {instance.instance_id}: {events[-1]}"


def _told(what: Action | HistoryEvent) -> _Told:
    """An action, or the event that records it, as far as both tell the same."""
    match what:
        case CompleteWorkflow() | ExecutionCompleted():
            failure = what.failure and (what.failure.error_type, what.failure.message)
            return "ExecutionCompleted", {"status": what.status, "output": what.output, "failure": failure}
        case ContinueAsNew():
            return "ContinuedAsNew", {"input": what.input, "carried": len(what.carried)}
        case ContinuedAsNew():
            return "ContinuedAsNew", {"input": what.input, "carried": what.carried_events}
        case ScheduleTask() | CreateTimer() | CreateChildWorkflow() | CreateDetachedWorkflow() | RecordPatch():
            event_type = RECORDED_AS[type(what)]
            fields = {"event_id" if name == "id" else name: value for name, value in msgspec.structs.asdict(what).items()}
        case _:
            event_type = type(what)
            fields = msgspec.structs.asdict(what)
    return event_type.__name__, {name: fields[name] for name in _common_fields(event_type) if name in fields}


def _common_fields(event_type: type[HistoryEvent]) -> list[str]:
    action_type = next(action for action, event in RECORDED_AS.items() if event is event_type)
    of_action = {"event_id" if name == "id" else name for name in action_type.__struct_fields__}
    return [name for name in event_type.__struct_fields__ if name in of_action]
