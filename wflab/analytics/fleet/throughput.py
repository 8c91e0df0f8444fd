"""How many runs ended over time, and how."""

from datetime import datetime, timedelta

import duckdb
import pandas as pd

from wfengine.errors import InvalidArgument
from wflab.analytics.fleet.answer import Answer, Asked
from wflab.analytics.fleet.population import Scope, population
from wflab.analytics.frames import STATES

_STEPS = [
    *(timedelta(seconds=n) for n in (1, 5, 15, 30)),
    *(timedelta(minutes=n) for n in (1, 5, 15, 30)),
    *(timedelta(hours=n) for n in (1, 3, 6, 12)),
    *(timedelta(days=n) for n in (1, 7)),
]
_MOST_BINS = 60
_RANGE = "{population}\nSELECT min(ended_at), max(ended_at) FROM fleet"
_QUESTION = """{population}
SELECT time_bucket(to_seconds($seconds), ended_at) AS time, status, count(*) AS count
FROM fleet WHERE ended_at IS NOT NULL
GROUP BY ALL ORDER BY ALL"""


def throughput(cursor: duckdb.DuckDBPyConnection, scope: Scope, every: timedelta | None) -> Answer:
    """One row per bin and status in which runs ended: time (the bin's beginning, UTC), status, count.

    `attrs["every"]` is the width of a bin, chosen so that there are at most sixty where none is given. Raises InvalidArgument.
    """
    found = population(scope)
    first, last = cursor.execute(_RANGE.format(population=found.sql), found.parameters or None).fetchone() or (None, None)
    width = _width(first, last) if every is None else every
    if width < timedelta(seconds=1) or width % timedelta(seconds=1):
        raise InvalidArgument(f"A bin is whole seconds wide, one at least: every='15m' or a timedelta, not {every!r}.")
    question = Asked(
        sql=_QUESTION.format(population=found.sql),
        parameters={**found.parameters, "seconds": int(width.total_seconds())},
        definition=f"Runs by the time of their end, in bins of {width}, and by how they ended; a chain of CONTINUED_AS_NEW is one run.",
    )
    frame = question.frame(cursor)
    frame["status"] = pd.Categorical(frame["status"], categories=STATES, ordered=True)
    answer = question.answer(frame)
    answer.attrs["every"] = width
    return answer


def _width(first: datetime | None, last: datetime | None) -> timedelta:
    span = timedelta(0) if first is None or last is None else last - first
    return next((step for step in _STEPS if span <= _MOST_BINS * step), _STEPS[-1])
