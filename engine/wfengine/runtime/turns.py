"""Turns: the engine's rules in motion. Everything here runs on the engine's thread, so nothing here locks.

An event for an instance goes into its inbox and the instance onto the ready queue. A turn takes up the whole inbox: the executor advances
the code, `transitions.apply` makes a Commit of it, the store gets it. While that is not durable the instance is busy and its inbox
gathers. When it is, its effects are let go: activities start, timers are set, children take their first turn, callers are answered.
So nothing is ever done, or told, that is not recorded.
"""

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

import msgspec

from wfengine.core.transitions import Transition, apply
from wfengine.errors import EnginePaused, NonDeterminismError
from wfengine.model.actions import ExecutionResult
from wfengine.model.failure import FailureDetails, failure_of
from wfengine.model.history import (
    ChildWorkflowInstanceCreated,
    EventRaised,
    ExecutionResumed,
    ExecutionSuspended,
    ExecutionTerminated,
    HistoryEvent,
    TimerFired,
)
from wfengine.model.instance import Instance, Status
from wfengine.model.work import AuditRow, Commit, HistoryRow
from wfengine.runtime.activities import Activities
from wfengine.runtime.clock import Clock
from wfengine.runtime.executor import Executor, WorkItem
from wfengine.runtime.kinship import is_child, missed_outcome, was_to_end_with_parent
from wfengine.runtime.population import Population
from wfengine.runtime.registry import Registry
from wfengine.runtime.residents import Resident, recovered
from wfengine.runtime.timers import DueTimer, Timers
from wfengine.runtime.worker import ActivityWorker
from wfengine.store.store import Store


class Submitted(msgspec.Struct, frozen=True):
    """What was handed to the store and is acted upon once it is durable."""

    resident: Resident
    transition: Transition
    acks: list[Future[None]]


class Turns:
    """`post` hands a call to the engine's thread; `changed` is told which executions changed, after each acknowledgement."""

    def __init__(
        self,
        *,
        store: Store,
        registry: Registry,
        executor: Executor,
        worker: ActivityWorker,
        clock: Clock,
        post: Callable[..., None],
        changed: Callable[[list[Instance]], None],
    ) -> None:
        self._store = store
        self._executor = executor
        self._changed = changed
        self.population = Population(clock, store.next_key)
        self.activities = Activities(registry=registry, worker=worker, population=self.population, post=post, arrive=self.arrive)
        self.timers = Timers()
        self._ready: deque[Resident] = deque()
        self._put_off: list[Resident] = []
        self._lacking: dict[str, list[Resident]] = {}
        self._in_flight: dict[int, Submitted] = {}
        self._asides: set[Future[None]] = set()

    @property
    def clock(self) -> Clock:
        """The engine's time; exchanged for a virtual one and back."""
        return self.population.clock

    @clock.setter
    def clock(self, clock: Clock) -> None:
        self.population.clock = clock

    # What there is.

    def has_ready(self) -> bool:
        """Whether somebody's turn is due."""
        return bool(self._ready)

    def has_put_off(self) -> bool:
        """Whether somebody's turn waits for the record to be readable again."""
        return bool(self._put_off)

    def has_unacknowledged(self) -> bool:
        """Whether the store has not answered for all commits yet."""
        return bool(self._in_flight or self._asides)

    def is_idle(self) -> bool:
        """Whether nothing can happen but by time, a definition or a call from outside."""
        return not (self._ready or self._in_flight or self._asides) and self.activities.is_idle

    # Opening.

    def recover(self) -> None:
        """Take up every execution that has not ended, as its history says."""
        for key, instance_id, _ in self._store.ids():
            self.population.know(instance_id, key)
        for instance, rows in self._store.live():
            resident = recovered(instance, rows)
            self.population.add(resident)
            for timer in resident.timers.values():
                if timer.fire_at is not None:
                    self.timers.add(timer.fire_at, instance.key, timer.event_id)
            if self._executor.can_run(resident.instance) is None:
                self._lack_definition(resident)
            self._begin(resident)
        for resident in list(self.population.all()):
            for task in resident.tasks.values():
                self.activities.start(resident, task)
            self._remember_family(resident)

    def _remember_family(self, resident: Resident) -> None:
        """Tell a parent what it missed, and a child whose parent was terminated with it."""
        instance = resident.instance
        for task_id, child in list(resident.children.items()):
            if not is_child(self.population.of_id(child.instance_id), instance.key, task_id):
                self.arrive(resident, missed_outcome(self._store, instance, child, self.population.now_for(resident)))
        if (
            instance.parent is not None
            and self.population.of_key(instance.parent.key) is None
            and was_to_end_with_parent(self._store, instance)
        ):
            self.arrive(resident, ExecutionTerminated(occurred_at=self.population.now_for(resident), recurse=True))

    # What arrives.

    def begin(self, instance: Instance, event: HistoryEvent, ack: Future[None]) -> None:
        """A new instance from outside, with no row yet; the caller has made sure that its id is free."""
        resident = Resident(msgspec.structs.replace(instance, next_sequence=0))
        resident.inbox.append(event)
        resident.acks.append(ack)
        self.population.add(resident)
        self._enqueue(resident)

    def arrive(self, resident: Resident, event: HistoryEvent, ack: Future[None] | None = None, audit: AuditRow | None = None) -> None:
        """An event for a live execution; `ack` is answered when it is durable, and `audit` recorded with it."""
        if resident.note(event):
            resident.inbox.append(event)
            if audit is not None:
                resident.audit.append(audit)
        if ack is not None:
            resident.acks.append(ack)
        self._enqueue(resident)

    def defined(self, name: str, kind: str) -> None:
        """A workflow or activity was registered: whoever waited for it goes on."""
        if kind == "activity":
            self.activities.defined(name)
            return
        for resident in self._lacking.pop(name, []):
            resident.lacks = None
            if self._lives(resident):  # else it was terminated while it waited
                self._enqueue(resident)

    def fire_due(self) -> None:
        """Timers whose time has come."""
        for due in self.timers.pop_due(self.clock.now()):
            resident = self.population.of_key(due.key)
            if resident is None:
                continue
            if due.timer_id is None:
                self._enqueue(resident)
            elif due.timer_id in resident.timers:
                self.arrive(resident, TimerFired(occurred_at=self.population.now_for(resident), timer_id=due.timer_id, fire_at=due.fire_at))

    def is_wanted(self, due: DueTimer) -> bool:
        """Whether anybody waits for this timer."""
        resident = self.population.of_key(due.key)
        if resident is None:
            return False
        return resident.instance.turn == 0 if due.timer_id is None else due.timer_id in resident.timers

    def purge(self, executions: Sequence[tuple[int, str]], audit: list[AuditRow], ack: Future[None]) -> None:
        """Delete these ended executions (key, id)."""
        for key, instance_id in executions:
            self.population.forget(instance_id, key)
        self._asides.add(ack)
        self._store.submit(Commit(purged=[key for key, _ in executions], audit=audit), ack)

    def give_up(self, error: Exception) -> None:
        """The engine ends: tell whoever waits. What they asked for may or may not be recorded; it is not acknowledged."""
        waiting: list[Future[None]] = [*self._asides, *(ack for token in self._in_flight.values() for ack in token.acks)]
        moments: list[Future[Instance]] = []
        for resident in self.population.all():
            waiting += resident.acks
            moments += resident.started + resident.finished
        everybody: list[Future[Any]] = [*waiting, *moments]
        for future in everybody:
            if not future.done():
                future.set_exception(error)

    # Turns.

    def run_ready(self) -> None:
        """One turn for everybody who is ready now."""
        for _ in range(len(self._ready)):
            resident = self._ready.popleft()
            resident.is_queued = False
            self._turn(resident)

    def retry_put_off(self) -> None:
        """Those whose past could not be read are ready again."""
        put_off, self._put_off = self._put_off, []
        for resident in put_off:
            self._enqueue(resident)

    def _enqueue(self, resident: Resident) -> None:
        if not (resident.is_queued or resident.is_busy):
            resident.is_queued = True
            self._ready.append(resident)

    def _turn(self, resident: Resident) -> None:
        before = resident.instance
        arrived, resident.inbox = resident.inbox, []
        acks, resident.acks = resident.acks, []
        audit, resident.audit = resident.audit, []
        ends = any(isinstance(event, ExecutionTerminated) for event in arrived)
        try:
            result = None if ends else self._advanced(resident, arrived)
        except EnginePaused:  # its past cannot be read just now (a full disk): its turn comes when it can
            resident.inbox, resident.acks, resident.audit = arrived, acks, audit
            self._put_off.append(resident)
            return
        if not arrived and result is None:
            _answer(acks)
            return
        now = (
            max(self.population.now_for(resident), *(event.occurred_at for event in arrived))
            if arrived
            else self.population.now_for(resident)
        )
        self.population.begin_claims()
        transition = apply(resident.instance, arrived, result, now=now, claim_key=self.population.claim_key)
        if transition.instance.code_hash != before.code_hash and transition.instance not in transition.commit.runs:
            transition = _with_commit(transition, runs=[transition.instance, *transition.commit.runs])
        if not isinstance(result, ExecutionResult):
            resident.unseen.extend(arrived)
        resident.instance = transition.instance
        if not transition.commit.history and not transition.commit.runs:
            _answer(acks)
            return
        if audit:
            transition = _with_commit(transition, audit=audit)
        for child, rows in transition.started:
            self._adopt(child, rows)
        self._submit(resident, transition, acks)

    def _advanced(self, resident: Resident, arrived: list[HistoryEvent]) -> ExecutionResult | FailureDetails | None:
        """What the code asks for; None where it cannot run now, a failure where it disagrees with history."""
        instance = resident.instance
        if resident.lacks is not None or not (arrived or resident.unseen) or self._starts_later(resident):
            return None
        if instance.status is Status.SUSPENDED and not any(isinstance(event, ExecutionResumed) for event in arrived):
            return None
        code_hash = self._executor.can_run(instance)
        if code_hash is None:
            self._lack_definition(resident)
            return None
        if code_hash != instance.code_hash:
            resident.instance = msgspec.structs.replace(instance, code_hash=code_hash)
        past = None if self._executor.keeps(instance.key) else self._past_of(resident)
        try:
            result = self._executor.advance(WorkItem(instance=resident.instance, past=past, new=[*resident.unseen, *arrived]))
        except NonDeterminismError as error:
            self._executor.drop(instance.key)
            # The version it started with is tried again once that is there; if it is itself at fault, the newest.
            kept_hash = None if code_hash == instance.code_hash else instance.code_hash
            resident.instance = msgspec.structs.replace(instance, code_hash=kept_hash)
            self._lack_definition(resident, str(error))
            return failure_of(error)
        resident.unseen = []
        resident.past = None
        return result

    def _past_of(self, resident: Resident) -> list[HistoryEvent]:
        """The events that earlier turns took up."""
        if resident.past is None:
            taken_up = resident.instance.next_sequence - len(resident.unseen)
            resident.past = [row.event for row in self._store.history(resident.instance.key)[:taken_up]]
        return resident.past

    def _starts_later(self, resident: Resident) -> bool:
        start = resident.instance.scheduled_start
        return start is not None and not resident.instance.turn and start > self.clock.now()

    def _lack_definition(self, resident: Resident, reason: str | None = None) -> None:
        """Nothing can run until this workflow is registered (again)."""
        if resident.lacks is None:
            self._lacking.setdefault(resident.instance.name, []).append(resident)
        resident.lacks = reason or f"workflow {resident.instance.name!r} is not registered: run the cell that defines it"

    def _adopt(self, instance: Instance, rows: list[HistoryRow]) -> None:
        """A child or the next generation exists from now on; its first turn waits for the commit."""
        resident = Resident(instance)
        resident.is_busy = True
        resident.unseen = [row.event for row in rows]
        self.population.add(resident)

    def _submit(self, resident: Resident, transition: Transition, acks: list[Future[None]]) -> None:
        resident.is_busy = True
        token = Submitted(resident, transition, acks)
        self._in_flight[id(token)] = token
        self._store.submit(transition.commit, token)

    def _at(self, key: int) -> Resident:
        resident = self.population.of_key(key)
        if resident is None:
            raise AssertionError(key)  # it was added when its creator's commit was made
        return resident

    def _lives(self, resident: Resident) -> bool:
        return self.population.of_key(resident.instance.key) is resident

    # After the commit.

    def durable(self, tokens: list[object]) -> None:
        """These commits are on disk: let their effects go."""
        changed = []
        for token in tokens:
            if isinstance(token, Submitted):
                del self._in_flight[id(token)]
                changed.append(self._release(token))
                changed.extend(child for child, _ in token.transition.started)
            elif isinstance(token, Future):
                self._asides.discard(token)
                token.set_result(None)
        self._changed(changed)

    def _release(self, done: Submitted) -> Instance:
        resident, transition = done.resident, done.transition
        resident.is_busy = False
        resident.durable = transition.instance
        _answer(done.acks)
        if transition.instance.status.is_terminal:
            self._retire(resident, transition)
        else:
            for task in transition.activities:
                resident.note(task)
                self.activities.start(resident, task)
            for timer in transition.timers:
                resident.note(timer)
                if timer.fire_at is not None:
                    self.timers.add(timer.fire_at, resident.instance.key, timer.event_id)
            for row in transition.commit.history:
                if isinstance(row.event, ChildWorkflowInstanceCreated):
                    resident.note(row.event)
            for failed in transition.unstartable:
                self.arrive(resident, failed)
            if transition.instance.turn and resident.started:
                _resolve(resident.started, transition.instance)
            self._begin(resident)
        for child, _ in transition.started:
            started = self._at(child.key)
            started.is_busy = False
            started.durable = child
            self._enqueue(started)
        return transition.instance

    def _begin(self, resident: Resident) -> None:
        """Go on with what has gathered; an instance that is to start later gets a timer for that."""
        start = resident.instance.scheduled_start
        if start is not None and self._starts_later(resident):
            self.timers.add(start, resident.instance.key, None)
        if resident.inbox or (resident.unseen and resident.lacks is None):
            self._enqueue(resident)

    def _retire(self, resident: Resident, transition: Transition) -> None:
        """The execution has ended: forget it, tell its parent, end its children, hand over what came too late for it."""
        instance = transition.instance
        self._executor.drop(instance.key)
        self.population.remove(instance.key)
        parent = instance.parent
        if transition.to_parent is not None and parent is not None and (waiting := self.population.of_key(parent.key)):
            self.arrive(waiting, transition.to_parent)
        if instance.status is Status.CONTINUED_AS_NEW:
            self._hand_over(resident, self._at(transition.started[0][0].key))
            return
        self.population.remember_end(instance)
        _answer(resident.acks)
        _resolve(resident.started, instance)
        _resolve(resident.finished, instance)
        ended = next((r.event for r in transition.commit.history if isinstance(r.event, ExecutionTerminated)), None)
        if ended is not None and ended.recurse:
            for child in resident.children.values():
                live = self.population.of_id(child.instance_id)
                if live is not None and is_child(live, instance.key, child.event_id):
                    self.arrive(live, ExecutionTerminated(occurred_at=self.population.now_for(live), recurse=True))

    def _hand_over(self, old: Resident, successor: Resident) -> None:
        """What arrived for the id after the generation's last turn is for the next generation."""
        for event in old.inbox:
            if isinstance(event, EventRaised | ExecutionSuspended | ExecutionResumed | ExecutionTerminated):
                self.arrive(successor, event)
        successor.audit.extend(old.audit)
        successor.acks.extend(old.acks)
        successor.started.extend(old.started)
        successor.finished.extend(old.finished)
        self._enqueue(successor)


def _with_commit(transition: Transition, **changes: Any) -> Transition:
    return msgspec.structs.replace(transition, commit=msgspec.structs.replace(transition.commit, **changes))


def _answer(acks: list[Future[None]]) -> None:
    for ack in acks:
        if not ack.done():
            ack.set_result(None)


def _resolve(waiting: list[Future[Instance]], instance: Instance) -> None:
    for future in waiting:
        if not future.done():
            future.set_result(instance)
    waiting.clear()
