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
        return self._silenced(name, found) if callable(found) else found

    def _silenced(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if not self._agenda.is_replaying:
                return method(*args, **kwargs)
            if self._agenda.overhear is not None:
                self._agenda.overhear(name, args)
            return None

        return call
