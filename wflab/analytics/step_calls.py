"""Which call each step of a replay took up the end of, and the other way round: so that the replay and all other views can look at the same thing."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from wfengine.model.work import HistoryRow
from wfengine.testing.stepping.ledger import answers
from wfengine.testing.stepping.step import Step
from wflab.analytics.span import Span


class StepCall(NamedTuple):
    """`span_id` names the call, as `Span.call_id`; `attempt` is which one ended, None for what has no attempts."""

    span_id: str
    group: str
    attempt: int | None


class StepCalls:
    """Of one execution: its spans, its history and the steps made of that."""

    def __init__(self, spans: Iterable[Span], rows: Iterable[HistoryRow], steps: Sequence[Step]) -> None:
        self._spans = {span.event_id: span for span in spans if span.event_id is not None}
        self._steps = steps
        answered = {row.sequence: number for row in rows if (number := answers(row.event)) is not None}
        # which wait an external event ended is known only to whoever has followed them all
        raised = {one.sequence: one.event_id for step in steps for one in step.taken if one.event_id is not None}
        self._asked_at = {**raised, **answered}

    def of(self, step: Step) -> StepCall | None:
        """The call whose end set the code going; None for the start, a resumption and what was never asked for."""
        number = self._asked_at.get(step.sequence)
        span = None if number is None else self._spans.get(number)
        if span is None:
            return None
        return StepCall(span.call_id, span.group_key, span.attempt if span.kind in {"activity", "child"} else None)

    def step_of(self, span_id: str | None, group: str | None, attempt: int | None) -> int | None:
        """The number of the step that took up the end of this call, or of this attempt; of a group, the last such step. None while there is none."""
        ends = [sequence for sequence, number in self._asked_at.items() if self._is_meant(number, span_id, group, attempt)]
        if not ends:
            return None
        last = max(ends)
        return next((step.number for step in self._steps if step.sequence >= last), None)

    def _is_meant(self, number: int, span_id: str | None, group: str | None, attempt: int | None) -> bool:
        span = self._spans.get(number)
        if span is None:
            return False
        if span_id is None:
            return group is not None and span.group_key == group
        return span_id in {span.call_id, span.span_id} and attempt in {None, span.attempt}
