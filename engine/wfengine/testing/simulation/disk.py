"""A disk as an application must think of it: what was written but not synced may be there after a crash, or not, or in part."""


class Disk:
    """One file that only grows at its end."""

    def __init__(self) -> None:
        self._synced = bytearray()
        self._unsynced = bytearray()

    @property
    def unsynced_size(self) -> int:
        """How many bytes a crash may take."""
        return len(self._unsynced)

    def write(self, data: bytes) -> None:
        """Hand bytes over; they are safe after the next sync."""
        self._unsynced += data

    def sync(self) -> None:
        """Make safe what was written."""
        self._synced += self._unsynced
        self._unsynced.clear()

    def crash(self, surviving: int) -> None:
        """The power fails; so many of the bytes that were not synced happen to be there all the same."""
        self._synced += self._unsynced[:surviving]
        self._unsynced.clear()

    def read(self) -> bytes:
        """All there is."""
        return bytes(self._synced)

    def cut(self, size: int) -> None:
        """Drop what stands behind `size`."""
        del self._synced[size:]
