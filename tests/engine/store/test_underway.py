"""Which attempts were at work when a process died: slots in a mapped file, that outlive whoever wrote them."""

import os
import shutil
from pathlib import Path

import pytest

from wfengine.store.underway import Underway


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "underway"


def next_process(place: Path) -> Underway:
    """What the next process finds if this one died now."""
    copy = place.with_name(f"{place.name}-copied")
    shutil.copy(place, copy)
    return Underway(copy)


def test_what_was_entered_and_not_left_is_found_by_the_next_process(place: Path) -> None:
    underway = Underway(place)
    slots = [underway.enter(key, event_id, deaths) for key, event_id, deaths in ((1, 0, 0), (2, 7, 1), (1 << 40, 3, 2))]
    underway.leave(slots[1])
    assert next_process(place).found == {(1, 0): 0, (1 << 40, 3): 2}


def test_a_clean_close_leaves_nobody_to_blame_and_no_file(place: Path) -> None:
    underway = Underway(place)
    slot = underway.enter(1, 0, 0)
    underway.close()
    assert not place.exists()
    underway.leave(slot)
    assert underway.enter(1, 1, 0) == -1, "nothing is written after the end"
    underway.close()


def test_what_was_found_stays_until_it_is_dealt_with(place: Path) -> None:
    before = Underway(place)
    before.enter(1, 0, 0)
    before.enter(2, 0, 0)
    after = next_process(place)
    after.forget([(1, 0)])
    assert after.found == {(2, 0): 0}
    assert next_process(place.with_name("underway-copied")).found == {(2, 0): 0}


def test_a_slot_is_used_again(place: Path) -> None:
    underway = Underway(place)
    for number in range(20_000):
        underway.leave(underway.enter(1, number, 0))
    assert place.stat().st_size == 65_536


def test_it_grows_with_what_is_at_work(place: Path) -> None:
    underway = Underway(place)
    for number in range(10_000):
        underway.enter(1, number, 0)
    assert next_process(place).found == dict.fromkeys(((1, number) for number in range(10_000)), 0)


def test_a_file_that_was_cut_short_is_made_whole(place: Path) -> None:
    Underway(place).enter(1, 0, 0)
    with place.open("r+b") as file:
        file.truncate(40_000)
    assert next_process(place).enter(1, 1, 0) >= 0


def test_a_forked_child_leaves_what_is_written_of_its_parent(place: Path) -> None:
    underway = Underway(place)
    slot = underway.enter(1, 0, 0)
    child = os.fork()
    if not child:
        underway.leave(slot)
        underway.close()
        os._exit(0)
    os.waitpid(child, 0)
    assert next_process(place).found == {(1, 0): 0}


def test_where_no_file_can_be_kept_activities_are_made_all_the_same(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    underway = Underway(tmp_path / "no folder" / "underway")
    assert "cannot be told from others" in caplog.text
    slot = underway.enter(1, 0, 0)
    underway.leave(slot)
    underway.close()
    assert (slot, underway.found) == (-1, {})
