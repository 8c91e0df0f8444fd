"""A lab on a file of its own, as a user opens it, and the same file opened again."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

import wflab as wf


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., wf.Lab]]:
    """Opens the test's lab; once more closes it first, so that all its code is gone from memory."""
    labs: list[wf.Lab] = []

    def open_lab(**options: Any) -> wf.Lab:
        for lab in labs:
            lab.close()
        labs[:] = [wf.Lab(tmp_path / "lab.duckdb", **options)]
        return labs[0]

    yield open_lab
    for lab in labs:
        lab.close()


@pytest.fixture
def lab(opened: Callable[..., wf.Lab]) -> wf.Lab:
    return opened()


@pytest.fixture
def release() -> Iterator[Event]:
    """What an activity waits for that is to be under way for a while."""
    event = Event()
    yield event
    event.set()
