"""What the gateway itself keeps (state, messages), written by one thread: whatever has gathered goes into one DuckDB transaction.

An app's write is acknowledged when it is durable. What it changes is decided on this thread, in order, against memory; so memory needs no lock, and
DuckDB no key. After a write that failed nobody knows what the file has, and memory is read from it anew.
"""

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple, Protocol

import duckdb

from wfengine.errors import EngineStopped, StoreError, WflabError
from wfengine.store.appending import append_rows
from wfengine.store.rows import Row
from wfengine.store.store import Store

TABLES = ("state", "pubsub_messages", "pubsub_subscribers", "pubsub_deliveries")
_MOST_AT_ONCE = 500
_log = logging.getLogger("wfengine.gateway")


class Changes(NamedTuple):
    """Rows to append, and the positions of rows to delete, by table. What is deleted may have been appended in the same transaction."""

    appended: Sequence[tuple[str, Row]] = ()
    deleted: Sequence[tuple[str, int]] = ()


class Work(Protocol):
    """A change that somebody asks for. Both methods are called on the ledger's thread."""

    def decide(self, position: Callable[[], int]) -> Changes:
        """What is to be written; `position` numbers rows. Raises what its author is to be told instead; then nothing of it is written."""

    def settle(self, error: Exception | None) -> None:
        """It is durable, or it is not because of this."""


class Ledger:
    """`submit` is for any thread. `loaders` read what is in memory, given a connection: at once, and after a failure."""

    def __init__(self, store: Store, loaders: Sequence[Callable[[duckdb.DuckDBPyConnection], None]]) -> None:
        self._store = store
        self._loaders = loaders
        self._works: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._is_closed = False
        self._position = 0
        self._is_loaded = False
        self._load()
        self._thread = threading.Thread(target=self._run, name="wflab-gateway-ledger", daemon=True)
        self._thread.start()

    def submit(self, work: Work) -> None:
        """Have it decided, written and settled."""
        if self._is_closed:
            work.settle(EngineStopped("The gateway is closed. Start it again to go on."))
        else:
            self._works.put(work)

    def close(self) -> None:
        """Write what was submitted, and stop."""
        self._is_closed = True
        self._works.put(None)
        self._thread.join(timeout=10)

    def _load(self) -> None:
        with self._store.cursor() as cursor:
            newest = " UNION ALL ".join(f"SELECT max(position) AS newest FROM {table}" for table in TABLES)  # noqa: S608  # our own names
            found = cursor.execute(f"SELECT coalesce(max(newest), 0) FROM ({newest})").fetchone()  # noqa: S608
            self._position = max(self._position, found[0] if found else 0)
            for load in self._loaders:
                load(cursor)
        self._is_loaded = True

    def _next_position(self) -> int:
        self._position += 1
        return self._position

    def _run(self) -> None:
        while (first := self._works.get()) is not None:
            batch: list[Work] = [first]
            is_over = False
            while len(batch) < _MOST_AT_ONCE and not self._works.empty():
                work = self._works.get()
                if work is None:
                    is_over = True
                    break
                batch.append(work)
            self._write(batch)
            if is_over:
                break
        while not self._works.empty():
            left = self._works.get()
            if left is not None:
                left.settle(EngineStopped("The gateway was closed meanwhile. Start it again to go on."))

    def _write(self, batch: Sequence[Work]) -> None:
        error: Exception | None = None
        agreed: list[Work] = []
        try:
            if not self._is_loaded:
                self._load()
            changes: list[Changes] = []
            for work in batch:
                try:
                    changes.append(work.decide(self._next_position))
                    agreed.append(work)
                except Exception as refusal:  # noqa: BLE001  # its author's, whatever it is
                    _settled(work, refusal)
            _write(self._store, changes)
        except Exception as failure:  # noqa: BLE001  # every author is told, and the next batch may go through
            self._is_loaded = False
            agreed = agreed or list(batch)
            error = failure
            if not isinstance(failure, WflabError):
                error = StoreError(
                    f"It could not be written: {str(failure).partition(chr(10))[0]}. Free some disk space if it is full, and try again."
                )
                _log.exception("The gateway could not write %d changes.", len(batch))
        for work in agreed:
            _settled(work, error)


def _settled(work: Work, error: Exception | None) -> None:
    try:
        work.settle(error)
    except Exception:  # noqa: BLE001  # what it does then is its author's; the others are not
        _log.exception("A change of the gateway's could not be settled.")


def _write(store: Store, changes: Sequence[Changes]) -> None:
    appended: dict[str, list[Row]] = {}
    deleted: dict[str, list[int]] = {}
    for change in changes:
        for table, row in change.appended:
            appended.setdefault(table, []).append(row)
        for table, position in change.deleted:
            deleted.setdefault(table, []).append(position)
    if not appended and not deleted:
        return
    with store.transaction() as cursor:
        for table, rows in appended.items():
            append_rows(cursor, table, rows)
        for table, positions in deleted.items():
            # within the bounds of what is deleted, so that DuckDB looks only into the parts of the table that hold it
            cursor.execute(
                f"DELETE FROM {table} WHERE position BETWEEN ? AND ? AND position IN (SELECT unnest(?))",  # noqa: S608  # our own names
                [min(positions), max(positions), positions],
            )


def answered(future: "Future[Any]", result: object, error: Exception | None) -> None:
    """Settle a future that asyncio may have given up meanwhile."""
    if future.set_running_or_notify_cancel():
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
