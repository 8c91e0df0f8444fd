"""A full disk under a lab: it says so everywhere a person looks, loses nothing, and goes on by itself when there is room."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import wflab as wf
from tests.lab.seed import PROGRAM, run_cell
from wfengine.errors import EnginePaused

pytestmark = pytest.mark.faults

PATIENCE_SECONDS = 60.0
LARGE = "x" * 20_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mounted = tmp_path / "disk"
    mounted.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(mounted)], check=False, capture_output=True)
    if mount.returncode:
        pytest.skip("a small disk cannot be mounted here (that needs root)")
    yield mounted
    subprocess.run(["umount", "-l", str(mounted)], check=True)


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(bytes(4096))
            except OSError:
                return filler


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_a_full_disk_pauses_the_lab_and_it_goes_on_when_there_is_room(small_disk: Path) -> None:
    with wf.Lab(small_disk / "wflab.duckdb") as lab:
        names = run_cell(PROGRAM)
        waiting = [lab.start(names["request_escalation"], {"amount": 5000}, f"order-{n}") for n in range(20)]
        filler = fill(small_disk)
        acknowledged, refused = [], []
        for n in range(2000):
            try:
                lab.start(names["request_escalation"], {"amount": 500, "note": LARGE}, f"late-{n}")
                acknowledged.append(f"late-{n}")
            except EnginePaused as error:
                refused.append((f"late-{n}", str(error)))
                if len(refused) == 3:
                    break
        assert len(refused) == 3, "the disk never filled up"
        assert "not acknowledged yet; it takes effect when there is room" in refused[0][1]
        assert "Nothing was recorded by this call" in refused[2][1]
        for text in (lab.status, repr(lab), waiting[0].why(), *(text for _, text in refused)):
            assert "takes no more (No space left on device" in text
            assert "Free a few megabytes" in text
            assert "\n" not in text
        with pytest.raises(EnginePaused, match="Free a few megabytes"):
            waiting[0].approve("human_approval")
        filler.unlink()
        eventually(lambda: lab.status == "running on wflab.duckdb")
        for run in waiting:
            run.approve()
        assert [run.result(PATIENCE_SECONDS) for run in waiting] == ["processed True"] * 20
        for instance_id in [*acknowledged, refused[0][0]]:
            assert lab.get(instance_id).result(PATIENCE_SECONDS) == "auto-approved"
        known = set(lab.runs.df().instance_id)
        assert refused[2][0] not in known, "what was refused was not recorded"
        print(f"{len(acknowledged)} acknowledged on the filling disk, {len(refused)} refused, {len(known)} completed")  # noqa: T201  # the work done


def test_what_was_acknowledged_before_the_disk_was_full_survives_a_close_in_that_state(small_disk: Path) -> None:
    with wf.Lab(small_disk / "wflab.duckdb") as lab:
        run_cell(PROGRAM)
        acknowledged = [lab.start("request_escalation", {"amount": 5000}, f"early-{n}").id for n in range(5)]
        filler = fill(small_disk)
        with pytest.raises(EnginePaused):  # noqa: PT012  # which of the starts fills the disk is not known
            for n in range(2000):
                lab.start("request_escalation", {"amount": 5000, "note": LARGE}, f"order-{n}")
                acknowledged.append(f"order-{n}")
    filler.unlink()
    with wf.Lab(small_disk / "wflab.duckdb") as lab:
        run_cell(PROGRAM)
        for instance_id in acknowledged:
            run = lab.get(instance_id)
            run.approve("human_approval")
            assert run.result(PATIENCE_SECONDS) == "processed True"
        assert lab.runs.count() >= len(acknowledged) >= 5
        print(f"{len(acknowledged)} acknowledged")  # noqa: T201  # the work done
