"""Going on with an execution that has a past: one that the store held at opening, or a rerun. On the engine's thread."""

from collections.abc import Callable

from wfengine.model.history import ExecutionTerminated, HistoryEvent
from wfengine.runtime.activities import Activities
from wfengine.runtime.admission import Admission
from wfengine.runtime.kinship import is_child, missed_outcome, was_to_end_with_parent
from wfengine.runtime.population import Population
from wfengine.runtime.residents import Resident
from wfengine.runtime.timers import Timers
from wfengine.runtime.workflow_code import WorkflowCode
from wfengine.store.store import Store


class TakingUp:
    """`arrive` takes an event for a live execution, `begin` has it go on with what has gathered. All are woken before the first goes on."""

    def __init__(
        self,
        *,
        store: Store,
        population: Population,
        timers: Timers,
        admission: Admission,
        code: WorkflowCode,
        activities: Activities,
        arrive: Callable[[Resident, HistoryEvent], None],
        begin: Callable[[Resident], None],
    ) -> None:
        self._store = store
        self._population = population
        self._timers = timers
        self._admission = admission
        self._code = code
        self._activities = activities
        self._arrive = arrive
        self._begin = begin

    def wake(self, resident: Resident) -> None:
        """Its timers run, and what no code has seen is its next turn."""
        for timer in resident.timers.values():
            if timer.fire_at is not None:
                self._timers.add(timer.fire_at, resident.instance.key, timer.event_id)
        if resident.instance.turn:
            self._admission.may_go_on(resident)
        self._code.check(resident)
        self._begin(resident)

    def go_on(self, resident: Resident) -> None:
        """Its open attempts are made (again); what it missed of its family is told."""
        self._activities.take_up(resident)
        self.remember_family(resident)

    def remember_family(self, resident: Resident) -> None:
        """Tell a parent what it missed, and a child whose parent was terminated with it."""
        instance = resident.instance
        for task_id, child in list(resident.children.items()):
            if not is_child(self._population.of_id(child.instance_id), instance.key, task_id):
                self._arrive(resident, missed_outcome(self._store, instance, child, self._population.now_for(resident)))
        if (
            instance.parent is not None
            and self._population.of_key(instance.parent.key) is None
            and was_to_end_with_parent(self._store, instance)
        ):
            self._arrive(resident, ExecutionTerminated(occurred_at=self._population.now_for(resident), recurse=True))
