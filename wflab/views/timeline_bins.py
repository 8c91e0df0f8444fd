"""The columns of a broken axis: stretches of time with gaps between them, each cut into columns of its own."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wflab.protocol import Stretch
from wflab.views.bins import bins
from wflab.views.packing import Numbers


def edges_of(stretches: Sequence[Stretch]) -> NDArray[np.float64]:
    """The borders of all columns; between two stretches stands a border twice, around a column that is the gap."""
    return np.concatenate([np.linspace(s.since, s.until, s.columns + 1) for s in stretches]) if stretches else np.zeros(0)


def spaces_of(stretches: Sequence[Stretch]) -> NDArray[np.intp]:
    """Which of the spaces between the borders are columns, and not gaps."""
    gaps = np.cumsum([s.columns + 1 for s in stretches])[:-1] - 1
    every = np.arange(len(edges_of(stretches)) - 1)
    kept: NDArray[np.intp] = np.setdiff1d(every, gaps)
    return kept


def binned(since: Numbers, until: Numbers, states: Numbers, stretches: Sequence[Stretch]) -> tuple[bytes, bytes]:
    """Per column 1 + the worst state (0: none), and how many there are: as `bins`, over several stretches. Times in milliseconds."""
    begin, end = since * 1000, until * 1000
    columns = {"queued": begin, "started": np.full(len(begin), np.nan), "ended": end, "state": states}
    strips = [bins(columns, one.since * 1000, one.until * 1000, one.columns, 1, now=0.0) for one in stretches]
    return b"".join(strip.worst for strip in strips), b"".join(strip.counts for strip in strips)
