"""Deleting instances with their history: asked for, by force, or because their time to be kept is up. On the engine's thread."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future

from wfengine.errors import InstanceNotFound
from wfengine.model.history import ChildWorkflowInstanceFailed, HistoryEvent
from wfengine.model.instance import Instance
from wfengine.model.work import AuditRow, CircuitRow, Commit
from wfengine.runtime.admission import Admission
from wfengine.runtime.callers import fail
from wfengine.runtime.kinship import purged_child
from wfengine.runtime.population import Population
from wfengine.runtime.residents import Resident
from wfengine.runtime.workflow_code import WorkflowCode
from wfengine.store.family import uses
from wfengine.store.store import Store


class Purging:
    """`starting` gives what an execution is about to start, `record` has a commit made and acknowledged, `arrive` takes an event for an instance."""

    def __init__(
        self,
        *,
        store: Store,
        population: Population,
        admission: Admission,
        code: WorkflowCode,
        starting: Callable[[int], list[Instance]],
        record: Callable[[Commit, Future[None]], None],
        arrive: Callable[[Resident, HistoryEvent], None],
        newest_circuits: Callable[[Iterable[CircuitRow]], list[CircuitRow]],
    ) -> None:
        self._newest_circuits = newest_circuits
        self._store = store
        self._population = population
        self._admission = admission
        self._code = code
        self._starting = starting
        self._record = record
        self._arrive = arrive

    def purge_by_force(
        self, instance_id: str, executions: Sequence[tuple[int, str]], audit: list[AuditRow], ack: Future[None], *, recursive: bool
    ) -> None:
        """As `purge`, with what has been started since the executions were looked up."""
        doomed = dict(executions)
        # by id, not only the newest: a generation whose end is under way to the disk lives on beside its successor
        doomed.update((one.instance.key, instance_id) for one in self._population.all() if one.instance.instance_id == instance_id)
        is_growing = recursive
        while is_growing:
            kin = {
                one.instance.key: one.instance.instance_id
                for one in self._population.all()
                if one.instance.parent is not None and one.instance.parent.key in doomed and one.instance.key not in doomed
            }
            doomed.update(kin)
            is_growing = bool(kin)
        self.purge(list(doomed.items()), audit, ack)

    def purge(self, executions: Sequence[tuple[int, str]], audit: list[AuditRow], ack: Future[None]) -> None:
        """Delete these executions (key, id). Those that live end here, unheard; a parent that waits for one learns that it was purged."""
        doomed = dict(executions)
        for key in list(doomed):
            doomed.update((one.key, one.instance_id) for one in self._starting(key) if _goes_with(one, key, doomed[key]))
        bereaved: list[tuple[Resident, ChildWorkflowInstanceFailed]] = []
        circuits: list[CircuitRow] = []
        for key, instance_id in doomed.items():
            resident = self._population.of_key(key)
            if resident is not None:
                parent = resident.instance.parent
                waiting = None if parent is None or parent.key in doomed else self._population.of_key(parent.key)
                if parent is not None and waiting is not None:
                    bereaved.append((waiting, purged_child(parent.task_id, instance_id, self._population.now_for(waiting))))
                circuits += resident.inbox.circuits if resident.inbox else ()
                self._code.forget(resident)
                self._population.remove(key)
                self._admission.leave(resident)
                fail(resident.callers, InstanceNotFound(instance_id, "It was purged."))
            self._population.forget(instance_id, key)
        self._record(Commit(purged=list(doomed), audit=audit, circuits=self._newest_circuits(circuits)), ack)
        for waiting, outcome in bereaved:
            self._arrive(waiting, outcome)

    def purge_expired(self, ended: list[int]) -> None:
        """Those whose time to be kept is up, with their earlier generations and their children that have ended."""
        with self._store.cursor() as cursor:
            executions = uses(cursor, ended)
        dead = [(key, instance_id) for key, instance_id in executions if self._population.of_key(key) is None]
        if dead:
            self.purge(dead, [], Future())


def _goes_with(started: Instance, key: int, instance_id: str) -> bool:
    """Whether what an execution is about to start belongs to it: its child or next generation, not a detached workflow."""
    return started.instance_id == instance_id or (started.parent is not None and started.parent.key == key)
