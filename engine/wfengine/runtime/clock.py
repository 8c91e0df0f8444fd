"""What time it is: the machine's time, or a virtual time that moves when told to."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """`now` may be asked on any thread; the rest is for the engine's."""

    def now(self) -> datetime:
        """The present, aware UTC."""

    def seconds_until(self, moment: datetime) -> float | None:
        """How long to wait for `moment`; None where waiting does not bring it nearer."""


def machine_time() -> datetime:
    """What the machine's clock says; whoever sets it can set it to anything."""
    return datetime.now(UTC)


class RealClock:
    """The machine's clock, kept from going backwards: where that is set back, this one goes on from where it was."""

    def __init__(self, machine: Callable[[], datetime] = machine_time) -> None:
        self._machine = machine
        self._last = machine()
        self._ahead = timedelta()
        self._lock = threading.Lock()  # activities ask, too

    def now(self) -> datetime:
        """The present; never earlier than what was told before."""
        with self._lock:
            told = self._machine()
            if told < self._last:
                self._ahead += self._last - told
            self._last = told
            return told + self._ahead

    def seconds_until(self, moment: datetime) -> float | None:
        """How long to sleep; at most a minute, so that a clock that is set forward is noticed."""
        return min(max((moment - self.now()).total_seconds(), 0.0), 60.0)


class VirtualClock:
    """A time that stands still until it is set. It never goes back."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """The virtual present."""
        return self._now

    def seconds_until(self, moment: datetime) -> float | None:
        """Zero when `moment` has come, else None: waiting does not move virtual time."""
        return 0.0 if moment <= self._now else None

    def set(self, moment: datetime) -> None:
        """Move on to `moment`."""
        self._now = max(self._now, moment)
