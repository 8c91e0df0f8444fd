"""What a run did and what it took back: its steps, each with the call that undoes it, read from history. Pure.

An undo that `wf.Saga` asked for says itself which step it undoes. For a step that nothing has undone, the workflow's source says which undo it
was declared with. A history that knows neither, such as one of another SDK, is read by names (`saga_names`), and its pairs say so.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import msgspec

from wfengine.core.deterministic import task_execution_id
from wfengine.model import history as h
from wfengine.model.instance import TERMINAL, Instance, Status
from wfengine.model.work import HistoryRow
from wflab.analytics.call_sites import CallSite
from wflab.analytics.saga_acts import NO_ACTS, UndoActs
from wflab.analytics.saga_names import pairs_by_name, undoing_of
from wflab.analytics.steps import Step, StepState, steps_of

ForwardState = Literal["committed", "failed", "in-doubt", "running", "not-reached"]
BackwardState = Literal["planned", "running", "compensated", "failed", "missing", "skipped", "resolved", "no-undo", "not-needed", "pivot"]
Link = Literal["explicit", "declared", "inferred", ""]
Phase = Literal["forward", "backward", "committed", "turned back"]
_UNDOING: dict[StepState, BackwardState] = {
    StepState.COMPLETED: "compensated",
    StepState.RUNNING: "running",
    StepState.PENDING: "running",
    StepState.SUSPENDED: "running",
}
LIVE_UNDO = ("RUNNING", "PENDING", "SUSPENDED", "STALLED")
_DOUBTFUL = ("ActivityTimeoutError", "PoisonActivityError")
_MOST_COMPARED = 2_000


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One step and what undoes it. `id` is the step's in the run, for a step that was never asked for `-` and its place.

    `call` and `undo_call` are None where nothing was asked for. `order` counts compensations, from 1, in the order they were asked for. `link` says how
    the two are known to belong together: recorded, declared in the source, or guessed from names. `key` is the idempotency key of the undo,
    `acts` what people did about it afterwards.
    """

    id: str
    step: str
    undo: str | None
    forward: ForwardState
    backward: BackwardState
    kind: str = "activity"
    link: Link = ""
    call: Step | None = None
    undo_call: Step | None = None
    order: int | None = None
    key: str | None = None
    doubt: str = ""
    is_pivot: bool = False
    acts: UndoActs = NO_ACTS

    @property
    def needs_attention(self) -> bool:
        """Whether something was done, was to be undone, and is not, and nobody has dealt with it."""
        return self.backward in {"failed", "missing"}

    @property
    def is_left(self) -> bool:
        """Whether the step's effect stays, or may stay, although the rest was taken back."""
        return self.needs_attention or self.backward in {"skipped", "no-undo"}


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """The saga of one execution. `turned_at` is the place of the pair that turned it around; `others` are calls that came after the way back began."""

    phase: Phase
    status: Status
    pairs: list[Pair]
    turned_at: int | None = None
    is_saga: bool = True
    is_inferred: bool = False
    others: tuple[str, ...] = ()


def trace_of(
    instance: Instance,
    rows: Sequence[HistoryRow],
    *,
    sites: Sequence[CallSite] = (),
    held_up: Collection[int] = (),
    acts: Mapping[str, UndoActs] | None = None,
) -> Trace:
    """Read it. `sites` are the call-sites of the source that ran, `acts` what people did, by the id of the step; see `saga_acts`.

    It never raises: a history without a saga gives a trace with `is_saga` False.
    """
    return _Reading(instance, rows, sites, held_up, acts or {}).trace()


class _Reading:
    """Reads one execution."""

    def __init__(
        self,
        instance: Instance,
        rows: Sequence[HistoryRow],
        sites: Sequence[CallSite],
        held_up: Collection[int],
        acts: Mapping[str, UndoActs],
    ) -> None:
        self._instance = instance
        self._acts = acts
        self._is_over = instance.status in TERMINAL
        self._asked = {row.event.event_id: row.event for row in rows if isinstance(row.event, h.TaskScheduled)}
        self._late = {row.event.task_scheduled_id: row.event for row in rows if isinstance(row.event, h.TaskEndedLate)}
        self._calls = [
            step for step in steps_of(instance, rows, held_up=held_up) if step.kind in {"activity", "child"} and not step.is_detached
        ]
        self._sites = [site for site in sites if site.kind in {"activity", "child"}]
        undos = {(site.line, site.column): site for site in self._sites if site.is_undo}
        self._declared = {
            site.callee: undos[site.line, site.column].callee
            for site in self._sites
            if site.callee is not None and not site.is_undo and (site.line, site.column) in undos
        }
        self._pivots = {site.callee for site in self._sites if site.is_pivot}

    def trace(self) -> Trace:
        explicit = self._explicit()
        guessed = {} if explicit or self._declared or self._pivots else self._guessed()
        undone = explicit or guessed
        link: Link = "explicit" if explicit else "inferred"
        undoing = set(undone.values())
        first_undo = next((place for place, call in enumerate(self._calls) if call.id in undoing), len(self._calls))
        forward = [call for call in self._calls[:first_undo] if call.id not in undoing]
        forward += [call for call in self._calls[first_undo:] if call.id in undone]
        others = [call.name for call in self._calls[first_undo:] if call.id not in undoing and call.id not in undone]
        by_id = {call.id: call for call in self._calls}
        order = {undo: place for place, undo in enumerate((call.id for call in self._calls if call.id in undoing), 1)}
        missing = self._not_reached(forward)
        phase = self._phase(forward, has_undos=bool(undoing), misses=bool(missing))
        pivot = max(
            (place for place, call in enumerate(forward) if call.name in self._pivots and call.state is StepState.COMPLETED), default=-1
        )
        pairs = []
        for place, call in enumerate(forward):
            undo = by_id.get(undone.get(call.id, ""))
            pairs.append(self._pair(call, undo, link, order, phase, is_before_pivot=place <= pivot))
        turned_at = self._turning_point(pairs) if phase in {"backward", "turned back"} else None
        pairs += [self._never(site, place) for place, site in enumerate(missing if phase != "committed" else ())]
        return Trace(
            phase=phase,
            status=self._instance.status,
            pairs=pairs,
            turned_at=turned_at,
            is_saga=bool(undone or self._declared or self._pivots),
            is_inferred=bool(guessed),
            others=tuple(others),
        )

    # Who undoes whom: the id of the step → the id of its undo.

    def _explicit(self) -> dict[str, str]:
        found = {}
        for call in self._calls:
            event = self._asked.get(call.attempts[0].event_id) if call.attempts else None
            if event is not None and event.compensates is not None:
                found[f"a{event.compensates}"] = call.id
        return found

    def _guessed(self) -> dict[str, str]:
        """By names. A single pair in a run that went well is no rollback: who locks also unlocks."""
        named = [place for place, call in enumerate(self._calls) if undoing_of(call.name) is not None]
        if not named or len(self._calls) > _MOST_COMPARED:
            return {}
        found: dict[str, str] = {}
        are_named = set(named)
        steps = [call for place, call in enumerate(self._calls) if place not in are_named]
        undos = [self._calls[place] for place in named]
        # an undo comes after what it undoes
        for place, index in pairs_by_name([step.name for step in steps], [undo.name for undo in undos]).items():
            step, undo = steps[index], undos[place]
            if step.ended_at is not None and undo.turn >= (step.done_turn or 0) and undo.created_at >= step.ended_at:
                found[step.id] = undo.id
        undoing = set(found.values())
        first = min((call.turn for call in self._calls if call.id in undoing), default=0)
        went_wrong = any(step.state is StepState.FAILED and step.turn <= first for step in steps)
        is_reverse = len(found) > 1 and [step.id for step in steps if step.id in found] == [
            step_id for step_id, _ in sorted(found.items(), key=lambda item: -int(item[1][1:]))
        ]
        has_failed = self._instance.status in {Status.FAILED, Status.TERMINATED}
        return found if went_wrong or is_reverse or has_failed else {}

    # What stands where.

    def _phase(self, forward: Sequence[Step], *, has_undos: bool, misses: bool) -> Phase:
        if not self._is_over:
            return "backward" if has_undos else "forward"
        failed = any(call.state in {StepState.FAILED, StepState.CANCELED} for call in forward)
        went_wrong = self._instance.status is not Status.COMPLETED
        return "turned back" if has_undos or went_wrong or (failed and misses) else "committed"

    def _not_reached(self, forward: Sequence[Step]) -> list[CallSite]:
        """The steps that the run would have come to and did not, where the source has a saga."""
        if not self._declared and not self._pivots:
            return []
        called = {call.name for call in forward}
        undos = {site.callee for site in self._sites if site.is_undo}
        return [
            site
            for site in self._sites
            if site.callee is not None
            and not site.is_undo
            and site.callee not in called | undos
            and not site.is_in_branch
            and not site.is_in_loop
        ]

    def _pair(self, call: Step, undo: Step | None, link: Link, order: Mapping[str, int], phase: Phase, *, is_before_pivot: bool) -> Pair:
        forward, doubt = self._forward(call)
        declared = self._declared.get(call.name)
        number = int(call.id[1:])
        acts = self._acts.get(call.id, NO_ACTS)
        recorded = None if undo is None or not undo.attempts else self._asked.get(undo.attempts[0].event_id)
        backward = self._backward(forward, undo, declared, phase, acts, is_before_pivot=is_before_pivot)
        return Pair(
            id=call.id,
            step=call.name,
            kind="step" if call.label.startswith("step") else call.kind,
            undo=declared if undo is None else undo.name,
            forward=forward,
            backward=backward,
            link=link if undo is not None else "declared" if declared is not None else "",
            call=call,
            undo_call=undo,
            order=None if undo is None else order[undo.id],
            key=recorded.task_execution_id if recorded is not None else task_execution_id(f"undo/{self._instance.key}", number),
            doubt=doubt,
            is_pivot=call.name in self._pivots,
            acts=acts,
        )

    def _never(self, site: CallSite, place: int) -> Pair:
        name = site.callee or ""
        kind = "child" if site.kind == "child" else "activity"
        declared = self._declared.get(name)
        return Pair(
            id=f"-{place}", step=name, kind=kind, undo=declared, forward="not-reached", backward="not-needed",
            link="declared" if declared else "", is_pivot=site.is_pivot,
        )  # fmt: skip

    def _forward(self, call: Step) -> tuple[ForwardState, str]:
        """How the step stands, and why that is in doubt."""
        if call.state is StepState.COMPLETED:
            return "committed", ""
        if call.state is StepState.CANCELED:
            return "in-doubt", "it was under way when the run ended"
        if call.state is not StepState.FAILED:
            return "running", ""
        for attempt in call.attempts:
            late = self._late.get(attempt.event_id)
            kind = "" if attempt.failure is None else attempt.failure.error_type
            if late is not None and late.error_type is None:
                return "in-doubt", "it timed out, and did return later"
            if late is None and is_doubtful(kind):
                return "in-doubt", "it timed out" if "oison" not in kind else "the process died under it"
        return ("in-doubt", "the process died under an attempt") if call.restarts else ("failed", "")

    def _backward(
        self, forward: ForwardState, undo: Step | None, declared: str | None, phase: Phase, acts: UndoActs, *, is_before_pivot: bool
    ) -> BackwardState:
        if acts.redone == "COMPLETED":
            return "compensated"
        if acts.redone in LIVE_UNDO:
            return "running"
        if undo is not None:
            return _UNDOING.get(undo.state) or acts.settled or "failed"
        if forward not in {"committed", "in-doubt"}:
            return "not-needed"
        if is_before_pivot and forward == "committed":
            return "pivot"
        return acts.settled or self._never_undone(forward, declared, phase)

    def _never_undone(self, forward: ForwardState, declared: str | None, phase: Phase) -> BackwardState:
        """Of a step that happened, or may have, and whose undo nobody has asked for."""
        if phase in {"forward", "backward"} and (declared is not None or not self._sites):
            return "planned"
        if forward == "in-doubt":
            return "missing"
        return "not-needed" if phase == "committed" else "no-undo" if declared is None else "missing"

    def _turning_point(self, pairs: Sequence[Pair]) -> int | None:
        """The step whose failure turned it around: the last that did not commit, else the last one."""
        failed = [place for place, pair in enumerate(pairs) if pair.forward in {"failed", "in-doubt"}]
        return failed[-1] if failed else len(pairs) - 1 if pairs else None


def is_doubtful(error_type: str) -> bool:
    """Whether a failure of this kind leaves open if the work was done."""
    return error_type in _DOUBTFUL or ("imeout" in error_type and "Connect" not in error_type)
