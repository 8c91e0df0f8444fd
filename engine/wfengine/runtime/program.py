"""An activity that a program elsewhere runs: the program is connected, and has not said what it has registered."""

from typing import Any

from wfengine.runtime.executor import Elsewhere


class ProgramActivity:
    """Stands where the definition of a registered activity would. What it may take and how often it is tried is the caller's business."""

    timeout_s: float | None = None
    circuit_breaker = None
    transactional = False
    is_coroutine = False

    def __init__(self, workers: Elsewhere) -> None:
        self.workers = workers

    def __call__(self, ctx: Any, payload: Any) -> Any:
        """Never called here."""
        raise AssertionError(ctx, payload)
