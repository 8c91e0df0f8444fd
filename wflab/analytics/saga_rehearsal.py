"""A saga rehearsed: played in memory with made-up results, and with something failing where we want it to. No activity runs, nothing is recorded."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal

import msgspec

from wfengine.model import history as h
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import Instance, Status
from wfengine.model.payload import to_json
from wfengine.model.work import HistoryRow
from wfengine.runtime.registry import Definition
from wfengine.runtime.worker import WorkflowActivityContext
from wfengine.testing.answers import Answered, Answers
from wfengine.testing.playing import BEGINNING, Outcome, play
from wflab.analytics.call_sites import CallSite
from wflab.analytics.saga_trace import Trace, trace_of

How = Literal["fails", "times out"]
_LONGEST = timedelta(minutes=1)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What is rehearsed: the workflow with its input, answers that were given, results of earlier runs by name, and how names are found."""

    name: str
    function: Callable[..., Any]
    input: Any = None
    mocks: Mapping[Any, Any] = {}
    recorded: Mapping[str, Sequence[str | None]] = {}
    events: Sequence[Any] = ()
    sites: Sequence[CallSite] = ()
    find: Callable[[str], Definition | None] = lambda _name: None


class Injected(msgspec.Struct, frozen=True, kw_only=True):
    """The call, by its identity, that fails in every attempt, or times out: then nobody knows whether it happened."""

    identity: str
    how: How

    def outcome(self, name: str) -> Answered:
        """What comes of an attempt."""
        if self.how == "fails":
            return Answered(failure=FailureDetails(message=f"{name} is made to fail", error_type="RehearsedFailure"))
        told = f"{name} is made to time out: it may or may not have happened"
        return Answered(failure=FailureDetails(message=told, error_type="ActivityTimeoutError"), after=_LONGEST)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One call of the workflow's own, in the order asked for. Its identity is the same in every rehearsal that went the same way up to it."""

    identity: str
    name: str
    kind: str
    is_undo: bool = False


class Rehearsal(msgspec.Struct, frozen=True, kw_only=True):
    """How one went: the trace of each generation, the calls, and the outcome."""

    outcome: Outcome
    traces: list[Trace]
    calls: list[Asked]
    called: set[str]


def rehearse(part: Part, *injected: Injected) -> Rehearsal:
    """Play it. Raises as `wf.testing.run`: NeverEnds where it waits for what does not come, InvalidArgument for answers that make no sense."""
    answers = _Rehearsed(part, injected)
    outcome = play(part.function, part.input, answers, events=part.events, name=part.name)
    traces = [_trace(part, events, outcome) for events in _generations(outcome.history)]
    undos = {
        pair.undo_call.attempts[0].event_id
        for trace in traces
        for pair in trace.pairs
        if pair.undo_call is not None and pair.undo_call.attempts
    }
    calls: dict[str, Asked] = {}
    for event in outcome.history:
        if isinstance(event, h.TaskScheduled):
            kind = "step" if event.is_inline else "activity"
            asked = Asked(identity=event.task_execution_id, name=event.name, kind=kind, is_undo=event.event_id in undos)
            calls.setdefault(asked.identity, asked)
        elif isinstance(event, h.ChildWorkflowInstanceCreated):
            calls.setdefault(event.instance_id, Asked(identity=event.instance_id, name=event.name, kind="child"))
    return Rehearsal(outcome=outcome, traces=traces, calls=list(calls.values()), called=answers.called)


class _Rehearsed(Answers):
    """Answers of a rehearsal: what is injected, what was given, what an earlier run recorded, or else a word that stands for the result."""

    def __init__(self, part: Part, injected: Iterable[Injected]) -> None:
        super().__init__(part.mocks)
        self.called: set[str] = set()
        self._part = part
        self._injected = {one.identity: one for one in injected}
        self._counts: Counter[str] = Counter()

    def uncalled(self, called: set[str]) -> list[str]:
        """Of many rehearsals, each calls less than all; whoever holds them all asks."""
        self.called |= called
        return []

    def of_attempt(self, task: h.TaskScheduled, context: WorkflowActivityContext, function: Callable[..., Any] | None) -> Answered:
        """As everywhere, but nothing runs that was not handed over to be run."""
        self.called.add(task.name)
        injected = self._injected.get(task.task_execution_id)
        if injected is not None:
            return injected.outcome(task.name)
        if task.name in self._mocks:
            return super().of_attempt(task, context, function)
        if task.compensates is not None:
            return Answered()
        return self._made_up(task.name)

    def child(self, instance: Instance) -> Definition | None:
        """A child's code is played, if it can be found; its activities are made up like all others."""
        self.called.add(instance.name)
        if instance.instance_id in self._injected:
            return None
        if instance.name in self._mocks:
            return super().child(instance)
        seen = self._seen.get(("workflow", instance.name))
        return seen[1] if seen is not None else self._part.find(instance.name)

    def of_child(self, instance: Instance) -> Answered:
        """Of a child that is not played."""
        injected = self._injected.get(instance.instance_id)
        if injected is not None:
            return injected.outcome(instance.name)
        return super().of_child(instance) if instance.name in self._mocks else self._made_up(instance.name)

    def _made_up(self, name: str) -> Answered:
        place = self._counts[name]
        self._counts[name] += 1
        recorded = self._part.recorded.get(name)
        if recorded:
            return Answered(result=recorded[min(place, len(recorded) - 1)])
        return Answered(result=to_json(f"{name} {place + 1}", "a result that stands for another"))


def _generations(events: Sequence[h.HistoryEvent]) -> list[list[h.HistoryEvent]]:
    found: list[list[h.HistoryEvent]] = []
    for event in events:
        if isinstance(event, h.ExecutionStarted):
            found.append([])
        found[-1].append(event)
    return found


def _trace(part: Part, events: Sequence[h.HistoryEvent], outcome: Outcome) -> Trace:
    rows = [HistoryRow(1, place, 1, event) for place, event in enumerate(events)]
    is_last = not isinstance(events[-1], h.ContinuedAsNew)
    instance = Instance(
        key=1,
        instance_id=outcome.instance_id,
        name=part.name,
        status=outcome.status if is_last else Status.CONTINUED_AS_NEW,
        created_at=BEGINNING,
        updated_at=BEGINNING,
        root=1,
    )
    return trace_of(instance, rows, sites=part.sites)
