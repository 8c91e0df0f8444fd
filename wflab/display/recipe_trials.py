"""Recipes at work: each run of one from the gallery, followed to its end and held against its claims.

The code runs on a thread of its own, so that nothing waits for it: not a cell, not the thread that draws. It registers its definitions in the lab under
its own names, as the same code in a cell would.
"""

import contextlib
import threading
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pandas as pd

from wfengine.errors import EngineError, InvalidArgument, WaitTimedOut
from wfengine.model.instance import Instance
from wfengine.model.payload import from_json
from wfengine.runtime.engine import Engine
from wflab import protocol
from wflab.analytics.frames import history_frame
from wflab.analytics.span_frames import spans_frame
from wflab.display.timeline_source import TimelineSource
from wflab.recipes.evidence import Recorded, claimed, weighed
from wflab.recipes.recipe import ORIGIN, Recipe, Value
from wflab.recipes.rehearsal import Rehearsed, compiled, rehearsed
from wflab.views.recipes_picture import statements_of

MOST_LINES = 200
_PLAIN = (bool, int, float, str, list, tuple, dict, type(None))


class Trials:
    """The last run of each recipe. `bench` gives the names that a cell would find (`lab`), or raises where a recipe cannot run.

    Any thread may start one; `listen`ers are told of every change, on the trial's own thread.
    """

    def __init__(self, engine: Engine, bench: Callable[[], dict[str, Any]]) -> None:
        self._engine = engine
        self._bench = bench
        self._lock = threading.Lock()  # guards the numbers
        self._count = 0
        self._latest: dict[str, protocol.RecipeTrial] = {}
        self._listeners: list[Callable[[], None]] = []

    def latest(self) -> list[protocol.RecipeTrial]:
        """The last run of each recipe that was tried, as it stands now."""
        return [self._as_it_stands(trial) for trial in list(self._latest.values())]

    def concerns(self, instance_ids: set[str]) -> bool:
        """Whether one of these runs is a trial that is under way."""
        return any(trial.instance_id in instance_ids and not trial.is_over for trial in list(self._latest.values()))

    def listen(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` at every change; call the result to stop that."""
        self._listeners.append(changed)
        return lambda: self._listeners.remove(changed) if changed in self._listeners else None

    def start(self, recipe: Recipe, given: Mapping[str, Any], *, wants_failure: bool = False) -> "Trial":
        """Run a recipe; returns at once. Raises InvalidArgument for knobs that do not fit, and where its names are taken by other code of the lab's."""
        knobs = recipe.chosen({**given, **recipe.failure.knobs} if wants_failure else given)
        source = recipe.source(knobs)
        names = self._bench()
        self._refuse_taken_names(rehearsed(recipe.source(), recipe.filename, recipe.ends))
        with self._lock:
            self._count += 1
            number = self._count
        trial = protocol.RecipeTrial(
            recipe=recipe.id,
            number=number,
            knobs=knobs,
            wants_failure=wants_failure,
            statements=statements_of(claimed(recipe, knobs)),
        )
        self._latest[recipe.id] = trial
        under_way = Trial(self, recipe, trial)
        job = lambda: under_way.go(source, names, self._engine)  # noqa: E731  # what the thread does
        threading.Thread(target=job, name="wflab-recipe", daemon=True).start()
        return under_way

    def put(self, trial: protocol.RecipeTrial) -> None:
        """What a trial has become. A newer one of the same recipe stays."""
        known = self._latest.get(trial.recipe)
        if known is None or known.number <= trial.number:
            self._latest[trial.recipe] = trial
        for changed in list(self._listeners):
            changed()

    def _as_it_stands(self, trial: protocol.RecipeTrial) -> protocol.RecipeTrial:
        if trial.is_over or trial.instance_id is None or self._engine.trouble is not None:
            return trial
        state = self._engine.get_workflow_state(trial.instance_id)
        return trial if state is None else msgspec.structs.replace(trial, status=str(state.status))

    def _refuse_taken_names(self, played: Rehearsed) -> None:
        """What a person has defined in a cell must not get a new version by a button."""
        for kind, name, source in played.defines:
            found = self._engine.registry.find(kind, name)
            if found is None or (found.row.origin or "").startswith(ORIGIN) or found.source == source:
                continue
            raise InvalidArgument(
                f"The lab has {'a workflow' if kind == 'workflow' else 'an activity'} {name!r} of its own, and this recipe would give it other code. "
                "Insert the recipe into the notebook and rename one of them."
            )


class Trial:
    """One run of a recipe: `wait()` for its end, then `statements` say what holds."""

    def __init__(self, trials: Trials, recipe: Recipe, told: protocol.RecipeTrial) -> None:
        self.recipe = recipe
        self.run: Any = None
        self._trials = trials
        self._told = told
        self._over = threading.Event()

    @property
    def status(self) -> str:
        """The state of its run."""
        return self._told.status

    @property
    def error(self) -> str:
        """Why there is no run; empty where there is one."""
        return self._told.error

    @property
    def said(self) -> list[str]:
        """What the code printed."""
        return self._told.said

    @property
    def knobs(self) -> dict[str, Value]:
        """What it ran with."""
        return self._told.knobs

    def evidence(self) -> pd.DataFrame:
        """One row per statement: name, verdict (pass, fail, pending), text, found."""
        rows = [(one.name, one.verdict, one.text, one.found) for one in self._told.statements]
        return pd.DataFrame(rows, columns=["name", "verdict", "text", "found"])

    def wait(self, timeout: float | None = None) -> "Trial":
        """Wait for its end, at most `timeout` seconds, and give it back. Raises WaitTimedOut."""
        if not self._over.wait(timeout):
            raise WaitTimedOut(f"Recipe {self.recipe.id!r} has not ended after {timeout:g} s; it is {self.status}.")
        return self

    def __repr__(self) -> str:
        lines = [f"  {one.verdict:<7} {one.text}{f' ({one.found})' if one.found else ''}" for one in self._told.statements]
        return "\n".join([f"{self.recipe.title}: {self.error or self.status}", *lines])

    def go(self, source: str, names: dict[str, Any], engine: Engine) -> None:
        """Run the code and follow what it starts; on the trial's own thread."""
        try:
            self._follow(source, names, engine)
        except EngineError as error:  # the lab was closed under it: what is known stays
            self._tell(is_over=True, error=str(error))
        except Exception as error:  # noqa: BLE001  # the code of a recipe may do anything
            self._tell(is_over=True, error=f"{type(error).__name__}: {error}")
        finally:
            self._over.set()

    def _follow(self, source: str, names: dict[str, Any], engine: Engine) -> None:
        names = {"__name__": "__recipe__", **names, "print": self._say}
        exec(compiled(source, self.recipe.filename), names)  # noqa: S102  # the recipe itself, as a cell would run it
        self.run = names["run"]
        instance_id: str = self.run.id
        self._tell(instance_id=instance_id, workflow=self.run.name, status=str(self.run.status))
        others = {
            name: value.id
            for name, value in names.items()
            if isinstance(value, type(self.run)) and value.id != instance_id and not name.startswith("_")
        }
        ended = engine.wait_for_workflow_completion(instance_id, None)
        self._tell(status=str(ended.status))
        plain = {name: value for name, value in names.items() if isinstance(value, _PLAIN) and not name.startswith("_")}
        recorded = _recorded(engine, ended, self.knobs, plain)
        for other in others.values():
            with contextlib.suppress(WaitTimedOut):
                engine.wait_for_workflow_completion(other, self.recipe.seconds)
        found = {
            name: _recorded(engine, state, self.knobs) for name, other in others.items() if (state := engine.get_workflow_state(other))
        }
        recorded = msgspec.structs.replace(recorded, others=found)
        statements = statements_of(weighed(self.recipe, recorded))
        self._tell(is_over=True, took_ms=recorded.took_s * 1000, statements=statements)

    def _say(self, *words: Any, sep: str | None = " ", end: str | None = "\n", **_: Any) -> None:
        del end
        if len(self.said) < MOST_LINES:
            self._tell(said=[*self.said, (" " if sep is None else sep).join(map(str, words))])

    def _tell(self, **changes: Any) -> None:
        self._told = msgspec.structs.replace(self._told, **changes)
        self._trials.put(self._told)


def _recorded(engine: Engine, state: Instance, knobs: Mapping[str, Value], names: Mapping[str, Any] | None = None) -> Recorded:
    spans = spans_frame(TimelineSource(engine, state.instance_id).spans())
    own = spans[(spans["kind"] == "workflow") & (spans["instance_id"] == state.instance_id)]
    begun, ended = own["queued_at"].min(), own["ended_at"].max()
    return Recorded(
        knobs=knobs,
        status=str(state.status),
        output=from_json(state.output),
        failure="" if state.failure is None else f"{state.failure.error_type}: {state.failure.message}",
        took_s=0.0 if pd.isna(ended) else (ended - begun).total_seconds(),
        spans=spans,
        history=history_frame(engine.history(state.instance_id)),
        names=names or {},
    )
