"""The versions of a workflow beside each other: what changed with the code, and whether that is more than chance."""

from math import nan, sqrt
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from wflab.analytics.fleet.answer import Answer, Asked
from wflab.analytics.fleet.failing import CAUSES
from wflab.analytics.fleet.population import Population
from wflab.analytics.fleet.success import wilson

_LABEL = "CASE WHEN version <> '' THEN version ELSE coalesce(left(code_hash, 8), 'not begun') END"
_QUESTION = """{population}
SELECT
    {label} AS version, coalesce(code_hash, '') AS code_hash, min(created_at) AS first_seen, max(created_at) AS last_seen, count(*) AS count,
    count(*) FILTER (ended_at IS NULL) AS running, count(*) FILTER (status = 'COMPLETED') AS completed, count(*) FILTER (status = 'FAILED') AS failed,
    count(*) FILTER (status = 'TERMINATED') AS terminated,
    coalesce(list_sort(list(epoch_us(ended_at) - epoch_us(created_at)) FILTER (status = 'COMPLETED')), []) AS took
FROM fleet
GROUP BY ALL
ORDER BY first_seen, code_hash"""
_FAILURES = """{population},{causes}
SELECT version, code_hash, fingerprint, count FROM (
    SELECT f.version, f.code_hash, c.fingerprint, count(*) AS count
    FROM causes AS c JOIN (SELECT key, {label} AS version, coalesce(code_hash, '') AS code_hash FROM fleet) AS f USING (key)
    GROUP BY ALL
)
QUALIFY row_number() OVER (PARTITION BY version, code_hash ORDER BY count DESC, fingerprint) = 1"""
DEFINITION = (
    "A row for each version and code, the oldest first. rate = completed / (completed + failed + terminated), with Wilson's 95 % interval; change: of the "
    "rate from the row before, with Newcombe's 95 % interval: where that holds 0, it may be chance. p50 of completed runs with a distribution-free 95 % interval."
)
_COLUMNS = [
    "version", "code_hash", "first_seen", "last_seen", "count", "running", "completed", "failed", "terminated", "rate", "low", "high", "change",
    "change_low", "change_high", "p50", "p50_low", "p50_high", "p95", "top_failure", "top_failures",
]  # fmt: skip


def compare_versions(cursor: duckdb.DuckDBPyConnection, found: Population) -> Answer:
    """One row per version and code hash, the oldest first: counts, rates, changes, durations (timedelta64), the most frequent failure."""
    question = Asked(sql=_QUESTION.format(population=found.sql, label=_LABEL), parameters=found.parameters, definition=DEFINITION)
    rows = question.frame(cursor)
    recursive = found.sql.replace("WITH", "WITH RECURSIVE", 1)
    asked = Asked(sql=_FAILURES.format(population=recursive, causes=CAUSES, label=_LABEL), parameters=found.parameters)
    failed_of = {(version, code): (fingerprint, count) for version, code, fingerprint, count in asked.rows(cursor)}
    told = []
    before: tuple[int, int] | None = None
    records: list[dict[str, Any]] = [{str(column): value for column, value in row.items()} for row in rows.to_dict("records")]
    for row in records:
        good, total = int(row["completed"]), int(row["completed"] + row["failed"] + row["terminated"])
        took = np.array(row["took"], dtype=float)
        fingerprint, count = failed_of.get((row["version"], row["code_hash"]), ("", 0))
        told.append(
            {
                **row,
                "rate": good / total if total else nan,
                **dict(zip(("low", "high"), wilson(good, total), strict=True)),
                **dict(zip(("change", "change_low", "change_high"), difference(before, (good, total)), strict=True)),
                "p50": np.median(took) if len(took) else nan,
                **dict(zip(("p50_low", "p50_high"), median_interval(took), strict=True)),
                "p95": np.quantile(took, 0.95) if len(took) else nan,
                "top_failure": fingerprint,
                "top_failures": count,
            }
        )
        before = (good, total) if total else before
    frame = pd.DataFrame(told, columns=_COLUMNS)
    for column in ("p50", "p50_low", "p50_high", "p95"):
        frame[column] = pd.to_timedelta(frame[column], unit="us")
    return question.answer(frame)


def difference(one: tuple[int, int] | None, other: tuple[int, int]) -> tuple[float, float, float]:
    """By how much the second rate is above the first, each given as (good, total), and between what bounds; NaN where a total is 0.

    Newcombe's hybrid score interval (R. G. Newcombe, Interval estimation for the difference between independent proportions, 1998, method 10).
    """
    if one is None or not one[1] or not other[1]:
        return nan, nan, nan
    (first, first_low, first_high), (second, second_low, second_high) = (
        (good / total, *wilson(good, total)) for good, total in (one, other)
    )
    change = second - first
    below = sqrt((second - second_low) ** 2 + (first_high - first) ** 2)
    above = sqrt((second_high - second) ** 2 + (first - first_low) ** 2)
    return change, change - below, change + above


def median_interval(ordered: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> tuple[float, float]:
    """Between which two of these values, smallest first, the true median lies with at least 95 % confidence; NaN for fewer than six.

    It supposes nothing about how they are distributed: each lies below the median with chance 1/2 (W. R. Thompson, 1936).
    """
    count = len(ordered)
    if count < _FEWEST:
        return nan, nan
    places = np.arange(count + 1)
    log_factorials = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, count + 1)))))
    chances = np.exp(log_factorials[count] - log_factorials - log_factorials[::-1] - count * np.log(2))
    rank = int(places[2 * np.cumsum(chances) <= _DOUBT][-1])  # so many values may be left out at either end
    return float(ordered[rank]), float(ordered[count - 1 - rank])


_DOUBT = 0.05
_FEWEST = 6
