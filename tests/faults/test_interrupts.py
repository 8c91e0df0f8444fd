"""Row 10 of the faults, in its short form: Ctrl-C at random moments in calls on the main thread.

The caller sees KeyboardInterrupt and nothing else, the engine lives on, the next call works, and what was acknowledged is recorded. `WFLAB_SEED` repeats the
choice of moments.
"""

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import IO

import pytest

import wflab as wf

PROGRAM = Path(__file__).with_name("interrupted.py")
ROUNDS = 1000 if os.environ.get("WFLAB_LONG") else 120
LONGEST_SECONDS = 0.015
PRESS_AGAIN_SECONDS = 5.0
PATIENCE_SECONDS = 60.0


def _says_something(stream: IO[bytes], seconds: float) -> bool:
    """Whether there is something to read in time."""
    return bool(select.select([stream], [], [], seconds)[0])


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_ctrl_c_at_any_moment_of_a_call_is_a_keyboard_interrupt_and_harms_nothing(tmp_path: Path) -> None:
    seed = int(os.environ.get("WFLAB_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"WFLAB_SEED={seed}")  # noqa: T201  # to repeat it
    chance = random.Random(seed)
    pressed_again = 0
    path, notes = tmp_path / "wflab.duckdb", tmp_path / "notes"
    with subprocess.Popen(
        [sys.executable, str(PROGRAM), str(path), str(notes), str(ROUNDS)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        for _ in range(ROUNDS):
            if not _says_something(child.stdout, PATIENCE_SECONDS) or os.read(child.stdout.fileno(), 2) != b"r\n":
                break
            time.sleep(chance.uniform(0, LONGEST_SECONDS))  # the moment itself is what is drawn
            child.send_signal(signal.SIGINT)
            if not _says_something(child.stdout, PRESS_AGAIN_SECONDS):
                pressed_again += 1  # as a person does: Python swallows an interrupt that comes inside a destructor
                child.send_signal(signal.SIGINT)
            if not _says_something(child.stdout, PATIENCE_SECONDS) or os.read(child.stdout.fileno(), 2) != b"k\n":
                break
        told, errors = child.communicate(timeout=120)
    assert child.returncode == 0, errors.decode()
    interrupted = Counter(json.loads(told))
    print(interrupted, pressed_again)  # noqa: T201  # the work done
    assert pressed_again <= ROUNDS // 100
    assert interrupted.total() == ROUNDS
    assert min(interrupted.values()) >= ROUNDS // 6
    acknowledged = [json.loads(line) for line in notes.read_text().splitlines()]
    assert len(acknowledged) >= ROUNDS // 4, "too few acknowledgements to mean anything"
    with wf.Lab(path) as lab:
        ids = set(lab.sql("SELECT instance_id FROM instances").instance_id)
        heard = list(lab.sql("SELECT data::INT AS number FROM events WHERE type = 'EventRaised' ORDER BY sequence").number)
        ended = Counter(lab.sql("SELECT status FROM instances WHERE name = 'quick'").status)
    assert {what for kind, what in acknowledged if kind == "start"} <= ids
    told_of = [what for kind, what in acknowledged if kind == "event"]
    assert [number for number in heard if number in set(told_of)] == told_of
    assert len(heard) == len(set(heard)), "an event was recorded twice"
    assert set(ended) <= {"COMPLETED", "RUNNING", "PENDING"}
    assert ended["COMPLETED"] >= ROUNDS
