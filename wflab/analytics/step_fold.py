"""Reads a history into drafts of steps, row by row, so that what is new can be read on.

How it reads: a turn's arriving events come first, then what the code asked for in answer. So the steps that ended in a turn
are what led to the steps asked for in that turn. Rows of turn 0 are recorded, but no code has seen them yet.
"""

from collections import defaultdict, deque
from collections.abc import Collection
from datetime import timedelta

from wfengine.model import history as h
from wfengine.model.work import HistoryRow
from wflab.analytics.draft import Draft, finished
from wflab.analytics.durations import nominal_text
from wflab.analytics.race_rounds import NO_RACES, KnownRaces, losers_among
from wflab.analytics.step import Attempt, Kind, Step, StepState

_Call = h.TaskScheduled | h.ChildWorkflowInstanceCreated


class StepFold:
    """Reads a history row by row. `touched` gathers the drafts that the rows read so far have made or changed, for whoever empties it."""

    def __init__(self) -> None:
        self.touched: dict[Draft, None] = {}
        self._drafts: list[Draft] = []
        self._attempts: dict[int, tuple[Draft, int]] = {}
        self._calls: dict[str, Draft] = {}
        self._children: dict[str, Draft] = {}
        self._timers: dict[int, Draft] = {}
        self._waiting: defaultdict[str, deque[Draft]] = defaultdict(deque)
        self._numbers: set[int] = set()
        self._unseen: list[Draft] = []

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

    def steps(self, *, ended: bool, held_up: Collection[int] = (), races: KnownRaces = NO_RACES) -> list[Step]:
        """What the rows so far amount to. `held_up` holds the event ids of open attempts that nobody makes just now."""
        done = defaultdict(list)
        for draft in self._drafts:
            if draft.done_turn and not draft.unasked and not draft.is_detached:
                done[draft.done_turn].append(draft.id)
        lost = self._losers(races)
        return [
            finished(draft, after=tuple(done.get(draft.turn, ())), ended=ended, is_lost=draft in lost, held_up=held_up)
            for draft in self._drafts
        ]

    def _losers(self, races: KnownRaces) -> set[Draft]:
        """Who lost a race, for which history has no word."""
        if not races:
            return set()
        together: defaultdict[int, list[Draft]] = defaultdict(list)
        for draft in self._drafts:
            together[draft.turn].append(draft)
        return {loser for drafts in together.values() for loser in losers_among(races, drafts)}

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
        draft.attempts.append(
            Attempt(number=event.attempt, event_id=event.event_id, state=StepState.RUNNING, scheduled_at=event.occurred_at)
        )

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
