"""The store over a simulated disk: real commits, really encoded, in real frames; only when they become durable is up to the simulation.

What the journal's thread does in one go is split in two here, so that a crash may fall between the write and the sync.
"""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from wfengine.errors import StoreCorrupt
from wfengine.model.work import Commit
from wfengine.store.appending import row_count
from wfengine.store.frames import Frame, frame_at, pack, sound_frames
from wfengine.store.rows import plain_text
from wfengine.testing.simulation.disk import Disk
from wfengine.testing.simulation.record import Record

_SALT = 20_261_122

OnDurable = Callable[[list[object]], None]


class Waiting(NamedTuple):
    """A commit that is not durable yet."""

    number: int
    position: int
    payload: bytes
    token: object


class SimulatedStore(Record):
    """What `Turns` asks of a store. Opening it reads what the disk holds; the commits found stand in `recovered`."""

    def __init__(self, disk: Disk) -> None:
        super().__init__()
        self._disk = disk
        self._encoder = msgspec.msgpack.Encoder(enc_hook=plain_text)
        self._decoder = msgspec.msgpack.Decoder(Commit)
        self._number = 0
        self._position = 0
        self.waiting: list[Waiting] = []
        self._written: list[Waiting] = []
        self.recovered: list[bytes] = []
        self._recover()

    def submit(self, commit: Commit, token: object) -> None:
        """Queue a commit."""
        self._number += 1
        self.waiting.append(Waiting(self._number, self._position, self._encoder.encode(commit), token))
        self._position += row_count(commit)

    def write(self, most: int) -> None:
        """Write a batch of up to so many commits, unless one is written already."""
        if self._written or not self.waiting:
            return
        self._written = self.waiting[:most]
        first = self._written[0].number
        self._disk.write(b"".join([pack(Frame(one.number, first, one.position, 1, one.payload), _SALT) for one in self._written]))

    def sync(self) -> list[Waiting]:
        """Make durable what was written; gives it for the acknowledgement."""
        self._disk.sync()
        done, self._written = self._written, []
        del self.waiting[: len(done)]
        for one in done:
            self.apply(self._decoder.decode(one.payload))
        return done

    def _recover(self) -> None:
        data = self._disk.read()
        offset = 0
        while (found := frame_at(data, offset, _SALT)) is not None:
            frame, offset = found
            if (frame.number, frame.position) != (self._number + 1, self._position):
                raise StoreCorrupt(f"Frame {frame.number} at position {frame.position} follows {self._number} at {self._position}.")
            commit = self._decoder.decode(frame.payload)
            self._number, self._position = frame.number, frame.position + row_count(commit)
            self.apply(commit)
            self.recovered.append(frame.payload)
        for frame, _ in sound_frames(data, offset, _SALT):
            if frame.batch > self._number + 1:
                raise StoreCorrupt(f"Frame {frame.number} is readable behind damage.")
        self._disk.cut(offset)
