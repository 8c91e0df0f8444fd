"""Which event waits of an execution are open: told from its history alone, turn by turn, so that it is known also where no code is there to ask.

Waits of a name, in any case, are served oldest first, and an event that found nobody waiting serves whoever asks next. History holds no
record of a wait that was served at once by an event which had come before it; only a wait of the turn that brought the event may have been
there first, as a turn's events all stand before what its code asked for. The view `waits` in store/views.sql reads a history the same way.

History does not tell whether a wait and a timer that a turn asked for together race each other, or are waited for one after the other. Only
the source does (`Racing`); without it a wait is open until an event or its own timeout ends it. What it takes to ask the source stands with each wait.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from wfengine.model.history import (
    ConfirmingEvent,
    EventRaised,
    EventWait,
    HistoryEvent,
    TimerCreated,
    TimerFired,
    UserTimer,
)
from wfengine.model.work import HistoryRow


class WaitKey(NamedTuple):
    """Which wait: the execution's key, and the number of the action that asked for it."""

    execution: int
    event_id: int


Racing = Callable[[str | None, Sequence[TimerCreated]], Mapping[int, Collection[int]]]
"""A source and the timers and waits that one turn of it asked for → for each wait that the code surely leaves behind once one of them fires, the timers."""


def no_races(_source: str | None, _asked: Sequence[TimerCreated]) -> Mapping[int, Collection[int]]:
    """Nothing is known of any source."""
    return {}


class OpenWait(msgspec.Struct, frozen=True):
    """A wait that its code asked for in `turn`. `beside` are all timers and waits of that turn, itself too; `fired` are those of the timers that have fired.

    Whether it races any of them is not told here.
    """

    event: TimerCreated
    turn: int
    beside: tuple[TimerCreated, ...] = ()
    fired: frozenset[int] = frozenset()

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
    def has_timers_beside(self) -> bool:
        """Whether there is anything that it may race."""
        return any(isinstance(event.origin, UserTimer) for event in self.beside)


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
    if fired:
        left = [_after_timers(wait, fired) for wait in left]
    beside = tuple(event for event in asked if isinstance(event, TimerCreated) and isinstance(event.origin, EventWait | UserTimer))
    for event in beside:
        if isinstance(event.origin, EventWait):
            name = event.origin.name.casefold()
            if spare[name]:
                spare[name] -= 1
            else:
                left.append(OpenWait(event, turn, beside))
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


def closing(waits: Open, wait: OpenWait, pending: Iterable[HistoryEvent], rivals: Collection[int] = ()) -> EventRaised | TimerFired | None:
    """What closes `wait` among events that have arrived and that no code has taken up yet. `rivals` are timers that it races."""
    left = list(waits)
    for event in pending:
        if isinstance(event, TimerFired):
            if event.timer_id == wait.event.event_id or event.timer_id in rivals:
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
    older = [other for other in waits[: waits.index(wait)] if other.name == wait.name]
    gathered = tuple(pending)
    return next((other for other in older if closing(waits, other, gathered) is None), None)  # also one that lost a race gets the event


def _after_timers(wait: OpenWait, fired: set[int]) -> OpenWait:
    found = wait.fired.union(event.event_id for event in wait.beside if event.event_id in fired)
    return wait if len(found) == len(wait.fired) else msgspec.structs.replace(wait, fired=found)


def _first(waits: list[OpenWait], name: str) -> OpenWait | None:
    return next((wait for wait in waits if wait.name == name), None)
