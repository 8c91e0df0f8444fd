"""What a fork at a step would take over and what it would do again: said before it is started."""

from collections import Counter
from collections.abc import Sequence

from wfengine.errors import InvalidArgument
from wfengine.model import history as h
from wfengine.model.work import HistoryRow
from wfengine.testing.stepping.step import Step
from wflab import protocol

_MOST_NAMED = 40


def fork_plan(steps: Sequence[Step], rows: Sequence[HistoryRow], number: int) -> protocol.ForkPlan:
    """For a fork at step `number`: what the turn of that step and all before it have recorded is reused; the rest is done again.

    A turn is shared as a whole, so `at` is its last event that arrived. Raises InvalidArgument where there is no such step.
    """
    if not 1 <= number <= len(steps):
        raise InvalidArgument(f"There is no step {number}; the replay has {len(steps)}.")
    step = steps[number - 1]
    shared = {row.event.task_scheduled_id for row in rows if row.sequence <= step.sequence and isinstance(row.event, _Done)}
    asked = [event for event in (row.event for row in rows) if isinstance(event, h.TaskScheduled | h.ChildWorkflowInstanceCreated)]
    reused = [_named(event) for event in asked if event.event_id in shared]
    again = [_named(event) for event in asked if event.event_id not in shared]
    payload = next((_payload(row.event) for row in rows if row.sequence == step.sequence), None)
    return protocol.ForkPlan(
        at=step.sequence,
        reused=_few(reused),
        reused_total=len(reused),
        again=_few(again),
        again_total=len(again),
        edits=step.event if payload is not None else None,
        payload=payload,
    )


_Done = h.TaskCompleted | h.TaskFailed | h.ChildWorkflowInstanceCompleted | h.ChildWorkflowInstanceFailed


def _named(event: h.TaskScheduled | h.ChildWorkflowInstanceCreated) -> str:
    return f"{event.name} (attempt {event.attempt})" if event.attempt > 1 else event.name


def _payload(event: h.HistoryEvent) -> str | None:
    match event:
        case h.TaskCompleted() | h.ChildWorkflowInstanceCompleted():
            return event.result or "null"
        case h.EventRaised():
            return event.input or "null"
        case _:
            return None


def _few(names: list[str]) -> list[str]:
    told = [name if count == 1 else f"{name} x{count:,}" for name, count in Counter(names).items()]
    return told if len(told) <= _MOST_NAMED else [*told[:_MOST_NAMED], f"and {len(told) - _MOST_NAMED:,} more"]
