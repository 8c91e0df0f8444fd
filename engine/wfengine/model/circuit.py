"""Circuit breakers of activities, with the meaning of Dapr's resiliency policy; rules over a frozen state, with the time as an argument.

Closed, failures in a row are counted, and `trip` says when the circuit opens. Open, no attempt is made until `timeout` has passed. Then it is
half-open: `max_requests` attempts are let through on trial; that many successes close it, one failure opens it again. An attempt that was let through
before the state last changed says nothing about the present one; `generation` tells.
"""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from wfengine.errors import InvalidArgument
from wfengine.model.spans import LONGEST_SPAN
from wfengine.model.work import CircuitRow


class Circuit(StrEnum):
    """The three states of a circuit."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class ConsecutiveFailures(msgspec.Struct, gc=False, frozen=True):
    """Trips at the `most`th failure in a row."""

    most: int

    def __post_init__(self) -> None:
        if isinstance(self.most, bool) or not isinstance(self.most, int) or self.most < 1:
            raise InvalidArgument(f"consecutive_failures takes a number >= 1, not {self.most!r}.")

    def is_tripped(self, state: "CircuitState") -> bool:
        """Whether the circuit opens now."""
        return state.failures >= self.most


def consecutive_failures(most: int) -> ConsecutiveFailures:
    """Open the circuit at the `most`th failure in a row."""
    return ConsecutiveFailures(most)


class CircuitBreaker(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """Keeps attempts of an activity that keeps failing from being made at all.

    `max_requests` attempts at a time are let through on trial, and as many successes close the circuit; `interval` is how often the count of
    failures starts anew while the circuit is closed (0: never); `timeout` how long it stays open before it is tried again. Without a word in
    `trip` it opens at the fifth failure in a row.
    """

    max_requests: int = 1
    interval: timedelta = timedelta(0)
    timeout: timedelta = timedelta(seconds=60)
    trip: ConsecutiveFailures = ConsecutiveFailures(5)

    def __post_init__(self) -> None:
        if isinstance(self.max_requests, bool) or not isinstance(self.max_requests, int) or self.max_requests < 1:
            raise InvalidArgument(f"max_requests must be a number >= 1, not {self.max_requests!r}.")
        for name, span, least in (("interval", self.interval, "0"), ("timeout", self.timeout, "more than 0")):
            if not isinstance(span, timedelta):
                raise InvalidArgument(f"{name} must be a timedelta, for example timedelta(seconds=30), not {span!r}.")
            if not timedelta(0) <= span <= LONGEST_SPAN or (not span and name == "timeout"):
                raise InvalidArgument(
                    f"{name} must be {least}{'' if name == 'timeout' else ' or more'} and at most a hundred years, not {span}."
                )
        if not isinstance(self.trip, ConsecutiveFailures):
            raise InvalidArgument(f"trip must be consecutive_failures(n), not {self.trip!r}.")


class CircuitState(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """Where a circuit stands. `since` is when this state, or this interval of a closed circuit, began.

    `let_through` and `successes` count the trials while it is half-open; `failures` those in a row, up to the one that opened it.
    """

    circuit: Circuit = Circuit.CLOSED
    since: datetime
    failures: int = 0
    let_through: int = 0
    successes: int = 0
    generation: int = 0


def at(breaker: CircuitBreaker, state: CircuitState, now: datetime) -> CircuitState:
    """The state that mere time has made of `state`."""
    if state.circuit is Circuit.OPEN and now >= state.since + breaker.timeout:
        return _changed(state, Circuit.HALF_OPEN, now, failures=state.failures)
    if state.circuit is Circuit.CLOSED and breaker.interval and now >= state.since + breaker.interval:
        return _changed(state, Circuit.CLOSED, now)
    return state


def let_through(breaker: CircuitBreaker, state: CircuitState, now: datetime) -> CircuitState | None:
    """The state with one more attempt under way; None where the circuit refuses it."""
    present = at(breaker, state, now)
    match present.circuit:
        case Circuit.CLOSED:
            return present
        case Circuit.HALF_OPEN if present.let_through < breaker.max_requests:
            return msgspec.structs.replace(present, let_through=present.let_through + 1)
        case _:
            return None


def settled(breaker: CircuitBreaker, state: CircuitState, now: datetime, *, generation: int, has_failed: bool) -> CircuitState:
    """The state after an attempt has ended that was let through in `generation`."""
    present = at(breaker, state, now)
    if generation != present.generation:
        return present
    if present.circuit is Circuit.HALF_OPEN:
        if has_failed:
            return _changed(present, Circuit.OPEN, now, failures=present.failures + 1)
        if present.successes + 1 >= breaker.max_requests:
            return _changed(present, Circuit.CLOSED, now)
        return msgspec.structs.replace(present, successes=present.successes + 1)
    counted = msgspec.structs.replace(present, failures=present.failures + 1 if has_failed else 0)
    return _changed(counted, Circuit.OPEN, now, failures=counted.failures) if breaker.trip.is_tripped(counted) else counted


def _changed(state: CircuitState, circuit: Circuit, now: datetime, *, failures: int = 0) -> CircuitState:
    return CircuitState(circuit=circuit, since=now, failures=failures, generation=state.generation + 1)


def row_of(state: CircuitState, *, name: str, app_id: str | None, now: datetime) -> CircuitRow:
    """What is kept of a state. Trials under way are not: they end with the process."""
    return CircuitRow(at=now, name=name, state=state.circuit, consecutive_failures=state.failures, requests=state.successes, app_id=app_id)


def restored(row: CircuitRow) -> CircuitState:
    """The state that was kept. An interval begins again with its last change, for a row does not tell when it began."""
    return CircuitState(
        circuit=Circuit(row.state),
        since=row.at,
        failures=row.consecutive_failures,
        let_through=row.requests,
        successes=row.requests,
    )
