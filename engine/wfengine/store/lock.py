"""One writer per database: a `flock` on a file beside it.

DuckDB's own lock is a POSIX lock, which vanishes when anything in the owner opens and closes the database file. A `flock` belongs to
our open file alone. The file says who holds the lock; it is removed at the end, so whoever locks it must check that it is still the
file of that name.
"""

import fcntl
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from wfengine.errors import StoreInUse


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds the lock, as the lock file tells others."""

    pid: int
    holder: str
    host: str
    since: datetime
    epoch: int


class Lock:
    """A held lock. Any thread may ask `is_ours`; the rest is the owner's."""

    def __init__(self, path: Path, descriptor: int, holder: Holder) -> None:
        self.path = path
        self._descriptor = descriptor
        self._holder = holder
        status = os.fstat(descriptor)
        self._identity = (status.st_dev, status.st_ino)
        self._write(holder)

    @classmethod
    def take(cls, database: Path, holder: str) -> "Lock":
        """Lock `database` or raise StoreInUse, naming the holder."""
        path = database.with_name(database.name + ".lock")
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise _in_use(database, descriptor) from None
            except BaseException:
                os.close(descriptor)
                raise
            lock = cls(
                path, descriptor, Holder(pid=os.getpid(), holder=holder, host=socket.gethostname(), since=datetime.now(UTC), epoch=0)
            )
            if lock.is_ours():
                return lock
            os.close(descriptor)  # the former holder removed this file before we locked it: take the new one

    def is_ours(self) -> bool:
        """Whether the lock's name still means the file that we hold."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return False
        return (status.st_dev, status.st_ino) == self._identity

    def publish_epoch(self, epoch: int) -> None:
        """Let others read the epoch of this opening."""
        self._holder = msgspec.structs.replace(self._holder, epoch=epoch)
        self._write(self._holder)

    def release(self) -> None:
        """Remove the file and let go. Calling it again does nothing: a successor's file may have got the number that ours had."""
        if self._descriptor >= 0 and self.is_ours():
            self.path.unlink(missing_ok=True)
        self.forget()

    def forget(self) -> None:
        """Close our copy of the descriptor only: what a forked child does, whose parent still holds the lock."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _write(self, holder: Holder) -> None:
        text = msgspec.json.encode(holder)
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, text, 0)


def _in_use(database: Path, descriptor: int) -> StoreInUse:
    try:
        text = os.pread(descriptor, 4096, 0)
    finally:
        os.close(descriptor)
    try:
        found = msgspec.json.decode(text, type=Holder)
    except (msgspec.DecodeError, msgspec.ValidationError):  # caught in the instant before the holder wrote its name
        return StoreInUse(str(database), pid=None, holder="another process", since=None)
    return StoreInUse(str(database), pid=found.pid, holder=found.holder, since=found.since, is_own=found.pid == os.getpid())
