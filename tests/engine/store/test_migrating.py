"""A file of an earlier schema is brought up to date when it is opened, or left as it was."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.engine.store.desk import BEGIN, Desk, end_of, start_of, step_of
from wfengine.errors import StoreError
from wfengine.model.instance import Status
from wfengine.model.work import CircuitRow, Commit
from wfengine.store import migrating
from wfengine.store.database import SCHEMA_VERSION
from wfengine.store.store import Store

pytestmark = pytest.mark.slow

# Ends itself at the nth word to DuckDB of a migration.
VICTIM = """
import os, signal, sys
from wfengine.store import database
from wfengine.store.store import Store

class Counted:
    def __init__(self, connection, left):
        self.connection, self.left = connection, left
    def __getattr__(self, name):
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1
        return getattr(self.connection, name)

migrate = database.migrating.migrate
database.migrating.migrate = lambda connection, *others: migrate(Counted(connection, int(sys.argv[2])), *others)
Store.open(sys.argv[1]).close()
"""


def make_schema_1(place: Path) -> None:
    """A lab as schema 1 kept it: one ended execution, one that waits, a definition, and a table of the user's own."""
    with duckdb.connect(str(place), config={"storage_compatibility_version": "v1.5.0"}) as connection:
        connection.execute(Path(__file__).with_name("schema_1.sql").read_text())
        connection.execute("INSERT INTO meta VALUES ('schema_version', '1'), ('lab_id', '00112233445566778899aabbccddeeff')")
        connection.execute("INSERT INTO progress VALUES (4, 8, 3, 1, now()::TIMESTAMP)")
        connection.execute(
            """
            INSERT INTO history BY NAME
            SELECT unnest([1, 3, 5, 6]) AS position, unnest([1, 2, 1, 2]) AS instance, unnest([0, 0, 1, 1]) AS sequence, 1 AS turn,
                unnest(['ExecutionStarted', 'ExecutionStarted', 'ExecutionCompleted', 'TimerCreated']) AS type,
                TIMESTAMP '2026-11-22 12:00:00' AS occurred_at, unnest(['order', 'order', NULL, 'approval']) AS name,
                unnest([NULL, NULL, NULL, 'event']) AS origin, unnest([NULL, NULL, NULL, 0]) AS event_id,
                unnest(['5000', '7000', '"done"', NULL]) AS data,
                unnest(['{"instance_id":"order-1"}', '{"instance_id":"order-2"}', '{"status":"COMPLETED"}', NULL]) AS detail
            """
        )
        connection.execute(
            """
            INSERT INTO runs BY NAME
            SELECT unnest([2, 4, 7]) AS position, unnest([1, 3, 5]) AS first_position, unnest([1, 2, 1]) AS instance,
                'order-' || instance AS instance_id, 'order' AS name, unnest(['RUNNING', 'RUNNING', 'COMPLETED']) AS status,
                instance AS root, 0 AS generation, TIMESTAMP '2026-11-22 12:00:00' AS created_at, created_at AS updated_at,
                unnest([1, 1, 2]) AS next_sequence, 1 AS turn
            """
        )
        connection.execute("INSERT INTO definitions VALUES (8, 'order', 'workflow', 'abc', NULL, NULL, '{}', TIMESTAMP '2026-01-01')")
        connection.execute("CREATE TABLE mine AS SELECT 42 AS answer")


@pytest.fixture
def old(place: Path) -> Path:
    make_schema_1(place)
    return place


def check_old_lab(store: Store) -> None:
    assert [type(row.event).__name__ for row in store.history(1)] == ["ExecutionStarted", "ExecutionCompleted"]
    assert [(instance.instance_id, len(rows)) for instance, rows in store.live()] == [("order-2", 2)]
    assert [(row.name, row.version, row.app_id) for row in store.definitions()] == [("order", None, None)]
    with store.cursor() as cursor:
        assert cursor.execute("SELECT answer FROM mine").fetchall() == [(42,)]
        assert cursor.execute("SELECT instance_id, event_name FROM waits").fetchall() == [("order-2", "approval")]


def test_a_file_of_schema_1_opens_with_all_that_is_in_it_and_takes_what_is_new(old: Path, opened: Callable[..., Desk]) -> None:
    desk = opened(old)
    check_old_lab(desk.store)
    circuit = CircuitRow(at=BEGIN, name="charge", state="open", consecutive_failures=3)
    desk.commit(start_of(3), step_of(3, 1), end_of(3, 2), Commit(circuits=[circuit]))
    desk.store.close()
    again = opened(old).store
    check_old_lab(again)
    assert again.opened_notes == []
    assert again.circuits() == [circuit]
    assert list(again.ids()) == [(1, "order-1", Status.COMPLETED), (2, "order-2", Status.RUNNING), (3, "order-3", Status.COMPLETED)]


def test_a_migrated_file_has_the_very_tables_and_views_of_a_new_one(old: Path, opened: Callable[..., Desk], tmp_path: Path) -> None:
    described = (
        "SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns() WHERE table_name <> 'mine' AND NOT internal "
        "ORDER BY table_name, column_index"
    )
    shapes = []
    for path in (old, tmp_path / "new.duckdb"):
        with opened(path).store.cursor() as cursor:
            shapes.append(cursor.execute(described).fetchall())
    assert shapes[0] == shapes[1]


def test_the_file_as_it_was_is_kept_and_the_person_is_told(old: Path, opened: Callable[..., Desk]) -> None:
    store = opened(old).store
    backup = old.with_name(f"{old.name}.schema-1")
    assert store.opened_notes == [f"The file was brought from schema 1 to {SCHEMA_VERSION}. As it was before, it is kept in {backup}."]
    with duckdb.connect(str(backup), read_only=True) as connection:
        assert connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchall() == [("1",)]
        assert connection.execute("SELECT count(*), count(code_hash) FROM history").fetchall() == [(4, 0)]


def test_a_table_of_the_users_own_in_the_way_is_named_and_the_file_left_as_it_was(old: Path) -> None:
    with duckdb.connect(str(old)) as connection:
        connection.execute("CREATE TABLE transactions AS SELECT 1 AS mine")
    with pytest.raises(StoreError, match=r"transactions.*rename your table"):
        Store.open(old)
    with duckdb.connect(str(old)) as connection:
        assert connection.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchall() == [("1",)]
        connection.execute("ALTER TABLE transactions RENAME TO my_transactions")
    store = Store.open(old)
    check_old_lab(store)
    store.close()


def words_of_a_migration() -> int:
    """How often a migration speaks to DuckDB: five times for the backup, begin, the statements and their texts, version, commit, checkpoint."""
    texts = [migrating.script("migrate_2"), migrating.script("migrate_3"), migrating.script("views")]
    return 5 + 1 + sum(1 + len(duckdb.extract_statements(text)) for text in texts) + 1 + 1 + 1


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 0.4, 0.6, 0.8, 0.9, 0.96, 1.0])
def test_a_migration_killed_at_any_statement_leaves_a_file_that_opens(old: Path, opened: Callable[..., Desk], share: float) -> None:
    moment = round(share * (words_of_a_migration() - 1))
    killed = subprocess.run([sys.executable, "-c", VICTIM, str(old), str(moment)], check=False, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    store = opened(old).store
    check_old_lab(store)
    assert store.epoch == 2
    with store.cursor() as cursor:
        assert cursor.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchall() == [(str(SCHEMA_VERSION),)]
