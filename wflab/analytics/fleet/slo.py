"""What a fleet is held to: a success rate, a p95, an answer within a time; and how fast the error budget burns."""

from datetime import datetime, timedelta
from math import nan

import duckdb
import msgspec
import pandas as pd

from wfengine.errors import InvalidArgument
from wflab.analytics.durations import nominal_text
from wflab.analytics.fleet.answer import Answer, Asked
from wflab.analytics.fleet.population import Population, Scope, population
from wflab.analytics.spans_of_time import span_of

WINDOWS = (timedelta(hours=1), timedelta(hours=6))
_QUESTION = """{population}
SELECT
    age, count(*) FILTER (status = 'COMPLETED') AS good, count(*) FILTER (status IN ('FAILED', 'TERMINATED')) AS bad
FROM (SELECT unnest($ages) AS age) AS windows
LEFT JOIN fleet ON fleet.ended_at >= $now::TIMESTAMP - to_seconds(age) AND fleet.ended_at <= $now
GROUP BY age ORDER BY age"""
_DEFINITION = (
    "burn = (bad / (good + bad)) / (1 - target): at 1 the budget lasts exactly its window of {window}, at 10 a tenth of it. good: COMPLETED, bad: FAILED "
    "or TERMINATED, by the time of the end. Both short windows above 1: it burns now."
)


class SLO(msgspec.Struct, frozen=True):
    """What runs are held to: `wf.SLO(success=0.99, p95="60s", window="24h")`. Spans are text such as '60s', '90m', '24h', or timedeltas.

    `success` is the rate that shall COMPLETE, `p95` how long all but the slowest twentieth may take, both over the last `window`. `answer` is how
    long a run may wait for an external event before it counts as stuck; without it, as long as it likes. Raises InvalidArgument.
    """

    success: float = 0.99
    p95: str | timedelta | None = None
    window: str | timedelta = "24h"
    answer: str | timedelta | None = None

    def __post_init__(self) -> None:
        if not 0 < self.success < 1:
            raise InvalidArgument(
                f"success is a rate between 0 and 1, such as 0.99, not {self.success!r}. With 1 there would be no error budget."
            )
        for field in ("p95", "window", "answer"):
            span = getattr(self, field)
            if span is not None and length_of(span) <= timedelta(0):
                raise InvalidArgument(f"{field} is a span of more than nothing, such as '60s', not {span!r}.")

    @property
    def length(self) -> timedelta:
        """The window."""
        return length_of(self.window)

    @property
    def p95_limit(self) -> timedelta | None:
        """What the p95 is held to."""
        return None if self.p95 is None else length_of(self.p95)

    @property
    def answer_limit(self) -> timedelta | None:
        """How long an event may be waited for."""
        return None if self.answer is None else length_of(self.answer)


def length_of(span: str | timedelta) -> timedelta:
    """A span that was given as text or as such. Raises InvalidArgument."""
    return span_of(span) if isinstance(span, str) else span


def asked(scope: Scope, slo: SLO, now: datetime, *, of: Population | None = None) -> Asked:
    """The query; `of` stands for the scope's runs, whenever they ended, where they are at hand."""
    found = of or population(msgspec.structs.replace(scope, since=None, until=None))
    ages = sorted({window.total_seconds() for window in (*WINDOWS, slo.length)})
    return Asked(
        sql=_QUESTION.format(population=found.sql),
        parameters={**found.parameters, "ages": ages, "now": now.replace(tzinfo=None)},
        definition=_DEFINITION.format(window=nominal_text(slo.length.total_seconds())),
    )


def error_budget(cursor: duckdb.DuckDBPyConnection, scope: Scope, slo: SLO, now: datetime, *, of: Population | None = None) -> Answer:
    """One row per window (1 h, 6 h, the SLO's): good, bad, rate of success, burn; the last two NaN where nothing ended."""
    question = asked(scope, slo, now, of=of)
    rows = question.rows(cursor)
    frame = pd.DataFrame(
        {
            "window": pd.to_timedelta([age for age, _, _ in rows], unit="s"),
            "good": [good for _, good, _ in rows],
            "bad": [bad for _, _, bad in rows],
            "rate": [good / (good + bad) if good + bad else nan for _, good, bad in rows],
            "burn": [bad / (good + bad) / (1 - slo.success) if good + bad else nan for _, good, bad in rows],
        }
    )
    return question.answer(frame)
