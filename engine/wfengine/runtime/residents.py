"""The instances that the engine's thread has in mind: all that have not ended.

A Resident is the engine's own bookkeeping about one execution. It is rebuilt from history at opening, and belongs to the engine's thread.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from datetime import datetime
from typing import Any

import msgspec

from wfengine.core.waits import Open, open_waits
from wfengine.model.failure import FailureDetails
from wfengine.model.history import (
    ChildWorkflowInstanceCompleted,
    ChildWorkflowInstanceCreated,
    ChildWorkflowInstanceFailed,
    ExecutionTerminated,
    HistoryEvent,
    TaskCompleted,
    TaskFailed,
    TaskRestarted,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from wfengine.model.instance import Instance
from wfengine.model.work import AuditRow, CircuitRow, HistoryRow


class Inbox:
    """What arrived for an execution since its last turn: `acks` are those who wait for it to be recorded, `audit` is said of it there.

    `circuits` is what it changed in circuit breakers.
    """

    __slots__ = ("acks", "audit", "circuits", "events")

    def __init__(self) -> None:
        self.events: list[HistoryEvent] = []
        self.acks: list[Future[None]] = []
        self.audit: list[AuditRow] = []
        self.circuits: list[CircuitRow] = []

    def not_before(self, moment: datetime) -> None:
        """What arrived during a turn that was made elsewhere is recorded behind it, and times never decrease."""
        self.events = [
            event if event.occurred_at >= moment else msgspec.structs.replace(event, occurred_at=moment) for event in self.events
        ]

    def add(self, later: "Inbox") -> None:
        """What arrived after this."""
        self.events += later.events
        self.acks += later.acks
        self.audit += later.audit
        self.circuits += later.circuits


class Away(msgspec.Struct, frozen=True):
    """A turn that is made elsewhere: the state before it, what it has taken up, and what no code had seen before."""

    before: Instance
    inbox: Inbox
    unseen: Sequence[HistoryEvent]


class Resident:
    """One live execution. Ten thousand may sleep, and the garbage collector looks at every list of theirs: so there are none without need.

    `instance` is its state as of the last commit handed to the store, `durable` as of the last acknowledged one. `inbox` is None where nothing
    arrived. `started` and `finished` are those who wait for these moments. `deaths` tells of open attempts how often the process died while they were at work. `unseen` are recorded events that no code has taken up. `disagreement` is what its code was found at fault with beside a turn. `past` is the rest
    of the history while the executor does not keep the execution; None when it must be read from the store. `waits` are its event waits that its
    last turn left open; `unseen` and the inbox may have closed some. `away` is its turn while that is made elsewhere; the inbox gathers then.
    """

    __slots__ = (
        "away",
        "children",
        "deaths",
        "disagreement",
        "durable",
        "finished",
        "inbox",
        "instance",
        "is_busy",
        "is_queued",
        "lacks",
        "past",
        "started",
        "tasks",
        "terminating",
        "timers",
        "unseen",
        "waits",
    )

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.away: Away | None = None
        self.disagreement: FailureDetails | None = None
        self.durable: Instance | None = None
        self.inbox: Inbox | None = None
        self.unseen: Sequence[HistoryEvent] = ()
        self.past: Sequence[HistoryEvent] | None = ()
        self.tasks: dict[int, TaskScheduled] = {}
        self.deaths: dict[int, int] = {}
        self.timers: dict[int, TimerCreated] = {}
        self.children: dict[int, ChildWorkflowInstanceCreated] = {}
        self.waits: Open = ()
        self.is_busy = False
        self.is_queued = False
        self.terminating = False
        self.lacks: str | None = None
        self.started: tuple[Future[Instance], ...] = ()
        self.finished: tuple[Future[Instance], ...] = ()

    @property
    def mail(self) -> Inbox:
        """The inbox, to put something in."""
        if self.inbox is None:
            self.inbox = Inbox()
        return self.inbox

    @property
    def pending(self) -> Iterable[HistoryEvent]:
        """What has arrived and no code has taken up."""
        if self.away is not None:
            return (*self.unseen, *self.away.inbox.events, *(self.inbox.events if self.inbox else ()))
        return (*self.unseen, *self.inbox.events) if self.inbox else self.unseen

    @property
    def callers(self) -> list[Future[Any]]:
        """All who wait for something of it."""
        inboxes = (self.away and self.away.inbox, self.inbox)
        return [*(ack for inbox in inboxes if inbox for ack in inbox.acks), *self.started, *self.finished]

    def come_back(self) -> None:
        """Nobody waits for the turn that is made elsewhere: what it took up is news again, before what has gathered since."""
        away, self.away = self.away, None
        if away is None:
            return
        self.is_busy = False
        self.instance, self.unseen = away.before, away.unseen
        since, self.inbox = self.inbox, away.inbox
        if since is not None:
            self.inbox.add(since)

    def note(self, event: HistoryEvent) -> bool:
        """Keep the books on open tasks, timers and children; False where an outcome is not awaited (any more), so that it must be passed over."""
        match event:
            case TaskScheduled():
                self.tasks[event.event_id] = event
            case TimerCreated():
                if event.fire_at is not None:  # else it only says what is waited for, and nothing would ever take it off the books
                    self.timers[event.event_id] = event
            case ChildWorkflowInstanceCreated():
                self.children[event.event_id] = event
            case TaskRestarted():
                self.deaths[event.task_scheduled_id] = event.deaths
            case TaskCompleted() | TaskFailed():
                self.deaths.pop(event.task_scheduled_id, None)
                return self.tasks.pop(event.task_scheduled_id, None) is not None
            case TimerFired():
                return self.timers.pop(event.timer_id, None) is not None
            case ChildWorkflowInstanceCompleted() | ChildWorkflowInstanceFailed():
                return self.children.pop(event.task_scheduled_id, None) is not None
            case ExecutionTerminated():
                already, self.terminating = self.terminating, True
                return not already
            case _:
                pass
        return True


def recovered(instance: Instance, rows: Iterable[HistoryRow]) -> Resident:
    """A resident as its history says. The status row may be older than the last turn, so the counts are taken from history."""
    rows = list(rows)
    last_turned = max((place for place, row in enumerate(rows) if row.turn), default=-1)
    resident = Resident(
        msgspec.structs.replace(
            instance,
            next_sequence=len(rows),
            turn=max((row.turn for row in rows), default=0),
            updated_at=max(instance.updated_at, *(row.event.occurred_at for row in rows)) if rows else instance.updated_at,
        )
    )
    resident.durable = instance
    resident.past = [row.event for row in rows[: last_turned + 1]]
    resident.unseen = [row.event for row in rows[last_turned + 1 :]]
    for row in rows:
        resident.note(row.event)
    resident.waits = open_waits(rows[: last_turned + 1])
    return resident
