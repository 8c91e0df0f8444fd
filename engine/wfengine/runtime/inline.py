"""Inline steps (`ctx.step`): functions that are not registered but held by the suspended workflow that asked for them."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any


class InlineStep:
    """Stands where the definition of a registered activity would: called with (ctx, input), it gives the function its arguments only."""

    timeout_s: float | None = None
    circuit_breaker = None
    transactional = False

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self.is_coroutine = inspect.iscoroutinefunction(function)

    def __call__(self, ctx: Any, payload: Sequence[Any] | None) -> Any:  # noqa: ARG002  # as a Definition is called
        """Run the function with the arguments that were recorded."""
        return self._function(*(payload or ()))
