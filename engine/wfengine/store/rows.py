"""Between records and rows: what a field is called in the tables, and back, exactly.

Each event type lists the fields that have a column of their own; whatever else it holds goes into `detail` as JSON. Times are aware
UTC in the model and naive UTC in DuckDB. The column order is that of schema.sql.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from wfengine.model import history
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import Instance, ParentInstance, Status
from wfengine.model.work import AuditRow, DefinitionRow, HistoryRow

# A row is what DuckDB takes and gives: its cells are typed by the table, not by Python.
Row = tuple[Any, ...]

HISTORY_COLUMNS = (
    "position", "instance", "sequence", "turn", "type", "event_id", "name", "occurred_at", "attempt", "task_execution_id",
    "started_at", "duration_ms", "worker", "origin", "error_type", "code_hash", "app_id", "fire_at", "data", "detail",
)  # fmt: skip
RUNS_COLUMNS = (
    "position", "first_position", "instance", "instance_id", "name", "version", "code_hash", "status", "parent", "parent_id",
    "parent_name", "parent_task", "root", "generation", "app_id", "tags", "created_at", "updated_at", "scheduled_start",
    "input", "output", "custom_status", "error_type", "failure", "next_sequence", "turn",
)  # fmt: skip
DEFINITIONS_COLUMNS = ("position", "name", "kind", "code_hash", "source", "origin", "packages", "registered_at")

_END_OF_TASK = {"task_scheduled_id": "event_id", "started_at": "started_at", "duration_ms": "duration_ms", "worker": "worker"}

# field -> column; `occurred_at` has its column in every type
_FIELD_COLUMNS: dict[type[history.HistoryEvent], dict[str, str]] = {
    history.ExecutionStarted: {"name": "name", "input": "data", "scheduled_start": "fire_at", "app_id": "app_id"},
    history.ExecutionCompleted: {"output": "data"},
    history.ContinuedAsNew: {"input": "data"},
    history.ExecutionSuspended: {},
    history.ExecutionResumed: {},
    history.ExecutionTerminated: {"output": "data"},
    history.TaskScheduled: {
        "event_id": "event_id", "name": "name", "task_execution_id": "task_execution_id", "input": "data", "attempt": "attempt",
        "app_id": "app_id",
    },
    history.TaskCompleted: {**_END_OF_TASK, "result": "data"},
    history.TaskFailed: _END_OF_TASK,
    history.TimerCreated: {"event_id": "event_id", "fire_at": "fire_at"},
    history.TimerFired: {"timer_id": "event_id", "fire_at": "fire_at"},
    history.ChildWorkflowInstanceCreated: {
        "event_id": "event_id", "name": "name", "input": "data", "attempt": "attempt", "app_id": "app_id",
    },
    history.ChildWorkflowInstanceCompleted: {"task_scheduled_id": "event_id", "result": "data"},
    history.ChildWorkflowInstanceFailed: {"task_scheduled_id": "event_id"},
    history.EventRaised: {"name": "name", "input": "data"},
}  # fmt: skip
_ORIGIN_COLUMNS = {"name": "name", "attempt": "attempt", "task_execution_id": "task_execution_id"}
_ORIGIN_TYPES: dict[str, type[history.TimerOrigin]] = {
    "timer": history.UserTimer,
    "event": history.EventWait,
    "activity_retry": history.ActivityRetry,
    "child_retry": history.ChildWorkflowRetry,
}
_ORIGIN_TAGS = {kind: tag for tag, kind in _ORIGIN_TYPES.items()}
_AT = {column: number for number, column in enumerate(HISTORY_COLUMNS)}
_TIMES = {"fire_at", "started_at"}


class _Layout:
    """Where the fields of one event or timer origin go, worked out once."""

    def __init__(self, kind: type[msgspec.Struct], columns: dict[str, str], elsewhere: Iterable[str] = ()) -> None:
        placed = {*columns, *elsewhere}
        self.columns = [(field, _AT[column], column in _TIMES) for field, column in columns.items()]
        self.rest = [(field.name, _default(field), field.type) for field in msgspec.structs.fields(kind) if field.name not in placed]

    def write(self, record: msgspec.Struct, cells: list[Any], detail: dict[str, Any]) -> None:
        for name, number, is_time in self.columns:
            value = getattr(record, name)
            cells[number] = naive(value) if is_time else value
        for name, default, _ in self.rest:
            value = getattr(record, name)
            if value != default:
                detail[name] = value

    def read(self, row: Sequence[Any], detail: dict[str, Any]) -> dict[str, Any]:
        values = {name: aware(row[number]) if is_time else row[number] for name, number, is_time in self.columns}
        return values | {name: msgspec.convert(detail[name], kind) for name, _, kind in self.rest if name in detail}


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default


def plain_text(value: Any) -> str:
    """What msgspec's encoders ask for a type they do not know: a subclass of str, such as numpy's, is its text."""
    if isinstance(value, str):
        return str.__str__(value)
    raise NotImplementedError(f"{type(value).__name__} cannot be recorded.")


_JSON = msgspec.json.Encoder(enc_hook=plain_text)


def naive(moment: datetime | None) -> datetime | None:
    """An aware time as the tables hold it."""
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)


def aware(moment: datetime | None) -> datetime | None:
    """A time from the tables as the model holds it."""
    return None if moment is None else moment.replace(tzinfo=UTC)


_LAYOUTS: dict[type, _Layout] = {kind: _Layout(kind, columns, ("occurred_at", "origin")) for kind, columns in _FIELD_COLUMNS.items()} | {
    kind: _Layout(kind, {f.name: _ORIGIN_COLUMNS[f.name] for f in msgspec.structs.fields(kind) if f.name in _ORIGIN_COLUMNS})
    for kind in _ORIGIN_TAGS
}
_TYPES = {kind.__name__: kind for kind in _FIELD_COLUMNS}


def history_row(position: int, row: HistoryRow) -> Row:
    """One event as a row of `history`."""
    event = row.event
    cells: list[Any] = [None] * len(HISTORY_COLUMNS)
    cells[:5] = position, row.key, row.sequence, row.turn, type(event).__name__
    cells[_AT["occurred_at"]] = naive(event.occurred_at)
    detail: dict[str, Any] = {}
    _LAYOUTS[type(event)].write(event, cells, detail)
    if isinstance(event, history.TimerCreated):
        cells[_AT["origin"]] = _ORIGIN_TAGS[type(event.origin)]
        _LAYOUTS[type(event.origin)].write(event.origin, cells, detail)
    elif isinstance(event, history.TaskFailed | history.ChildWorkflowInstanceFailed | history.ExecutionCompleted) and event.failure:
        cells[_AT["error_type"]] = event.failure.error_type
    if detail:
        cells[_AT["detail"]] = _JSON.encode(detail).decode()
    return tuple(cells)


def history_record(row: Sequence[Any]) -> HistoryRow:
    """A row of `history` as the event that it was."""
    kind = _TYPES[row[_AT["type"]]]
    text = row[_AT["detail"]]
    detail = msgspec.json.decode(text) if text else {}
    values = _LAYOUTS[kind].read(row, detail)
    values["occurred_at"] = aware(row[_AT["occurred_at"]])
    if origin := row[_AT["origin"]]:
        origin_kind = _ORIGIN_TYPES[origin]
        values["origin"] = origin_kind(**_LAYOUTS[origin_kind].read(row, detail))
    return HistoryRow(row[1], row[2], row[3], kind(**values))


def runs_row(position: int, first_position: int, instance: Instance) -> Row:
    """An instance's state as a row of `runs`."""
    parent, failure = instance.parent, instance.failure
    return (
        position, first_position, instance.key, instance.instance_id, instance.name, instance.version, instance.code_hash,
        instance.status.value,
        *((parent.key, parent.instance_id, parent.name, parent.task_id) if parent else (None, None, None, None)),
        instance.root, instance.generation, instance.app_id,
        _JSON.encode(instance.tags).decode() if instance.tags else None,
        naive(instance.created_at), naive(instance.updated_at), naive(instance.scheduled_start),
        instance.input, instance.output, instance.custom_status,
        *((failure.error_type, _JSON.encode(failure).decode()) if failure else (None, None)),
        instance.next_sequence, instance.turn,
    )  # fmt: skip


_FAILURE = msgspec.json.Decoder(FailureDetails)
_TAGS = msgspec.json.Decoder(dict[str, str])


def runs_record(row: Sequence[Any]) -> Instance:
    """A row of `runs` as the instance's state."""
    cells = dict(zip(RUNS_COLUMNS, row, strict=True))
    task = cells["parent_task"]
    return Instance(
        key=cells["instance"],
        instance_id=cells["instance_id"],
        name=cells["name"],
        version=cells["version"],
        code_hash=cells["code_hash"],
        status=Status(cells["status"]),
        parent=None
        if task is None
        else ParentInstance(key=cells["parent"], instance_id=cells["parent_id"], name=cells["parent_name"], task_id=task),
        root=cells["root"],
        generation=cells["generation"],
        app_id=cells["app_id"],
        tags=_TAGS.decode(cells["tags"]) if cells["tags"] else {},
        created_at=cells["created_at"].replace(tzinfo=UTC),
        updated_at=cells["updated_at"].replace(tzinfo=UTC),
        scheduled_start=aware(cells["scheduled_start"]),
        input=cells["input"],
        output=cells["output"],
        custom_status=cells["custom_status"],
        failure=_FAILURE.decode(cells["failure"]) if cells["failure"] else None,
        next_sequence=cells["next_sequence"],
        turn=cells["turn"],
    )


def definitions_row(position: int, row: DefinitionRow) -> Row:
    """A definition as a row of `definitions`."""
    packages = _JSON.encode(row.packages).decode()
    return (position, row.name, row.kind, row.code_hash, row.source, row.origin, packages, naive(row.registered_at))


def definitions_record(row: Sequence[Any]) -> DefinitionRow:
    """A row of `definitions` as it was registered."""
    _, name, kind, code_hash, source, origin, packages, registered_at = row
    return DefinitionRow(
        name=name,
        kind=kind,
        code_hash=code_hash,
        source=source,
        origin=origin,
        packages=_TAGS.decode(packages),
        registered_at=registered_at.replace(tzinfo=UTC),
    )


def audit_row(position: int, row: AuditRow) -> Row:
    """An act as a row of `audit`."""
    return (position, naive(row.at), row.who, row.what, row.key, row.instance_id, row.where, row.why)
