"""Between records and rows, but for events: what a field is called in the tables, and back, exactly.

Times are aware UTC in the model and naive UTC in DuckDB. The column order is that of schema.sql. Whatever may be large passes through
`LargePayloads` on its way in and is looked up in `texts` on its way back.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from wfengine.model.failure import FailureDetails
from wfengine.model.instance import Instance, ParentInstance, Status
from wfengine.model.work import AuditRow, CircuitRow, DefinitionRow
from wfengine.store.payloads import LargePayloads, resolved

# A row is what DuckDB takes and gives: its cells are typed by the table, not by Python.
Row = tuple[Any, ...]

RUNS_COLUMNS = (
    "position", "first_position", "instance", "instance_id", "name", "version", "code_hash", "status", "parent", "parent_id",
    "parent_name", "parent_task", "root", "generation", "app_id", "tags", "created_at", "updated_at", "scheduled_start",
    "input", "output", "custom_status", "error_type", "failure", "next_sequence", "turn", "purge_at",
)  # fmt: skip
DEFINITIONS_COLUMNS = ("position", "name", "kind", "code_hash", "source", "origin", "packages", "registered_at", "version", "app_id")
CIRCUITS_COLUMNS = ("position", "occurred_at", "app_id", "name", "state", "consecutive_failures", "requests")


def plain_text(value: Any) -> str:
    """What msgspec's encoders ask for a type they do not know: a subclass of str, such as numpy's, is its text."""
    if isinstance(value, str):
        return str.__str__(value)
    raise NotImplementedError(f"{type(value).__name__} cannot be recorded.")


JSON = msgspec.json.Encoder(enc_hook=plain_text)


def naive(moment: datetime | None) -> datetime | None:
    """An aware time as the tables hold it."""
    if moment is None:
        return None
    return (moment if moment.tzinfo is UTC else moment.astimezone(UTC)).replace(tzinfo=None)


def aware(moment: datetime | None) -> datetime | None:
    """A time from the tables as the model holds it."""
    return None if moment is None else moment.replace(tzinfo=UTC)


def runs_row(position: int, first_position: int, instance: Instance, large: LargePayloads) -> Row:
    """An instance's state as a row of `runs`."""
    parent, failure, key = instance.parent, instance.failure, instance.key
    return (
        position, first_position, key, instance.instance_id, instance.name, instance.version, instance.code_hash,
        instance.status.value,
        *((parent.key, parent.instance_id, parent.name, parent.task_id) if parent else (None, None, None, None)),
        instance.root, instance.generation, instance.app_id,
        JSON.encode(instance.tags).decode() if instance.tags else None,
        naive(instance.created_at), naive(instance.updated_at), naive(instance.scheduled_start),
        large.placed(instance.input, key), large.placed(instance.output, key), large.placed(instance.custom_status, key),
        *((failure.error_type, JSON.encode(failure).decode()) if failure else (None, None)),
        instance.next_sequence, instance.turn, naive(instance.purge_at),
    )  # fmt: skip


_FAILURE = msgspec.json.Decoder(FailureDetails)
_TAGS = msgspec.json.Decoder(dict[str, str])


def runs_record(row: Sequence[Any], texts: Mapping[str, str]) -> Instance:
    """A row of `runs` as the instance's state. `texts` are its large payloads, by reference."""
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
        input=resolved(cells["input"], texts),
        output=resolved(cells["output"], texts),
        custom_status=resolved(cells["custom_status"], texts),
        failure=_FAILURE.decode(cells["failure"]) if cells["failure"] else None,
        next_sequence=cells["next_sequence"],
        turn=cells["turn"],
        purge_at=aware(cells["purge_at"]),
    )


def definitions_row(position: int, row: DefinitionRow) -> Row:
    """A definition as a row of `definitions`."""
    packages = JSON.encode(row.packages).decode()
    return (
        position,
        row.name,
        row.kind,
        row.code_hash,
        row.source,
        row.origin,
        packages,
        naive(row.registered_at),
        row.version,
        row.app_id,
    )


def definitions_record(row: Sequence[Any]) -> DefinitionRow:
    """A row of `definitions` as it was registered."""
    _, name, kind, code_hash, source, origin, packages, registered_at, version, app_id = row
    return DefinitionRow(
        name=name,
        kind=kind,
        code_hash=code_hash,
        source=source,
        origin=origin,
        packages=_TAGS.decode(packages),
        registered_at=registered_at.replace(tzinfo=UTC),
        version=version,
        app_id=app_id,
    )


def audit_row(position: int, row: AuditRow) -> Row:
    """An act as a row of `audit`."""
    return (position, naive(row.at), row.who, row.what, row.key, row.instance_id, row.where, row.why)


def circuits_row(position: int, row: CircuitRow) -> Row:
    """A change of a circuit breaker as a row of `circuits`."""
    return (position, naive(row.at), row.app_id, row.name, row.state, row.consecutive_failures, row.requests)


def circuits_record(row: Sequence[Any]) -> CircuitRow:
    """A row of `circuits` as the change that it was."""
    _, at, app_id, name, state, consecutive_failures, requests = row
    return CircuitRow(
        at=at.replace(tzinfo=UTC), name=name, state=state, consecutive_failures=consecutive_failures, requests=requests, app_id=app_id
    )
