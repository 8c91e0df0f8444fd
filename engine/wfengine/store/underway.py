"""Which attempts of activities are at work right now, so that the next process knows which were when this one died.

A small file of slots, mapped into memory: to write down a beginning or an end costs no system call and survives the end of the process, however it
comes (the pages are the operating system's). It need not survive a power cut: that is no activity's doing. Room is written as zeros before it is
mapped, because to touch a page for which the disk has no room would end the process.
"""

import atexit
import logging
import mmap
import os
import struct
import threading
from collections.abc import Iterable
from pathlib import Path

_SLOT = struct.Struct("<QII")  # the key of the execution, the number of the action + 1, how often it died before
_CHUNK_SLOTS = 4096
_CHUNK_BYTES = _CHUNK_SLOTS * _SLOT.size  # a multiple of the page size everywhere
_FREE = bytes(_SLOT.size)
_NO_SLOT = -1
_log = logging.getLogger("wfengine")

Place = tuple[int, int]


class Underway:
    """`enter` and `leave` are for any thread; the rest for the one that opens and closes. One lock guards the slots.

    `found` are the attempts that were at work when the last process died, with how often they had died before that. They stay written down until
    `forget`, so that a death while they are taken up loses nothing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._chunks: list[mmap.mmap] = []
        self._free: list[int] = []
        self._slots_found: dict[Place, int] = {}
        self.found: dict[Place, int] = {}
        self._file: int | None = None
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            for _ in range(max(1, os.fstat(self._file).st_size // _CHUNK_BYTES)):
                self._map_chunk()
        except OSError as error:
            _log.warning("Activities that take the process down cannot be told from others: %s cannot be used (%s).", path, error)
        else:
            self._read()
        atexit.register(self.close)

    @classmethod
    def beside(cls, path: Path) -> "Underway":
        """That of the record at `path`, which the caller holds the lock of."""
        folder = path.with_name(path.name + ".journal")
        folder.mkdir(exist_ok=True)
        return cls(folder / "underway")

    def enter(self, key: int, event_id: int, deaths: int) -> int:
        """An attempt begins; gives the slot to `leave`."""
        with self._lock:
            if not self._free and not self._has_grown():
                return _NO_SLOT
            slot = self._free.pop()
            self._write(slot, _SLOT.pack(key, event_id + 1, deaths))
            return slot

    def leave(self, slot: int) -> None:
        """The attempt has ended."""
        if slot == _NO_SLOT or os.getpid() != self._process:  # a forked child shares the pages, and may have a lock that nobody will open
            return
        with self._lock:
            if self._file is not None:
                self._write(slot, _FREE)
                self._free.append(slot)

    def forget(self, places: Iterable[Place]) -> None:
        """What was found of these attempts is dealt with."""
        for place in places:
            slot = self._slots_found.pop(place, _NO_SLOT)
            self.found.pop(place, None)
            self.leave(slot)

    def close(self) -> None:
        """A clean end: whatever is still at work is not to blame for it. Calling it again does nothing."""
        if os.getpid() != self._process:
            return
        with self._lock:
            if self._file is None:
                return
            self._path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None
            self._free.clear()
            for chunk in self._chunks:
                chunk.close()
            self._chunks.clear()
        atexit.unregister(self.close)

    def _read(self) -> None:
        for slot in range(len(self._chunks) * _CHUNK_SLOTS):
            chunk, offset = self._at(slot)
            key, number, deaths = _SLOT.unpack_from(chunk, offset)
            if number:
                self.found[key, number - 1] = deaths
                self._slots_found[key, number - 1] = slot
            else:
                self._free.append(slot)
        self._free.reverse()  # the first ones first: fewer pages are touched

    def _has_grown(self) -> bool:
        if self._file is None:
            return False
        first = len(self._chunks) * _CHUNK_SLOTS
        try:
            self._map_chunk()
        except OSError:  # a full disk: these attempts are not written down, and so not blamed
            return False
        self._free.extend(range(first + _CHUNK_SLOTS - 1, first - 1, -1))
        return True

    def _map_chunk(self) -> None:
        if self._file is None:
            return
        offset = len(self._chunks) * _CHUNK_BYTES
        missing = offset + _CHUNK_BYTES - os.fstat(self._file).st_size
        if missing > 0:
            os.pwrite(self._file, bytes(missing), offset + _CHUNK_BYTES - missing)
        self._chunks.append(mmap.mmap(self._file, _CHUNK_BYTES, offset=offset))

    def _at(self, slot: int) -> tuple[mmap.mmap, int]:
        chunk, place = divmod(slot, _CHUNK_SLOTS)
        return self._chunks[chunk], place * _SLOT.size

    def _write(self, slot: int, data: bytes) -> None:
        chunk, offset = self._at(slot)
        chunk[offset : offset + _SLOT.size] = data
