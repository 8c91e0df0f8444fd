"""Between events and rows of `history`: what a field is called in the table, and back, exactly.

Each event type lists the fields that have a column of their own; whatever else it holds goes into `detail` as JSON. The column order is that
of schema.sql. Rows are built at the rate of the engine's hot path: what can be worked out once per type is.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter, itemgetter
from typing import Any

import msgspec

from wfengine.model import history
from wfengine.model.work import HistoryRow
from wfengine.store.payloads import MARK, LargePayloads, is_in_place, resolved
from wfengine.store.rows import JSON, Row, aware, naive

HISTORY_COLUMNS = (
    "position", "instance", "sequence", "turn", "type", "event_id", "name", "occurred_at", "attempt", "task_execution_id",
    "started_at", "duration_ms", "worker", "origin", "error_type", "app_id", "fire_at", "data", "detail",
)  # fmt: skip

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
    history.TaskRestarted: {"task_scheduled_id": "event_id"},
    history.TaskEndedLate: {**_END_OF_TASK, "error_type": "error_type"},
    history.TimerCreated: {"event_id": "event_id", "fire_at": "fire_at"},
    history.TimerFired: {"timer_id": "event_id", "fire_at": "fire_at"},
    history.ChildWorkflowInstanceCreated: {
        "event_id": "event_id", "name": "name", "input": "data", "attempt": "attempt", "app_id": "app_id",
    },
    history.ChildWorkflowInstanceCompleted: {"task_scheduled_id": "event_id", "result": "data"},
    history.ChildWorkflowInstanceFailed: {"task_scheduled_id": "event_id"},
    history.DetachedWorkflowInstanceCreated: {
        "event_id": "event_id", "name": "name", "input": "data", "app_id": "app_id", "scheduled_start": "fire_at",
    },
    history.PatchRecorded: {"name": "name"},
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
_FAILING = (history.TaskFailed, history.ChildWorkflowInstanceFailed, history.ExecutionCompleted)
_LARGE_DETAILS = frozenset({"propagated"})  # JSON text, so that no reference can be confused with it
_AT = {column: number for number, column in enumerate(HISTORY_COLUMNS)}
_DATA, _DETAIL, _OCCURRED_AT = _AT["data"], _AT["detail"], _AT["occurred_at"]
_TIMES = {"fire_at", "started_at"}
_GIVEN = ("position", "instance", "sequence", "turn", "type", "occurred_at")


class _Layout:
    """Where the fields of one event or timer origin go, worked out once."""

    def __init__(self, kind: type[msgspec.Struct], columns: dict[str, str], elsewhere: Iterable[str] = ()) -> None:
        placed = {*columns, *elsewhere}
        self.type = kind.__name__
        self.columns = [(field, _AT[column], column in _TIMES) for field, column in columns.items()]
        self.rest = [(field.name, _default(field), field.type) for field in msgspec.structs.fields(kind) if field.name not in placed]
        self.names = [field for field, column in columns.items() if column not in _TIMES]
        self.times = [field for field, column in columns.items() if column in _TIMES]
        self.rest_of = _getter([name for name, _, _ in self.rest])
        self.usual = tuple(default for _, default, _ in self.rest)

    def detail(self, record: msgspec.Struct, key: int, large: LargePayloads) -> dict[str, Any]:
        """What has no column, where it is not as usual."""
        values = self.rest_of(record)
        if values == self.usual:
            return {}
        pairs = zip(self.rest, values, strict=True)
        found = {name: value for (name, default, _), value in pairs if value != default}
        return {name: large.placed(value, key) if name in _LARGE_DETAILS else value for name, value in found.items()}

    def read(self, row: Sequence[Any], detail: dict[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
        values = {name: aware(row[number]) if is_time else row[number] for name, number, is_time in self.columns}
        for name, _, kind in self.rest:
            if name in detail:
                value = resolved(detail[name], texts) if name in _LARGE_DETAILS else detail[name]
                values[name] = msgspec.convert(value, kind)
        return values


class _EventLayout(_Layout):
    """The same for an event, with the whole row."""

    def __init__(self, kind: type[msgspec.Struct], columns: dict[str, str]) -> None:
        super().__init__(kind, columns, ("occurred_at", "origin"))
        self._fields = _getter(self.names)
        source = [*_GIVEN, *(columns[name] for name in self.names), *(columns[name] for name in self.times), "none"]
        self._arranged = itemgetter(*(source.index(column) if column in source else -1 for column in HISTORY_COLUMNS))

    def row(self, position: int, row: HistoryRow) -> Row:
        """The row, without its detail."""
        event = row.event
        values = (position, row.key, row.sequence, row.turn, self.type, naive(event.occurred_at), *self._fields(event))
        if self.times:
            values += tuple(naive(getattr(event, name)) for name in self.times)
        arranged: Row = self._arranged((*values, None))
        return arranged


def _getter(names: list[str]) -> Any:
    """Gives the attributes of these names as a tuple: `attrgetter`, which gives a single one bare and none not at all."""
    if len(names) > 1:
        return attrgetter(*names)
    return (lambda record: (getattr(record, names[0]),)) if names else (lambda _: ())


def _default(field: msgspec.structs.FieldInfo) -> Any:
    return field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default


_EVENTS = {kind: _EventLayout(kind, columns) for kind, columns in _FIELD_COLUMNS.items()}
_ORIGINS = {
    kind: _Layout(kind, {f.name: _ORIGIN_COLUMNS[f.name] for f in msgspec.structs.fields(kind) if f.name in _ORIGIN_COLUMNS})
    for kind in _ORIGIN_TAGS
}
_TYPES = {kind.__name__: kind for kind in _FIELD_COLUMNS}
_SCHEDULED_REST, _USUAL = _EVENTS[history.TaskScheduled].rest_of, _EVENTS[history.TaskScheduled].usual


def history_row(position: int, row: HistoryRow, large: LargePayloads) -> Row:
    """One event as a row of `history`."""
    event = row.event
    # Most events are one of these two, as usual: written out, their rows cost a third of what the general way takes.
    if type(event) is history.TaskCompleted and is_in_place(event.result):
        return (
            position, row.key, row.sequence, row.turn, "TaskCompleted", event.task_scheduled_id, None, naive(event.occurred_at), None, None,
            naive(event.started_at), event.duration_ms, event.worker, None, None, None, None, event.result, None,
        )  # fmt: skip
    if type(event) is history.TaskScheduled and is_in_place(event.input) and _SCHEDULED_REST(event) == _USUAL:
        return (
            position, row.key, row.sequence, row.turn, "TaskScheduled", event.event_id, event.name, naive(event.occurred_at), event.attempt,
            event.task_execution_id, None, None, None, None, None, event.app_id, None, event.input, None,
        )  # fmt: skip
    return _general_row(position, row, event, large)


def _general_row(position: int, row: HistoryRow, event: history.HistoryEvent, large: LargePayloads) -> Row:
    layout = _EVENTS[type(event)]
    cells = layout.row(position, row)
    data = cells[_DATA]
    placed = large.placed(data, row.key)
    detail = layout.detail(event, row.key, large)
    if placed is data and not detail and not isinstance(event, history.TimerCreated | history.ExecutionCompleted):
        return cells
    changed = list(cells)
    changed[_DATA] = placed
    if isinstance(event, history.TimerCreated):
        origin = _ORIGINS[type(event.origin)]
        changed[_AT["origin"]] = _ORIGIN_TAGS[type(event.origin)]
        for name, number, _ in origin.columns:
            changed[number] = getattr(event.origin, name)
        detail |= origin.detail(event.origin, row.key, large)
    elif isinstance(event, _FAILING) and event.failure:
        changed[_AT["error_type"]] = event.failure.error_type
    if detail:
        changed[_DETAIL] = JSON.encode(detail).decode()
    return tuple(changed)


def history_record(row: Sequence[Any], texts: Mapping[str, str]) -> HistoryRow:
    """A row of `history` as the event that it was. `texts` are its large payloads, by reference."""
    kind = _TYPES[row[_AT["type"]]]
    text, data = row[_DETAIL], row[_DATA]
    if data is not None and data.startswith(MARK):
        row = (*row[:_DATA], resolved(data, texts), *row[_DATA + 1 :])
    detail = msgspec.json.decode(text) if text else {}
    values = _EVENTS[kind].read(row, detail, texts)
    values["occurred_at"] = aware(row[_OCCURRED_AT])
    if origin := row[_AT["origin"]]:
        origin_kind = _ORIGIN_TYPES[origin]
        values["origin"] = origin_kind(**_ORIGINS[origin_kind].read(row, detail, texts))
    return HistoryRow(row[1], row[2], row[3], kind(**values))
