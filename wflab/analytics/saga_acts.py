"""What people did about compensations afterwards, written into `audit` and read back from there: it outlives the process as all of that does.

A row says `retry cancel_hotel a5 as RUN`, `skip cancel_hotel a5` or `resolve cancel_hotel a5`; `a5` is the step that was to be undone.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal

import msgspec

VERBS = ("retry", "skip", "resolve")
Verb = Literal["retry", "skip", "resolve"]


class UndoAct(msgspec.Struct, frozen=True, kw_only=True):
    """One act. `run` is the instance that made the retry, `state` how it stands ("" where it is gone), `error` what it failed with."""

    verb: Verb
    undo: str
    who: str
    at: datetime
    why: str = ""
    run: str = ""
    state: str = ""
    error: str = ""


class UndoActs(msgspec.Struct, frozen=True, kw_only=True):
    """All acts on one pair, in order."""

    acts: tuple[UndoAct, ...] = ()

    @property
    def redone(self) -> str:
        """How the best of its retries stands; "" for none, or where a later act counts more than one that has failed."""
        states = [act.state for act in self.acts if act.verb == "retry"]
        if "COMPLETED" in states:
            return "COMPLETED"
        return states[-1] if states and self.acts[-1].verb == "retry" else ""

    @property
    def settled(self) -> Literal["skipped", "resolved"] | None:
        """What a person decided, if that was their last word."""
        last = self.acts[-1].verb if self.acts else ""
        return {"skip": "skipped", "resolve": "resolved"}.get(last)  # type: ignore[return-value]  # the two values are those

    @property
    def last(self) -> UndoAct | None:
        """The newest."""
        return self.acts[-1] if self.acts else None


NO_ACTS = UndoActs()
Outcome = Callable[[str], tuple[str, str]]


def wording(verb: Verb, undo: str, step_id: str, run: str = "") -> str:
    """The `what` of an act's row."""
    return f"{verb} {undo} {step_id}" + (f" as {run}" if run else "")


def acts_of(rows: Iterable[tuple[str, str, str | None, datetime]], outcome: Outcome) -> dict[str, UndoActs]:
    """From rows of `audit` (who, what, why, at), oldest first, to the acts on each step. `outcome` tells a retry's state and error by its run's id."""
    found: dict[str, tuple[UndoAct, ...]] = {}
    for who, what, why, at in rows:
        verb, _, rest = what.partition(" ")
        told, _, run = rest.rpartition(" as ") if verb == "retry" else (rest, "", "")
        undo, _, step_id = told.rpartition(" ")
        if verb not in VERBS or not undo or not step_id.startswith("a") or not step_id[1:].isdecimal():
            continue
        state, error = outcome(run) if run else ("", "")
        act = UndoAct(verb=verb, undo=undo, who=who, at=at, why=why or "", run=run, state=state, error=error)  # type: ignore[arg-type]  # it is one of VERBS
        found[step_id] = (*found.get(step_id, ()), act)
    return {step_id: UndoActs(acts=acts) for step_id, acts in found.items()}
