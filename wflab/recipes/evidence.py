"""What the record of a run shows: the claims of a recipe, each weighed by a small function over DataFrames."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import pandas as pd

from wflab.recipes.recipe import Recipe, Value, in_words

ENDED_AS_DECLARED = "ended_as_declared"
Verdict = Literal["pass", "fail", "pending"]


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A run that has ended, for the functions that check claims.

    `spans` (the columns of `run.spans()`) are those of the run, of its earlier generations and of its children; `history` (of `run.history()`) is of its
    last generation. `names` are plain values that the code bound, `others` other runs that it did, by their names. `failure` is one line.
    """

    knobs: Mapping[str, Value]
    status: str
    output: Any
    failure: str
    took_s: float
    spans: pd.DataFrame
    history: pd.DataFrame
    names: Mapping[str, Any] = {}
    others: Mapping[str, "Recorded"] = {}

    def attempts(self, name: str, *, last: bool = False) -> pd.DataFrame:
        """The attempts of an activity, in the order asked for; with `last` those of the last generation."""
        found = self.spans[(self.spans["kind"] == "activity") & (self.spans["name"] == name)]
        return found[found["generation"] == self.spans["generation"].max()] if last else found

    def done(self, name: str | None = None) -> pd.DataFrame:
        """The attempts of activities that returned."""
        found = self.spans[(self.spans["kind"] == "activity") & (self.spans["state"] == "COMPLETED")]
        return found if name is None else found[found["name"] == name]

    def inputs(self, name: str) -> list[Any]:
        """What an activity was given at each first attempt, as the last generation recorded it."""
        asked = self._events("TaskScheduled", name)
        return list(asked[asked["attempt"] == 1]["payload"])

    def results(self, name: str) -> list[Any]:
        """What an activity returned, in the order in which it did."""
        return list(self._events("TaskCompleted", name)["payload"])

    def peak(self, name: str, *, since: str = "started_at") -> int:
        """The most attempts of an activity that were under way at once; with `since="queued_at"` counted from when they were asked for."""
        found = self.attempts(name)
        begun = found[since].dropna()
        steps = [(at, 1) for at in begun] + [(at, -1) for at in found.loc[begun.index, "ended_at"].dropna()]
        count = most = 0
        for _, step in sorted(steps, key=lambda one: (one[0], one[1])):  # who ends at the moment when another begins is no longer there
            count += step
            most = max(most, count)
        return most

    def _events(self, kind: str, name: str) -> pd.DataFrame:
        return self.history[(self.history["type"] == kind) & (self.history["name"] == name)]


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A claim about a run, and what became of it; `found` says what the record has."""

    name: str
    text: str
    verdict: Verdict = "pending"
    found: str = ""


def claimed(recipe: Recipe, knobs: Mapping[str, Value]) -> list[Statement]:
    """What is claimed of a run with these knobs, before anything is known of it."""
    ended = Statement(name=ENDED_AS_DECLARED, text=f"it ended {recipe.ends} within {recipe.seconds:g} s")
    return [ended, *(Statement(name=claim.name, text=in_words(claim.words, knobs)) for claim in recipe.claims)]


def weighed(recipe: Recipe, recorded: Recorded) -> list[Statement]:
    """The claims, each passed or failed. A check that raises has failed, and says what it raised."""
    ended, *others = claimed(recipe, recorded.knobs)
    in_time = recorded.took_s <= recipe.seconds
    why = f": {recorded.failure}" if recorded.failure else ""
    checks: dict[str, Any] = {}
    # the recipe's own functions, as much code of the user's as the recipe is
    exec(compile("\n" * (recipe.checks_line - 1) + recipe.checks, recipe.path, "exec"), checks)  # noqa: S102
    found = [_judged(ended, recorded.status == recipe.ends and in_time, f"{recorded.status} after {recorded.took_s:.1f} s{why}")]
    for statement in others:
        try:
            holds, told = checks[statement.name](recorded)
        except Exception as error:  # noqa: BLE001  # whatever a check raises, the others are told
            holds, told = False, f"the check itself failed: {type(error).__name__}: {error}"
        found.append(_judged(statement, bool(holds), str(told)))
    return found


def _judged(statement: Statement, holds: bool, found: str) -> Statement:  # noqa: FBT001  # the verdict itself
    return msgspec.structs.replace(statement, verdict="pass" if holds else "fail", found=found)
