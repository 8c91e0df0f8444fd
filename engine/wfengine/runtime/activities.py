"""Attempts of activities, from being recorded as scheduled to the arrival of their outcome. Everything here runs on the engine's thread.

An attempt waits here while its activity is not registered; then the worker makes it, and its outcome becomes an event for its instance.
"""

from collections.abc import Callable

import msgspec

from wfengine.model.history import HistoryEvent, TaskScheduled
from wfengine.runtime.population import Population
from wfengine.runtime.registry import Registry
from wfengine.runtime.residents import Resident
from wfengine.runtime.worker import ActivityJob, ActivityWorker, Outcome


class Activities:
    """`post` hands a call to the engine's thread; `arrive` takes an event for a live execution."""

    def __init__(
        self,
        *,
        registry: Registry,
        worker: ActivityWorker,
        population: Population,
        post: Callable[..., None],
        arrive: Callable[[Resident, HistoryEvent], None],
    ) -> None:
        self._registry = registry
        self._worker = worker
        self._population = population
        self._post = post
        self._arrive = arrive
        self._undefined: dict[str, list[tuple[Resident, TaskScheduled]]] = {}
        self._running = 0

    @property
    def is_idle(self) -> bool:
        """Whether no attempt is under way."""
        return not self._running

    def start(self, resident: Resident, task: TaskScheduled) -> None:
        """Make this attempt, which is recorded, as soon as its activity is registered."""
        definition = self._registry.find("activity", task.name)
        if definition is None:
            self._undefined.setdefault(task.name, []).append((resident, task))
            return
        self._running += 1
        self._worker.start(ActivityJob(instance=resident.instance, task=task, definition=definition, done=self._done))

    def defined(self, name: str) -> None:
        """An activity was registered: the attempts that waited for it are made."""
        for resident, task in self._undefined.pop(name, []):
            if task.event_id in resident.tasks and self._population.of_key(resident.instance.key) is resident:
                self.start(resident, task)

    def _done(self, job: ActivityJob, outcome: Outcome) -> None:
        """Called on the worker's thread."""
        self._post(self._take_outcome, job.instance.key, outcome)

    def _take_outcome(self, key: int, outcome: Outcome) -> None:
        self._running -= 1
        resident = self._population.of_key(key)
        if resident is not None:  # else it is late: the instance has ended
            self._arrive(resident, msgspec.structs.replace(outcome, occurred_at=self._population.now_for(resident)))
