"""An executor that plays every turn twice: the real one, which keeps executions or drops them, and one rebuilt from what is durable."""

from collections.abc import Callable, Sequence
from typing import Any

from wfengine.core.replay import Execution
from wfengine.errors import NonDeterminismError
from wfengine.model.actions import ExecutionResult
from wfengine.model.history import HistoryEvent
from wfengine.model.instance import Instance
from wfengine.model.work import HistoryRow
from wfengine.runtime.executor import LocalExecutor, Missing, Runnable, WorkItem
from wfengine.testing.simulation.chronicle import Chronicle
from wfengine.testing.simulation.library import Shelf
from wfengine.testing.simulation.violation import insist


class TwiceExecutor:
    """`most_kept` makes the real one forget, as it does when memory is short."""

    def __init__(self, shelf: Shelf, chronicle: Chronicle, *, most_kept: int) -> None:
        self._shelf = shelf
        self._chronicle = chronicle
        self._real = LocalExecutor(shelf, most_kept=most_kept)
        self.turns = 0

    def can_run(self, instance: Instance) -> Runnable | Missing:
        """As the real one says."""
        return self._real.can_run(instance)

    def keeps(self, key: int) -> bool:
        """As the real one says."""
        return self._real.keeps(key)

    def drop(self, key: int) -> None:
        """Drop it."""
        self._real.drop(key)

    def recorded(self, key: int, rows: Sequence[HistoryRow]) -> None:
        """As the real one does."""
        self._real.recorded(key, rows)

    def recall(self, key: int) -> None:
        """As the real one does."""
        self._real.recall(key)

    def inline(self, key: int, task_id: int) -> Callable[..., Any] | None:
        """As the real one says."""
        return self._real.inline(key, task_id)

    def revive(self, item: WorkItem) -> None:
        """As the real one does."""
        self._real.revive(item)

    def advance(self, item: WorkItem) -> ExecutionResult:
        """The real one's answer, if it is the one that history alone leads to."""
        self.turns += 1
        try:
            result = self._real.advance(item)
        except NonDeterminismError as error:
            definition = self._shelf.find("workflow", item.instance.name, item.instance.code_hash)
            was_edited = definition is self._shelf.library.edited[item.instance.name]
            insist(was_edited, f"code that has not changed agrees with its history ({error})")
            raise
        if not item.past and not item.instance.turn:
            return result  # the first turn has no past that could be replayed
        again = self._again(item)
        insist(again == result, "a replay of history asks for the same", item.instance, result, again)
        return result

    def _again(self, item: WorkItem) -> ExecutionResult:
        definition = self._shelf.library.find("workflow", item.instance.name)
        if definition is None:
            raise AssertionError(item.instance.name)  # nothing is missing there
        execution = Execution(definition)
        chapter = self._chronicle.chapters.get(item.instance.key)
        rows = [] if chapter is None else chapter.rows
        seen = max((place for place, row in enumerate(rows) if row.turn), default=-1) + 1
        try:
            execution.replay([row.event for row in rows[:seen]])
            return execution.advance([*(row.event for row in rows[seen:]), *item.new[_recorded(item.new, rows) :]])
        finally:
            execution.close()


def _recorded(new: Sequence[HistoryEvent], rows: list[HistoryRow]) -> int:
    """How many of the new events are recorded already, as the last rows."""
    most = min(len(new), len(rows))
    return next((count for count in range(most, 0, -1) if list(new[:count]) == [row.event for row in rows[-count:]]), 0)
