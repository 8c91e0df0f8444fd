"""Success rates, with what they are made of and how sure one can be of them."""

from collections.abc import Sequence
from math import nan, sqrt

import duckdb
import pandas as pd

from wflab.analytics.fleet.answer import Answer, Asked
from wflab.analytics.fleet.grouping import grouping
from wflab.analytics.fleet.population import Population, Scope, population

_Z95 = 1.959963984540054
_COUNTED = ("completed", "failed", "terminated", "canceled", "continued", "running")
_QUESTION = """{population}
SELECT
    {groups}count(*) FILTER (status = 'COMPLETED') AS completed,
    count(*) FILTER (status = 'FAILED') AS failed,
    count(*) FILTER (status = 'TERMINATED') AS terminated,
    count(*) FILTER (status = 'CANCELED') AS canceled,
    count(*) FILTER (status = 'CONTINUED_AS_NEW') AS continued,
    count(*) FILTER (ended_at IS NULL) AS running,
    count(*) FILTER (status = 'COMPLETED') AS numerator,
    count(*) FILTER (status IN ({denominator})) AS denominator
FROM fleet{where}
{last}"""


def definition(scope: Scope | None = None, *, canceled: bool = False) -> str:
    """What a success rate is, in a sentence or two; it is printed wherever one is shown."""
    below = "COMPLETED + FAILED + TERMINATED" + (" + CANCELED" if canceled else "")
    children = "child workflows counted like others" if scope is not None and scope.children else "child workflows excluded"
    return (
        f"success = COMPLETED / ({below}); {'' if canceled else 'CANCELED excluded, '}a chain of CONTINUED_AS_NEW counted once, by its last "
        f"generation, {children}; by the time of the end. low and high: Wilson's 95 % interval."
    )


def asked(scope: Scope, by: str | Sequence[str] | None, *, canceled: bool = False, of: Population | None = None) -> Asked:
    """The query; `of` stands for the scope's runs where they are at hand."""
    groups, found = grouping(by), of or population(scope)
    denominator = ", ".join(f"'{status}'" for status in ("COMPLETED", "FAILED", "TERMINATED", *(["CANCELED"] if canceled else [])))
    sql = _QUESTION.format(
        population=found.sql,
        groups=groups.select,
        denominator=denominator,
        where=" WHERE ended_at IS NOT NULL" if groups.is_timed else "",
        last="GROUP BY ALL ORDER BY ALL" if groups.columns else "",
    )
    return Asked(sql=sql.rstrip(), parameters={**found.parameters, **groups.parameters}, definition=definition(scope, canceled=canceled))


def success_rates(
    cursor: duckdb.DuckDBPyConnection,
    scope: Scope,
    by: str | Sequence[str] | None,
    *,
    canceled: bool = False,
    of: Population | None = None,
) -> Answer:
    """One row per group: the counts, numerator, denominator, rate, low and high; the last three NaN for 0 of 0."""
    question = asked(scope, by, canceled=canceled, of=of)
    frame = question.frame(cursor)
    pairs = list(zip(frame["numerator"], frame["denominator"], strict=True))
    intervals = [wilson(int(good), int(total)) for good, total in pairs]
    frame["rate"] = pd.Series([int(good) / int(total) if total else nan for good, total in pairs], dtype=float)
    frame["low"] = pd.Series([low for low, _ in intervals], dtype=float)
    frame["high"] = pd.Series([high for _, high in intervals], dtype=float)
    return question.answer(frame)


def wilson(good: int, total: int) -> tuple[float, float]:
    """Between what bounds the true rate lies, with 95 % confidence; NaN for 0 of 0.

    Wilson's score interval: unlike the textbook one it is right for small counts and near 0 and 1
    (E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22, 1927).
    """
    if not total:
        return nan, nan
    rate, z2 = good / total, _Z95**2
    middle = (rate + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z95 * sqrt(rate * (1 - rate) / total + z2 / (4 * total**2)) / (1 + z2 / total)
    return max(0.0, middle - half), min(1.0, middle + half)
