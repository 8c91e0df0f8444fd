"""Whoever runs workflow code. The engine asks an Executor; here it is the code in this process, elsewhere the far end of a stream.

Nothing beyond this file may depend on who ran the code.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from wfengine.core.replay import Execution
from wfengine.model.actions import ExecutionResult
from wfengine.model.failure import FailureDetails
from wfengine.model.history import HistoryEvent
from wfengine.model.instance import Instance
from wfengine.model.work import HistoryRow
from wfengine.runtime.registry import Definition, Registry

if TYPE_CHECKING:
    from wfengine.runtime.worker import ActivityJob


class Lost(NamedTuple):
    """Nothing came of a turn: whoever had it is gone, and nobody else is there."""

    reason: str


TurnOutcome = ExecutionResult | FailureDetails | Lost
"""What comes of a turn that was made elsewhere; a failure where code and history disagree."""


class Dispatched:
    """The turn is made elsewhere; `WorkItem.answer` will be called with what comes of it."""


DISPATCHED = Dispatched()


class WorkItem(msgspec.Struct, frozen=True, kw_only=True):
    """One turn's worth of work. `past` is what earlier turns took up, None where the executor keeps the execution; `new` is the rest.

    `answer` may be called from any thread, once.
    """

    instance: Instance
    past: Sequence[HistoryEvent] | None
    new: Sequence[HistoryEvent]
    answer: Callable[[TurnOutcome], None] | None = None


class Runnable(NamedTuple):
    """The code that runs (or would run) an instance: its hash and, where the workflow has named versions, its version.

    There is no hash where the code is a program's elsewhere.
    """

    code_hash: str | None
    version: str | None


class Missing(NamedTuple):
    """Why an instance cannot run. `is_version`: its workflow is there, but not in the version that it started with."""

    reason: str
    is_version: bool


class Executor(Protocol):
    """Runs the turns of workflows. All calls come from the engine's thread."""

    def can_run(self, instance: Instance) -> Runnable | Missing:
        """Whether there is code for this instance."""

    def keeps(self, key: int) -> bool:
        """Whether the execution is alive here, so that it needs no past."""

    def advance(self, item: WorkItem) -> ExecutionResult | Dispatched:
        """Run one turn, or have it run. Raises NonDeterminismError where the past disagrees with the code."""

    def inline(self, key: int, task_id: int) -> Callable[..., Any] | None:
        """The function of an unsettled `ctx.step` of an execution that is alive here."""

    def revive(self, item: WorkItem) -> None:
        """Have the execution alive here, rebuilt from its past. Raises NonDeterminismError."""

    def drop(self, key: int) -> None:
        """The execution has ended, or is to be rebuilt from history when it is needed again."""

    def recorded(self, key: int, rows: Sequence[HistoryRow]) -> None:
        """A turn that was made elsewhere is recorded, with these rows for what it asked for."""

    def recall(self, key: int) -> None:
        """Nobody waits for a turn that is made elsewhere any more; its events may come again."""


class Elsewhere(Protocol):
    """Programs that run workflows and activities of their app. All calls come from the engine's thread, and return at once."""

    def has_workers(self, app_id: str | None) -> bool:
        """Whether a program of this app is connected."""

    def keeps(self, key: int) -> bool:
        """Whether a program of its app is connected and the history of this execution at hand, so that no past is needed."""

    def dispatch(self, item: WorkItem) -> None:
        """Have a worker make this turn."""

    def recorded(self, key: int, rows: Sequence[HistoryRow]) -> None:
        """The last turn of this execution was recorded, with these rows for what it asked for."""

    def recall(self, key: int) -> None:
        """Nobody waits for the turn under way any more; its events may come again."""

    def drop(self, key: int) -> None:
        """The execution has ended, or is to be told its whole past when it is needed again."""

    def start(self, job: "ActivityJob") -> None:
        """Have a worker make this attempt."""

    def give_up_on(self, job: "ActivityJob") -> None:
        """The time of this attempt is up; what comes of it is late."""


class LocalExecutor:
    """Runs generators and coroutines in this process and keeps up to `most_kept` of them alive, least recently used first out."""

    def __init__(self, registry: Registry, *, most_kept: int = 20_000) -> None:
        self._registry = registry
        self._most_kept = most_kept
        self._kept: OrderedDict[int, Execution] = OrderedDict()

    def can_run(self, instance: Instance) -> Runnable | Missing:
        """The version that the instance started with, else the newest; before its first turn the latest."""
        definition = self._find(instance)
        return self._missing(instance) if definition is None else Runnable(definition.code_hash, definition.version)

    def _find(self, instance: Instance) -> Definition | None:
        return self._registry.find("workflow", instance.name, instance.code_hash, app_id=instance.app_id, version=instance.version)

    def _missing(self, instance: Instance) -> Missing:
        name, app_id = instance.name, instance.app_id
        versions = self._registry.versions(name, app_id=app_id)
        if instance.version is not None and versions:
            known = ", ".join(versions)
            return Missing(
                f"version {instance.version!r} of workflow {name!r} is not registered (registered: {known}): run the cell that defines it",
                is_version=True,
            )
        if app_id is not None:
            state = "has not registered" if app_id in self._registry.apps() else "is not here, it would have"
            return Missing(
                f"app {app_id!r} {state} workflow {name!r}: run the cell with its WorkflowRuntime(app_id={app_id!r})", is_version=False
            )
        return Missing(f"workflow {name!r} is not registered: run the cell that defines it", is_version=False)

    def keeps(self, key: int) -> bool:
        """Whether the suspended code is in memory."""
        return key in self._kept

    def advance(self, item: WorkItem) -> ExecutionResult:
        """Go on where the code is suspended, or replay it from the past first."""
        return self._alive(item).advance(item.new)

    def inline(self, key: int, task_id: int) -> Callable[..., Any] | None:
        """The function that the suspended code handed over."""
        execution = self._kept.get(key)
        return None if execution is None else execution.inline(task_id)

    def revive(self, item: WorkItem) -> None:
        """Replay it from the past, if it is not in memory."""
        self._alive(item)

    def _alive(self, item: WorkItem) -> Execution:
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
        return execution

    def drop(self, key: int) -> None:
        """Close the suspended code, if it is in memory."""
        execution = self._kept.pop(key, None)
        if execution is not None:
            execution.close()

    def recorded(self, key: int, rows: Sequence[HistoryRow]) -> None:
        """Nothing to do: no turn is made elsewhere."""

    def recall(self, key: int) -> None:
        """Likewise."""

    def _replayed(self, item: WorkItem) -> Execution:
        definition = self._find(item.instance)
        if definition is None:
            raise AssertionError(item.instance.name)  # the engine asks can_run first
        execution = Execution(definition)
        try:
            execution.replay(item.past or ())
        except BaseException:
            execution.close()
            raise
        return execution


class SharedExecutor:
    """The code in this process, and for what is not here the programs elsewhere, once there are any."""

    def __init__(self, local: Executor) -> None:
        self._local = local
        self.elsewhere: Elsewhere | None = None

    def can_run(self, instance: Instance) -> Runnable | Missing:
        """Whether the code is here, or a program of its app is connected."""
        found = self._local.can_run(instance)
        if self.elsewhere is None or isinstance(found, Runnable) or found.is_version:
            return found
        if self.elsewhere.has_workers(instance.app_id):
            return Runnable(None, instance.version)
        return Missing(f"{found.reason}, or start the program that has it", is_version=False)

    def has_workers(self, app_id: str | None) -> bool:
        """Whether a program of this app is connected."""
        return self.elsewhere is not None and self.elsewhere.has_workers(app_id)

    def keeps(self, key: int) -> bool:
        """Whether it can go on without its past."""
        return self._local.keeps(key) or (self.elsewhere is not None and self.elsewhere.keeps(key))

    def advance(self, item: WorkItem) -> ExecutionResult | Dispatched:
        """Go on here where the code is here, else have it done."""
        elsewhere = self.elsewhere
        if elsewhere is None or self._local.keeps(item.instance.key) or isinstance(self._local.can_run(item.instance), Runnable):
            return self._local.advance(item)
        elsewhere.dispatch(item)
        return DISPATCHED

    def recorded(self, key: int, rows: Sequence[HistoryRow]) -> None:
        """A turn that was made elsewhere is recorded, with these rows for what it asked for."""
        if self.elsewhere is not None:
            self.elsewhere.recorded(key, rows)

    def recall(self, key: int) -> None:
        """Nobody waits for the turn under way any more; its events may come again."""
        if self.elsewhere is not None:
            self.elsewhere.recall(key)

    def inline(self, key: int, task_id: int) -> Callable[..., Any] | None:
        """The function that the suspended code handed over; programs elsewhere hand over none."""
        return self._local.inline(key, task_id)

    def revive(self, item: WorkItem) -> None:
        """Replay it from the past, if it is not in memory."""
        self._local.revive(item)

    def drop(self, key: int) -> None:
        """Forget the execution, wherever it is."""
        self._local.drop(key)
        if self.elsewhere is not None:
            self.elsewhere.drop(key)
