"""The end of an execution, once it is durable: who is told, what it gives up, and what it hands on. On the engine's thread."""

from collections.abc import Callable, Iterable

import msgspec

from wfengine.core.transitions import Transition
from wfengine.errors import InstanceNotFound
from wfengine.model.history import ExecutionTerminated, HistoryEvent
from wfengine.model.instance import Status
from wfengine.model.work import CircuitRow, Commit
from wfengine.runtime.admission import Admission
from wfengine.runtime.callers import answer, fail, resolve
from wfengine.runtime.kinship import is_child
from wfengine.runtime.population import Population
from wfengine.runtime.residents import Resident
from wfengine.runtime.retention import Retention
from wfengine.runtime.workflow_code import WorkflowCode


class Retiring:
    """`arrive` takes an event for a live execution, `enqueue` has it take a turn, `submit` records what concerns no instance."""

    def __init__(
        self,
        *,
        population: Population,
        admission: Admission,
        code: WorkflowCode,
        retention: Retention,
        arrive: Callable[[Resident, HistoryEvent], None],
        enqueue: Callable[[Resident], None],
        submit: Callable[[Commit], None],
        newest_circuits: Callable[[Iterable[CircuitRow]], list[CircuitRow]],
    ) -> None:
        self._newest_circuits = newest_circuits
        self._population = population
        self._admission = admission
        self._code = code
        self._retention = retention
        self._arrive = arrive
        self._enqueue = enqueue
        self._submit = submit

    def retire(self, resident: Resident, transition: Transition) -> None:
        """The execution has ended: forget it, tell its parent, end its children, hand over what came too late for it."""
        instance = transition.instance
        self._code.forget(resident)
        self._population.remove(instance.key)
        if instance.status is Status.CONTINUED_AS_NEW:
            self._admission.succeed(instance.key, transition.started[-1][0].key)
        else:
            self._admission.leave(resident)
        if resident.inbox and resident.inbox.circuits:  # of attempts whose end came too late for the last turn
            self._submit(Commit(circuits=self._newest_circuits(resident.inbox.circuits)))
        parent = instance.parent
        if transition.to_parent is not None and parent is not None and (waiting := self._population.of_key(parent.key)):
            self._arrive(waiting, stamped(self._population, waiting, transition.to_parent))
        if instance.status is Status.CONTINUED_AS_NEW:
            successor = self._population.of_key(transition.started[-1][0].key)
            if successor is None:
                fail(resident.callers, InstanceNotFound(instance.instance_id, "It was purged."))
            else:
                self._hand_over(resident, successor)
            return
        self._population.remember_end(instance)
        self._retention.note(instance.key, instance.purge_at)
        if resident.inbox:
            answer(resident.inbox.acks)
        resolve(resident.started, instance)
        resolve(resident.finished, instance)
        ended = next((r.event for r in transition.commit.history if isinstance(r.event, ExecutionTerminated)), None)
        if ended is not None and ended.recurse:
            for child in resident.children.values():
                live = self._population.of_id(child.instance_id)
                if live is not None and is_child(live, instance.key, child.event_id):
                    self._arrive(live, ExecutionTerminated(occurred_at=self._population.now_for(live), recurse=True))

    def _hand_over(self, old: Resident, successor: Resident) -> None:
        """Who waits for the instance waits for its next generation. Events need no handing over: the id is the successor's since its commit was made."""
        if old.inbox and old.inbox.acks:
            successor.mail.acks.extend(old.inbox.acks)
        successor.started += old.started
        successor.finished += old.finished
        self._enqueue(successor)


def stamped(population: Population, resident: Resident, outcome: HistoryEvent) -> HistoryEvent:
    """A child's outcome, at the time its parent learns of it: other things may have happened to the parent meanwhile."""
    return msgspec.structs.replace(outcome, occurred_at=population.now_for(resident))
