"""Whoever runs workflow code. The engine asks an Executor; here it is the code in this process, elsewhere the far end of a stream.

Nothing beyond this file may depend on who ran the code.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

import msgspec

from wfengine.core.replay import Execution
from wfengine.model.actions import ExecutionResult
from wfengine.model.history import HistoryEvent
from wfengine.model.instance import Instance
from wfengine.runtime.registry import Registry


class WorkItem(msgspec.Struct, frozen=True, kw_only=True):
    """One turn's worth of work. `past` is what earlier turns took up, None where the executor keeps the execution; `new` is the rest."""

    instance: Instance
    past: Sequence[HistoryEvent] | None
    new: Sequence[HistoryEvent]


class Executor(Protocol):
    """Runs the turns of workflows. All calls come from the engine's thread."""

    def can_run(self, instance: Instance) -> str | None:
        """The code hash that would run (or runs) this instance; None while its workflow is not defined."""

    def keeps(self, key: int) -> bool:
        """Whether the execution is alive here, so that it needs no past."""

    def advance(self, item: WorkItem) -> ExecutionResult:
        """Run one turn. Raises NonDeterminismError where the past disagrees with the code."""

    def drop(self, key: int) -> None:
        """The execution has ended, or is to be rebuilt from history when it is needed again."""


class LocalExecutor:
    """Runs generators and coroutines in this process and keeps up to `most_kept` of them alive, least recently used first out."""

    def __init__(self, registry: Registry, *, most_kept: int = 20_000) -> None:
        self._registry = registry
        self._most_kept = most_kept
        self._kept: OrderedDict[int, Execution] = OrderedDict()

    def can_run(self, instance: Instance) -> str | None:
        """The hash of the version the instance started with, else of the newest."""
        definition = self._registry.find("workflow", instance.name, instance.code_hash)
        return None if definition is None else definition.code_hash

    def keeps(self, key: int) -> bool:
        """Whether the suspended code is in memory."""
        return key in self._kept

    def advance(self, item: WorkItem) -> ExecutionResult:
        """Go on where the code is suspended, or replay it from the past first."""
        key = item.instance.key
        execution = self._kept.get(key)
        if execution is None:
            execution = self._replayed(item)
            self._kept[key] = execution
            if len(self._kept) > self._most_kept:
                _, oldest = self._kept.popitem(last=False)
                oldest.close()
        else:
            self._kept.move_to_end(key)
        return execution.advance(item.new)

    def drop(self, key: int) -> None:
        """Close the suspended code, if it is in memory."""
        execution = self._kept.pop(key, None)
        if execution is not None:
            execution.close()

    def _replayed(self, item: WorkItem) -> Execution:
        definition = self._registry.find("workflow", item.instance.name, item.instance.code_hash)
        if definition is None:
            raise AssertionError(item.instance.name)  # the engine asks can_run first
        execution = Execution(definition)
        try:
            execution.replay(item.past or ())
        except BaseException:
            execution.close()
            raise
        return execution
