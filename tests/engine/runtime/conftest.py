"""Real engines on real stores; every wait has a deadline."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from wfengine.runtime.engine import Engine
from wfengine.store.store import Store

Opener = Callable[..., Engine]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lab.duckdb"


@pytest.fixture
def opened(path: Path) -> Iterator[Opener]:
    """Open an engine on the test's file; whatever is still open is closed in the end, and no thread of ours may hold up the exit."""
    engines: list[Engine] = []

    def open_(**options: Any) -> Engine:
        engine = Engine(Store.open(path), **options)
        engines.append(engine)
        engine.start()
        return engine

    yield open_
    for engine in engines:
        assert (engine.trouble or "The lab is closed").startswith("The lab is closed")
        engine.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("wflab", "wfengine")) and not thread.daemon]


@pytest.fixture
def engine(opened: Opener) -> Engine:
    return opened()


@pytest.fixture
def advance(engine: Engine) -> Callable[[timedelta], None]:
    """Make time virtual and move it on."""
    engine.in_engine(engine.virtual_time.switch_on, 10)
    return lambda span: engine.in_engine(lambda ack: engine.virtual_time.advance(ack, span), 20)
