"""The record of a lab: commits go in and are durable when acknowledged, everything that happened can be asked for.

Behind it stand a journal, which commits, and a DuckDB file, which remembers (each has a file here). The one thing to know before
editing: a commit is acknowledged from the journal alone, so whatever reads DuckDB waits first for what is durable.
"""

import atexit
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import duckdb
import msgspec

from wfengine.errors import EnginePaused, EngineStopped, InvalidArgument, NotADatabase, StoreCorrupt, StoreError, TransactionConflict
from wfengine.model.instance import Instance, Status
from wfengine.model.work import CircuitRow, Commit, DefinitionRow, HistoryRow
from wfengine.store import appending, copying, database, opening, reading, segments
from wfengine.store.appending import Entry
from wfengine.store.applier import BATCH_ROWS, Applier
from wfengine.store.database import Database, Progress
from wfengine.store.journal import Journal
from wfengine.store.lock import Lock
from wfengine.store.writer import Callbacks, Writer

# DuckDB's ways to say Ctrl-C, which `except Exception` would swallow; the second one where it comes while an answer is made into a DataFrame.
_CTRL_C = frozenset({"Query interrupted", "std::bad_cast"})


class Store:
    """An open record, held by a lock. `start` and `submit` are for the engine's thread; everything else for any thread."""

    def __init__(self, lock: Lock, opened: Database, journal: Journal, progress: Progress, notes: list[str]) -> None:
        self.path = opened.path
        self.epoch = progress.epoch
        self.next_key = progress.next_key
        self.opened_notes = notes
        self._lock = lock
        self._database = opened
        self._process = os.getpid()
        self._applier = Applier(opened, journal, progress)
        self._writer = Writer(
            journal,
            lock,
            self._applier,
            next_index=progress.commit_index + 1,
            next_position=progress.next_position,
            epoch=progress.epoch,
        )
        atexit.register(self.close)  # a thread inside DuckDB when the interpreter ends would abort it
        _forget_lock_when_forked(lock)

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, holder: str | None = None, up_to_damage: bool = False) -> "Store":
        """Open or create the record at `path` and bring it up to date with its journal.

        `holder` tells others who has it. With `up_to_damage` a damaged journal is followed as far as it can be read and the rest of it
        set aside. Raises StoreInUse, NotADatabase, StoreCorrupt, StoreVersion, or StoreError where the place does not allow it.
        """
        place = _checked(path)
        lock = Lock.take(place, holder or "another Python process")
        opened: Database | None = None
        try:
            notes: list[str] = []
            journal_directory = place.with_name(place.name + ".journal")
            if not place.exists():
                _create(place, journal_directory)
            opened = Database(place, notes)
            journal = Journal(journal_directory, opened.lab_id)
            progress = _recover(opened, journal, notes, up_to_damage=up_to_damage)
            lock.publish_epoch(progress.epoch)
            return cls(lock, opened, journal, progress, notes)
        except BaseException as error:
            if opened is not None:
                opened.close()
            lock.release()
            if (damage := opening.damage(place, error)) is not None:
                raise damage from error
            if isinstance(error, OSError | duckdb.Error):
                raise opening.not_now(place, error) from error
            raise

    def start(
        self,
        *,
        on_durable: Callable[[list[object]], None],
        on_trouble: Callable[[str | None], None],
        on_fatal: Callable[[str], None],
        holds: bool = False,
    ) -> None:
        """Begin to write. All three are called on the journal's thread. With `holds`, what is submitted waits until `commit_held` is called.

        `on_durable` gets the tokens of each synced batch, in the order of submission. `on_trouble` says why writing waits, and None when
        it goes on. `on_fatal` says why nothing will be acknowledged any more.
        """
        self._writer.start(Callbacks(on_durable, on_trouble, on_fatal), holds=holds)

    def submit(self, commit: Commit, token: object) -> None:
        """Queue a commit, without waiting; `on_durable` gets the token. Raises EngineStopped after the end."""
        self._writer.submit(commit, token)

    def commit_held(self) -> list[object]:
        """Make durable what was submitted since; gives the tokens of what is durable now, the others go to `on_durable`. Raises EngineStopped."""
        return self._writer.commit_held()

    def live(self) -> list[tuple[Instance, list[HistoryRow]]]:
        """Every execution that has not ended, with its whole history."""
        with self.cursor() as cursor:
            return reading.live(cursor)

    def ids(self) -> Iterable[tuple[int, str, Status]]:
        """The newest execution of every instance id: key, id, status."""
        with self.cursor() as cursor:
            return list(reading.ids(cursor))

    def history(self, key: int, begin: int = 0) -> list[HistoryRow]:
        """An execution's events from the place `begin` on, in order."""
        with self.cursor() as cursor:
            return reading.history(cursor, key, begin)

    def histories(self, keys: Sequence[int]) -> dict[int, list[HistoryRow]]:
        """The events of many executions, in order; quicker than asking for each."""
        with self.cursor() as cursor:
            return reading.histories(cursor, keys)

    def history_of_actions(self, key: int, event_ids: Iterable[int]) -> list[HistoryRow]:
        """The events that confirm or answer these actions of an execution, in order."""
        with self.cursor() as cursor:
            return reading.history_of_actions(cursor, key, event_ids)

    def instance(self, key: int) -> Instance | None:
        """The present state of one execution."""
        with self.cursor() as cursor:
            return reading.instance(cursor, key)

    def instances(self, keys: Iterable[int]) -> list[Instance]:
        """The present state of these executions, by key; unknown ones are left out."""
        with self.cursor() as cursor:
            return reading.instances(cursor, keys)

    def find(self, instance_id: str) -> Instance | None:
        """The newest execution of an instance id."""
        with self.cursor() as cursor:
            return reading.find(cursor, instance_id)

    def children(self, key: int) -> list[Instance]:
        """The executions that this one started, by key."""
        with self.cursor() as cursor:
            return reading.children(cursor, key)

    def definitions(self) -> list[DefinitionRow]:
        """Every registration of a workflow or activity, in order."""
        with self.cursor() as cursor:
            return reading.definitions(cursor)

    def circuits(self) -> list[CircuitRow]:
        """The present state of every circuit breaker."""
        with self.cursor() as cursor:
            return reading.circuits(cursor)

    def ended_to_purge(self) -> list[tuple[int, str, datetime]]:
        """Ended executions that are to be deleted at a time: key, id, that time."""
        with self.cursor() as cursor:
            return reading.ended_to_purge(cursor)

    def transaction_result(self, key: int, event_id: int) -> tuple[bool, str | None]:
        """Whether the transactional activity `event_id` of an execution has committed, and its result."""
        with self._reading() as cursor:  # written by its own transaction, not through the journal: nothing to wait for
            return reading.transaction_result(cursor, key, event_id)

    @contextmanager
    def transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for one writer on its thread, inside a transaction: committed and durable at the end, rolled back by any exception.

        It is for tables of the user's own and for `transactions`; of the record it sees what DuckDB has by then (`flush` first for all). Raises TransactionConflict where another transaction changed the same
        rows meanwhile, and EnginePaused as `cursor` does. While it is open no checkpoint is made, so the journal grows.
        """
        with self._reading() as cursor:
            cursor.begin()
            try:
                yield cursor
                cursor.execute("COMMIT")  # its method says nothing where there is no transaction any more
            except BaseException as error:
                appending.roll_back(cursor)
                if isinstance(error, duckdb.TransactionException):
                    raise _said_of_transaction(error) from error
                raise

    @contextmanager
    def cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for one reader on its thread, which sees all that was durable; closed at the end.

        Raises EnginePaused while DuckDB cannot take what is durable. Ctrl-C ends a query on the main thread.
        """
        self.flush()
        with self._reading() as cursor:
            yield cursor

    @contextmanager
    def _reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            with self._database.reading() as cursor:
                yield cursor
        except (duckdb.FatalException, duckdb.ConnectionException) as error:
            if self._database.is_closed:
                raise EngineStopped("The lab was closed meanwhile. Open it again to go on.") from error
            if isinstance(error, duckdb.ConnectionException):  # some other connection's: this one is closed by nobody else
                raise
            raise EnginePaused(
                f"The record cannot be read just now ({str(error).partition(chr(10))[0]}). It is tried again by itself."
            ) from error
        except duckdb.Error as error:
            if (damage := opening.damage(self.path, error)) is not None:
                raise damage from error
            raise
        except RuntimeError as error:
            if str(error) in _CTRL_C and threading.current_thread() is threading.main_thread():
                raise KeyboardInterrupt from None
            raise

    def flush(self, timeout_seconds: float | None = None) -> None:
        """Wait until all that is durable can be read. Raises EnginePaused, or TimeoutError at the deadline."""
        self._applier.wait_for(self._writer.durable, timeout_seconds)

    def backup(self, path: str | os.PathLike[str]) -> None:
        """Write a copy of all that is durable to a new file, whole or not at all."""
        target = Path(os.path.realpath(path))
        if target.exists():
            raise InvalidArgument(f"{target} exists already. Pass the path of a new file, or remove it first.")
        if not target.parent.is_dir():
            raise InvalidArgument(f"The folder {target.parent} does not exist. Create it, or pass another path.")
        with self.cursor() as cursor:
            copying.copy(cursor, target)

    def close(self) -> None:
        """Finish what was submitted, checkpoint, stop the threads and let go of the file. Calling it again does nothing."""
        if os.getpid() != self._process:
            return  # a forked child has the object, but neither its threads nor the lock
        self._writer.close()
        self._applier.close()
        self._lock.release()
        atexit.unregister(self.close)


def _said_of_transaction(error: duckdb.TransactionException) -> Exception:
    reason = str(error).partition("\n")[0].rstrip(".")
    if "conflict" in reason.lower():
        return TransactionConflict(f"The transaction was rolled back ({reason}). The same again may succeed.")
    if "is aborted" in reason:
        return InvalidArgument("The transaction was rolled back: one of its statements had failed before. Let that error rise.")
    return InvalidArgument(f"The transaction could not be committed ({reason}). Leave BEGIN, COMMIT and ROLLBACK to the engine.")


def _checked(path: str | os.PathLike[str]) -> Path:
    place = Path(os.path.realpath(path))
    if place.is_dir():
        raise NotADatabase(f"{place} is a folder. Pass the path of a file in it: {place / 'wflab.duckdb'}.")
    if not place.parent.is_dir():
        raise StoreError(f"The folder {place.parent} does not exist. Create it, or pass another path.")
    if not os.access(place.parent, os.W_OK | os.X_OK) or (place.exists() and not os.access(place, os.R_OK | os.W_OK)):
        raise StoreError(f"{place} cannot be written: no permission. Pass a path that you may write to.")
    return place


def _create(place: Path, journal_directory: Path) -> None:
    if any(journal_directory.glob(f"*{segments.SUFFIX}")):
        raise StoreCorrupt(f"{place} is missing, but its journal {journal_directory} is there. Put it back, or move the journal away.")
    database.create(place)


def _recover(opened: Database, journal: Journal, notes: list[str], *, up_to_damage: bool) -> Progress:
    """Apply the journal's tail and begin a new epoch."""
    progress = opened.progress()
    before = progress.commit_index
    decoder = msgspec.msgpack.Decoder(Commit)
    waiting: list[Entry] = []
    epoch = progress.epoch
    for frame in journal.recover(before, up_to_damage=up_to_damage):
        waiting.append(Entry(frame.number, frame.position, decoder.decode(frame.payload)))
        epoch = max(epoch, frame.epoch)
        if len(waiting) >= BATCH_ROWS // 5:
            progress = appending.append(opened.connection, waiting, progress)
            waiting.clear()
    if waiting:
        progress = appending.append(opened.connection, waiting, progress)
    progress = progress._replace(epoch=epoch + 1)
    opened.thin_progress()
    appending.record(opened.connection, progress)
    if progress.commit_index > before:
        notes.append(f"Recovered {progress.commit_index - before} commits from the journal.")
    if journal.last < progress.commit_index:  # DuckDB is ahead: keep the journal's numbers free of gaps
        opened.checkpoint()
        journal.clear()
    return progress


def _forget_lock_when_forked(lock: Lock) -> None:
    """A child that inherits the descriptor would keep the lock after its parent's end."""
    held = weakref.ref(lock)

    def forget() -> None:
        found = held()
        if found is not None:
            found.forget()

    os.register_at_fork(after_in_child=forget)
