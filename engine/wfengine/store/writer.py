"""Making commits durable: whatever waits goes into the journal with one write, one sync and one acknowledgement.

On a quick disk the caller's own thread does it (`commit_held`): handing over to another and being told costs more than the sync. Where syncs take
long, or the disk refuses, the journal's thread does, and the caller goes on meanwhile. Never both at a time, so that the order stays.

When the disk takes no more, the batch is held and tried again until it does: nothing is rejected, nothing acknowledged. A sync that
fails is the end: what is on disk is then unknown, and trying again could hide the loss.
"""

import errno
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import NamedTuple

import msgspec

from wfengine.errors import EngineStopped
from wfengine.model.work import Commit
from wfengine.store.appending import Entry, row_count
from wfengine.store.applier import Applier
from wfengine.store.frames import Frame
from wfengine.store.journal import Journal
from wfengine.store.lock import Lock
from wfengine.store.rows import plain_text

BATCH_BYTES = 4 * 1024 * 1024
RETRY_SECONDS = 0.25
QUICK_SYNC_SECONDS = 0.001
_SYNCS_REMEMBERED = 16
JOURNAL_LIMIT_BYTES = 1024 * 1024 * 1024
PASSING_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class Callbacks(NamedTuple):
    """Whom the journal thread calls, always on itself."""

    on_durable: Callable[[list[object]], None]
    on_trouble: Callable[[str | None], None]
    on_fatal: Callable[[str], None]


class _Waiting(NamedTuple):
    entry: Entry
    payload: bytes
    token: object


class Writer:
    """`submit` is one thread's; `close` the owner's; `durable` anyone's to read."""

    def __init__(self, journal: Journal, lock: Lock, applier: Applier, *, next_index: int, next_position: int, epoch: int) -> None:
        self.durable = next_index - 1
        self._journal = journal
        self._lock = lock
        self._applier = applier
        self._next_index = next_index
        self._next_position = next_position
        self._epoch = epoch
        self._encoder = msgspec.msgpack.Encoder(enc_hook=plain_text)
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._held: list[_Waiting] | None = None
        self._handed_over = next_index - 1  # the last commit that the thread was given
        self._sync_seconds = 0.0
        self._callbacks: Callbacks | None = None
        self._closing = threading.Event()
        self._stopped = threading.Event()
        self._why_stopped = "The lab is closed. Open it again to go on."

    def start(self, callbacks: Callbacks, *, holds: bool) -> None:
        """Begin to write. With `holds`, what is submitted waits for `commit_held`."""
        self._callbacks = callbacks
        self._held = [] if holds else None
        threading.Thread(target=self._run, args=(callbacks,), name="wfengine-journal", daemon=True).start()

    def submit(self, commit: Commit, token: object) -> None:
        """Queue a commit; `on_durable` gets the token. Raises EngineStopped when nothing is written any more."""
        if self._closing.is_set():
            raise EngineStopped(self._why_stopped)
        # Encoded here, not on the thread: what cannot be encoded is the caller's to hear of.
        payload = self._encoder.encode(commit)
        waiting = _Waiting(Entry(self._next_index, self._next_position, commit), payload, token)
        if self._held is None:
            self._queue.put(waiting)
        else:
            self._held.append(waiting)
        self._next_index += 1
        self._next_position += row_count(commit)

    def commit_held(self) -> list[object]:
        """Make durable what was submitted, here if that is quick; the tokens of what is durable now. Those of the rest go to `on_durable`.

        Raises EngineStopped where nothing can be written any more.
        """
        held = self._held
        if not held:
            return []
        self._held = []
        is_mine = self.durable == self._handed_over and self._sync_seconds < QUICK_SYNC_SECONDS and not self._closing.is_set()
        if is_mine and self._refused(_frames_of(held, self._epoch)) is None:
            try:
                self._sync()
            except EngineStopped:
                self._closing.set()
                raise
            self._handed_over = self._done_with(held)
            return [waiting.token for waiting in held]
        self._handed_over = held[-1].entry.number
        for waiting in held:
            self._queue.put(waiting)
        return []

    def close(self) -> None:
        """Write what was submitted and stop. A batch that the disk does not take is given up; it was never acknowledged."""
        if not self._closing.is_set():
            self._closing.set()
            for waiting in self._held or ():
                self._queue.put(waiting)
            self._queue.put(None)
        if self._callbacks is not None:
            self._stopped.wait()

    def _run(self, callbacks: Callbacks) -> None:
        try:
            while batch := self._next_batch():
                if not self._write(batch, callbacks):
                    return
                self._done_with(batch)
                callbacks.on_durable([waiting.token for waiting in batch])
        except Exception as error:  # noqa: BLE001 - said to the engine, which stops; nothing more is acknowledged
            self._why_stopped = f"The lab has stopped, as of what was last acknowledged: {error}. Restart the kernel to go on."
            self._closing.set()
            callbacks.on_fatal(self._why_stopped)
        finally:
            self._closing.set()
            self._stopped.set()

    def _next_batch(self) -> list[_Waiting]:
        """Everything that waits, up to a size; empty means the end."""
        waiting = self._queue.get()
        batch: list[_Waiting] = []
        size = 0
        while waiting is not None:
            batch.append(waiting)
            size += len(waiting.payload)
            if size >= BATCH_BYTES:
                return batch
            try:
                waiting = self._queue.get_nowait()
            except Empty:
                return batch
        if batch:
            self._queue.put(None)  # to be met again once this batch is written
        return batch

    def _write(self, batch: list[_Waiting], callbacks: Callbacks) -> bool:
        """Make a batch durable, waiting for room if need be. False: the lab was closed before there was any."""
        frames = _frames_of(batch, self._epoch)
        told = None
        while trouble := self._refused(frames):
            if trouble != told:
                callbacks.on_trouble(trouble)
                told = trouble
            if self._closing.wait(RETRY_SECONDS):
                return False
        self._sync()
        if told:
            callbacks.on_trouble(None)
        return True

    def _sync(self) -> None:
        begin = time.perf_counter()
        try:
            self._journal.sync()
        except OSError as error:
            raise EngineStopped(f"the disk failed to make {self._journal.directory} durable ({error.strerror})") from error
        self._sync_seconds += (time.perf_counter() - begin - self._sync_seconds) / _SYNCS_REMEMBERED

    def _done_with(self, batch: list[_Waiting]) -> int:
        """These are durable: DuckDB may have them."""
        self._applier.offer([waiting.entry for waiting in batch])
        self.durable = batch[-1].entry.number  # last: from here on the other thread may write, and offer what follows
        return self.durable

    def _refused(self, frames: list[Frame]) -> str | None:
        """Try to write; why it cannot be done just now, if so. Raises what no waiting mends."""
        directory = self._journal.directory
        if not self._lock.is_ours():
            raise EngineStopped(f"another writer took over (its lock is at {self._lock.path})")
        if self._journal.size > JOURNAL_LIMIT_BYTES:
            return (
                f"Recording waits: the journal {directory} has grown to {JOURNAL_LIMIT_BYTES >> 20} MiB because DuckDB does not take "
                "what is in it. Free some space on its disk and end long queries. Nothing is lost; it goes on by itself."
            )
        try:
            self._journal.write(frames)
        except OSError as error:
            if error.errno not in PASSING_ERRORS:
                raise
            return (
                f"Recording waits: {directory} takes no more ({error.strerror}, {_free(directory.parent)}). Free a few megabytes there. "
                "Nothing is lost; it goes on by itself."
            )
        return None


def _frames_of(batch: list[_Waiting], epoch: int) -> list[Frame]:
    first = batch[0].entry.number
    return [Frame(entry.number, first, entry.position, epoch, payload) for entry, payload, _ in batch]


def _free(directory: Path) -> str:
    try:
        return f"{shutil.disk_usage(directory).free / 1e6:.1f} MB free"
    except OSError:
        return "free space unknown"
