"""Where a lab lies in these tests, and opening it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.store.desk import Desk


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "wflab.duckdb"


@pytest.fixture
def opened() -> Iterator[Callable[..., Desk]]:
    """Open stores that are closed when the test ends."""
    desks: list[Desk] = []

    def opening(path: str | os.PathLike[str], *, holder: str | None = None, up_to_damage: bool = False) -> Desk:
        desks.append(Desk(path, holder=holder, up_to_damage=up_to_damage))
        return desks[-1]

    yield opening
    for desk in desks:
        desk.store.close()
