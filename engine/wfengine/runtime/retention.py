"""How long ended instances are kept: the policy, and what comes due by it.

The moment of deletion is recorded with the end, so a policy says nothing about instances that ended before it was set.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from wfengine.errors import InvalidArgument
from wfengine.model.instance import Instance, Status
from wfengine.runtime.timers import Timers

_MOST_AT_ONCE = 200


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
            if span is not None and (not isinstance(span, timedelta) or span < timedelta(0)):
                raise InvalidArgument(f"{name} is how long to keep, such as timedelta(days=30), or None for ever, not {span!r}.")

    def by_status(self) -> dict[Status, timedelta]:
        """The spans that are limited."""
        particular = {Status.COMPLETED: self.completed, Status.FAILED: self.failed, Status.TERMINATED: self.terminated}
        spans = {status: self.any_terminal if span is None else span for status, span in particular.items()}
        return {status: span for status, span in spans.items() if span is not None}


class Retention:
    """Ended executions by the moment of their deletion; used by the engine's thread. `purge` deletes instances by id and newest key."""

    def __init__(self, purge: Callable[[list[tuple[int, str]]], None]) -> None:
        self._purge = purge
        self._due = Timers()
        self._ids: dict[int, str] = {}

    def note(self, key: int, instance_id: str, purge_at: datetime | None) -> None:
        """This execution has ended."""
        if purge_at is not None:
            self._ids[key] = instance_id
            self._due.add(purge_at, key, None)

    def ended(self, instance: Instance) -> None:
        """As `note`."""
        self.note(instance.key, instance.instance_id, instance.purge_at)

    def next_due(self) -> datetime | None:
        """When the next one is to go."""
        return self._due.next_due()

    def expire(self, now: datetime) -> None:
        """Delete what is due, a few hundred at once."""
        due = [(one.key, self._ids.pop(one.key)) for one in self._due.pop_due(now)]
        for start in range(0, len(due), _MOST_AT_ONCE):
            self._purge(due[start : start + _MOST_AT_ONCE])
