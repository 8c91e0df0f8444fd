"""After a crash: nothing acknowledged is missing, nothing is there twice, and what cannot be repaired is said."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.store.desk import Desk, step_of
from wfengine.errors import StoreCorrupt
from wfengine.store.store import Store

pytestmark = pytest.mark.slow

VICTIM = Path(__file__).with_name("victim.py")


def crash(path: Path, mode: str, count: int) -> None:
    """Commit `count` times in another process, which ends without closing anything."""
    subprocess.run([sys.executable, str(VICTIM), str(path), mode, str(count)], check=True, capture_output=True)


def sequences(store: Store) -> list[int]:
    return [row.sequence for row in store.history(1)]


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Labs as crashes left them: everything in DuckDB's log, or nothing but the journal."""
    folders = {mode: tmp_path_factory.mktemp(mode) for mode in ("crash", "unapplied")}
    for mode, folder in folders.items():
        crash(folder / "wflab.duckdb", mode, 40)
    return folders


@pytest.fixture
def crashed(crashes: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    """A copy of such a lab."""

    def copy(mode: str) -> Path:
        folder = tmp_path / mode
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(crashes[mode], folder)
        return folder / "wflab.duckdb"

    return copy


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(data)


def test_the_journal_alone_brings_everything_back(crashed: Callable[[str], Path], opened: Callable[..., Desk]) -> None:
    store = opened(crashed("unapplied")).store
    assert sequences(store) == list(range(40))
    assert store.opened_notes == ["Recovered 40 commits from the journal."]


def test_a_crash_between_applying_and_checkpoint_applies_nothing_twice(crashed: Callable[[str], Path], opened: Callable[..., Desk]) -> None:
    path = crashed("crash")
    assert path.with_name(path.name + ".wal").exists()
    desk = opened(path)
    assert sequences(desk.store) == list(range(40))
    assert desk.store.opened_notes == []
    desk.commit(step_of(1, 40))
    desk.store.close()
    assert sequences(opened(path).store) == list(range(41))


def test_a_log_of_duckdb_that_will_not_replay_is_moved_aside_and_nothing_lost(
    crashed: Callable[[str], Path], opened: Callable[..., Desk]
) -> None:
    path = crashed("crash")
    log = path.with_name(path.name + ".wal")
    flip(log, log.stat().st_size // 2)
    desk = opened(path)
    assert sequences(desk.store) == list(range(40))
    moved, recovered = desk.store.opened_notes
    assert moved.startswith("DuckDB's log could not be replayed and was moved to")
    assert recovered.startswith("Recovered")
    assert list(path.parent.glob("*.wal.quarantined-*"))
    desk.commit(step_of(1, 40))
    desk.store.close()
    assert sequences(opened(path).store) == list(range(41))


@pytest.mark.parametrize("part", range(1, 12))
def test_wherever_duckdbs_log_is_damaged_or_cut_nothing_is_lost(crashed: Callable[[str], Path], part: int) -> None:
    path = crashed("crash")
    log = path.with_name(path.name + ".wal")
    offset = log.stat().st_size * part // 12
    if part % 2:
        flip(log, offset)
    else:
        os.truncate(log, offset)
    store = Store.open(path)
    assert sequences(store) == list(range(40))
    store.close()


def test_a_torn_journal_opens_with_the_exact_prefix(crashed: Callable[[str], Path]) -> None:
    """As a power cut leaves it: nobody knows any more that the end was once synced."""
    for cut in (1, 50, 200, 1000):
        path = crashed("unapplied")
        (segment,) = path.with_name(path.name + ".journal").glob("*.journal")
        segment.with_name("acknowledged").unlink()
        end = len(segment.read_bytes().rstrip(b"\0"))
        os.truncate(segment, end - cut)
        store = Store.open(path)
        found = sequences(store)
        assert found == list(range(len(found)))
        assert 30 < len(found) < 40
        store.close()


@pytest.mark.parametrize("lost", ["its last byte", "its last segment"])
def test_an_acknowledged_end_that_is_gone_is_refused_each_time_and_never_taken_for_a_cut_write(
    crashed: Callable[[str], Path], opened: Callable[..., Desk], lost: str
) -> None:
    path = crashed("unapplied")
    (segment,) = path.with_name(path.name + ".journal").glob("*.journal")
    if lost == "its last byte":
        os.truncate(segment, len(segment.read_bytes().rstrip(b"\0")) - 1)
    else:
        segment.unlink()
    found = 39 if segment.exists() else 0
    for _ in range(2):
        with pytest.raises(StoreCorrupt, match=f"damaged behind commit {found} "):
            Store.open(path)
    desk = opened(path, up_to_damage=True)
    assert sequences(desk.store) == list(range(found))
    desk.commit(*[step_of(1, number) for number in range(found, 41)])
    desk.store.close()
    assert [path.name] == [left.name for left in path.parent.iterdir() if "damaged" not in left.name and left.is_file()]
    with opened(path).store.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM history").fetchall() == [(41,)]


def test_damage_in_the_middle_is_refused_each_time_and_can_be_set_aside(
    crashed: Callable[[str], Path], opened: Callable[..., Desk]
) -> None:
    path = crashed("unapplied")
    (segment,) = path.with_name(path.name + ".journal").glob("*.journal")
    flip(segment, 2000)
    for _ in range(2):
        with pytest.raises(StoreCorrupt, match="damaged behind commit"):
            Store.open(path)
    desk = opened(path, up_to_damage=True)
    found = sequences(desk.store)
    assert found == list(range(len(found)))
    assert 0 < len(found) < 40
    desk.commit(step_of(1, len(found)))
    desk.store.close()
    assert len(sequences(opened(path).store)) == len(found) + 1


def test_damage_to_what_duckdb_has_already_stops_nobody(crashed: Callable[[str], Path], opened: Callable[..., Desk]) -> None:
    path = crashed("crash")
    (segment,) = path.with_name(path.name + ".journal").glob("*.journal")
    flip(segment, 2000)
    assert sequences(opened(path).store) == list(range(40))


def test_a_database_whose_pages_are_damaged_is_refused_and_left_with_its_log(crashed: Callable[[str], Path]) -> None:
    path = crashed("crash")
    os.truncate(path, 8192)
    with pytest.raises(StoreCorrupt, match=r"cannot be opened.*Restore a backup"):
        Store.open(path)
    assert path.with_name(path.name + ".wal").exists()


def test_crashes_one_after_the_other_lose_nothing(place: Path, opened: Callable[..., Desk]) -> None:
    for round_ in range(3):
        crash(place, "unapplied", 10)
        shutil.copytree(place.parent, place.parent.with_name(f"after-{round_}"))
    assert sequences(opened(place).store) == list(range(30))
