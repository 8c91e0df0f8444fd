"""A history folded into steps: one for each logical call, timer, wait and child that the workflow's code asked for.

A step holds all attempts of its call; the pauses between attempts belong to it and are no steps of their own. Steps come in the order
in which the code asked for them. The fold never raises: what it does not know, or cannot place, it leaves out.

How it reads a history: a turn's arriving events come first, then what the code asked for in answer. So the steps that ended in a turn
are what led to the steps asked for in that turn. Rows of turn 0 are recorded, but no code has seen them yet.
"""

from collections import defaultdict, deque
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

import msgspec

from wfengine.model import history as h
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import TERMINAL, Instance
from wfengine.model.work import HistoryRow
from wflab.analytics.durations import nominal_text

START = "start"
LOST = "lost the race"
Kind = Literal["activity", "child", "timer", "event"]
Phase = Literal["queued", "executing", "backoff", "waiting", "done"]
_Call = h.TaskScheduled | h.ChildWorkflowInstanceCreated


class StepState(StrEnum):
    """Where a step stands, in the palette's words."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    SUSPENDED = "SUSPENDED"
    CANCELED = "CANCELED"


class Attempt(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """One try of a call. `retry_at` is when the next one starts, where a pause was recorded after this one."""

    number: int
    event_id: int
    state: StepState
    scheduled_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    failure: FailureDetails | None = None
    worker: str | None = None
    retry_at: datetime | None = None


class Step(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """One thing the code asked for, with what became of it.

    `after` names the steps whose end led to it, or `start`. `done_turn` is None while it is open, 0 where its end is recorded but
    not yet seen by the code. `fire_at` is a timer's, a wait's deadline, or the next attempt's. `note` says in two words how an open or
    canceled step stands, `label` what else is to be known of it. `restarts` counts how often the process died under it. `is_detached`: a
    workflow of its own was started, which nobody waits for and which leads to nothing here. Payloads are whole JSON texts.
    """

    id: str
    kind: Kind
    name: str
    state: StepState
    phase: Phase
    turn: int
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    done_turn: int | None = None
    after: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    input: str | None = None
    result: str | None = None
    failure: FailureDetails | None = None
    fire_at: datetime | None = None
    title: str | None = None
    schema: str | None = None
    raised_by: str | None = None
    child_id: str | None = None
    note: str = ""
    label: str = ""
    restarts: int = 0
    is_detached: bool = False


def steps_of(instance: Instance, rows: Sequence[HistoryRow], *, held_up: Collection[int] = ()) -> list[Step]:
    """The steps of one execution. `held_up` holds the event ids of open attempts that nobody makes just now."""
    fold = StepFold(held_up)
    for row in rows:
        fold.take(row)
    return fold.steps(ended=instance.status in TERMINAL)


def open_waits(steps: Sequence[Step]) -> list[Step]:
    """The event waits that an event would still answer, oldest first."""
    return [step for step in steps if step.kind == "event" and step.state is StepState.SUSPENDED]


class Draft:
    """A step in the making. `unasked`: an event that nobody had asked for."""

    __slots__ = (
        "attempts", "child_id", "created_at", "done_turn", "ended_at", "failure", "fire_at", "id", "input", "is_detached", "kind", "label",
        "name", "note", "raised_by", "restarts", "result", "schema", "state", "title", "turn", "unasked",
    )  # fmt: skip

    def __init__(self, kind: Kind, name: str, row: HistoryRow, identity: str) -> None:
        self.id = identity
        self.kind: Kind = kind
        self.name = name
        self.turn = row.turn
        self.created_at = row.event.occurred_at
        self.state: StepState | None = None
        self.ended_at: datetime | None = None
        self.done_turn: int | None = None
        self.attempts: list[Attempt] = []
        self.input: str | None = None
        self.result: str | None = None
        self.failure: FailureDetails | None = None
        self.fire_at: datetime | None = None
        self.title: str | None = None
        self.schema: str | None = None
        self.raised_by: str | None = None
        self.child_id: str | None = None
        self.unasked = False
        self.is_detached = False
        self.restarts = 0
        self.note = ""
        self.label = ""

    @property
    def is_open(self) -> bool:
        """Whether nothing has ended it."""
        return self.state is None

    def end(self, row: HistoryRow, state: StepState, note: str = "") -> None:
        """It is over, as this row tells."""
        self.state = state
        self.ended_at = row.event.occurred_at
        self.done_turn = row.turn
        self.note = note

    def reopen(self) -> None:
        """A failed attempt is followed by another."""
        self.state = self.ended_at = self.done_turn = self.failure = None
        self.note = ""

    def be_seen(self, turn: int) -> None:
        """The code has heard, in this turn, what was recorded while it could not run."""
        if self.state is None:
            self.state, self.ended_at, self.note = StepState.FAILED, self.attempts[-1].ended_at, ""
        self.done_turn = turn

    def end_attempt(self, number: int, **changes: object) -> None:
        """Tell how one attempt ended."""
        self.attempts[number] = msgspec.structs.replace(self.attempts[number], **changes)


class StepFold:
    """Reads a history row by row. `touched` gathers the drafts that the rows read so far have made or changed, for whoever empties it."""

    def __init__(self, held_up: Collection[int] = ()) -> None:
        self.touched: dict[Draft, None] = {}
        self._held_up = held_up
        self._drafts: list[Draft] = []
        self._attempts: dict[int, tuple[Draft, int]] = {}
        self._calls: dict[str, Draft] = {}
        self._children: dict[str, Draft] = {}
        self._timers: dict[int, Draft] = {}
        self._waiting: defaultdict[str, deque[Draft]] = defaultdict(deque)
        self._numbers: set[int] = set()
        self._unseen: list[Draft] = []

    def step_of(self, draft: Draft) -> Step:
        """A draft of a run that goes on, as a step without what led to it."""
        return self._finish(draft, (), ended=False)

    def attempt_of(self, event_id: int) -> Draft | None:
        """The draft that this attempt belongs to."""
        return self._attempts.get(event_id, (None, 0))[0]

    def take(self, row: HistoryRow) -> None:
        """Read one row on."""
        event = row.event
        if row.turn and self._unseen and not isinstance(event, h.ExecutionSuspended | h.ExecutionTerminated):
            unseen, self._unseen = self._unseen, []
            for draft in unseen:
                draft.be_seen(row.turn)
                self.touched[draft] = None
        match event:
            case _ if isinstance(event, h.ConfirmingEvent) and event.event_id in self._numbers:
                pass  # an action has one confirmation; a second is a damaged history's
            case h.TaskScheduled():
                self._call("activity", self._calls, event.task_execution_id, row, event)
            case h.ChildWorkflowInstanceCreated():
                self._call("child", self._children, event.instance_id, row, event)
            case h.DetachedWorkflowInstanceCreated():
                self._detach(row, event)
            case h.TaskCompleted() | h.ChildWorkflowInstanceCompleted():
                self._succeed(row, event)
            case h.TaskFailed() | h.ChildWorkflowInstanceFailed():
                self._fail(row, event)
            case h.TaskRestarted():
                self._restart(event)
            case h.TimerCreated():
                self._set_timer(row, event)
            case h.TimerFired():
                self._fire(row, event)
            case h.EventRaised():
                self._deliver(row, event)
            case _:  # the instance's own events make no steps, nor do those of a later version
                pass

    def steps(self, *, ended: bool) -> list[Step]:
        """What the rows so far amount to."""
        done = defaultdict(list)
        for draft in self._drafts:
            if draft.done_turn and not draft.unasked and not draft.is_detached:
                done[draft.done_turn].append(draft.id)
        self._mark_losers({draft.turn for draft in self._drafts if not draft.unasked}, ended=ended)
        return [self._finish(draft, tuple(done.get(draft.turn, ())), ended=ended) for draft in self._drafts]

    def _call(self, kind: Kind, known: dict[str, Draft], identity: str, row: HistoryRow, event: _Call) -> None:
        self._numbers.add(event.event_id)
        draft = self._earlier_attempt(known, identity, event)
        if draft is None:
            draft = Draft(kind, event.name, row, f"a{event.event_id}")
            draft.input = event.input
            draft.label = self._label(event)
            self._drafts.append(draft)
        else:
            draft.reopen()
        draft.fire_at = None
        known[identity] = draft
        if isinstance(event, h.ChildWorkflowInstanceCreated):
            draft.child_id = event.instance_id
        self._attempts[event.event_id] = (draft, len(draft.attempts))
        self.touched[draft] = None
        state = StepState.PENDING if event.event_id in self._held_up else StepState.RUNNING
        draft.attempts.append(Attempt(number=event.attempt, event_id=event.event_id, state=state, scheduled_at=event.occurred_at))

    def _detach(self, row: HistoryRow, event: h.DetachedWorkflowInstanceCreated) -> None:
        """It was started, and that is all that this history will ever say of it."""
        self._numbers.add(event.event_id)
        draft = Draft("child", event.name, row, f"a{event.event_id}")
        draft.input, draft.child_id = event.input, event.instance_id
        draft.end(row, StepState.COMPLETED if event.execution is not None else StepState.CANCELED)
        draft.note = "started, detached" if event.execution is not None else "the id was taken"
        draft.is_detached = True
        self._drafts.append(draft)
        self.touched[draft] = None

    def _label(self, event: _Call) -> str:
        if isinstance(event, h.TaskScheduled) and event.compensates is not None:
            undone, _ = self._attempts.get(event.compensates, (None, 0))
            return "undo" if undone is None else f"undoes {undone.name}"
        return "step" if isinstance(event, h.TaskScheduled) and event.is_inline else ""

    def _restart(self, event: h.TaskRestarted) -> None:
        draft, _ = self._attempts.get(event.task_scheduled_id, (None, 0))
        if draft is not None:
            draft.restarts += 1
            self.touched[draft] = None

    def _earlier_attempt(self, known: dict[str, Draft], identity: str, event: _Call) -> Draft | None:
        if isinstance(event, h.TaskScheduled):
            return known.get(identity) if identity else None
        if event.attempt == 1:  # a child's id may be used again by a later call
            return None
        if identity in known:
            return known[identity]
        # the next attempt may run under an id of its own: it follows the failed one of this name
        failed = (d for d in reversed(self._drafts) if d.kind == "child" and d.name == event.name and d.result is None)
        return next((draft for draft in failed if draft.attempts[-1].number == event.attempt - 1), None)

    def _succeed(self, row: HistoryRow, event: h.TaskCompleted | h.ChildWorkflowInstanceCompleted) -> None:
        draft, number = self._attempts.get(event.task_scheduled_id, (None, 0))
        if draft is None or not draft.is_open:
            return
        timing = {"started_at": event.started_at, "worker": event.worker} if isinstance(event, h.TaskCompleted) else {}
        draft.end_attempt(number, state=StepState.COMPLETED, ended_at=event.occurred_at, **timing)
        draft.result = event.result
        self._end(draft, row, StepState.COMPLETED)

    def _end(self, draft: Draft, row: HistoryRow, state: StepState, note: str = "") -> None:
        draft.end(row, state, note)
        self.touched[draft] = None
        if not row.turn:
            self._unseen.append(draft)

    def _fail(self, row: HistoryRow, event: h.TaskFailed | h.ChildWorkflowInstanceFailed) -> None:
        draft, number = self._attempts.get(event.task_scheduled_id, (None, 0))
        if draft is None or not draft.is_open:
            return
        timing = {"started_at": event.started_at, "worker": event.worker} if isinstance(event, h.TaskFailed) else {}
        draft.end_attempt(number, state=StepState.FAILED, ended_at=event.occurred_at, failure=event.failure, **timing)
        if row.turn:
            draft.end(row, StepState.FAILED)
        else:  # whether it is tried again only the code's next turn tells
            draft.note = "attempt failed"
            self._unseen.append(draft)
        draft.failure = event.failure
        self.touched[draft] = None

    def _set_timer(self, row: HistoryRow, event: h.TimerCreated) -> None:
        self._numbers.add(event.event_id)
        match event.origin:
            case h.ActivityRetry(task_execution_id=identity):
                self._pause(self._calls.get(identity), event)
            case h.ChildWorkflowRetry(instance_id=identity):
                self._pause(self._children.get(identity), event)
            case h.EventWait(name=name, title=title, schema=schema):
                draft = Draft("event", name, row, f"a{event.event_id}")
                draft.title, draft.schema = title, schema
                self._waiting[name.casefold()].append(draft)
                self._add_timer(draft, event)
            case _:
                span = (event.fire_at - event.occurred_at) if event.fire_at else timedelta(0)
                self._add_timer(Draft("timer", f"timer {nominal_text(span.total_seconds())}", row, f"a{event.event_id}"), event)

    def _add_timer(self, draft: Draft, event: h.TimerCreated) -> None:
        draft.fire_at = event.fire_at
        self._timers[event.event_id] = draft
        self._drafts.append(draft)
        self.touched[draft] = None

    def _pause(self, draft: Draft | None, event: h.TimerCreated) -> None:
        if draft is None:
            return
        draft.reopen()
        draft.fire_at = event.fire_at
        draft.note = "backoff"
        draft.end_attempt(-1, retry_at=event.fire_at)
        self.touched[draft] = None

    def _fire(self, row: HistoryRow, event: h.TimerFired) -> None:
        draft = self._timers.get(event.timer_id)
        if draft is None or not draft.is_open:
            return
        if draft.kind == "event":
            self._waiting[draft.name.casefold()].remove(draft)
            self._end(draft, row, StepState.CANCELED, "timed out")
        else:
            self._end(draft, row, StepState.COMPLETED)

    def _deliver(self, row: HistoryRow, event: h.EventRaised) -> None:
        waiting = self._waiting[event.name.casefold()]
        if waiting:
            draft, note = waiting.popleft(), ""
        else:
            draft, note = Draft("event", event.name, row, f"e{row.sequence}"), "received"
            draft.unasked = True
            self._drafts.append(draft)
        draft.result, draft.raised_by = event.input, event.raised_by
        self._end(draft, row, StepState.COMPLETED, note)

    def _mark_losers(self, asking_turns: set[int], *, ended: bool) -> None:
        """Mark who lost a race, for which history has no word."""
        together: defaultdict[int, list[Draft]] = defaultdict(list)
        for draft in self._drafts:
            if not draft.unasked:
                together[draft.turn].append(draft)
        for drafts in together.values():
            for loser in losers_of(drafts, asking_turns, ended=ended):
                loser.state, loser.note = StepState.CANCELED, LOST

    def _finish(self, draft: Draft, after: tuple[str, ...], *, ended: bool) -> Step:
        state, note, attempts = draft.state, draft.note, draft.attempts
        phase: Phase = "done"
        if state is None and ended:
            state, note = StepState.CANCELED, "the workflow ended"
            attempts = [_given_up(attempt) for attempt in attempts]
        elif state is None:
            state, phase = standing_of(draft)
        started = attempts[0].started_at if attempts else None
        return Step(
            id=draft.id,
            kind=draft.kind,
            name=draft.name,
            state=state,
            phase=phase,
            turn=draft.turn,
            created_at=draft.created_at,
            started_at=started,
            ended_at=draft.ended_at,
            done_turn=draft.done_turn,
            after=() if draft.unasked else tuple(other for other in after if other != draft.id) or (START,),
            attempts=tuple(attempts),
            input=draft.input,
            result=draft.result,
            failure=draft.failure,
            fire_at=draft.fire_at,
            title=draft.title,
            schema=draft.schema,
            raised_by=draft.raised_by,
            child_id=draft.child_id,
            note=note,
            label=", ".join(word for word in (draft.label, f"restarted {draft.restarts}x" if draft.restarts else "") if word),
            restarts=draft.restarts,
            is_detached=draft.is_detached,
        )


def is_race(drafts: Sequence[Draft]) -> bool:
    """Whether what one turn asked for is timers and waits, some of each and nothing else."""
    kinds = {draft.kind for draft in drafts}
    return kinds == {"timer", "event"}


def losers_of(drafts: Sequence[Draft], asking_turns: Collection[int], *, ended: bool) -> list[Draft]:
    """Who lost the race that these drafts of one turn ran: a timer and a wait asked for together, one over, and the code went on.

    The rule is narrow on purpose: an open wait loses only to a timer, and a timer only when no wait beside it is left.
    """
    if not is_race(drafts):
        return []
    timers = [draft for draft in drafts if draft.kind == "timer"]
    waits = [draft for draft in drafts if draft.kind == "event"]
    losers: list[Draft] = []
    if any(_went_on(timer, asking_turns, ended=ended) for timer in timers):
        losers += waits
    if all(_went_on(wait, asking_turns, ended=ended) for wait in waits):
        losers += timers
    return [loser for loser in losers if loser.is_open]


def standing_of(draft: Draft) -> tuple[StepState, Phase]:
    """How an open step of a live workflow stands."""
    if draft.kind == "event":
        return StepState.SUSPENDED, "waiting"
    if draft.kind == "timer":
        return StepState.RUNNING, "waiting"
    if draft.note == "backoff":
        return StepState.RUNNING, "backoff"
    if draft.attempts and draft.attempts[-1].state is StepState.PENDING:
        return StepState.PENDING, "queued"
    return StepState.RUNNING, "executing"


def _given_up(attempt: Attempt) -> Attempt:
    if attempt.state in {StepState.PENDING, StepState.RUNNING}:
        return msgspec.structs.replace(attempt, state=StepState.CANCELED)
    return attempt


def _went_on(draft: Draft, asking_turns: Collection[int], *, ended: bool) -> bool:
    """Whether the step's end led anywhere: to another request of the code, or to the workflow's end."""
    return draft.state in {StepState.COMPLETED, StepState.CANCELED} and bool(draft.done_turn) and (draft.done_turn in asking_turns or ended)
