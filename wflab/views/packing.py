"""Numbers into few bytes and back, exactly. extension/src/columns.ts unpacks the same.

Every column is little-endian and as narrow as its values allow (`u1`, `u2`, `u4`); one that holds a single value throughout is sent once.
Three kinds are enough:

- *codes*: whole numbers from 0, such as places in a table of words.
- *steps*: numbers that mostly grow a little from row to row. A row holds by how much.
- *offsets*: numbers beside another column's. A row holds how far behind it; the widest code says that there is none.

What does not fit (a step back, a year's wait) is *far*: listed by row with its whole value in `<name>.rows` and `<name>.far`, `NaN` for none.
A far step is also what the next ones count from. Times are whole microseconds since the epoch, which a float64 holds exactly for 285 years.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Codes = NDArray[np.int64]
_WIDTHS = (("u1", 0xFF), ("u2", 0xFFFF), ("u4", 0xFFFF_FFFF))
_DTYPES: dict[str, np.dtype[Any]] = {"u1": np.dtype("<u1"), "u2": np.dtype("<u2"), "u4": np.dtype("<u4"), "f8": np.dtype("<f8")}
NONE = 0xFFFF_FFFF
_LARGEST = NONE - 1
_FAR_BYTES = 12  # a row and its value


class Packing:
    """Columns being packed: `types` and `data` by name."""

    def __init__(self) -> None:
        self.types: dict[str, str] = {}
        self.data: dict[str, bytes] = {}

    def codes(self, name: str, values: Codes) -> None:
        """Whole numbers from 0 to 2**32 - 1."""
        highest = int(values.max()) if len(values) else 0
        kind = next(kind for kind, largest in _WIDTHS if highest <= largest)
        is_one_value = len(values) > 1 and bool((values == values[0]).all())
        self._put(name, kind, values[:1] if is_one_value else values)

    def steps(self, name: str, values: Numbers) -> None:
        """Whole numbers that mostly grow; NaN for none."""
        known = ~np.isnan(values)
        before = np.concatenate(([0.0], values[:-1]))
        if not known.all():  # the last known value before each row
            place = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
            place = np.concatenate(([-1], place[:-1]))
            before = np.where(place >= 0, values[place], 0.0)
        step = values - before
        fits = known & (step >= 0) & (step <= _LARGEST)
        fits &= step <= _worth_holding(step[fits])
        self._with_far(name, np.where(fits, step, 0).astype(np.int64), values, ~fits)

    def offsets(self, name: str, values: Numbers, beside: Numbers) -> None:
        """Whole numbers mostly a little above `beside`; NaN for none."""
        offset = values - beside
        none = np.isnan(values)
        fits = ~none & (offset >= 0) & (offset < _LARGEST)
        packed = np.where(none, NONE, np.where(fits, offset, 0)).astype(np.int64)
        self._with_far(name, packed, values, ~fits & ~none)

    def _with_far(self, name: str, packed: Codes, values: Numbers, far: NDArray[np.bool_]) -> None:
        self.codes(name, packed)
        if far.any():
            rows = np.flatnonzero(far)
            self._put(f"{name}.rows", "u4", rows)
            self._put(f"{name}.far", "f8", values[rows])

    def _put(self, name: str, kind: str, values: Codes | Numbers) -> None:
        self.types[name] = kind
        self.data[name] = values.astype(_DTYPES[kind]).tobytes()


class Packed:
    """Columns to unpack."""

    def __init__(self, rows: int, types: dict[str, str], data: dict[str, bytes]) -> None:
        self._rows = rows
        self._types = types
        self._data = data

    def codes(self, name: str) -> Codes:
        """As packed."""
        return self._raw(name).astype(np.int64)

    def steps(self, name: str) -> Numbers:
        """As packed, NaN for none."""
        step = self._raw(name).astype(np.float64)
        rows, far = self._far(name)
        total = np.cumsum(step)
        starts = ~np.isnan(far)
        base = np.zeros(self._rows)
        if starts.any():  # each known far value begins anew
            latest = np.searchsorted(rows[starts], np.arange(self._rows), side="right") - 1
            begun = latest >= 0
            base[begun] = (far[starts] - total[rows[starts]])[latest[begun]]
        values = total + base
        values[rows] = far
        return values

    def offsets(self, name: str, beside: Numbers) -> Numbers:
        """As packed, NaN for none."""
        raw = self._raw(name).astype(np.float64)
        values = np.where(raw == NONE, np.nan, beside + raw)
        rows, far = self._far(name)
        values[rows] = far
        return values

    def _raw(self, name: str) -> NDArray[np.generic]:
        values = np.frombuffer(self._data[name], _DTYPES[self._types[name]])
        return np.repeat(values, self._rows) if len(values) == 1 and self._rows > 1 else values

    def _far(self, name: str) -> tuple[Codes, Numbers]:
        rows = np.frombuffer(self._data.get(f"{name}.rows", b""), _DTYPES["u4"]).astype(np.int64)
        return rows, np.frombuffer(self._data.get(f"{name}.far", b""), _DTYPES["f8"]).astype(np.float64)


def _worth_holding(steps: Numbers) -> int:
    """The largest step to hold in the rows: a few wide ones are cheaper told apart than a wider column."""
    costs = [(len(steps) * _DTYPES[kind].itemsize + _FAR_BYTES * int((steps > largest).sum()), largest) for kind, largest in _WIDTHS]
    return min(costs)[1]
