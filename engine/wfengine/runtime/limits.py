"""How much may be under way at a time: in all, and of each name. What finds no room waits, and takes its turn in the order of arrival.

A name that is full does not hold up the others. Used by the engine's thread only; nobody is woken but by somebody who leaves.
"""

from collections import Counter, deque
from collections.abc import Mapping
from typing import Generic, TypeVar

import msgspec

from wfengine.errors import InvalidArgument

T = TypeVar("T")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The most attempts of activities and the most instances of workflows under way at a time, in all and by name; None is no limit."""

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
    """Lets `most` in at a time, and `most_of[name]` of a name."""

    def __init__(self, most: int | None = None, most_of: Mapping[str, int] | None = None) -> None:
        self._most = most
        self._most_of = dict(most_of or {})
        self._inside = 0
        self._inside_of: Counter[str] = Counter()
        self._waiting: dict[str, deque[tuple[int, T]]] = {}
        self._arrivals = 0

    def enter(self, name: str, item: T) -> bool:
        """Whether `item` is in; else it waits until a `leave` gives it back."""
        if name not in self._waiting and self._has_room(name):
            self._let_in(name)
            return True
        self._arrivals += 1
        self._waiting.setdefault(name, deque()).append((self._arrivals, item))
        return False

    def take(self, name: str) -> None:
        """One more is in, whether there is room or not."""
        self._let_in(name)

    def forget(self, name: str, item: T) -> None:
        """It waits no more, and does not want in."""
        left = deque(entry for entry in self._waiting.get(name, ()) if entry[1] is not item)
        self._waiting.pop(name, None)
        if left:
            self._waiting[name] = left

    def leave(self, name: str) -> list[T]:
        """One of this name has left; gives those who are in now instead, in order."""
        self._inside -= 1
        self._inside_of[name] -= 1
        let_in: list[T] = []
        while (name_of_next := self._next()) is not None:
            queue = self._waiting[name_of_next]
            let_in.append(queue.popleft()[1])
            if not queue:
                del self._waiting[name_of_next]
            self._let_in(name_of_next)
        return let_in

    def fullness(self, name: str) -> str | None:
        """Which limit is reached, as `2 of 2`; None where there is room."""
        most_of = self._most_of.get(name)
        if most_of is not None and self._inside_of[name] >= most_of:
            return f"{self._inside_of[name]} of {most_of} of this name"
        if self._most is not None and self._inside >= self._most:
            return f"{self._inside} of {self._most} in all"
        return None

    def _next(self) -> str | None:
        """The name whose first has waited longest of those with room."""
        first = min(((queue[0][0], name) for name, queue in self._waiting.items() if self._has_room(name)), default=None)
        return None if first is None else first[1]

    def _has_room(self, name: str) -> bool:
        most_of = self._most_of.get(name)
        return (self._most is None or self._inside < self._most) and (most_of is None or self._inside_of[name] < most_of)

    def _let_in(self, name: str) -> None:
        self._inside += 1
        self._inside_of[name] += 1
