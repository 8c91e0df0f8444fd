"""The questions about a lab's whole fleet, asked of its engine: what `lab.success_rates()` and its neighbours answer."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from wfengine.errors import InvalidArgument
from wfengine.runtime.engine import Engine
from wfengine.runtime.registry import Kind
from wflab.analytics.fleet import failing, lengths, success
from wflab.analytics.fleet.answer import Answer
from wflab.analytics.fleet.population import Scope, checked_status
from wflab.analytics.fleet.slo import SLO, error_budget, length_of
from wflab.analytics.fleet.stuck import Bounds, stuck

Since = str | timedelta | datetime | None
By = str | Sequence[str] | None


class Window(NamedTuple):
    """From when to when a run has to have ended."""

    since: Since = None
    until: Since = None


class Fleet:
    """Any thread may ask; everything durable is in the answer."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.slo: SLO | None = None

    def scope(
        self,
        window: Window = Window(),  # noqa: B008  # frozen
        *,
        name: str | None = None,
        status: str | Enum | None = None,
        version: str | None = None,
        tag: str | None = None,
        text: str | None = None,
        children: bool = False,
    ) -> Scope:
        """The runs that all of this is true of. Raises InvalidArgument."""
        return Scope(
            since=self.moment(window.since),
            until=self.moment(window.until),
            name=name,
            status=None if status is None else checked_status(status),
            version=version,
            tag=tag,
            text=text,
            children=children,
        )

    def moment(self, when: Since) -> datetime | None:
        """A moment as such or as ISO text, or a span before now: '24h', timedelta(days=7). Raises InvalidArgument."""
        if when is None or isinstance(when, datetime):
            return when
        if isinstance(when, str) and "-" in when:
            try:
                return datetime.fromisoformat(when)
            except ValueError:
                raise InvalidArgument(
                    f"A moment is a datetime, ISO text such as '2026-11-27T12:00', or a span before now such as '24h', not {when!r}."
                ) from None
        return self._engine.now() - length_of(when)

    def success_rates(self, scope: Scope, by: By, *, canceled: bool = False) -> Answer:
        """See `success.success_rates`."""
        with self._engine.store.cursor() as cursor:
            return success.success_rates(cursor, scope, by, canceled=canceled)

    def durations(self, scope: Scope, by: By) -> Answer:
        """See `lengths.durations`."""
        with self._engine.store.cursor() as cursor:
            return lengths.durations(cursor, scope, by)

    def failures(self, scope: Scope) -> Answer:
        """See `failing.failures`."""
        with self._engine.store.cursor() as cursor:
            return failing.failures(cursor, scope)

    def stuck(self, scope: Scope, held_to: SLO | None = None) -> Answer:
        """See `stuck.stuck`. `held_to` is `self.slo` where none is given."""
        with self._engine.store.cursor() as cursor:
            return stuck(cursor, scope, self._engine.now(), self.known(), self.bounds(held_to))

    def error_budget(self, scope: Scope, held_to: SLO | None = None) -> Answer:
        """See `slo.error_budget`."""
        with self._engine.store.cursor() as cursor:
            return error_budget(cursor, scope, held_to or self.slo or SLO(), self._engine.now())

    def bounds(self, held_to: SLO | None = None) -> Bounds:
        """From where on a run counts as stuck."""
        held_to = held_to or self.slo
        return Bounds(answer=None if held_to is None else held_to.answer_limit)

    def known(self) -> set[str]:
        """What there is code for, as `stuck.asked` wants it."""
        registry = self._engine.registry
        kinds: tuple[Kind, ...] = ("workflow", "activity")
        return {
            f"{kind} {app or ''} {name}" for kind in kinds for app in (None, *registry.apps()) for name in registry.names(kind, app_id=app)
        }
