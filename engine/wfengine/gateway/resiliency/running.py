"""Making calls under a policy: each attempt within its time, again where the policy says so, and none while a circuit is open.

Circuits have the rules of the engine's own (`model.circuit`), and last as long as the gateway does.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Generic, NamedTuple, TypeVar

from wfengine.errors import EngineError, WflabError
from wfengine.gateway.resiliency.policies import Policy
from wfengine.model.circuit import CircuitState, let_through, settled

T = TypeVar("T")


class Attempt(NamedTuple, Generic[T]):
    """What came of one attempt: its result, and if it has failed, with which status (None: no answer at all)."""

    result: T
    has_failed: bool = False
    status: int | None = None


class CircuitOpen(EngineError):
    """The target has failed so often that it is not called for a while."""

    def __init__(self, target: str) -> None:
        super().__init__(f"The circuit of {target} is open: it has failed too often, and is tried again after a while.")


class TooSlow(EngineError):
    """No answer came within the policy's time."""


class Circuits:
    """The circuits of one gateway, on its loop."""

    def __init__(self) -> None:
        self._states: dict[str, CircuitState] = {}

    async def run(self, policy: Policy, key: str, attempt: Callable[[], Awaitable[Attempt[T]]]) -> T:
        """The result of the first attempt that does not fail, or of the last. Raises CircuitOpen, TooSlow, and whatever the last attempt raises."""
        tries = 0
        while True:
            tries += 1
            error: Exception | None = None
            made: Attempt[T] | None = None
            try:
                made = await self._guarded(policy, f"{policy.name}:{key}", attempt)
            except CircuitOpen:
                if policy.retry is None or policy.retry.is_over(tries):
                    raise
            except (OSError, WflabError) as failure:
                error = failure
            if made is not None and not made.has_failed:
                return made.result
            retry = policy.retry
            if retry is None or retry.is_over(tries) or not retry.covers(made.status if made else None):
                if error is not None:
                    raise error
                if made is not None:
                    return made.result
                raise CircuitOpen(policy.name)
            await asyncio.sleep(retry.wait(tries).total_seconds())

    async def _guarded(self, policy: Policy, key: str, attempt: Callable[[], Awaitable[Attempt[T]]]) -> Attempt[T]:
        breaker = policy.breaker
        if breaker is None:
            return await _timed(policy, attempt)
        now = datetime.now(UTC)
        state = let_through(breaker, self._states.get(key) or CircuitState(since=now), now)
        if state is None:
            raise CircuitOpen(policy.name)
        self._states[key] = state
        has_failed = True
        try:
            made = await _timed(policy, attempt)
            has_failed = made.has_failed
            return made
        finally:
            self._states[key] = settled(breaker, self._states[key], datetime.now(UTC), generation=state.generation, has_failed=has_failed)


async def _timed(policy: Policy, attempt: Callable[[], Awaitable[Attempt[T]]]) -> Attempt[T]:
    if policy.timeout is None:
        return await attempt()
    try:
        async with asyncio.timeout(policy.timeout.total_seconds()):
            return await attempt()
    except TimeoutError:
        raise TooSlow(f"No answer came within {policy.timeout.total_seconds():g} s.") from None
