"""A history as spans: one row per attempt, timer, wait, child and band, which is what every view and every figure is made of."""

from collections.abc import Collection, Sequence

from wfengine.model.instance import Instance
from wfengine.model.work import HistoryRow
from wflab.analytics.call_sites import CallSite
from wflab.analytics.race_rounds import NO_RACES, KnownRaces
from wflab.analytics.span import Span
from wflab.analytics.span_fold import SpanFold


def spans_of(
    instance: Instance,
    rows: Sequence[HistoryRow],
    *,
    held_up: Collection[int] = (),
    sites: Sequence[CallSite] = (),
    races: KnownRaces = NO_RACES,
    file: str | None = None,
    parent_group: str = "",
) -> list[Span]:
    """The spans of one execution: its own first, then in the order in which they began, which grows only at its end; a stall last.

    `held_up` holds the event ids of open attempts that nobody makes just now. `sites` are the call-sites of the source it runs
    (`call_sites.call_sites`), `races` its races (`race_rounds.races_in`), `file` is where that was registered from, `parent_group` the group of the child span that this run is. It never
    raises: what it does not know it leaves out, or calls UNKNOWN.
    """
    fold = SpanFold(instance, sites=sites, races=races, file=file, parent_group=parent_group)
    fold.take(rows)
    return fold.spans(instance, held_up=held_up)
