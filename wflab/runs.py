"""`lab.runs`: the instances of a lab, narrowed down step by step and asked for at the end."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import pandas as pd

from wfengine.errors import InvalidArgument
from wfengine.model.instance import Instance, Status
from wfengine.model.payload import UNSET
from wfengine.runtime.engine import Engine
from wfengine.store.reading import instances_from
from wfengine.store.rows import RUNS_COLUMNS
from wflab.analytics.durations import span_text
from wflab.analytics.frames import runs_frame
from wflab.analytics.span import SpanState
from wflab.analytics.spans_of_time import span_of
from wflab.bulk import Bench, BulkAct
from wflab.bulk_acts import BulkActs

__all__ = ["Runs", "span_of"]

_COLUMNS = ", ".join("key" if column == "instance" else column for column in RUNS_COLUMNS)
_MOST_SHOWN = 50
_TAG = "(tags::JSON::MAP(VARCHAR, VARCHAR))[${}]"


class Runs:
    """Lazy: nothing is asked before `df()`, `count()`, `list()` or an act, and then everything durable is in the answer.

    `bench` is the lab that acts are done with. `said` is the chain as code, which dry runs and the audit repeat. `of` is the view that is asked.
    """

    def __init__(
        self,
        engine: Engine,
        conditions: tuple[str, ...] = (),
        parameters: Mapping[str, Any] | None = None,
        of: str = "instances",
        *,
        bench: Bench | None = None,
        said: str = "lab.runs",
    ) -> None:
        self._engine = engine
        self._conditions = conditions
        self._parameters = dict(parameters or {})
        self._of = of
        self._bench = bench
        self._said = said

    def where(
        self,
        *,
        name: str | None = None,
        status: str | Enum | None = None,
        instance_id: str | None = None,
        tag: str | None = None,
        tags: Mapping[str, str] | None = None,
        version: str | None = None,
        app_id: str | None = None,
    ) -> "Runs":
        """Only instances for which all of this is so.

        `name`: of this workflow. `status`: in this status (text in any case, a Status or a WorkflowStatus). `instance_id`: with this id. `tag`: with a
        tag of this name. `tags`: with these tags, and these values. `version`: of the version of this name, or whose code's hash begins so.
        `app_id`: of this app.
        """
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
        if tag is not None:
            runs = runs.narrowed(f"{_TAG} IS NOT NULL", tag)
        if tags is not None and not isinstance(tags, Mapping):
            raise InvalidArgument(
                f"tags are text to text, such as {{'team': 'billing'}}, not {tags!r:.80}; a tag whatever its value is tag='team'."
            )
        for key, value in (tags or {}).items():
            runs = runs.narrowed(f"{_TAG} = ${{}}", key, value)
        if version is not None:
            runs = runs.narrowed("(version = ${0} OR starts_with(code_hash, ${0}))", version)
        if app_id is not None:
            runs = runs.narrowed("app_id = ${}", app_id)
        asked = {"name": name, "status": None if status is None else wanted, "instance_id": instance_id}
        return runs.saying("where", **asked, tag=tag, tags=tags and dict(tags), version=version, app_id=app_id)

    def reached(self, name: str, status: str | Enum | None = None) -> "Runs":
        """Only instances that asked for the activity, child workflow, timer or event of this name; with `status`, of which one stands so.

        `status` is a span's state (`run.spans()`): FAILED finds runs with a failed attempt, also where the next one succeeded.
        """
        if status is None:
            return self.narrowed("key IN (SELECT key FROM spans WHERE name = ${0} AND kind <> 'workflow')", name).saying("reached", name)
        wanted = status.name if isinstance(status, Enum) else str(status).upper()
        if wanted not in SpanState.__members__:
            raise InvalidArgument(f"There is no state {status!r}; there are {', '.join(SpanState)}.")
        query = "key IN (SELECT key FROM spans WHERE name = ${0} AND state = ${1} AND kind <> 'workflow')"
        return self.narrowed(query, name, wanted).saying("reached", name, status=wanted)

    def since(self, span: str | timedelta | datetime) -> "Runs":
        """Only instances started within this span before now (a timedelta, or text such as '24h', '90m', '7d'), or from this moment on (naive: UTC)."""
        return self.narrowed("created_at >= ${}", self._moment(span, "since")).saying("since", span)

    def until(self, span: str | timedelta | datetime) -> "Runs":
        """Only instances started longer ago than this span before now, or before this moment; `.since('7d').until('1d')` is six days."""
        return self.narrowed("created_at < ${}", self._moment(span, "until")).saying("until", span)

    def _moment(self, span: str | timedelta | datetime, verb: str) -> datetime:
        if isinstance(span, datetime):
            return (span.replace(tzinfo=UTC) if span.tzinfo is None else span.astimezone(UTC)).replace(tzinfo=None)
        try:
            return (self._engine.now() - (span_of(span) if isinstance(span, str) else span)).replace(tzinfo=None)
        except OverflowError:
            raise InvalidArgument(f"{span} reaches back before the year 1; leave out .{verb}() for all runs.") from None
        except TypeError:
            raise InvalidArgument(f".{verb}() takes text such as '24h', a timedelta or a datetime, not {span!r}.") from None

    @property
    def parameters(self) -> dict[str, Any]:
        """What the names in `sql()` stand for: `lab.sql(runs.sql(), **runs.parameters)`."""
        return dict(self._parameters)

    def sql(self) -> str:
        """The query behind `df()`, newest first; its parameters are named (`parameters`)."""
        where = f" WHERE {' AND '.join(self._conditions)}" if self._conditions else ""
        return f"SELECT {_COLUMNS} FROM {self._of}{where} ORDER BY key DESC"  # noqa: S608  # conditions are ours, values are parameters

    def ids(self) -> list[str]:
        """The instances' ids, newest first."""
        with self._engine.store.cursor() as cursor:
            found = cursor.execute(f"SELECT instance_id FROM ({self.sql()})", self._parameters or None).fetchall()  # noqa: S608  # as above
        return [instance_id for (instance_id,) in found]

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
        said = f"{self._said}.of_executions(...)"
        executions = Runs(self._engine, self._conditions, self._parameters, "executions", bench=self._bench, said=said)
        return executions.narrowed("key IN (SELECT unnest(${}::BIGINT[]))", list(keys))

    def narrowed(self, condition: str, *values: Any) -> "Runs":
        """These with one more SQL condition; `{}`, or `{0}`, `{1}`, in it stand for the values' names as parameters."""
        names = [f"p{len(self._parameters) + place}" for place in range(len(values))]
        given = dict(zip(names, values, strict=True))
        conditions = (*self._conditions, condition.format(*names))
        return Runs(self._engine, conditions, {**self._parameters, **given}, self._of, bench=self._bench, said=self._said)

    # Acts on all of them. Each gives a dry run to look at; `.confirm()` on that does it, or `confirm=N` here, where N names the count.

    def terminate(self, output: Any = None, *, recursive: bool = True, confirm: int | None = None) -> "BulkAct | pd.DataFrame":
        """End them now, with their children; activities under way are not stopped, their results are ignored."""
        return _decided(self._acts().terminate(output, recursive=recursive), confirm)

    def suspend(self, *, confirm: int | None = None) -> "BulkAct | pd.DataFrame":
        """Let them rest: what arrives waits, in order, until `resume()`."""
        return _decided(self._acts().suspend(), confirm)

    def resume(self, *, confirm: int | None = None) -> "BulkAct | pd.DataFrame":
        """Let the suspended ones go on."""
        return _decided(self._acts().resume(), confirm)

    def purge(self, *, recursive: bool = True, force: bool = False, confirm: int | None = None) -> "BulkAct | pd.DataFrame":
        """Delete the ended ones with their whole history (and their children's); with `force` whatever their state."""
        return _decided(self._acts().purge(recursive=recursive, force=force), confirm)

    def raise_event(self, name: str, data: Any = None, *, confirm: int | None = None) -> "BulkAct | pd.DataFrame":
        """Deliver an external event to those that have not ended."""
        return _decided(self._acts().raise_event(name, data), confirm)

    def rerun(self, from_step: str | None = None, *, input: Any = UNSET, confirm: int | None = None) -> "BulkAct | pd.DataFrame":
        """A new run for each ended one, from the step that failed last, or from the first step of a name; `input` replaces what that was given."""
        return _decided(self._acts().rerun(from_step, input=input), confirm)

    def fork(
        self,
        at: int | None = None,
        *,
        edit: Mapping[int | str, Any] | None = None,
        code: Callable[..., Any] | str | None = None,
        confirm: int | None = None,
    ) -> "BulkAct | pd.DataFrame":
        """A new run for each that shares its past up to event `at` and goes on from there; the arguments are those of `Run.fork`."""
        return _decided(self._acts().fork(at, edit=edit, code=code), confirm)

    def _acts(self) -> BulkActs:
        if self._bench is None:
            raise InvalidArgument("These runs belong to no lab that could act on them; begin with lab.runs.")
        return BulkActs(self._bench, self.list(), self._said)

    def saying(self, verb: str, *values: Any, **named: Any) -> "Runs":
        """These, with the call that made them of others added to their code."""
        told = [repr(value) for value in values] + [f"{key}={value!r}" for key, value in named.items() if value is not None]
        said = f"{self._said}.{verb}({', '.join(told)})"
        return Runs(self._engine, self._conditions, self._parameters, self._of, bench=self._bench, said=said)

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


def _decided(plan: BulkAct, confirm: int | None) -> BulkAct | pd.DataFrame:
    return plan if confirm is None else plan.expecting(confirm)


def _readable(frame: pd.DataFrame) -> pd.DataFrame:
    """As a person looks at it: times to the second, spans in words, and no column that says nothing."""
    spans = ["" if pd.isna(span) else span_text(span.total_seconds()) for span in frame["duration"]]
    shown = frame.assign(started=frame["created_at"].dt.strftime("%Y-%m-%d %H:%M:%S UTC"), duration=spans)
    columns = ["name", "status", "started", "duration", "input", "output"]
    columns += [column for column in ("error", "tags") if frame[column].map(bool).any()]
    return shown[[*columns, "instance_id"]]


def _more(total: int) -> str:
    return f"\nshowing {_MOST_SHOWN} of {total}; lab.runs.df() has all" if total > _MOST_SHOWN else ""
