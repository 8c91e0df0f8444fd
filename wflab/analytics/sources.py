"""The source that an execution runs, as it was registered when its code first ran."""

from collections.abc import Sequence

import msgspec

from wfengine.model.history import EventWait, TimerCreated, UserTimer
from wfengine.model.work import HistoryRow
from wfengine.runtime.engine import Engine

_SOURCE = """
    SELECT d.source, d.origin FROM runs AS r
    LEFT JOIN definitions AS d ON d.kind = 'workflow' AND d.name = r.name AND d.code_hash = r.code_hash AND d.app_id IS NOT DISTINCT FROM r.app_id
    WHERE r.instance = $key AND r.code_hash IS NOT NULL ORDER BY d.position IS NULL, r.position, d.position LIMIT 1
"""


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The text, and where it was registered from: `file:line`, or words for a notebook's cell. Either may be unknown.

    `is_recorded`: the code has run, so that what is unknown will stay so.
    """

    text: str | None = None
    origin: str | None = None
    is_recorded: bool = False


def source_of(engine: Engine, key: int) -> Source:
    """Of the execution `key`; nothing is known before its first turn."""
    with engine.store.cursor() as cursor:
        found = cursor.execute(_SOURCE, {"key": key}).fetchone()
    return Source() if found is None else Source(text=found[0], origin=found[1], is_recorded=True)


def source_of_races(engine: Engine, key: int, rows: Sequence[HistoryRow]) -> str | None:
    """The text, where a timer or wait of this history may have lost a race; else None, without a look at the record."""
    waits = [
        row.event.origin for row in rows if isinstance(row.event, TimerCreated) and isinstance(row.event.origin, EventWait | UserTimer)
    ]
    return source_of(engine, key).text if any(isinstance(one, UserTimer) for one in waits) or waits[1:] else None
