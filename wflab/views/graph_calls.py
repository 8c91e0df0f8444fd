"""Single calls of a group, for whoever looks closer: pages of rows sorted by badness, and all about one. Pure; the record is asked through an argument."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import numpy as np

from wfengine.errors import InvalidArgument
from wfengine.model.work import HistoryRow
from wflab import protocol
from wflab.analytics.draft import Draft
from wflab.analytics.durations import span_text
from wflab.analytics.step import Attempt
from wflab.views.graph_nodes import RunGraph, Standings, call_row
from wflab.views.group_fold import CallGroup
from wflab.views.group_numbers import by_badness
from wflab.views.head import milliseconds
from wflab.views.palette import BADNESS
from wflab.views.payloads import one_line, payload_of

LARGEST_PAGE = 200
_ROUNDED = 0.001
Recorded = Callable[[int, Iterable[int]], list[HistoryRow]]


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls of a group: a page of them, of these states (all: empty), within these places and durations in milliseconds."""

    group: str
    first: int = 0
    count: int = 100
    states: list[str] = []
    places: tuple[int, int] | None = None
    took: tuple[float, float] | None = None


def page_of(run: RunGraph, group: CallGroup, wanted: Wanted, recorded: Recorded) -> protocol.CallPage:
    """The wanted calls. `recorded` gives the events of actions of an execution."""
    columns = Standings(run).columns(group)
    order = by_badness(columns)
    if wanted.states:
        order = order[np.isin(columns.codes[order], [BADNESS.index(state) for state in wanted.states if state in BADNESS])]
    if wanted.places is not None:
        low, high = wanted.places
        order = order[(order >= low) & (order <= high)]
    if wanted.took is not None:
        low_ms, high_ms = wanted.took
        took = np.maximum(columns.took[order], 0.1)  # as the histogram counts them
        order = order[(took >= low_ms - _ROUNDED) & (took <= high_ms + _ROUNDED)]
    chosen = [int(place) for place in order[max(0, wanted.first) :][: min(wanted.count, LARGEST_PAGE)]]
    inputs = _inputs(run, group, chosen, recorded)
    rows = [call_row(run, group, columns, index, inputs.get(index)) for index in chosen]
    return protocol.CallPage(first=wanted.first, total=len(order), rows=rows)


def detail_of(run: RunGraph, group: CallGroup, index: int, recorded: Recorded) -> protocol.CallDetail:
    """All about one call."""
    draft = group.drafts[index]
    numbers = [attempt.event_id for attempt in draft.attempts] or ([int(draft.id[1:])] if draft.id.startswith("a") else [])
    events = recorded(run.instance.key, numbers)
    row = call_row(run, group, Standings(run).columns(group), index)
    failure = group.failures.get(index)
    return protocol.CallDetail(
        title=f"{group.name} {index}" if len(group.drafts) > 1 else group.name,
        facts=[(label, text) for label, text in _facts(run, group, draft, row) if text],
        input=payload_of(_first(events, "input") or draft.input),
        output=payload_of(_result(events) or draft.result),
        failure=None
        if failure is None
        else protocol.Failure(error_type=failure.error_type, message=failure.message[:4000], trace=failure.stack_trace),
        attempts=[_attempt(attempt) for attempt in draft.attempts],
        raw=payload_of(msgspec.json.encode([_raw(event) for event in events]).decode()),
    )


def find_call(run: RunGraph, span_id: str) -> tuple[RunGraph, CallGroup, int]:
    """The call of a span's id, in the run or in what is expanded in it. Raises InvalidArgument where there is none."""
    key, _, identity = span_id.partition(":")
    for one in _all(run):
        home = one.fold.of_call(identity) if str(one.instance.key) == key else None
        if home is not None:
            return one, *home
    raise InvalidArgument(f"There is no call {span_id!r} in this graph.")


def find_group(run: RunGraph, identity: str) -> tuple[RunGraph, CallGroup]:
    """The group of an id, likewise."""
    for one in _all(run):
        group = one.fold.groups.get(identity)
        if group is not None:
            return one, group
    raise InvalidArgument(f"There is no group {identity!r} in this graph.")


def _all(run: RunGraph) -> Iterable[RunGraph]:
    yield run
    for inner in run.inner.values():
        yield from _all(inner)


def _inputs(run: RunGraph, group: CallGroup, chosen: Sequence[int], recorded: Recorded) -> dict[int, str]:
    """What the record has of the inputs that the group has let go of."""
    gone = {int(group.drafts[index].id[1:]): index for index in chosen if group.kind == "activity" and group.drafts[index].input is None}
    if not gone:
        return {}
    found = {getattr(row.event, "event_id", -1): getattr(row.event, "input", None) for row in recorded(run.instance.key, gone)}
    return {index: text for number, index in gone.items() if (text := found.get(number)) is not None}


def _facts(run: RunGraph, group: CallGroup, draft: Draft, row: protocol.CallRow) -> list[tuple[str, str]]:
    began = draft.attempts[0].started_at if draft.attempts else None
    return [
        ("state", row.state + (f" ({draft.note})" if draft.note else "")),
        ("workflow", f"{run.instance.name} ({run.instance.instance_id})"),
        ("line", "" if group.line is None else str(group.line)),
        ("asked for", f"{draft.created_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("began", "" if began is None else f"{began:%Y-%m-%d %H:%M:%S} UTC"),
        ("took", "" if row.took_ms is None else span_text(row.took_ms / 1000)),
        ("due", "" if draft.fire_at is None else f"{draft.fire_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("attempts", str(row.attempts) if row.attempts > 1 else ""),
        ("answered by", draft.raised_by or ""),
        ("asks", draft.title or ""),
        ("child", draft.child_id or ""),
        ("what", draft.label),
    ]


def _attempt(attempt: Attempt) -> protocol.AttemptLine:
    began = attempt.started_at or attempt.scheduled_at
    failure = attempt.failure
    return protocol.AttemptLine(
        number=attempt.number,
        state=attempt.state.value,
        scheduled=milliseconds(attempt.scheduled_at),
        took_ms=None if attempt.ended_at is None else round((attempt.ended_at - began).total_seconds() * 1000, 3),
        worker=attempt.worker or "",
        error=one_line(f"{failure.error_type}: {failure.message}") if failure else "",
    )


def _first(events: Sequence[HistoryRow], field: str) -> str | None:
    return next((text for row in events if (text := getattr(row.event, field, None)) is not None), None)


def _result(events: Sequence[HistoryRow]) -> str | None:
    return next((row.event.result for row in events if hasattr(row.event, "result")), None)


def _raw(row: HistoryRow) -> dict[str, Any]:
    """The event with its payloads as data, so that secrets in them are known by their names."""
    told: dict[str, Any] = msgspec.to_builtins(row.event)
    for field in ("input", "result"):
        if told.get(field) is not None:
            told[field] = _parsed(told[field])
    return {"sequence": row.sequence, "turn": row.turn, **told}


def _parsed(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text
