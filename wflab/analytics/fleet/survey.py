"""All that a dashboard shows, asked in one go: the runs are gathered once into a temporary table `fleet`, which is then narrowed step by step.

What each number is on its own, with a query that stands alone, is told by `success`, `lengths`, `failing`, `stuck` and `slo`, which are asked here.
"""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import msgspec

from wfengine.model.instance import Status
from wflab.analytics.fleet import failing, heat, lengths, slo, stuck, success
from wflab.analytics.fleet.answer import Answer
from wflab.analytics.fleet.population import PREPARED, Scope, population
from wflab.analytics.fleet.reaching import Reached, graph, reaching

BINS = 24
PAGE = 50
MOST_ROWS = 500
ORDERS = {
    "instance_id": "instance_id",
    "name": "name",
    "status": "status",
    "created": "created_at",
    "ended": "ended_at",
    "took": "epoch_us(coalesce(ended_at, $now)) - epoch_us(created_at)",
}
_CURVE_POINTS = 100
# What the table holds; the reasons of failures would make it much larger, and are looked up for those that are shown.
_KEPT = """key, instance_id, name, version, app_id, tags, parent, status, created_at, ended_at, updated_at, error_type,
    CASE WHEN ended_at IS NULL THEN failure END AS failure"""
_TREND = """
SELECT name, version, least(floor((epoch_ms(ended_at) - $begin) / $width), $bins - 1)::INTEGER AS bin,
    count(*) FILTER (status = 'COMPLETED'), count(*) FILTER (status IN ('FAILED', 'TERMINATED'))
FROM fleet WHERE ended_at IS NOT NULL GROUP BY ALL"""
_INSTANCES = """
WITH listed AS (SELECT * FROM fleet ORDER BY {order} NULLS FIRST, key DESC LIMIT $most OFFSET $first)
SELECT instance_id, name, version, status, created_at, ended_at,
    CASE WHEN error_type IS NULL THEN '' ELSE concat_ws(': ', error_type, split_part(reason, chr(10), 1)) END
FROM listed
LEFT JOIN (
    SELECT instance, max(failure ->> '$.message') AS reason FROM runs
    WHERE instance IN (SELECT key FROM listed WHERE error_type IS NOT NULL) GROUP BY instance
) AS reasons ON reasons.instance = listed.key
ORDER BY {order} NULLS FIRST, key DESC"""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which instances are listed, and what of them. `order` is one of ORDERS, behind `-` for the largest first."""

    status: str | None = None
    error: str | None = None
    reached: str | None = None
    reached_state: str | None = None
    order: str = "-created"
    first: int = 0
    page: int = PAGE


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """The answers. `states` are without regard to the choice, `instances`, `curve` and `heat` with it; `names`, `versions`, `tags` are what there is to choose from.

    `trends` are (ended well, ended badly) by (name, version) and bin; `oldest` by (name, version); `worst` a failure's fingerprint by `name@version`.
    """

    begin: datetime
    end: datetime
    everything: int
    states: dict[str, int]
    rates: Answer
    whole: Answer
    lengths: Answer
    length: Answer
    budget: Answer
    failures: Answer
    stuck: Answer
    trends: dict[tuple[str, str], list[tuple[int, int]]]
    oldest: dict[tuple[str, str], datetime]
    counts: dict[tuple[str, str], dict[str, int]]
    worst: dict[str, str]
    names: list[str]
    versions: list[str]
    tags: list[str]
    curve: list[float]
    curve_count: int
    heat: heat.HeatMap
    instances: list[tuple[Any, ...]]
    total: int
    reached: Reached | None = None


def survey(  # what is looked at, in what light, and when
    cursor: duckdb.DuckDBPyConnection,
    scope: Scope,
    choice: Choice,
    *,
    held_to: slo.SLO,
    bounds: stuck.Bounds,
    known: Collection[str],
    now: datetime,
    canceled: bool = False,
) -> Survey:
    """Ask it all. `cursor` is one reader's own; the temporary table goes with it."""
    gather(cursor, scope)
    is_stuck = stuck.stuck(cursor, scope, now, known, bounds, of=PREPARED)
    if not scope.children:
        cursor.execute("DELETE FROM fleet WHERE parent IS NOT NULL")
    budget = slo.error_budget(cursor, scope, held_to, now, of=PREPARED)
    _within(cursor, scope)
    by = ["name", "version"]
    begin, end = _window(cursor, scope, now)
    found = _rest(cursor, begin, end)
    rates = success.success_rates(cursor, scope, by, canceled=canceled, of=PREPARED)
    whole = success.success_rates(cursor, scope, None, canceled=canceled, of=PREPARED)
    every, each = lengths.durations(cursor, scope, None, of=PREPARED), lengths.durations(cursor, scope, by, of=PREPARED)
    narrow(cursor, choice, but_for="error")
    broken = failing.failures(cursor, scope, of=PREPARED)
    worst = _worst(broken)
    narrow(cursor, Choice(error=choice.error))
    took, count = _curve(cursor)
    grid = heat.heat_map(cursor, scope, begin, end, of=PREPARED)
    reached = graph(cursor) if scope.name is not None else None
    listed, total = page(cursor, choice, now)
    return Survey(
        begin=begin,
        end=end,
        rates=rates,
        whole=whole,
        length=every,
        lengths=each,
        budget=budget,
        failures=broken,
        stuck=is_stuck,
        worst=worst,
        curve=took,
        curve_count=count,
        heat=grid,
        instances=listed,
        total=total,
        reached=reached,
        **found,
    )


def gather(cursor: duckdb.DuckDBPyConnection, scope: Scope) -> None:
    """Make the table `fleet` of a scope's runs, children and all times included."""
    found = population(msgspec.structs.replace(scope, since=None, until=None, status=None, children=True))
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE fleet AS {found.sql} SELECT {_KEPT} FROM fleet", found.parameters or None)  # noqa: S608  # ours


def chosen(cursor: duckdb.DuckDBPyConnection, scope: Scope, choice: Choice) -> list[int]:
    """The keys of all instances that a scope and a choice leave, the newest first."""
    gather(cursor, scope)
    if not scope.children:
        cursor.execute("DELETE FROM fleet WHERE parent IS NOT NULL")
    _within(cursor, scope)
    narrow(cursor, choice)
    return [key for (key,) in cursor.execute("SELECT key FROM fleet ORDER BY key DESC").fetchall()]


def narrow(cursor: duckdb.DuckDBPyConnection, choice: Choice, *, but_for: str = "") -> None:
    """Leave in `fleet` only what was chosen."""
    if choice.status is not None:
        known = [str(status) for status in Status]
        if choice.status == "UNKNOWN":
            cursor.execute("DELETE FROM fleet WHERE status IN (SELECT unnest($known))", {"known": known})
        else:
            cursor.execute("DELETE FROM fleet WHERE status <> $status", {"status": choice.status})
    if choice.reached is not None:
        cursor.execute(
            f"DELETE FROM fleet WHERE key NOT IN ({reaching('fleet')})",  # noqa: S608  # ours
            {"reached": choice.reached, "reached_state": choice.reached_state},
        )
    if choice.error is not None and but_for != "error":
        causes = f"WITH RECURSIVE ready AS (SELECT 1),{failing.CAUSES} SELECT key FROM causes WHERE fingerprint = $error"  # noqa: S608  # ours
        keys = [key for (key,) in cursor.execute(causes, {"error": choice.error}).fetchall()]
        cursor.execute("DELETE FROM fleet WHERE key NOT IN (SELECT unnest($keys::BIGINT[]))", {"keys": keys})


def page(cursor: duckdb.DuckDBPyConnection, choice: Choice, now: datetime) -> tuple[list[tuple[Any, ...]], int]:
    """A page of instances as (instance_id, name, version, status, created, ended, note), and how many there are."""
    column = choice.order.removeprefix("-")
    order = f"{ORDERS.get(column, ORDERS['created'])} {'DESC' if choice.order.startswith('-') else 'ASC'}"
    parameters: dict[str, Any] = {"most": min(choice.page, MOST_ROWS), "first": max(0, choice.first)}
    if column == "took":
        parameters["now"] = now.replace(tzinfo=None)
    rows = cursor.execute(_INSTANCES.format(order=order), parameters).fetchall()
    return rows, _number(cursor, "SELECT count(*) FROM fleet")


def _within(cursor: duckdb.DuckDBPyConnection, scope: Scope) -> None:
    if scope.since is not None:
        cursor.execute("DELETE FROM fleet WHERE ended_at < $since", {"since": _naive(scope.since)})
    if scope.until is not None:
        cursor.execute("DELETE FROM fleet WHERE ended_at IS NULL OR ended_at >= $until", {"until": _naive(scope.until)})


def _window(cursor: duckdb.DuckDBPyConnection, scope: Scope, now: datetime) -> tuple[datetime, datetime]:
    """What the trends span: the scope's window, or from the first end to the last."""
    bounds = cursor.execute("SELECT min(ended_at), max(ended_at) FROM fleet").fetchone()
    first, last = bounds if bounds is not None and bounds[0] is not None else (now.replace(tzinfo=None),) * 2
    begin = scope.since or first
    end = scope.until or (now if scope.since is not None else last)
    begin, end = _naive(begin).replace(tzinfo=UTC), _naive(end).replace(tzinfo=UTC)
    return begin, max(end, begin + timedelta(seconds=1))


def _rest(cursor: duckdb.DuckDBPyConnection, begin: datetime, end: datetime) -> dict[str, Any]:
    width = (end - begin).total_seconds() * 1000 / BINS
    trends: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for name, version, place, well, badly in cursor.execute(
        _TREND, {"begin": begin.timestamp() * 1000, "width": width, "bins": BINS}
    ).fetchall():
        trends.setdefault((name, version), [(0, 0)] * BINS)[max(0, place)] = (well, badly)
    counts: dict[tuple[str, str], dict[str, int]] = {}
    states: dict[str, int] = {}
    known = {str(status) for status in Status}
    for name, version, status, count in cursor.execute(
        "SELECT name, version, status, count(*) FROM fleet GROUP BY ALL ORDER BY ALL"
    ).fetchall():
        state = status if status in known else "UNKNOWN"
        of = counts.setdefault((name, version), {})
        of[state] = of.get(state, 0) + count
        states[state] = states.get(state, 0) + count
    oldest = cursor.execute("SELECT name, version, min(created_at) FROM fleet WHERE ended_at IS NULL GROUP BY ALL").fetchall()
    tags = cursor.execute(
        "SELECT DISTINCT unnest(json_keys(tags)) AS key FROM fleet WHERE tags IS NOT NULL AND tags <> '{}' ORDER BY key LIMIT 50"
    ).fetchall()
    return {
        "everything": _number(cursor, "SELECT count(DISTINCT instance) FROM runs WHERE generation = 0"),
        "trends": trends,
        "counts": counts,
        "states": states,
        "oldest": {(name, version): at.replace(tzinfo=UTC) for name, version, at in oldest},
        "names": sorted({name for name, _ in counts}),
        "versions": sorted({version for _, version in counts}),
        "tags": [key for (key,) in tags],
    }


def _worst(broken: Answer) -> dict[str, str]:
    """The most frequent of the fingerprints that runs of a workflow's version failed of; the frame is ordered by count."""
    worst: dict[str, str] = {}
    for fingerprint, versions in zip(broken["fingerprint"], broken["versions"], strict=True):
        for title in versions:
            worst.setdefault(title, str(fingerprint))
    return worst


def _curve(cursor: duckdb.DuckDBPyConnection) -> tuple[list[float], int]:
    """The lengths in seconds at even shares from the shortest to the longest, and of how many runs."""
    shares = [place / _CURVE_POINTS for place in range(_CURVE_POINTS + 1)]
    found = cursor.execute(
        "SELECT quantile_cont((epoch_us(ended_at) - epoch_us(created_at)) / 1e6, $shares), count(*) FROM fleet WHERE ended_at IS NOT NULL",
        {"shares": shares},
    ).fetchone()
    return ([], 0) if found is None or found[0] is None else (list(found[0]), int(found[1]))


def _number(cursor: duckdb.DuckDBPyConnection, query: str) -> int:
    found = cursor.execute(query).fetchone()
    return 0 if found is None else int(found[0])


def _naive(moment: datetime) -> datetime:
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
