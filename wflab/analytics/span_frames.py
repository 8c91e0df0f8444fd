"""Spans and events as DataFrames: times aware UTC, durations timedelta64, states, kinds and phases ordered categoricals."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pandas as pd

from wfengine.model import history as h
from wfengine.model.instance import Instance
from wfengine.model.work import HistoryRow
from wflab.analytics.span import KINDS, PHASES, Span, SpanState

_TIMES = ("queued_at", "started_at", "ended_at", "fire_at", "late_at")
_NUMBERS = ("sequence", "event_id", "line", "bytes_in", "bytes_out")
_ORDERED = {"kind": KINDS, "phase": PHASES, "state": tuple(str(state) for state in SpanState)}
_SPAN_COLUMNS = tuple(field.name for field in msgspec.structs.fields(Span))
_EVENT_COLUMNS = (
    "instance_id", "execution", "seq", "turn", "ts", "type", "name", "event_id", "ref_event_id", "task_execution_id", "attempt", "child_id",
    "error_type", "error_message", "worker", "bytes", "version", "patches",
)  # fmt: skip
_PAYLOADS = ("input", "result", "output")


def spans_frame(spans: Sequence[Span]) -> pd.DataFrame:
    """One row per span, with the fields of `Span`, and `queued` and `duration`.

    | column | is |
    |---|---|
    | span_id, parent_id, call_id | the span's name in this lab; of its run, or of its run's caller; of its call's first attempt |
    | instance_id, execution, generation | whose it is: the id, the number of the execution, which `continue_as_new` it is (from 0) |
    | kind | workflow, activity, child, timer, event_wait, event_sent, suspend, stall, can |
    | name, group_key, index | what was called; its call-site; the call's place among those of its call-site, from 0 |
    | attempt, attempts | which attempt of its call, from 1; how many there are so far |
    | sequence, event_id | of the event that opened it: its place in history; the number that `rerun(from_event=)` takes |
    | queued_at, started_at, ended_at | asked for, begun, over (UTC); missing: not yet, or not recorded |
    | fire_at | a timer's moment, a wait's deadline, a run's scheduled start, a failed attempt's next one (UTC) |
    | queued, duration | from `queued_at` to `started_at`; from `started_at`, else `queued_at`, to `ended_at` (timedelta) |
    | state, phase, outcome | how it stands, how it ended (see `Span`) |
    | error_type, error_message, error_fp | what it failed with; the two together with numbers and ids masked |
    | compensates | the `call_id` that this call undoes |
    | planned | False: it is in the record |
    | file, line | where the workflow was registered from; the line of the call-site within `run.source()`, from 1, where it is certain |
    | bytes_in, bytes_out | size of the input and of the result as JSON (bytes) |
    | worker, restarts, late_at | who made the attempt; how often the process died under it; when it did end, after it had timed out (UTC) |
    | raised_by | who raised the event |
    | child_id, rerun_of | the child's instance id; the instance whose past a rerun shares |
    | note | for people |
    """
    frame = pd.DataFrame([msgspec.structs.astuple(span) for span in spans], columns=list(_SPAN_COLUMNS))
    for column in _TIMES:
        frame[column] = pd.to_datetime(frame[column], utc=True).dt.as_unit("us")
    for column in _NUMBERS:
        frame[column] = frame[column].astype("Int64")
    for column, categories in _ORDERED.items():
        frame[column] = pd.Categorical(frame[column].map(str), categories=categories, ordered=True)
    behind_times = _SPAN_COLUMNS.index("ended_at") + 1
    frame.insert(behind_times, "queued", frame["started_at"] - frame["queued_at"])
    frame.insert(behind_times + 1, "duration", frame["ended_at"] - frame["started_at"].fillna(frame["queued_at"]))
    return frame


def events_frame(instance: Instance, rows: Sequence[HistoryRow]) -> pd.DataFrame:
    """One row per event of history, without payloads.

    | column | is |
    |---|---|
    | instance_id, execution | whose it is: the id, and the number of the execution |
    | seq, turn | its place in history, from 0; the turn of the code that took it up, 0: none has yet |
    | ts | when it was recorded (UTC) |
    | type, name | the event; what it is about: in completions, what they complete |
    | event_id | the action that it confirms, numbered by the code |
    | ref_event_id | the action that it answers |
    | task_execution_id, attempt | the same for all attempts of one call; which of them, from 1 |
    | child_id | the child's instance id |
    | error_type, error_message | of a failure |
    | worker | who made the attempt |
    | bytes | size of its payload as JSON (bytes) |
    | version | of the workflow's definition |
    | patches | names of the patches that the code had passed by then, joined with commas |
    """
    asked: dict[int, h.ConfirmingEvent] = {}
    patches: list[str] = []
    frame = pd.DataFrame([_event(instance, row, asked, patches) for row in rows], columns=list(_EVENT_COLUMNS))
    frame["ts"] = pd.to_datetime(frame["ts"], utc=True).dt.as_unit("us")
    for column in ("event_id", "ref_event_id", "attempt", "bytes"):
        frame[column] = frame[column].astype("Int64")
    return frame


def _event(instance: Instance, row: HistoryRow, asked: dict[int, h.ConfirmingEvent], patches: list[str]) -> tuple[Any, ...]:
    event: Any = row.event
    if isinstance(event, h.ConfirmingEvent):
        asked.setdefault(event.event_id, event)
    elif isinstance(event, h.PatchRecorded):
        patches.append(event.name)
    answered = getattr(event, "task_scheduled_id", getattr(event, "timer_id", None))
    about: Any = event if answered is None else asked.get(answered)
    origin = getattr(about, "origin", None)
    failure = getattr(event, "failure", None)
    payload = next((text for text in (getattr(event, field, None) for field in _PAYLOADS) if text is not None), None)
    is_of_child = isinstance(about, h.ChildWorkflowInstanceCreated | h.DetachedWorkflowInstanceCreated)
    return (
        instance.instance_id,
        row.key,
        row.sequence,
        row.turn,
        event.occurred_at,
        type(event).__name__,
        getattr(about, "name", None) or getattr(origin, "name", None),
        getattr(event, "event_id", None),
        answered,
        getattr(about, "task_execution_id", None) or getattr(origin, "task_execution_id", None),
        getattr(about, "attempt", None) or getattr(origin, "attempt", None),
        about.instance_id if is_of_child else None,
        failure.error_type if failure is not None else getattr(event, "error_type", None),
        None if failure is None else failure.message,
        getattr(event, "worker", None),
        None if payload is None else len(payload.encode("utf-8", "surrogatepass")),
        instance.version,
        ", ".join(patches),
    )
