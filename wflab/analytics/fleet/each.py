"""Single runs rather than sums of them: what curves and bars over time are drawn from."""

from collections.abc import Sequence
from datetime import UTC, datetime

import duckdb
import pandas as pd

from wflab.analytics.fleet.answer import Answer, Asked
from wflab.analytics.fleet.grouping import grouping
from wflab.analytics.fleet.population import Population, Scope, population
from wflab.analytics.frames import STATES

_TOOK = """{population}
SELECT {groups}epoch_us(ended_at) - epoch_us(created_at) AS took
FROM fleet WHERE {ended}"""
_NEWEST = """{population}
SELECT instance_id, name, status, created_at AS started, greatest(coalesce(ended_at, $now), created_at) AS ended, count(*) OVER () AS total
FROM fleet WHERE created_at <= $now
ORDER BY started DESC, key DESC LIMIT $most"""


def lengths(cursor: duckdb.DuckDBPyConnection, scope: Scope, by: str | Sequence[str] | None) -> Answer:
    """One row per run that ended (that COMPLETED, where the scope names no status): the groups, and `took` as a timedelta64."""
    groups, found = grouping(by), population(scope)
    ended = "ended_at IS NOT NULL" if scope.status else "status = 'COMPLETED'"
    question = Asked(
        sql=_TOOK.format(population=found.sql, groups=groups.select, ended=ended),
        parameters={**found.parameters, **groups.parameters},
        definition="Runs that ended, each with its whole duration; a chain of CONTINUED_AS_NEW is one run.",
    )
    frame = question.frame(cursor)
    frame["took"] = pd.to_timedelta(frame["took"], unit="us")
    return question.answer(frame)


def newest(cursor: duckdb.DuckDBPyConnection, found: Population, *, now: datetime, most: int) -> Answer:
    """One row per run, the newest `most`: instance_id, name, status, started, ended (now, for those under way); `attrs["total"]` is how many there are."""
    question = Asked(
        sql=_NEWEST.format(population=found.sql),
        parameters={**found.parameters, "now": now.astimezone(UTC).replace(tzinfo=None), "most": most},
        definition="Runs, the newest first, from their start to their end or to now.",
    )
    frame = question.frame(cursor)
    total = int(frame["total"].max()) if len(frame) else 0
    frame["status"] = pd.Categorical(frame["status"], categories=STATES, ordered=True)
    answer = question.answer(frame.drop(columns="total"))
    answer.attrs["total"] = total
    return answer
