"""The thread that brings what is durable in the journal into DuckDB, in batches, and checkpoints DuckDB now and then.

It lingers a little to let rows gather, unless somebody reads: a reader waits for what was durable when it asked. Nothing here can lose
a commit; what fails is tried again, and the journal keeps it until it is checkpointed.
"""

import threading
from collections import deque
from time import monotonic

import duckdb

from wfengine.condition import Condition
from wfengine.errors import EnginePaused, EngineStopped
from wfengine.store.appending import Entry, append
from wfengine.store.database import Database, Progress
from wfengine.store.journal import Journal

BATCH_ROWS = 5_000
LINGER_SECONDS = 0.2
RETRY_SECONDS = 0.5
CHECKPOINT_WHEN_IDLE_SECONDS = 2.0
CHECKPOINT_JOURNAL_BYTES = 64 * 1024 * 1024


class Applier:
    """`offer` is the journal thread's, `wait_for` any reader's, `close` the owner's; the rest runs on the thread made here."""

    def __init__(self, database: Database, journal: Journal, progress: Progress, *, linger_seconds: float | None = None) -> None:
        self._database = database
        self._journal = journal
        self._progress = progress
        self._linger_seconds = LINGER_SECONDS if linger_seconds is None else linger_seconds
        self._changed = Condition()  # guards everything below
        self._pending: deque[Entry] = deque()
        self._pending_rows = 0
        self._wanted = 0
        self._applied = progress.commit_index
        self._failures = 0
        self._trouble = ""
        self._closing = False
        self._stopped = False
        # the thread's own
        self._checkpointed = -1
        self._checkpoint_not_before = 0.0
        self._gave_up = False
        threading.Thread(target=self._run, name="wfengine-applier", daemon=True).start()

    def offer(self, entries: list[Entry]) -> None:
        """Hand over durable commits, in order."""
        rows = sum(entry.row_count for entry in entries)
        with self._changed.lock:
            was_idle = not self._pending
            self._pending.extend(entries)
            self._pending_rows += rows
            if was_idle or self._is_due():
                self._changed.notify_all()

    def wait_for(self, index: int, timeout_seconds: float | None = None) -> None:
        """Wait until commit `index` is applied. Raises EnginePaused if DuckDB cannot take it now, TimeoutError at the deadline."""
        with self._changed.lock:
            if self._applied >= index:
                return
            failures = self._failures
            self._wanted = max(self._wanted, index)
            self._changed.notify_all()
        self._changed.wait_for(lambda: self._applied >= index or self._failures > failures or self._stopped, timeout_seconds)
        with self._changed.lock:
            if self._applied >= index:
                return
            if self._failures > failures:
                raise EnginePaused(
                    f"The newest records cannot be read yet: DuckDB does not take them ({self._trouble}). They are safe in the journal; "
                    "free some disk space if it is full. It is tried again by itself."
                )
            if self._stopped:
                raise EngineStopped("The lab is closed. Open it again to read from it.")
            raise TimeoutError(f"The record was not up to date after {timeout_seconds} s.")

    def close(self) -> None:
        """Apply what is left, checkpoint, close DuckDB, delete the journal if nothing needs it any more, and stop."""
        with self._changed.lock:
            self._closing = True
            self._changed.notify_all()
        self._changed.wait_for(lambda: self._stopped)

    def _is_due(self) -> bool:
        return self._closing or self._pending_rows >= BATCH_ROWS or self._wanted > self._applied

    def _run(self) -> None:
        try:
            while batch := self._next_batch():
                self._apply(batch)
                if self._journal.size > CHECKPOINT_JOURNAL_BYTES:
                    self._checkpoint()
            self._finish()
        finally:
            with self._changed.lock:
                self._stopped = True
                self._changed.notify_all()

    def _next_batch(self) -> list[Entry]:
        """Wait for rows worth a transaction; empty means the end. Checkpoints when nothing comes for a while."""
        while True:
            idle = None if self._checkpointed == self._applied else CHECKPOINT_WHEN_IDLE_SECONDS
            if self._changed.wait_for(lambda: self._pending or self._closing, idle):
                self._changed.wait_for(self._is_due, self._linger_seconds)
                with self._changed.lock:
                    return self._taken()
            self._checkpoint()

    def _taken(self) -> list[Entry]:
        batch: list[Entry] = []
        rows = 0
        while self._pending and rows < BATCH_ROWS:
            batch.append(self._pending.popleft())
            rows += batch[-1].row_count
        self._pending_rows -= rows
        return batch

    def _apply(self, batch: list[Entry]) -> None:
        """Apply a batch, however often it takes; when closing, once."""
        while batch:
            try:
                self._progress = append(self._database.connection, batch, self._progress)
                break
            except Exception as error:  # noqa: BLE001 - whatever it is: this thread lives on and the journal keeps the batch
                if not self._stumbled(error):
                    self._gave_up = True  # the journal keeps this batch and all behind it
                    self._pending.clear()
                    return
            batch = self._still_missing(batch)
        with self._changed.lock:
            self._applied = self._progress.commit_index
            self._changed.notify_all()

    def _stumbled(self, error: Exception) -> bool:
        """Tell readers, wait a little. Answers whether to try again."""
        with self._changed.lock:
            self._failures += 1
            self._trouble = str(error).partition("\n")[0]
            self._changed.notify_all()
        return not self._changed.wait_for(lambda: self._closing, RETRY_SECONDS)

    def _still_missing(self, batch: list[Entry]) -> list[Entry]:
        """After a failed commit only the file knows whether it happened, and DuckDB may need to be opened anew to say."""
        try:
            self._database.reopen()
            self._progress = self._database.progress()
        except Exception as error:  # noqa: BLE001 - the same as in _apply
            self._trouble = str(error)
            return batch
        return [entry for entry in batch if entry.number > self._progress.commit_index]

    def _checkpoint(self) -> bool:
        """Checkpoint and let the journal go that far, if there is room for it; a failure is tried again later."""
        if monotonic() < self._checkpoint_not_before:
            return False
        self._checkpoint_not_before = monotonic() + CHECKPOINT_WHEN_IDLE_SECONDS
        try:
            if not self._database.has_room_for_checkpoint():
                return False
            self._database.checkpoint()
            self._journal.drop_covered(self._progress.commit_index)
        except duckdb.FatalException:  # the instance is dead, the journal has everything
            self._still_missing([])
            return False
        except (duckdb.Error, OSError):  # an open transaction, most of all
            return False
        self._checkpointed = self._progress.commit_index
        return True

    def _finish(self) -> None:
        self._checkpoint_not_before = 0.0
        done = self._checkpoint() and not self._gave_up
        self._database.close()
        if done:
            self._journal.clear()
