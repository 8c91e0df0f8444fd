"""The engine's face: thread-safe, and thin. What it is asked it hands to the engine's thread (`loop`), which alone decides."""

import logging
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import datetime, timedelta
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from wfengine.condition import Answer
from wfengine.core import forking
from wfengine.core.waits import Racing, WaitKey, no_races
from wfengine.errors import (
    InstanceNotFound,
    InstanceNotTerminal,
    InvalidArgument,
)
from wfengine.model.circuit import CircuitBreaker
from wfengine.model.history import ExecutionResumed, ExecutionSuspended, HistoryEvent
from wfengine.model.instance import Instance, Status
from wfengine.model.payload import UNSET, to_json
from wfengine.model.work import AuditRow, Commit, HistoryRow
from wfengine.runtime import fork_code, operations
from wfengine.runtime.clock import Clock, RealClock
from wfengine.runtime.executor import Elsewhere, Executor, LocalExecutor, SharedExecutor
from wfengine.runtime.limits import Limits
from wfengine.runtime.loop import Loop
from wfengine.runtime.mailbox import Mailbox
from wfengine.runtime.operations import Awaited
from wfengine.runtime.poison import Suspects
from wfengine.runtime.registry import Definition, Importance, Kind, Registry
from wfengine.runtime.requests import checked_id, raised, start_request, terminated
from wfengine.runtime.retention import StateRetention
from wfengine.runtime.standing import Standing
from wfengine.runtime.transactional import Transactions
from wfengine.runtime.turns import Turns
from wfengine.runtime.virtual_time import VirtualTime
from wfengine.runtime.worker import ActivityWorker
from wfengine.store.family import family
from wfengine.store.store import Store
from wfengine.store.underway import Underway

Listener = Callable[[list[Instance]], None]
T = TypeVar("T")
_RETRY_SECONDS = 0.5
_log = logging.getLogger("wfengine")


class Engine:
    """Runs workflows on one store. `with Engine(Store.open(path)) as engine:` leaves nothing behind.

    Thread-safe. Listeners are called on the engine's thread and must return at once. `racing` reads from a source which waits its code leaves
    behind when a timer fires; without it no answer is ever refused for that.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock | None = None,
        registry: Registry | None = None,
        executor: Executor | None = None,
        retention: StateRetention | None = None,
        limits: Limits | None = None,
        poison_after: int | None = 3,
        racing: Racing = no_races,
    ) -> None:
        self.store = store
        self.registry = registry or Registry()
        self.limits = limits or Limits()
        self._mailbox = Mailbox()
        self._listeners: list[Listener] = []
        self._underway = Underway.beside(store.path)
        self._worker = ActivityWorker(
            lambda: self._turns.clock.now(),  # noqa: PLW0108  # the clock is exchanged for a virtual one
            underway=self._underway,
            transactions=Transactions(store),
        )
        self._executor = SharedExecutor(executor or LocalExecutor(self.registry))
        self._turns = Turns(
            store=store,
            registry=self.registry,
            executor=self._executor,
            worker=self._worker,
            clock=clock or RealClock(),
            post=self._mailbox.post,
            lend=lambda *call: self._loop.lend(*call),  # noqa: PLW0108  # the loop is made below
            changed=self._tell_listeners,
            suspects=Suspects(self._underway, poison_after),
            retention=retention,
            limits=limits,
            racing=racing,
        )
        self._virtual_time = VirtualTime(self._turns)
        self._loop = Loop(
            mailbox=self._mailbox,
            store=store,
            turns=self._turns,
            virtual_time=self._virtual_time,
            troubled=lambda: self._tell_listeners([]),
        )
        self._known_hashes = {(row.kind, row.app_id, row.name, row.version, row.code_hash) for row in store.definitions()}

    # Life.

    def start(self) -> None:
        """Take up what the store holds and go on with it."""
        self._loop.start()

    def close(self) -> None:
        """Stop deciding, then let the store finish what it holds. Safe to call twice; activities under way run out unheard."""
        self._loop.stop()
        self._worker.close()
        self._underway.close()
        self.store.close()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def trouble(self) -> str | None:
        """Why the engine is paused or stopped, and what to do; None while all is well."""
        return self._loop.trouble

    @property
    def busy(self) -> str | None:
        """Which workflow code keeps everything else waiting; None while none does."""
        return self._loop.busy

    # Definitions.

    def register_workflow(
        self,
        function: Callable[..., Any],
        name: str | None = None,
        *,
        app_id: str | None = None,
        version_name: str | None = None,
        is_latest: bool = False,
    ) -> Definition:
        """Register a workflow; a changed function under a known name (and version) takes its place for new instances.

        With a `version_name` it stands beside the other versions: new instances take the latest, running ones keep theirs.
        """
        return self._register("workflow", function, name, app_id=app_id, version_name=version_name, is_latest=is_latest)

    def register_activity(
        self,
        function: Callable[..., Any],
        name: str | None = None,
        *,
        app_id: str | None = None,
        timeout: timedelta | None = None,
        circuit_breaker: CircuitBreaker | None = None,
        transactional: bool = False,
        importance: Importance | None = None,
    ) -> Definition:
        """Register an activity; likewise. `timeout` is for each attempt that is called without one of its own, `importance` for who shows runs."""
        return self._register(
            "activity",
            function,
            name,
            app_id=app_id,
            timeout=timeout,
            circuit_breaker=circuit_breaker,
            transactional=transactional,
            importance=importance,
        )

    def _register(self, kind: Kind, function: Callable[..., Any], name: str | None, **options: Any) -> Definition:
        definition, _ = self.registry.add(kind, function, name, **options)
        self._mailbox.post(self._defined, definition)  # also where it is the same: what it reads outside of itself may have been mended
        return definition

    def _defined(self, definition: Definition) -> None:
        row = definition.row
        known = (row.kind, row.app_id, row.name, row.version, row.code_hash)
        if known not in self._known_hashes:
            self._known_hashes.add(known)
            self.store.submit(Commit(definitions=[row]), None)
        self._turns.defined(definition.name, definition.kind, definition.app_id)

    # Programs elsewhere.

    def attach(self, elsewhere: Elsewhere) -> None:
        """From now on what is not registered here is made there, by whatever programs are connected."""
        self.in_engine(partial(self._attach, elsewhere))

    def detach(self) -> None:
        """The programs are gone: what they had under way is waited for no more, and made again when it can be."""
        self.in_engine(partial(self._attach, None))

    def _attach(self, elsewhere: Elsewhere | None, ack: "Future[None]") -> None:
        self._executor.elsewhere = elsewhere
        self._turns.activities.elsewhere = elsewhere
        ack.set_result(None)

    def workers_came(self, app_id: str | None) -> None:
        """A program of this app has connected. May be called from any thread."""
        self._mailbox.post(self._turns.workers_came, app_id)

    # What any engine offers (WorkflowClient).

    def schedule_new_workflow(
        self,
        workflow: Callable[..., Any] | str,
        *,
        input: Any = None,
        instance_id: str | None = None,
        start_at: datetime | None = None,
        tags: Mapping[str, str] | None = None,
        app_id: str | None = None,
    ) -> str:
        """Start an instance and give its id; when this returns, the start is durable.

        Raises DefinitionNotFound, InstanceAlreadyExists, PayloadError, InvalidArgument; nothing is recorded then.
        """
        known = self._executor.has_workers(app_id)
        started = start_request(self.registry, workflow, input, instance_id, start_at, tags, app_id, may_be_elsewhere=known)
        self._loop.call(partial(operations.start, self._turns, started))
        return str(started["instance_id"])

    def schedule_new_workflow_soon(
        self,
        workflow: Callable[..., Any] | str,
        *,
        input: Any = None,
        instance_id: str | None = None,
        start_at: datetime | None = None,
        tags: Mapping[str, str] | None = None,
        app_id: str | None = None,
        may_be_elsewhere: bool = False,
    ) -> "tuple[str, Future[None]]":
        """As `schedule_new_workflow`, without waiting: the id, and a future that is settled when the start is durable, or says why it will not be.

        So thousands of starts share a commit. `may_be_elsewhere`: the workflow may be a program's, and waits for one that has it.
        """
        known = may_be_elsewhere or self._executor.has_workers(app_id)
        started = start_request(self.registry, workflow, input, instance_id, start_at, tags, app_id, may_be_elsewhere=known)
        ack: Future[None] = Answer()
        self._loop.ask(ack, partial(operations.start, self._turns, started))
        return str(started["instance_id"]), ack

    def get_workflow_state(self, instance_id: str) -> Instance | None:
        """The durable state of the id's newest execution; None where the id is unknown."""
        found: Future[Instance | None] = Answer()
        self._loop.ask(found, self._state, instance_id)
        instance = self._loop.wait(found, None)
        return instance if instance is not None else self.store.find(instance_id)

    def _state(self, found: "Future[Instance | None]", instance_id: str) -> None:
        resident = self._turns.population.of_id(instance_id)
        found.set_result(self._turns.population.recently_ended(instance_id) if resident is None else resident.durable)

    def wait_for_workflow_start(self, instance_id: str, timeout_seconds: float | None = None) -> Instance:
        """Wait until the workflow's code has run for the first time. Raises InstanceNotFound, TimeoutError."""
        return self._loop.wait(self.when_started(instance_id), timeout_seconds)

    def wait_for_workflow_completion(self, instance_id: str, timeout_seconds: float | None = None) -> Instance:
        """Wait until the instance has ended, over all its generations. Raises InstanceNotFound, TimeoutError."""
        return self._loop.wait(self.when_finished(instance_id), timeout_seconds)

    def when_started(self, instance_id: str) -> "Future[Instance]":
        """A future for the instance's state after its first turn."""
        return self._when("started", instance_id)

    def when_finished(self, instance_id: str) -> "Future[Instance]":
        """A future for the instance's final state."""
        return self._when("finished", instance_id)

    def _when(self, moment: str, instance_id: str) -> "Future[Instance]":
        future: Future[Instance] = Answer()
        self._loop.ask(future, self._await_moment, moment, instance_id)
        return future

    def _await_moment(self, future: "Future[Instance]", moment: str, instance_id: str) -> None:
        resident = self._turns.population.of_id(instance_id)
        if resident is None:
            self._answer_from_store(future, instance_id)
        elif moment == "started" and resident.durable is not None and resident.durable.turn:
            future.set_result(resident.durable)
        else:
            setattr(resident, moment, (*getattr(resident, moment), future))

    def _answer_from_store(self, future: "Future[Instance]", instance_id: str) -> None:
        ended = self._turns.population.recently_ended(instance_id)
        if ended is None and self._turns.population.key_of(instance_id) is not None:
            ended = self.store.find(instance_id)
        if ended is None:
            raise InstanceNotFound(instance_id)
        future.set_result(ended)

    def raise_workflow_event(self, instance_id: str, event_name: str, *, data: Any = None, audit: AuditRow | None = None) -> None:
        """Deliver an external event; when this returns it is durable. An event for an ended instance is discarded, as in Dapr.

        Raises InstanceNotFound for an id that never was, and PayloadError.
        """
        self._act(instance_id, raised(event_name, data, audit), audit)

    def raise_workflow_event_soon(
        self, instance_id: str, event_name: str, *, data: Any = None, audit: AuditRow | None = None, if_waiting: WaitKey | None = None
    ) -> "Future[None]":
        """As `raise_workflow_event`, without waiting: the future is settled when the event is durable, or says why it will not be.

        With `if_waiting` the event is delivered only if it will answer that very wait; else the future fails with WaitOver, or InvalidArgument where
        an older wait for the event would get it. A deadline that has passed counts, and whatever arrived before.
        """
        event_at = raised(event_name, data, audit)
        if if_waiting is None:
            return self._act_soon(instance_id, event_at, audit)
        ack: Future[None] = Answer()
        self._loop.ask(ack, partial(operations.answer_wait, self._turns, instance_id, if_waiting, event_at, audit=audit))
        return ack

    def awaited(self, instance_id: str | None = None) -> list[Awaited]:
        """The event waits that an answer would reach now, of all live instances or of one, from memory; where nothing is durable yet, none."""
        found: Future[list[Awaited]] = Answer()
        self._loop.ask(found, partial(operations.awaited, self._turns, instance_id))
        return self._loop.wait(found, None)

    def record_act_soon(self, audit: AuditRow) -> "Future[None]":
        """Record an act of a person that changes nothing, such as whom a question was handed to; settled when that is durable."""
        ack: Future[None] = Answer()
        self._loop.ask(ack, partial(operations.note, self._turns, audit))
        return ack

    def terminate_workflow(self, instance_id: str, *, output: Any = None, recursive: bool = True, audit: AuditRow | None = None) -> None:
        """End the instance (and its children, unless told otherwise); activities under way are not stopped, their results are late."""
        self._act(instance_id, terminated(output, recursive=recursive), audit)

    def pause_workflow(self, instance_id: str, *, audit: AuditRow | None = None) -> None:
        """Suspend: what arrives from now on waits, in order; activities under way finish."""
        self._act(instance_id, lambda now: ExecutionSuspended(occurred_at=now), audit, unless=Status.SUSPENDED)

    def resume_workflow(self, instance_id: str, *, audit: AuditRow | None = None) -> None:
        """Resume a suspended instance."""
        self._act(instance_id, lambda now: ExecutionResumed(occurred_at=now), audit, only=Status.SUSPENDED)

    # The same without waiting, so that thousands share a commit: the future is settled when the act is durable, or says why it will not be.

    def terminate_workflow_soon(
        self, instance_id: str, *, output: Any = None, recursive: bool = True, audit: AuditRow | None = None
    ) -> "Future[None]":
        """As `terminate_workflow`, without waiting."""
        return self._act_soon(instance_id, terminated(output, recursive=recursive), audit)

    def pause_workflow_soon(self, instance_id: str, *, audit: AuditRow | None = None) -> "Future[None]":
        """As `pause_workflow`, without waiting."""
        return self._act_soon(instance_id, lambda now: ExecutionSuspended(occurred_at=now), audit, unless=Status.SUSPENDED)

    def resume_workflow_soon(self, instance_id: str, *, audit: AuditRow | None = None) -> "Future[None]":
        """As `resume_workflow`, without waiting."""
        return self._act_soon(instance_id, lambda now: ExecutionResumed(occurred_at=now), audit, only=Status.SUSPENDED)

    def _act_soon(
        self,
        instance_id: str,
        event_at: Callable[[datetime], HistoryEvent],
        audit: AuditRow | None,
        *,
        unless: Status | None = None,
        only: Status | None = None,
    ) -> "Future[None]":
        ack: Future[None] = Answer()
        self._loop.ask(ack, partial(operations.deliver, self._turns, instance_id, event_at, audit=audit, unless=unless, only=only))
        return ack

    def purge_workflow(self, instance_id: str, *, recursive: bool = True, force: bool = False, audit: AuditRow | None = None) -> None:
        """Delete an ended instance with its whole history (and its children's). Raises InstanceNotFound, InstanceNotTerminal.

        With `force` whatever its state: it ends then and there, unheard, and a parent that waits for it is told that it was purged.
        """
        state = self.get_workflow_state(instance_id)
        if state is None:
            raise InstanceNotFound(instance_id)
        if not state.status.is_terminal and not force:
            raise InstanceNotTerminal(instance_id, state.status)
        purge = partial(operations.purge, self._turns, instance_id, recursive=recursive, force=force)
        self._loop.call(partial(purge, self._family(instance_id, recursive=recursive), audit=audit))
        while force and (left := self._family(instance_id, recursive=recursive)):  # generations that came and went meanwhile
            self._loop.call(partial(purge, left))

    def _family(self, instance_id: str, *, recursive: bool) -> list[tuple[int, str]]:
        with self.store.cursor() as cursor:
            return family(cursor, instance_id, recursive=recursive)

    def rerun_workflow_from_event(
        self,
        instance_id: str,
        event_id: int,
        *,
        new_instance_id: str | None = None,
        input: Any = UNSET,
        new_child_workflow_instance_id: str | None = None,
        app_id: str | None = None,
        audit: AuditRow | None = None,
    ) -> str:
        """A new instance that shares the past of an ended one up to an activity, timer or child workflow and does that again; gives its id.

        `input` replaces the activity's or child's. Raises InstanceNotFound, InstanceAlreadyExists, and InvalidArgument where the source has not
        ended, is a child, or has no such event.
        """
        source = self.get_workflow_state(instance_id)
        if source is None or (app_id is not None and source.app_id != app_id):
            raise InstanceNotFound(instance_id)
        if not source.status.is_terminal:
            raise InvalidArgument(
                f"Instance {instance_id!r} is {source.status}; only an ended one can be rerun. Wait for its end, or terminate it."
            )
        if source.parent is not None:
            raise InvalidArgument(
                f"Instance {instance_id!r} is a child of {source.parent.instance_id!r}; rerun that one from the child's event."
            )
        plan = {
            "instance_id": uuid.uuid4().hex if new_instance_id is None else checked_id(new_instance_id),
            "input": input if input is UNSET or input is None else to_json(input, "the input"),
            "child_id": None if new_child_workflow_instance_id is None else checked_id(new_child_workflow_instance_id),
        }
        rows = self.store.history(source.key)
        self._loop.call(partial(operations.rerun, self._turns, source, rows, event_id, plan, audit=audit))
        return str(plan["instance_id"])

    def fork_workflow(
        self,
        instance_id: str,
        at: int | None = None,
        *,
        edit: Mapping[int | str, Any] | None = None,
        code: Callable[..., Any] | str | None = None,
        new_instance_id: str | None = None,
        audit: AuditRow | None = None,
    ) -> str:
        """A new instance that shares the past of any one, running or ended, up to the event at place `at`, and goes on from there; gives its id.

        `core/forking.py` says what is shared. `edit` maps places (or names) to other values, `code` is another function to run. The history is
        replayed first. Raises NonDeterminismError where that disagrees with it, InstanceNotFound, InstanceAlreadyExists, InvalidArgument,
        PayloadError; then nothing is recorded, and `code` is not registered.
        """
        source = self.get_workflow_state(instance_id)
        if source is None:
            raise InstanceNotFound(instance_id)
        rows = self.store.history(source.key)
        shared = forking.cut(rows, at, edit)
        new_id = uuid.uuid4().hex if new_instance_id is None else checked_id(new_instance_id)
        definition = fork_code.chosen(self.registry, source, code)
        custom_status = None if definition is None else fork_code.check(definition, shared, rows, source)
        chosen = None
        if definition is not None and code is not None:
            chosen = forking.Code(definition.name, definition.version, definition.code_hash)
            if not fork_code.is_known(self.registry, definition):
                self._register(
                    "workflow", definition.function, definition.name, app_id=source.app_id, version_name=definition.version, is_aside=True
                )
        plan = {"instance_id": new_id, "code": chosen, "custom_status": custom_status}
        self._loop.call(partial(operations.fork, self._turns, source, shared, plan, audit=audit))
        return new_id

    def _act(
        self,
        instance_id: str,
        event_at: Callable[[datetime], HistoryEvent],
        audit: AuditRow | None,
        *,
        unless: Status | None = None,
        only: Status | None = None,
    ) -> None:
        self._loop.call(partial(operations.deliver, self._turns, instance_id, event_at, audit=audit, unless=unless, only=only))

    # Looking.

    def now(self) -> datetime:
        """The engine's time, aware UTC; virtual while that is on."""
        return self._turns.clock.now()

    def key_of(self, instance_id: str) -> int | None:
        """The newest execution of an id; None for an id that is not known."""
        return self._turns.population.key_of(instance_id)

    def history(self, instance_id: str) -> list[HistoryRow]:
        """The history of the id's newest execution, in order; everything durable is in it. Raises InstanceNotFound."""
        key = self.key_of(instance_id)
        rows = [] if key is None else self.store.history(key)
        if not rows:
            raise InstanceNotFound(instance_id)
        return rows

    def lacking(self, instance_id: str) -> str | None:
        """What keeps an instance from running beside the passage of time: a definition that is missing or does not agree."""
        found: Future[str | None] = Answer()
        self._loop.ask(found, self._lacking, instance_id)
        return self._loop.wait(found, None)

    def _lacking(self, found: "Future[str | None]", instance_id: str) -> None:
        resident = self._turns.population.of_id(instance_id)
        if resident is None:
            found.set_result(None)
            return
        turns = self._turns
        found.set_result(resident.lacks or turns.admission.waiting_reason(resident) or turns.activities.waiting_reason(resident))

    def standing(self, instance_id: str) -> Standing:
        """What holds an instance up beside the passage of time and the world's answers; all empty where nothing does, or it has ended."""
        found: Future[Standing] = Answer()
        self._loop.ask(found, self._stand, instance_id)
        return self._loop.wait(found, None)

    def _stand(self, found: "Future[Standing]", instance_id: str) -> None:
        resident, turns = self._turns.population.of_id(instance_id), self._turns
        if resident is None:
            found.set_result(Standing())
            return
        held_up = tuple(turns.activities.held_up(resident))
        found.set_result(Standing(lacks=resident.lacks, queued=turns.admission.queued(resident), held_up=held_up))

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` told which executions changed, after each batch of commits; call the result to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    @property
    def virtual_time(self) -> VirtualTime:
        """The controls of virtual time; call them through `in_engine`."""
        return self._virtual_time

    def in_engine(self, function: "Callable[[Future[None]], None]", timeout_seconds: float | None = None) -> None:
        """Run `function` on the engine's thread and wait until it settles the future it is given."""
        ack: Future[None] = Answer()
        self._loop.ask(ack, function)
        self._loop.wait(ack, timeout_seconds)

    def _tell_listeners(self, changed: list[Instance]) -> None:
        for listener in list(self._listeners):
            try:
                listener(changed)
            except Exception:  # noqa: BLE001  # a listener's fault is its own
                _log.exception("A listener of the engine failed; the engine goes on.")
