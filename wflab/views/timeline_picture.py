"""From a run's spans to the picture that its timeline is drawn from. Pure; the lab's clock is an argument."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import NamedTuple

import msgspec
import numpy as np

from wfengine.model.instance import Instance
from wfengine.model.work import HistoryRow
from wflab import protocol
from wflab.analytics.span import Span
from wflab.views.columns import STATES, encode
from wflab.views.head import head_of, milliseconds
from wflab.views.palette import BADNESS
from wflab.views.timeline_bins import binned, edges_of, spaces_of
from wflab.views.timeline_columns import spans_from
from wflab.views.timeline_rows import BANDS, FOLDED_FROM, calls_of, state_of_call
from wflab.views.timeline_times import Laid, Times, blame_of, gaps_of, laid_out, mean_open

MOST_SPANS = 20_000
MOST_OF_FOLDED = 2_000
COLUMNS = 600
_FEWEST_COLUMNS = 6
_SLACK_MS = 5.0
_LONGEST_CHAIN = 200
_SMALLEST_SHARE = 0.001
_MOST_TURNS = 400


class Call(NamedTuple):
    """A logical call as the figures need it. `until` is None while it is open."""

    attempts: Sequence[Span]
    state: str
    since: float
    until: float | None


def timeline_of(  # noqa: PLR0913  # each is one of the things that a picture is made of
    instance: Instance,
    rows: Sequence[HistoryRow],
    spans: Sequence[Span],
    *,
    now: datetime,
    why: str = "",
    ticks: bool = True,
    like: protocol.TimelinePicture | None = None,
    left_out: Sequence[str] = (),
    most_spans: int = MOST_SPANS,
) -> protocol.TimelinePicture:
    """Draw one run's time up. `spans` are its own, first, and those of its children and earlier generations; `like` is the picture before."""
    head = head_of(instance, rows, now=now, ticks=ticks)
    begin, end = extent_of(spans, head["ended"] or head["now"])
    laid = laid_out(spans, end)
    gaps = gaps_of(laid, begin, end)
    stretches = stretches_of(begin, end, gaps)
    calls = {call: _call(attempts) for call, attempts in calls_of(spans).items()}
    folded = _folded(calls)
    sent = _chosen(spans, folded) if len(spans) > most_spans else list(spans)
    here = Counter(span.group_key for span in sent if span.attempt == 1)
    notes = list(left_out) + ([f"{len(spans) - len(sent):,} spans are in groups only"] if len(sent) < len(spans) else [])
    return protocol.TimelinePicture(
        **head,
        why=why,
        scheduled=None if instance.scheduled_start is None or has_begun(spans) else milliseconds(instance.scheduled_start),
        begin=begin,
        end=end,
        gaps=gaps,
        stretches=stretches,
        strip=_strip(laid, stretches),
        groups=[_density(key, parent, members, here[key], end, stretches) for (parent, key), members in folded.items()],
        spans=encode(sent, now, like=None if like is None else like.spans),
        parents=parents_of(sent),
        spans_total=len(spans),
        turns=_turns(rows),
        critical=critical_path(list(calls.items()), spans, end),
        blame=blame_of(laid, begin, end) if end > begin else {},
        left_out=notes,
    )


def extent_of(spans: Sequence[Span], end: float) -> tuple[float, float]:
    """From the first moment to the last."""
    moments = [milliseconds(span.queued_at) for span in spans] + [milliseconds(span.ended_at) for span in spans if span.ended_at]
    return min(moments, default=end), max([*moments, end])


def parents_of(spans: Sequence[Span]) -> dict[str, str]:
    """The caller's span of each execution that is a child."""
    return {span.span_id: span.parent_id for span in spans if span.kind == "workflow" and span.parent_id is not None}


def _turns(rows: Sequence[HistoryRow]) -> list[float]:
    """When the code took its turns, evenly chosen where they are very many."""
    turns = list({row.turn: milliseconds(row.event.occurred_at) for row in rows if row.turn}.values())
    return turns[:: max(1, len(turns) // _MOST_TURNS)]


def has_begun(spans: Sequence[Span]) -> bool:
    """Whether any code has run."""
    return any(span.kind == "workflow" and span.started_at is not None for span in spans)


def stretches_of(begin: float, end: float, gaps: Sequence[tuple[float, float]], columns: int = COLUMNS) -> list[protocol.Stretch]:
    """What is between the gaps, each with its share of the columns."""
    borders = [begin, *(moment for gap in gaps for moment in gap), end]
    pieces = [(since, until) for since, until in zip(borders[::2], borders[1::2], strict=True) if until > since]
    whole = sum(until - since for since, until in pieces) or 1.0
    return [
        protocol.Stretch(since=since, until=until, columns=max(_FEWEST_COLUMNS, round(columns * (until - since) / whole)))
        for since, until in pieces
    ]


class GroupTimes(NamedTuple):
    """The calls of a group as arrays: what bins of any stretch are made from, in some milliseconds for 100,000 calls."""

    since: Times
    until: Times
    states: Times

    def bins(self, stretches: Sequence[protocol.Stretch]) -> tuple[bytes, bytes]:
        """The worst state and the number of calls per column, as in `Density`."""
        return binned(self.since, self.until, self.states, stretches)


def group_times(calls: Sequence[Call], end: float) -> GroupTimes:
    """A call is there from when it began, or if nobody knows that and it ended badly, when it ended."""
    places = {state: place for place, state in enumerate(STATES)}
    until = np.array([end if call.until is None else call.until for call in calls], np.float64)
    since = np.array([_begun(call) for call in calls], np.float64)
    return GroupTimes(since, np.maximum(since, until), np.array([places[call.state] for call in calls], np.float64))


def _begun(call: Call) -> float:
    last = call.attempts[-1]
    if last.started_at is not None:
        return milliseconds(last.started_at)
    return call.since if call.until is None or call.state == "COMPLETED" else call.until


def groups_of(spans: Sequence[Span]) -> dict[str, list[Call]]:
    """The calls of each group, for later questions about them."""
    groups: defaultdict[str, list[Call]] = defaultdict(list)
    for attempts in calls_of(spans).values():
        groups[attempts[0].group_key].append(_call(attempts))
    return dict(groups)


def critical_path(calls: Sequence[tuple[str, Call]], spans: Sequence[Span], end: float) -> list[str]:
    """The chain of calls that determines the end: the last to end, before it the last that had ended when that one was asked for, and so on."""
    root = spans[0].span_id if spans else None
    mine = [(call, one) for call, one in calls if one.attempts[0].parent_id == root and _counts(one)]
    still_open = sorted(((one.since, call) for call, one in mine if one.until is None))
    ended = sorted((one.until, one.since, call) for call, one in mine if one.until is not None)
    chain: list[str] = []
    moment = end
    if still_open:
        moment, call = still_open[0]
        chain.append(call)
    place = len(ended) - 1
    while place >= 0 and len(chain) < _LONGEST_CHAIN:
        until, since, call = ended[place]
        place -= 1
        if until <= moment + _SLACK_MS and since < moment:
            chain.append(call)
            moment = since
    return chain


def _counts(call: Call) -> bool:
    return call.attempts[-1].outcome not in {"cancelled", "buffered", "detached", "refused"}


def _call(attempts: Sequence[Span]) -> Call:
    last = attempts[-1]
    until = None if last.ended_at is None or last.phase == "backoff" else milliseconds(last.ended_at)
    return Call(attempts, state_of_call(attempts), milliseconds(attempts[0].queued_at), until)


def _folded(calls: Mapping[str, Call]) -> dict[tuple[str, str], list[Call]]:
    groups: defaultdict[tuple[str, str], list[Call]] = defaultdict(list)
    for call in calls.values():
        first = call.attempts[0]
        groups[first.parent_id or "", first.group_key].append(call)
    return {place: members for place, members in groups.items() if len(members) >= FOLDED_FROM}


def _chosen(spans: Sequence[Span], folded: Mapping[tuple[str, str], Sequence[Call]]) -> list[Span]:
    """Everything that is not folded, and the worst of what is: the bad before the good, the open before the ended, the long before the short."""
    in_groups = {id(span) for members in folded.values() for call in members for span in call.attempts}
    worst = sorted(
        (call for members in folded.values() for call in members),
        key=lambda call: (BADNESS.index(call.state), call.until is not None, call.since - (call.until or call.since)),
    )
    kept: set[int] = set()
    for call in worst:
        if len(kept) >= MOST_OF_FOLDED:
            break
        kept.update(id(span) for span in call.attempts)
    outside = [span for span in spans if id(span) not in in_groups]
    if len(outside) > MOST_SPANS:  # very many call-sites: the newest are what is looked at
        outside = [*outside[:1], *outside[1 - MOST_SPANS :]]
    shown = {id(span) for span in outside} | kept
    return [span for span in spans if id(span) in shown]


def _density(
    key: str, parent: str, calls: Sequence[Call], sent: int, end: float, stretches: Sequence[protocol.Stretch]
) -> protocol.Density:
    first = calls[0].attempts[0]
    worst, many = group_times(calls, end).bins(stretches)
    ends = [call.until for call in calls]
    took = [until - call.since for call, until in zip(calls, ends, strict=True) if until is not None]
    return protocol.Density(
        key=key,
        name=first.name,
        kind=first.kind,
        parent=parent,
        count=len(calls),
        sent=min(sent, len(calls)),
        attempts=sum(len(call.attempts) for call in calls),
        counts=dict(Counter(call.state for call in calls)),
        since=min(call.since for call in calls),
        until=None if None in ends else max(until for until in ends if until is not None),
        median_ms=median(took) if took else None,
        worst=worst,
        many=many,
    )


def _strip(laid: Laid, stretches: Sequence[protocol.Stretch]) -> protocol.Strip:
    edges, columns = edges_of(stretches), spaces_of(stretches)
    first = np.where(np.isnan(laid.started), laid.queued, laid.started)
    works = laid.works

    def mean(since: Times, until: Times) -> bytes:
        return mean_open(since, until, edges)[columns].astype("<f4").tobytes() if len(edges) else b""

    at = laid.ended[laid.failed & ~np.isnan(laid.ended)]
    places = np.clip(np.searchsorted(edges, at, side="left") - 1, 0, max(0, len(edges) - 2))
    failed = np.bincount(places, minlength=max(0, len(edges) - 1))[columns] if len(edges) else np.zeros(0)
    return protocol.Strip(
        running=mean(first[works], laid.till[works]), queued=mean(laid.queued[works], first[works]), failed=failed.astype("<u4").tobytes()
    )


def cut(picture: protocol.TimelinePicture, most_bytes: int = 256_000) -> protocol.TimelinePicture:
    """What a notebook may hold of it: of the folded calls only the worst, as many as there is room for; then of the others the first and the last."""
    size = len(msgspec.json.encode(picture))
    share = 1.0
    made = picture
    while size > most_bytes and share > _SMALLEST_SHARE:
        share *= min(0.7, most_bytes / size)
        made = _thinned(picture, share)
        size = len(msgspec.json.encode(made))
    return made


def _thinned(picture: protocol.TimelinePicture, share: float) -> protocol.TimelinePicture:
    spans = spans_from(picture.spans, picture.parents)
    keys = {group.key for group in picture.groups}
    calls = list(calls_of(spans).values())
    calls.sort(
        key=lambda attempts: (attempts[0].group_key in keys, BADNESS.index(state_of_call(attempts)))
    )  # what is not folded first, then the worst
    kept = {id(span) for attempts in calls[: max(1, int(len(calls) * share))] for span in attempts}
    sent = [
        span for span in spans if id(span) in kept or span.kind in BANDS or (span.kind == "workflow" and span.span_id in picture.parents)
    ]
    counts = Counter(span.group_key for span in sent if span.attempt == 1)
    note = f"{picture.spans_total - len(sent):,} spans are in groups only"
    return msgspec.structs.replace(
        picture,
        spans=encode(sent, datetime.fromtimestamp(picture.now / 1000, UTC)),
        groups=[msgspec.structs.replace(group, sent=min(counts[group.key], group.count)) for group in picture.groups],
        left_out=[*(text for text in picture.left_out if not text.endswith("in groups only")), note],
    )
