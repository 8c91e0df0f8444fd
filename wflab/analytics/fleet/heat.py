"""When runs ended and how long they had taken, counted in a grid: what a curve of durations does not show is that they grew slower at noon.

The grid is made in the query. Lengths are cut at round places of their logarithm (ten to the k/n), so that cells stay where they are while runs are
added, and as finely as leaves at most `ROWS` rows; time is cut into `COLUMNS` even stretches.
"""

from datetime import UTC, datetime
from typing import Any

import duckdb
import msgspec
import pandas as pd

from wflab.analytics.fleet.answer import Asked
from wflab.analytics.fleet.population import Population, Scope, population

COLUMNS = 40
ROWS = 16
SHORTEST_S = 0.001  # what took less stands in the lowest row
_QUESTION = """{population},
took AS (
    SELECT epoch_us(ended_at) AS ended, log10(greatest((epoch_us(ended_at) - epoch_us(created_at)) / 1e6, $shortest)) AS length,
        status IN ('FAILED', 'TERMINATED') AS badly
    FROM fleet WHERE ended_at IS NOT NULL
),
-- Per decade the finest cut that leaves few enough rows: n rows to a factor of ten.
cut AS (
    SELECT max(n) AS n, floor(any_value(least) * max(n)) AS lowest
    FROM (SELECT min(length) AS least, max(length) AS most FROM took), (SELECT unnest([1, 2, 5, 10, 20]) AS n)
    WHERE floor(most * n) - floor(least * n) < $down OR n = 1
)
SELECT
    greatest(0, least(floor((ended - epoch_us($from_at)) * $across / (epoch_us($to_at) - epoch_us($from_at))), $across - 1))::INTEGER AS column_of,
    least(floor(length * n) - lowest, $down - 1)::INTEGER AS row_of,
    count(*) AS count, count(*) FILTER (badly) AS badly, any_value(n)::INTEGER AS per_decade, any_value(lowest)::INTEGER AS lowest
FROM took, cut
GROUP BY column_of, row_of
ORDER BY column_of, row_of"""
DEFINITION = (
    "Runs that ended, by the time of their end and by how long they took (from the start of a run's first generation). A cell counts runs in a stretch of "
    "time and between two lengths; a ✕ is in it where some FAILED or were TERMINATED. Empty cells have no rows."
)


class HeatMap(msgspec.Struct, frozen=True, kw_only=True):
    """`cells` are (column, row, runs, how many of them FAILED or were TERMINATED), those without a run left out.

    Columns are even parts of the time from `begin` to `end`; row r spans lengths from `edges[r]` to `edges[r + 1]` seconds.
    """

    begin: datetime
    end: datetime
    edges: list[float]
    cells: list[tuple[int, int, int, int]]

    def frame(self) -> pd.DataFrame:
        """One row per cell: since, until (UTC), at_least, below (timedelta64), count, badly."""
        width = (self.end - self.begin) / COLUMNS
        rows = [
            (self.begin + column * width, self.begin + (column + 1) * width, self.edges[row], self.edges[row + 1], count, badly)
            for column, row, count, badly in self.cells
        ]
        found = pd.DataFrame(rows, columns=["since", "until", "at_least", "below", "count", "badly"])
        for column in ("since", "until"):
            found[column] = pd.to_datetime(found[column], utc=True)
        for column in ("at_least", "below"):
            found[column] = pd.to_timedelta(found[column], unit="s")
        return found


def asked(scope: Scope, begin: datetime, end: datetime, *, of: Population | None = None) -> Asked:
    """The query; what ended before `begin` or after `end` counts in the first or last column. `of` stands for the scope's runs where they are at hand."""
    found = of or population(scope)
    grid: dict[str, Any] = {"from_at": _naive(begin), "to_at": _naive(end), "across": COLUMNS, "down": ROWS, "shortest": SHORTEST_S}
    return Asked(sql=_QUESTION.format(population=found.sql), parameters={**found.parameters, **grid}, definition=DEFINITION)


def heat_map(cursor: duckdb.DuckDBPyConnection, scope: Scope, begin: datetime, end: datetime, *, of: Population | None = None) -> HeatMap:
    """The grid; without cells where no run has ended. `end` is after `begin`."""
    rows = asked(scope, begin, end, of=of).rows(cursor)
    if not rows:
        return HeatMap(begin=begin, end=end, edges=[], cells=[])
    *_, per_decade, lowest = rows[0]
    highest = max(row for _, row, *_ in rows)
    edges = [10 ** ((lowest + row) / per_decade) for row in range(highest + 2)]
    return HeatMap(begin=begin, end=end, edges=edges, cells=[(column, row, count, badly) for column, row, count, badly, *_ in rows])


def _naive(moment: datetime) -> datetime:
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
