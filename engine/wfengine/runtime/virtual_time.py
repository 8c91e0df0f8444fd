"""Virtual time: it stands still while anything can happen, and jumps from timer to timer when told to go on.

So a seven-day timeout takes no longer than the work around it, and histories carry the virtual times. All on the engine's thread.
"""

from concurrent.futures import Future
from datetime import datetime, timedelta

from wfengine.errors import InvalidArgument
from wfengine.runtime.clock import RealClock, VirtualClock
from wfengine.runtime.turns import Turns


class VirtualTime:
    """Exchanges the clock of `turns` and moves it."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._target: datetime | None = None
        self._ack: Future[None] | None = None

    @property
    def is_on(self) -> bool:
        """Whether time is virtual now."""
        return isinstance(self._turns.clock, VirtualClock)

    def switch_on(self, ack: "Future[None]") -> None:
        """Stop time at the present."""
        if not self.is_on:
            self._turns.clock = VirtualClock(self._turns.clock.now())
        ack.set_result(None)

    def switch_off(self, ack: "Future[None]") -> None:
        """Back to the machine's time. Timers that are due by it fire; histories never go back in time. A move under way ends here."""
        self._arrived()
        self._turns.clock = RealClock()
        ack.set_result(None)

    def advance(self, ack: "Future[None]", span: timedelta) -> None:
        """Move on by `span`: each timer within it fires at its time, and what follows from it happens before the next."""
        self._go_to(self._virtual_clock().now() + span, ack)

    def skip(self, ack: "Future[None]") -> None:
        """Move on to the next timer that somebody waits for; nothing happens where there is none."""
        clock = self._virtual_clock()
        self._go_to(self._next_wanted() or clock.now(), ack)

    def can_move(self) -> bool:
        """Whether a move is under way and nothing else can happen first."""
        return self._target is not None and self._turns.is_idle()

    def move(self) -> None:
        """One step of a move: to the next timer, or to the end of the way."""
        clock = self._turns.clock
        if self._target is None or self._ack is None or not self._turns.is_idle() or not isinstance(clock, VirtualClock):
            return
        due = self._next_wanted()
        if due is not None and due <= self._target:
            clock.set(due)
            self._turns.fire_due()
            return
        clock.set(self._target)
        self._arrived()

    def give_up(self, error: Exception) -> None:
        """The engine ends: a move under way does not come to its end."""
        if self._ack is not None:
            self._ack.set_exception(error)

    def _arrived(self) -> None:
        ack, self._ack, self._target = self._ack, None, None
        if ack is not None:
            ack.set_result(None)

    def _go_to(self, target: datetime, ack: "Future[None]") -> None:
        if self._target is not None:
            raise InvalidArgument("Virtual time is already on its way; wait for that move to end.")
        self._target, self._ack = target, ack

    def _virtual_clock(self) -> VirtualClock:
        clock = self._turns.clock
        if not isinstance(clock, VirtualClock):
            raise InvalidArgument("The lab's clock is real and cannot be moved. Call lab.clock.virtual() first.")
        return clock

    def _next_wanted(self) -> datetime | None:
        timers = self._turns.timers
        while (first := timers.first()) is not None:
            if self._turns.is_wanted(first):
                return first.fire_at
            timers.drop_first()
        return None
