"""What may be asked of the engine from outside: the rules of starting, delivering, purging and rerunning. On the engine's thread.

`ack` is settled when what was done is durable; what raises has recorded nothing. `Engine` and the simulation both call these.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from wfengine.core import forking, rerunning, waits
from wfengine.core.transitions import new_instance
from wfengine.errors import InstanceAlreadyExists, InstanceNotFound, InstanceNotTerminal, InvalidArgument, WaitOver
from wfengine.model.history import EventRaised, EventWait, ExecutionStarted, HistoryEvent, TimerCreated
from wfengine.model.instance import Instance, Status
from wfengine.model.work import AuditRow, HistoryRow
from wfengine.runtime.population import Population
from wfengine.runtime.residents import Resident
from wfengine.runtime.turns import Turns


class Awaited(NamedTuple):
    """An event that an instance waits for: its state, and the wait as it was recorded.

    `deadline` is when an answer comes too late: the wait's own timeout, or that of a timer which it races, where the source tells so.
    """

    instance: Instance
    event: TimerCreated
    wait: EventWait
    deadline: datetime | None = None


def start(turns: Turns, started: dict[str, Any], ack: Future[None]) -> None:
    """Begin an instance; `started` is what is to be said of it. Raises InstanceAlreadyExists."""
    _expect_free(turns.population, started["instance_id"])
    key = turns.population.new_key()
    instance, rows = new_instance(key, ExecutionStarted(occurred_at=turns.clock.now(), execution=key, **started))
    turns.begin(instance, rows[0].event, ack)


def deliver(
    turns: Turns,
    instance_id: str,
    event_at: Callable[[datetime], HistoryEvent],
    ack: Future[None],
    *,
    audit: AuditRow | None = None,
    unless: Status | None = None,
    only: Status | None = None,
) -> None:
    """Give an instance an event, made for its time; none where it has ended, is `unless`, or is not `only`. Raises InstanceNotFound."""
    resident = turns.population.of_id(instance_id)
    if resident is None:
        if turns.population.key_of(instance_id) is None:
            raise InstanceNotFound(instance_id)
        ack.set_result(None)
        return
    status = resident.instance.status
    if not resident.is_busy and not resident.inbox and (status == unless or (only is not None and status != only)):
        ack.set_result(None)
        return
    told = audit and msgspec.structs.replace(audit, key=resident.instance.key, instance_id=instance_id)
    turns.arrive(resident, event_at(turns.population.now_for(resident)), ack, told)


def answer_wait(
    turns: Turns,
    instance_id: str,
    key: waits.WaitKey,
    event_at: Callable[[datetime], EventRaised],
    ack: Future[None],
    *,
    audit: AuditRow | None = None,
) -> None:
    """Give an instance an event that answers this very wait. Raises WaitOver where that is open no more, InvalidArgument where another would get it.

    Whatever has arrived counts, durable or not; who is refused because of it hears of that once it is durable.
    """
    resident = turns.population.of_key(key.execution)
    wait = None if resident is None else next((one for one in resident.waits if one.event.event_id == key.event_id), None)
    if resident is None or turns.population.of_id(instance_id) is not resident:
        raise WaitOver(instance_id)
    event = event_at(turns.population.now_for(resident))
    refusal = WaitOver(instance_id) if wait is None else _refusal(turns, resident, wait, event)
    if refusal is None:
        told = audit and msgspec.structs.replace(audit, key=resident.instance.key, instance_id=instance_id)
        turns.arrive(resident, event, ack, told)
    elif resident.is_busy or resident.inbox:
        turns.when_recorded(resident, lambda failure: ack.set_exception(failure or refusal))
    else:
        raise refusal


def _refusal(turns: Turns, resident: Resident, wait: waits.OpenWait, event: EventRaised) -> WaitOver | InvalidArgument | None:
    instance_id = resident.instance.instance_id
    rivals = turns.rivals(resident, wait)
    closed = waits.closing(resident.waits, wait, resident.pending, rivals)
    if isinstance(closed, EventRaised):
        return WaitOver(instance_id, how="answered", at=closed.occurred_at, who=closed.raised_by)
    if closed is not None:
        return WaitOver(instance_id, how="timed out", at=closed.fire_at)
    deadline = _deadline(resident, wait, rivals)
    if not wait.fired.isdisjoint(rivals) or (deadline is not None and deadline <= turns.clock.now()):
        return WaitOver(instance_id, how="timed out", at=deadline)
    if event.name.casefold() != wait.name:
        return InvalidArgument(f"That wait is for {wait.origin.name!r}, not for {event.name!r}.")
    older = waits.ahead(resident.waits, wait, resident.pending)
    if older is None:
        return None
    return InvalidArgument(
        f"{resident.instance.name} asked for {wait.origin.name!r} before, at {older.event.occurred_at:%H:%M:%S} UTC, "
        "and the oldest wait is answered first. Answer that one, or raise the event as often as needed: run.raise_event(...)."
    )


def awaited(turns: Turns, instance_id: str | None, found: "Future[list[Awaited]]") -> None:
    """The event waits of live instances, or of one, that an answer would reach now; of what is not durable yet, none."""
    one = None if instance_id is None else turns.population.of_id(instance_id)
    residents = turns.population.all() if instance_id is None else [one] if one is not None else []
    now = turns.clock.now()
    found.set_result([awaited for resident in residents if resident.waits for awaited in _awaited_by(turns, resident, now)])


def _awaited_by(turns: Turns, resident: Resident, now: datetime) -> Iterator[Awaited]:
    known = resident.durable if resident.is_busy else resident.instance
    pending = tuple(resident.pending)
    for wait in resident.waits if known is not None else ():
        rivals = turns.rivals(resident, wait)
        deadline = _deadline(resident, wait, rivals)
        is_due = deadline is not None and deadline <= now
        is_closed = not wait.fired.isdisjoint(rivals) or is_due or waits.closing(resident.waits, wait, pending, rivals) is not None
        if known is not None and wait.turn <= known.turn and not is_closed:
            yield Awaited(known, wait.event, wait.origin, deadline)


def _deadline(resident: Resident, wait: waits.OpenWait, rivals: Collection[int]) -> datetime | None:
    timers = (resident.timers.get(number) for number in (wait.event.event_id, *rivals))
    return min((timer.fire_at for timer in timers if timer is not None and timer.fire_at is not None), default=None)


def note(turns: Turns, audit: AuditRow, ack: Future[None]) -> None:
    """Record an act of a person that changes nothing. Raises InstanceNotFound where it names no instance that there is."""
    if audit.instance_id is not None:
        key = turns.population.key_of(audit.instance_id)
        if key is None:
            raise InstanceNotFound(audit.instance_id)
        audit = msgspec.structs.replace(audit, key=key if audit.key is None else audit.key)
    turns.note(audit, ack)


def purge(
    turns: Turns,
    instance_id: str,
    executions: Sequence[tuple[int, str]],
    ack: Future[None],
    *,
    recursive: bool,
    force: bool,
    audit: AuditRow | None = None,
) -> None:
    """Delete these executions (key, id), which were looked up for the instance. Raises InstanceNotTerminal, unless by `force`."""
    told = [audit] if audit else []
    if force:
        turns.purging.purge_by_force(instance_id, executions, told, ack, recursive=recursive)
        return
    live = turns.population.of_id(instance_id)
    if live is not None:  # the id has been used again meanwhile
        raise InstanceNotTerminal(instance_id, live.instance.status)
    for key, found_id in executions:
        if turns.population.of_key(key) is not None:
            raise InstanceNotTerminal(found_id, "still alive (a child of the purged one)")
    turns.purging.purge(executions, told, ack)


def rerun(
    turns: Turns,
    source: Instance,
    rows: list[HistoryRow],
    event_id: int,
    plan: dict[str, Any],
    ack: Future[None],
    *,
    audit: AuditRow | None = None,
) -> None:
    """Make a new instance of an ended one's past; `plan` says its id and what is to be other. Raises InstanceAlreadyExists, InvalidArgument."""
    population = turns.population
    _expect_free(population, plan["instance_id"])
    population.begin_claims()
    key = population.claim_key(plan["instance_id"]) or population.new_key()
    made = rerunning.rerun(source, rows, event_id, key=key, now=population.clock.now(), claim_key=population.claim_key, **plan)
    turns.reopen(made, [audit] if audit else [], ack)


def fork(
    turns: Turns, source: Instance, shared: forking.Cut, plan: dict[str, Any], ack: Future[None], *, audit: AuditRow | None = None
) -> None:
    """Make a new instance of what is shared of any one's past; `plan` says its id and its code. Raises InstanceAlreadyExists."""
    population = turns.population
    _expect_free(population, plan["instance_id"])
    population.begin_claims()
    key = population.claim_key(plan["instance_id"]) or population.new_key()
    made = forking.fork(source, shared, key=key, now=population.clock.now(), claim_key=population.claim_key, **plan)
    turns.reopen(made, [audit] if audit else [], ack)


def _expect_free(population: Population, instance_id: str) -> None:
    live = population.of_id(instance_id)
    if live is not None:
        raise InstanceAlreadyExists(instance_id, live.instance.name, live.instance.status)
