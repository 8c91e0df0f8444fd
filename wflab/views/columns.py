"""Spans for the wire: typed columns and tables of words, a fortieth of what the same spans take as JSON objects.

`encode` makes the whole, `delta` what has changed since, both from plain data. extension/src/columns.ts reads them; tests/protocol/columns.json
is a sample for both. What a page can count it is not sent: `index`, `attempts`, ids.

Tables only grow: `encode(..., like=before)` gives every word the place it had, so that a place sent once keeps its meaning.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec
import numpy as np

from wflab.analytics.span import KINDS, OUTCOMES, PHASES, Span, SpanState
from wflab.views.packing import Numbers, Packed, Packing

STATES: tuple[str, ...] = tuple(str(state) for state in SpanState)
_FIXED = {"kind": KINDS, "state": STATES, "phase": PHASES, "outcome": OUTCOMES}
# column -> field of the span; the word "" stands for none
_WORDS = {
    "name": "name", "group": "group_key", "error": "error_fp", "worker": "worker", "by": "raised_by", "child": "child_id", "note": "note",
}  # fmt: skip
_COUNTS = ("attempt", "restarts", "line")
_STEPS = ("queued", "seq", "event")
_OFFSETS = {"started": "started_at", "ended": "ended_at", "fire": "fire_at", "late": "late_at"}
_MICROSECONDS = 1_000_000


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows of the table, packed (see `packing`): each column's type (`u1`, `u2`, `u4`, `f8`) and little-endian bytes."""

    count: int
    types: dict[str, str]
    data: dict[str, bytes]


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """All spans of a view, in the order of `spans_of`. `now` is the lab's clock in milliseconds: where open spans end for the time being.

    | column | kind | is |
    |---|---|---|
    | kind, state, phase, outcome | codes | places in the table of this name, whose order is `KINDS`, `STATES`, `PHASES`, `OUTCOMES` |
    | name, group, error, worker, by, child, note, run | codes | places in the table of this name; the word "" is none; `run` is the execution |
    | attempt, restarts, line | codes | numbers; line 0 is none |
    | call, undoes | codes | how many rows before this one the call's first attempt, and the call that it undoes, stand; 0 is itself, is none |
    | queued | steps | microseconds since the epoch |
    | started, ended, fire, late | offsets to `queued` | likewise |
    | seq, event | steps | `sequence` and `event_id` |
    """

    rows: Rows
    now: float
    tables: dict[str, list[str]]


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """What makes the columns of before those of now: rows from `start` on are replaced by `tail`, the rows `changed_rows` (`u4`) by `changed`.

    `call` and `undoes` hold for the places in the whole table. `tables` holds the words that are new, to be put behind those that are there.
    """

    start: int
    count: int
    now: float
    tail: Rows
    changed_rows: bytes
    changed: Rows
    tables: dict[str, list[str]]


def encode(spans: Sequence[Span], now: datetime, *, like: Columns | None = None) -> Columns:
    """The spans as columns; the words of `like` keep their places."""
    values, tables = _columns(spans, {} if like is None else like.tables)
    return Columns(rows=_packed(values, len(spans)), now=now.timestamp() * 1000, tables=tables)


def delta(before: Columns, after: Columns) -> Delta:
    """What to tell a page that has `before`. `after` was encoded `like` it."""
    old, new = unpack(before.rows), unpack(after.rows)
    shared = min(before.rows.count, after.rows.count)
    differs = np.zeros(shared, dtype=bool)
    for name, values in new.items():
        one, other = old[name][:shared], values[:shared]
        differs |= (one != other) & ~(np.isnan(one) & np.isnan(other))
    changed = np.flatnonzero(differs)
    return Delta(
        start=shared,
        count=after.rows.count,
        now=after.now,
        tail=_packed({name: values[shared:] for name, values in new.items()}, after.rows.count - shared),
        changed_rows=changed.astype("<u4").tobytes(),
        changed=_packed({name: values[changed] for name, values in new.items()}, len(changed)),
        tables={
            name: words[len(before.tables.get(name, ())) :]
            for name, words in after.tables.items()
            if len(words) > len(before.tables.get(name, ()))
        },
    )


def unpack(rows: Rows) -> dict[str, Numbers]:
    """The columns as float64: codes as such, times in microseconds since the epoch, `NaN` for none."""
    packed = Packed(rows.count, rows.types, rows.data)
    values = {name: packed.codes(name).astype(np.float64) for name in (*_FIXED, *_WORDS, "run", *_COUNTS, "call", "undoes")}
    values |= {name: packed.steps(name) for name in _STEPS}
    return values | {name: packed.offsets(name, values["queued"]) for name in _OFFSETS}


def _packed(values: dict[str, Numbers], count: int) -> Rows:
    packing = Packing()
    for name, column in values.items():
        if name in _STEPS:
            packing.steps(name, column)
        elif name in _OFFSETS:
            packing.offsets(name, column, values["queued"])
        else:
            packing.codes(name, column.astype(np.int64))
    return Rows(count=count, types=packing.types, data=packing.data)


def _columns(spans: Sequence[Span], known: dict[str, list[str]]) -> tuple[dict[str, Numbers], dict[str, list[str]]]:
    values: dict[str, Numbers] = {}
    tables: dict[str, list[str]] = {}
    for name, words in _FIXED.items():
        places = {word: place for place, word in enumerate(words)}
        values[name] = _floats([places.get(getattr(span, name), len(words) - 1) for span in spans])
        tables[name] = list(words)
    for name, field in _WORDS.items():
        values[name], tables[name] = _placed([getattr(span, field) or "" for span in spans], known.get(name, []))
    values["run"], tables["run"] = _placed([str(span.execution) for span in spans], known.get("run", []))
    for name in _COUNTS:
        values[name] = _floats([getattr(span, name) or 0 for span in spans])
    rows = {span.span_id: row for row, span in enumerate(spans)}
    values["call"] = _floats([row - rows.get(span.call_id, row) for row, span in enumerate(spans)])
    values["undoes"] = _floats([0 if span.compensates is None else row - rows.get(span.compensates, row) for row, span in enumerate(spans)])
    values["queued"] = _moments([span.queued_at for span in spans])
    values["seq"] = _floats([span.sequence for span in spans])
    values["event"] = _floats([span.event_id for span in spans])
    return values | {name: _moments([getattr(span, field) for span in spans]) for name, field in _OFFSETS.items()}, tables


def _placed(words: Sequence[str], known: Sequence[str]) -> tuple[Numbers, list[str]]:
    places = {word: place for place, word in enumerate(known)}
    return _floats([places.setdefault(word, len(places)) for word in words]), list(places)


def _floats(values: Sequence[float | None]) -> Numbers:
    return np.array(values, dtype=np.float64)  # None becomes NaN


def _moments(times: Sequence[datetime | None]) -> Numbers:
    seconds = _floats([None if time is None else time.timestamp() for time in times])
    return np.rint(seconds * _MICROSECONDS)
