"""Questions the engine asks of the record. Reports for people are SQL elsewhere; what is here rebuilds the engine's memory."""

from collections.abc import Iterable, Iterator

import duckdb

from wfengine.model.instance import TERMINAL, Instance, Status
from wfengine.model.work import DefinitionRow, HistoryRow
from wfengine.store import rows

_HISTORY = ", ".join(rows.HISTORY_COLUMNS)
_RUNS = ", ".join("key" if column == "instance" else column for column in rows.RUNS_COLUMNS)
_DEFINITIONS = ", ".join(rows.DEFINITIONS_COLUMNS)
_TERMINAL = [str(status) for status in TERMINAL]

# ruff: noqa: S608 - the only things formatted into these statements are the column lists above


def live(cursor: duckdb.DuckDBPyConnection) -> list[tuple[Instance, list[HistoryRow]]]:
    """Every execution that has not ended, with its whole history."""
    found = cursor.execute(f"SELECT {_RUNS} FROM executions WHERE status NOT IN (SELECT unnest(?)) ORDER BY key", [_TERMINAL]).fetchall()
    histories: dict[int, list[HistoryRow]] = {}
    pairs = []
    for row in found:
        instance = rows.runs_record(row)
        pairs.append((instance, histories.setdefault(instance.key, [])))
    if pairs:
        wanted = f"SELECT {_HISTORY} FROM history WHERE instance IN (SELECT unnest(?)) ORDER BY instance, sequence"
        for record in map(rows.history_record, cursor.execute(wanted, [list(histories)]).fetchall()):
            histories[record.key].append(record)
    return pairs


def ids(cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[int, str, Status]]:
    """The newest execution of every instance id."""
    for key, instance_id, status in cursor.execute("SELECT key, instance_id, status FROM instances ORDER BY key").fetchall():
        yield key, instance_id, Status(status)


def history(cursor: duckdb.DuckDBPyConnection, key: int) -> list[HistoryRow]:
    """An execution's events, in order."""
    # The bounds spare DuckDB all row groups but those the execution was written to.
    bounds = cursor.execute(
        "SELECT min(first_position), max(position), arg_max(status, position) FROM runs WHERE instance = ?", [key]
    ).fetchone()
    if bounds is None or bounds[0] is None:
        return []
    first, last, status = bounds
    until = last if status in TERMINAL else None
    wanted = f"SELECT {_HISTORY} FROM history WHERE instance = ? AND position >= ? AND position <= coalesce(?, position) ORDER BY sequence"
    return [rows.history_record(row) for row in cursor.execute(wanted, [key, first, until]).fetchall()]


def instances(cursor: duckdb.DuckDBPyConnection, keys: Iterable[int]) -> list[Instance]:
    """The present state of these executions, by key; unknown ones are left out."""
    return _instances(cursor, "key IN (SELECT unnest(?))", list(keys))


def children(cursor: duckdb.DuckDBPyConnection, key: int) -> list[Instance]:
    """The executions that this one started, by key."""
    return _instances(cursor, "parent = ?", key)


def find(cursor: duckdb.DuckDBPyConnection, instance_id: str) -> Instance | None:
    """The newest execution of an instance id."""
    return next(iter(_instances(cursor, "key = (SELECT max(instance) FROM runs WHERE instance_id = ?)", instance_id)), None)


def definitions(cursor: duckdb.DuckDBPyConnection) -> list[DefinitionRow]:
    """Every registration, in order."""
    return [rows.definitions_record(row) for row in cursor.execute(f"SELECT {_DEFINITIONS} FROM definitions ORDER BY position").fetchall()]


def _instances(cursor: duckdb.DuckDBPyConnection, condition: str, value: object) -> list[Instance]:
    found = cursor.execute(f"SELECT {_RUNS} FROM executions WHERE {condition} ORDER BY key", [value]).fetchall()
    return [rows.runs_record(row) for row in found]
