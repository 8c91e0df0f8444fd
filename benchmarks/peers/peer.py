"""What every engine in the comparison offers: four small workflows, equal in work, and the verbs to start, wake and await them.

This file and `works.py` are read by the Python of each engine's own environment: the standard library only.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

# When each activity began; the works read it. Activities run in the measuring process with every engine, so that one clock serves.
begun: list[float] = []


def add_one(number: int) -> int:
    """What every activity does."""
    begun.append(time.perf_counter())
    return number + 1


class Peer(Protocol):
    """An engine on a directory of its own, running. Its module offers it as `opened(directory)`, a context manager.

    It knows the workflows `chain` (that many activities in a row), `fan` (that many at once), `sleeper` (sleeps for a day) and
    `approval` (waits for the event "approved", then one activity).
    """

    starters: int  # how many threads start sleepers: what is quickest with this engine

    def start(self, workflow: str, argument: int, instance_id: str) -> Any:
        """Start one; what comes back is for `result`. Where the engine is durable, the start is on disk when this returns."""

    def result(self, started: Any) -> int:
        """Wait for its end."""

    def found(self, instance_id: str) -> Any:
        """What `start` gave, of an instance that a former process started."""

    def waiting(self, instance_ids: list[str]) -> None:
        """Wait until each of these, started as `sleeper` or `approval`, has recorded what it waits for."""

    def approve(self, instance_id: str) -> None:
        """Raise the event."""

    def durability(self) -> str:
        """What is synced when, as far as the engine itself can be asked."""


def until(is_so: Callable[[], bool]) -> None:
    """Ask until it is so. The limit is the cell's: whoever started this process ends it."""
    while not is_so():
        time.sleep(0.005)


def database(directory: Path) -> Path:
    """Where an engine on SQLite keeps its file."""
    return directory / "peer.sqlite"


def sqlite_durability(execute: Any) -> str:
    """What a connection to SQLite says of itself."""
    journal, synchronous = (execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous"))
    return f"SQLite, journal_mode={journal}, synchronous={('OFF', 'NORMAL', 'FULL', 'EXTRA')[synchronous]}"


def pause() -> None:
    """The shortest that a waiting thread leaves the others alone."""
    time.sleep(0.001)
