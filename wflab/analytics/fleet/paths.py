"""The ways that runs of a workflow went: which steps they asked for, in order, with what was repeated told once."""

from collections.abc import Sequence
from math import nan
from typing import NamedTuple

import duckdb
import pandas as pd

from wflab.analytics.fleet.answer import Answer, Asked
from wflab.analytics.fleet.population import Population
from wflab.analytics.fleet.success import wilson

_LONGEST_LOOP = 32
ARROW = " → "
_QUESTION = """{population},
steps AS (
    SELECT h.instance AS key, h.sequence, CASE WHEN h.origin = 'timer' THEN 'timer' ELSE h.name END AS step
    FROM history AS h
    SEMI JOIN fleet AS f ON f.key = h.instance
    WHERE h.type IN ('TaskScheduled', 'ChildWorkflowInstanceCreated') AND h.attempt = 1 OR h.type = 'DetachedWorkflowInstanceCreated'
        OR h.type = 'TimerCreated' AND h.origin IN ('timer', 'event')
),
paths AS (SELECT key, list(step ORDER BY sequence) AS path FROM steps GROUP BY key)
SELECT
    coalesce(path, []) AS path, count(*) AS count, count(*) FILTER (ended_at IS NULL) AS running,
    count(*) FILTER (status = 'COMPLETED') AS completed, count(*) FILTER (status = 'FAILED') AS failed,
    count(*) FILTER (status = 'TERMINATED') AS terminated,
    coalesce(list(epoch_us(ended_at) - epoch_us(created_at)) FILTER (status = 'COMPLETED'), []) AS took,
    max_by(instance_id, created_at) AS sample, max(created_at) AS last_seen
FROM fleet LEFT JOIN paths USING (key)
GROUP BY path"""
DEFINITION = (
    "Runs by the steps they asked for, in order: activities, child workflows, timers and events, each once however often it was tried. (a → b)+ stands for "
    "a repetition. Of a chain of CONTINUED_AS_NEW the last generation counts. rate = completed / (completed + failed + terminated), p50 of those completed."
)


class Loop(NamedTuple):
    """Steps that were done more than once, one after the other."""

    body: "tuple[str | Loop, ...]"


def variants(cursor: duckdb.DuckDBPyConnection, found: Population) -> Answer:
    """One row per path, the most frequent first.

    path (text), steps (the same as a list), count, share, running, completed, failed, terminated, rate, low, high (Wilson), p50 (timedelta64), sample (an
    id), last_seen.
    """
    question = Asked(sql=_QUESTION.format(population=found.sql), parameters=found.parameters, definition=DEFINITION)
    rows = question.frame(cursor)
    folded = [fold([str(step) for step in path]) for path in rows["path"]]
    rows = rows.assign(steps=pd.Series(folded, dtype=object), path=[text_of(steps) for steps in folded])
    total = int(rows["count"].sum())
    told = [_variant(str(path), group, total) for path, group in rows.groupby("path", sort=False)]
    frame = pd.DataFrame(told, columns=_COLUMNS).sort_values(["count", "path"], ascending=[False, True], ignore_index=True)
    frame["p50"] = pd.to_timedelta(frame["p50"], unit="us")
    frame["last_seen"] = pd.to_datetime(frame["last_seen"], utc=True)
    return question.answer(frame)


_COLUMNS = [
    "path", "count", "share", "running", "completed", "failed", "terminated", "rate", "low", "high", "p50", "sample", "last_seen", "steps",
]  # fmt: skip


def _variant(path: str, group: pd.DataFrame, total: int) -> tuple[object, ...]:
    count, running, completed, failed, terminated = (
        int(group[column].sum()) for column in ("count", "running", "completed", "failed", "terminated")
    )
    ended = completed + failed + terminated
    took = pd.Series([one for spans in group["took"] for one in spans], dtype=float)
    newest = group.iloc[int(group["last_seen"].argmax())]
    return (
        path or "(no steps)", count, count / total, running, completed, failed, terminated, completed / ended if ended else nan, *wilson(completed, ended),
        took.median(), newest["sample"], newest["last_seen"], list(newest["steps"]),
    )  # fmt: skip


def fold(path: "Sequence[str | Loop]") -> "tuple[str | Loop, ...]":
    """The path with each repetition of up to 32 steps told once; repetitions within repetitions, too."""
    folded, period = list(path), 1
    while period <= min(_LONGEST_LOOP, len(folded) // 2):
        shorter = _folded_once(folded, period)
        # what was just shortened may make a shorter period repeat that did not before
        period = 1 if len(shorter) < len(folded) and period > 1 else period + 1
        folded = shorter
    return tuple(folded)


def _folded_once(path: "list[str | Loop]", period: int) -> "list[str | Loop]":
    out: list[str | Loop] = []
    at = 0
    while at < len(path):
        body = path[at : at + period]
        until = at + period
        while len(body) == period and path[until : until + period] == body:
            until += period
        if until > at + period:
            out.append(body[0] if period == 1 and isinstance(body[0], Loop) else Loop(tuple(body)))
            at = until
        else:
            out.append(path[at])
            at += 1
    return out


def text_of(path: "Sequence[str | Loop]") -> str:
    """`reserve → (charge → ship)+ → notify+`."""
    return ARROW.join(_text(step) for step in path)


def _text(step: "str | Loop") -> str:
    if not isinstance(step, Loop):
        return step
    return f"{_text(step.body[0])}+" if len(step.body) == 1 else f"({text_of(step.body)})+"
