"""`lab.runs`: the instances of a lab, narrowed down step by step and asked for at the end."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from enum import Enum
from typing import Any

import pandas as pd

from wfengine.errors import InvalidArgument
from wfengine.model.instance import Instance, Status
from wfengine.runtime.engine import Engine
from wfengine.store.reading import instances_from
from wfengine.store.rows import RUNS_COLUMNS
from wflab.analytics.durations import span_text
from wflab.analytics.frames import runs_frame
from wflab.analytics.span import SpanState
from wflab.analytics.spans_of_time import span_of

__all__ = ["Runs", "span_of"]

_COLUMNS = ", ".join("key" if column == "instance" else column for column in RUNS_COLUMNS)
_MOST_SHOWN = 50


class Runs:
    """Lazy: nothing is asked before `df()`, `count()` or `list()`, and then everything durable is in the answer."""

    def __init__(
        self, engine: Engine, conditions: tuple[str, ...] = (), parameters: Mapping[str, Any] | None = None, of: str = "instances"
    ) -> None:
        self._engine = engine
        self._conditions = conditions
        self._parameters = dict(parameters or {})
        self._of = of

    def where(self, *, name: str | None = None, status: str | Enum | None = None, instance_id: str | None = None) -> "Runs":
        """Only instances of this workflow, in this status (text in any case, a Status or a WorkflowStatus), with this id."""
        runs = self
        if status is not None:
            wanted = status.name if isinstance(status, Enum) else str(status).upper()
            if wanted not in set(Status):
                raise InvalidArgument(f"There is no status {status!r}; there are {', '.join(Status)}.")
            runs = runs.narrowed("status = ${}", wanted)
        if name is not None:
            runs = runs.narrowed("name = ${}", name)
        if instance_id is not None:
            runs = runs.narrowed("instance_id = ${}", instance_id)
        return runs

    def reached(self, name: str, status: str | Enum | None = None) -> "Runs":
        """Only instances that asked for the activity, child workflow, timer or event of this name; with `status`, of which one stands so.

        `status` is a span's state (`run.spans()`): FAILED finds runs with a failed attempt, also where the next one succeeded.
        """
        if status is None:
            return self.narrowed("key IN (SELECT key FROM spans WHERE name = ${0} AND kind <> 'workflow')", name)
        wanted = status.name if isinstance(status, Enum) else str(status).upper()
        if wanted not in SpanState.__members__:
            raise InvalidArgument(f"There is no state {status!r}; there are {', '.join(SpanState)}.")
        return self.narrowed("key IN (SELECT key FROM spans WHERE name = ${0} AND state = ${1} AND kind <> 'workflow')", name, wanted)

    def since(self, span: str | timedelta) -> "Runs":
        """Only instances started within this span before now: a timedelta, or text such as '24h', '90m', '7d'."""
        try:
            since = self._engine.now() - (span_of(span) if isinstance(span, str) else span)
        except OverflowError:
            raise InvalidArgument(f"{span} reaches back before the year 1; leave out .since() for all runs.") from None
        return self.narrowed("created_at >= ${}", since.replace(tzinfo=None))

    def sql(self) -> str:
        """The query behind `df()`, newest first; its parameters are named."""
        where = f" WHERE {' AND '.join(self._conditions)}" if self._conditions else ""
        return f"SELECT {_COLUMNS} FROM {self._of}{where} ORDER BY key DESC"  # noqa: S608  # conditions are ours, values are parameters

    def list(self) -> list[Instance]:
        """The instances' present states, newest first."""
        with self._engine.store.cursor() as cursor:
            return instances_from(cursor, self.sql(), self._parameters or None)

    def df(self) -> pd.DataFrame:
        """One row per instance, newest first; see `runs_frame` for the columns."""
        return runs_frame(self.list())

    def count(self) -> int:
        """How many there are."""
        with self._engine.store.cursor() as cursor:
            found = cursor.execute(f"SELECT count(*) FROM ({self.sql()})", self._parameters or None).fetchone()  # noqa: S608  # as above
        return 0 if found is None else int(found[0])

    def of_executions(self, keys: Sequence[int]) -> "Runs":
        """Only these executions, also where their ids were used again since."""
        return Runs(self._engine, self._conditions, self._parameters, "executions").narrowed(
            "key IN (SELECT unnest(${}::BIGINT[]))", list(keys)
        )

    def narrowed(self, condition: str, *values: Any) -> "Runs":
        """These with one more SQL condition; `{}`, or `{0}`, `{1}`, in it stand for the values' names as parameters."""
        names = [f"p{len(self._parameters) + place}" for place in range(len(values))]
        given = dict(zip(names, values, strict=True))
        return Runs(self._engine, (*self._conditions, condition.format(*names)), {**self._parameters, **given}, self._of)

    def __iter__(self) -> Iterator[Instance]:
        return iter(self.list())

    def __len__(self) -> int:
        return self.count()

    def __repr__(self) -> str:
        frame = self.df()[["instance_id", "name", "status", "created_at"]]
        return "no runs yet" if frame.empty else str(frame.head(_MOST_SHOWN).to_string(index=False)) + _more(len(frame))

    def _repr_html_(self) -> str:
        frame = self.df()
        if frame.empty:
            return "<p>No runs yet. Start one: <code>lab.start(workflow, input)</code></p>"
        return _readable(frame.head(_MOST_SHOWN)).to_html(index=False, border=0, na_rep="", justify="left") + f"<p>{_more(len(frame))}</p>"


def _readable(frame: pd.DataFrame) -> pd.DataFrame:
    """As a person looks at it: times to the second, spans in words, and no column that says nothing."""
    spans = ["" if pd.isna(span) else span_text(span.total_seconds()) for span in frame["duration"]]
    shown = frame.assign(started=frame["created_at"].dt.strftime("%Y-%m-%d %H:%M:%S UTC"), duration=spans)
    columns = ["name", "status", "started", "duration", "input", "output"]
    columns += [column for column in ("error", "tags") if frame[column].map(bool).any()]
    return shown[[*columns, "instance_id"]]


def _more(total: int) -> str:
    return f"\nshowing {_MOST_SHOWN} of {total}; lab.runs.df() has all" if total > _MOST_SHOWN else ""
