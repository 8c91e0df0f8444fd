"""The proof of a saga: it is rehearsed with a failure at every step in turn, and each time we look at what is left undone.

Each call fails once, and once times out (then nobody knows whether it happened); where most is undone, each undo fails in turn, too.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Literal

import msgspec

from wfengine.errors import InvalidArgument
from wfengine.model.instance import Status
from wfengine.testing.stage import NeverEnds
from wflab.analytics.saga_rehearsal import Asked, How, Injected, Part, Rehearsal, rehearse
from wflab.analytics.saga_trace import Pair

MOST_OF_A_NAME = 5
NOTHING = "nothing"
_SETTLED = ("compensated", "pivot", "failed")
CaseHow = Literal["-", "fails", "times out", "undo fails"]
CaseVerdict = Literal["clean", "in doubt", "unavoidable", "left", "undone for nothing", "stuck"]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one failure. `fails` is the call that did, `how` in what way; of "undo fails" the undo, after `after` had failed.

    `compensations` ran in this order. `left` are steps that stay done though the saga turned around, `in_doubt` those that may have happened and were
    neither undone nor checked, `undo_failed` those whose own undo failed, which no saga can help. `verdict`: clean; in doubt; unavoidable (only what `undo_failed` says); left; undone for nothing (nothing had
    failed); stuck (it never ends).
    """

    fails: str
    how: CaseHow
    status: str
    verdict: CaseVerdict
    compensations: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    in_doubt: tuple[str, ...] = ()
    undo_failed: tuple[str, ...] = ()
    after: str = ""
    error: str = ""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """All cases. `passed_over` says which calls of a fan-out were not tried, `is_inferred` that undos were known by their names only."""

    workflow: str
    cases: list[Case]
    passed_over: tuple[str, ...] = ()
    is_inferred: bool = False


def prove(part: Part, *, without_effect: Collection[str] = ()) -> Proof:
    """Rehearse all cases. `without_effect` names the calls that leave nothing to be undone, such as those that only read.

    Raises InvalidArgument where it does not go well even with nothing failing, or an answer was given for what is never called.
    """
    whole = _undisturbed(part)
    proving = _Proving(part, whole, frozenset(without_effect))
    cases = list(proving.cases())
    unknown = sorted((set(part_names(part)) | set(without_effect)) - proving.called)
    if unknown:
        raise InvalidArgument(
            f"Workflow {part.name!r} never calls {', '.join(map(repr, unknown))}. It calls {', '.join(sorted(proving.called)) or 'nothing'}."
        )
    return Proof(workflow=part.name, cases=cases, passed_over=tuple(proving.passed_over), is_inferred=proving.is_inferred)


def part_names(part: Part) -> list[str]:
    """The names that answers were given for."""
    return [callee if isinstance(callee, str) else callee.__name__ for callee in part.mocks]


def _undisturbed(part: Part) -> Rehearsal:
    try:
        whole = rehearse(part)
    except NeverEnds as waits:
        raise InvalidArgument(f"{waits} For a proof: saga_proof(..., events=[('name', data)]).") from waits
    if whole.outcome.status is not Status.COMPLETED and whole.outcome.failure is not None:
        failure = whole.outcome.failure
        raise InvalidArgument(
            f"With nothing made to fail, {part.name!r} ends {whole.outcome.status}: {failure.error_type}: {failure.message}. "
            "Results are made up; say what an activity returns: saga_proof(..., mocks={'name': result}), or run one for real: activities=[function]."
        )
    return whole


class _Proving:
    """Goes through the cases."""

    def __init__(self, part: Part, whole: Rehearsal, without_effect: frozenset[str]) -> None:
        self._part = part
        self._whole = whole
        self._without_effect = without_effect
        self._asked = Counter(call.name for call in whole.calls if not call.is_undo)
        self.called = set(whole.called)
        self.passed_over: list[str] = []
        self.is_inferred = any(trace.is_inferred for trace in whole.traces)

    def cases(self) -> Iterator[Case]:
        """The undisturbed one, then each call in turn, then each undo."""
        yield self._case(NOTHING, "-", self._whole)
        most: tuple[int, Asked, str, Rehearsal] | None = None
        for label, call in self._chosen():
            ways: tuple[How, ...] = ("fails", "times out") if call.kind != "child" else ("fails",)
            for how in ways:
                case, went = self._try(label, how, Injected(identity=call.identity, how=how))
                yield case
                count = 0 if went is None else sum(one.is_undo for one in went.calls)
                if how == "fails" and went is not None and count and (most is None or count >= most[0]):
                    most = count, call, label, went
        if most is not None:
            _, call, after, went = most
            for label, undo in _sampled([one for one in went.calls if one.is_undo]):
                injected = (Injected(identity=call.identity, how="fails"), Injected(identity=undo.identity, how="fails"))
                case, _ = self._try(label, "undo fails", *injected, after=after)
                yield case

    def _chosen(self) -> list[tuple[str, Asked]]:
        forward = [call for call in self._whole.calls if not call.is_undo]
        chosen = _sampled(forward)
        tried = Counter(call.name for _, call in chosen)
        self.passed_over += [f"{tried[name]} of {count} calls of {name}" for name, count in self._asked.items() if tried[name] < count]
        return chosen

    def _try(self, label: str, how: CaseHow, *injected: Injected, after: str = "") -> tuple[Case, Rehearsal | None]:
        try:
            went = rehearse(self._part, *injected)
        except NeverEnds as waits:
            return Case(fails=label, how=how, status="RUNNING", verdict="stuck", after=after, error=str(waits)), None
        self.called |= went.called
        self.is_inferred |= any(trace.is_inferred for trace in went.traces)
        return self._case(label, how, went, after=after), went

    def _case(self, label: str, how: CaseHow, went: Rehearsal, *, after: str = "") -> Case:
        pairs = [pair for trace in went.traces for pair in trace.pairs if pair.step not in self._without_effect]
        undone = sorted((pair for pair in pairs if pair.order is not None), key=lambda pair: pair.order or 0)
        has_turned = self._has_turned(went, has_undone=bool(undone))
        left = [pair for pair in pairs if has_turned and pair.forward == "committed" and pair.backward not in _SETTLED]
        failed = [pair for pair in pairs if pair.backward == "failed"]
        in_doubt = [pair for pair in pairs if pair.forward == "in-doubt" and pair.backward not in _SETTLED]
        failure = went.outcome.failure
        return Case(
            fails=label,
            how=how,
            status=str(went.outcome.status),
            verdict=_verdict(how, undone, left, in_doubt, failed),
            compensations=tuple(pair.undo or "" for pair in undone),
            left=tuple(pair.step for pair in left),
            in_doubt=tuple(pair.step for pair in in_doubt),
            undo_failed=tuple(pair.step for pair in failed),
            after=after,
            error="" if failure is None else f"{failure.error_type}: {failure.message}",
        )

    def _has_turned(self, went: Rehearsal, *, has_undone: bool) -> bool:
        """Whether it gave up: it undid something, failed, gave something else than when nothing fails, or did not come to all that it does then."""
        if has_undone or went.outcome.status is not Status.COMPLETED or went.outcome.output != self._whole.outcome.output:
            return True
        return bool(self._asked - Counter(call.name for call in went.calls if not call.is_undo))


def _verdict(how: CaseHow, undone: Sequence[Pair], left: Sequence[Pair], in_doubt: Sequence[Pair], failed: Sequence[Pair]) -> CaseVerdict:
    if left:
        return "left"
    if how == "-":
        return "undone for nothing" if undone else "clean"
    return "unavoidable" if failed else "in doubt" if in_doubt else "clean"


def _sampled(calls: Sequence[Asked]) -> list[tuple[str, Asked]]:
    """Each call with what to call it; of very many of one name the first, the middle and the last."""
    counts = Counter(call.name for call in calls)
    seen: Counter[str] = Counter()
    chosen = []
    for call in calls:
        seen[call.name] += 1
        number, total = seen[call.name], counts[call.name]
        if total <= MOST_OF_A_NAME or number in {1, (total + 1) // 2, total}:
            chosen.append((call.name if total == 1 else f"{call.name} #{number}", call))
    return chosen
