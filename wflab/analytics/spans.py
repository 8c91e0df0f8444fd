"""A history as spans: one row per attempt, timer, wait, child and band, which is what every view and every figure is made of.

`steps.py` folds a history into logical calls; here each of them is laid out in time again, together with what is no step: the run itself,
its suspensions, a stall, the seam to the next generation. The SQL view `spans` tells the same of the same histories, under the same ids.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from wfengine.model import history as h
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import TERMINAL, Instance, Status
from wfengine.model.work import HistoryRow
from wflab.analytics.call_sites import CallSite, Sites
from wflab.analytics.fingerprints import fingerprint
from wflab.analytics.span import Outcome, Span, SpanKind, SpanState, state_named
from wflab.analytics.steps import Attempt, Phase, Step, StepState, steps_of

_TIMEOUT = "ActivityTimeoutError"
_TRACES_OF_CODE = (h.ConfirmingEvent, h.PatchRecorded, h.ExecutionCompleted, h.ContinuedAsNew)


def spans_of(
    instance: Instance,
    rows: Sequence[HistoryRow],
    *,
    held_up: Collection[int] = (),
    sites: Sequence[CallSite] = (),
    file: str | None = None,
    parent_group: str = "",
) -> list[Span]:
    """The spans of one execution: its own first, then in the order in which they began, which grows only at its end; a stall last.

    `held_up` holds the event ids of open attempts that nobody makes just now. `sites` are the call-sites of the source it runs
    (`call_sites.call_sites`), `file` is where that was registered from, `parent_group` the group of the child span that this run is. It never
    raises: what it does not know it leaves out, or calls UNKNOWN.
    """
    steps = steps_of(instance, rows, held_up=held_up)
    return _Laying(instance, rows, Sites(sites), file, parent_group).spans(steps)


class _Laying:
    """Lays the steps of one execution out in time."""

    def __init__(self, instance: Instance, rows: Sequence[HistoryRow], sites: Sites, file: str | None, parent_group: str) -> None:
        self._instance = instance
        self._key = str(instance.key)
        self._rows = rows
        self._sites = sites
        self._file = file
        self._above = f"{parent_group}/" if parent_group else ""
        self._group = f"{self._above}workflow {instance.name}"
        self._asked: dict[int, HistoryRow] = {}
        self._received: dict[int, HistoryRow] = {}
        self._late: dict[int, datetime] = {}
        self._restarts: Counter[int] = Counter()
        for row in rows:
            match row.event:
                case h.TaskRestarted(task_scheduled_id=number):
                    self._restarts[number] += 1
                case h.TaskEndedLate(task_scheduled_id=number, occurred_at=at):
                    self._late.setdefault(number, at)
                case h.EventRaised():
                    self._received[row.sequence] = row
                case event if isinstance(event, h.ConfirmingEvent):
                    self._asked.setdefault(event.event_id, row)
        self._is_over = instance.status in TERMINAL
        self._end = self._last_moment() if self._is_over else None
        self._counts: Counter[str] = Counter()
        self._places: dict[tuple[str, str], tuple[str, int | None]] = {}

    def spans(self, steps: Sequence[Step]) -> list[Span]:
        decided = _races(steps)
        laid = [span for step in steps for span in self._step(step, decided)]
        laid += self._bands()
        laid.sort(key=lambda span: (span.sequence is None, span.sequence))
        return [self._run(), *laid, *self._stall()]

    def _step(self, step: Step, decided: Mapping[tuple[int, str], datetime]) -> Iterator[Span]:
        kind: SpanKind = "event_wait" if step.kind == "event" else step.kind
        is_asked = step.id.startswith("a")
        group, line = self._place(kind, step.name, "detached" if step.is_detached else kind if is_asked else "")
        number = int(step.id[1:])
        row = self._asked.get(number) if is_asked else self._received.get(number)
        whole = Span(
            span_id=f"{self._key}:{step.id}",
            instance_id=self._instance.instance_id,
            execution=self._instance.key,
            generation=self._instance.generation,
            parent_id=self._key,
            call_id=f"{self._key}:{step.id}",
            kind=kind,
            name=step.name,
            group_key=group,
            index=self._next(group),
            sequence=None if row is None else row.sequence,
            event_id=number if is_asked else None,
            queued_at=step.created_at,
            ended_at=step.ended_at,
            fire_at=step.fire_at,
            state=state_named(step.state),
            phase=step.phase,
            file=None if line is None else self._file,
            line=line,
            raised_by=step.raised_by,
            child_id=step.child_id,
            note=step.title or step.note,
        )
        if step.attempts:
            yield from (self._attempt(step, attempt, whole) for attempt in step.attempts)
            return
        ended_at = step.ended_at
        if step.state is StepState.CANCELED and ended_at is None:
            ended_at = decided.get((step.turn, step.kind)) if step.note == "lost the race" else self._end
        yield replace(whole, ended_at=ended_at, outcome=_outcome(step), bytes_in=_size(step.input), bytes_out=_size(step.result))

    def _place(self, kind: SpanKind, name: str, asked_as: str) -> tuple[str, int | None]:
        """The group of a call-site, and its line where that is certain. `asked_as` is the kind of site, "" for what nobody asked for."""
        known = self._places.get((name, asked_as))
        if known is None:
            line = self._sites.line_of(asked_as, name)
            place = f"{kind} {name}" if line is None else f"{kind} {'' if kind == 'timer' else name}@{line}"
            known = self._places[name, asked_as] = (f"{self._group}/{place}", line)
        return known

    def _attempt(self, step: Step, attempt: Attempt, whole: Span) -> Span:
        row = self._asked.get(attempt.event_id)
        event = None if row is None else row.event
        is_last = attempt is step.attempts[-1]
        compensates = event.compensates if isinstance(event, h.TaskScheduled) else None
        return replace(
            whole,
            span_id=f"{self._key}:a{attempt.event_id}",
            attempt=attempt.number,
            attempts=len(step.attempts),
            sequence=None if row is None else row.sequence,
            event_id=attempt.event_id,
            queued_at=attempt.scheduled_at,
            started_at=attempt.started_at,
            ended_at=self._end if attempt.state is StepState.CANCELED else attempt.ended_at,
            fire_at=attempt.retry_at,
            state=state_named(attempt.state),
            phase=step.phase if is_last and (attempt.ended_at is None or step.phase == "backoff") else "done",
            outcome=_outcome_of(attempt),
            **_error(attempt.failure),
            compensates=None if compensates is None else f"{self._key}:a{compensates}",
            bytes_in=_size(getattr(event, "input", None)),
            bytes_out=_size(step.result) if attempt.state is StepState.COMPLETED else None,
            worker=attempt.worker,
            late_at=self._late.get(attempt.event_id),
            restarts=self._restarts[attempt.event_id],
            note=step.label if is_last else "",
        )

    def _run(self) -> Span:
        """The execution itself."""
        one, parent = self._instance, self._instance.parent
        started = next((row.event for row in self._rows if isinstance(row.event, h.ExecutionStarted)), None)
        ran = (row.event.occurred_at for row in self._rows if row.turn and isinstance(row.event, _TRACES_OF_CODE))
        continued = next((row.event for row in self._rows if isinstance(row.event, h.ContinuedAsNew)), None)
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
            started_at=next(ran, None),
            ended_at=self._end,
            fire_at=one.scheduled_start,
            state=state,
            phase=_PHASES_OF_RUNS.get(state, "executing"),
            outcome=_OUTCOMES_OF_RUNS.get(state, ""),
            file=self._file,
            bytes_in=_size(one.input),
            bytes_out=_size(one.output if continued is None else continued.input),
            rerun_of=_source_of_rerun(started),
            note=one.custom_status or "",
        )
        return replace(span, **_error(one.failure if state in _OUTCOMES_OF_RUNS else None))

    def _bands(self) -> list[Span]:
        """Suspensions, and the seam to the next generation."""
        bands: list[Span] = []
        suspended: Span | None = None
        for row in self._rows:
            at = row.event.occurred_at
            match row.event:
                case h.ExecutionSuspended(reason=reason) if suspended is None:
                    band = self._band("suspend", "suspended", row.sequence, at)
                    suspended = replace(band, state=SpanState.SUSPENDED, phase="waiting", note=reason or "")
                case h.ExecutionResumed() if suspended is not None:
                    bands.append(replace(suspended, ended_at=at, state=SpanState.COMPLETED, phase="done", outcome="resumed"))
                    suspended = None
                case h.ContinuedAsNew(input=given):
                    band = self._band("can", "continued as new", row.sequence, at)
                    bands.append(replace(band, ended_at=at, bytes_in=_size(given), outcome="continued"))
        if suspended is not None and self._is_over:
            suspended = replace(suspended, ended_at=self._end, state=SpanState.CANCELED, phase="done", outcome="cancelled")
        return bands if suspended is None else [*bands, suspended]

    def _stall(self) -> list[Span]:
        """The stall it stands in. History has no word for it, so a stall that is over leaves none."""
        if self._instance.status is not Status.STALLED:
            return []
        band = self._band("stall", "stalled", None, self._instance.updated_at)
        return [replace(band, state=SpanState.STALLED, phase="waiting", **_error(self._instance.failure))]

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

    def _last_moment(self) -> datetime:
        ends = (row.event.occurred_at for row in reversed(self._rows) if isinstance(row.event, h.ExecutionCompleted | h.ContinuedAsNew))
        return next(ends, self._instance.updated_at)


_PHASES_OF_RUNS: dict[SpanState, Phase] = {
    SpanState.PENDING: "queued",
    SpanState.SUSPENDED: "waiting",
    SpanState.STALLED: "waiting",
    **dict.fromkeys((SpanState.COMPLETED, SpanState.FAILED, SpanState.TERMINATED, SpanState.CONTINUED_AS_NEW), "done"),
}
_OUTCOMES_OF_RUNS: dict[SpanState, Outcome] = {
    SpanState.COMPLETED: "returned",
    SpanState.FAILED: "failed",
    SpanState.TERMINATED: "terminated",
    SpanState.CONTINUED_AS_NEW: "continued",
}


def _races(steps: Sequence[Step]) -> dict[tuple[int, str], datetime]:
    """When the timers and waits that a turn asked for together lost: waits to the first timer that fired, timers to the last wait that ended."""
    decided: dict[tuple[int, str], datetime] = {}
    for step in steps:
        if step.ended_at is None or step.kind not in {"timer", "event"} or step.id.startswith("e"):
            continue
        loser, choose = ("event", min) if step.kind == "timer" else ("timer", max)
        place = (step.turn, loser)
        decided[place] = choose(decided.get(place, step.ended_at), step.ended_at)
    return decided


def _outcome(step: Step) -> Outcome:
    """Of a step that is no call."""
    is_done = step.state is StepState.COMPLETED
    if step.kind == "child":
        return "detached" if is_done else "refused"
    if step.phase != "done":
        return ""
    if step.kind == "timer":
        return "fired" if is_done else "cancelled"
    if is_done:
        return "raised" if step.id.startswith("a") else "buffered"
    return "cancelled" if step.ended_at is None else "timed_out"


def _outcome_of(attempt: Attempt) -> Outcome:
    match attempt.state:
        case StepState.COMPLETED:
            return "returned"
        case StepState.FAILED:
            return "timed_out" if attempt.failure is not None and attempt.failure.error_type == _TIMEOUT else "failed"
        case StepState.CANCELED:
            return "abandoned"
    return ""


def _error(failure: FailureDetails | None) -> dict[str, str | None]:
    if failure is None:
        return {}
    return {
        "error_type": failure.error_type,
        "error_message": failure.message,
        "error_fp": fingerprint(failure.error_type, failure.message),
    }


def _size(text: str | None) -> int | None:
    """The bytes of a JSON text."""
    return None if text is None else len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _source_of_rerun(started: h.ExecutionStarted | None) -> str | None:
    """The instance whose past this one shares: what it draws its random numbers from begins with that one's id."""
    if started is None or started.seed is None:
        return None
    return started.seed.rsplit("/", 2)[0]
