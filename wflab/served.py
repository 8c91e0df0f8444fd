"""What the rest of a lab knows of its gateway, whether or not there is one: where it is served, and when calls came. Needs no extra."""

from collections.abc import Callable


class Served:
    """`address` is empty and `dropped` gives 0 while nothing is served. Any thread may tell; listeners must only enqueue."""

    def __init__(self) -> None:
        self.address = ""
        self.dropped: Callable[[], int] = _none
        self._listeners: list[Callable[[], None]] = []

    def listen(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Have `changed` called when calls were recorded, or the gateway came or went; call the result to stop that."""
        self._listeners.append(changed)
        return lambda: self._listeners.remove(changed) if changed in self._listeners else None

    def tell(self) -> None:
        """Something changed."""
        for listener in list(self._listeners):
            listener()

    def begin(self, address: str, dropped: Callable[[], int]) -> None:
        """There is a gateway."""
        self.address, self.dropped = address, dropped
        self.tell()

    def end(self) -> None:
        """There is none any more."""
        self.address, self.dropped = "", _none
        self.tell()


def _none() -> int:
    return 0
