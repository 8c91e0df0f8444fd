"""The definitions that a simulated engine may find registered or lacking. Made once: reading sources takes longer than a whole run."""

from datetime import timedelta
from typing import Any

from wfengine.model.circuit import CircuitBreaker, consecutive_failures
from wfengine.runtime.registry import Definition, Kind, Registry
from wfengine.testing.simulation.drawing import ACTIVITIES, BREAKABLE
from wfengine.testing.simulation.interpreter import edited, play, play_async
from wfengine.testing.simulation.shapes import ASYNC, PLAIN


class Library(Registry):
    """Everything, under its names, and the workflows as somebody may have edited them."""

    def __init__(self) -> None:
        super().__init__()
        self.edited: dict[str, Definition] = {}
        for name, workflow in ((PLAIN, play), (ASYNC, play_async)):
            self.add("workflow", workflow, name)
            self.edited[name] = Definition("workflow", name, edited(workflow))
        breaker = CircuitBreaker(timeout=timedelta(seconds=20), trip=consecutive_failures(2))
        for name in ACTIVITIES:
            self.add("activity", _never_called, name, circuit_breaker=breaker if name == BREAKABLE else None)


class Shelf(Registry):
    """The library with some names hidden. Workflows may be edited: both versions are then in memory, until the process dies."""

    def __init__(self, library: Library) -> None:
        super().__init__()
        self.library = library
        self.hidden: set[tuple[Kind, str]] = set()
        self._is_edited = False
        self._has_both = False

    def edit(self) -> None:
        """The workflows are registered as they were edited."""
        self._has_both = not self._is_edited or self._has_both
        self._is_edited = True

    def restore(self) -> None:
        """They are registered as they were."""
        self._has_both = self._is_edited or self._has_both
        self._is_edited = False

    def crash(self) -> None:
        """What is registered now is all that the next process knows."""
        self._has_both = False

    def has_original(self, name: str) -> bool:
        """Whether a definition is there as it was first written, and in no other way."""
        return all(hidden != name for _, hidden in self.hidden) and not self._is_edited and not self._has_both

    def find(
        self, kind: Kind, name: str, code_hash: str | None = None, *, app_id: str | None = None, version: str | None = None
    ) -> Definition | None:
        """As a registry does, for what is not hidden."""
        if (kind, name) in self.hidden:
            return None
        original = self.library.find(kind, name, app_id=app_id, version=version)
        if kind == "activity" or original is None or not (self._is_edited or self._has_both):
            return original
        edited_one = self.library.edited[name]
        newest, older = (edited_one, original) if self._is_edited else (original, edited_one)
        return older if self._has_both and code_hash == older.code_hash else newest


def _never_called(_ctx: Any, _input: Any) -> None:
    """What activities return is drawn, not computed."""
