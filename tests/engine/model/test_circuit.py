"""Circuit breakers: Dapr's meaning of maxRequests, interval, timeout and trip, as rules over a frozen state."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wfengine.errors import InvalidArgument
from wfengine.model.circuit import Circuit, CircuitBreaker, CircuitState, at, consecutive_failures, let_through, restored, row_of, settled

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)
BREAKER = CircuitBreaker(max_requests=2, timeout=60 * SECOND, trip=consecutive_failures(3))


def after(breaker: CircuitBreaker, outcomes: str, state: CircuitState | None = None, now: datetime = NOW) -> CircuitState:
    """The state after attempts, one after the other, that failed (f) or succeeded (s)."""
    state = state or CircuitState(since=NOW)
    for outcome in outcomes:
        passed = let_through(breaker, state, now)
        assert passed is not None, f"refused: {state}"
        state = settled(breaker, passed, now, generation=passed.generation, has_failed=outcome == "f")
    return state


def test_it_opens_at_the_given_number_of_failures_in_a_row() -> None:
    assert after(BREAKER, "ff").circuit is Circuit.CLOSED
    assert after(BREAKER, "fff").circuit is Circuit.OPEN
    assert after(CircuitBreaker(), "fffff").circuit is Circuit.OPEN


def test_a_success_ends_the_row() -> None:
    assert after(BREAKER, "ffsff").circuit is Circuit.CLOSED
    assert after(BREAKER, "ffsfff").circuit is Circuit.OPEN


def test_while_open_nothing_is_let_through_until_its_timeout_has_passed() -> None:
    opened = after(BREAKER, "fff")
    assert let_through(BREAKER, opened, NOW + 59 * SECOND) is None
    tried = let_through(BREAKER, opened, NOW + 60 * SECOND)
    assert tried is not None
    assert tried.circuit is Circuit.HALF_OPEN


def test_half_open_lets_max_requests_through_and_no_more() -> None:
    later = NOW + 60 * SECOND
    first = let_through(BREAKER, after(BREAKER, "fff"), later)
    assert first is not None
    second = let_through(BREAKER, first, later)
    assert second is not None
    assert let_through(BREAKER, second, later) is None


def test_max_requests_successes_close_it_and_the_count_begins_anew() -> None:
    later = NOW + 60 * SECOND
    assert after(BREAKER, "s", after(BREAKER, "fff"), later).circuit is Circuit.HALF_OPEN
    closed = after(BREAKER, "ss", after(BREAKER, "fff"), later)
    assert (closed.circuit, closed.failures, closed.since) == (Circuit.CLOSED, 0, later)


@pytest.mark.parametrize("outcomes", ["f", "sf"])
def test_one_failure_on_trial_opens_it_for_another_timeout(outcomes: str) -> None:
    later = NOW + 60 * SECOND
    opened = after(BREAKER, outcomes, after(BREAKER, "fff"), later)
    assert (opened.circuit, opened.failures, opened.since) == (Circuit.OPEN, 4, later)
    assert let_through(BREAKER, opened, later + 59 * SECOND) is None


def test_an_attempt_from_before_the_last_change_says_nothing_about_the_present_state() -> None:
    slow = let_through(BREAKER, CircuitState(since=NOW), NOW)
    assert slow is not None
    tried = let_through(BREAKER, after(BREAKER, "fff", slow), NOW + 60 * SECOND)
    assert tried is not None
    for has_failed in (True, False):
        assert settled(BREAKER, tried, NOW + 61 * SECOND, generation=slow.generation, has_failed=has_failed) == tried


def test_an_interval_clears_the_failures_while_it_is_closed() -> None:
    breaker = CircuitBreaker(interval=10 * SECOND, trip=consecutive_failures(3))
    failing = after(breaker, "ff")
    assert at(breaker, failing, NOW + 9 * SECOND).failures == 2
    assert at(breaker, failing, NOW + 10 * SECOND).failures == 0
    assert after(breaker, "ff", failing, NOW + 10 * SECOND).circuit is Circuit.CLOSED


def test_without_an_interval_failures_are_never_cleared_by_time() -> None:
    assert at(BREAKER, after(BREAKER, "ff"), NOW + timedelta(days=1000)).failures == 2


def test_a_kept_state_goes_on_where_it_was_and_trials_under_way_are_made_again() -> None:
    opened = after(BREAKER, "fff")
    assert restored(row_of(opened, name="charge", app_id=None, now=NOW)) == CircuitState(circuit=Circuit.OPEN, since=NOW, failures=3)
    later = NOW + 60 * SECOND
    on_trial = let_through(BREAKER, after(BREAKER, "s", opened, later), later)
    assert on_trial is not None
    back = restored(row_of(on_trial, name="charge", app_id=None, now=later))
    assert (back.circuit, back.successes, back.let_through) == (Circuit.HALF_OPEN, 1, 1)


@given(
    most=st.integers(1, 4),
    trials=st.integers(1, 3),
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=60),
)
def test_whatever_happens_it_is_closed_below_the_limit_and_an_open_circuit_always_opens_up_again(
    most: int, trials: int, steps: list[tuple[bool, int]]
) -> None:
    breaker = CircuitBreaker(max_requests=trials, timeout=30 * SECOND, trip=consecutive_failures(most))
    state, now = CircuitState(since=NOW), NOW
    for has_failed, seconds in steps:
        now += seconds * SECOND
        passed = let_through(breaker, state, now)
        if passed is None:
            assert state.circuit is not Circuit.CLOSED
            assert now < state.since + breaker.timeout
            continue
        state = settled(breaker, passed, now, generation=passed.generation, has_failed=has_failed)
        assert state.circuit is not Circuit.CLOSED or state.failures < most
        assert state.let_through <= trials
    assert let_through(breaker, state, now + breaker.timeout) is not None


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"max_requests": 0}, "max_requests must be a number >= 1"),
        ({"max_requests": True}, "max_requests must be a number >= 1"),
        ({"interval": 3}, "interval must be a timedelta"),
        ({"interval": -SECOND}, "interval must be 0 or more"),
        ({"timeout": timedelta(0)}, "timeout must be more than 0"),
        ({"timeout": "60s"}, "timeout must be a timedelta"),
        ({"trip": 5}, r"trip must be consecutive_failures\(n\)"),
    ],
)
def test_what_makes_no_circuit_breaker_is_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        CircuitBreaker(**wrong)


@pytest.mark.parametrize("most", [0, -1, 1.5, "5", True])
def test_a_row_of_failures_is_a_number_of_at_least_one(most: Any) -> None:
    with pytest.raises(InvalidArgument, match="consecutive_failures takes a number >= 1"):
        consecutive_failures(most)
