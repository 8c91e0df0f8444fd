"""Due times in order. Timers of instances that have ended stay until they come due and are passed over then."""

import heapq
from datetime import datetime
from typing import NamedTuple


class DueTimer(NamedTuple):
    """`timer_id` None is the scheduled start of the execution `key`."""

    fire_at: datetime
    order: int
    key: int
    timer_id: int | None


class Timers:
    """A heap; used by the engine's thread only."""

    def __init__(self) -> None:
        self._heap: list[DueTimer] = []
        self._count = 0

    def add(self, fire_at: datetime, key: int, timer_id: int | None) -> None:
        """Remember a timer."""
        self._count += 1
        heapq.heappush(self._heap, DueTimer(fire_at, self._count, key, timer_id))

    def next_due(self) -> datetime | None:
        """When the earliest comes due."""
        return self._heap[0].fire_at if self._heap else None

    def pop_due(self, now: datetime) -> list[DueTimer]:
        """Take out what is due, earliest first."""
        due = []
        while self._heap and self._heap[0].fire_at <= now:
            due.append(heapq.heappop(self._heap))
        return due

    def drop_first(self) -> None:
        """Forget the earliest one: nobody waits for it any more."""
        heapq.heappop(self._heap)

    def first(self) -> DueTimer | None:
        """The earliest timer."""
        return self._heap[0] if self._heap else None
