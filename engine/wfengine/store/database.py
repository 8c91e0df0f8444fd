"""The DuckDB file, opened: created whole, our settings, a log that will not replay, checkpoints, and who may use which connection.

The first connection runs nothing; whoever reads gets a cursor of its own. DuckDB's instance can die of a failed write and works again
only once all its connections are closed: `reopen` waits for the readers to leave.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import duckdb

from wfengine.condition import Condition
from wfengine.errors import EnginePaused, EngineStopped, StoreCorrupt, StoreError, StoreVersion
from wfengine.store import guarding, migrating, opening
from wfengine.store.segments import sync_directory, sync_file

SCHEMA_VERSION = 3
_PROGRESS_ROWS = 10_000
_CHECKPOINT_BYTES = 1024 * 1024  # beside twice the log
_READERS_LEAVE_WITHIN_SECONDS = 5.0


class Progress(NamedTuple):
    """How far the journal is applied, and the numbers that follow."""

    commit_index: int
    next_position: int
    next_key: int
    epoch: int


class Database:
    """An open DuckDB file. `reading` is for any thread; `connection` and whatever writes are for one thread at a time."""

    def __init__(self, path: Path, notes: list[str]) -> None:
        self.path = path
        self._changed = Condition()  # guards the root connection and the count of readers
        self._readers = 0
        self._root: duckdb.DuckDBPyConnection | None = opening.connect(path, notes)
        self.is_closed = False
        try:
            self.connection = self._root.cursor()
            meta = self._checked_meta()
            self.lab_id = bytes.fromhex(meta["lab_id"])
            migrating.migrate(self.connection, path, int(meta["schema_version"]), SCHEMA_VERSION, notes)
            self._check_tables()
        except BaseException:
            self._root.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor for one reader on one thread, closed at the end with whatever it had not fetched."""
        with self._changed.lock:
            if self._root is None and not self.is_closed:
                raise EnginePaused("The record cannot be read just now: DuckDB has to be opened anew, which is tried again by itself.")
            if self._root is None:
                raise EngineStopped("The database is closed. Open the lab again to read from it.")
            cursor = self._root.cursor()
            self._readers += 1
        try:
            yield cursor
        finally:
            cursor.close()
            with self._changed.lock:
                self._readers -= 1
                self._changed.notify_all()

    def progress(self) -> Progress:
        """How far the journal is applied."""
        found = self.connection.execute(
            "SELECT commit_index, next_position, next_key, max(epoch) OVER () FROM progress ORDER BY commit_index DESC, next_key DESC LIMIT 1"
        ).fetchone()
        return Progress(0, 1, 1, 0) if found is None else Progress(*found)

    def thin_progress(self) -> None:
        """Forget all but the newest progress once there is much of it."""
        self.connection.execute(
            "DELETE FROM progress WHERE commit_index < (SELECT max(commit_index) FROM progress) AND (SELECT count(*) FROM progress) > ?",
            [_PROGRESS_ROWS],
        )

    def checkpoint(self) -> None:
        """Fold DuckDB's log into the file. Raises duckdb.Error; after some of them only `reopen` helps."""
        self.connection.execute("CHECKPOINT")

    def has_room_for_checkpoint(self) -> bool:
        """Whether the disk has room for what a checkpoint may write: one that fails half-way kills the instance."""
        log = self.path.with_name(self.path.name + ".wal")
        return not log.exists() or shutil.disk_usage(self.path.parent).free > 2 * log.stat().st_size + _CHECKPOINT_BYTES

    def reopen(self) -> None:
        """Close every connection and open the file again. Raises StoreError if readers do not leave."""
        self._changed.wait_for(lambda: self._readers == 0, _READERS_LEAVE_WITHIN_SECONDS)
        with self._changed.lock:
            if self._readers:
                raise StoreError("DuckDB has to be reopened, and a query is still running.")
            self._close()
            self._root = opening.connect(self.path, [])
            self.connection = self._root.cursor()

    def close(self) -> None:
        """Close every connection but those that readers still hold after a while: one that is at work cannot be closed under it."""
        self._changed.wait_for(lambda: self._readers == 0, _READERS_LEAVE_WITHIN_SECONDS)
        with self._changed.lock:
            self.is_closed = True
            self._close()

    def _close(self) -> None:
        if self._root is not None:
            self.connection.close()
            self._root.close()
            self._root = None

    def _checked_meta(self) -> dict[str, str]:
        try:
            meta = dict(self.connection.execute("SELECT key, value FROM meta").fetchall())
            version = int(meta["schema_version"])
        except (duckdb.CatalogException, duckdb.BinderException, KeyError, ValueError):
            raise StoreCorrupt(
                f"{self.path} is a DuckDB database, but not one of a lab. Pass another file: wf.Lab('other.duckdb')."
            ) from None
        if version > SCHEMA_VERSION:
            raise StoreVersion(
                f"{self.path} was written by wflab {meta.get('wflab_version', 'of a later release')} (schema {version}); this one reads "
                f"schema {SCHEMA_VERSION}. Upgrade: pip install --upgrade wflab."
            )
        return meta

    def _check_tables(self) -> None:
        wanted = [*guarding.TABLES, *guarding.VIEWS]
        found = self.connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_catalog = current_database() AND table_schema = 'main'"
        ).fetchall()
        lacking = [name for name in wanted if (name,) not in found]
        if lacking:
            raise StoreCorrupt(
                f"{self.path} lacks a part of the record, which something other than a lab has removed: {', '.join(lacking)}. Restore a backup of it."
            )


def create(path: Path) -> None:
    """Make an empty record under `path`, whole or not at all."""
    unnamed = path.with_name(path.name + ".new")
    unnamed_log = unnamed.with_name(unnamed.name + ".wal")
    unnamed.unlink(missing_ok=True)
    unnamed_log.unlink(missing_ok=True)
    try:
        with opening.connect(unnamed, []) as connection:
            connection.execute("BEGIN")
            connection.execute(migrating.script("schema"))
            connection.execute(migrating.script("views"))
            connection.execute("INSERT INTO meta VALUES ('schema_version', ?), ('lab_id', ?)", [str(SCHEMA_VERSION), uuid4().hex])
            connection.execute("COMMIT")
            connection.execute("CHECKPOINT")
        sync_file(unnamed)
        unnamed.rename(path)
    finally:
        for leftover in (unnamed, unnamed.with_name(unnamed.name + ".wal")):
            leftover.unlink(missing_ok=True)
    sync_directory(path.parent)
