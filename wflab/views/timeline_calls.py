"""The logical calls of a timeline as arrays, worked out of the table of its spans: what groups, bins and the critical path are made from.

Each call is named by its place, in the order in which the calls began. Times are milliseconds since the epoch.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np

from wflab import protocol
from wflab.analytics.span import KINDS, OUTCOMES, PHASES
from wflab.views.palette import BADNESS
from wflab.views.span_table import STATES, Places, SpanTable
from wflab.views.timeline_bins import binned
from wflab.views.timeline_rows import BANDS, FOLDED_FROM, MOST_KEPT, is_major
from wflab.views.timeline_times import Flags, Times

_WORKFLOW = KINDS.index("workflow")
_BANDS = [KINDS.index(kind) for kind in BANDS]
_BADNESS = np.array([BADNESS.index(state) for state in STATES])
_UNCOUNTED = [OUTCOMES.index(outcome) for outcome in ("cancelled", "buffered", "detached", "refused")]
_SLACK_MS = 5.0
_LONGEST_CHAIN = 200


class Calls(NamedTuple):
    """An entry per call. `first` and `last` are the rows of its first and its last attempt, `call` has for each row its call, below 0 for none.

    `until` is NaN while it is open; `group` and `run` are codes of the table; `run` is below 0 for what hangs below no run.
    """

    first: Places
    last: Places
    call: Places
    state: Places
    since: Times
    until: Times
    group: Places
    run: Places


class GroupTimes(NamedTuple):
    """The calls of a group as arrays: what bins of any stretch are made from, in some milliseconds for 100,000 calls."""

    since: Times
    until: Times
    states: Times

    def bins(self, stretches: Sequence[protocol.Stretch]) -> tuple[bytes, bytes]:
        """The worst state and the number of calls per column, as in `Density`."""
        return binned(self.since, self.until, self.states, stretches)


class Fold(NamedTuple):
    """Calls of one call-site below one span, as many as fold into one row; `key` is their group, `parent` the run they hang below."""

    key: str
    parent: str
    calls: Places


def opened_rows(table: SpanTable) -> Places:
    """The rows of calls that have a run of their own in the table, and those of these runs."""
    runs = np.flatnonzero(table["kind"] == _WORKFLOW)
    pairs = [(table.row_of.get(table.spans[row].parent_id or "", -1), row) for row in runs.tolist()]
    return np.array([pair for pair in pairs if pair[0] >= 0], dtype=np.int64).reshape(-1, 2)


def calls_in(table: SpanTable) -> Calls:
    """The calls that are rows of a timeline. A run that hangs below a call is no row of its own."""
    count = len(table)
    is_row = ~np.isin(table["kind"], _BANDS)
    is_row[opened_rows(table)[:, 1]] = False
    rows = np.arange(count)
    own = table["call"].astype(np.int64)
    head = np.where(own >= 0, own, rows)
    first = rows[is_row & (head == rows)]
    call = np.full(count, -1, dtype=np.int64)
    call[first] = np.arange(len(first))
    call = np.where(is_row, call[head], -1)
    last = np.zeros(len(first), dtype=np.int64)
    of_call = rows[call >= 0]
    last[call[of_call]] = of_call  # the last one told is kept
    is_backoff = table["phase"][last] == PHASES.index("backoff")
    run = table["run"][first].astype(np.int64)
    return Calls(
        first=first,
        last=last,
        call=call,
        state=np.where(is_backoff, STATES.index("RUNNING"), table["state"][last]).astype(np.int64),
        since=table.milliseconds("queued")[first],
        until=np.where(is_backoff, np.nan, table.milliseconds("ended")[last]),
        group=table["group"][first].astype(np.int64),
        run=np.where(table["kind"][first] == _WORKFLOW, -1, run),
    )


def group_times(table: SpanTable, calls: Calls, chosen: Places | Flags, end: float) -> GroupTimes:
    """Of some calls. A call is there from when it began; where nobody tells that, from when it was asked for, if somebody made it, else from its end."""
    since, until, state = calls.since[chosen], calls.until[chosen], calls.state[chosen]
    started = table.milliseconds("started")[calls.last[chosen]]
    is_over = ~np.isnan(until)
    was_made = (state == STATES.index("COMPLETED")) | (table["worker"][calls.last[chosen]] != table.words["worker"].get("", -1))
    begun = np.where(~np.isnan(started), started, np.where(is_over & ~was_made, until, since))
    return GroupTimes(begun, np.maximum(begun, np.where(is_over, until, end)), state.astype(np.float64))


def times_of_group(table: SpanTable, calls: Calls, key: str, end: float) -> GroupTimes | None:
    """All calls of a group, for a later question about them; None where there is no such group."""
    code = table.words["group"].get(key)
    return None if code is None else group_times(table, calls, calls.group == code, end)


def folds_of(table: SpanTable, calls: Calls, least: int = FOLDED_FROM, *, major: Collection[str] = ()) -> list[Fold]:
    """The calls that fold, in the order in which the folds began. Those of `major` activities do not, up to MOST_KEPT of a call-site."""
    places = np.stack([calls.run, calls.group])
    found, begin, back, sizes = np.unique(places, axis=1, return_index=True, return_inverse=True, return_counts=True)
    groups, runs = list(table.words["group"]), list(table.words["run"])
    order = [
        place
        for place in np.argsort(begin).tolist()
        if sizes[place] >= least and (sizes[place] > MOST_KEPT or not is_major(table.spans[calls.first[begin[place]]], major))
    ]
    home = back.reshape(-1)
    return [
        Fold(groups[found[1, place]], runs[found[0, place]] if found[0, place] >= 0 else "", np.flatnonzero(home == place))
        for place in order
    ]


def rows_to_send(table: SpanTable, calls: Calls, folds: list[Fold], *, most: int, most_of_folded: int) -> Places:
    """Everything that is not folded, and the worst of what is: the bad before the good, the open before the ended, the long before the short."""
    count = len(table)
    folded = np.concatenate([fold.calls for fold in folds]) if folds else np.zeros(0, dtype=np.int64)
    is_folded = np.zeros(len(calls.first) + 1, dtype=bool)  # the last is for what is no call
    is_folded[folded] = True
    outside = np.flatnonzero(~is_folded[calls.call])
    if len(outside) > most:  # very many call-sites: the newest are what is looked at
        outside = np.concatenate([outside[:1], outside[1 - most :]])
    since, until = calls.since[folded], calls.until[folded]
    took = np.where(np.isnan(until), 0.0, until - since)
    worst = folded[np.lexsort((-took, ~np.isnan(until), _BADNESS[calls.state[folded]]))]
    attempts = np.bincount(calls.call[calls.call >= 0], minlength=len(calls.first))
    before = np.cumsum(attempts[worst]) - attempts[worst]
    is_sent = np.zeros(len(calls.first) + 1, dtype=bool)
    is_sent[worst[before < most_of_folded]] = True
    shown = is_sent[calls.call]
    shown[outside] = True
    return np.arange(count)[shown]


def critical_path(table: SpanTable, calls: Calls, end: float) -> list[str]:
    """The chain of calls that determines the end: the last to end, before it the last that had ended when that one was asked for, and so on."""
    if not len(table):
        return []
    mine = np.flatnonzero((calls.run == int(table["run"][0])) & ~np.isin(table["outcome"][calls.last], _UNCOUNTED))
    until = calls.until[mine]
    still_open = mine[np.isnan(until)]
    ended = mine[~np.isnan(until)]
    ended = ended[np.lexsort((calls.since[ended], calls.until[ended]))]
    ends, begins = calls.until[ended], calls.since[ended]
    chain: list[int] = []
    moment = end
    if len(still_open):
        first = still_open[np.argmin(calls.since[still_open])]
        moment = float(calls.since[first])
        chain.append(int(first))
    place = len(ended)
    while len(chain) < _LONGEST_CHAIN:
        place = min(place, int(np.searchsorted(ends, moment + _SLACK_MS, side="right"))) - 1
        while place >= 0 and begins[place] >= moment:
            place -= 1
        if place < 0:
            break
        chain.append(int(ended[place]))
        moment = float(begins[place])
    return [table.spans[calls.first[call]].call_id for call in chain]
