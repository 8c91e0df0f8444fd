"""The journal's bytes: how a commit is framed, and how frames are found again, also beyond a damaged one.

A frame is a header and an encoded Commit under one checksum. All frames of one synced write carry the same `batch`: the number of the
first commit in it. That tells a torn end from damage: a frame may be missing only if every valid frame behind it belongs to the
write that was cut short. The checksum starts from the segment's salt, so bytes from elsewhere are never taken for frames.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple
from zlib import crc32

MAGIC = b"\xa5wfj"
HEADER = struct.Struct("<4sIIIQQQ")
CHECKED_FROM = 8  # behind magic and checksum


class Frame(NamedTuple):
    """One commit as the journal holds it; `position` is that of its first row."""

    number: int
    batch: int
    position: int
    epoch: int
    payload: bytes


def pack(frame: Frame, salt: int) -> bytes:
    """The bytes of one frame."""
    unsigned = HEADER.pack(MAGIC, 0, len(frame.payload), frame.epoch, frame.batch, frame.number, frame.position)
    checksum = crc32(frame.payload, crc32(unsigned[CHECKED_FROM:], salt))
    return b"".join((MAGIC, checksum.to_bytes(4, "little"), unsigned[CHECKED_FROM:], frame.payload))


def frame_at(data: bytes, offset: int, salt: int) -> tuple[Frame, int] | None:
    """The frame that begins at `offset` and where it ends, or None if there is no sound one."""
    start = offset + HEADER.size
    if start > len(data) or not data.startswith(MAGIC, offset):
        return None
    _, checksum, length, epoch, batch, number, position = HEADER.unpack_from(data, offset)
    end = start + length
    view = memoryview(data)
    if end > len(data) or crc32(view[start:end], crc32(view[offset + CHECKED_FROM : start], salt)) != checksum:
        return None
    return Frame(number, batch, position, epoch, data[start:end]), end


def sound_frames(data: bytes, offset: int, salt: int) -> Iterator[tuple[Frame, int]]:
    """Every sound frame from `offset` on, wherever it begins, each with its end."""
    while (offset := data.find(MAGIC, offset)) >= 0:
        found = frame_at(data, offset, salt)
        if found is None:
            offset += 1
        else:
            yield found
            offset = found[1]
