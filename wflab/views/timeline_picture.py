"""From a run's spans to the picture that its timeline is drawn from. Pure but for the table that it may keep; the lab's clock is an argument."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime

import msgspec
import numpy as np

from wfengine.model.instance import Instance
from wfengine.model.work import HistoryRow
from wflab import protocol
from wflab.analytics.span import KINDS, Span
from wflab.views.columns import encode, encode_rows
from wflab.views.head import head_of, milliseconds
from wflab.views.palette import BADNESS
from wflab.views.span_table import STATES, SpanTable
from wflab.views.timeline_bins import edges_of, spaces_of
from wflab.views.timeline_calls import Calls, Fold, calls_in, critical_path, folds_of, group_times, rows_to_send
from wflab.views.timeline_columns import spans_from
from wflab.views.timeline_rows import BANDS, calls_of, state_of_call
from wflab.views.timeline_times import Flags, Laid, Times, blame_of, gaps_of, laid_out, mean_open

MOST_SPANS = 20_000
MOST_OF_FOLDED = 2_000
COLUMNS = 600
_FEWEST_COLUMNS = 6
_SMALLEST_SHARE = 0.001
_MOST_TURNS = 400


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
    turns: Sequence[datetime] | None = None,
    table: SpanTable | None = None,
    limits: Mapping[str, int] | None = None,
    minor: Collection[str] = (),
    major: Collection[str] = (),
) -> protocol.TimelinePicture:
    """Draw one run's time up. `spans` are its own, first, and those of its children and earlier generations; `like` is the picture before.

    Of `rows` only the first and the last count where `turns` are given, when the code ran. A `table` that is kept from picture to picture makes this cost what is
    new. `limits` has the most attempts at a time by the activity's name, "" for all; `minor` are names of activities of low importance, `major` of
    high: of all, those in the picture are kept.
    """
    head = head_of(instance, rows, now=now, ticks=ticks)
    known = (SpanTable() if table is None else table).follow(spans)
    begin, end = extent_of(known, head["ended"] or head["now"])
    laid = laid_out(known, end)
    gaps = gaps_of(laid, begin, end)
    stretches = stretches_of(begin, end, gaps)
    calls = calls_in(known)
    folds = folds_of(known, calls, major=major)
    is_whole = len(known) <= most_spans
    sent = np.arange(len(known)) if is_whole else rows_to_send(known, calls, folds, most=MOST_SPANS, most_of_folded=MOST_OF_FOLDED)
    here = np.bincount(calls.call[sent][calls.call[sent] >= 0], minlength=len(calls.first)) > 0
    names = activities_in(known)
    notes = [*left_out, *([] if is_whole else [f"{len(known) - len(sent):,} spans are in groups only"])]
    return protocol.TimelinePicture(
        **head,
        why=why,
        scheduled=None if instance.scheduled_start is None or has_begun(known) else milliseconds(instance.scheduled_start),
        begin=begin,
        end=end,
        gaps=gaps,
        stretches=stretches,
        strip=_strip(laid, stretches),
        groups=[_density(known, calls, fold, here[fold.calls], end, stretches) for fold in folds],
        spans=encode_rows(known, sent, now, like=None if like is None else like.spans),
        parents=parents_of([known.spans[row] for row in sent.tolist()] if not is_whole else known.spans),
        limits=[
            protocol.Limit(name=name, most=most) for name, most in sorted((limits or {}).items()) if name in names or (names and not name)
        ],
        minor=sorted(names.intersection(minor)),
        major=sorted(names.intersection(major)),
        spans_total=len(known),
        turns=_thinned_out(turns_of(rows) if turns is None else turns),
        critical=critical_path(known, calls, end),
        blame=blame_of(laid, begin, end) if end > begin else {},
        left_out=notes,
    )


def extent_of(table: SpanTable, end: float) -> tuple[float, float]:
    """From the first moment to the last."""
    moments = np.concatenate([table["queued"], table["ended"], [end * 1000]])
    return float(np.nanmin(moments[: len(table)])) / 1000 if len(table) else end, float(np.nanmax(moments)) / 1000


def parents_of(spans: Sequence[Span]) -> dict[str, str]:
    """The caller's span of each execution that is a child."""
    return {span.span_id: span.parent_id for span in spans if span.kind == "workflow" and span.parent_id is not None}


def activities_in(table: SpanTable) -> set[str]:
    """The names of the activities that are called."""
    words = list(table.words["name"])
    return {words[int(code)] for code in np.unique(table["name"][table["kind"] == KINDS.index("activity")])}


def turns_of(rows: Sequence[HistoryRow]) -> list[datetime]:
    """When the code took its turns."""
    return list({row.turn: row.event.occurred_at for row in rows if row.turn}.values())


def _thinned_out(turns: Sequence[datetime]) -> list[float]:
    """Evenly chosen where they are very many."""
    return [milliseconds(at) for at in turns[:: max(1, len(turns) // _MOST_TURNS)]]


def has_begun(table: SpanTable) -> bool:
    """Whether any code has run."""
    return bool(((table["kind"] == KINDS.index("workflow")) & ~np.isnan(table["started"])).any())


def stretches_of(begin: float, end: float, gaps: Sequence[tuple[float, float]], columns: int = COLUMNS) -> list[protocol.Stretch]:
    """What is between the gaps, each with its share of the columns."""
    borders = [begin, *(moment for gap in gaps for moment in gap), end]
    pieces = [(since, until) for since, until in zip(borders[::2], borders[1::2], strict=True) if until > since]
    whole = sum(until - since for since, until in pieces) or 1.0
    return [
        protocol.Stretch(since=since, until=until, columns=max(_FEWEST_COLUMNS, round(columns * (until - since) / whole)))
        for since, until in pieces
    ]


def _density(
    table: SpanTable, calls: Calls, fold: Fold, is_sent: Flags, end: float, stretches: Sequence[protocol.Stretch]
) -> protocol.Density:
    members = fold.calls
    first = table.spans[calls.first[members[0]]]
    worst, many = group_times(table, calls, members, end).bins(stretches)
    since, until = calls.since[members], calls.until[members]
    is_over = ~np.isnan(until)
    state, begin, counts = np.unique(calls.state[members], return_index=True, return_counts=True)
    order = np.argsort(begin).tolist()
    attempts = int(np.bincount(calls.call[calls.call >= 0], minlength=len(calls.first))[members].sum())
    return protocol.Density(
        key=fold.key,
        name=first.name,
        kind=first.kind,
        parent=fold.parent,
        count=len(members),
        sent=int(is_sent.sum()),
        attempts=attempts,
        counts={STATES[state[place]]: int(counts[place]) for place in order},
        since=float(since.min()),
        until=float(until.max()) if is_over.all() else None,
        median_ms=float(np.median((until - since)[is_over])) if is_over.any() else None,
        worst=worst,
        many=many,
        members=b"" if is_sent.all() else _numbers([table.spans[row].index for row in calls.first[members[is_sent]].tolist()]),
    )


def _strip(laid: Laid, stretches: Sequence[protocol.Stretch]) -> protocol.Strip:
    edges, columns = edges_of(stretches), spaces_of(stretches)
    first, works = laid.first, laid.works

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
    known = calls_of(spans)
    calls = sorted(
        known.values(),
        key=lambda attempts: (attempts[0].group_key in keys, BADNESS.index(state_of_call(attempts))),
    )  # what is not folded first, then the worst
    kept = {id(span) for attempts in calls[: max(1, int(len(calls) * share))] for span in attempts}
    sent = [
        span for span in spans if id(span) in kept or span.kind in BANDS or (span.kind == "workflow" and span.span_id in picture.parents)
    ]
    shown = {id(span) for span in sent}
    note = f"{picture.spans_total - len(sent):,} spans are in groups only"
    return msgspec.structs.replace(
        picture,
        spans=encode(sent, datetime.fromtimestamp(picture.now / 1000, UTC)),
        groups=[_thinned_group(group, known.values(), shown) for group in picture.groups],
        left_out=[*(text for text in picture.left_out if not text.endswith("in groups only")), note],
    )


def _thinned_group(group: protocol.Density, calls: Iterable[Sequence[Span]], shown: Collection[int]) -> protocol.Density:
    mine = [first for first, *_ in calls if (first.group_key, first.parent_id or "") == (group.key, group.parent)]
    places = np.frombuffer(group.members, "<u4").tolist() or range(len(mine))
    kept = [place for place, first in zip(places, mine, strict=True) if id(first) in shown]
    return msgspec.structs.replace(group, sent=len(kept), members=b"" if len(kept) == group.count else _numbers(kept))


def _numbers(places: Sequence[int]) -> bytes:
    return np.array(places, dtype="<u4").tobytes()
