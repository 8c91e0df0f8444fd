"""A recipe played without an engine: its own code, unchanged, over doubles of the lab and of time. It is the picture's source, and a test of the recipe.

Whatever the code imports is the real thing, but for what would reach a lab (`WorkflowRuntime`, `DaprWorkflowClient`) and for `time.sleep`. What it starts
is played by `wfengine.testing`.
"""

import builtins
import inspect
import linecache
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any, Literal

import msgspec

from wfengine.core.arguments import name_of
from wfengine.errors import InvalidArgument
from wfengine.model.instance import Instance
from wfengine.model.payload import to_json
from wfengine.model.work import HistoryRow
from wfengine.testing.playing import Outcome
from wfengine.testing.playing import run as play
from wfengine.testing.stage import Event

Kind = Literal["workflow", "activity"]
_LONGEST = timedelta(days=366)


class Rehearsed(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `defines` are the names that the code registers, with their source; `source` is that of the workflow played."""

    instance: Instance | None = None
    rows: list[HistoryRow] = []
    source: str | None = None
    defines: tuple[tuple[Kind, str, str], ...] = ()
    complaint: str = ""


@cache
def rehearsed(source: str, filename: str, ends: str) -> Rehearsed:
    """Play the code of a recipe, once for each text. It never raises: `complaint` says what is wrong, as where it does not end as it declares."""
    bench = _Bench()
    try:
        names = bench.run(source, filename)
        run: _PlayedRun = names["run"]
        outcome = run.played()
    except Exception as error:  # noqa: BLE001  # the code of a recipe may do anything
        return Rehearsed(defines=bench.defines(), complaint=f"{type(error).__name__}: {error}")
    complaint = "" if outcome.status == ends else f"it ended {outcome.status}, and declares {ends}"
    return Rehearsed(
        instance=outcome.instance, rows=outcome.rows, source=_source(run.workflow), defines=bench.defines(), complaint=complaint
    )


def compiled(source: str, filename: str) -> Any:
    """The code of a recipe, with its lines where tracebacks and `inspect` find them."""
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    return compile(source, filename, "exec")


class _Bench:
    """The doubles that a recipe's code meets, and what it registered and started."""

    def __init__(self) -> None:
        self._workflows: dict[str, Callable[..., Any]] = {}
        self._defined: dict[tuple[Kind, str], Callable[..., Any]] = {}
        self._runs: dict[str, _PlayedRun] = {}

    def run(self, source: str, filename: str) -> dict[str, Any]:
        """Run the code; the names it bound."""
        lab = SimpleNamespace(start=self.start, get=self._runs.__getitem__)
        names: dict[str, Any] = {"__name__": "__recipe__", "__builtins__": {**vars(builtins), "__import__": self._import}, "lab": lab}
        names["print"] = lambda *_, **__: None
        exec(compiled(source, filename), names)  # noqa: S102  # the recipe itself, as a cell would run it
        return names

    def defines(self) -> tuple[tuple[Kind, str, str], ...]:
        return tuple((kind, name, _source(function) or "") for (kind, name), function in self._defined.items())

    def start(self, workflow: Callable[..., Any] | str, input: Any = None, **_: Any) -> "_PlayedRun":
        function = self._workflows.get(workflow) if isinstance(workflow, str) else workflow
        if function is None:
            raise InvalidArgument(f"No workflow {workflow!r} is registered.")
        run = _PlayedRun(f"rehearsal-{len(self._runs)}", function, input)
        self._runs[run.id] = run
        return run

    def schedule(self, workflow: Callable[..., Any] | str, *, input: Any = None, **_: Any) -> str:
        return self.start(workflow, input).id

    def state(self, instance_id: str, **_: Any) -> Any:
        outcome = self._runs[instance_id].played()
        output = None if outcome.output is None else to_json(outcome.output)
        return SimpleNamespace(
            runtime_status=SimpleNamespace(name=str(outcome.status)),
            serialized_output=output,
            serialized_custom_status=outcome.custom_status,
        )

    def define(self, kind: Kind, function: Callable[..., Any], name: str | None, *, is_latest: bool = True) -> Callable[..., Any]:
        known = name or name_of(function)
        self._defined[kind, known if is_latest else f"{known}, {function.__name__}"] = function
        if kind == "workflow" and (is_latest or known not in self._workflows):
            self._workflows[known] = function
        return function

    def _import(self, name: str, *rest: Any) -> Any:
        module = __import__(name, *rest)
        if name == "time":
            return _Instead(module, sleep=lambda _: None)
        if name != "wflab":
            return module
        client = SimpleNamespace(schedule_new_workflow=self.schedule, get_workflow_state=self.state)
        runtime = _Runtime(self)
        return _Instead(
            module,
            WorkflowRuntime=lambda *_, **__: runtime,
            DaprWorkflowClient=lambda *_, **__: client,
            workflow=runtime.workflow,
            activity=runtime.activity,
        )


class _Instead:
    """A module with some of its names replaced."""

    def __init__(self, module: Any, **names: Any) -> None:
        self._module = module
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


class _Runtime:
    """The decorators of a WorkflowRuntime."""

    def __init__(self, bench: _Bench) -> None:
        self._bench = bench

    def workflow(self, function: Any = None, /, *, name: str | None = None) -> Any:
        return self._decorated(function, lambda fn: self._bench.define("workflow", fn, name))

    def activity(self, function: Any = None, /, *, name: str | None = None, **_: Any) -> Any:
        return self._decorated(function, lambda fn: self._bench.define("activity", fn, name))

    def versioned_workflow(self, function: Any = None, /, *, name: str, is_latest: bool, version_name: str | None = None) -> Any:
        del version_name
        return self._decorated(function, lambda fn: self._bench.define("workflow", fn, name, is_latest=is_latest))

    @staticmethod
    def _decorated(function: Any, define: Callable[[Any], Any]) -> Any:
        return define if function is None else define(function)


class _PlayedRun:
    """What `lab.start` gives: events are kept until it is played, which is when somebody asks how it ended."""

    def __init__(self, instance_id: str, workflow: Callable[..., Any], given: Any) -> None:
        self.id = instance_id
        self.workflow = workflow
        self._input = given
        self._events: list[Event] = []
        self._outcome: Outcome | None = None

    def raise_event(self, name: str, data: Any = None) -> None:
        self._events.append(Event(name, data))

    def approve(self, name: str, data: Any = True) -> None:  # noqa: FBT002  # as `Run.approve`
        self.raise_event(name, data)

    def reject(self, name: str, data: Any = False) -> None:  # noqa: FBT002  # likewise
        self.raise_event(name, data)

    def result(self, timeout: float | None = None) -> Any:
        del timeout
        return self.played().result()

    def played(self) -> Outcome:
        if self._outcome is None:
            self._outcome = play(self.workflow, self._input, events=self._events, instance_id=self.id, timeout=_LONGEST)
        return self._outcome


def _source(function: Callable[..., Any]) -> str | None:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return None
