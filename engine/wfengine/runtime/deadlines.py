"""When attempts of activities are to have ended. Used by the engine's thread only.

A heap on the machine's monotonic time: functions run in real time, also where the lab's clock is virtual.
"""

import heapq
from collections.abc import Callable

Place = tuple[int, int]
"""An attempt: the key of its execution and the number of its action."""

_SPARE = 64


class Deadlines:
    """`is_wanted` tells whether an attempt is still under way: a deadline that was met is dropped when it is come upon."""

    def __init__(self, is_wanted: Callable[[Place], bool]) -> None:
        self._is_wanted = is_wanted
        self._heap: list[tuple[float, Place]] = []
        self._thin_at = _SPARE

    def add(self, moment: float, place: Place) -> None:
        """The attempt at `place` is to have ended at `moment`."""
        heapq.heappush(self._heap, (moment, place))
        if len(self._heap) > self._thin_at:
            self._heap = [entry for entry in self._heap if self._is_wanted(entry[1])]
            heapq.heapify(self._heap)
            self._thin_at = 2 * len(self._heap) + _SPARE

    def next(self) -> float | None:
        """The earliest that counts."""
        while self._heap and not self._is_wanted(self._heap[0][1]):
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_due(self, now: float) -> list[Place]:
        """Take out those whose time is up."""
        due = []
        while (first := self.next()) is not None and first <= now:
            due.append(heapq.heappop(self._heap)[1])
        return due
