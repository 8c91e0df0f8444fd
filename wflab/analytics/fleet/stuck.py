"""Runs that stand still and should not, each with one reason, the first that holds of a ranked list, and what to do about it.

The bounds are in the query as parameters, so that whoever asks "why is this one not in the list" can ask with others.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import duckdb
import msgspec
import pandas as pd

from wfengine.model.payload import LARGEST_BYTES
from wflab.analytics.durations import span_text
from wflab.analytics.fleet.answer import Answer, Asked
from wflab.analytics.fleet.population import Population, Scope, population

# What a timer that fires in three days, a wait without an SLA, a queue of an hour that started late have in common: none of these holds.
_QUESTION = """{population},
live AS (SELECT * FROM fleet WHERE ended_at IS NULL),
happened AS (SELECT h.* FROM history AS h SEMI JOIN live AS l ON l.key = h.instance),
ends AS (
    SELECT instance, event_id FROM happened
    WHERE type IN ('TaskCompleted', 'TaskFailed', 'TimerFired', 'ChildWorkflowInstanceCompleted', 'ChildWorkflowInstanceFailed')
),
underway AS (
    SELECT h.* FROM happened AS h ANTI JOIN ends AS e ON e.instance = h.instance AND e.event_id = h.event_id
    WHERE h.type IN ('TaskScheduled', 'TimerCreated', 'ChildWorkflowInstanceCreated')
),
usual AS (
    SELECT s.name, quantile_cont(f.duration_ms, 0.99) / 1000 AS p99
    FROM history AS s JOIN history AS f ON f.instance = s.instance AND f.event_id = s.event_id AND f.type = 'TaskCompleted'
    WHERE s.type = 'TaskScheduled' AND s.name IN (SELECT name FROM underway WHERE type = 'TaskScheduled') GROUP BY s.name
),
known AS (SELECT unnest($known) AS code),
of_run AS (SELECT instance AS key, count(*) AS events, max(occurred_at) AS last_at, max(payload_bytes(data)) AS largest FROM happened GROUP BY instance),
waiting AS (SELECT DISTINCT instance AS key FROM underway WHERE type <> 'TaskScheduled'),
generations AS (
    SELECT instance_id, count(*) AS generations FROM runs
    WHERE status = 'CONTINUED_AS_NEW' AND updated_at >= $now::TIMESTAMP - INTERVAL 1 HOUR GROUP BY instance_id
),
found AS (
    SELECT key, 1 AS rank, 'stalled' AS reason, updated_at AS since, coalesce(failure ->> '$.message', '') AS what, NULL::DOUBLE AS figure
    FROM live WHERE status = 'STALLED'
    UNION ALL
    SELECT key, 2, 'no worker', created_at, 'workflow ' || name, NULL FROM live
    WHERE status IN ('PENDING', 'RUNNING') AND created_at <= $now AND 'workflow ' || app_id || ' ' || name NOT IN (FROM known)
    UNION ALL
    SELECT u.instance, 2, 'no worker', u.occurred_at, 'activity ' || u.name, NULL
    FROM underway AS u JOIN live AS l ON l.key = u.instance
    WHERE u.type = 'TaskScheduled' AND coalesce(u.detail ->> '$.is_inline', 'false') <> 'true'
        AND 'activity ' || coalesce(u.app_id, l.app_id) || ' ' || u.name NOT IN (FROM known)
    UNION ALL
    SELECT u.instance, 3, 'timer overdue', u.fire_at, coalesce(u.name, ''), NULL
    FROM underway AS u JOIN live AS l ON l.key = u.instance AND l.status <> 'SUSPENDED'
    WHERE u.type = 'TimerCreated' AND u.fire_at < $now::TIMESTAMP - to_seconds($overdue)
    UNION ALL
    SELECT u.instance, 4, 'no progress', u.occurred_at, u.name, n.p99
    FROM underway AS u LEFT JOIN usual AS n ON n.name = u.name
    WHERE u.type = 'TaskScheduled' AND u.occurred_at < $now::TIMESTAMP - to_seconds(greatest($still, 3 * coalesce(n.p99, 0)))
    UNION ALL
    SELECT l.key, 4, 'no progress', r.last_at, '', NULL
    FROM live AS l JOIN of_run AS r USING (key) ANTI JOIN waiting AS w ON w.key = l.key ANTI JOIN underway AS u ON u.instance = l.key
    WHERE l.status IN ('PENDING', 'RUNNING') AND greatest(r.last_at, l.created_at) < $now::TIMESTAMP - to_seconds($still)
    UNION ALL
    SELECT instance, 5, 'retry storm', min(occurred_at), any_value(name), max(attempt)
    FROM underway
    WHERE type = 'TaskScheduled' AND attempt >= $attempts OR type = 'TimerCreated' AND origin = 'activity_retry' AND attempt >= $attempts
    GROUP BY instance{waits}
    UNION ALL
    SELECT l.key, 7, 'continues as new', l.updated_at, '', g.generations FROM live AS l JOIN generations AS g USING (instance_id)
    WHERE g.generations > $generations
    UNION ALL
    SELECT l.key, 8, 'long history', l.created_at, '', r.events FROM live AS l JOIN of_run AS r USING (key) WHERE r.events > $events
    UNION ALL
    SELECT l.key, 8, 'large payload', l.created_at, '', r.largest FROM live AS l JOIN of_run AS r USING (key) WHERE r.largest > $payload
    UNION ALL
    SELECT key, 9, 'suspended', updated_at, '', NULL FROM live
    WHERE status = 'SUSPENDED' AND updated_at < $now::TIMESTAMP - to_seconds($suspended)
)
SELECT l.instance_id, l.name, l.status, f.reason, f.since, f.what, f.figure, l.created_at AS started, f.rank
FROM found AS f JOIN live AS l USING (key)
QUALIFY row_number() OVER (PARTITION BY f.key ORDER BY f.rank, f.since) = 1
ORDER BY f.rank, f.since"""
_WAITS = """
    UNION ALL
    SELECT w.key, 6, 'unanswered', w.waiting_since, w.event_name, NULL FROM waits AS w
    WHERE w.waiting_since < $now::TIMESTAMP - to_seconds($answer)"""
_LONGEST_WHAT = 200
DEFINITION = (
    "Stuck, by the first of: STALLED; no worker registered; a timer overdue by more than 30 s; no progress for more than 10 min and three times "
    "the p99 of that step; attempt 5 or later still failing; an event unanswered for longer than the SLO's `answer`; more than 1,000 "
    "generations in an hour; more than 10,000 events of history; a payload above 80 % of what can be kept; suspended for more than 24 h. Waiting, for a timer or a person, is not being stuck."
)


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """From where on a run counts as stuck. `payload` is in bytes of JSON text."""

    overdue: timedelta = timedelta(seconds=30)
    still: timedelta = timedelta(minutes=10)
    attempts: int = 5
    answer: timedelta | None = None
    generations: int = 1_000
    events: int = 10_000
    payload: int = LARGEST_BYTES * 8 // 10
    suspended: timedelta = timedelta(hours=24)


def asked(scope: Scope, now: datetime, known: Collection[str], bounds: Bounds, *, of: Population | None = None) -> Asked:
    """The query; `of` stands for the scope's runs where they are at hand. `known` is what has code here, as `workflow <app> <name>` and `activity <app> <name>`, the lab's own app being empty."""
    found = of or population(msgspec.structs.replace(scope, since=None, until=None))
    parameters: dict[str, Any] = {**found.parameters, "now": now.replace(tzinfo=None), "known": sorted(known)}
    for field, value in msgspec.structs.asdict(bounds).items():
        if value is not None:
            parameters[field] = value.total_seconds() if isinstance(value, timedelta) else value
    sql = _QUESTION.format(population=found.sql, waits="" if bounds.answer is None else _WAITS)
    return Asked(sql=sql, parameters=parameters, definition=DEFINITION)


def stuck(
    cursor: duckdb.DuckDBPyConnection,
    scope: Scope,
    now: datetime,
    known: Collection[str],
    bounds: Bounds,
    *,
    of: Population | None = None,
) -> Answer:
    """One row per run that is stuck, the worst first: instance_id, name, status, reason, since, `why` in words, the `remedy`, started."""
    question = asked(scope, now, known, bounds, of=of)
    frame = question.frame(cursor)
    rows = [_told(row, now) for row in frame.to_dict("records")]
    frame["why"] = pd.Series([why for why, _ in rows], dtype=object)
    frame["remedy"] = pd.Series([remedy for _, remedy in rows], dtype=object)
    return question.answer(frame[["instance_id", "name", "status", "reason", "since", "why", "remedy", "started"]])


def _told(row: Mapping[Any, Any], now: datetime) -> tuple[str, str]:
    """Why it is stuck, and what to do."""
    run, ago = f"lab.get({row['instance_id']!r})", span_text((now - row["since"].to_pydatetime()).total_seconds())
    what = str(row["what"]).partition("\n")[0].strip()[:_LONGEST_WHAT]
    figure = 0.0 if pd.isna(row["figure"]) else row["figure"]
    told = {
        "stalled": (
            f"STALLED for {ago}: {what or 'its code does not agree with its history'}",
            f"Register the code it started with ({run}.source()), or add a patch or a version; it goes on by itself.",
        ),
        "no worker": (f"No worker has the {what}, for {ago}", f"Run the cell that defines the {what}; it goes on by itself."),
        "timer overdue": (
            f"A timer{f' of {what}' if what else ''} is overdue by {ago}",
            "Look at lab.status: the engine may be paused or busy. Opening the lab again sets all timers anew.",
        ),
        "no progress": (
            f"{what} has run for {ago}" + (f", {_times(row, now, figure)} its p99" if figure else "")
            if what
            else f"Nothing has happened for {ago}",
            f"{run}.why() says what it waits for. Give {what} a timeout, or terminate and rerun it."
            if what
            else f"{run}.why() says what it waits for; lab.status, whether the engine is busy or at its limits.",
        ),
        "retry storm": (
            f"{what} still fails at attempt {figure:.0f}",
            f"Mend {what} and run its cell again: the next attempt takes the new code. Or stop it: {run}.terminate()",
        ),
        "unanswered": (f"Waits for the event {what!r} for {ago}", f"Answer it: {run}.raise_event({what!r}, data), or in lab.inbox()."),
        "continues as new": (
            f"{figure:,.0f} generations within an hour",
            "Let it wait between generations (ctx.create_timer), or take more work into each.",
        ),
        "long history": (
            f"{figure:,.0f} events of history",
            "Call ctx.continue_as_new(...) from time to time: each replay reads all of them.",
        ),
        "large payload": (
            f"A payload of {figure / 2**20:,.0f} MiB, {figure / LARGEST_BYTES:.0%} of what can be kept",
            "Keep what is large in a file or a table, and pass on where it is.",
        ),
        "suspended": (f"Suspended for {ago}", f"{run}.resume() lets it go on; {run}.terminate() ends it."),
    }
    return told[row["reason"]]


def _times(row: Mapping[Any, Any], now: datetime, p99: float) -> str:
    return f"{(now - row['since'].to_pydatetime()).total_seconds() / p99:,.0f} times"
