"""Turns: the engine's rules in motion. Everything here runs on the engine's thread, so nothing here locks.

An event for an instance goes into its inbox and the instance onto the ready queue. A turn takes up the whole inbox: the executor advances
the code, `transitions.apply` makes a Commit of it, the store gets it. While that is not durable the instance is busy and its inbox
gathers. When it is, its effects are let go: activities start, timers are set, children take their first turn, callers are answered.
So nothing is ever done, or told, that is not recorded.
"""

from collections import deque
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from datetime import datetime
from functools import partial
from typing import Any

import msgspec

from wfengine.condition import Answer
from wfengine.core.rerunning import Rerun
from wfengine.core.transitions import PassOn, Transition, apply
from wfengine.core.waits import OpenWait, Racing, after_turn, no_races
from wfengine.errors import EnginePaused
from wfengine.model.actions import ExecutionResult
from wfengine.model.failure import FailureDetails
from wfengine.model.history import (
    ConfirmingEvent,
    ExecutionTerminated,
    HistoryEvent,
    TaskScheduled,
    TimerFired,
)
from wfengine.model.instance import Instance, Status
from wfengine.model.work import AuditRow, Commit, HistoryRow
from wfengine.runtime.abroad import Abroad
from wfengine.runtime.activities import Activities, Conditions
from wfengine.runtime.admission import Admission
from wfengine.runtime.callers import answer, fail
from wfengine.runtime.circuits import Circuits
from wfengine.runtime.clock import Clock
from wfengine.runtime.executor import Dispatched, Executor
from wfengine.runtime.limits import Limits
from wfengine.runtime.poison import Suspects
from wfengine.runtime.population import Population
from wfengine.runtime.purging import Purging
from wfengine.runtime.registry import Registry
from wfengine.runtime.releasing import Releasing, Reopened, Submitted
from wfengine.runtime.residents import Away, Inbox, Resident, recovered
from wfengine.runtime.retention import Retention, StateRetention
from wfengine.runtime.retiring import Retiring
from wfengine.runtime.taking_up import TakingUp
from wfengine.runtime.timers import DueTimer, Timers
from wfengine.runtime.worker import ActivityWorker
from wfengine.runtime.workflow_code import WorkflowCode
from wfengine.store.store import Store


class Turns:
    """`post` hands a call to whoever decides, `lend` lets the calling thread be that if it may; `changed` is told which executions changed, after each acknowledgement."""

    def __init__(  # noqa: PLR0913  # what it stands on, and what the engine was told
        self,
        *,
        store: Store,
        registry: Registry,
        executor: Executor,
        worker: ActivityWorker,
        clock: Clock,
        post: Callable[..., None],
        changed: Callable[[list[Instance]], None],
        suspects: Suspects,
        lend: Callable[..., None] | None = None,
        retention: StateRetention | None = None,
        limits: Limits | None = None,
        racing: Racing = no_races,
    ) -> None:
        limits = limits or Limits()
        self._store = store
        self._registry = registry
        self._racing = racing
        self._keep_for = {} if retention is None else retention.by_status()
        self.code = WorkflowCode(store=store, executor=executor, now=lambda: self.clock.now())  # noqa: PLW0108  # the clock is exchanged
        self._changed = changed
        self.population = Population(clock, store.next_key)
        self.activities = Activities(
            registry=registry,
            worker=worker,
            population=self.population,
            conditions=Conditions(circuits=Circuits(store.circuits()), suspects=suspects, limits=limits),
            post=post,
            lend=lend or post,
            arrive=self.arrive,
            submit=lambda commit: store.submit(commit, None),
            find_inline=self._inline,
        )
        self.admission = Admission(limits, self._enqueue, self.population.of_key)
        self.timers = Timers(self.is_wanted)
        self.purging = Purging(
            store=store,
            population=self.population,
            admission=self.admission,
            code=self.code,
            starting=self._starting,
            record=self._record_aside,
            arrive=self.arrive,
            newest_circuits=self.activities.newest_circuits,
        )
        self.retention = Retention(self.purging.purge_expired)
        retiring = Retiring(
            population=self.population,
            admission=self.admission,
            code=self.code,
            retention=self.retention,
            arrive=self.arrive,
            enqueue=self._enqueue,
            submit=lambda commit: store.submit(commit, None),
            newest_circuits=self.activities.newest_circuits,
        )
        self._taking_up = TakingUp(
            store=store,
            population=self.population,
            timers=self.timers,
            admission=self.admission,
            code=self.code,
            activities=self.activities,
            arrive=self.arrive,
            begin=self._begin,
        )
        self._releasing = Releasing(
            population=self.population,
            timers=self.timers,
            activities=self.activities,
            retiring=retiring,
            taking_up=self._taking_up,
            arrive=self.arrive,
            begin=self._begin,
        )
        self._abroad = Abroad(
            population=self.population,
            code=self.code,
            post=post,
            conclude=self._conclude,
            enqueue=self._enqueue,
            put_off=lambda resident: self._put_off.append(resident),  # noqa: PLW0108  # the list is exchanged
        )
        self._ready: deque[Resident] = deque()
        self._put_off: list[Resident] = []
        self._unread: list[Resident] = []  # whose steps wait for the record to be readable again
        self._in_flight: dict[int, Submitted | Reopened] = {}
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
        return bool(self._put_off or self._unread)

    def has_unacknowledged(self) -> bool:
        """Whether the store has not answered for all commits yet."""
        return bool(self._in_flight or self._asides)

    def rivals(self, resident: Resident, wait: OpenWait) -> Collection[int]:
        """The timers that this wait surely races, as the code that would run now has it; none while that is not defined."""
        if not wait.has_timers_beside:
            return ()
        one = resident.instance
        code = self._registry.find("workflow", one.name, one.code_hash, app_id=one.app_id, version=one.version)
        return self._racing(None if code is None else code.source, wait.beside).get(wait.event.event_id, ())

    def is_idle(self) -> bool:
        """Whether nothing can happen but by time, a definition or a call from outside."""
        return not (self._ready or self._in_flight or self._asides or self._abroad.is_any()) and self.activities.is_idle

    # Opening.

    def recover(self) -> None:
        """Take up every execution that has not ended, as its history says."""
        for key, instance_id, _ in self._store.ids():
            self.population.know(instance_id, key)
        for key, _, purge_at in self._store.ended_to_purge():
            self.retention.note(key, purge_at)
        found = [recovered(instance, rows) for instance, rows in self._store.live()]
        for resident in found:
            self.population.add(resident)
            self._taking_up.wake(resident)
        self.activities.recover()
        for resident in found:
            self._taking_up.go_on(resident)

    def reopen(self, rerun: Rerun, audit: list[AuditRow], ack: Future[None]) -> None:
        """A new instance with a past; its id is free."""
        resident = recovered(rerun.instance, rerun.rows)
        resident.durable = None
        resident.is_busy = True
        self.population.add(resident)
        for child, rows in rerun.children:
            self._adopt(child, rows)
        token = Reopened(resident, [child for child, _ in rerun.children], [ack])
        self._in_flight[id(token)] = token
        rows = [*rerun.rows, *(row for _, begun in rerun.children for row in begun)]
        self._store.submit(Commit(history=rows, runs=[rerun.instance, *(child for child, _ in rerun.children)], audit=audit), token)

    # What arrives.

    def begin(self, instance: Instance, event: HistoryEvent, ack: Future[None]) -> None:
        """A new instance from outside, with no row yet; the caller has made sure that its id is free."""
        resident = Resident(msgspec.structs.replace(instance, next_sequence=0))
        mail = resident.mail
        mail.events.append(event)
        mail.acks.append(ack)
        self.population.add(resident)
        self._enqueue(resident)

    def arrive(self, resident: Resident, event: HistoryEvent, ack: Future[None] | None = None, audit: AuditRow | None = None) -> None:
        """An event for a live execution; `ack` is answered when it is durable, and `audit` recorded with it."""
        if resident.note(event):
            resident.mail.events.append(event)
            if audit is not None:
                resident.mail.audit.append(audit)
        if ack is not None:
            resident.mail.acks.append(ack)
        if resident.away is not None and isinstance(event, ExecutionTerminated):  # that needs no code, so it waits for none
            self._abroad.recall(resident)
        self._enqueue(resident)

    def when_recorded(self, resident: Resident, tell: Callable[[BaseException | None], None]) -> None:
        """Tell once what has arrived so far for a live execution is durable, or why it never will be."""
        ack: Future[None] = Answer()
        ack.add_done_callback(lambda done: tell(done.exception()))
        resident.mail.acks.append(ack)
        self._enqueue(resident)

    def note(self, audit: AuditRow, ack: Future[None]) -> None:
        """Record an act of a person that changes nothing."""
        self._record_aside(Commit(audit=[audit]), ack)

    def defined(self, name: str, kind: str, app_id: str | None = None) -> None:
        """A workflow or activity was registered: whoever waited for it goes on."""
        if kind == "activity":
            self.activities.defined(name, app_id)
            return
        self._go_on(self.code.defined(name, app_id))

    def workers_came(self, app_id: str | None) -> None:
        """A program of this app has connected: whoever waited for its code goes on."""
        self._go_on(self.code.workers_came(app_id))
        self.activities.workers_came(app_id)

    def _go_on(self, with_code: list[Resident]) -> None:
        for resident in with_code:
            if self._lives(resident):  # else it was terminated while it waited
                self._enqueue(resident)
                self.activities.held(resident)

    def fire_due(self) -> None:
        """Timers whose time has come."""
        now = self.clock.now()
        for due in self.timers.pop_due(now):
            resident = self.population.of_key(due.key)
            if resident is None:
                continue
            if due.timer_id is None:
                self._enqueue(resident)
            elif due.timer_id in resident.timers:
                self.arrive(resident, TimerFired(occurred_at=self.population.now_for(resident), timer_id=due.timer_id, fire_at=due.fire_at))
        self.retention.expire(now)

    def is_wanted(self, due: DueTimer) -> bool:
        """Whether anybody waits for this timer."""
        resident = self.population.of_key(due.key)
        if resident is None:
            return False
        return resident.instance.turn == 0 if due.timer_id is None else due.timer_id in resident.timers

    def next_due(self) -> datetime | None:
        """When something comes due by the clock alone."""
        moments = [moment for moment in (self.timers.next_due(), self.retention.next_due()) if moment is not None]
        return min(moments, default=None)

    def _starting(self, key: int) -> list[Instance]:
        """What this execution is about to start: handed to the store, not acknowledged."""
        tokens = (token for token in self._in_flight.values() if isinstance(token, Submitted) and token.resident.instance.key == key)
        return [started for token in tokens for started, _ in token.transition.started]

    def _record_aside(self, commit: Commit, ack: Future[None]) -> None:
        self._asides.add(ack)
        self._store.submit(commit, ack)

    def give_up(self, error: Exception) -> None:
        """The engine ends: tell whoever waits. What they asked for may or may not be recorded; it is not acknowledged."""
        waiting: list[Future[Any]] = [*self._asides, *(ack for token in self._in_flight.values() for ack in token.acks)]
        for resident in self.population.all():
            waiting += resident.callers
        fail(waiting, error)

    # Turns.

    def run_ready(self) -> None:
        """One turn for everybody who is ready now."""
        for _ in range(len(self._ready)):
            resident = self._ready.popleft()
            resident.is_queued = False
            if self._lives(resident):  # else it was purged by force
                inbox, resident.inbox = resident.inbox, None
                try:
                    self._turn(resident, inbox)
                except BaseException:
                    resident.inbox = inbox  # whoever waits for it is told that the engine has ended
                    raise

    def retry_put_off(self) -> None:
        """Those whose past could not be read are ready again."""
        put_off, self._put_off = self._put_off, []
        for resident in put_off:
            self._enqueue(resident)
        unread, self._unread = self._unread, []
        for resident in unread:
            self.activities.held(resident)

    def _enqueue(self, resident: Resident) -> None:
        if not (resident.is_queued or resident.is_busy):
            resident.is_queued = True
            self._ready.append(resident)

    def _turn(self, resident: Resident, inbox: Inbox | None) -> None:
        before = resident.instance
        arrived = inbox.events if inbox else []
        unseen = resident.unseen
        ends = any(isinstance(event, ExecutionTerminated) for event in arrived)
        away = Away(before, inbox or Inbox(), unseen)
        try:
            result = (
                None
                if ends or not self._may_run(resident)
                else self.code.advance(resident, arrived, partial(self._abroad.answered, resident, away))
            )
            pass_on = self.code.pass_on(resident) if isinstance(result, ExecutionResult) and result.passes_on else None
        except EnginePaused:  # its past cannot be read just now (a full disk): its turn comes when it can
            resident.inbox, resident.unseen = inbox, unseen
            self.code.drop(before.key)
            self._put_off.append(resident)
            return
        if isinstance(result, Dispatched):
            self._abroad.leave(resident, away)
            return
        self._conclude(resident, inbox, before, unseen, result, pass_on)

    def _conclude(
        self,
        resident: Resident,
        inbox: Inbox | None,
        before: Instance,
        unseen: Sequence[HistoryEvent],
        result: ExecutionResult | FailureDetails | None,
        pass_on: PassOn | None,
    ) -> list[HistoryRow]:
        """Record what a turn came to; gives the rows that it adds to history."""
        arrived = inbox.events if inbox else []
        acks = inbox.acks if inbox else []
        if not arrived and result is None:
            answer(acks)
            return []
        now = (
            max(self.population.now_for(resident), *(event.occurred_at for event in arrived))
            if arrived
            else self.population.now_for(resident)
        )
        self.population.begin_claims()
        transition = apply(
            resident.instance,
            arrived,
            result,
            now=now,
            claim_key=self.population.claim_key,
            pass_on=pass_on,
            keep_for=self._keep_for,
        )
        if transition.instance.code_hash != before.code_hash and transition.instance not in transition.commit.runs:
            transition = _with_commit(transition, runs=[transition.instance, *transition.commit.runs])
        if not isinstance(result, ExecutionResult):
            resident.unseen = [*resident.unseen, *arrived]
        if transition.instance.status.is_terminal:
            resident.waits = ()
        elif isinstance(result, ExecutionResult) and (resident.waits or transition.timers):
            asked = [row.event for row in transition.commit.history if row.turn and isinstance(row.event, ConfirmingEvent)]
            resident.waits = after_turn(resident.waits, (*unseen, *arrived), asked, transition.instance.turn)
        resident.instance = transition.instance
        if not transition.commit.history and not transition.commit.runs:
            answer(acks)
            return []
        if inbox and (inbox.audit or inbox.circuits):
            transition = _with_commit(transition, audit=inbox.audit, circuits=self.activities.newest_circuits(inbox.circuits))
        for child, rows in transition.started:
            self._adopt(child, rows)
        self._submit(resident, transition, acks)
        return transition.commit.history

    def _inline(self, resident: Resident, task: TaskScheduled) -> Callable[..., Any] | None:
        """The function of a `ctx.step`; where the code turns out to disagree with history, the next turn says so."""
        try:
            function = self.code.inline(resident, task)
        except EnginePaused:
            self._unread.append(resident)
            return None
        if resident.disagreement is not None:
            self._enqueue(resident)
        return function

    def _may_run(self, resident: Resident) -> bool:
        """Whether limits let it; what cannot run anyway takes nobody's place."""
        if not self.admission.is_limited:
            return True
        if resident.instance.turn == 0 and resident.lacks is None:
            self.code.check(resident)
        is_held = resident.lacks is not None or resident.instance.status is Status.SUSPENDED or self.code.starts_later(resident)
        return is_held or self.admission.may_go_on(resident)

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

    def _lives(self, resident: Resident) -> bool:
        return self.population.of_key(resident.instance.key) is resident

    # After the commit.

    def durable(self, tokens: list[object]) -> None:
        """These commits are on disk: let their effects go."""
        changed = []
        for token in tokens:
            if isinstance(token, Submitted):
                del self._in_flight[id(token)]
                told = [self._releasing.release(token), *(child for child, _ in token.transition.started)]
                changed += [one for one in told if one.status.is_terminal or self.population.of_key(one.key) is not None]
            elif isinstance(token, Reopened):
                del self._in_flight[id(token)]
                changed += self._releasing.release_reopened(token)
            elif isinstance(token, Future):
                self._asides.discard(token)
                token.set_result(None)
        self._changed(changed)

    def _begin(self, resident: Resident) -> None:
        """Go on with what has gathered; an instance that is to start later gets a timer for that."""
        start = resident.instance.scheduled_start
        if start is not None and self.code.starts_later(resident):
            self.timers.add(start, resident.instance.key, None)
        if resident.inbox or (resident.unseen and resident.lacks is None):
            self._enqueue(resident)


def _with_commit(transition: Transition, **changes: Any) -> Transition:
    return msgspec.structs.replace(transition, commit=msgspec.structs.replace(transition.commit, **changes))
