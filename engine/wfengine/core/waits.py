"""Which event waits of an execution are open: told from its history alone, turn by turn, so that it is known also where no code is there to ask.

Waits of a name, in any case, are served oldest first, and an event that found nobody waiting serves whoever asks next. History holds no
record of a wait that was served at once by an event which had come before it; only a wait of the turn that brought the event may have been
there first, as a turn's events all stand before what its code asked for. The view `waits` in store/views.sql reads a history the same way.

One thing more is told here: a wait and a timer that a turn asked for together, and nothing beside them, race each other. Once the timer has
fired and the code has gone on, an answer would come too late.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from wfengine.model.history import (
    ChildWorkflowInstanceCreated,
    ConfirmingEvent,
    DetachedWorkflowInstanceCreated,
    EventRaised,
    EventWait,
    HistoryEvent,
    TaskScheduled,
    TimerCreated,
    TimerFired,
    UserTimer,
)
from wfengine.model.work import HistoryRow


class WaitKey(NamedTuple):
    """Which wait: the execution's key, and the number of the action that asked for it."""

    execution: int
    event_id: int


class OpenWait(msgspec.Struct, frozen=True):
    """A wait that its code asked for in `turn`. `rivals` are timers that it races; `is_lost`: one of them has won, but an event would still go to it."""

    event: TimerCreated
    turn: int
    rivals: tuple[int, ...] = ()
    is_lost: bool = False

    @property
    def origin(self) -> EventWait:
        """What it says about itself."""
        if not isinstance(self.event.origin, EventWait):
            raise TypeError(self.event)
        return self.event.origin

    @property
    def name(self) -> str:
        """The event's name, as names are compared."""
        return self.origin.name.casefold()

    @property
    def timers(self) -> tuple[int, ...]:
        """Whichever of these fires ends it."""
        return (self.event.event_id, *self.rivals)


Open = tuple[OpenWait, ...]


def after_turn(waits: Open, taken_up: Iterable[HistoryEvent], asked: Sequence[HistoryEvent], turn: int) -> Open:
    """Those open after a turn of the code: `taken_up` are the events that it learned of, `asked` what was recorded of its requests."""
    left = list(waits)
    fired: set[int] = set()
    seen: Counter[str] = Counter()
    served: set[str] = set()
    spare: Counter[str] = Counter()
    for place, event in enumerate(taken_up):
        if isinstance(event, TimerFired):
            fired.add(event.timer_id)
            left = [wait for wait in left if wait.event.event_id != event.timer_id]
        elif isinstance(event, EventRaised):
            name = event.name.casefold()
            first = _first(left, name)
            if first is not None:
                left.remove(first)
                served.add(name)
            elif name in served or place > seen[name]:  # code ran before it in this turn, and may have asked for it then
                spare[name] += 1
            seen[name] += 1
    began = [event for event in asked if _begins(event)]
    if fired and began:
        left = [msgspec.structs.replace(wait, is_lost=True) if fired.intersection(wait.rivals) else wait for wait in left]
    rivals = _rivals(began)
    for event in began:
        if isinstance(event, TimerCreated) and isinstance(event.origin, EventWait):
            name = event.origin.name.casefold()
            if spare[name]:
                spare[name] -= 1
            else:
                left.append(OpenWait(event, turn, rivals))
    return tuple(left)


def open_waits(rows: Iterable[HistoryRow]) -> Open:
    """Those open after the last turn that these rows hold."""
    waits: Open = ()
    taken_up: list[HistoryEvent] = []
    asked: list[HistoryEvent] = []
    turn = 0
    for row in rows:
        if turn and row.turn != turn:
            waits, taken_up, asked, turn = after_turn(waits, taken_up, asked, turn), [], [], 0
        turn = row.turn or turn  # what no code had taken up belongs to the turn that did
        (asked if isinstance(row.event, ConfirmingEvent) else taken_up).append(row.event)
    return after_turn(waits, taken_up, asked, turn)


def closing(waits: Open, wait: OpenWait, pending: Iterable[HistoryEvent]) -> EventRaised | TimerFired | None:
    """What closes `wait` among events that have arrived and that no code has taken up yet."""
    left = list(waits)
    for event in pending:
        if isinstance(event, TimerFired):
            if event.timer_id in wait.timers:
                return event
            left = [other for other in left if other.event.event_id != event.timer_id]
        elif isinstance(event, EventRaised):
            first = _first(left, event.name.casefold())
            if first is wait:
                return event
            if first is not None:
                left.remove(first)
    return None


def ahead(waits: Open, wait: OpenWait, pending: Iterable[HistoryEvent]) -> OpenWait | None:
    """The older wait for the same event that an answer would go to, where there is one."""
    rivals = [other for other in waits[: waits.index(wait)] if other.name == wait.name]
    gathered = tuple(pending)
    return next((other for other in rivals if closing(waits, other, _own(other, gathered)) is None), None)


def _own(wait: OpenWait, pending: tuple[HistoryEvent, ...]) -> Iterable[HistoryEvent]:
    """Without the timers that it has lost to: an event goes to it all the same."""
    return (event for event in pending if not (isinstance(event, TimerFired) and event.timer_id in wait.rivals))


def _first(waits: list[OpenWait], name: str) -> OpenWait | None:
    return next((wait for wait in waits if wait.name == name), None)


def _begins(event: HistoryEvent) -> bool:
    """Whether the code asked for something new, and not a retry on its own."""
    match event:
        case TaskScheduled(attempt=attempt) | ChildWorkflowInstanceCreated(attempt=attempt):
            return attempt == 1
        case TimerCreated(origin=origin):
            return isinstance(origin, EventWait | UserTimer)
        case _:
            return isinstance(event, DetachedWorkflowInstanceCreated)


def _rivals(began: Sequence[HistoryEvent]) -> tuple[int, ...]:
    timers = tuple(event.event_id for event in began if isinstance(event, TimerCreated) and isinstance(event.origin, UserTimer))
    return timers if all(isinstance(event, TimerCreated) for event in began) else ()
