"""Spans out of the columns of a picture again: for still forms, and for cutting a picture to what a notebook may hold."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from wflab.analytics.span import Span, SpanState
from wflab.views.columns import Columns, unpack

_MICROSECONDS = 1_000_000
_EPOCH = datetime.fromtimestamp(0, UTC)


def spans_from(columns: Columns, parents: Mapping[str, str] | None = None, instance_id: str = "") -> list[Span]:
    """The spans as far as the columns have them. `parents` has the span of its caller for each execution that is a child."""
    values = {name: column.tolist() for name, column in unpack(columns.rows).items()}
    made: list[Span] = []
    for row in range(columns.rows.count):
        made.append(_span({name: column[row] for name, column in values.items()}, columns.tables, made, parents or {}, instance_id))
    return made


def _span(
    row: Mapping[str, float], tables: Mapping[str, list[str]], before: list[Span], parents: Mapping[str, str], instance_id: str
) -> Span:
    def word(name: str) -> str:
        return tables[name][int(row[name])]

    run, kind = word("run"), word("kind")
    event, sequence = _number(row["event"]), _number(row["seq"])
    place = "stall" if kind == "stall" else f"e{sequence}" if event is None else f"a{event}"
    identity = run if kind == "workflow" else f"{run}:{place}"
    call, undoes = int(row["call"]), int(row["undoes"])
    error = word("error") or None
    codes: dict[str, Any] = {name: word(name) for name in ("kind", "phase", "outcome")}
    return Span(
        span_id=identity,
        instance_id=instance_id,
        execution=int(run),
        parent_id=parents.get(run) if kind == "workflow" else run,
        call_id=identity if call == 0 else before[-call].call_id,
        name=word("name"),
        group_key=word("group"),
        attempt=int(row["attempt"]),
        sequence=sequence,
        event_id=event,
        queued_at=_moment(row["queued"]) or _EPOCH,
        started_at=_moment(row["started"]),
        ended_at=_moment(row["ended"]),
        fire_at=_moment(row["fire"]),
        late_at=_moment(row["late"]),
        state=SpanState(word("state")),
        error_type=error and error.partition(":")[0],
        error_fp=error,
        compensates=before[-undoes].call_id if undoes else None,
        raised_by=word("by") or None,
        worker=word("worker") or None,
        child_id=word("child") or None,
        line=int(row["line"]) or None,
        restarts=int(row["restarts"]),
        note=word("note"),
        **codes,
    )


def _number(value: float) -> int | None:
    return None if value != value else int(value)  # noqa: PLR0124  # NaN is not itself


def _moment(microseconds: float) -> datetime | None:
    return None if microseconds != microseconds else datetime.fromtimestamp(microseconds / _MICROSECONDS, UTC)  # noqa: PLR0124  # likewise
