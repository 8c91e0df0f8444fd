"""Turns that are made elsewhere: an executor whose answers wait, come in any order, or are lost with whoever had them."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from wfengine.model.actions import ExecutionResult
from wfengine.model.instance import Instance
from wfengine.model.work import HistoryRow
from wfengine.runtime.executor import DISPATCHED, Dispatched, Lost, Missing, Runnable, TurnOutcome, WorkItem
from wfengine.testing.simulation.chronicle import Outside
from wfengine.testing.simulation.executor import TwiceExecutor


class Away(NamedTuple):
    """A turn that was made, and whose answer is on its way."""

    item: WorkItem
    result: ExecutionResult


class FarawayExecutor:
    """`is_far`: whether turns go away at all. `is_gone`: nobody is there to make them until `come`."""

    def __init__(self, real: TwiceExecutor, outside: Outside, *, is_far: bool) -> None:
        self._real = real
        self._outside = outside
        self._is_far = is_far
        self.is_gone = False
        self.away: list[Away] = []

    @property
    def turns(self) -> int:
        """How many turns were made."""
        return self._real.turns

    def can_run(self, instance: Instance) -> Runnable | Missing:
        """As the real one says, while somebody is there."""
        return Missing("nobody is there", is_version=False) if self.is_gone else self._real.can_run(instance)

    def keeps(self, key: int) -> bool:
        """Likewise."""
        return not self.is_gone and self._real.keeps(key)

    def advance(self, item: WorkItem) -> ExecutionResult | Dispatched:
        """The real one's answer, at once or later."""
        result = self._real.advance(item)
        if not self._is_far:
            return result
        self._outside.sent_away += 1
        self.away.append(Away(item, result))
        return DISPATCHED

    def comes_back(self, place: int) -> None:
        """One answer arrives."""
        away = self.away.pop(place)
        _answer(away.item, away.result)

    def goes(self) -> None:
        """Whoever makes turns is gone, and what was on its way is lost."""
        self.is_gone = True
        lost, self.away = self.away, []
        self._outside.lost_away += len(lost)
        for away in lost:
            _answer(away.item, Lost("nobody is there"))

    def come(self) -> None:
        """Somebody is there again."""
        self.is_gone = False

    def recall(self, key: int) -> None:
        """Nobody waits for this turn any more: what the code has learned in it must be forgotten."""
        self.away = [away for away in self.away if away.item.instance.key != key]
        self._real.drop(key)

    def drop(self, key: int) -> None:
        """Likewise, for good."""
        self.recall(key)

    def recorded(self, key: int, rows: Sequence[HistoryRow]) -> None:
        """As the real one."""
        self._real.recorded(key, rows)

    def inline(self, key: int, task_id: int) -> Callable[..., Any] | None:
        """As the real one says, while somebody is there."""
        return None if self.is_gone else self._real.inline(key, task_id)

    def revive(self, item: WorkItem) -> None:
        """As the real one does."""
        self._real.revive(item)


def _answer(item: WorkItem, outcome: TurnOutcome) -> None:
    if item.answer is None:
        raise AssertionError(item.instance)
    item.answer(outcome)
