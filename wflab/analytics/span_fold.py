"""Lays a history out in time, row by row: the spans of one execution, kept, so that what is new costs what is new.

`step_fold.py` folds a history into logical calls; here each of them is laid out in time again, together with what is no step: the run itself,
its suspensions, a stall, the seam to the next generation. The SQL view `spans` tells the same of the same histories, under the same ids,
but for what only the source tells: lines, and who lost a race.
Only what a row has touched, and what depends on how the run as a whole stands, is laid anew; a span that stays the same stays the same object.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from wfengine.model import history as h
from wfengine.model.instance import TERMINAL, Instance, Status
from wfengine.model.work import HistoryRow
from wflab.analytics.call_sites import CallSite, Sites
from wflab.analytics.draft import Draft, finished
from wflab.analytics.race_rounds import NO_RACES, KnownRaces, left_behind, rounds_of
from wflab.analytics.race_sites import RaceSite
from wflab.analytics.span import Span, SpanKind, SpanState, state_named
from wflab.analytics.span_outcomes import (
    OUTCOMES_OF_RUNS,
    PHASES_OF_RUNS,
    error_fields,
    json_bytes,
    outcome_of_attempt,
    outcome_of_step,
    source_of_rerun,
)
from wflab.analytics.step import LOST, Attempt, Step, StepState
from wflab.analytics.step_fold import StepFold

_TRACES_OF_CODE = (h.ConfirmingEvent, h.PatchRecorded, h.ExecutionCompleted, h.ContinuedAsNew)
_RACING = {"timer", "event"}


class _Asked(NamedTuple):
    """What a span needs of the row that asked for it."""

    sequence: int
    compensates: int | None
    bytes_in: int | None


class _Home(NamedTuple):
    """A step's call-site, and its place among the steps of it."""

    group: str
    line: int | None
    place: int


class SpanFold:
    """The spans of one execution. `take` reads rows on; `spans` gives them all, the same as from the whole history at once.

    `rows` counts what was read, `first` and `last` are the ends of it, `turns` has the last moment of each turn of the code.
    """

    def __init__(
        self,
        instance: Instance,
        *,
        sites: Sequence[CallSite] = (),
        races: KnownRaces = NO_RACES,
        file: str | None = None,
        parent_group: str = "",
    ) -> None:
        self.rows = 0
        self.first: HistoryRow | None = None
        self.last: HistoryRow | None = None
        self.turns: dict[int, datetime] = {}
        self._instance = instance
        self._key = str(instance.key)
        self._sites = Sites(sites)
        self._races = races
        self._file = file
        self._group = f"{parent_group}/workflow {instance.name}" if parent_group else f"workflow {instance.name}"
        self._fold = StepFold()
        # What is known of rows beside the steps they make.
        self._asked: dict[int, _Asked] = {}
        self._late: dict[int, datetime] = {}
        self._restarts: Counter[int] = Counter()
        self._started: h.ExecutionStarted | None = None
        self._continued: h.ContinuedAsNew | None = None
        self._began: datetime | None = None
        self._completed: datetime | None = None
        self._suspended: Span | None = None
        # Steps by what they have been told.
        self._changed: dict[Draft, None] = {}
        self._homes: dict[Draft, _Home] = {}
        self._places: dict[tuple[str, str], tuple[str, int | None]] = {}
        self._counts: Counter[str] = Counter()
        self._results: dict[Draft, int | None] = {}
        # What depends on more than its own rows.
        self._together: defaultdict[int, list[Draft]] = defaultdict(list)
        self._undecided: dict[int, None] = {}
        self._rounds: dict[int, tuple[int, list[tuple[RaceSite, list[Draft]]]]] = {}
        self._lost: dict[Draft, datetime | None] = {}
        self._unsettled: dict[Draft, None] = {}
        self._held: set[int] = set()
        self._over: tuple[bool, datetime | None] = (False, None)
        # The spans but for the run's own and a stall's, in the order of history.
        self._spans: list[Span] = []
        self._at: dict[str, int] = {}
        self._new: list[Span] = []

    def take(self, rows: Iterable[HistoryRow]) -> None:
        """Read these rows, which follow those read before."""
        for row in rows:
            self._note(row)
            self._fold.take(row)
            for draft in self._fold.touched:
                if draft not in self._homes:
                    self._welcome(draft)
                self._changed[draft] = None
                if draft.kind in _RACING:
                    self._undecided[draft.turn] = None
            self._fold.touched.clear()

    def spans(self, instance: Instance, *, held_up: Collection[int] = ()) -> list[Span]:
        """All spans, as the instance stands now. `held_up` holds the event ids of open attempts that nobody makes just now."""
        self._instance = instance
        is_over = instance.status in TERMINAL
        end = (self._completed or instance.updated_at) if is_over else None
        if (is_over, end) != self._over:
            self._over = (is_over, end)
            self._changed |= self._unsettled
            self._undecided |= {draft.turn: None for draft in self._unsettled if draft.kind in _RACING}
            if self._suspended is not None:
                self._put(self._suspended)
        held = set(held_up)
        for number in held ^ self._held:
            draft = self._fold.attempt_of(number)
            if draft is not None:
                self._changed[draft] = None
        self._held = held
        self._decide_races()
        changed, self._changed = self._changed, {}
        for draft in changed:
            for span in self._laid(draft):
                self._put(span)
        self._take_in()
        return [self._run(), *self._spans, *self._stall()]

    def open_steps(self, most: int) -> list[Step] | None:
        """What is open, as steps of a run that goes on; None where that is more than `most`. To be asked after `spans`."""
        found = [draft for draft in self._unsettled if draft.is_open and draft not in self._lost]
        return None if len(found) > most else [finished(draft, held_up=self._held) for draft in found]

    # Rows.

    def _note(self, row: HistoryRow) -> None:
        """What a row tells beside the step that it is of."""
        self.rows += 1
        self.first, self.last = self.first or row, row
        event, at = row.event, row.event.occurred_at
        if row.turn:
            self.turns[row.turn] = at
            if self._began is None and isinstance(event, _TRACES_OF_CODE):
                self._began = at
        match event:
            case h.TaskRestarted(task_scheduled_id=number):
                self._restarts[number] += 1
            case h.TaskEndedLate(task_scheduled_id=number):
                self._late.setdefault(number, at)
                draft = self._fold.attempt_of(number)
                if draft is not None:
                    self._changed[draft] = None
            case h.ExecutionStarted():
                self._started = self._started or event
            case h.ExecutionSuspended(reason=reason) if self._suspended is None:
                band = self._band("suspend", "suspended", row.sequence, at)
                self._suspended = replace(band, state=SpanState.SUSPENDED, phase="waiting", note=reason or "")
                self._put(self._suspended)
            case h.ExecutionResumed() if self._suspended is not None:
                over = replace(self._suspended, ended_at=at, state=SpanState.COMPLETED, phase="done", outcome="resumed")
                self._suspended = None
                self._put(over)
            case h.ContinuedAsNew(input=given):
                self._continued, self._completed = self._continued or event, at
                band = self._band("can", "continued as new", row.sequence, at)
                self._put(replace(band, ended_at=at, bytes_in=json_bytes(given), outcome="continued"))
            case h.ExecutionCompleted():
                self._completed = at
            case _ if isinstance(event, h.ConfirmingEvent) and event.event_id not in self._asked:
                compensates = event.compensates if isinstance(event, h.TaskScheduled) else None
                self._asked[event.event_id] = _Asked(row.sequence, compensates, json_bytes(getattr(event, "input", None)))

    # Steps.

    def _welcome(self, draft: Draft) -> None:
        """Its place among the others, which it keeps."""
        kind: SpanKind = "event_wait" if draft.kind == "event" else draft.kind
        is_asked = draft.id.startswith("a")
        group, line = self._place(kind, draft.name, "detached" if draft.is_detached else kind if is_asked else "")
        self._homes[draft] = _Home(group, line, self._next(group))
        if not draft.unasked:
            self._together[draft.turn].append(draft)

    def _decide_races(self) -> None:
        """See who has lost by now. A turn is looked at until nothing in its races is open but what has lost."""
        for turn in list(self._undecided):
            rounds = self._rounds_of(turn)
            for site, drafts in rounds:
                ends = [draft.ended_at for draft in drafts if draft.done_turn and draft.ended_at is not None]
                losers = dict.fromkeys(left_behind(site, drafts), min(ends, default=None))
                self._lost |= losers
                self._changed |= dict.fromkeys(losers)
            if not any(draft.is_open and draft not in self._lost for _, drafts in rounds for draft in drafts):
                del self._undecided[turn]

    def _rounds_of(self, turn: int) -> list[tuple[RaceSite, list[Draft]]]:
        """The races that a turn began, as far as it has been read."""
        together = self._together.get(turn, [])
        count, rounds = self._rounds.get(turn, (0, []))
        if count != len(together):
            rounds = list(rounds_of(self._races, together))
            self._rounds[turn] = (len(together), rounds)
        return rounds

    def _laid(self, draft: Draft) -> Iterator[Span]:
        """The spans of a step: its attempts, or the one that it is."""
        is_over, end = self._over
        step = finished(draft, ended=is_over, is_lost=draft in self._lost, held_up=self._held)
        if draft.is_open:
            self._unsettled[draft] = None
        else:
            self._unsettled.pop(draft, None)
        if draft.result is not None or draft not in self._results:
            self._results[draft] = json_bytes(draft.result)
        home = self._homes[draft]
        is_asked = step.id.startswith("a")
        number = int(step.id[1:])
        asked = self._asked.get(number) if is_asked else None
        whole = Span(
            span_id=f"{self._key}:{step.id}",
            instance_id=self._instance.instance_id,
            execution=self._instance.key,
            generation=self._instance.generation,
            parent_id=self._key,
            call_id=f"{self._key}:{step.id}",
            kind="event_wait" if step.kind == "event" else step.kind,
            name=step.name,
            group_key=home.group,
            index=home.place,
            sequence=(None if asked is None else asked.sequence) if is_asked else number,
            event_id=number if is_asked else None,
            queued_at=step.created_at,
            ended_at=step.ended_at,
            fire_at=step.fire_at,
            state=state_named(step.state),
            phase=step.phase,
            file=None if home.line is None else self._file,
            line=home.line,
            raised_by=step.raised_by,
            child_id=step.child_id,
            note=step.title or step.note,
        )
        if step.attempts:
            yield from (self._attempt(draft, step, attempt, whole, end) for attempt in step.attempts)
            if step.kind == "activity":
                draft.input = draft.result = None  # their sizes are known, and there may be very many
            return
        ended_at = step.ended_at
        if step.state is StepState.CANCELED and ended_at is None:
            ended_at = self._lost.get(draft) if step.note == LOST else end
        yield replace(
            whole, ended_at=ended_at, outcome=outcome_of_step(step), bytes_in=json_bytes(step.input), bytes_out=self._results[draft]
        )

    def _attempt(self, draft: Draft, step: Step, attempt: Attempt, whole: Span, end: datetime | None) -> Span:
        asked = self._asked.get(attempt.event_id)
        is_last = attempt is step.attempts[-1]
        compensates = None if asked is None else asked.compensates
        return replace(
            whole,
            span_id=f"{self._key}:a{attempt.event_id}",
            attempt=attempt.number,
            attempts=len(step.attempts),
            sequence=None if asked is None else asked.sequence,
            event_id=attempt.event_id,
            queued_at=attempt.scheduled_at,
            started_at=attempt.started_at,
            ended_at=end if attempt.state is StepState.CANCELED else attempt.ended_at,
            fire_at=attempt.retry_at,
            state=state_named(attempt.state),
            phase=step.phase if is_last and (attempt.ended_at is None or step.phase == "backoff") else "done",
            outcome=outcome_of_attempt(attempt),
            **error_fields(attempt.failure),
            compensates=None if compensates is None else f"{self._key}:a{compensates}",
            bytes_in=None if asked is None else asked.bytes_in,
            bytes_out=self._results[draft] if attempt.state is StepState.COMPLETED else None,
            worker=attempt.worker,
            late_at=self._late.get(attempt.event_id),
            restarts=self._restarts[attempt.event_id],
            note=step.label if is_last else "",
        )

    def _place(self, kind: SpanKind, name: str, asked_as: str) -> tuple[str, int | None]:
        """The group of a call-site, and its line where that is certain. `asked_as` is the kind of site, "" for what nobody asked for."""
        known = self._places.get((name, asked_as))
        if known is None:
            line = self._sites.line_of(asked_as, name)
            place = f"{kind} {name}" if line is None else f"{kind} {'' if kind == 'timer' else name}@{line}"
            known = self._places[name, asked_as] = (f"{self._group}/{place}", line)
        return known

    # What is no step.

    def _run(self) -> Span:
        """The execution itself."""
        one, parent, continued = self._instance, self._instance.parent, self._continued
        state = state_named(one.status)
        span = Span(
            span_id=self._key,
            instance_id=one.instance_id,
            execution=one.key,
            generation=one.generation,
            parent_id=None if parent is None else f"{parent.key}:a{parent.task_id}",
            call_id=self._key,
            kind="workflow",
            name=one.name,
            group_key=self._group,
            sequence=0,
            queued_at=one.created_at,
            started_at=self._began,
            ended_at=self._over[1],
            fire_at=one.scheduled_start,
            state=state,
            phase=PHASES_OF_RUNS.get(state, "executing"),
            outcome=OUTCOMES_OF_RUNS.get(state, ""),
            file=self._file,
            bytes_in=json_bytes(one.input),
            bytes_out=json_bytes(one.output if continued is None else continued.input),
            rerun_of=source_of_rerun(self._started),
            note=one.custom_status or "",
        )
        return replace(span, **error_fields(one.failure if state in OUTCOMES_OF_RUNS else None))

    def _stall(self) -> list[Span]:
        """The stall it stands in. History has no word for it, so a stall that is over leaves none."""
        if self._instance.status is not Status.STALLED:
            return []
        band = self._band("stall", "stalled", None, self._instance.updated_at)
        return [replace(band, index=0, state=SpanState.STALLED, phase="waiting", **error_fields(self._instance.failure))]

    def _band(self, kind: SpanKind, name: str, sequence: int | None, at: datetime) -> Span:
        identity = f"{self._key}:stall" if sequence is None else f"{self._key}:e{sequence}"
        return Span(
            span_id=identity,
            instance_id=self._instance.instance_id,
            execution=self._instance.key,
            generation=self._instance.generation,
            parent_id=self._key,
            call_id=identity,
            kind=kind,
            name=name,
            group_key=f"{self._group}/{kind}",
            index=self._next(kind),
            sequence=sequence,
            queued_at=at,
            started_at=at,
            state=SpanState.CONTINUED_AS_NEW,
            phase="done",
        )

    def _next(self, group: str) -> int:
        self._counts[group] += 1
        return self._counts[group] - 1

    # The list.

    def _put(self, span: Span) -> None:
        """Put it where the one of its id stands; a new one waits until all that are new are known."""
        if span.kind == "suspend" and self._over[0] and span.phase == "waiting":
            span = replace(span, ended_at=self._over[1], state=SpanState.CANCELED, phase="done", outcome="cancelled")
        at = self._at.get(span.span_id)
        if at is None:
            self._new.append(span)
        elif self._spans[at] != span:
            self._spans[at] = span

    def _take_in(self) -> None:
        """Let those that are new in, by their place in history: behind all others, but in a damaged record."""
        if not self._new:
            return
        newest = {span.span_id: span for span in self._new}  # told twice before it was let in: as it was told last
        self._new = []
        fresh = sorted(newest.values(), key=_by_sequence)
        if self._spans and _by_sequence(fresh[0]) < _by_sequence(self._spans[-1]):
            self._spans = sorted([*self._spans, *fresh], key=_by_sequence)
            self._at = {span.span_id: at for at, span in enumerate(self._spans)}
        else:
            self._at |= {span.span_id: at for at, span in enumerate(fresh, len(self._spans))}
            self._spans += fresh


def _by_sequence(span: Span) -> tuple[bool, int]:
    return span.sequence is None, span.sequence or 0
