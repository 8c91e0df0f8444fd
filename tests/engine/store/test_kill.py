"""kill -9 at random moments under load: every acknowledged commit is there after reopening.

Invariants, checked at each reopening by the next victim and at the end here: the history has no gap, no double, and reaches at least
to the last acknowledgement. The test counts kills and acknowledgements and fails when they are too few to mean anything.
"""

import os
import random
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.store.desk import Desk

VICTIM = Path(__file__).with_name("victim.py")
KILLS = 500 if os.environ.get("WFLAB_LONG") else 30
LONGEST_LIFE_SECONDS = 0.25 if os.environ.get("WFLAB_LONG") else 0.15


def lines_until_killed(path: Path, mode: str, life_seconds: float) -> list[str]:
    """Let a victim live for a while after its first acknowledgement; answers all that it said."""
    with subprocess.Popen([sys.executable, str(VICTIM), str(path), mode], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as victim:
        assert victim.stdout is not None
        assert victim.stderr is not None
        said = b""
        ends_at = time.monotonic() + 60
        while ends_at > time.monotonic():
            ready, _, _ = select.select([victim.stdout], [], [], max(0.0, ends_at - time.monotonic()))
            if ready:
                if not (piece := os.read(victim.stdout.fileno(), 1 << 16)):
                    break
                if b"A" not in said and b"A" in piece:
                    ends_at = time.monotonic() + life_seconds
                said += piece
        victim.kill()
        said += victim.stdout.read()
        errors = victim.stderr.read().decode()
    assert b"A" in said, f"the victim died before its first commit: {errors}"
    return said.decode().split("\n")[:-1]


@pytest.mark.timeout(0 if os.environ.get("WFLAB_LONG") else 120)
@pytest.mark.slow
def test_no_acknowledged_commit_is_lost_however_often_the_owner_is_killed(place: Path, opened: Callable[..., Desk]) -> None:
    chance = random.Random(20261122)
    acknowledged = 0
    last = -1
    for kill in range(KILLS):
        lines = lines_until_killed(place, "restless" if kill % 3 == 2 else "load", chance.uniform(0, LONGEST_LIFE_SECONDS))
        found = int(lines[0].removeprefix("R "))
        assert found > last, f"kill {kill}: commit {last} was acknowledged, {found} were found"
        tokens = [int(line.removeprefix("A ")) for line in lines[1:]]
        assert tokens == list(range(tokens[0], tokens[0] + len(tokens))), "acknowledgements in order, none left out"
        acknowledged += len(tokens)
        last = max(last, tokens[-1])
    store = opened(place).store
    history = [row.sequence for row in store.history(1)]
    assert history == list(range(len(history)))
    assert len(history) > last
    assert acknowledged >= 20 * KILLS, f"only {acknowledged} acknowledgements in {KILLS} kills mean nothing"
