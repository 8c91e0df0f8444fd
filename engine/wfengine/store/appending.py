"""Commits into DuckDB's tables: one transaction for many, together with how far the journal is applied then."""

from collections.abc import Sequence
from datetime import UTC, datetime
from time import sleep
from typing import NamedTuple

import duckdb

from wfengine.model.work import Commit
from wfengine.store import events, payloads, rows
from wfengine.store.database import Progress

_SLICE_ROWS = 256
_SLICE_ENTRIES = 128
_PAUSE_SECONDS = 20e-6
_PURGE = [f"DELETE FROM {table} WHERE instance IN (SELECT unnest(?))" for table in ("history", "runs", "transactions")]  # noqa: S608


class Entry(NamedTuple):
    """A durable commit at its place; `position` is that of its first row."""

    number: int
    position: int
    commit: Commit

    @property
    def row_count(self) -> int:
        """How many positions the commit takes."""
        return row_count(self.commit)


def row_count(commit: Commit) -> int:
    """How many positions a commit takes."""
    return len(commit.history) + len(commit.runs) + len(commit.definitions) + len(commit.audit) + len(commit.circuits)


def append(connection: duckdb.DuckDBPyConnection, entries: Sequence[Entry], before: Progress) -> Progress:
    """Append the rows of all entries and the progress made, or raise duckdb.Error; what is durable then has to be asked anew."""
    tables: dict[str, list[rows.Row]] = {"history": [], "runs": [], "definitions": [], "audit": [], "circuits": []}
    large = payloads.LargePayloads()
    purged: list[int] = []
    next_key = before.next_key
    for number, entry in enumerate(entries):
        if number % _SLICE_ENTRIES == _SLICE_ENTRIES - 1:
            _let_others_run()
        _add(tables, entry, large)
        purged += entry.commit.purged
        next_key = max(next_key, 1 + max((run.key for run in entry.commit.runs), default=0))
    after = Progress(entries[-1].number, entries[-1].position + entries[-1].row_count, next_key, before.epoch)
    connection.begin()
    try:
        for table, added in tables.items():
            if added:
                append_rows(connection, table, added)
        large.write(connection)
        if purged:
            for statement in _PURGE:
                connection.execute(statement, [purged])
            payloads.forget(connection, purged)
        record(connection, after)
        connection.commit()
    except BaseException:
        roll_back(connection)
        raise
    return after


def record(connection: duckdb.DuckDBPyConnection, progress: Progress) -> None:
    """Write how far the journal is applied."""
    connection.execute("INSERT INTO progress VALUES (?, ?, ?, ?, ?)", [*progress, rows.naive(datetime.now(UTC))])


def _add(tables: dict[str, list[rows.Row]], entry: Entry, large: payloads.LargePayloads) -> None:
    commit, position = entry.commit, entry.position
    tables["history"] += [events.history_row(position + n, row, large) for n, row in enumerate(commit.history)]
    position += len(commit.history)
    tables["runs"] += [rows.runs_row(position + n, entry.position, row, large) for n, row in enumerate(commit.runs)]
    position += len(commit.runs)
    tables["definitions"] += [rows.definitions_row(position + n, row) for n, row in enumerate(commit.definitions)]
    position += len(commit.definitions)
    tables["audit"] += [rows.audit_row(position + n, row) for n, row in enumerate(commit.audit)]
    position += len(commit.audit)
    tables["circuits"] += [rows.circuits_row(position + n, row) for n, row in enumerate(commit.circuits)]


def append_rows(connection: duckdb.DuckDBPyConnection, table: str, added: list[rows.Row]) -> None:
    """Append rows to one of the record's tables, in the order of its columns."""
    if not hasattr(connection, "appender"):
        insert_rows(connection, table, added)
        return
    with connection.appender(table) as appender:
        for start in range(0, len(added), _SLICE_ROWS):  # each call holds the interpreter's lock
            appender.append_rows(added[start : start + _SLICE_ROWS])
            _let_others_run()


def _let_others_run() -> None:
    """Hand the interpreter's lock to the engine's thread if it wants it: unasked it would have to wait for 5 ms."""
    sleep(_PAUSE_SECONDS)


def insert_rows(connection: duckdb.DuckDBPyConnection, table: str, added: list[rows.Row]) -> None:
    """Append without an appender, which DuckDB has from 2.0 on: half as fast."""
    described = connection.execute("SELECT column_type FROM (DESCRIBE SELECT * FROM query_table(?))", [table]).fetchall()
    columns = ", ".join(f"unnest(CAST(? AS {kind}[]))" for (kind,) in described)
    # table and types are the schema's own words, no one's input
    connection.execute(f"INSERT INTO {table} SELECT {columns}", [list(cells) for cells in zip(*added, strict=True)])


def roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    """Give up a transaction, if there still is one."""
    try:
        connection.rollback()
    except duckdb.Error:
        return  # no transaction is left, or the instance is dead: the caller's error says more
