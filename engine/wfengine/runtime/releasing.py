"""What was handed to the store is durable: its effects are let go. Nothing is done, or told, before. On the engine's thread."""

from collections.abc import Callable, Iterable
from concurrent.futures import Future

import msgspec

from wfengine.core.transitions import Transition
from wfengine.model.history import ChildWorkflowInstanceCreated, HistoryEvent, TaskRestarted
from wfengine.model.instance import Instance
from wfengine.runtime.activities import Activities
from wfengine.runtime.callers import answer, resolve
from wfengine.runtime.population import Population
from wfengine.runtime.residents import Resident
from wfengine.runtime.retiring import Retiring, stamped
from wfengine.runtime.taking_up import TakingUp
from wfengine.runtime.timers import Timers


class Submitted(msgspec.Struct, frozen=True):
    """What was handed to the store and is acted upon once it is durable."""

    resident: Resident
    transition: Transition
    acks: list[Future[None]]


class Reopened(msgspec.Struct, frozen=True):
    """A new instance with a past, handed to the store."""

    resident: Resident
    children: list[Instance]
    acks: list[Future[None]]


class Releasing:
    """`arrive` takes an event for a live execution, `begin` has it go on with what has gathered."""

    def __init__(
        self,
        *,
        population: Population,
        timers: Timers,
        activities: Activities,
        retiring: Retiring,
        taking_up: TakingUp,
        arrive: Callable[[Resident, HistoryEvent], None],
        begin: Callable[[Resident], None],
    ) -> None:
        self._population = population
        self._timers = timers
        self._activities = activities
        self._retiring = retiring
        self._taking_up = taking_up
        self._arrive = arrive
        self._begin = begin

    def release(self, done: Submitted) -> Instance:
        """A turn is recorded."""
        resident, transition = done.resident, done.transition
        resident.is_busy = False
        resident.durable = transition.instance
        answer(done.acks)
        if (
            self._population.of_key(resident.instance.key) is not resident
        ):  # purged by force; what it started and nobody calls its own goes on
            self._release_started(child for child, _ in transition.started)
            return transition.instance
        if transition.instance.status.is_terminal:
            self._retiring.retire(resident, transition)
        else:
            for task in transition.activities:
                resident.note(task)
                self._activities.start(resident, task)
            for timer in transition.timers:
                resident.note(timer)
                if timer.fire_at is not None:
                    self._timers.add(timer.fire_at, resident.instance.key, timer.event_id)
            for row in transition.commit.history:
                if isinstance(row.event, ChildWorkflowInstanceCreated):
                    resident.note(row.event)
                elif isinstance(row.event, TaskRestarted):
                    self._activities.restart(resident, row.event)
            for failed in transition.unstartable:
                self._arrive(resident, stamped(self._population, resident, failed))
            if transition.instance.turn and resident.started:
                resolve(resident.started, transition.instance)
                resident.started = ()
            self._begin(resident)
        self._release_started(child for child, _ in transition.started)
        return transition.instance

    def release_reopened(self, done: Reopened) -> list[Instance]:
        """A new instance with a past is recorded."""
        resident = done.resident
        resident.is_busy = False
        resident.durable = resident.instance
        answer(done.acks)
        if self._population.of_key(resident.instance.key) is resident:
            self._taking_up.wake(resident)
            self._release_started(done.children)
            self._taking_up.go_on(resident)
        return [resident.instance, *done.children]

    def _release_started(self, children: Iterable[Instance]) -> None:
        for child in children:
            started = self._population.of_key(child.key)
            if started is not None:
                started.is_busy = False
                started.durable = child
                self._begin(started)
