"""A large payload lies in the file once, however often it is passed on, and goes with the last who refers to it."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.engine.store.desk import BEGIN, Desk, state
from wfengine.errors import StoreCorrupt
from wfengine.model import history as h
from wfengine.model.instance import Status
from wfengine.model.work import Commit, HistoryRow
from wfengine.store.payloads import LARGEST_IN_PLACE_BYTES, MARK

pytestmark = pytest.mark.slow

LARGE = '"' + "0123456789abcdef" * (2 * LARGEST_IN_PLACE_BYTES // 16) + '"'
OTHER = LARGE.replace("f", "ß")


def passing(key: int, payload: str, activities: int = 5) -> Commit:
    """An execution that passes a payload through activities and returns it."""
    events: list[h.HistoryEvent] = [h.ExecutionStarted(occurred_at=BEGIN, name="order", instance_id=f"order-{key}", input=payload)]
    for number in range(activities):
        events += [
            h.TaskScheduled(occurred_at=BEGIN, event_id=number, name="pass_on", task_execution_id=str(number), input=payload),
            h.TaskCompleted(occurred_at=BEGIN, task_scheduled_id=number, result=payload),
        ]
    events.append(h.ExecutionCompleted(occurred_at=BEGIN, status=Status.COMPLETED, output=payload))
    ended = msgspec.structs.replace(state(key, Status.COMPLETED), input=payload, output=payload, custom_status=payload)
    return Commit(history=[HistoryRow(key, place, 1, event) for place, event in enumerate(events)], runs=[ended])


def kept(desk: Desk) -> list[int]:
    """The lengths of the large payloads in the file."""
    with desk.store.cursor() as cursor:
        return [length for (length,) in cursor.execute("SELECT length(data) FROM payloads ORDER BY 1").fetchall()]


def test_two_megabytes_through_five_activities_are_in_the_file_once(place: Path, opened: Callable[..., Desk]) -> None:
    commit = passing(1, LARGE)
    desk = opened(place).commit(commit)
    assert kept(desk) == [len(LARGE)]
    assert desk.store.history(1) == commit.history
    assert desk.store.instance(1) == commit.runs[0]
    desk.store.close()
    assert place.stat().st_size < 2 * len(LARGE)
    again = opened(place).store
    assert again.history(1) == commit.history
    assert again.find("order-1") == commit.runs[0]


def test_live_executions_are_taken_up_with_their_large_payloads(place: Path, opened: Callable[..., Desk]) -> None:
    started = passing(1, LARGE, activities=1)
    live = Commit(history=started.history[:2], runs=[msgspec.structs.replace(state(1), input=LARGE)])
    opened(place).commit(live).store.close()
    assert opened(place).store.live() == [(live.runs[0], live.history)]


def test_only_what_is_above_a_mebibyte_is_kept_apart(place: Path, opened: Callable[..., Desk]) -> None:
    largest = "x" * LARGEST_IN_PLACE_BYTES
    larger_in_bytes = "ß" * (LARGEST_IN_PLACE_BYTES // 2) + "x"
    desk = opened(place).commit(passing(1, largest, 1))
    assert kept(desk) == []
    desk.commit(passing(2, larger_in_bytes, 1))
    assert kept(desk) == [len(larger_in_bytes)]
    assert [desk.store.history(key)[1].event for key in (1, 2)] == [
        passing(1, text, 1).history[1].event for text in (largest, larger_in_bytes)
    ]


def test_the_purge_of_one_of_two_holders_keeps_a_payload_and_that_of_the_last_removes_it(place: Path, opened: Callable[..., Desk]) -> None:
    desk = opened(place).commit(passing(1, LARGE), passing(2, LARGE), passing(3, OTHER))
    assert kept(desk) == [len(LARGE), len(OTHER)]
    desk.commit(Commit(purged=[1]))
    assert kept(desk) == [len(LARGE), len(OTHER)]
    assert desk.store.history(2) == passing(2, LARGE).history
    desk.commit(Commit(purged=[2]))
    assert kept(desk) == [len(OTHER)]
    desk.commit(Commit(purged=[3]), passing(4, LARGE))
    assert kept(desk) == [len(LARGE)]
    assert desk.store.history(4) == passing(4, LARGE).history


def test_a_payload_that_comes_back_in_the_batch_of_its_last_holders_purge_stays(place: Path, opened: Callable[..., Desk]) -> None:
    desk = opened(place).commit(passing(1, LARGE))
    for number in range(10):  # commits that are submitted together end in one batch, most times
        expected = len(desk.acknowledged) + 2
        desk.store.submit(Commit(purged=[number + 1]), number)
        desk.store.submit(passing(number + 2, LARGE, 1), number)
        desk.wait(lambda expected=expected: len(desk.acknowledged) >= expected)  # type: ignore[misc]  # mypy takes no default here
        assert kept(desk) == [len(LARGE)]
        assert desk.store.history(number + 2) == passing(number + 2, LARGE, 1).history


def test_history_that_is_passed_on_is_kept_apart_too_and_the_rest_of_the_detail_stays_readable(
    place: Path, opened: Callable[..., Desk]
) -> None:
    started = h.ExecutionStarted(occurred_at=BEGIN, name="order", instance_id="order-1", propagated=LARGE, tags={"team": "a"})
    asked = h.TaskScheduled(occurred_at=BEGIN, event_id=0, name="a", task_execution_id="0", propagated=LARGE, is_inline=True)
    commit = Commit(history=[HistoryRow(1, 0, 1, started), HistoryRow(1, 1, 1, asked)], runs=[state(1)])
    desk = opened(place).commit(commit)
    assert desk.store.history(1) == commit.history
    assert kept(desk) == [len(LARGE)]
    with desk.store.cursor() as cursor:
        found = cursor.execute("SELECT detail ->> '$.tags.team', length(payload(detail ->> '$.propagated')) FROM history").fetchall()
    assert found == [("a", len(LARGE)), (None, len(LARGE))]


def test_sql_sees_a_reference_and_asks_for_the_payload_by_a_macro(place: Path, opened: Callable[..., Desk]) -> None:
    desk = opened(place).commit(passing(1, LARGE, 1), passing(2, "17", 1))
    with desk.store.cursor() as cursor:
        cells = cursor.execute("SELECT input, payload(input) FROM instances ORDER BY key").fetchall()
        sizes = cursor.execute("SELECT length(payload(output)), length(payload(NULL)) FROM activities ORDER BY key").fetchall()
    assert cells[0][0].startswith(MARK)
    assert cells[0][0].endswith(f" {len(LARGE)}")
    assert cells[0][1] == LARGE
    assert cells[1] == ("17", "17")
    assert sizes == [(len(LARGE), None), (2, None)]


@pytest.mark.parametrize("text", [MARK, f"{MARK}{'0' * 64} 5", f"{MARK}half"])
def test_a_status_that_looks_like_a_reference_is_not_taken_for_one(place: Path, opened: Callable[..., Desk], text: str) -> None:
    shown = msgspec.structs.replace(state(1), custom_status=text)
    desk = opened(place).commit(Commit(runs=[shown]))
    assert desk.store.instance(1) == shown


def test_a_payload_that_is_missing_is_said_and_never_passed_off_as_its_reference(place: Path, opened: Callable[..., Desk]) -> None:
    desk = opened(place).commit(passing(1, LARGE, 1))
    desk.store.flush()
    with desk.store.transaction() as cursor:
        cursor.execute("DELETE FROM payloads")
    with pytest.raises(StoreCorrupt, match="is missing from the table `payloads`"):
        desk.store.history(1)
