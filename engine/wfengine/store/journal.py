"""The journal: the write-ahead log in which a commit becomes durable, and nothing more.

A directory of segments beside the database. One thread writes; one write never spans two segments. Segments go once a checkpoint of
DuckDB covers all their commits, so the journal always reaches back to the last checkpoint.
"""

import os
import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from wfengine.errors import StoreCorrupt
from wfengine.store import frames, segments
from wfengine.store.frames import Frame
from wfengine.store.high_water import HighWater
from wfengine.store.segments import Segment

SMALLEST_SEGMENT = 256 * 1024

# Where the system has no fdatasync, fsync does the same and more.
_sync_data = getattr(os, "fdatasync", os.fsync)


class Journal:
    """The segments of one database. `recover` comes first, then `write` and `sync` from one thread; `drop_covered` from any."""

    def __init__(self, directory: Path, lab_id: bytes) -> None:
        self.directory = directory
        self.last = 0
        self.size = 0  # bytes on disk
        self._lab_id = lab_id
        self._known = threading.Lock()  # guards the list of segments and its size
        self._segments: list[Segment] = []
        self._current: Segment | None = None
        self._descriptor = -1
        self._offset = 0
        self._written = 0
        self._written_last = 0
        self._next_size = SMALLEST_SEGMENT
        self._high_water = HighWater(directory, lab_id)

    def recover(self, applied: int, *, up_to_damage: bool = False) -> Iterator[Frame]:
        """Every durable commit behind `applied`, in order; `last` is then the highest number there is. A torn end is cut off.

        Raises StoreCorrupt behind the last readable commit if something after it had been synced; with `up_to_damage` the rest is set
        aside under another name instead. Damage to commits that DuckDB already has does no harm.
        """
        found = segments.found_in(self.directory, self._lab_id)
        acknowledged = self._high_water.read()
        self.last = min(found[0].first - 1, applied) if found else applied
        for number, segment in enumerate(found):
            end = segments.HEADER.size
            damaged = segment.first > max(self.last, applied) + 1
            for frame, behind in () if damaged else segments.read(segment):
                expected = max(self.last, applied) + 1
                if frame.number <= expected:
                    self.last, end = frame.number, behind
                    if frame.number == expected:
                        yield frame
                elif frame.batch > expected:  # else the rest of a write that was cut short
                    damaged = True
                    break
            damaged |= segment is found[-1] and acknowledged > max(self.last, applied)  # a cut write, but for the mark
            if damaged:
                if not up_to_damage:
                    raise StoreCorrupt(self._damage(f"{segment.path}, byte {end}", max(self.last, applied)))
                _set_aside(found[number:])
            if end == segments.HEADER.size:
                segment.path.unlink(missing_ok=True)
            elif damaged or segment is found[-1]:
                self._add(segments.cut(segment, end))
            else:
                self._add(segment)
            if damaged:
                self._high_water.remove()
                return
        if not found and acknowledged > applied:
            if not up_to_damage:
                raise StoreCorrupt(self._damage(f"{self.directory}, which holds nothing", applied))
            self._high_water.remove()

    def write(self, batch: list[Frame]) -> None:
        """Put frames behind the last synced ones. Raises OSError; the same frames may then be tried again."""
        needed = sum(frames.HEADER.size + len(frame.payload) for frame in batch)
        current = self._current
        if current is None or self._offset + needed > current.size:
            current = self._roll(batch[0].number, needed)
        segments.write_all(self._descriptor, b"".join([frames.pack(frame, current.salt) for frame in batch]), self._offset)
        self._written, self._written_last = needed, batch[-1].number

    def sync(self) -> None:
        """Make durable what was written. An OSError here is final: what is on disk is unknown then."""
        _sync_data(self._descriptor)
        self._offset += self._written
        self._high_water.put(self._written_last)

    def drop_covered(self, number: int) -> None:
        """Delete the segments that hold no commit above `number`, never the one being written."""
        with self._known:
            following = [segment.first for segment in self._segments[1:]]
            count = sum(first <= number + 1 for first in following)
            self._delete(self._segments[:count])

    def clear(self) -> None:
        """Delete all of it: when a checkpoint covers everything and nothing writes."""
        self.close()
        with self._known:
            self._delete(list(self._segments))
        self._high_water.remove()
        if self.directory.is_dir() and not any(self.directory.iterdir()):
            self.directory.rmdir()

    def close(self) -> None:
        """Close what is being written."""
        self._close_segment()
        self._high_water.close()

    def _close_segment(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor, self._current = -1, None

    def _roll(self, first: int, needed: int) -> Segment:
        """Go on in a new segment. On OSError the old one is still the current one."""
        if not self.directory.is_dir():
            self.directory.mkdir()
            segments.sync_directory(self.directory.parent)
        segment, descriptor = segments.create(self.directory, self._lab_id, first, max(self._next_size, segments.HEADER.size + needed))
        self._close_segment()
        self._add(segment)
        self._current, self._descriptor, self._offset = segment, descriptor, segments.HEADER.size
        self._next_size = min(segments.LARGEST, self._next_size * 2)
        return segment

    def _add(self, segment: Segment) -> None:
        with self._known:
            self._segments.append(segment)
            self.size += segment.size

    def _delete(self, covered: list[Segment]) -> None:
        for segment in covered:
            segment.path.unlink(missing_ok=True)
            self._segments.remove(segment)
            self.size -= segment.size

    def _damage(self, where: str, readable: int) -> str:
        return (
            f"The journal is damaged behind commit {readable} ({where}); what was recorded up to there is readable. "
            "Restore a backup, or go on from there with the damaged part set aside: Store.open(path, up_to_damage=True)."
        )


def _set_aside(damaged: list[Segment]) -> None:
    """Keep the damaged segments for whoever wants to look into them; the first one is copied, as its beginning is still in use."""
    suffix = f".damaged-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    first, *rest = [segment.path for segment in damaged]
    shutil.copy2(first, first.with_name(first.name + suffix))
    for path in rest:
        path.rename(path.with_name(path.name + suffix))
