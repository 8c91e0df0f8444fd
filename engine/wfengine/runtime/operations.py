"""What may be asked of the engine from outside: the rules of starting, delivering, purging and rerunning. On the engine's thread.

`ack` is settled when what was done is durable; what raises has recorded nothing. `Engine` and the simulation both call these.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any

import msgspec

from wfengine.core import rerunning
from wfengine.core.transitions import new_instance
from wfengine.errors import InstanceAlreadyExists, InstanceNotFound, InstanceNotTerminal
from wfengine.model.history import ExecutionStarted, HistoryEvent
from wfengine.model.instance import Instance, Status
from wfengine.model.work import AuditRow, HistoryRow
from wfengine.runtime.population import Population
from wfengine.runtime.turns import Turns


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


def _expect_free(population: Population, instance_id: str) -> None:
    live = population.of_id(instance_id)
    if live is not None:
        raise InstanceAlreadyExists(instance_id, live.instance.name, live.instance.status)
