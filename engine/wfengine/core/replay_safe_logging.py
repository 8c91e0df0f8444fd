"""Logging from workflow code: once, however often the code is replayed."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from wfengine.core.agenda import Agenda

L = TypeVar("L")


class ReplaySafeLogger(Generic[L]):
    """Everything that `logger` has, with calls that do nothing while history is replayed.

    It touches no log of its own: `logger` is the caller's, a `logging.Logger` or anything with such methods.
    """

    def __init__(self, logger: L, agenda: Agenda) -> None:
        self._logger = logger
        self._agenda = agenda

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._logger, name)
        return self._silenced(found) if callable(found) else found

    def _silenced(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            return None if self._agenda.is_replaying else method(*args, **kwargs)

        return call
