"""Questions the engine asks of the record. Reports for people are SQL elsewhere; what is here rebuilds the engine's memory."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

import duckdb

from wfengine.model.instance import TERMINAL, Instance, Status
from wfengine.model.work import CircuitRow, DefinitionRow, HistoryRow
from wfengine.store import events, payloads, rows

# ruff: noqa: S608 - the only things formatted into these statements are lists of columns

_HISTORY = ", ".join(events.HISTORY_COLUMNS)
_RUNS = ", ".join("key" if column == "instance" else column for column in rows.RUNS_COLUMNS)
_CIRCUITS = ", ".join(rows.CIRCUITS_COLUMNS)
_DEFINITIONS = ", ".join(rows.DEFINITIONS_COLUMNS)
_TERMINAL = [str(status) for status in TERMINAL]
_PAYLOADS = slice(rows.RUNS_COLUMNS.index("input"), rows.RUNS_COLUMNS.index("custom_status") + 1)
# Straight from the table: the view would look for the newest row of every execution first.
_OF_RUNS = f"SELECT {_RUNS} FROM (SELECT * RENAME (instance AS key) FROM runs)"
_LAST_POSITION = 2**63 - 1


def live(cursor: duckdb.DuckDBPyConnection) -> list[tuple[Instance, list[HistoryRow]]]:
    """Every execution that has not ended, with its whole history."""
    found = instances_from(cursor, f"SELECT {_RUNS} FROM executions WHERE status NOT IN (SELECT unnest(?)) ORDER BY key", [_TERMINAL])
    return with_histories(cursor, found)


def with_histories(cursor: duckdb.DuckDBPyConnection, found: list[Instance]) -> list[tuple[Instance, list[HistoryRow]]]:
    """These executions with their whole histories, by one query."""
    of = histories(cursor, [instance.key for instance in found])
    return [(instance, of[instance.key]) for instance in found]


def histories(cursor: duckdb.DuckDBPyConnection, keys: Sequence[int]) -> dict[int, list[HistoryRow]]:
    """The events of these executions, in order: one question for all of them, where `history` asks the store for each."""
    found: dict[int, list[HistoryRow]] = {key: [] for key in keys}
    if found:
        wanted = f"SELECT {_HISTORY} FROM history WHERE instance IN (SELECT unnest(?)) ORDER BY instance, sequence"
        for record in _events_from(cursor, wanted, [list(found)]):
            found[record.key].append(record)
    return found


def executions(
    cursor: duckdb.DuckDBPyConnection,
    name: str,
    *,
    statuses: Iterable[str] | None = None,
    version: str | None = None,
    limit: int | None = None,
) -> list[Instance]:
    """Every execution of a workflow (of this version, in one of these statuses), newest first."""
    query = f"SELECT {_RUNS} FROM executions WHERE name = $name"
    given: dict[str, Any] = {"name": name}
    if statuses is not None:
        query += " AND status IN (SELECT unnest($statuses))"
        given["statuses"] = list(statuses)
    if version is not None:
        query += " AND version = $version"
        given["version"] = version
    return instances_from(cursor, f"{query} ORDER BY key DESC LIMIT {sys.maxsize if limit is None else int(limit)}", given)


def ids(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[int, str, Status]]:
    """The newest execution of every instance id."""
    for key, instance_id, status in cursor.execute("SELECT key, instance_id, status FROM instances ORDER BY key").fetchall():
        yield key, instance_id, Status(status)


def history(cursor: duckdb.DuckDBPyConnection, key: int, begin: int = 0) -> list[HistoryRow]:
    """An execution's events from the place `begin` on, in order."""
    # The bounds spare DuckDB all row groups but those the execution was written to.
    bounds = cursor.execute(
        "SELECT min(first_position), max(position), arg_max(status, position) FROM runs WHERE instance = ?", [key]
    ).fetchone()
    if bounds is None or bounds[0] is None:
        return []
    first, last, status = bounds
    until = last if status in TERMINAL else _LAST_POSITION
    wanted = f"SELECT {_HISTORY} FROM history WHERE instance = ? AND position BETWEEN ? AND ? AND sequence >= ?"
    return sorted(_events_from(cursor, wanted, [key, first, until, begin]), key=attrgetter("sequence"))  # quicker than DuckDB for so few


def history_of_actions(cursor: duckdb.DuckDBPyConnection, key: int, event_ids: Iterable[int]) -> list[HistoryRow]:
    """The events that confirm or answer these actions of an execution, in order."""
    wanted = f"SELECT {_HISTORY} FROM history WHERE instance = ? AND event_id IN (SELECT unnest(?::BIGINT[]))"
    return sorted(_events_from(cursor, wanted, [key, list(event_ids)]), key=attrgetter("sequence"))


def instance(cursor: duckdb.DuckDBPyConnection, key: int) -> Instance | None:
    """The present state of one execution."""
    return next(iter(instances_from(cursor, f"{_OF_RUNS} WHERE key = ? ORDER BY position DESC LIMIT 1", [key])), None)


def instances(cursor: duckdb.DuckDBPyConnection, keys: Iterable[int]) -> list[Instance]:
    """The present state of these executions, by key; unknown ones are left out."""
    newest = "QUALIFY row_number() OVER (PARTITION BY key ORDER BY position DESC) = 1"
    return instances_from(cursor, f"{_OF_RUNS} WHERE key IN (SELECT unnest(?)) {newest} ORDER BY key", [list(keys)])


def children(cursor: duckdb.DuckDBPyConnection, key: int) -> list[Instance]:
    """The executions that this one started, by key."""
    return instances_from(cursor, f"SELECT {_RUNS} FROM executions WHERE parent = ? ORDER BY key", [key])


def find(cursor: duckdb.DuckDBPyConnection, instance_id: str) -> Instance | None:
    """The newest execution of an instance id."""
    query = f"{_OF_RUNS} WHERE instance_id = ? ORDER BY key DESC, position DESC LIMIT 1"
    return next(iter(instances_from(cursor, query, [instance_id])), None)


def ended_to_purge(cursor: duckdb.DuckDBPyConnection) -> list[tuple[int, str, datetime]]:
    """Ended executions that are to be deleted at a time: key, id, that time."""
    query = "SELECT key, instance_id, purge_at FROM executions WHERE purge_at IS NOT NULL AND status IN (SELECT unnest(?)) ORDER BY key"
    return [(key, instance_id, at.replace(tzinfo=UTC)) for key, instance_id, at in cursor.execute(query, [_TERMINAL]).fetchall()]


def definitions(cursor: duckdb.DuckDBPyConnection) -> list[DefinitionRow]:
    """Every registration, in order."""
    return [rows.definitions_record(row) for row in cursor.execute(f"SELECT {_DEFINITIONS} FROM definitions ORDER BY position").fetchall()]


def circuits(cursor: duckdb.DuckDBPyConnection) -> list[CircuitRow]:
    """The present state of every circuit breaker."""
    query = (
        f"SELECT {_CIRCUITS} FROM circuits WHERE position IN (SELECT max(position) FROM circuits GROUP BY app_id, name) ORDER BY position"
    )
    return [rows.circuits_record(row) for row in cursor.execute(query).fetchall()]


def transaction_result(cursor: duckdb.DuckDBPyConnection, key: int, event_id: int) -> tuple[bool, str | None]:
    """Whether a transactional activity has committed, and its result."""
    query = "SELECT result FROM transactions WHERE instance = ? AND event_id = ? LIMIT 1"
    found = cursor.execute(query, [key, event_id]).fetchone()
    return (False, None) if found is None else (True, found[0])


def instances_from(cursor: duckdb.DuckDBPyConnection, query: str, parameters: Any = None) -> list[Instance]:
    """What a query for the columns of `runs` finds, in its order; large payloads are looked up."""
    found = cursor.execute(query, parameters).fetchall()
    texts = payloads.texts_of(cursor, (cell for row in found for cell in row[_PAYLOADS]))
    return [rows.runs_record(row, texts) for row in found]


def _events_from(cursor: duckdb.DuckDBPyConnection, query: str, parameters: list[Any]) -> list[HistoryRow]:
    found = cursor.execute(query, parameters).fetchall()
    texts = payloads.texts_of(cursor, (cell for row in found for cell in row[-2:]))  # data and detail
    return [events.history_record(row, texts) for row in found]
