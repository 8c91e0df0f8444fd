"""kill -9 at random moments under load of transactional activities: what they wrote is there as often as their completion is recorded.

At the end every instance has completed; each activity's row is in the user's table once, and `transactions` has its result. The test counts how often
the process died between an activity's commit and the record of its completion, and fails where that was too seldom to mean anything.
`WFLAB_SEED` repeats the choice of moments.
"""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.forked_lives import DEPTH, STARTS, WIDTH
from wfengine.store.store import Store

PROGRAM = Path(__file__).with_name("forked_lives.py")
LANES = 2
KILLS = 1000 if os.environ.get("WFLAB_LONG") else 200


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_rows_written_are_completions_recorded_however_often_the_process_is_killed(tmp_path: Path) -> None:
    seed = int(os.environ.get("WFLAB_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"WFLAB_SEED={seed}")  # noqa: T201  # to repeat it
    began = time.monotonic()
    files = [tmp_path / f"lane-{lane}.duckdb" for lane in range(LANES)]
    lanes = [
        subprocess.Popen([sys.executable, str(PROGRAM), "book", str(file), str(KILLS // LANES), str(seed + lane)], stderr=subprocess.PIPE)
        for lane, file in enumerate(files)
    ]
    for lane in lanes:
        _, errors = lane.communicate(timeout=800)
        assert lane.returncode == 0, errors.decode()[-3000:]
    told_from_record = sum(checked(file) for file in files)
    print(f"{KILLS} kills, {told_from_record} completions told from the record, {time.monotonic() - began:.0f} s")  # noqa: T201  # the work done
    assert told_from_record >= KILLS // 20, "too few deaths between a commit and its record to mean anything"


def checked(file: Path) -> int:
    """Check a lane's record; how many completions were found committed when the attempt was taken up again."""
    store = Store.open(file)
    with store.cursor() as cursor:
        statuses = Counter(row[0] for row in cursor.execute("SELECT status FROM instances").fetchall())
        scheduled = cursor.execute("SELECT key, event_id, task_execution_id FROM events WHERE type = 'TaskScheduled'").fetchall()
        completed = cursor.execute("SELECT key, event_id, started_at FROM events WHERE type = 'TaskCompleted'").fetchall()
        booked = Counter(row[0] for row in cursor.execute("SELECT execution FROM bookings").fetchall())
        committed = cursor.execute("SELECT instance, event_id, committed_at FROM transactions").fetchall()
    store.close()
    trips = KILLS // LANES * STARTS
    assert statuses == {"COMPLETED": trips}
    assert len(scheduled) == trips * WIDTH * DEPTH
    executions = {(key, event_id): execution for key, event_id, execution in scheduled}
    assert booked == Counter(executions[key, event_id] for key, event_id, _ in completed), "rows written = completions recorded"
    at = {(key, event_id): moment for key, event_id, moment in committed}
    assert len(at) == len(committed) == len(completed)
    return sum(at[key, event_id] < started_at for key, event_id, started_at in completed)
