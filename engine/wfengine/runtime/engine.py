"""The engine: one thread that decides, and a thread-safe face.

Every call from outside is put into a mailbox and answered through a future once its effect is durable, so callers may sit on any
thread but the engine's own. The thread is a plain loop over that mailbox: what arrives is taken in, due timers fire, whoever is ready has a turn.
"""

import logging
import threading
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from datetime import datetime
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from wfengine.core.context import checked_text, name_of
from wfengine.core.transitions import new_instance
from wfengine.errors import (
    DefinitionNotFound,
    EnginePaused,
    EngineStopped,
    InstanceAlreadyExists,
    InstanceNotFound,
    InstanceNotTerminal,
    InvalidArgument,
    WaitTimedOut,
)
from wfengine.model.history import ExecutionResumed, ExecutionStarted, ExecutionSuspended, ExecutionTerminated, HistoryEvent
from wfengine.model.instance import Instance, Status
from wfengine.model.payload import to_json
from wfengine.model.work import AuditRow, Commit, HistoryRow
from wfengine.runtime.clock import Clock, RealClock
from wfengine.runtime.executor import Executor, LocalExecutor
from wfengine.runtime.mailbox import Mailbox
from wfengine.runtime.registry import Definition, Kind, Registry
from wfengine.runtime.requests import aware, checked_id, checked_tags, raised
from wfengine.runtime.turns import Turns
from wfengine.runtime.virtual_time import VirtualTime
from wfengine.runtime.worker import ActivityWorker
from wfengine.store.family import family
from wfengine.store.store import Store

Listener = Callable[[list[Instance]], None]
T = TypeVar("T")
_RETRY_SECONDS = 0.5
_log = logging.getLogger("wfengine")


class Engine:
    """Runs workflows on one store. `with Engine(Store.open(path)) as engine:` leaves nothing behind.

    Thread-safe. Listeners are called on the engine's thread and must return at once.
    """

    def __init__(
        self, store: Store, *, clock: Clock | None = None, registry: Registry | None = None, executor: Executor | None = None
    ) -> None:
        self.store = store
        self.registry = registry or Registry()
        self._mailbox = Mailbox()
        self._listeners: list[Listener] = []
        self._worker = ActivityWorker(lambda: self._turns.clock.now())  # noqa: PLW0108  # the clock is exchanged for a virtual one
        self._turns = Turns(
            store=store,
            registry=self.registry,
            executor=executor or LocalExecutor(self.registry),
            worker=self._worker,
            clock=clock or RealClock(),
            post=self._mailbox.post,
            changed=self._tell_listeners,
        )
        self._virtual_time = VirtualTime(self._turns)
        self._trouble: str | None = None
        self._stopped: str | None = None
        self._stopping = False
        self._gone = threading.Event()
        self._thread: threading.Thread | None = None
        self._known_hashes = {(row.kind, row.name, row.code_hash) for row in store.definitions()}

    # Life.

    def start(self) -> None:
        """Take up what the store holds and go on with it."""
        if self._thread is not None:
            return
        self._turns.recover()
        self.store.start(
            on_durable=lambda tokens: self._mailbox.post(self._turns.durable, tokens), on_trouble=self._on_trouble, on_fatal=self._on_fatal
        )
        self._thread = threading.Thread(target=self._run, name="wflab-engine", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop deciding, then let the store finish what it holds. Safe to call twice; activities under way run out unheard."""
        if threading.current_thread() is self._thread:
            raise InvalidArgument("The lab cannot be closed from inside a workflow's code.")
        if self._thread is not None and not self._gone.is_set():
            self._mailbox.post(self._stop)
            self._gone.wait(10)
        self._stopped = self._stopped or "The lab is closed. Open it again to go on."
        self._worker.close()
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
        return self._stopped or self._trouble

    # Definitions.

    def register_workflow(self, function: Callable[..., Any], name: str | None = None) -> Definition:
        """Register a workflow; a changed function under a known name is its new version."""
        return self._register("workflow", function, name)

    def register_activity(self, function: Callable[..., Any], name: str | None = None) -> Definition:
        """Register an activity; likewise."""
        return self._register("activity", function, name)

    def _register(self, kind: Kind, function: Callable[..., Any], name: str | None) -> Definition:
        definition, is_new = self.registry.add(kind, function, name)
        if is_new:
            self._mailbox.post(self._defined, definition)
        return definition

    def _defined(self, definition: Definition) -> None:
        row = definition.row
        if (row.kind, row.name, row.code_hash) not in self._known_hashes:
            self._known_hashes.add((row.kind, row.name, row.code_hash))
            self.store.submit(Commit(definitions=[row]), None)
        self._turns.defined(definition.name, definition.kind)

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
        name = name_of(workflow)
        if self.registry.find("workflow", name) is None:
            raise DefinitionNotFound("workflow", name, self.registry.names("workflow"))
        started = {
            "name": name,
            "instance_id": uuid.uuid4().hex if instance_id is None else checked_id(instance_id),
            "input": None if input is None else to_json(input, f"the input of workflow {name!r}"),
            "scheduled_start": None if start_at is None else aware(start_at),
            "tags": checked_tags(tags),
            "app_id": None if app_id is None else checked_text(app_id, "app_id"),
        }
        self._call(self._begin, started)
        return str(started["instance_id"])

    def _begin(self, ack: Future[None], started: dict[str, Any]) -> None:
        live = self._turns.population.of_id(started["instance_id"])
        if live is not None:
            raise InstanceAlreadyExists(started["instance_id"], live.instance.name, live.instance.status)
        instance, rows = new_instance(self._turns.population.new_key(), ExecutionStarted(occurred_at=self._turns.clock.now(), **started))
        self._turns.begin(instance, rows[0].event, ack)

    def get_workflow_state(self, instance_id: str) -> Instance | None:
        """The durable state of the id's newest execution; None where the id is unknown."""
        found: Future[Instance | None] = Future()
        self._ask(found, self._state, instance_id)
        instance = self._wait(found, None)
        return instance if instance is not None else self.store.find(instance_id)

    def _state(self, found: "Future[Instance | None]", instance_id: str) -> None:
        resident = self._turns.population.of_id(instance_id)
        found.set_result(self._turns.population.recently_ended(instance_id) if resident is None else resident.durable)

    def wait_for_workflow_start(self, instance_id: str, timeout_seconds: float | None = None) -> Instance:
        """Wait until the workflow's code has run for the first time. Raises InstanceNotFound, TimeoutError."""
        return self._wait(self.when_started(instance_id), timeout_seconds)

    def wait_for_workflow_completion(self, instance_id: str, timeout_seconds: float | None = None) -> Instance:
        """Wait until the instance has ended, over all its generations. Raises InstanceNotFound, TimeoutError."""
        return self._wait(self.when_finished(instance_id), timeout_seconds)

    def when_started(self, instance_id: str) -> "Future[Instance]":
        """A future for the instance's state after its first turn."""
        return self._when("started", instance_id)

    def when_finished(self, instance_id: str) -> "Future[Instance]":
        """A future for the instance's final state."""
        return self._when("finished", instance_id)

    def _when(self, moment: str, instance_id: str) -> "Future[Instance]":
        future: Future[Instance] = Future()
        future.set_running_or_notify_cancel()  # whoever gets it cannot cancel it: asyncio tries to when a wait is given up
        self._ask(future, self._await_moment, moment, instance_id)
        return future

    def _await_moment(self, future: "Future[Instance]", moment: str, instance_id: str) -> None:
        resident = self._turns.population.of_id(instance_id)
        if resident is None:
            self._answer_from_store(future, instance_id)
        elif moment == "started" and resident.durable is not None and resident.durable.turn:
            future.set_result(resident.durable)
        else:
            (resident.started if moment == "started" else resident.finished).append(future)

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
        self, instance_id: str, event_name: str, *, data: Any = None, audit: AuditRow | None = None
    ) -> "Future[None]":
        """As `raise_workflow_event`, without waiting: the future is settled when the event is durable, or says why it will not be."""
        ack: Future[None] = Future()
        ack.set_running_or_notify_cancel()  # as in `_when`
        self._ask(ack, self._deliver, instance_id, raised(event_name, data, audit), audit, None, None)
        return ack

    def terminate_workflow(self, instance_id: str, *, output: Any = None, recursive: bool = True, audit: AuditRow | None = None) -> None:
        """End the instance (and its children, unless told otherwise); activities under way are not stopped, their results are late."""
        payload = None if output is None else to_json(output, "the output")
        self._act(instance_id, lambda now: ExecutionTerminated(occurred_at=now, output=payload, recurse=recursive), audit)

    def pause_workflow(self, instance_id: str, *, audit: AuditRow | None = None) -> None:
        """Suspend: what arrives from now on waits, in order; activities under way finish."""
        self._act(instance_id, lambda now: ExecutionSuspended(occurred_at=now), audit, unless=Status.SUSPENDED)

    def resume_workflow(self, instance_id: str, *, audit: AuditRow | None = None) -> None:
        """Resume a suspended instance."""
        self._act(instance_id, lambda now: ExecutionResumed(occurred_at=now), audit, only=Status.SUSPENDED)

    def purge_workflow(self, instance_id: str, *, recursive: bool = True, audit: AuditRow | None = None) -> None:
        """Delete an ended instance with its whole history (and its children's). Raises InstanceNotFound, InstanceNotTerminal."""
        state = self.get_workflow_state(instance_id)
        if state is None:
            raise InstanceNotFound(instance_id)
        if not state.status.is_terminal:
            raise InstanceNotTerminal(instance_id, state.status)
        with self.store.cursor() as cursor:
            executions = family(cursor, instance_id, recursive=recursive)
        self._call(self._purge, executions, audit)

    def _purge(self, ack: Future[None], executions: list[tuple[int, str]], audit: AuditRow | None) -> None:
        live = {resident.instance.key for resident in self._turns.population.all()}
        for key, instance_id in executions:
            if key in live:
                raise InstanceNotTerminal(instance_id, "still alive (a child of the purged one)")
        self._turns.purge(executions, [audit] if audit else [], ack)

    def _act(
        self,
        instance_id: str,
        event_at: Callable[[datetime], HistoryEvent],
        audit: AuditRow | None,
        *,
        unless: Status | None = None,
        only: Status | None = None,
    ) -> None:
        self._call(self._deliver, instance_id, event_at, audit, unless, only)

    def _deliver(
        self,
        ack: Future[None],
        instance_id: str,
        event_at: Callable[[datetime], HistoryEvent],
        audit: AuditRow | None,
        unless: Status | None,
        only: Status | None,
    ) -> None:
        resident = self._turns.population.of_id(instance_id)
        if resident is None:
            if self._turns.population.key_of(instance_id) is None:
                raise InstanceNotFound(instance_id)
            ack.set_result(None)
            return
        status = resident.instance.status
        if not resident.is_busy and not resident.inbox and (status == unless or (only is not None and status != only)):
            ack.set_result(None)
            return
        told = audit and msgspec.structs.replace(audit, key=resident.instance.key, instance_id=instance_id)
        self._turns.arrive(resident, event_at(self._turns.population.now_for(resident)), ack, told)

    # Looking.

    def now(self) -> datetime:
        """The engine's time, aware UTC; virtual while that is on."""
        return self._turns.clock.now()

    def key_of(self, instance_id: str) -> int | None:
        """The newest execution of an id; None for an id that is not known."""
        return self._turns.population.key_of(instance_id)

    def history(self, instance_id: str) -> list[HistoryRow]:
        """The history of the id's newest execution, in order; everything durable is in it. Raises InstanceNotFound."""
        instance = self.get_workflow_state(instance_id)
        if instance is None:
            raise InstanceNotFound(instance_id)
        return self.store.history(instance.key)

    def lacking(self, instance_id: str) -> str | None:
        """What keeps an instance from running beside the passage of time: a definition that is missing or does not agree."""
        found: Future[str | None] = Future()
        self._ask(found, self._lacking, instance_id)
        return self._wait(found, None)

    def _lacking(self, found: "Future[str | None]", instance_id: str) -> None:
        resident = self._turns.population.of_id(instance_id)
        missing = None
        if resident is not None:
            absent = sorted({task.name for task in resident.tasks.values() if self.registry.find("activity", task.name) is None})
            missing = resident.lacks or (f"activity {absent[0]!r} is not registered: run the cell that defines it" if absent else None)
        found.set_result(missing)

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
        ack: Future[None] = Future()
        self._ask(ack, function)
        self._wait(ack, timeout_seconds)

    # The thread.

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        """Have the engine's thread do something and wait until it is durable."""
        if self._trouble is not None and self._stopped is None:
            raise EnginePaused(f"{self._trouble} Nothing was recorded by this call; try again then.")
        ack: Future[None] = Future()
        self._ask(ack, function, *arguments)
        while True:
            with suppress(FutureTimeout):
                return ack.result(0.5)
            if self._gone.is_set() and not ack.done():
                raise EngineStopped(self._stopped)
            if self._trouble is not None and not ack.done():
                raise EnginePaused(f"{self._trouble} This call is not acknowledged yet; it takes effect when there is room.")

    def _ask(self, future: "Future[Any]", function: Callable[..., None], *arguments: Any) -> None:
        if threading.current_thread() is self._thread:
            raise InvalidArgument("The lab cannot be called from inside a workflow's code; do it in an activity.")
        if self._stopped is not None:
            raise EngineStopped(self._stopped)
        if self._thread is None:
            raise EngineStopped("The engine has not been started.")
        self._mailbox.ask(future, function, *arguments)
        if self._gone.is_set():  # it went while we knocked
            self._mailbox.refuse_all(EngineStopped(self._stopped))

    def _wait(self, future: "Future[T]", timeout_seconds: float | None) -> T:
        if timeout_seconds is not None and (not isinstance(timeout_seconds, int | float) or not timeout_seconds <= threading.TIMEOUT_MAX):
            raise InvalidArgument(f"timeout_seconds is a number of seconds, or None to wait for ever, not {timeout_seconds!r}.")
        try:
            return future.result(timeout_seconds)
        except FutureTimeout:
            if future.done():
                raise
            raise WaitTimedOut(f"Not there after {timeout_seconds:g} seconds; it goes on, wait again.") from None

    def _run(self) -> None:
        try:
            while not self._stopping:
                self._turns.fire_due()
                self._turns.run_ready()
                self._virtual_time.move()
                self._mailbox.take_in(self._seconds_to_wait())
                self._turns.retry_put_off()
            while self._turns.has_unacknowledged() and self.trouble is None:
                self._mailbox.take_in(1.0)
        except EngineStopped as stopped:  # the store says that nothing more can be written
            self._stopped = self._stopped or str(stopped)
        except BaseException as error:  # noqa: BLE001  # a fault of ours: stop for good rather than go on with a doubtful state
            _log.critical("The engine failed and has stopped.", exc_info=True)
            self._stopped = f"The engine failed and has stopped ({type(error).__name__}: {error}); what was acknowledged is safe. Restart the kernel to go on."
        self._stopped = self._stopped or "The lab is closed. Open it again to go on."
        self._turns.give_up(EngineStopped(self._stopped))
        self._virtual_time.give_up(EngineStopped(self._stopped))
        self._gone.set()
        self._mailbox.refuse_all(EngineStopped(self._stopped))

    def _seconds_to_wait(self) -> float | None:
        if self._turns.has_ready() or self._virtual_time.can_move():
            return 0
        due = self._turns.timers.next_due()
        wait = None if due is None else self._turns.clock.seconds_until(due)
        if not self._turns.has_put_off():
            return wait
        return _RETRY_SECONDS if wait is None else min(wait, _RETRY_SECONDS)

    def _stop(self) -> None:
        self._stopping = True

    def _tell_listeners(self, changed: list[Instance]) -> None:
        for listener in list(self._listeners):
            try:
                listener(changed)
            except Exception:  # noqa: BLE001  # a listener's fault is its own
                _log.exception("A listener of the engine failed; the engine goes on.")

    def _on_trouble(self, trouble: str | None) -> None:
        self._trouble = trouble
        self._mailbox.post(self._tell_listeners, [])

    def _on_fatal(self, trouble: str) -> None:
        self._stopped = trouble
        self._mailbox.post(self._stop)
