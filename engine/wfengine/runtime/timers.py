"""Due times in order. Timers that nobody waits for any more stay for a while: they are thrown out when they have become many, or passed over when due."""

import heapq
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple


class DueTimer(NamedTuple):
    """`timer_id` None is the scheduled start of the execution `key`."""

    fire_at: datetime
    order: int
    key: int
    timer_id: int | None


_FEW = 1024


class Timers:
    """A heap; used by the engine's thread only. `is_wanted` tells whether anybody waits for a timer."""

    def __init__(self, is_wanted: Callable[[DueTimer], bool] | None = None) -> None:
        self._is_wanted = is_wanted
        self._most = _FEW
        self._heap: list[DueTimer] = []
        self._count = 0

    def add(self, fire_at: datetime, key: int, timer_id: int | None) -> None:
        """Remember a timer."""
        if len(self._heap) >= self._most and self._is_wanted is not None:
            self._heap = list(filter(self._is_wanted, self._heap))
            heapq.heapify(self._heap)
            self._most = max(_FEW, 2 * len(self._heap))
        self._count += 1
        heapq.heappush(self._heap, DueTimer(fire_at, self._count, key, timer_id))

    @property
    def count(self) -> int:
        """How many are kept."""
        return len(self._heap)

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
