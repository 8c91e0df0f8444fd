"""The circuits of all activities with a breaker: one for each name within an app. Used by the engine's thread only.

A circuit's state is durable: whoever ends an attempt gets the row that must travel with the commit of that end.
"""

from collections.abc import Iterable
from datetime import datetime

from wfengine.model.circuit import Circuit, CircuitBreaker, CircuitState, at, let_through, restored, row_of, settled
from wfengine.model.failure import FailureDetails
from wfengine.model.work import CircuitRow

_Place = tuple[str | None, str]
_Kept = tuple[str, int, int]


class Circuits:
    """Begins with the newest row of each circuit."""

    def __init__(self, rows: Iterable[CircuitRow]) -> None:
        self._states: dict[_Place, CircuitState] = {}
        self._kept: dict[_Place, _Kept] = {}
        self._rows: dict[_Place, CircuitRow] = {}
        for row in rows:
            self._states[row.app_id, row.name] = restored(row)
            self._kept[row.app_id, row.name] = row.state, row.consecutive_failures, row.requests

    def enter(self, breaker: CircuitBreaker, app_id: str | None, name: str, now: datetime) -> int | FailureDetails:
        """Let an attempt through: the generation to settle it by. Or the failure of an attempt that is not made."""
        state = self._states.get((app_id, name)) or CircuitState(since=now)
        passed = let_through(breaker, state, now)
        if passed is None:
            return _refusal(breaker, at(breaker, state, now), name)
        self._states[app_id, name] = passed
        return passed.generation

    def settle(
        self, breaker: CircuitBreaker, app_id: str | None, name: str, now: datetime, *, generation: int, has_failed: bool
    ) -> CircuitRow | None:
        """Count the end of an attempt; the row to record, where that changed anything."""
        place = app_id, name
        state = settled(breaker, self._states[place], now, generation=generation, has_failed=has_failed)
        self._states[place] = state
        row = row_of(state, name=name, app_id=app_id, now=now)
        kept = row.state, row.consecutive_failures, row.requests
        if kept == self._kept.get(place, (Circuit.CLOSED, 0, 0)):
            return None
        self._kept[place] = kept
        self._rows[place] = row
        return row

    def newest(self, row: CircuitRow) -> CircuitRow:
        """What is to be recorded instead of this row by now: commits of several instances carry them, and the last one counts."""
        return self._rows.get((row.app_id, row.name), row)


def _refusal(breaker: CircuitBreaker, state: CircuitState, name: str) -> FailureDetails:
    times = "failure" if state.failures == 1 else "failures in a row"
    opened = f"The circuit of activity {name!r}"
    if state.circuit is Circuit.OPEN:
        again = f"{opened} has been open since {_told(state.since)}, after {state.failures} {times}. It is tried again from {_told(state.since + breaker.timeout)} on."
    else:
        again = f"{opened} has been half-open since {_told(state.since)}, after {state.failures} {times}, and is on trial: no more than {breaker.max_requests} at a time are let through until that has ended."
    return FailureDetails(message=again, error_type="CircuitOpenError")


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
