"""fork: the past of any instance up to one of its events → a new instance that goes on from there, with what was edited.

Theory of operation. The code learns of events turn by turn, so what a fork shares are whole turns: those that lie before its cut. Of the turn
that the cut divides, the events that had arrived by then arrive anew, now, and the code takes them up again; what it asked for, it asks for
again. A cut among what a turn asked for keeps all that it asked for. An end is never shared, since a fork goes on: the turn that ended is
made again. Nothing that was recorded after the cut is inherited.

What is open at the cut is open again, as in a rerun: activities are made again, timers run their whole span, children start anew. Edits are
named by the place of an event in history (`sequence`), or where that is unique by the name of what was called or raised.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from wfengine.core.context import identity_of
from wfengine.core.rerunning import Rerun, going_on
from wfengine.core.transitions import ClaimKey
from wfengine.errors import InvalidArgument
from wfengine.model.failure import failure_of
from wfengine.model.history import (
    ChildWorkflowInstanceCompleted,
    ChildWorkflowInstanceCreated,
    ChildWorkflowInstanceFailed,
    ConfirmingEvent,
    ContinuedAsNew,
    EventRaised,
    EventWait,
    ExecutionCompleted,
    ExecutionStarted,
    ExecutionTerminated,
    HistoryEvent,
    PatchRecorded,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from wfengine.model.instance import Instance
from wfengine.model.payload import to_json
from wfengine.model.work import HistoryRow

INPUT = "input"
_Outcome = TaskCompleted | TaskFailed | ChildWorkflowInstanceCompleted | ChildWorkflowInstanceFailed | TimerFired
_End = ExecutionCompleted | ContinuedAsNew | ExecutionTerminated
_Asked = ConfirmingEvent | PatchRecorded


class Cut(NamedTuple):
    """What a fork shares of its source: rows with the source's keys and places; those with turn 0 at the end arrive anew."""

    rows: list[HistoryRow]
    spans: dict[int, timedelta]

    @property
    def past(self) -> list[HistoryEvent]:
        """What turns of the source have taken up; a fork's code must agree with it."""
        taken_up = max((place for place, row in enumerate(self.rows) if row.turn), default=-1) + 1
        return [row.event for row in self.rows[:taken_up]]


class Code(NamedTuple):
    """The code that a fork is to run: the workflow's name, its version (None: unversioned) and its hash."""

    name: str
    version: str | None
    code_hash: str


def cut(recorded: Sequence[HistoryRow], at: int | None, edit: Mapping[int | str, Any] | None) -> Cut:
    """The shared past, with edits: `at` is the `sequence` of the last event that is shared, None the last edited one, else the last recorded.

    Raises InvalidArgument for an event that is not there, or takes no such edit, PayloadError for a value that is not JSON.
    """
    if not isinstance(edit, Mapping | None):
        raise InvalidArgument(f"edit says what is to be other, such as {{'input': {{...}}, 7: result}}, not {edit!r:.80}.")
    if at is not None and (isinstance(at, bool) or not isinstance(at, int) or not 0 <= at < len(recorded)):
        raise InvalidArgument(f"`at` is the `sequence` of an event of run.history(), 0 to {len(recorded) - 1}, not {at!r}.")
    edited = {_meant(recorded, key, at): (key, value) for key, value in (edit or {}).items()}
    if len(edited) < len(edit or {}):
        raise InvalidArgument("Two of the edits mean the same event; leave one of them.")
    outcomes = {place: _outcome_place(recorded, place, at) for place in edited}
    last = _whole_request(recorded, _last(recorded, outcomes) if at is None else at)
    rows = list(recorded[: last + 1])
    added: list[HistoryEvent] = []
    spans: dict[int, timedelta] = {}
    for place, (key, value) in edited.items():
        if place > last:
            raise InvalidArgument(f"The edit of event {key!r} lies beyond the fork, which is at event {last}: leave it out, or fork later.")
        outcome = outcomes[place]
        event = rows[place].event
        if outcome is not None:
            rows[outcome] = _with_event(rows[outcome], _edited(rows[outcome].event, key, value))
        elif isinstance(event, TimerCreated) and event.fire_at is not None and isinstance(value, timedelta):
            spans[event.event_id] = value
        else:
            added.append(_answer(event, key, value))
    shared = _whole_turns(recorded, rows)
    return Cut([*shared, *(HistoryRow(shared[0].key, last, 0, event) for event in added)], spans)


def fork(
    source: Instance,
    shared: Cut,
    code: Code | None,
    *,
    key: int,
    instance_id: str,
    now: datetime,
    claim_key: ClaimKey,
    custom_status: str | None = None,
) -> Rerun:
    """A new instance with this past. What no code has taken up arrives now; `now` is given, and never before what is shared.

    `code` is what it runs where that is not the newest of the source's workflow and version.
    """
    now = max(now, *(row.event.occurred_at for row in shared.rows))
    taken_up = len(shared.past)
    rows = [
        *shared.rows[:taken_up],
        *(_with_event(row, _arriving(row.event, now)) for row in shared.rows[taken_up:]),
    ]
    rows = [_with_event(row, _with_span(row.event, shared.spans)) for row in rows]
    if code is not None:
        rows = [
            _with_event(row, msgspec.structs.replace(row.event, name=code.name)) if isinstance(row.event, ExecutionStarted) else row
            for row in rows
        ]
    made = going_on(source, rows, key=key, instance_id=instance_id, now=now, claim_key=claim_key)
    instance = msgspec.structs.replace(made.instance, custom_status=custom_status)
    if code is not None:
        instance = msgspec.structs.replace(instance, name=code.name, version=code.version, code_hash=code.code_hash)
    return msgspec.structs.replace(made, instance=instance)


def last_agreed(recorded: Sequence[HistoryRow], event_id: int) -> int | None:
    """Where to fork so that the code asks anew for action `event_id`: the last event that had arrived when it was asked for. None where there is none."""
    place = next((row.sequence for row in recorded if isinstance(row.event, ConfirmingEvent) and row.event.event_id == event_id), None)
    if place is None:
        return None
    return max((row.sequence for row in recorded[:place] if not isinstance(row.event, _Asked)), default=None)


def _last(recorded: Sequence[HistoryRow], outcomes: Mapping[int, int | None]) -> int:
    """The last edited event; where none is, or one that has no outcome yet, the last recorded one."""
    is_open = any(outcome is None for outcome in outcomes.values())
    return len(recorded) - 1 if is_open or not outcomes else max(outcome for outcome in outcomes.values() if outcome is not None)


def _whole_request(recorded: Sequence[HistoryRow], last: int) -> int:
    """What a turn asked for it asked for at once: all of it."""
    while isinstance(recorded[last].event, _Asked) and last + 1 < len(recorded) and isinstance(recorded[last + 1].event, _Asked):
        if recorded[last + 1].turn != recorded[last].turn:
            break
        last += 1
    return last


def _meant(recorded: Sequence[HistoryRow], key: Any, at: int | None) -> int:
    """The place of the event that an edit names."""
    if isinstance(key, int) and not isinstance(key, bool):
        if not 0 <= key < len(recorded):
            raise InvalidArgument(f"There is no event {key} to edit: `sequence` in run.history() goes from 0 to {len(recorded) - 1}.")
        return key
    if not isinstance(key, str):
        raise InvalidArgument(f"An edit is named by 'input', a `sequence` of run.history(), or a name in it, not by {key!r}.")
    if key == INPUT:
        return 0
    shared = recorded if at is None else recorded[: at + 1]
    places = {_identity(row): row.sequence for row in shared if _name(row.event).casefold() == key.casefold()}  # of attempts, the last
    if len(places) != 1:
        told = f"it has several: {', '.join(map(str, sorted(places.values())))}" if places else "it has none"
        raise InvalidArgument(f"{key!r} is to name one call or external event of this history, and {told}. Name it by its `sequence`.")
    return next(iter(places.values()))


def _name(event: HistoryEvent) -> str:
    return event.name if isinstance(event, TaskScheduled | ChildWorkflowInstanceCreated | EventRaised) else ""


def _identity(row: HistoryRow) -> object:
    """What all attempts of one call share."""
    match row.event:
        case TaskScheduled(task_execution_id=identity):
            return identity
        case ChildWorkflowInstanceCreated(instance_id=instance_id):
            return "child", instance_id
    return row.sequence


def _outcome_place(recorded: Sequence[HistoryRow], place: int, at: int | None) -> int | None:
    """The row to change: the event itself, or of a call its outcome; None where that is not among what is shared."""
    event = recorded[place].event
    if not isinstance(event, TaskScheduled | ChildWorkflowInstanceCreated | TimerCreated):
        return place
    until = len(recorded) if at is None else at + 1
    for row in recorded[place:until]:
        if isinstance(row.event, _Outcome) and _answered(row.event) == event.event_id:
            return row.sequence
    return None


def _answered(event: _Outcome) -> int:
    return event.timer_id if isinstance(event, TimerFired) else event.task_scheduled_id


def _edited(event: HistoryEvent, key: object, value: Any) -> HistoryEvent:
    match event:
        case ExecutionStarted():
            return msgspec.structs.replace(event, input=_payload(value, "the input"))
        case EventRaised():
            return msgspec.structs.replace(event, input=_payload(value, f"the data of event {event.name!r}"))
        case TaskCompleted() | TaskFailed():
            return _task_outcome(event.task_scheduled_id, event.occurred_at, value, key)
        case ChildWorkflowInstanceCompleted() | ChildWorkflowInstanceFailed():
            return _child_outcome(event.task_scheduled_id, event.occurred_at, value, key)
        case TimerFired():
            raise InvalidArgument(f"Event {key!r} is a timer that fired, which has no value. Fork before it (at=...), and it runs again.")
    raise InvalidArgument(
        f"Event {key!r} is a {type(event).__name__}, which holds nothing to edit: that is the input, the outcome of an activity or a child, "
        "the payload of an external event, and a timer that is open at the fork."
    )


def _answer(event: HistoryEvent, key: object, value: Any) -> HistoryEvent:
    """The outcome of a call that is open at the fork; its time is set when it arrives."""
    match event:
        case TaskScheduled():
            return _task_outcome(event.event_id, event.occurred_at, value, key)
        case ChildWorkflowInstanceCreated():
            return _child_outcome(event.event_id, event.occurred_at, value, key)
        case TimerCreated(origin=EventWait(name=name)):
            raise InvalidArgument(
                f"Event {key!r} waits for {name!r}. Fork without this edit, then answer: fork.raise_event({name!r}, data)."
            )
        case TimerCreated(fire_at=datetime() as fire_at) if value is None:
            return TimerFired(occurred_at=event.occurred_at, timer_id=event.event_id, fire_at=fire_at)
        case _:
            raise InvalidArgument(f"Event {key!r} is a timer: edit it to None, and it fires at once, or to a timedelta, and it fires then.")


def _task_outcome(task_id: int, at: datetime, value: Any, key: object) -> TaskCompleted | TaskFailed:
    if isinstance(value, BaseException):
        return TaskFailed(occurred_at=at, task_scheduled_id=task_id, failure=failure_of(value))
    return TaskCompleted(occurred_at=at, task_scheduled_id=task_id, result=_payload(value, f"the result of event {key!r}"))


def _child_outcome(task_id: int, at: datetime, value: Any, key: object) -> ChildWorkflowInstanceCompleted | ChildWorkflowInstanceFailed:
    if isinstance(value, BaseException):
        return ChildWorkflowInstanceFailed(occurred_at=at, task_scheduled_id=task_id, failure=failure_of(value))
    return ChildWorkflowInstanceCompleted(occurred_at=at, task_scheduled_id=task_id, result=_payload(value, f"the result of event {key!r}"))


def _payload(value: Any, what: str) -> str | None:
    return None if value is None else to_json(value, what)


def _arriving(event: HistoryEvent, now: datetime) -> HistoryEvent:
    """The event, happening now; chance stays the source's, which is drawn from when that began."""
    if isinstance(event, ExecutionStarted):
        return msgspec.structs.replace(event, occurred_at=now, seed=event.seed or identity_of(event))
    return msgspec.structs.replace(event, occurred_at=now)


def _with_event(row: HistoryRow, event: HistoryEvent) -> HistoryRow:
    return row if event is row.event else HistoryRow(row.key, row.sequence, row.turn, event)


def _with_span(event: HistoryEvent, spans: Mapping[int, timedelta]) -> HistoryEvent:
    """An open timer with the span it was given; `going_on` has it begin now."""
    if not isinstance(event, TimerCreated) or event.event_id not in spans:
        return event
    return msgspec.structs.replace(event, fire_at=event.occurred_at + spans[event.event_id])


def _whole_turns(recorded: Sequence[HistoryRow], rows: list[HistoryRow]) -> list[HistoryRow]:
    """The rows of whole turns as they are; of the turn that is cut, or ends the instance, what had arrived, as not taken up yet."""
    turns = _taken_up_in([row.turn for row in recorded])
    turn = turns[len(rows) - 1]
    ends = turn is not None and any(isinstance(row.event, _End) for row, taken in zip(recorded, turns, strict=True) if taken == turn)
    is_whole = turn is not None and not ends and (len(rows) == len(recorded) or turns[len(rows)] != turn)
    if is_whole:
        return [row for row in rows if not isinstance(row.event, _End)]
    is_divided = [taken == turn for taken in turns[: len(rows)]]
    kept = [row for row, divided in zip(rows, is_divided, strict=True) if not divided]
    arrived = [row for row, divided in zip(rows, is_divided, strict=True) if divided and not isinstance(row.event, _Asked | _End)]
    return [*kept, *(HistoryRow(row.key, row.sequence, 0, row.event) for row in arrived)]


def _taken_up_in(turns: Sequence[int]) -> list[int | None]:
    """For each row the turn that took it up: its own, or where it was recorded before any code saw it the next one; None where none has."""
    found: list[int | None] = []
    following: int | None = None
    for turn in reversed(turns):
        following = turn or following
        found.append(following)
    return found[::-1]
