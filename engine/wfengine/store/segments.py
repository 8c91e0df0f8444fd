"""One file of the journal: created whole, filled with frames, deleted when DuckDB has them for good.

A segment is written as zeros before its first frame, because syncing into space that a file already has is the cheapest durable write
there is. It gets its name only when it is complete on disk, so a named segment without a sound header is a damaged one.
"""

import os
import secrets
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from wfengine.errors import StoreCorrupt
from wfengine.store.frames import Frame, sound_frames

SUFFIX = ".journal"
HEADER = struct.Struct("<8s16sIQI")
MAGIC = b"wfjrnl1\n"
LARGEST = 4 * 1024 * 1024  # more than this only one batch takes, at once: zeros would just be written twice


class Segment(NamedTuple):
    """A segment as it lies on disk. `first` is the number of the first commit it was made for."""

    path: Path
    salt: int
    first: int
    size: int


def create(directory: Path, lab_id: bytes, first: int, size: int) -> tuple[Segment, int]:
    """Make a segment for `size` bytes, durable with its name. Answers it with its open descriptor, or raises OSError and leaves nothing."""
    final = directory / f"{first:020d}{SUFFIX}"
    unnamed = final.with_suffix(".new")
    salt = secrets.randbits(32)
    descriptor = os.open(unnamed, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        head = HEADER.pack(MAGIC, lab_id, salt, first, 0)
        head = HEADER.pack(MAGIC, lab_id, salt, first, crc32(head))
        write_all(descriptor, head + bytes(min(size, LARGEST) - len(head)), 0)
        os.fsync(descriptor)
        unnamed.rename(final)
        sync_directory(directory)
    except BaseException:
        os.close(descriptor)
        unnamed.unlink(missing_ok=True)
        final.unlink(missing_ok=True)
        raise
    return Segment(final, salt, first, size), descriptor


def found_in(directory: Path, lab_id: bytes) -> list[Segment]:
    """The segments of a journal in order. What was left unnamed by a crash is removed: it never held a frame."""
    if not directory.is_dir():
        return []
    for unnamed in directory.glob("*.new"):
        unnamed.unlink()
    return [_opened(path, lab_id) for path in sorted(directory.glob(f"*{SUFFIX}"))]


def read(segment: Segment) -> Iterator[tuple[Frame, int]]:
    """The sound frames of a segment, each with its end."""
    return sound_frames(segment.path.read_bytes(), HEADER.size, segment.salt)


def cut(segment: Segment, end: int) -> Segment:
    """Make `end` the durable end of the segment."""
    descriptor = os.open(segment.path, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.ftruncate(descriptor, end)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return segment._replace(size=end)


def write_all(descriptor: int, data: bytes, offset: int) -> None:
    """Write every byte or raise OSError; writing the same again at the same place is safe."""
    view = memoryview(data)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view = view[written:]
        offset += written


def sync_file(path: Path) -> None:
    """Make a file's contents durable."""
    _sync(path, os.O_RDONLY)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable."""
    _sync(directory, os.O_RDONLY | os.O_DIRECTORY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _opened(path: Path, lab_id: bytes) -> Segment:
    with path.open("rb") as file:
        head = file.read(HEADER.size)
    if len(head) < HEADER.size or not head.startswith(MAGIC):
        raise StoreCorrupt(
            f"{path} does not begin as a journal does. Restore it from a backup, or move {path.parent} away to go on without."
        )
    magic, found_id, salt, first, checksum = HEADER.unpack(head)
    if crc32(HEADER.pack(magic, found_id, salt, first, 0)) != checksum:
        raise StoreCorrupt(f"The header of {path} is damaged. Restore it from a backup, or move {path.parent} away to go on without.")
    if found_id != lab_id:
        raise StoreCorrupt(
            f"The journal in {path.parent} belongs to another database than the one beside it. "
            "Put back the database it belongs to, or move the journal away to go on without."
        )
    return Segment(path, salt, first, path.stat().st_size)
