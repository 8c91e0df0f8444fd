"""What the inspector says of the one thing that a lab looks at: the row it is, its error, and where its code stands."""

from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from wfengine.errors import WflabError
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import Instance
from wfengine.runtime.engine import Engine
from wflab.analytics.asking import state_of
from wflab.analytics.durations import span_text
from wflab.protocol import Failure, Focus
from wflab.protocol.lab import Focused, Source

_LONGEST = 2_000
_SHOWN = {
    "span_id": "id",
    "kind": "kind",
    "phase": "phase",
    "outcome": "outcome",
    "queued_at": "asked for",
    "started_at": "began",
    "ended_at": "ended",
    "fire_at": "due",
    "worker": "worker",
    "raised_by": "answered by",
    "child_id": "child",
    "note": "note",
}


def focused(engine: Engine, focus: Focus | None, rows: pd.DataFrame, source: str | None) -> Focused:
    """`rows` are the spans that are looked at, `source` is the workflow's own as recorded."""
    if focus is None:
        return Focused(focus=None)
    try:
        instance = state_of(engine, focus.instance_id)
    except WflabError as error:
        return Focused(focus=focus, title=focus.instance_id, facts=[("error", str(error))])
    if (focus.span_id or focus.group) and not rows.empty:
        return _of_rows(focus, instance, rows.to_dict("records"), source)
    return Focused(
        focus=focus,
        title=instance.name,
        state=instance.status.value,
        facts=_facts(
            ("id", instance.instance_id),
            ("started", instance.created_at),
            ("ended" if instance.status.is_terminal else "changed", instance.updated_at),
            ("custom status", instance.custom_status),
            ("input", instance.input),
            ("output", instance.output),
        ),
        failure=_failure(instance.failure),
        source=_line(source, None, _definition(source)),
    )


def _of_rows(focus: Focus, instance: Instance, rows: "list[dict[Any, Any]]", source: str | None) -> Focused:
    """One attempt speaks for itself; of several the last one does, with their number."""
    row = rows[-1]
    facts = _facts(
        ("workflow", f"{instance.name} ({instance.instance_id})"),
        *((title, row.get(column)) for column, title in _SHOWN.items()),
        ("attempt", f"{row['attempt']} of {row['attempts']}" if row.get("attempts", 1) > 1 else None),
        ("rows", f"{len(rows):,}, the last of which is shown" if len(rows) > 1 else None),
    )
    kind, message = _text(row.get("error_type")), _text(row.get("error_message"))
    line = row.get("line")
    return Focused(
        focus=focus,
        title=_text(row.get("name")) or focus.instance_id,
        state=str(row.get("state", "UNKNOWN")),
        facts=facts,
        failure=Failure(error_type=kind or "Error", message=message, trace=None) if kind or message else None,
        source=_line(source, _text(row.get("file")) or None, None if pd.isna(line) else int(line)),
    )


def _facts(*pairs: tuple[str, Any]) -> list[tuple[str, str]]:
    return [(name, text) for name, value in pairs if (text := _text(value))]


def _text(value: Any) -> str:
    """As a person reads it; empty for what is not known."""
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return ""
    if isinstance(value, timedelta):
        return span_text(value.total_seconds())
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S UTC")
    return str(value)[:_LONGEST]


def _failure(found: FailureDetails | None) -> Failure | None:
    return None if found is None else Failure(error_type=found.error_type, message=found.message[:_LONGEST], trace=found.stack_trace)


def _definition(source: str | None) -> int | None:
    """The line below the decorators."""
    lines = (source or "").splitlines()
    return next((number for number, line in enumerate(lines, 1) if line.lstrip().startswith(("def ", "async def "))), None)


def _line(source: str | None, file: str | None, line: int | None) -> Source | None:
    """The line as it was when the run began: whatever stands there now, its text is how to find it."""
    lines = (source or "").splitlines()
    if line is None or not 0 < line <= len(lines):
        return None
    return Source(file=file, line=line, text=lines[line - 1].strip())
