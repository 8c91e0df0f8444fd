"""One simulated world: the real rules (`Turns`, executor, core) between a simulated disk, worker, clock and people.

All in one thread. A crash throws the engine away with everything it has in memory; what is left is the disk, the time, and the chronicle
of what was durable. Whatever was acknowledged is checked against that chronicle in the moment of the acknowledgement, and a crash must
leave all of it.
"""

from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from typing import NamedTuple, cast

import msgspec

from wfengine.core.waits import WaitKey
from wfengine.errors import CallerError
from wfengine.model.history import (
    EventRaised,
    ExecutionResumed,
    ExecutionSuspended,
    ExecutionTerminated,
    HistoryEvent,
)
from wfengine.model.instance import Status
from wfengine.model.work import Commit
from wfengine.runtime import operations
from wfengine.runtime.limits import Limits
from wfengine.runtime.mailbox import Mailbox
from wfengine.runtime.poison import Suspects
from wfengine.runtime.residents import Resident
from wfengine.runtime.turns import Turns
from wfengine.store.store import Store
from wfengine.store.underway import Underway
from wfengine.testing.simulation.chronicle import Chronicle, Outside
from wfengine.testing.simulation.disk import Disk
from wfengine.testing.simulation.executor import TwiceExecutor
from wfengine.testing.simulation.faraway import FarawayExecutor
from wfengine.testing.simulation.library import Library, Shelf
from wfengine.testing.simulation.outside import MachineTime, SimulatedClock, SimulatedUnderway, SimulatedWorker
from wfengine.testing.simulation.store import SimulatedStore
from wfengine.testing.simulation.violation import Violation, insist
from wfengine.testing.simulation.wakefulness import check_wakefulness


class Call(NamedTuple):
    """A call from outside that has not been answered, and what must be durable once it is."""

    ack: "Future[None]"
    what: str
    is_kept: Callable[[], bool]
    refused: Callable[[], None]


class Asked(NamedTuple):
    """An event wait that somebody has seen."""

    instance_id: str
    key: WaitKey
    name: str


class World:
    """`story` tells what happened, one line a step."""

    def __init__(
        self, library: Library, *, most_kept: int, poison_after: int | None, most_activities: int | None, is_far: bool = False
    ) -> None:
        self.story: list[tuple[object, ...]] = []
        self.machine = MachineTime()
        self.outside = Outside()
        self.chronicle = Chronicle(self.outside)
        self.shelf = Shelf(library)
        self.crashes = 0
        self.acknowledged = 0
        self.seen: list[Asked] = []
        self.turns_of_the_dead = 0
        self._most_kept = most_kept
        self._poison_after = poison_after
        self._is_far = is_far
        self._limits = Limits(most_activities=most_activities)
        self._underway = SimulatedUnderway()
        self._disk = Disk()
        self._payloads: list[bytes] = []
        self._decoder = msgspec.msgpack.Decoder(Commit)
        self._raised = 0
        self._open()

    def _open(self) -> None:
        self.mailbox = Mailbox()
        self.clock = SimulatedClock(self.machine)
        self.store = SimulatedStore(self._disk)
        self.executor = FarawayExecutor(
            TwiceExecutor(self.shelf, self.chronicle, most_kept=self._most_kept), self.outside, is_far=self._is_far
        )
        self.worker = SimulatedWorker(self.clock, self._underway, self.chronicle, self.outside)
        self.turns = Turns(
            store=cast("Store", self.store),
            registry=self.shelf,
            executor=self.executor,
            worker=self.worker,  # type: ignore[arg-type]
            clock=self.clock,
            post=self.mailbox.post,
            changed=lambda _: None,
            suspects=Suspects(cast("Underway", self._underway), self._poison_after),
            limits=self._limits,
        )
        self._calls: list[Call] = []

    # The engine and its disk.

    def run_engine(self) -> None:
        """The engine does what it can without anybody's help."""
        while True:
            self.turns.fire_due()
            self.turns.activities.expire()
            self.turns.run_ready()
            self.mailbox.take_in()
            self.turns.retry_put_off()
            self._check_acknowledgements()
            if not self.turns.has_ready():
                break
        check_wakefulness(
            self.turns.population,
            self.turns.timers,
            may_queue=self._limits.most_activities is not None or self._poison_after is not None,
            store=self.store,
            worker=self.worker,
            shelf=self.shelf,
            chronicle=self.chronicle,
            executor=self.executor,
        )

    def write(self, most: int) -> None:
        """The journal's thread writes up to so many commits and has not synced them yet."""
        self.store.write(most)

    def sync(self, most: int) -> None:
        """The journal's thread makes up to so many commits durable and says so."""
        self.store.write(most)
        done = self.store.sync()
        for one in done:
            self._now_durable(one.payload)
        if done:
            self.mailbox.post(self.turns.durable, [one.token for one in done])

    def crash(self, surviving: int) -> None:
        """The process dies and another takes over what is on the disk, so many bytes of the last write among it."""
        self.crashes += 1
        self.turns_of_the_dead += self.executor.turns
        self._disk.crash(surviving)
        self.outside.deaths.update((job.instance.key, job.task.event_id) for job in self.worker.jobs)
        self._underway.take_over()
        self.shelf.crash()
        known = len(self._payloads)
        self._open()
        insist(self.store.recovered[:known] == self._payloads, "what was synced is there after a crash", known, len(self.store.recovered))
        for payload in self.store.recovered[known:]:
            self._now_durable(payload)
        self.turns.recover()

    @property
    def unsynced_size(self) -> int:
        """How many bytes a crash may take."""
        return self._disk.unsynced_size

    @property
    def unanswered(self) -> list[str]:
        """The calls that nobody has answered yet."""
        return [call.what for call in self._calls]

    def _now_durable(self, payload: bytes) -> None:
        self._payloads.append(payload)
        self.chronicle.take(self._decoder.decode(payload))

    def _check_acknowledgements(self) -> None:
        waiting, self._calls = self._calls, []
        for call in waiting:
            if not call.ack.done():
                self._calls.append(call)
                continue
            error = call.ack.exception()
            if error is None:
                self.acknowledged += 1
                insist(call.is_kept(), "what is acknowledged is durable", call.what)
            elif not isinstance(error, CallerError):
                raise error
            else:
                call.refused()

    # People. Each of these asks what `Engine` asks for the call of that name.

    def start(self, name: str, instance_id: str, input: str, start_at: datetime | None) -> None:
        """`schedule_new_workflow`."""
        key: list[int] = []
        started = {"name": name, "instance_id": instance_id, "input": input, "scheduled_start": start_at}

        def begin(ack: "Future[None]") -> None:
            operations.start(self.turns, started, ack)
            key.append(self._living(instance_id).instance.key)

        self._ask(f"start {instance_id}", begin, lambda: key[0] in self.chronicle.chapters)

    def raise_event(self, instance_id: str, name: str, data: str | None) -> None:
        """`raise_workflow_event`. The token in `raised_by` tells this event from all others."""
        self._raised += 1
        token = str(self._raised)

        def event_at(now: datetime) -> HistoryEvent:
            event = EventRaised(occurred_at=now, name=name, input=data, raised_by=token)
            self.outside.raised[token] = event
            return event

        self._deliver(f"raise {token}", instance_id, event_at, lambda: token in self.chronicle.tokens)

    def open_waits(self) -> list[Asked]:
        """The event waits that `Engine.awaited` tells of: what a person has before their eyes, and may answer later."""
        found: Future[list[operations.Awaited]] = Future()
        operations.awaited(self.turns, None, found)
        return [Asked(one.instance.instance_id, WaitKey(one.instance.key, one.event.event_id), one.wait.name) for one in found.result()]

    def answer(self, asked: Asked, data: str | None) -> None:
        """`raise_workflow_event` with `if_waiting`: delivered to that very wait while it is open, and else not at all."""
        self._raised += 1
        token = str(self._raised)

        def event_at(now: datetime) -> EventRaised:
            event = EventRaised(occurred_at=now, name=asked.name, input=data, raised_by=token)
            self.outside.raised[token] = event
            self.outside.meant[token] = asked.key
            return event

        def deliver(ack: "Future[None]") -> None:
            operations.answer_wait(self.turns, asked.instance_id, asked.key, event_at, ack)

        def is_kept() -> bool:
            chapter = self.chronicle.latest(asked.key.execution)
            return token in self.chronicle.tokens or (chapter is not None and chapter.is_over)

        self._ask(f"answer {token}", deliver, is_kept, refused=lambda: self._refused(token))

    def _refused(self, token: str) -> None:
        self.outside.refused.add(token)
        insist(token not in self.chronicle.tokens, "an answer that is refused is not delivered", token)

    def suspend(self, instance_id: str) -> None:
        """`pause_workflow`."""
        self._deliver_told(f"suspend {instance_id}", instance_id, ExecutionSuspended, unless=Status.SUSPENDED)

    def resume(self, instance_id: str) -> None:
        """`resume_workflow`."""
        self._deliver_told(f"resume {instance_id}", instance_id, ExecutionResumed, only=Status.SUSPENDED)

    def terminate(self, instance_id: str, *, recurse: bool) -> None:
        """`terminate_workflow`."""
        self._deliver(
            f"terminate {instance_id}",
            instance_id,
            lambda now: ExecutionTerminated(occurred_at=now, output='"told to"', recurse=recurse),
            lambda: False,
        )

    def purge(self, instance_id: str, *, recursive: bool, force: bool) -> None:
        """`purge_workflow`."""
        live = self.turns.population.of_id(instance_id)
        state = live.durable if live is not None else self.store.find(instance_id)
        if state is None or not (force or state.status.is_terminal):
            return
        executions = self.store.family(instance_id, recursive=recursive)

        def purge(ack: "Future[None]") -> None:
            live = self.turns.population.of_id(instance_id)
            if force:
                self.outside.doomed.update(key for key, _ in executions)
                self.outside.doomed.update(() if live is None else (live.instance.key,))
            operations.purge(self.turns, instance_id, executions, ack, recursive=recursive, force=force)

        def is_kept() -> bool:
            return all(self.chronicle.chapters[key].is_purged for key, _ in executions)

        self._ask(f"purge {instance_id}", purge, is_kept)

    def rerun(self, instance_id: str, event_id: int, new_id: str) -> None:
        """`rerun_workflow_from_event`."""
        source = self.store.find(instance_id)
        if source is None or not source.status.is_terminal or source.parent is not None:
            return
        history = self.store.history(source.key)
        key: list[int] = []

        def again(ack: "Future[None]") -> None:
            operations.rerun(self.turns, source, history, event_id, {"instance_id": new_id}, ack)
            made = self._living(new_id).instance.key
            self.outside.copied[made] = source.key
            key.append(made)

        self._ask(f"rerun {instance_id}", again, lambda: key[0] in self.chronicle.chapters)

    def tell_again(self, place: int) -> None:
        """An outcome that was told before is told once more."""
        key, outcome = self.worker.again(place)

        def arrive() -> None:
            resident = self.turns.population.of_key(key)
            if resident is not None:
                self.turns.arrive(resident, msgspec.structs.replace(outcome, occurred_at=self.turns.population.now_for(resident)))

        self.mailbox.post(arrive)

    def _deliver_told(
        self,
        what: str,
        instance_id: str,
        kind: type[ExecutionSuspended | ExecutionResumed],
        *,
        unless: Status | None = None,
        only: Status | None = None,
    ) -> None:
        self._raised += 1
        token = str(self._raised)

        def is_kept() -> bool:
            return any(
                isinstance(row.event, kind) and row.event.reason == token
                for chapter in self.chronicle.chapters.values()
                for row in chapter.rows
            )

        self._deliver(what, instance_id, lambda now: kind(occurred_at=now, reason=token), is_kept, unless=unless, only=only)

    def _deliver(
        self,
        what: str,
        instance_id: str,
        event_at: Callable[[datetime], HistoryEvent],
        is_kept: Callable[[], bool],
        *,
        unless: Status | None = None,
        only: Status | None = None,
    ) -> None:
        destined: list[int] = []

        def destined_at(now: datetime) -> HistoryEvent:
            destined.append(self._living(instance_id).instance.key)
            return event_at(now)

        def deliver(ack: "Future[None]") -> None:
            operations.deliver(self.turns, instance_id, destined_at, ack, unless=unless, only=only)

        def is_kept_or_moot() -> bool:
            chapter = self.chronicle.latest(destined[0]) if destined else None
            return not destined or is_kept() or (chapter is not None and chapter.is_over)

        self._ask(what, deliver, is_kept_or_moot)

    def _living(self, instance_id: str) -> Resident:
        resident = self.turns.population.of_id(instance_id)
        if resident is None:
            raise Violation("what was asked for lives", instance_id)
        return resident

    def _ask(
        self,
        what: str,
        function: "Callable[[Future[None]], None]",
        is_kept: Callable[[], bool],
        *,
        refused: Callable[[], None] = lambda: None,
    ) -> None:
        ack: Future[None] = Future()
        self._calls.append(Call(ack, what, is_kept, refused))
        self.mailbox.ask(ack, function)
