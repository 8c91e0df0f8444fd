"""`ctx.cursor` (SEMANTICS): queries and tables of one's own; the record and the transaction are the engine's."""

from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from wfengine.errors import InvalidArgument
from wfengine.runtime.activity_cursor import ActivityCursor
from wfengine.store.store import Store

RECORD = [
    "DELETE FROM history",
    "DELETE FROM runs",
    "DELETE FROM 'history'",
    "DROP TABLE runs",
    "DROP VIEW instances",
    "INSERT INTO transactions SELECT * FROM transactions",
    "CREATE TEMP TABLE transactions (a INTEGER)",
    "UPDATE mine SET a = 2; UPDATE history SET name = 'x'",
    "WITH gone AS (DELETE FROM history RETURNING *) FROM gone",
]
TRANSACTION = [
    "BEGIN",
    "BEGIN TRANSACTION",
    "START TRANSACTION",
    "COMMIT",
    "commit",
    "/* now */ COMMIT",
    "END",
    "ROLLBACK",
    "ABORT",
    "UPDATE mine SET a = 2; COMMIT",
    "UPDATE mine SET a = 2; ROLLBACK; UPDATE mine SET a = 3",
    "EXPLAIN ANALYZE COMMIT",
    "EXPLAIN (ANALYZE) ROLLBACK",
    "ATTACH ':memory:' AS other",
    "DETACH other",
    "CHECKPOINT",
    "FORCE CHECKPOINT",
    "CALL force_checkpoint()",
    "PRAGMA force_checkpoint",
    "USE memory",
    "SET schema = 'other'",
    "PRAGMA import_database('somewhere')",
    "IMPORT DATABASE 'somewhere'",
    "COPY FROM DATABASE other TO wflab",
    "EXPORT DATABASE 'somewhere'",
    "LOAD json",
    "PREPARE gone AS DELETE FROM mine",
    "VACUUM",
]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "wflab.duckdb")
    with store.transaction() as connection:
        connection.execute("CREATE TABLE mine AS SELECT 1 AS a")
    yield store
    store.close()


def mine(store: Store) -> list[int]:
    with store.cursor() as connection:
        return [row[0] for row in connection.execute("SELECT a FROM mine ORDER BY a").fetchall()]


def refused(store: Store, attempt: Callable[[ActivityCursor], object]) -> str:
    """The error's text. It comes before anything has run, and what the cursor does besides is committed."""
    with store.transaction() as connection:
        cursor = ActivityCursor(connection)
        with pytest.raises(InvalidArgument) as caught:
            attempt(cursor)
        cursor.execute("INSERT INTO mine VALUES (10)")
    assert mine(store) == [1, 10]
    return str(caught.value)


@pytest.mark.parametrize("query", RECORD)
def test_what_would_change_the_record_is_refused_before_it_runs(store: Store, query: str) -> None:
    assert "is the engine's and can only be read" in refused(store, lambda cursor: cursor.execute(query))


@pytest.mark.parametrize("query", TRANSACTION)
def test_what_would_end_the_transaction_or_leave_the_database_is_refused_before_it_runs(store: Store, query: str) -> None:
    assert "cannot be run here: the engine begins and ends this transaction." in refused(store, lambda cursor: cursor.execute(query))


@pytest.mark.parametrize("name", ["begin", "commit", "rollback", "close", "cursor", "duplicate", "checkpoint"])
def test_the_transaction_cannot_be_ended_by_a_method_either(store: Store, name: str) -> None:
    assert refused(store, lambda cursor: getattr(cursor, name)()).startswith(
        f"ctx.cursor has no {name}: the engine begins this transaction"
    )


@pytest.mark.parametrize(
    "attempt",
    [
        lambda cursor: cursor.sql("DELETE FROM history"),
        lambda cursor: cursor.executemany("DELETE FROM history WHERE name = ?", [["a"]]),
        lambda cursor: cursor.execute(duckdb.extract_statements("DELETE FROM history")[0]),
        lambda cursor: cursor.register("History", pd.DataFrame({"a": [1]})),
    ],
)
def test_no_other_way_leads_to_the_record(store: Store, attempt: Callable[[ActivityCursor], object]) -> None:
    assert "engine's" in refused(store, attempt)


def test_a_name_that_it_does_not_have_is_told_with_those_it_has(store: Store) -> None:
    with store.transaction() as connection, pytest.raises(AttributeError, match=r"ctx\.cursor has no 'table'\. It has execute"):
        ActivityCursor(connection).table("history")


def test_rows_are_written_and_read_in_duckdbs_words(store: Store) -> None:
    with store.transaction() as connection:
        cursor = ActivityCursor(connection)
        cursor.execute("INSERT INTO mine VALUES ($a)", {"a": 2}).executemany("INSERT INTO mine VALUES (?)", [[3], [4]])
        assert cursor.execute("SELECT a FROM mine WHERE a > ? ORDER BY a", [1]).fetchone() == (2,)
        assert cursor.fetchmany(1) == [(3,)]
        assert cursor.fetchall() == [(4,)]
        assert cursor.sql("SELECT max(a) AS most FROM mine WHERE a < $limit", params={"limit": 4}).df().most[0] == 3
        assert list(cursor.execute("SELECT a FROM mine ORDER BY a").fetchnumpy()["a"]) == [1, 2, 3, 4]
        assert [column[0] for column in cursor.execute("SELECT a FROM mine").description] == ["a"]
        cursor.execute("CREATE TABLE other AS FROM mine; DROP TABLE mine; ALTER TABLE other RENAME TO mine")
    assert mine(store) == [1, 2, 3, 4]


def test_data_frames_of_the_activity_are_tables_by_their_names(store: Store) -> None:
    more = pd.DataFrame({"a": [5, 6]})
    with store.transaction() as connection:
        cursor = ActivityCursor(connection)
        cursor.execute("INSERT INTO mine FROM more")
        cursor.register("registered", more).execute("INSERT INTO mine SELECT a + 10 FROM registered").unregister("registered")
    assert mine(store) == [1, 5, 6, 15, 16]


@pytest.mark.parametrize("query", ["SELEC 1", "FROM nowhere"])
def test_a_query_that_duckdb_refuses_is_told_in_its_words(store: Store, query: str) -> None:
    with pytest.raises(duckdb.Error), store.transaction() as connection:
        ActivityCursor(connection).execute(query)


def test_a_closed_connection_of_the_activitys_own_says_nothing_of_the_record(store: Store) -> None:
    own = duckdb.connect()
    own.close()
    with pytest.raises(duckdb.ConnectionException, match="closed"), store.transaction():
        own.execute("SELECT 1")
