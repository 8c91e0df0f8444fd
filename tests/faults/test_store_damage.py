"""Damage to the store's files: everything acknowledged is there after opening, or the opening is refused. Nothing is lost silently.

Each campaign counts what it did and fails when that was too little to mean anything.
"""

import os
import random
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.engine.store import victim
from wfengine.errors import NotADatabase, StoreCorrupt, StoreVersion
from wfengine.model.work import Commit
from wfengine.store import segments
from wfengine.store.frames import Frame, sound_frames
from wfengine.store.high_water import NAME as MARK
from wfengine.store.journal import Journal
from wfengine.store.segments import HEADER
from wfengine.store.store import Store

FLIPS = 1_000
LOGS = 400 if os.environ.get("WFLAB_LONG") else 12
PAGES = 600 if os.environ.get("WFLAB_LONG") else 40
CHECKPOINTS = 120 if os.environ.get("WFLAB_LONG") else 8
COMMITS = 40

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def crashes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Labs as crashes left them: nothing but the journal, or everything in DuckDB's log as well."""
    made = {}
    for mode, count in (("unapplied", 6), ("crash", COMMITS)):
        made[mode] = tmp_path_factory.mktemp(mode) / "wflab.duckdb"
        subprocess.run([sys.executable, victim.__file__, str(made[mode]), mode, str(count)], check=True, capture_output=True)
    return made


class Journals:
    """The journal of such a lab, to be damaged again and again."""

    def __init__(self, database: Path, place: Path) -> None:
        (segment,) = database.with_name(f"{database.name}.journal").glob(f"*{segments.SUFFIX}")
        self.place = place
        self.name = segment.name
        self.mark = segment.with_name(MARK).read_bytes()
        whole = segment.read_bytes()
        _, self.lab_id, self.salt, _, _ = HEADER.unpack_from(whole)
        found = list(sound_frames(whole, HEADER.size, self.salt))
        self.frames = [frame for frame, _ in found]
        self.ends = [end for _, end in found]
        self.bytes = whole[: self.ends[-1]]

    def found(self, data: bytes, mark: bytes | None) -> list[Frame]:
        """What recovery makes of these bytes. Raises StoreCorrupt."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir()
        (self.place / self.name).write_bytes(data)
        if mark is not None:
            (self.place / MARK).write_bytes(mark)
        return list(Journal(self.place, self.lab_id).recover(0))

    def is_refused(self, data: bytes, mark: bytes | None) -> bool:
        """Whether recovery refuses these bytes; else it must find everything."""
        try:
            found = self.found(data, mark)
        except StoreCorrupt:
            return True
        assert found == self.frames
        return False


@pytest.fixture
def journals(crashes: dict[str, Path], tmp_path: Path) -> Journals:
    return Journals(crashes["unapplied"], tmp_path / "journal")


def test_a_journal_cut_at_any_byte_gives_the_exact_prefix_or_is_refused_where_more_was_acknowledged(journals: Journals) -> None:
    decoder = msgspec.msgpack.Decoder(Commit)
    assert [row.sequence for frame in journals.frames for row in decoder.decode(frame.payload).history] == list(range(6))
    assert len(journals.bytes) > 1_000
    for end in range(HEADER.size, len(journals.bytes) + 1):
        whole = sum(behind <= end for behind in journals.ends)
        assert journals.found(journals.bytes[:end], mark=None) == journals.frames[:whole], end
        assert journals.is_refused(journals.bytes[:end], journals.mark) == (end < len(journals.bytes)), end


@pytest.mark.parametrize("tail", [bytes(4096), b"\xff" * 4096, random.Random(3).randbytes(4096)], ids=["zeros", "ones", "noise"])
def test_what_stands_behind_the_last_frame_is_passed_over(journals: Journals, tail: bytes) -> None:
    assert not journals.is_refused(journals.bytes + tail, journals.mark)
    assert journals.found(journals.bytes[: journals.ends[2]] + tail, mark=None) == journals.frames[:3]
    assert journals.is_refused(journals.bytes[: journals.ends[2]] + tail, journals.mark)


def test_of_a_thousand_flipped_bits_in_a_journal_none_loses_anything_silently(journals: Journals) -> None:
    chance = random.Random(20261122)
    refused = 0
    for _ in range(FLIPS):
        place, bit = chance.randrange(len(journals.bytes) + len(journals.mark)), 1 << chance.randrange(8)
        data = bytearray(journals.bytes + journals.mark)
        data[place] ^= bit
        split = len(journals.bytes)
        refused += journals.is_refused(bytes(data[:split]), bytes(data[split:]))
    assert refused > 0.9 * FLIPS, "a flip in the mark alone does no harm, any other one is seen"
    assert refused < FLIPS, "no flip met the mark"


def cut(log: Path, chance: random.Random) -> None:
    os.truncate(log, chance.randrange(log.stat().st_size))


def flip(log: Path, chance: random.Random) -> None:
    data = bytearray(log.read_bytes())
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    log.write_bytes(data)


def spoil(log: Path, chance: random.Random) -> None:
    data = bytearray(log.read_bytes())
    begin = chance.randrange(len(data))
    data[begin : begin + 64] = chance.randbytes(64)
    log.write_bytes(data)


def test_however_duckdbs_log_is_damaged_the_journal_makes_up_for_it(crashes: dict[str, Path], tmp_path: Path) -> None:
    chance = random.Random(20261122)
    moved_aside = shortened = 0
    damages: list[Callable[[Path, random.Random], None]] = [cut, flip, spoil]
    for number in range(LOGS):
        folder = tmp_path / str(number)
        shutil.copytree(crashes["crash"].parent, folder)
        path = folder / crashes["crash"].name
        damages[number % 3](path.with_name(f"{path.name}.wal"), chance)
        store = Store.open(path)
        assert [row.sequence for row in store.history(1)] == list(range(COMMITS)), (number, damages[number % 3])
        moved_aside += any("moved to" in note for note in store.opened_notes)
        shortened += any("Recovered" in note for note in store.opened_notes)
        store.close()
        shutil.rmtree(folder)
    assert moved_aside >= LOGS // 6, "too few logs would not replay"
    assert shortened > moved_aside, "no log opened with its end silently gone: DuckDB has mended that, or the damage is none"


def test_a_flipped_bit_in_the_database_is_refused_and_never_read_over(crashes: dict[str, Path], tmp_path: Path) -> None:
    chance = random.Random(20261122)
    whole = tmp_path / "whole.duckdb"
    for mark in ("", ".wal"):
        shutil.copy(crashes["crash"].with_name(f"{crashes['crash'].name}{mark}"), whole.with_name(f"{whole.name}{mark}"))
    Store.open(whole).close()
    data = whole.read_bytes()
    refused = 0
    for number in range(PAGES):
        path = tmp_path / f"{number}.duckdb"
        damaged = bytearray(data)
        # every other one in the three blocks that say where the rest is
        damaged[chance.randrange(3 * 4096 if number % 2 else len(data))] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        refused += not is_read_whole(path)
        path.unlink()
    assert refused >= PAGES // 2, "too few flips met anything"


def is_read_whole(path: Path) -> bool:
    """Whether the lab's history is there; False where its opening or reading is refused."""
    try:
        store = Store.open(path)
    except (StoreCorrupt, NotADatabase, StoreVersion):
        return False
    try:
        assert [row.sequence for row in store.history(1)] == list(range(COMMITS))
    except StoreCorrupt:
        return False
    finally:
        store.close()
    return True


CHECKPOINTER = """
import os, sys
from tests.engine.store.desk import Desk, start_of, step_of
from wfengine.store import applier
applier.CHECKPOINT_WHEN_IDLE_SECONDS = 3600.0
desk = Desk(sys.argv[1])
with desk.store.cursor() as cursor:
    ((first,),) = cursor.execute("SELECT count(*) FROM history").fetchall()
payload = '"' + "x" * 20_000 + '"'
desk.commit(*[step_of(1, number, payload) if number else start_of(1) for number in range(first, first + 100)])
desk.store.flush()
os.write(1, b"C")
desk.store._applier._database.checkpoint()
os.write(1, b"D")
desk.store.flush(3600) or desk.wait(lambda: False)
"""


def killed_while_checkpointing(path: Path, after_seconds: float) -> bool:
    """Let a process checkpoint and kill it so long after it began. Answers whether it was still at it."""
    with subprocess.Popen([sys.executable, "-c", CHECKPOINTER, str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = process.stdout.read(1)
        select.select([process.stdout], [], [], after_seconds)
        process.send_signal(signal.SIGKILL)
        assert said == b"C", process.stderr.read()
        return process.stdout.read() == b""


def test_a_checkpoint_killed_at_any_moment_loses_nothing(tmp_path: Path) -> None:
    chance = random.Random(20261122)
    path = tmp_path / "wflab.duckdb"
    killed = 0
    for number in range(1, CHECKPOINTS + 1):
        killed += killed_while_checkpointing(path, chance.uniform(0, 0.015))
        if number % 2 == 0:  # the others are found by the next process as the crash left them
            store = Store.open(path)
            with store.cursor() as cursor:
                found = cursor.execute("SELECT sequence FROM history ORDER BY sequence").fetchall()
            assert [sequence for (sequence,) in found] == list(range(100 * number))
            store.close()
    assert killed >= CHECKPOINTS // 4, f"only {killed} of {CHECKPOINTS} were still at it when they were killed"
