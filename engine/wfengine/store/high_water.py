"""The high-water mark: up to which commit the journal was synced, in a small file beside its segments.

A damaged end of the journal looks like a write that was cut short. The mark tells them apart: what it covers had been acknowledged. It is
written after each sync and never synced itself: it survives the end of the process, and a power cut can only make it older than the truth. It is
mapped into memory, as a system call would cost the engine's thread the interpreter's lock. An unreadable mark says nothing.
"""

import mmap
import os
import struct
from contextlib import suppress
from pathlib import Path
from zlib import crc32

_HEAD = struct.Struct("<16sQ")
_MARK = struct.Struct("<16sQI")
NAME = "acknowledged"


class HighWater:
    """`put` is the journal thread's; the rest is for whoever opens or clears the journal."""

    def __init__(self, directory: Path, lab_id: bytes) -> None:
        self._path = directory / NAME
        self._lab_id = lab_id
        self._mapped: mmap.mmap | None = None

    def read(self) -> int:
        """The commit up to which everything was synced at least; 0 where nothing is known."""
        try:
            data = self._path.read_bytes()
        except OSError:
            return 0
        if len(data) != _MARK.size:
            return 0
        lab_id, number, checksum = _MARK.unpack(data)
        return number if lab_id == self._lab_id and crc32(data[:-4]) == checksum else 0

    def put(self, number: int) -> None:
        """Everything up to `number` is synced."""
        mapped = self._mapped or self._map()
        if mapped is not None:
            head = _HEAD.pack(self._lab_id, number)
            mapped[:] = head + crc32(head).to_bytes(4, "little")

    def _map(self) -> mmap.mmap | None:
        """The file, made and mapped; None where the disk has no room for it: it can do without."""
        with suppress(OSError):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                os.pwrite(descriptor, bytes(_MARK.size), 0)  # to touch a mapped page that the disk has no room for would end the process
                self._mapped = mmap.mmap(descriptor, _MARK.size)
            finally:
                os.close(descriptor)
        return self._mapped

    def remove(self) -> None:
        """Nothing is known any more."""
        self.close()
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file."""
        if self._mapped is not None:
            self._mapped.close()
            self._mapped = None
