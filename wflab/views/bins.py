"""Levels of detail: many spans as one strip of pixel columns per row, each with its worst state and how many spans pass through it.

A strip costs what its pixels cost, however many spans there are; the page asks for the stretch of time that it shows.
"""

from collections.abc import Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from wflab.analytics.span import SpanState
from wflab.views.packing import Numbers
from wflab.views.palette import BADNESS

# The place in `SpanState` of each state, the worst last.
_LEAST_BAD_FIRST = [list(SpanState).index(SpanState(state)) for state in reversed(BADNESS)]
_LARGEST_COUNT = 0xFFFF


class Strips(msgspec.Struct, frozen=True, kw_only=True):
    """`rows` strips of `width` pixel columns, one after the other.

    `worst` has a byte per pixel: 0 for no span, else 1 + the place of the
    worst state in the table `state`; `counts` two little-endian bytes: how many spans are there, at most 65,535.
    """

    rows: int
    width: int
    worst: bytes
    counts: bytes


def bins(
    columns: Mapping[str, Numbers], t0: float, t1: float, width: int, rows: int, *, row_of: NDArray[np.int64] | None = None, now: float
) -> Strips:
    """The strips of the time from `t0` to `t1`, in microseconds since the epoch like `columns` (as `columns.unpack` gives them).

    `row_of` says for each span in which strip it is drawn, below 0 for none; without it all share one. Open spans last until `now`, and a span that is a
    point in time, or shorter than a pixel, fills one.
    """
    begin = np.where(np.isnan(columns["started"]), columns["queued"], np.fmin(columns["queued"], columns["started"]))
    end = np.where(np.isnan(columns["ended"]), np.maximum(now, begin), columns["ended"])
    row = np.zeros(len(begin), dtype=np.int64) if row_of is None else row_of
    shown = (end >= t0) & (begin < t1) & (row >= 0) & (row < rows)
    per_us = width / max(t1 - t0, 1.0)
    first = np.clip(((begin[shown] - t0) * per_us).astype(np.int64), 0, width - 1)
    last = np.clip(((end[shown] - t0) * per_us).astype(np.int64), first, width - 1)
    row, state = row[shown], columns["state"][shown]
    worst = np.zeros(rows * width, dtype=np.uint8)
    counts = np.zeros(rows * width, dtype=np.int64)
    for place in _LEAST_BAD_FIRST:
        here = state == place
        if here.any():
            passing = _passing(row[here], first[here], last[here], width, rows)
            worst[passing > 0] = place + 1
            counts += passing
    return Strips(rows=rows, width=width, worst=worst.tobytes(), counts=np.minimum(counts, _LARGEST_COUNT).astype("<u2").tobytes())


def _passing(row: NDArray[np.int64], first: NDArray[np.int64], last: NDArray[np.int64], width: int, rows: int) -> NDArray[np.int64]:
    """How many spans pass through each pixel: one comes where a span begins, one goes behind its end."""
    size = rows * (width + 1)  # a place behind each strip, so that none goes on into the next
    changes = np.bincount(row * (width + 1) + first, minlength=size) - np.bincount(row * (width + 1) + last + 1, minlength=size)
    return np.cumsum(changes).reshape(rows, width + 1)[:, :width].ravel()
