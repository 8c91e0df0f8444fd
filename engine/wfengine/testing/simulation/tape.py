"""Where a simulated run takes its decisions from: bytes, which anybody can draw, print, cut shorter and play again.

A byte of zero always stands for the plainest choice: whoever removes bytes or sets them to zero simplifies the run. When the tape is at its
end, nothing more happens than what has to.
"""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Tape:
    """Bytes, read once from front to back."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    @property
    def is_spent(self) -> bool:
        """Whether from now on every choice is the plainest."""
        return self._place >= len(self._data)

    def below(self, limit: int) -> int:
        """A number from 0 up to (not including) `limit`, which is 256 at most."""
        if self._place >= len(self._data):
            return 0
        byte = self._data[self._place]
        self._place += 1
        return byte % limit

    def pick(self, options: Sequence[T]) -> T:
        """One of them; the plainest is the first."""
        return options[self.below(len(options))]

    def chance(self, percent: int) -> bool:
        """Whether something that happens so often happens; the plainest is that it does not."""
        return self.below(100) >= 100 - percent
