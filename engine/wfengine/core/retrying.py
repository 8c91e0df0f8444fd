"""Retries and waits with a timeout, written as workflow code over the primitives. Replay knows nothing of them."""

from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any

from wfengine.core.tasks import Task, when_any
from wfengine.errors import TaskFailedError
from wfengine.model.retry import RetryPolicy

Code = Generator[Task[Any], Any, Any]


def with_retries(
    call: Callable[[int], Task[Any]], pause: Callable[[timedelta, int], Task[Any]], policy: RetryPolicy, *, identity: str
) -> Code:
    """Call until an attempt succeeds or the policy gives up; then the last failure is the outcome.

    `call(n)` asks for attempt n (1 is the first), `pause(delay, n)` for the timer before attempt n+1. `identity` seeds the jitter.
    """
    attempt = 1
    while True:
        try:
            return (yield call(attempt))
        except TaskFailedError as failed:
            delay = None if policy.gives_up_on(failed.details) else policy.pause_after(attempt, identity=identity)
            if delay is None:
                raise
        yield pause(delay, attempt)
        attempt += 1


def event_or_timeout(event: Task[Any], timer: Task[Any], *, name: str, limit: str, stop_waiting: Callable[[], None]) -> Code:
    """The event's data, or TimeoutError once the timer fires; then the waiter goes, so that a late event is kept for the next."""
    winner = yield when_any([event, timer])
    if winner is event:
        return event.get_result()
    stop_waiting()
    raise TimeoutError(f"Timed out after {limit} waiting for external event {name!r}")
