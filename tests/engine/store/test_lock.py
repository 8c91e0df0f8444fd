"""One writer per file, whatever else touches it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.store.desk import Desk, start_of, step_of
from wfengine.errors import EngineStopped, StoreInUse
from wfengine.store.lock import Lock
from wfengine.store.store import Store

pytestmark = pytest.mark.slow

OPENING = """
import sys
from wfengine.errors import StoreInUse
from wfengine.store.store import Store
try:
    Store.open(sys.argv[1]).close()
except StoreInUse as error:
    print(error)
else:
    print("opened")
"""


def opened_elsewhere(path: Path) -> str:
    """What another process hears that opens the same file."""
    return subprocess.run([sys.executable, "-c", OPENING, str(path)], check=True, capture_output=True, text=True).stdout.strip()


def test_a_second_process_is_told_who_has_the_file_and_what_to_do(place: Path, opened: Callable[..., Desk]) -> None:
    opened(place, holder="the kernel of orders.ipynb")
    answer = opened_elsewhere(place)
    assert f"in use by the kernel of orders.ipynb (pid {os.getpid()}) since 20" in answer
    assert "wf.Lab('other.duckdb')" in answer
    assert "\n" not in answer


def test_opening_and_closing_the_file_in_the_owner_lets_no_second_writer_in(place: Path, opened: Callable[..., Desk]) -> None:
    """It drops DuckDB's own lock, which is why there is another."""
    desk = opened(place).commit(start_of(1))
    place.open("rb").close()
    assert "in use by another Python process" in opened_elsewhere(place)
    desk.commit(step_of(1, 1))
    desk.store.close()
    assert opened_elsewhere(place) == "opened"


def test_a_symlink_is_no_way_round_the_lock(place: Path, opened: Callable[..., Desk]) -> None:
    opened(place)
    link = place.parent / "link.duckdb"
    link.symlink_to(place)
    assert "in use by" in opened_elsewhere(link)


def test_a_second_store_of_the_same_process_is_refused(place: Path, opened: Callable[..., Desk]) -> None:
    desk = opened(place)
    with pytest.raises(StoreInUse) as caught:
        Store.open(place)
    assert caught.value.pid == os.getpid()
    desk.commit(start_of(1))


def test_the_file_is_free_again_after_closing(place: Path, opened: Callable[..., Desk]) -> None:
    opened(place).store.close()
    assert opened_elsewhere(place) == "opened"


def test_a_lock_file_left_by_a_killed_owner_stops_nobody(place: Path) -> None:
    place.with_name(place.name + ".lock").write_text('{"pid": 1, "holder": "a killed kernel"}')
    Store.open(place).close()


def test_a_connection_of_duckdb_itself_is_named(place: Path) -> None:
    program = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    Store.open(place).close()
    with subprocess.Popen([sys.executable, "-c", program, str(place)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(StoreInUse, match="a program that opened it with DuckDB itself"):
            Store.open(place)
        other.communicate()
    Store.open(place).close()


def test_a_writer_whose_lock_was_taken_over_stops_before_it_commits(place: Path, opened: Callable[..., Desk]) -> None:
    desk = opened(place).commit(start_of(1))
    lock = place.with_name(place.name + ".lock")
    lock.rename(place.with_name("moved"))
    lock.write_text("{}")
    desk.store.submit(step_of(1, 1), "too late")
    desk.wait(lambda: desk.fatal is not None)
    assert "another writer took over" in str(desk.fatal)
    assert "too late" not in desk.acknowledged
    with pytest.raises(EngineStopped, match="another writer took over"):
        desk.store.submit(step_of(1, 2), 2)
    assert [row.sequence for row in desk.store.history(1)] == [0]
    desk.store.close()
    assert lock.read_text() == "{}", "the other's lock is not ours to remove"


def test_a_lock_that_was_let_go_leaves_its_successors_file_alone_though_it_has_the_same_number(place: Path) -> None:
    """File systems give a removed file's number to the next one; a lab closed twice took the lock of the one opened in between."""
    former = Lock.take(place, "the former")
    spare = former.path.with_suffix(".spare")
    spare.hardlink_to(former.path)
    former.release()
    spare.rename(former.path)
    successor = Lock.take(place, "the successor")
    former.release()
    assert successor.is_ours()
    successor.release()


def test_a_forked_child_neither_keeps_the_lock_nor_harms_the_file(place: Path) -> None:
    program = """
import os, sys, warnings
from tests.engine.store.desk import Desk, start_of, step_of
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of what is tested here
desk = Desk(sys.argv[1]).commit(start_of(1))
child = os.fork()
if child == 0:
    desk.store.close()
    sys.exit(0)
_, status = os.waitpid(child, 0)
assert status == 0, status
desk.commit(step_of(1, 1))
sleeper = os.fork()
if sleeper == 0:
    os.close(1)
    os.close(2)
    os.execlp("sleep", "sleep", "30")
print(sleeper, flush=True)
"""
    ended = subprocess.run([sys.executable, "-c", program, str(place)], check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    desk = Desk(place)
    os.kill(int(ended.stdout), 9)
    assert [row.sequence for row in desk.store.history(1)] == [0, 1]
    desk.store.close()
