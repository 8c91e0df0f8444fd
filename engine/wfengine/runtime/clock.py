"""What time it is: the machine's time, or a virtual time that moves when told to."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Used by the engine's thread only."""

    def now(self) -> datetime:
        """The present, aware UTC."""

    def seconds_until(self, moment: datetime) -> float | None:
        """How long to wait for `moment`; None where waiting does not bring it nearer."""


class RealClock:
    """The machine's clock, kept from going backwards."""

    def __init__(self) -> None:
        self._latest = datetime.now(UTC)

    def now(self) -> datetime:
        """The present; never earlier than what was told before, also when the machine's clock is set back."""
        self._latest = max(self._latest, datetime.now(UTC))
        return self._latest

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
