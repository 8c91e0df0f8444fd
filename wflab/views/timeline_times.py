"""The times of many spans as arrays, and what follows from them alone: gaps, blame, the strip. Milliseconds since the epoch throughout."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wflab.analytics.span import KINDS, PHASES
from wflab.views.span_table import STATES, SpanTable

Times = NDArray[np.float64]
Flags = NDArray[np.bool_]
SHORTEST_GAP_MS = 2_000.0
SHORTEST_GAP_SHARE = 0.1
SHORTEST_REST_MS = 1.0
_CALLS = ("activity", "child")
_WORKFLOW = KINDS.index("workflow")


class Laid(NamedTuple):
    """One entry per span. An open end is NaN; `till` has the picture's end there. `works`: it is worked on, by code or a queue, as far as is known.

    `first` is when the code began, as far as is known: what nobody recorded began when it was asked for, what waits for its turn has not begun.
    """

    queued: Times
    started: Times
    ended: Times
    till: Times
    fire: Times
    first: Times
    works: Flags
    waits: Flags
    failed: Flags


def laid_out(table: SpanTable, end: float) -> Laid:
    """The spans' times. A child that has spans of its own is no work: they are."""
    kind, queued, ended = table["kind"], table.milliseconds("queued"), table.milliseconds("ended")
    works = np.isin(kind, [KINDS.index(one) for one in _CALLS])
    opened = [table.row_of.get(table.spans[row].parent_id or "", -1) for row in np.flatnonzero(kind == _WORKFLOW).tolist()]
    works[[row for row in opened if row >= 0]] = False
    bad = [STATES.index(state) for state in ("FAILED", "STALLED")]
    started, till = table.milliseconds("started"), np.maximum(np.where(np.isnan(ended), end, ended), queued)
    is_queued = np.isnan(ended) & (table["phase"] == PHASES.index("queued"))
    return Laid(
        queued=queued,
        started=started,
        ended=ended,
        till=till,
        first=np.where(is_queued, till, np.where(np.isnan(started), queued, started)),
        fire=table.milliseconds("fire"),
        works=works,
        waits=kind == KINDS.index("event_wait"),
        failed=np.isin(table["state"], bad) & (kind != _WORKFLOW),
    )


def gaps_of(laid: Laid, begin: float, end: float) -> list[tuple[float, float]]:
    """Where nothing begins, ends or is worked on for at least two seconds and a tenth of the time that is left when longer gaps are broken out.

    None where nothing would be left: on a virtual clock work takes no time, and an axis of nothing but breaks shows nothing.
    """
    since = np.concatenate([[begin], laid.queued, laid.started[laid.works], laid.ended, [end]])
    until = np.concatenate([[begin], np.where(laid.works, laid.till, laid.queued), laid.till[laid.works], laid.ended, [end]])
    known = ~(np.isnan(since) | np.isnan(until))
    since, until = np.clip(since[known], begin, end), np.clip(until[known], begin, end)
    order = np.argsort(since, kind="stable")
    since, until = since[order], np.maximum.accumulate(until[order])
    places = np.flatnonzero(since[1:] - until[:-1] >= SHORTEST_GAP_MS)
    found = sorted(((float(until[at]), float(since[at + 1])) for at in places), key=lambda gap: gap[0] - gap[1])
    left, broken = end - begin, []
    for gap in found:
        length = gap[1] - gap[0]
        if length < SHORTEST_GAP_SHARE * left:
            break
        left -= length
        broken.append(gap)
    return sorted(broken) if left >= SHORTEST_REST_MS else []


def blame_of(laid: Laid, begin: float, end: float) -> dict[str, float]:
    """How the time between was spent: each moment counts once, for the first of these that held then."""
    first = laid.first
    is_backoff = laid.works & ~np.isnan(laid.fire) & ~np.isnan(laid.ended)
    stretches = {
        "executing": (first[laid.works], laid.till[laid.works]),
        "queued": (laid.queued[laid.works], first[laid.works]),
        "backoff": (laid.ended[is_backoff], np.minimum(laid.fire[is_backoff], end)),
        "waiting on people": (laid.queued[laid.waits], laid.till[laid.waits]),
    }
    edges = np.unique(np.clip(np.concatenate([[begin, end], *(side for pair in stretches.values() for side in pair)]), begin, end))
    spent = np.diff(edges)
    free = np.ones(len(spent), bool)
    told: dict[str, float] = {}
    for name, (since, until) in stretches.items():
        covered = _open_at(since, until, edges[:-1]) > 0
        told[name] = float(spent[covered & free].sum())
        free &= ~covered
    told["other"] = float(spent[free].sum())
    return told


def mean_open(since: Times, until: Times, edges: Times) -> NDArray[np.float32]:
    """How many of the stretches are open, on the average, between each two edges."""
    total = _area(since, edges) - _area(np.maximum(until, since), edges)
    width = np.diff(edges)
    return np.divide(np.diff(total), width, out=np.zeros(len(width)), where=width > 0).astype(np.float32)


def _area(moments: Times, edges: Times) -> Times:
    """The sum, over all moments before an edge, of the time from there to the edge."""
    moments = np.sort(moments)
    sums = np.concatenate([[0.0], np.cumsum(moments - edges[0])])
    before = np.searchsorted(moments, edges)
    area: Times = before * (edges - edges[0]) - sums[before]
    return area


def _open_at(since: Times, until: Times, moments: Times) -> NDArray[np.int64]:
    """How many stretches are open at each moment (ends not counted)."""
    return np.searchsorted(np.sort(since), moments, side="right") - np.searchsorted(np.sort(until), moments, side="right")
