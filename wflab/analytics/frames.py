"""Histories and runs as DataFrames: times aware UTC, durations timedelta64, states ordered categoricals, payloads decoded."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pandas as pd

from wfengine.model.instance import Instance, Status
from wfengine.model.payload import from_json
from wfengine.model.work import HistoryRow
from wflab.analytics.steps import Step, StepState

STATES = [str(status) for status in Status]
_PAYLOADS = ("input", "result", "output")
_SHOWN = ("sequence", "turn", "type", "event_id", "name", "occurred_at", "attempt", "payload", "duration", "error", "note")


def history_frame(rows: Sequence[HistoryRow]) -> pd.DataFrame:
    """One row per event: sequence, turn, type, event_id, name, occurred_at, attempt, payload, duration, error, note.

    A completion has the name of what it completes. `note` says of the first event of a fork or rerun whose past it shares.
    """
    asked: dict[int | None, str] = {}
    frame = pd.DataFrame([_event(row, asked) for row in rows], columns=list(_SHOWN))
    frame["occurred_at"] = pd.to_datetime(frame["occurred_at"], utc=True)
    frame["duration"] = pd.to_timedelta(frame["duration"], unit="ms")
    for column in ("event_id", "attempt"):
        frame[column] = frame[column].astype("Int64")
    return frame


def runs_frame(instances: Sequence[Instance]) -> pd.DataFrame:
    """One row per instance: instance_id, name, status, created_at, updated_at, duration (of ended ones), input, output, error, tags."""
    frame = pd.DataFrame(
        [
            {
                "instance_id": one.instance_id,
                "name": one.name,
                "status": str(one.status),
                "created_at": one.created_at,
                "updated_at": one.updated_at,
                "duration": one.updated_at - one.created_at if one.status.is_terminal else None,
                "input": from_json(one.input),
                "output": from_json(one.output),
                "error": None if one.failure is None else f"{one.failure.error_type}: {one.failure.message}",
                "tags": one.tags,
            }
            for one in instances
        ],
        columns=["instance_id", "name", "status", "created_at", "updated_at", "duration", "input", "output", "error", "tags"],
    )
    frame["status"] = pd.Categorical(frame["status"], categories=STATES, ordered=True)
    for column in ("created_at", "updated_at"):
        frame[column] = pd.to_datetime(frame[column], utc=True)
    frame["duration"] = pd.to_timedelta(frame["duration"])
    return frame


def steps_frame(steps: Sequence[Step]) -> pd.DataFrame:
    """One row per step: name, kind, state, attempts, created_at, started_at, ended_at, duration (of ended ones), result, error, child_id, note.

    A `kind` of `detached` is a workflow of its own that was started: COMPLETED says that it was, and nothing of what becomes of it.
    """
    frame = pd.DataFrame(
        [
            {
                "name": one.name,
                "kind": "detached" if one.is_detached else one.kind,
                "state": str(one.state),
                "attempts": len(one.attempts),
                "created_at": one.created_at,
                "started_at": one.started_at,
                "ended_at": one.ended_at,
                "duration": None if one.ended_at is None else one.ended_at - (one.started_at or one.created_at),
                "result": from_json(one.result),
                "error": None if one.failure is None else f"{one.failure.error_type}: {one.failure.message}",
                "child_id": one.child_id,
                "note": ", ".join(word for word in (one.label, one.note) if word),
            }
            for one in steps
        ],
        columns=[
            "name",
            "kind",
            "state",
            "attempts",
            "created_at",
            "started_at",
            "ended_at",
            "duration",
            "result",
            "error",
            "child_id",
            "note",
        ],
    )
    frame["state"] = pd.Categorical(frame["state"], categories=[str(state) for state in StepState], ordered=True)
    for column in ("created_at", "started_at", "ended_at"):
        frame[column] = pd.to_datetime(frame[column], utc=True)
    frame["duration"] = pd.to_timedelta(frame["duration"])
    return frame


def aware(frame: pd.DataFrame) -> pd.DataFrame:
    """The same with its naive timestamps, which are UTC in our tables, made aware."""
    for column in frame.columns:
        if pd.api.types.is_datetime64_dtype(frame[column]):
            frame[column] = frame[column].dt.tz_localize("UTC")
    return frame


def _event(row: HistoryRow, asked: dict[int | None, str]) -> dict[str, Any]:
    fields = msgspec.structs.asdict(row.event)
    failure, forked = fields.get("failure"), fields.get("forked_from")
    payload = next((fields[field] for field in _PAYLOADS if fields.get(field) is not None), None)
    identity = next((fields[field] for field in ("event_id", "task_scheduled_id", "timer_id") if field in fields), None)
    name = fields.get("name") or getattr(fields.get("origin"), "name", None)
    if name is not None and identity is not None:
        asked[identity] = name  # the event that answers this one has its name, too
    return {
        "sequence": row.sequence,
        "turn": row.turn,
        "type": type(row.event).__name__,
        "event_id": identity,
        "name": name or asked.get(identity, ""),
        "occurred_at": row.event.occurred_at,
        "attempt": fields.get("attempt"),
        "payload": from_json(payload),
        "duration": fields.get("duration_ms"),
        "error": None if failure is None else f"{failure.error_type}: {failure.message}",
        "note": "" if forked is None else f"shares the past of {forked.instance_id} up to event {forked.at}",
    }
