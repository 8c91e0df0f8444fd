"""What goes in is durable when acknowledged, can be read at once, and is there again after reopening."""

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import msgspec
import pytest

from tests.engine.store.desk import BEGIN, Desk, end_of, moment, start_of, state, step_of
from wfengine.errors import EngineStopped, InvalidArgument, NotADatabase, StoreCorrupt, StoreError, StoreVersion
from wfengine.model import history as h
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import Instance, ParentInstance, Status
from wfengine.model.work import AuditRow, CircuitRow, Commit, DefinitionRow, HistoryRow
from wfengine.store import journal, opening
from wfengine.store.store import Store

pytestmark = pytest.mark.slow


def test_acknowledgements_come_in_the_order_of_submission(place: Path, opened: Callable[..., Desk]) -> None:
    desk = opened(place)
    for number in range(500):
        desk.store.submit(step_of(1, number), number)
    desk.wait(lambda: len(desk.acknowledged) == 500)
    assert desk.acknowledged == list(range(500))
    assert len(desk.batches) < 500, "commits that wait share a sync"


def test_a_reader_sees_everything_acknowledged_before_it_asked(place: Path, opened: Callable[..., Desk]) -> None:
    desk = opened(place).commit(start_of(1))
    for number in range(1, 20):
        desk.commit(step_of(1, number))
        assert [row.sequence for row in desk.store.history(1)] == list(range(number + 1))


def test_what_was_acknowledged_is_there_after_reopening(place: Path, opened: Callable[..., Desk]) -> None:
    desk = opened(place).commit(start_of(1), start_of(2), step_of(1, 1), end_of(2, 1))
    histories = [desk.store.history(key) for key in (1, 2)]
    desk.store.close()
    again = opened(place).store
    assert [again.history(key) for key in (1, 2)] == histories
    assert [(instance.key, rows) for instance, rows in again.live()] == [(1, histories[0])]
    assert list(again.ids()) == [(1, "order-1", Status.RUNNING), (2, "order-2", Status.COMPLETED)]


def test_a_closed_lab_leaves_one_file(place: Path, opened: Callable[..., Desk]) -> None:
    opened(place).commit(start_of(1)).store.close()
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_present_states_are_found_by_key_id_and_parent(place: Path, opened: Callable[..., Desk]) -> None:
    parent = ParentInstance(key=1, instance_id="order-1", name="order", task_id=3)
    child = Instance(
        key=2, instance_id="ship", name="ship", status=Status.PENDING, created_at=BEGIN, updated_at=BEGIN, root=1, parent=parent
    )
    store = opened(place).commit(start_of(1), Commit(runs=[child]), end_of(1, 1)).store
    assert store.instance(1) == state(1, Status.COMPLETED)
    assert store.instance(3) is None
    assert store.find("ship") == child
    assert store.find("none") is None
    assert store.instances([2, 1, 7]) == [state(1, Status.COMPLETED), child]
    assert store.children(1) == [child]


def test_the_newest_execution_of_an_id_is_the_instance(place: Path, opened: Callable[..., Desk]) -> None:
    desk = opened(place).commit(start_of(1, "a"), Commit(runs=[state(1, Status.CONTINUED_AS_NEW, instance_id="a")]), start_of(2, "a"))
    desk.commit(Commit(runs=[state(1, Status.CONTINUED_AS_NEW, instance_id="a")]))
    found = desk.store.find("a")
    assert found is not None
    assert found.key == 2
    assert list(desk.store.ids()) == [(2, "a", Status.RUNNING)]
    with desk.store.cursor() as cursor:
        assert cursor.execute("SELECT key, status FROM instances").fetchall() == [(2, "RUNNING")]
        assert cursor.execute("SELECT key FROM executions ORDER BY key").fetchall() == [(1,), (2,)]


def test_definitions_and_acts_are_kept(place: Path, opened: Callable[..., Desk]) -> None:
    definition = DefinitionRow(
        name="order", kind="workflow", code_hash="abc", source="def order(): ...", origin="In[4]", packages={"x": "1"}, registered_at=BEGIN
    )
    desk = opened(place).commit(
        Commit(definitions=[definition], audit=[AuditRow(at=BEGIN, who="ada", what="approve", key=1, where="cell")])
    )
    assert desk.store.definitions() == [definition]
    with desk.store.cursor() as cursor:
        assert cursor.execute("SELECT who, what, instance, from_where FROM audit").fetchall() == [("ada", "approve", 1, "cell")]


def test_the_newest_state_of_each_circuit_breaker_is_its_present_one(place: Path, opened: Callable[..., Desk]) -> None:
    def change(number: int, name: str, state_: str, app_id: str | None = None) -> CircuitRow:
        return CircuitRow(at=moment(number), name=name, state=state_, consecutive_failures=number, requests=10 * number, app_id=app_id)

    first, other, elsewhere, last = (
        change(1, "charge", "open"), change(2, "ship", "open"), change(3, "charge", "open", "billing"), change(4, "charge", "closed"),
    )  # fmt: skip
    desk = opened(place).commit(Commit(circuits=[first, other]), Commit(circuits=[elsewhere], audit=[]), Commit(circuits=[last]))
    assert desk.store.circuits() == [other, elsewhere, last]
    with desk.store.cursor() as cursor:
        found = cursor.execute("SELECT app_id, name, state, since FROM circuit_breakers ORDER BY ALL NULLS FIRST").fetchall()
    assert [row[:3] for row in found] == [(None, "charge", "closed"), (None, "ship", "open"), ("billing", "charge", "open")]
    assert found[0][3] == moment(4).replace(tzinfo=None)
    desk.store.close()
    assert opened(place).store.circuits() == [other, elsewhere, last]


def test_ended_executions_that_are_to_be_purged_are_listed_with_the_time(place: Path, opened: Callable[..., Desk]) -> None:
    def due(key: int, status: Status, *, instance_id: str | None = None) -> Instance:
        return msgspec.structs.replace(state(key, status, instance_id=instance_id), purge_at=moment(100 + key))

    desk = opened(place).commit(
        Commit(runs=[due(1, Status.COMPLETED), due(2, Status.FAILED), due(3, Status.RUNNING), state(4, Status.COMPLETED)]),
        Commit(runs=[state(2, Status.FAILED)]),
        Commit(runs=[due(5, Status.CONTINUED_AS_NEW, instance_id="a"), due(6, Status.TERMINATED, instance_id="a")]),
    )
    assert desk.store.ended_to_purge() == [(1, "order-1", moment(101)), (5, "a", moment(105)), (6, "a", moment(106))]


def test_purged_executions_are_gone_and_their_keys_are_never_used_again(place: Path, opened: Callable[..., Desk]) -> None:
    desk = opened(place).commit(start_of(1), end_of(1, 1), start_of(7), end_of(7, 1), Commit(purged=[7]))
    assert desk.store.history(7) == []
    assert desk.store.find("order-7") is None
    assert len(desk.store.history(1)) == 2
    desk.store.close()
    again = opened(place)
    assert again.store.next_key == 8
    assert [key for key, _, _ in again.store.ids()] == [1]
    again.commit(Commit(purged=[1]))
    again.store.close()
    assert opened(place).store.next_key == 8


def test_positions_grow_over_the_whole_lab_and_over_reopenings(place: Path, opened: Callable[..., Desk]) -> None:
    for number in range(3):
        opened(place).commit(*([start_of(1)] if number == 0 else []), step_of(1, 2 * number + 1), step_of(1, 2 * number + 2)).store.close()
    with opened(place).store.cursor() as cursor:
        positions = [
            number for (number,) in cursor.execute("SELECT position FROM history UNION ALL SELECT position FROM runs ORDER BY 1").fetchall()
        ]
    assert positions == list(range(1, 9))


def test_the_epoch_grows_with_each_opening(place: Path, opened: Callable[..., Desk]) -> None:
    epochs = []
    for _ in range(3):
        store = opened(place).store
        epochs.append(store.epoch)
        store.close()
    assert epochs == [1, 2, 3]


def test_readers_on_many_threads_get_cursors_of_their_own(place: Path, opened: Callable[..., Desk]) -> None:
    desk = opened(place).commit(start_of(1))
    found: list[int] = []

    def read() -> None:
        found.extend(len(desk.store.history(1)) for _ in range(10))

    readers = [threading.Thread(target=read) for _ in range(4)]
    for reader in readers:
        reader.start()
    desk.commit(*[step_of(1, number) for number in range(1, 200)])
    for reader in readers:
        reader.join()
    assert len(found) == 40
    assert len(desk.store.history(1)) == 200


def test_a_half_read_cursor_keeps_nobody_waiting(place: Path, opened: Callable[..., Desk]) -> None:
    desk = opened(place).commit(*[step_of(1, number) for number in range(3_000)])
    with desk.store.cursor() as cursor:
        cursor.execute("SELECT * FROM history").fetchone()
        desk.commit(step_of(1, 3_000))
        assert len(desk.store.history(1)) == 0, "no start, no execution"
        desk.store._applier._database.checkpoint()
        desk.store.flush(10)


def ask_without_end(desk: Desk) -> None:
    """DuckDB looks for Ctrl-C between its own tasks only, on a busy machine not before a query's end; so none of these is long."""
    with desk.store.cursor() as cursor:
        while True:
            cursor.execute("SELECT sum(range % 7) FROM range(300_000_000)").fetchall()


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Heard, also where whoever started the tests lets them run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_ends_a_query_as_a_keyboard_interrupt(place: Path, opened: Callable[..., Desk]) -> None:
    desk = opened(place).commit(start_of(1))
    ended = threading.Event()

    def press() -> None:
        """As a person does: again, if nothing happens, since Python swallows one that falls into a destructor."""
        pause = 0.3
        while not ended.wait(pause):
            os.kill(os.getpid(), signal.SIGINT)
            pause = 5

    pressing = threading.Thread(target=press)
    pressing.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            ask_without_end(desk)
    finally:
        ended.set()
        pressing.join()
    desk.commit(step_of(1, 1))
    assert len(desk.store.history(1)) == 2


def test_the_views_tell_people_what_happened(place: Path, opened: Callable[..., Desk]) -> None:
    failure = FailureDetails(message="card refused", error_type="PaymentError")
    events: list[h.HistoryEvent] = [
        h.TaskScheduled(occurred_at=moment(1), event_id=0, name="charge", task_execution_id="t0", input="1"),
        h.TaskFailed(occurred_at=moment(2), task_scheduled_id=0, failure=failure, worker="thread-1"),
        h.TaskScheduled(occurred_at=moment(3), event_id=1, name="charge", task_execution_id="t0", attempt=2),
        h.TaskCompleted(occurred_at=moment(4), task_scheduled_id=1, result='"ok"', duration_ms=1.5),
        h.TaskScheduled(occurred_at=moment(5), event_id=2, name="ship", task_execution_id="t1"),
        h.TimerCreated(occurred_at=moment(6), event_id=3, fire_at=None, origin=h.EventWait(name="Approval", title="Ship it?")),
        h.EventRaised(occurred_at=moment(7), name="approval", input="true"),
        h.TimerCreated(occurred_at=moment(8), event_id=4, fire_at=moment(99), origin=h.EventWait(name="approval")),
        h.TimerCreated(occurred_at=moment(9), event_id=5, fire_at=moment(10), origin=h.EventWait(name="other")),
        h.TimerFired(occurred_at=moment(10), timer_id=5, fire_at=moment(10)),
    ]
    desk = opened(place).commit(start_of(1), Commit(history=[HistoryRow(1, 1 + n, 1, event) for n, event in enumerate(events)]))
    with desk.store.cursor() as cursor:

        def ask(question: str) -> list[tuple[object, ...]]:
            return cursor.execute(question).fetchall()

        assert ask("SELECT instance_id, name, attempt, state, error_type, worker, output FROM activities ORDER BY event_id") == [
            ("order-1", "charge", 1, "FAILED", "PaymentError", "thread-1", None),
            ("order-1", "charge", 2, "COMPLETED", None, None, '"ok"'),
            ("order-1", "ship", 1, "SCHEDULED", None, None, None),
        ]
        assert ask("SELECT instance_id, event_name, event_id, deadline, title FROM waits") == [
            ("order-1", "approval", 4, moment(99).replace(tzinfo=None), None)
        ]
        assert ask("SELECT kind, name, attempt, error_type, message FROM failures") == [
            ("activity", "charge", 1, "PaymentError", "card refused")
        ]
        assert ask("SELECT count(*), min(instance_id), min(workflow), min(key) FROM events") == [(11, "order-1", "order", 1)]


def test_restarted_and_late_attempts_disturb_no_view(place: Path, opened: Callable[..., Desk]) -> None:
    timed_out = FailureDetails(message="took longer than 5 s", error_type="TimeoutError")
    events: list[h.HistoryEvent] = [
        h.TaskScheduled(occurred_at=moment(1), event_id=0, name="charge", task_execution_id="t0", timeout_s=5.0),
        h.TaskRestarted(occurred_at=moment(2), task_scheduled_id=0, deaths=1),
        h.TaskFailed(occurred_at=moment(3), task_scheduled_id=0, failure=timed_out),
        h.TaskEndedLate(occurred_at=moment(4), task_scheduled_id=0, error_type="ValueError", worker="thread-1"),
        h.TaskScheduled(occurred_at=moment(5), event_id=1, name="ship", task_execution_id="t1"),
        h.TaskRestarted(occurred_at=moment(6), task_scheduled_id=1, deaths=1),
    ]
    desk = opened(place).commit(start_of(1), Commit(history=[HistoryRow(1, 1 + n, 1, event) for n, event in enumerate(events)]))
    with desk.store.cursor() as cursor:
        activities = cursor.execute("SELECT name, state, error_type, ended_at FROM activities ORDER BY event_id").fetchall()
        failures = cursor.execute("SELECT kind, name, error_type FROM failures").fetchall()
    assert activities == [("charge", "FAILED", "TimeoutError", moment(3).replace(tzinfo=None)), ("ship", "SCHEDULED", None, None)]
    assert failures == [("activity", "charge", "TimeoutError")]


def test_a_backup_is_a_lab_of_its_own(place: Path, opened: Callable[..., Desk]) -> None:
    desk = opened(place).commit(start_of(1), step_of(1, 1))
    copy = place.parent / "it's a copy.duckdb"
    desk.store.backup(copy)
    desk.commit(step_of(1, 2))
    assert [row.sequence for row in opened(copy).store.history(1)] == [0, 1]
    with pytest.raises(InvalidArgument, match="exists already"):
        desk.store.backup(copy)
    with pytest.raises(InvalidArgument, match="does not exist"):
        desk.store.backup(place.parent / "none" / "copy.duckdb")


def test_a_commit_that_cannot_be_encoded_is_refused_and_the_next_one_written(place: Path, opened: Callable[..., Desk]) -> None:
    desk = opened(place)
    with pytest.raises(UnicodeEncodeError):
        desk.store.submit(step_of(1, 1, payload="\ud800"), 0)
    desk.commit(start_of(1))
    assert len(desk.store.history(1)) == 1


def test_after_closing_nothing_is_taken_and_nothing_read(place: Path, opened: Callable[..., Desk]) -> None:
    store = opened(place).commit(start_of(1)).store
    store.close()
    store.close()
    with pytest.raises(EngineStopped, match="closed"):
        store.submit(step_of(1, 1), 0)
    with pytest.raises(EngineStopped, match="closed"):
        store.history(1)


def test_what_was_submitted_before_closing_is_written(place: Path, opened: Callable[..., Desk]) -> None:
    desk = opened(place)
    desk.store.submit(start_of(1), 0)
    for number in range(1, 300):
        desk.store.submit(step_of(1, number), number)
    desk.store.close()
    assert desk.acknowledged == list(range(300))
    assert len(opened(place).store.history(1)) == 300


def test_a_sync_that_fails_is_the_end_and_acknowledges_nothing(
    place: Path, opened: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = opened(place).commit(start_of(1))

    def failing(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(journal, "_sync_data", failing)
    desk.store.submit(step_of(1, 1), "unknown")
    desk.wait(lambda: desk.fatal is not None)
    assert "failed to make" in str(desk.fatal)
    assert "Input/output error" in str(desk.fatal)
    assert "unknown" not in desk.acknowledged
    with pytest.raises(EngineStopped, match="Input/output error"):
        desk.store.submit(step_of(1, 2), 2)
    assert len(desk.store.history(1)) == 1, "reading goes on"


def test_a_store_that_was_never_started_closes(place: Path) -> None:
    Store.open(place).close()
    Store.open(place).close()


@pytest.mark.parametrize("content", [b"", b"hello", b"SQLite format 3\0" + bytes(4096), bytes(20_000), os.urandom(5_000)])
def test_a_file_that_is_no_database_is_left_untouched(place: Path, content: bytes) -> None:
    place.write_bytes(content)
    with pytest.raises(NotADatabase, match="is not a DuckDB database"):
        Store.open(place)
    assert place.read_bytes() == content
    assert list(place.parent.iterdir()) == [place]


def test_a_database_that_is_no_lab_is_left_alone(place: Path) -> None:
    with duckdb.connect(str(place)) as connection:
        connection.execute("CREATE TABLE meta (name VARCHAR)")
    content = place.read_bytes()
    with pytest.raises(StoreError, match="not one of a lab"):
        Store.open(place)
    assert place.read_bytes() == content
    assert list(place.parent.iterdir()) == [place]


def test_a_newer_schema_is_refused_with_what_to_install(place: Path) -> None:
    Store.open(place).close()
    with duckdb.connect(str(place)) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    with pytest.raises(StoreVersion, match="pip install --upgrade wflab"):
        Store.open(place)


def test_places_that_cannot_hold_a_lab_are_named_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(NotADatabase, match="is a folder"):
        Store.open(tmp_path)
    with pytest.raises(StoreError, match="does not exist"):
        Store.open(tmp_path / "none" / "wflab.duckdb")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_named_in_one_line(tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(StoreError, match="no permission"):
        Store.open(tmp_path / "wflab.duckdb")


def test_a_journal_without_its_database_is_refused(place: Path) -> None:
    directory = place.with_name(place.name + ".journal")
    directory.mkdir()
    (directory / "00000000000000000001.journal").write_bytes(b"")
    with pytest.raises(StoreCorrupt, match="is missing, but its journal"):
        Store.open(place)
    assert not place.exists()


def test_the_interpreter_ends_cleanly_with_an_open_lab(place: Path) -> None:
    program = (
        "import sys; from tests.engine.store.desk import Desk, start_of, step_of\n"
        "desk = Desk(sys.argv[1]).commit(start_of(1))\n"
        "[desk.store.submit(step_of(1, n), n) for n in range(1, 1000)]\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(place)], check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    desk = Desk(place)
    assert len(desk.store.history(1)) == 1000
    assert desk.store.opened_notes == []
    desk.store.close()


@pytest.mark.parametrize("statement", ["DROP TABLE history", "DROP TABLE progress", "DROP VIEW failures"])
def test_a_database_that_lacks_a_table_of_the_record_is_said_to_and_not_that_its_disk_is_full(
    place: Path, opened: Callable[..., Desk], statement: str
) -> None:
    opened(place).commit(start_of(1)).store.close()
    with duckdb.connect(str(place)) as connection:
        connection.execute(statement)
    with pytest.raises(
        StoreCorrupt, match=rf"lacks a part of the record.*: {statement.rsplit(maxsplit=1)[-1]}\. Restore a backup"
    ) as caught:
        Store.open(place)
    assert "disk" not in str(caught.value)


def test_only_an_error_of_input_or_output_is_said_to_come_of_a_full_disk() -> None:
    place = Path("wflab.duckdb")
    assert str(opening.not_now(place, OSError(errno.ENOSPC, "No space left on device"))).endswith("If its disk is full, free some space.")
    assert str(opening.not_now(place, duckdb.IOException("Could not write file"))).endswith("If its disk is full, free some space.")
    assert str(opening.not_now(place, duckdb.BinderException("No such column\nLINE 1"))) == (
        "wflab.duckdb cannot be opened just now: No such column."
    )


def test_the_first_few_of_very_many_runs_are_found_without_waiting_for_ever(place: Path, opened: Callable[..., Desk]) -> None:
    """DuckDB 2.0.0 hung on this beyond one row group of `runs` (122,880 rows); see opening.py."""
    opened(place).store.close()
    with duckdb.connect(str(place)) as connection:
        connection.execute("""
            INSERT INTO runs (
                position, first_position, instance, instance_id, name, status, root, generation, created_at, updated_at, next_sequence, turn
            )
            SELECT 2 * n + j, 2 * n + j, n, 'order-' || n, 'order', ['RUNNING', 'COMPLETED'][j + 1], n, 0, TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-01', 2, 1
            FROM range(70_000) AS runs (n), range(2) AS rows (j) ORDER BY n, j
        """)
    found: list[object] = []
    with opened(place).store.cursor() as cursor:
        asking = threading.Thread(
            target=lambda: found.extend(cursor.execute("SELECT name FROM instances WHERE name = 'order' LIMIT 3").fetchall()), daemon=True
        )
        asking.start()
        asking.join(30)
        is_hanging = asking.is_alive()
        cursor.interrupt()
    assert not is_hanging, "the query never ends"
    assert found == [("order",)] * 3
