"""The spans of a view as arrays, one entry per span, kept from picture to picture: only spans that are new objects are read again.

`SpanFold` gives the same object for a span as long as nothing about it has changed, so a picture of a hundred thousand calls, of which ten have changed,
reads ten. What is worked out of them all is worked out of whole arrays.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import compress
from operator import is_not
from typing import Self

import numpy as np
from numpy.typing import NDArray

from wflab.analytics.span import KINDS, OUTCOMES, PHASES, Span, SpanState
from wflab.views.packing import Numbers

STATES: tuple[str, ...] = tuple(str(state) for state in SpanState)
FIXED = {"kind": KINDS, "state": STATES, "phase": PHASES, "outcome": OUTCOMES}
# column -> field of the span; the word "" stands for none
WORDS = {
    "name": "name", "group": "group_key", "error": "error_fp", "worker": "worker", "by": "raised_by", "child": "child_id", "note": "note",
}  # fmt: skip
COUNTS = ("attempt", "restarts", "line")
OFFSETS = {"started": "started_at", "ended": "ended_at", "fire": "fire_at", "late": "late_at"}
_BACK = {"call": "call_id", "undoes": "compensates"}
_MICROSECONDS = 1_000_000
_NAMES = (*FIXED, *WORDS, "run", *COUNTS, *_BACK, "queued", "seq", "event", *OFFSETS)
Places = NDArray[np.int64]


class SpanTable:
    """Columns as `columns.Columns` has them, but for `call` and `undoes`: these hold the row itself that is meant, below 0 for none.

    Codes are places in `FIXED`, or in `words`, which only grow.
    """

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.words: dict[str, dict[str, int]] = {name: {} for name in (*WORDS, "run")}
        self.row_of: dict[str, int] = {}
        self._values = {name: np.zeros(0) for name in _NAMES}

    def __len__(self) -> int:
        return len(self.spans)

    def __getitem__(self, name: str) -> Numbers:
        return self._values[name][: len(self.spans)]

    def milliseconds(self, name: str) -> Numbers:
        """A column of times in milliseconds since the epoch, NaN for none."""
        return self[name] / 1000

    def follow(self, spans: Sequence[Span]) -> Self:
        """Be the table of these."""
        before = self.spans
        shared = min(len(before), len(spans))
        changed = list(compress(range(shared), map(is_not, before, spans)))
        if len(spans) < len(before) or any(before[row].span_id != spans[row].span_id for row in changed):
            before, changed, shared = [], [], 0  # they stand in other places
            self.row_of = {}
        self.spans = list(spans)
        self.row_of.update({span.span_id: row for row, span in enumerate(spans[shared:], shared)})
        self._make_room(len(spans))
        self._read([*changed, *range(shared, len(spans))])
        return self

    def chosen(self, rows: Places, known: dict[str, list[str]]) -> tuple[dict[str, Numbers], dict[str, list[str]]]:
        """Some rows as `Columns` has them, and their tables of words, in which those that are `known` keep their places."""
        values = {name: self[name][rows] for name in _NAMES}
        place_of = np.full(len(self) + 1, -1, dtype=np.int64)  # the last is nobody's
        place_of[rows] = np.arange(len(rows))
        for name in _BACK:
            meant = place_of[values[name].astype(np.int64)]
            values[name] = np.where(meant >= 0, np.arange(len(rows)) - meant, 0).astype(np.float64)
        tables = {name: list(words) for name, words in FIXED.items()}
        for name, words in self.words.items():
            values[name], tables[name] = _translated(values[name], list(words), known.get(name, []))
        return values, tables

    def _make_room(self, count: int) -> None:
        room = len(self._values["kind"])
        if count > room:
            more = max(count, room + room // 2) - room
            self._values = {name: np.concatenate([column, np.zeros(more)]) for name, column in self._values.items()}

    def _read(self, rows: list[int]) -> None:
        spans = [self.spans[row] for row in rows]
        at = np.array(rows, dtype=np.int64)
        for name, words in FIXED.items():
            places = {word: place for place, word in enumerate(words)}
            self._values[name][at] = [places.get(getattr(span, name), len(words) - 1) for span in spans]
        for name, field in WORDS.items():
            self._values[name][at] = _placed((getattr(span, field) or "" for span in spans), self.words[name])
        self._values["run"][at] = _placed((str(span.execution) for span in spans), self.words["run"])
        for name in COUNTS:
            self._values[name][at] = [getattr(span, name) or 0 for span in spans]
        for name, field in _BACK.items():
            self._values[name][at] = [self.row_of.get(getattr(span, field) or "", -1) for span in spans]
        self._values["queued"][at] = _moments(span.queued_at for span in spans)
        self._values["seq"][at] = _numbers(span.sequence for span in spans)
        self._values["event"][at] = _numbers(span.event_id for span in spans)
        for name, field in OFFSETS.items():
            self._values[name][at] = _moments(getattr(span, field) for span in spans)


def _translated(codes: Numbers, words: Sequence[str], known: Sequence[str]) -> tuple[Numbers, list[str]]:
    """Codes of one table as codes of another: of the words that are known, and the others in the order in which they come."""
    places = {word: place for place, word in enumerate(known)}
    used, first, back = np.unique(codes.astype(np.int64), return_index=True, return_inverse=True)
    meant = np.zeros(len(used))
    for place in np.argsort(first):
        meant[place] = places.setdefault(words[used[place]], len(places))
    return meant[back], list(places)


def _placed(words: Iterable[str], places: dict[str, int]) -> list[int]:
    return [places.setdefault(word, len(places)) for word in words]


def _numbers(values: Iterable[float | None]) -> Numbers:
    return np.array(list(values), dtype=np.float64)  # None becomes NaN


def _moments(times: Iterable[datetime | None]) -> Numbers:
    """Whole microseconds since the epoch."""
    return np.rint(_numbers(None if time is None else time.timestamp() for time in times) * _MICROSECONDS)
