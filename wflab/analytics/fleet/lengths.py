"""How long runs take: quantiles, which a few slow ones do not bend."""

from collections.abc import Sequence

import duckdb
import pandas as pd

from wflab.analytics.fleet.answer import Answer, Asked
from wflab.analytics.fleet.grouping import grouping
from wflab.analytics.fleet.population import Population, Scope, population

SPANS = ("p50", "p90", "p95", "p99", "mean", "max")
_QUESTION = """{population}
SELECT
    {groups}count(*) AS count,
    quantile_cont(took, 0.5) AS p50, quantile_cont(took, 0.9) AS p90, quantile_cont(took, 0.95) AS p95, quantile_cont(took, 0.99) AS p99,
    avg(took) AS mean, max(took) AS max
FROM (SELECT *, epoch_us(ended_at) - epoch_us(created_at) AS took FROM fleet WHERE {ended})
{last}"""
_DEFINITION = (
    "From a run's start (of its first generation; where it was to start later, from then) to its end, of {which}; by the time of the end. "
    "Child workflows {children}."
)


def asked(scope: Scope, by: str | Sequence[str] | None, *, of: Population | None = None) -> Asked:
    """The query; spans are microseconds, `of` stands for the scope's runs where they are at hand. Where the scope names no status, only runs that COMPLETED are asked for."""
    groups, found = grouping(by), of or population(scope)
    ended = "ended_at IS NOT NULL" if scope.status else "status = 'COMPLETED'"
    sql = _QUESTION.format(
        population=found.sql, groups=groups.select, ended=ended, last="GROUP BY ALL ORDER BY ALL" if groups.columns else ""
    )
    which = f"runs that are {scope.status}" if scope.status else "runs that COMPLETED"
    said = _DEFINITION.format(which=which, children="included" if scope.children else "excluded")
    return Asked(sql=sql.rstrip(), parameters={**found.parameters, **groups.parameters}, definition=said)


def durations(cursor: duckdb.DuckDBPyConnection, scope: Scope, by: str | Sequence[str] | None, *, of: Population | None = None) -> Answer:
    """One row per group: count, and p50, p90, p95, p99, mean and max as timedelta64."""
    question = asked(scope, by, of=of)
    frame = question.frame(cursor)
    for column in SPANS:
        frame[column] = pd.to_timedelta(frame[column], unit="us")
    return question.answer(frame)
