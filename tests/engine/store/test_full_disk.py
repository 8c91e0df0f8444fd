"""A disk that takes no more: the writer says so, holds what it has, and goes on by itself when there is room again."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.store.desk import Desk, start_of, step_of
from wfengine.errors import EnginePaused

MEGABYTE = 1 << 20
PAYLOAD = '"' + "x" * 20_000 + '"'


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    mounted = tmp_path / "disk"
    mounted.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(mounted)], check=False, capture_output=True)
    if mount.returncode:
        pytest.skip("a small disk cannot be mounted here; the file size limit below is tested instead")
    yield mounted
    subprocess.run(["umount", "-l", str(mounted)], check=True)


def fill(disk: Path, *, leaving: int = 0) -> Path:
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - leaving
    filler.write_bytes(bytes(max(0, free)))
    return filler


def test_a_full_disk_pauses_the_writer_and_loses_nothing(small_disk: Path, opened: Callable[..., Desk]) -> None:
    desk = opened(small_disk / "wflab.duckdb").commit(start_of(1))
    filler = fill(small_disk)
    for number in range(1, 50):
        desk.store.submit(step_of(1, number, PAYLOAD), number)
    desk.wait(lambda: bool(desk.troubles))
    assert "takes no more (No space left on device" in str(desk.troubles[0])
    assert "it goes on by itself" in str(desk.troubles[0])
    held = len(desk.acknowledged)
    assert held < 50
    filler.unlink()
    desk.wait(lambda: len(desk.acknowledged) == 50)
    assert desk.troubles[-1] is None
    assert desk.acknowledged[1:] == list(range(1, 50))
    desk.store.close()
    assert len(opened(small_disk / "wflab.duckdb").store.history(1)) == 50


def test_duckdb_catches_up_after_its_disk_was_full_while_the_journal_had_room(small_disk: Path, opened: Callable[..., Desk]) -> None:
    """The journal's space is there beforehand, so commits go on where DuckDB cannot."""
    desk = opened(small_disk / "wflab.duckdb").commit(start_of(1))
    desk.store.flush()
    filler = fill(small_disk)
    desk.commit(*[step_of(1, number, PAYLOAD) for number in range(1, 10)])
    with pytest.raises(EnginePaused, match="safe in the journal"):
        desk.store.history(1)
    filler.unlink()
    # each attempt to read waits for DuckDB to try once more
    caught_up = next(found for found in (read_or_none(desk) for _ in range(100)) if found is not None)
    assert caught_up == 10


def read_or_none(desk: Desk) -> int | None:
    try:
        return len(desk.store.history(1))
    except EnginePaused:
        return None


def test_closing_on_a_full_disk_ends_and_the_journal_keeps_what_was_acknowledged(small_disk: Path, opened: Callable[..., Desk]) -> None:
    desk = opened(small_disk / "wflab.duckdb").commit(start_of(1))
    desk.store.flush()
    filler = fill(small_disk)
    desk.commit(*[step_of(1, number, PAYLOAD) for number in range(1, 10)])
    for number in range(10, 60):
        desk.store.submit(step_of(1, number, PAYLOAD), number)
    desk.wait(lambda: bool(desk.troubles))
    desk.store.close()
    acknowledged = len(desk.acknowledged)
    filler.unlink()
    assert acknowledged <= len(opened(small_disk / "wflab.duckdb").store.history(1)) < 60


LIMITED = """
import resource, sys
from tests.engine.store.desk import Desk, start_of, step_of
desk = Desk(sys.argv[1]).commit(start_of(1))
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, hard))
for number in range(1, 40):
    desk.store.submit(step_of(1, number, '"' + "x" * 20_000 + '"'), number)
desk.wait(lambda: bool(desk.troubles))
print(desk.troubles[0])
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
desk.wait(lambda: len(desk.acknowledged) == 40)
assert desk.troubles[-1] is None
desk.store.close()
"""


def test_a_limit_on_file_sizes_is_met_like_a_full_disk(place: Path, opened: Callable[..., Desk]) -> None:
    ended = subprocess.run([sys.executable, "-c", LIMITED, str(place)], check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "takes no more (File too large" in ended.stdout
    assert len(opened(place).store.history(1)) == 40
