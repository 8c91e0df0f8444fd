"""Questions about `api_calls`, the calls that came in by the lab's sidecars. A page is cut by DuckDB, so a hundred thousand calls cost what fifty do."""

# ruff: noqa: S608 - what is formatted into these statements is ours; what people ask comes as parameters

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import duckdb
import msgspec
import pandas as pd

from wflab.analytics.frames import aware

ORDERS = {
    "at": "occurred_at",
    "took": "duration_ms",
    "api": "api",
    "app": "app_id",
    "method": "method",
    "status": "status",
    "target": "target",
}
PAGE = 100
MOST_ON_A_PAGE = 500
MOST_OF_A_TRACE = 200
BINS = 60
# A stream that its caller ends is CANCELLED, as is a call that nobody wants to hear about any more: no failure of anybody.
FAILED = """
    CASE
        WHEN error IS NOT NULL THEN TRUE
        WHEN regexp_full_match(status, '[0-9]+') THEN status::BIGINT >= 400
        ELSE coalesce(status, 'OK') NOT IN ('OK', 'CANCELLED')
    END
"""
_COLUMNS = f"""
    rowid AS place, occurred_at, coalesce(app_id, '') AS app, api, method, coalesce(target, '') AS target, coalesce(status, '') AS status,
    {FAILED} AS is_failed, duration_ms, coalesce(caller, '') AS caller, coalesce(error, '') AS error
"""
_TEXT = "method, target, caller, error, status, trace, app_id"


class CallScope(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls; nothing given is all. `app` "" are those of the lab's own sidecar. Times are naive or aware UTC."""

    app: str | None = None
    api: str | None = None
    failed: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None
    trace: str | None = None


class Call(NamedTuple):
    """A row of a page, as `_COLUMNS` asks for it."""

    place: int
    occurred_at: datetime
    app: str
    api: str
    method: str
    target: str
    status: str
    is_failed: bool
    duration_ms: float | None
    caller: str
    error: str


class CallSurvey(NamedTuple):
    """What a picture is made of. `apps` and `apis` are (name, calls, failed) under the rest of the scope; `bins` are (ok, failed) from `begin` to `end`."""

    everything: int
    total: int
    failed: int
    p50: float | None
    p95: float | None
    begin: datetime | None
    end: datetime | None
    bins: list[tuple[int, int]]
    apps: list[tuple[str, int, int]]
    apis: list[tuple[str, int, int]]
    calls: list[Call]
    newer: int


class Asked(NamedTuple):
    """One call with what only its details show, and the calls of its trace."""

    call: Call
    trace: str
    request_bytes: int | None
    response_bytes: int | None
    workflow: str | None
    others: list[Call]
    others_total: int


def survey(cursor: duckdb.DuckDBPyConnection, scope: CallScope, *, order: str, first: int, page: int, stand: datetime | None) -> CallSurvey:
    """Count the calls of a scope and cut a page of them; with `stand`, only those up to that moment are on pages, and the rest is counted as newer."""
    where, values = _where(scope)
    total, failed, p50, p95, begin, end = _one(
        cursor,
        f"""
        SELECT count(*), count(*) FILTER ({FAILED}), quantile_cont(duration_ms, 0.5), quantile_cont(duration_ms, 0.95), min(occurred_at), max(occurred_at)
        FROM api_calls{where}
        """,
        values,
    )
    (everything,) = _one(cursor, "SELECT count(*) FROM api_calls", {})
    here, also = (where, values) if stand is None else _where(scope, "occurred_at <= $stand", stand=stand)
    newer = 0 if stand is None else total - _one(cursor, f"SELECT count(*) FROM api_calls{here}", also)[0]
    return CallSurvey(
        everything=everything,
        total=total - newer,
        failed=failed,
        p50=p50,
        p95=p95,
        begin=begin,
        end=end,
        bins=_bins(cursor, where, values, begin, end),
        apps=_groups(cursor, "coalesce(app_id, '')", msgspec.structs.replace(scope, app=None)),
        apis=_groups(cursor, "api", msgspec.structs.replace(scope, api=None)),
        calls=_calls(cursor, f"{here} ORDER BY {_ordered(order)} LIMIT {page} OFFSET {first}", also),
        newer=newer,
    )


def asked_about(cursor: duckdb.DuckDBPyConnection, place: int, at: datetime) -> Asked | None:
    """A call by its place and moment; None where it is no longer there."""
    known = {"place": place, "at": at}
    found = _calls(cursor, " WHERE rowid = $place AND occurred_at = $at", known)
    if not found:
        return None
    trace, request_bytes, response_bytes = _one(
        cursor, "SELECT coalesce(trace, ''), request_bytes, response_bytes FROM api_calls WHERE rowid = $place", {"place": place}
    )
    named = cursor.execute("SELECT name FROM instances WHERE instance_id = $id", {"id": found[0].target}).fetchone()
    others, others_total = [], 0
    if trace:
        others = _calls(cursor, f" WHERE trace = $trace ORDER BY occurred_at, rowid LIMIT {MOST_OF_A_TRACE}", {"trace": trace})
        (others_total,) = _one(cursor, "SELECT count(*) FROM api_calls WHERE trace = $trace", {"trace": trace})
    return Asked(found[0], trace, request_bytes, response_bytes, None if named is None else str(named[0]), others, others_total)


def frame(cursor: duckdb.DuckDBPyConnection, scope: CallScope, limit: int | None = None) -> pd.DataFrame:
    """The calls of a scope, the newest first."""
    where, values = _where(scope)
    cut = "" if limit is None else f" LIMIT {limit:d}"
    query = f"""
        SELECT occurred_at, app_id, api, method, target, status, {FAILED} AS is_failed, duration_ms, trace, caller, error, request_bytes, response_bytes
        FROM api_calls{where} ORDER BY occurred_at DESC, rowid DESC{cut}
    """
    found = aware(cursor.execute(query, values or None).df())
    for column in ("app_id", "target", "status", "trace", "caller", "error"):  # a column of nothing would be numbers
        found[column] = found[column].astype(object).where(found[column].notna(), None)
    for column in ("request_bytes", "response_bytes"):
        found[column] = found[column].astype("Int64")
    return found


def _where(scope: CallScope, *more: str, **values: Any) -> tuple[str, dict[str, Any]]:
    conditions = list(more)
    for name, value, condition in (
        ("app", scope.app, "coalesce(app_id, '') = $app"),
        ("api", scope.api, "api = $api"),
        ("since", _naive(scope.since), "occurred_at >= $since"),
        ("until", _naive(scope.until), "occurred_at <= $until"),
        ("trace", scope.trace, "trace = $trace"),
        ("text", scope.text, f"contains(lower(concat_ws(' ', {_TEXT})), lower($text))"),
    ):
        if value is not None:
            conditions.append(condition)
            values[name] = value
    if scope.failed is not None:
        conditions.append(FAILED if scope.failed else f"NOT ({FAILED})")
    return (f" WHERE {' AND '.join(f'({one})' for one in conditions)}" if conditions else ""), values


def _naive(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(tzinfo=None)


def _ordered(order: str) -> str:
    """Calls that are alike stand as they came, the newest first."""
    way = "DESC" if order.startswith("-") else "ASC"
    column = ORDERS[order.removeprefix("-")]
    rest = "" if column == "occurred_at" else ", occurred_at DESC"
    return f"{column} {way} NULLS LAST{rest}, rowid {way if not rest else 'DESC'}"


def _groups(cursor: duckdb.DuckDBPyConnection, column: str, scope: CallScope) -> list[tuple[str, int, int]]:
    where, values = _where(scope)
    query = f"SELECT {column} AS name, count(*), count(*) FILTER ({FAILED}) FROM api_calls{where} GROUP BY name ORDER BY name"
    return [(str(name), count, failed) for name, count, failed in cursor.execute(query, values or None).fetchall()]


def _bins(
    cursor: duckdb.DuckDBPyConnection, where: str, values: dict[str, Any], begin: datetime | None, end: datetime | None
) -> list[tuple[int, int]]:
    if begin is None or end is None:
        return []
    span = max((end - begin).total_seconds(), 0.001)
    query = f"""
        SELECT least(floor(epoch(occurred_at - $begin) / $span * {BINS}), {BINS - 1})::INT AS bin, count(*) FILTER (NOT ({FAILED})), count(*) FILTER ({FAILED})
        FROM api_calls{where} GROUP BY bin
    """
    found = {place: (ok, failed) for place, ok, failed in cursor.execute(query, {**values, "begin": begin, "span": span}).fetchall()}
    return [found.get(place, (0, 0)) for place in range(BINS)]


def _calls(cursor: duckdb.DuckDBPyConnection, rest: str, values: dict[str, Any]) -> list[Call]:
    return [Call(*row) for row in cursor.execute(f"SELECT {_COLUMNS} FROM api_calls{rest}", values or None).fetchall()]


def _one(cursor: duckdb.DuckDBPyConnection, query: str, values: dict[str, Any]) -> Sequence[Any]:
    row: Sequence[Any] | None = cursor.execute(query, values or None).fetchone()
    return () if row is None else row
