"""How long ended instances are kept: the policy, and what comes due by it.

The moment of deletion is recorded with the end, so a policy says nothing about instances that ended before it was set.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from wfengine.errors import EnginePaused, InvalidArgument
from wfengine.model.instance import Status
from wfengine.model.spans import LONGEST_SPAN
from wfengine.runtime.timers import Timers

_MOST_AT_ONCE = 200
_AGAIN = timedelta(seconds=1)


class StateRetention(msgspec.Struct, frozen=True, kw_only=True):
    """Dapr's state retention policy: how long an instance is kept after its end; None keeps it for ever.

    `any_terminal` is for those that have no more particular one.
    """

    any_terminal: timedelta | None = None
    completed: timedelta | None = None
    failed: timedelta | None = None
    terminated: timedelta | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            span = getattr(self, name)
            if span is not None and (not isinstance(span, timedelta) or not timedelta(0) <= span <= LONGEST_SPAN):
                raise InvalidArgument(
                    f"{name} is how long to keep, such as timedelta(days=30), at most a hundred years, or None for ever, not {span!r}."
                )

    def by_status(self) -> dict[Status, timedelta]:
        """The spans that are limited."""
        particular = {Status.COMPLETED: self.completed, Status.FAILED: self.failed, Status.TERMINATED: self.terminated}
        spans = {status: self.any_terminal if span is None else span for status, span in particular.items()}
        return {status: span for status, span in spans.items() if span is not None}


class Retention:
    """Ended executions by the moment of their deletion; used by the engine's thread. `purge` deletes these with what belongs to them.

    It raises EnginePaused where the record cannot be read just now; then it is tried again a little later.
    """

    def __init__(self, purge: Callable[[list[int]], None]) -> None:
        self._purge = purge
        self._due = Timers()

    def note(self, key: int, purge_at: datetime | None) -> None:
        """This execution has ended."""
        if purge_at is not None:
            self._due.add(purge_at, key, None)

    def next_due(self) -> datetime | None:
        """When the next one is to go."""
        return self._due.next_due()

    def expire(self, now: datetime) -> None:
        """Delete what is due, a few hundred at once: the rest has its turn in the next round."""
        due: list[int] = []
        while len(due) < _MOST_AT_ONCE and (first := self._due.first()) is not None and first.fire_at <= now:
            self._due.drop_first()
            due.append(first.key)
        if not due:
            return
        try:
            self._purge(due)
        except EnginePaused:
            for key in due:
                self.note(key, now + _AGAIN)
