"""Spans as the rows of a timeline: one for each logical call, attempts inside; children below their call; many calls of one call-site folded.

extension/src/views/timeline/rows.ts folds the same way; tests/protocol/timeline_rows.json holds both to it.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence

import msgspec

from wflab.analytics.durations import span_text
from wflab.analytics.span import Span
from wflab.views.head import milliseconds
from wflab.views.palette import worst

FOLDED_FROM = 25
MOST_KEPT = 500
BANDS = ("suspend", "stall", "can")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """`spans` are the attempts of one call, or, where `count` is above 1, all spans of a group; `is_minor`: of the calls of low importance below one run.

    The run's own row has depth 0, as have its calls.
    """

    key: str
    name: str
    kind: str
    depth: int
    state: str
    count: int
    spans: tuple[Span, ...]
    is_minor: bool = False

    @property
    def counts(self) -> Counter[str]:
        """How many calls stand in which state."""
        return Counter(state_of_call(attempts) for attempts in calls_of(self.spans).values())

    @property
    def took_ms(self) -> float | None:
        """From the first begin to the last end; None while it is open."""
        if any(span.ended_at is None for span in self.spans):
            return None
        return max(0.0, max(milliseconds(s.ended_at) for s in self.spans if s.ended_at) - milliseconds(self.spans[0].queued_at))


def bands_of(spans: Iterable[Span]) -> list[Span]:
    """What is drawn through all rows: suspensions, stalls, seams between generations."""
    return [span for span in spans if span.kind in BANDS]


def calls_of(spans: Iterable[Span]) -> dict[str, list[Span]]:
    """The attempts of each call that is a row, by `call_id`, in the order in which the calls began. A run that hangs below a call is no row of its own."""
    spans = list(spans)
    known = {span.span_id for span in spans}
    calls: dict[str, list[Span]] = {}
    for span in spans:
        if span.kind in BANDS or (span.kind == "workflow" and span.parent_id in known):
            continue
        calls.setdefault(span.call_id, []).append(span)
    return calls


def is_major(span: Span, major: Collection[str]) -> bool:
    """Whether it is of an activity that is declared to be important."""
    return span.kind == "activity" and span.name in major


def rows_of(
    spans: Sequence[Span], *, folded_from: int = FOLDED_FROM, minor: Collection[str] = (), major: Collection[str] = ()
) -> list[Row]:
    """All rows from top to bottom. Calls of `minor` activities below one run are one row, where there are several.

    Calls of `major` ones have each its row, up to MOST_KEPT of a call-site.
    """
    calls = calls_of(spans)
    runs = {span.span_id: span.parent_id for span in spans if span.kind == "workflow"}
    owners = {span.span_id: span.call_id for span in spans}
    below: defaultdict[str | None, list[str]] = defaultdict(list)
    for call, attempts in calls.items():
        parent = attempts[0].parent_id
        above = owners.get(runs.get(parent or "") or "") if attempts[0].kind != "workflow" else None
        below[above].append(call)
    rows: list[Row] = []

    def lay(above: str | None, depth: int) -> None:
        here = sorted(below.get(above, ()), key=lambda call: (calls[call][0].kind != "workflow", calls[call][0].queued_at))
        sizes = Counter(calls[call][0].group_key for call in here)
        done: set[str] = set()
        small = {call: calls[call] for call in here if calls[call][0].kind == "activity" and calls[call][0].name in minor}
        for call in here:
            attempts = calls[call]
            group = attempts[0].group_key
            if len(small) > 1 and call in small:
                if call == next(iter(small)):
                    rows.append(_minor(attempts[0].parent_id or "", list(small.values()), depth))
            elif sizes[group] < folded_from or (is_major(attempts[0], major) and sizes[group] <= MOST_KEPT):
                rows.append(_row(call, attempts, depth))
                lay(call, depth + 1)
            elif group not in done:
                done.add(group)
                members = [calls[other] for other in here if calls[other][0].group_key == group]
                rows.append(_folded(group, members, depth))

    lay(None, 0)
    return rows


def _row(call: str, attempts: Sequence[Span], depth: int) -> Row:
    last = attempts[-1]
    return Row(key=call, name=last.name, kind=last.kind, depth=depth, state=state_of_call(attempts), count=1, spans=tuple(attempts))


def _folded(group: str, members: Sequence[Sequence[Span]], depth: int) -> Row:
    first = members[0][0]
    return Row(
        key=group,
        name=first.name,
        kind=first.kind,
        depth=depth,
        state=worst(state_of_call(attempts) for attempts in members),
        count=len(members),
        spans=tuple(span for attempts in members for span in attempts),
    )


def _minor(parent: str, members: Sequence[Sequence[Span]], depth: int) -> Row:
    return Row(
        key=f"minor {parent}",
        name=f"+{len(members):,} minor",
        kind="activity",
        depth=depth,
        state=worst(state_of_call(attempts) for attempts in members),
        count=len(members),
        spans=tuple(span for attempts in members for span in attempts),
        is_minor=True,
    )


def state_of_call(attempts: Sequence[Span]) -> str:
    """The last attempt's; between two attempts the call goes on."""
    return "RUNNING" if attempts[-1].phase == "backoff" else str(attempts[-1].state)


def spoken(row: Row, now: float) -> str:
    """`charge_card, 3 attempts, failed, failed, completed, total 2.4 s, 1.9 s of backoff`."""
    words = [row.name]
    if row.is_minor:
        words = [f"{row.count:,} minor calls", *(f"{count:,} {_word(state)}" for state, count in row.counts.items())]
    elif row.count > 1:
        counts = Counter(str(span.state) for span in row.spans)
        words += [f"group of {row.count:,}", *(f"{count:,} {_word(state)}" for state, count in counts.items())]
    elif len(row.spans) > 1:
        words += [f"{len(row.spans)} attempts", *(_word(span.state) for span in row.spans)]
    else:
        only = row.spans[0]
        words.append(_word(row.state))
        words += [only.outcome.replace("_", " ")] if only.outcome and only.outcome not in {"returned", "failed"} else []
    took = row.took_ms
    begin = milliseconds(row.spans[0].queued_at)
    words.append(f"{span_text(max(0.0, (now - begin) // 1000))} so far" if took is None else f"total {span_text(took / 1000)}")
    pauses = backoff_ms(row.spans)
    if pauses and row.count == 1:
        words.append(f"{span_text(pauses / 1000)} of backoff")
    return ", ".join(words)


def backoff_ms(spans: Iterable[Span]) -> float:
    """How long the pauses between attempts are."""
    return sum(
        max(0.0, milliseconds(span.fire_at) - milliseconds(span.ended_at))
        for span in spans
        if span.kind in {"activity", "child"} and span.fire_at and span.ended_at
    )


def _word(state: str) -> str:
    return str(state).lower().replace("_", " ")
