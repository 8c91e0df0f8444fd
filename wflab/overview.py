"""A lab at a glance: its latest runs, who waits for an answer, what is stuck. What the sidebar and the status bar show."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import duckdb

from wfengine.model.instance import TERMINAL, Status
from wfengine.runtime.engine import Engine
from wfengine.runtime.operations import Awaited
from wflab.protocol.lab import Approval, Overview, RunLine
from wflab.views.inbox_picture import ordered
from wflab.views.palette import PALETTE

MOST_RUNS = 200
MOST_APPROVALS = 200
_COUNTS = "SELECT status, count(*) AS n, count(*) FILTER (parent IS NULL) AS own FROM instances GROUP BY status"
# The newest, but a few of each state whatever their age: a chip that counts some must have some to show.
_RUNS = """
    SELECT key, instance_id, name, status, created_at, updated_at FROM (
        SELECT *, row_number() OVER (PARTITION BY status ORDER BY key DESC) <= 20 AS is_first FROM instances WHERE parent IS NULL
        ORDER BY is_first DESC, key DESC LIMIT $most
    ) ORDER BY key DESC
"""
# What was asked for and has not come. A timer that lost a race is told from one that is waited for by what else is open; see `_words`.
_OPEN = """
    SELECT s.instance, s.type, s.name, s.origin FROM history AS s
    WHERE list_contains($keys, s.instance) AND s.type IN ('TaskScheduled', 'ChildWorkflowInstanceCreated', 'TimerCreated')
        AND s.origin IS DISTINCT FROM 'event'
        AND NOT EXISTS (
            FROM history AS f WHERE f.instance = s.instance AND f.event_id = s.event_id AND f.type IN (
                'TaskCompleted', 'TaskFailed', 'ChildWorkflowInstanceCompleted', 'ChildWorkflowInstanceFailed', 'TimerFired'
            )
        )
    ORDER BY s.sequence
"""
_ASKED = {"TaskScheduled": "activity", "ChildWorkflowInstanceCreated": "child"}


def overview(engine: Engine) -> Overview:
    """The lab as it stands, everything durable in it; takes as long as a few queries do. Raises what the store raises while it cannot be read.

    Who waits for an answer is asked of the engine, which alone knows what a wait may race.
    """
    waits = ordered(engine.awaited())
    with engine.store.cursor() as cursor:
        counts = _rows(cursor, _COUNTS)
        runs = _rows(cursor, _RUNS, {"most": MOST_RUNS})
        live = [run["key"] for run in runs if run["status"] not in TERMINAL]
        over = {run["key"] for run in runs}.difference(live)
        waits = [wait for wait in waits if wait.instance.key not in over]  # some have ended since it was asked who waits
        words = _words(waits, _rows(cursor, _OPEN, {"keys": live}) if live else [])
    return Overview(
        lab=engine.store.path.name,
        now=_ms(engine.now()),
        ticks=not engine.virtual_time.is_on,
        runs=[_line(run, words) for run in runs],
        runs_total=sum(row["own"] for row in counts),
        counts={row["status"]: row["own"] for row in counts if row["own"]},
        approvals=[_approval(wait) for wait in waits[:MOST_APPROVALS]],
        approvals_total=len(waits),
        stuck=sum(row["n"] for row in counts if row["status"] == Status.STALLED),
        trouble=engine.trouble,
        palette=dict(PALETTE.changed),
    )


def _rows(cursor: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    found = cursor.execute(query, parameters)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _words(waits: Iterable[Awaited], asked: Iterable[dict[str, Any]]) -> dict[int, str]:
    """What each run waits for, in a few words: people come first, then code, then time, which waits by itself."""
    events: dict[int, Counter[str]] = defaultdict(Counter)
    calls: dict[int, Counter[str]] = defaultdict(Counter)
    timers: dict[int, str] = {}
    for wait in waits:
        events[wait.instance.key][f"event {wait.wait.name}"] += 1
    for call in asked:
        kind = _ASKED.get(call["type"])
        if kind is not None:
            calls[call["instance"]][f"{kind} {call['name']}"] += 1
        else:
            timers[call["instance"]] = "a timer" if call["origin"] == "timer" else "the next attempt"
    return {**timers, **{key: _several(found) for found_in in (calls, events) for key, found in found_in.items()}}


def _several(counted: Counter[str]) -> str:
    (first, times), *others = counted.items()
    more = sum(count for _, count in others)
    return first + (f" × {times:,}" if times > 1 else "") + (f" and {more:,} more" if more else "")


def _line(run: dict[str, Any], words: dict[int, str]) -> RunLine:
    is_over = run["status"] in TERMINAL
    return RunLine(
        id=run["instance_id"],
        name=run["name"],
        status=run["status"],
        started=_ms(run["created_at"]),
        ended=_ms(run["updated_at"]) if is_over else None,
        waits_for="" if is_over else words.get(run["key"], ""),
    )


def _approval(awaited: Awaited) -> Approval:
    return Approval(
        key=awaited.instance.key,
        instance_id=awaited.instance.instance_id,
        workflow=awaited.instance.name,
        wait_id=f"a{awaited.event.event_id}",
        event=awaited.wait.name,
        since=_ms(awaited.event.occurred_at),
        title=awaited.wait.title,
        until=None if awaited.deadline is None else _ms(awaited.deadline),
        schema=awaited.wait.schema,
        risk=awaited.wait.risk,
        requester=awaited.wait.requester,
    )


def _ms(at: datetime) -> float:
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000, 3)
