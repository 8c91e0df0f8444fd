"""What the journal gives back after its end was torn, its middle damaged, or its files mislaid."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from wfengine.errors import StoreCorrupt
from wfengine.store import frames, segments
from wfengine.store.frames import Frame
from wfengine.store.journal import Journal

LAB = bytes(range(16))


def batch_of(first: int, count: int, size: int = 20) -> list[Frame]:
    return [Frame(number, first, number * 10, 1, bytes([number % 250]) * size) for number in range(first, first + count)]


def written(directory: Path, *batches: list[Frame], sync_last: bool = True) -> list[int]:
    """Write batches; answers the length of each in bytes."""
    journal = Journal(directory, LAB)
    for batch in batches:
        journal.write(batch)
        if batch is not batches[-1] or sync_last:
            journal.sync()
    journal.close()
    return [sum(frames.HEADER.size + len(frame.payload) for frame in batch) for batch in batches]


def recovered(directory: Path, applied: int = 0, *, up_to_damage: bool = False) -> list[int]:
    return [frame.number for frame in Journal(directory, LAB).recover(applied, up_to_damage=up_to_damage)]


def only_segment(directory: Path) -> Path:
    (segment,) = directory.glob("*.journal")
    return segment


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "wflab.duckdb.journal"


def change(path: Path, edit: Callable[[bytearray], None]) -> None:
    data = bytearray(path.read_bytes())
    edit(data)
    path.write_bytes(data)


def flip(path: Path, offset: int) -> None:
    def edit(data: bytearray) -> None:
        data[offset] ^= 0x10

    change(path, edit)


def test_frames_come_back_as_they_were_written(directory: Path) -> None:
    batches = [batch_of(1, 3), batch_of(4, 1), batch_of(5, 2, size=0)]
    written(directory, *batches)
    assert list(Journal(directory, LAB).recover(0)) == [frame for batch in batches for frame in batch]


def test_only_what_is_not_applied_is_read(directory: Path) -> None:
    written(directory, batch_of(1, 5))
    assert recovered(directory, applied=3) == [4, 5]


@pytest.mark.slow
def test_an_end_torn_at_any_byte_leaves_the_exact_prefix(directory: Path, tmp_path: Path) -> None:
    lengths = written(directory, batch_of(1, 3), batch_of(4, 3))
    whole = only_segment(directory).read_bytes()
    begin = segments.HEADER.size
    frame_length = lengths[0] // 3
    for end in range(begin, begin + sum(lengths) + 1):
        copy = tmp_path / "torn"
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        (copy / only_segment(directory).name).write_bytes(whole[:end])
        expected = list(range(1, 1 + (end - begin) // frame_length))
        assert recovered(copy) == expected, f"torn at byte {end}"
        assert recovered(copy) == expected, "the second opening finds what the first one left"


@pytest.mark.parametrize("tail", [bytes(4096), b"\xff" * 100, b"\xa5wfj" * 30, os.urandom(4096)], ids=["zeros", "ones", "magic", "noise"])
def test_whatever_lies_behind_the_last_frame_is_cut_off(directory: Path, tail: bytes) -> None:
    (length,) = written(directory, batch_of(1, 3))
    path = only_segment(directory)
    path.write_bytes(path.read_bytes()[: segments.HEADER.size + length] + tail)
    assert recovered(directory) == [1, 2, 3]
    assert path.stat().st_size == segments.HEADER.size + length


def test_any_flipped_bit_in_the_unsynced_last_batch_leaves_a_prefix(directory: Path, tmp_path: Path) -> None:
    """Pages of one write reach the disk in any order: its frames may be missing in the middle."""
    lengths = written(directory, batch_of(1, 2), batch_of(3, 3), sync_last=False)
    path = only_segment(directory)
    begin = segments.HEADER.size + lengths[0]
    for offset in range(begin, begin + lengths[1]):
        copy = tmp_path / "flipped"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(directory, copy)
        flip(copy / path.name, offset)
        assert recovered(copy) == list(range(1, 3 + (offset - begin) // (lengths[1] // 3)))


def test_any_flipped_bit_before_the_last_batch_is_damage(directory: Path, tmp_path: Path) -> None:
    lengths = written(directory, batch_of(1, 3), batch_of(4, 1))
    path = only_segment(directory)
    for offset in range(lengths[0] + segments.HEADER.size):
        copy = tmp_path / "flipped"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(directory, copy)
        flip(copy / path.name, offset)
        with pytest.raises(StoreCorrupt):
            recovered(copy)


def test_damage_says_how_much_is_readable_and_what_to_do(directory: Path) -> None:
    lengths = written(directory, batch_of(1, 3), batch_of(4, 1))
    flip(only_segment(directory), segments.HEADER.size + lengths[0] - 1)
    with pytest.raises(StoreCorrupt, match=r"damaged behind commit 2 .* readable\. Restore a backup, or .*up_to_damage=True"):
        recovered(directory)


def test_zeros_in_the_middle_are_damage_too(directory: Path) -> None:
    lengths = written(directory, batch_of(1, 1), batch_of(2, 1), batch_of(3, 1))
    begin = segments.HEADER.size + lengths[0]

    def wipe(data: bytearray) -> None:
        data[begin : begin + lengths[1]] = bytes(lengths[1])

    change(only_segment(directory), wipe)
    with pytest.raises(StoreCorrupt, match="damaged behind commit 1 "):
        recovered(directory)


def test_damage_to_what_duckdb_already_has_does_no_harm(directory: Path) -> None:
    written(directory, batch_of(1, 3), batch_of(4, 1))
    flip(only_segment(directory), segments.HEADER.size)
    assert recovered(directory, applied=3) == [4]


def test_the_readable_part_can_be_opened_with_the_rest_set_aside(directory: Path) -> None:
    lengths = written(directory, batch_of(1, 3), batch_of(4, 1))
    path = only_segment(directory)
    flip(path, segments.HEADER.size + lengths[0] - 1)
    damaged = path.read_bytes()
    assert recovered(directory, up_to_damage=True) == [1, 2]
    assert recovered(directory) == [1, 2]
    (aside,) = directory.glob("*.damaged-*")
    assert aside.read_bytes() == damaged


def test_a_payload_that_looks_like_a_frame_is_not_taken_for_one(directory: Path) -> None:
    forged = frames.pack(Frame(9, 9, 9, 9, b"forged"), salt=0)
    written(directory, [Frame(1, 1, 1, 1, forged)], [Frame(2, 2, 2, 1, forged)])
    path = only_segment(directory)
    flip(path, segments.HEADER.size + 8)
    with pytest.raises(StoreCorrupt, match="damaged behind commit 0 "):
        recovered(directory)
    assert recovered(directory, applied=1) == [2]


def test_large_batches_roll_to_segments_of_their_own_and_read_back_in_order(directory: Path) -> None:
    written(directory, *[batch_of(1 + 4 * number, 4, size=50_000) for number in range(6)])
    assert len(list(directory.glob("*.journal"))) > 1
    assert recovered(directory) == list(range(1, 25))


def test_a_missing_segment_is_damage(directory: Path) -> None:
    written(directory, *[batch_of(1 + 4 * number, 4, size=50_000) for number in range(8)])
    second = sorted(directory.glob("*.journal"))[1]
    second.unlink()
    with pytest.raises(StoreCorrupt, match="damaged behind commit"):
        recovered(directory)


def test_a_journal_that_begins_too_late_is_damage(directory: Path) -> None:
    written(directory, batch_of(5, 3))
    with pytest.raises(StoreCorrupt, match="damaged behind commit 2 "):
        recovered(directory, applied=2)


def test_segments_are_deleted_only_when_all_their_commits_are_covered(directory: Path) -> None:
    journal = Journal(directory, LAB)
    for number in range(8):
        journal.write(batch_of(1 + 4 * number, 4, size=50_000))
        journal.sync()
    firsts = [int(path.stem) for path in sorted(directory.glob("*.journal"))]
    journal.drop_covered(firsts[2] - 2)
    assert [int(path.stem) for path in sorted(directory.glob("*.journal"))] == firsts[1:]
    journal.drop_covered(firsts[2] - 1)
    assert [int(path.stem) for path in sorted(directory.glob("*.journal"))] == firsts[2:]
    journal.drop_covered(1_000)
    assert [int(path.stem) for path in sorted(directory.glob("*.journal"))] == firsts[-1:], "the one being written stays"
    assert journal.size == sum(path.stat().st_size for path in directory.glob("*.journal"))
    journal.close()


def test_a_segment_that_a_crash_left_unnamed_is_removed(directory: Path) -> None:
    written(directory, batch_of(1, 1))
    unnamed = directory / "00000000000000000002.new"
    unnamed.write_bytes(b"half a segment")
    assert recovered(directory) == [1]
    assert not unnamed.exists()


def test_an_empty_segment_is_removed_and_writing_goes_on(directory: Path) -> None:
    segments_before = written(directory, batch_of(1, 1))
    assert segments_before
    _, descriptor = segments.create(directory, LAB, 2, 4096)
    os.close(descriptor)
    journal = Journal(directory, LAB)
    assert [frame.number for frame in journal.recover(0)] == [1]
    journal.write(batch_of(2, 1))
    journal.sync()
    journal.close()
    assert recovered(directory) == [1, 2]


def test_the_journal_of_another_database_is_refused(directory: Path) -> None:
    written(directory, batch_of(1, 1))
    with pytest.raises(StoreCorrupt, match="belongs to another database"):
        list(Journal(directory, bytes(16)).recover(0))
