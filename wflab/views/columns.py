"""Spans for the wire: typed columns and tables of words, a fortieth of what the same spans take as JSON objects.

`encode` makes the whole, `delta` what has changed since, both from plain data. extension/src/columns.ts reads them; tests/protocol/columns.json
is a sample for both. What a page can count it is not sent: `index`, `attempts`, ids.

Tables only grow: `encode(..., like=before)` gives every word the place it had, so that a place sent once keeps its meaning.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec
import numpy as np

from wflab.analytics.span import Span
from wflab.views.packing import Numbers, Packed, Packing
from wflab.views.span_table import COUNTS, FIXED, OFFSETS, WORDS, Places, SpanTable

_STEPS = ("queued", "seq", "event")


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
    return encode_rows(SpanTable().follow(spans), np.arange(len(spans)), now, like=like)


def encode_rows(table: SpanTable, rows: Places, now: datetime, *, like: Columns | None = None) -> Columns:
    """Some rows of a table as columns, likewise."""
    values, tables = table.chosen(rows, {} if like is None else like.tables)
    return Columns(rows=_packed(values, len(rows)), now=now.timestamp() * 1000, tables=tables)


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
    values = {name: packed.codes(name).astype(np.float64) for name in (*FIXED, *WORDS, "run", *COUNTS, "call", "undoes")}
    values |= {name: packed.steps(name) for name in _STEPS}
    return values | {name: packed.offsets(name, values["queued"]) for name in OFFSETS}


def _packed(values: dict[str, Numbers], count: int) -> Rows:
    packing = Packing()
    for name, column in values.items():
        if name in _STEPS:
            packing.steps(name, column)
        elif name in OFFSETS:
            packing.offsets(name, column, values["queued"])
        else:
            packing.codes(name, column.astype(np.int64))
    return Rows(count=count, types=packing.types, data=packing.data)
