"""Acts on many runs at once: first a dry run that can be read, then, on a second word, the act itself.

A plan names the runs that were looked at; runs that come later are not touched by it. Every act is a row of `audit`.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from html import escape
from time import monotonic
from typing import Any, Literal, Protocol

import msgspec
import pandas as pd

from wfengine.errors import InvalidArgument, WaitTimedOut, WflabError
from wfengine.model.instance import Instance
from wfengine.model.work import AuditRow
from wfengine.runtime.engine import Engine
from wflab.analytics.frames import STATES

Verb = Literal["terminate", "suspend", "resume", "purge", "raise_event", "rerun", "fork"]
_SAMPLE = 5
_LEAST_SECONDS = 0.1
_COLUMNS = ["instance_id", "name", "status", "done", "why"]
_CELL = "padding:2px 10px 2px 0;text-align:left;vertical-align:top"


class Acting(Protocol):
    """What bulk acts need of a lab: `audit` makes the row that an act is recorded with, of what it was and where it was asked for."""

    @property
    def engine(self) -> Engine:
        """The lab's engine."""

    @property
    def audit(self) -> Callable[[str, str], AuditRow]:
        """Makes the row that an act is recorded with."""


class Bench(Acting, Protocol):
    """What the queries need of it, too."""

    def get(self, instance_id: str) -> Any:
        """The run of an id."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A run that was looked at; `refused` says why the act is not for it, `with_parent` that its parent takes it along."""

    instance: Instance
    refused: str | None = None
    with_parent: bool = False


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """How an act is done: what it is called with, what it means in words, and the act on one run.

    `act` gives nothing, an id of a new run, or a future of what is under way. It raises a WflabError where the run refuses.
    """

    verb: Verb
    arguments: str
    meaning: str
    act: Callable[[Instance], "Future[None] | str | None"]


class BulkAct:
    """The dry run of an act: display it, then `confirm()` it. Nothing has happened before that."""

    def __init__(self, way: Way, candidates: Sequence[Candidate], chain: str) -> None:
        self._way = way
        self._candidates = list(candidates)
        self._chain = chain
        self.outcome: pd.DataFrame | None = None

    @property
    def candidates(self) -> Sequence[Candidate]:
        """The runs that were looked at."""
        return self._candidates

    @property
    def count(self) -> int:
        """How many runs it will be done to."""
        return sum(one.refused is None for one in self._candidates)

    def df(self) -> pd.DataFrame:
        """One row per run that was looked at: instance_id, name, status, and `refused`, which says why the act is not for it."""
        rows = [(one.instance.instance_id, one.instance.name, str(one.instance.status), one.refused) for one in self._candidates]
        frame = pd.DataFrame(rows, columns=["instance_id", "name", "status", "refused"])
        frame["status"] = pd.Categorical(frame["status"], categories=STATES, ordered=True)
        return frame

    def confirm(self, *, within_seconds: float | None = None) -> pd.DataFrame:
        """Do it, once; one row per run: instance_id, name, status (before), done, why (not); with `new_id` where the act makes a run.

        What is not begun `within_seconds` is left. Raises InvalidArgument where it was done before.
        """
        if self.outcome is not None:
            raise InvalidArgument(
                f"This {self._way.verb} was done already; its outcome is in `.outcome`. Ask {self._chain} anew for another."
            )
        deadline = None if within_seconds is None else monotonic() + within_seconds
        begun = [(one, self._begin(one, deadline)) for one in self._candidates]
        rows = [(one, *_end(result, deadline)) for one, result in begun]
        self.outcome = _outcome(rows, makes_runs=self._way.verb in {"rerun", "fork"})
        return self.outcome

    def expecting(self, count: int) -> pd.DataFrame:
        """`confirm()`, if exactly so many runs are concerned. Raises InvalidArgument otherwise."""
        if isinstance(count, bool) or not isinstance(count, int) or count != self.count:
            raise InvalidArgument(
                f"confirm={count!r} does not name the count: {self._way.verb} concerns {_runs(self.count)} now. Nothing was done. "
                f"Look at {self._call()} first, then pass confirm={self.count}."
            )
        return self.confirm()

    def _begin(self, one: Candidate, deadline: float | None) -> "Future[None] | str | WflabError | None":
        if one.refused is not None or one.with_parent:
            return None
        if deadline is not None and monotonic() > deadline:
            return WaitTimedOut("There was no time for it; do it again for those that are left.")
        try:
            return self._way.act(one.instance)
        except WflabError as error:
            return error

    def _call(self, extra: str = "") -> str:
        return f"{self._chain}.{self._way.verb}({', '.join(part for part in (self._way.arguments, extra) if part)})"

    def _told(self) -> list[tuple[str, str]]:
        acting = [one.instance for one in self._candidates if one.refused is None]
        refused = Counter(one.refused for one in self._candidates if one.refused is not None)
        told = [
            ("they are", _counted(Counter(str(one.status) for one in acting))),
            ("workflows", _counted(Counter(one.name for one in acting))),
            ("what happens", self._way.meaning),
            ("refused", "; ".join(f"{number:,} {why}" for why, number in refused.most_common())),
            ("to do it", f".confirm(), or {self._call(f'confirm={self.count}')}" if acting else ""),
        ]
        return [(label, text) for label, text in told if text]

    def _title(self) -> str:
        if self.outcome is not None:
            done = int(self.outcome["done"].sum())
            return f"{self._way.verb}: done to {_runs(done)}, refused by {len(self.outcome) - done:,}; see .outcome"
        if not self._candidates:
            return f"{self._way.verb}: {self._chain} finds no runs, so there is nothing to do."
        return f"{self._way.verb} {self.count:,} of {_runs(len(self._candidates))}? Nothing has been done yet."

    def __repr__(self) -> str:
        lines = [] if self.outcome is not None or not self._candidates else [f"  {label:<14}{text}" for label, text in self._told()]
        return "\n".join([self._title(), *lines])

    def _repr_html_(self) -> str:
        if self.outcome is not None or not self._candidates:
            return f"<p>{escape(self._title())}</p>"
        rows = "".join(
            f'<tr><th style="{_CELL}">{escape(label)}</th><td style="{_CELL}">{escape(text)}</td></tr>' for label, text in self._told()
        )
        acting = [one.instance for one in self._candidates if one.refused is None]
        sample = "".join(
            f'<tr><td style="{_CELL}">{escape(one.name)}</td><td style="{_CELL}">{one.status}</td>'
            f'<td style="{_CELL}">{one.created_at:%Y-%m-%d %H:%M:%S} UTC</td><td style="{_CELL}">{escape(one.instance_id)}</td></tr>'
            for one in acting[:_SAMPLE]
        )
        more = f", {_SAMPLE} of {len(acting):,}" if len(acting) > _SAMPLE else ""
        shown = f"<details open><summary>Sample{more}</summary><table>{sample}</table></details>" if acting else ""
        return f"<p><b>{escape(self._title())}</b></p><table>{rows}</table>{shown}"


def planned(instances: Sequence[Instance], refusal: Callable[[Instance], str | None], *, takes_children: bool) -> list[Candidate]:
    """The runs with why some refuse; where an act takes children along, those of a run that is acted on are left to it."""
    why = {one.key: refusal(one) for one in instances}
    acting = {key for key, refused in why.items() if refused is None}
    return [
        Candidate(
            instance=one,
            refused=why[one.key],
            with_parent=takes_children and why[one.key] is None and one.parent is not None and one.parent.key in acting,
        )
        for one in instances
    ]


def _end(result: "Future[None] | str | WflabError | None", deadline: float | None) -> tuple[WflabError | None, str | None]:
    if isinstance(result, WflabError):
        return result, None
    if not isinstance(result, Future):
        return None, result
    try:
        result.result(None if deadline is None else max(_LEAST_SECONDS, deadline - monotonic()))
    except WflabError as error:
        return error, None
    except FutureTimeout:
        return WaitTimedOut("It was asked for and is not recorded yet; it takes effect once it is."), None
    return None, None


def _outcome(rows: Sequence[tuple[Candidate, WflabError | None, str | None]], *, makes_runs: bool) -> pd.DataFrame:
    cells = [
        (
            one.instance.instance_id,
            one.instance.name,
            str(one.instance.status),
            one.refused is None and error is None,
            one.refused or (str(error) if error else "with its parent" if one.with_parent else ""),
            new_id,
        )
        for one, error, new_id in rows
    ]
    frame = pd.DataFrame(cells, columns=[*_COLUMNS, "new_id"])
    frame["status"] = pd.Categorical(frame["status"], categories=STATES, ordered=True)
    frame["done"] = frame["done"].astype(bool)
    return frame if makes_runs else frame[_COLUMNS]


def _counted(counted: Counter[str]) -> str:
    return ", ".join(f"{number:,} {what}" for what, number in counted.most_common(_SAMPLE)) + (
        f" and {len(counted) - _SAMPLE} more" if len(counted) > _SAMPLE else ""
    )


def _runs(number: int) -> str:
    return f"{number:,} run" + ("" if number == 1 else "s")
