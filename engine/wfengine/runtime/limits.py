"""How much may be under way at a time: in all, and of each name. What finds no room waits, and takes its turn in the order of arrival.

A name that is full does not hold up the others. Used by the engine's thread only; nobody is woken but by somebody who leaves.
"""

from collections import Counter, deque
from collections.abc import Mapping
from typing import Generic, TypeVar

import msgspec

from wfengine.errors import InvalidArgument

T = TypeVar("T")
_Queue = tuple[str, bool]  # a name, and whether it is for those within


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The most attempts of activities and the most instances of workflows under way at a time, in all and by name; None is no limit.

    A parent waits for its children, so these never wait for it: `most_workflows` counts what is nobody's child, and a workflow that calls itself,
    itself or through others, shares the place of its name. Two limited names that call each other may still wait for each other.
    """

    most_activities: int | None = None
    activities: Mapping[str, int] = {}
    most_workflows: int | None = None
    workflows: Mapping[str, int] = {}

    def __post_init__(self) -> None:
        named = [(f"{kind}[{name!r}]", most) for kind in ("activities", "workflows") for name, most in getattr(self, kind).items()]
        for what, most in [("most_activities", self.most_activities), ("most_workflows", self.most_workflows), *named]:
            if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
                raise InvalidArgument(f"{what} must be a number >= 1 (or None for no limit), not {most!r}.")


class Gate(Generic[T]):
    """Lets `most` in at a time, and `most_of[name]` of a name. Who `is_within`, belonging to one that is in, is only counted by name."""

    def __init__(self, most: int | None = None, most_of: Mapping[str, int] | None = None) -> None:
        self._most = most
        self._most_of = dict(most_of or {})
        self._inside = 0
        self._inside_of: Counter[str] = Counter()
        self._waiting: dict[_Queue, deque[tuple[int, T]]] = {}
        self._arrivals = 0

    def enter(self, name: str, item: T, *, is_within: bool = False) -> bool:
        """Whether `item` is in; else it waits until a `leave` gives it back."""
        queue = name, is_within
        if queue not in self._waiting and self._has_room(queue):
            self._let_in(queue)
            return True
        self._arrivals += 1
        self._waiting.setdefault(queue, deque()).append((self._arrivals, item))
        return False

    def take(self, name: str, *, is_within: bool = False) -> None:
        """One more is in, whether there is room or not."""
        self._let_in((name, is_within))

    def forget(self, name: str, item: T, *, is_within: bool = False) -> None:
        """It waits no more, and does not want in."""
        waiting = self._waiting.pop((name, is_within), ())
        left = deque(entry for entry in waiting if entry[1] is not item)
        if left:
            self._waiting[name, is_within] = left

    def leave(self, name: str, *, is_within: bool = False) -> list[T]:
        """One of this name has left; gives those who are in now instead, in order."""
        self._inside -= not is_within
        self._inside_of[name] -= 1
        let_in: list[T] = []
        while (queue := self._next()) is not None:
            waiting = self._waiting[queue]
            let_in.append(waiting.popleft()[1])
            if not waiting:
                del self._waiting[queue]
            self._let_in(queue)
        return let_in

    def fullness(self, name: str) -> str | None:
        """Which limit is reached, as `2 of 2`; None where there is room."""
        most_of = self._most_of.get(name)
        if most_of is not None and self._inside_of[name] >= most_of:
            return f"{self._inside_of[name]} of {most_of} of this name"
        if self._most is not None and self._inside >= self._most:
            return f"{self._inside} of {self._most} in all"
        return None

    def _next(self) -> _Queue | None:
        """The queue whose first has waited longest of those with room."""
        first = min(((waiting[0][0], queue) for queue, waiting in self._waiting.items() if self._has_room(queue)), default=None)
        return None if first is None else first[1]

    def _has_room(self, queue: _Queue) -> bool:
        name, is_within = queue
        most_of = self._most_of.get(name)
        has_room_in_all = is_within or self._most is None or self._inside < self._most
        return has_room_in_all and (most_of is None or self._inside_of[name] < most_of)

    def _let_in(self, queue: _Queue) -> None:
        name, is_within = queue
        self._inside += not is_within
        self._inside_of[name] += 1
