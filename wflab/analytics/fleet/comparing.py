"""Questions that lay runs beside each other: over time, by the way they went, by the code they ran. Asked of a lab's engine."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from wfengine.core.arguments import name_of
from wfengine.runtime.engine import Engine
from wflab.analytics.fleet import each
from wflab.analytics.fleet.answer import Answer
from wflab.analytics.fleet.paths import variants
from wflab.analytics.fleet.population import Population
from wflab.analytics.fleet.questions import By, Fleet, Window
from wflab.analytics.fleet.slo import length_of
from wflab.analytics.fleet.starting import started_within
from wflab.analytics.fleet.survival import Event, survival
from wflab.analytics.fleet.throughput import throughput
from wflab.analytics.fleet.versions import compare_versions

Workflow = Callable[..., Any] | str


class Comparisons:
    """Any thread may ask; everything durable is in the answer. Windows bound the *start* of runs, but for what is about their ends."""

    def __init__(self, engine: Engine, fleet: Fleet) -> None:
        self._engine = engine
        self._fleet = fleet

    def survival(self, by: By, window: Window, *, name: str | None, event: Event, children: bool, confidence: float = 0.95) -> Answer:
        """See `survival.survival`."""
        found = self._started(window, name=name, children=children)
        with self._engine.store.cursor() as cursor:
            return survival(cursor, found, by, now=self._engine.now(), event=event, confidence=confidence)

    def variants(self, workflow: Workflow, window: Window) -> Answer:
        """See `paths.variants`."""
        found = self._started(window, name=name_of(workflow), children=True)
        with self._engine.store.cursor() as cursor:
            return variants(cursor, found)

    def compare_versions(self, workflow: Workflow, window: Window) -> Answer:
        """See `versions.compare_versions`."""
        found = self._started(window, name=name_of(workflow), children=True)
        with self._engine.store.cursor() as cursor:
            return compare_versions(cursor, found)

    def throughput(self, every: str | timedelta | None, window: Window, *, name: str | None, children: bool) -> Answer:
        """See `throughput.throughput`."""
        scope = self._fleet.scope(window, name=name, children=children)
        with self._engine.store.cursor() as cursor:
            return throughput(cursor, scope, None if every is None else length_of(every))

    def lengths(self, by: By, window: Window, *, name: str | None, status: str | None, children: bool) -> Answer:
        """See `each.lengths`."""
        scope = self._fleet.scope(window, name=name, status=status, children=children)
        with self._engine.store.cursor() as cursor:
            return each.lengths(cursor, scope, by)

    def newest(self, most: int, window: Window, *, name: str | None, status: str | None, children: bool) -> Answer:
        """See `each.newest`."""
        found = self._started(window, name=name, status=status, children=children)
        with self._engine.store.cursor() as cursor:
            return each.newest(cursor, found, now=self._engine.now(), most=most)

    def _started(self, window: Window, *, name: str | None, status: str | None = None, children: bool) -> Population:
        since, until = (self._fleet.moment(moment) for moment in window)
        return started_within(self._fleet.scope(name=name, status=status, children=children), since, until)
