"""The checkers of the campaigns must not miss what they are there for: each is given a sound history, and one with its fault planted."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from tests.faults.invariants import check_numbers, check_replay, check_results, check_wake_up
from tests.patterns.patterns import COMPENSATION, WORKFLOWS, chaining, compensation, register
from wfengine.core.context import WorkflowContext
from wfengine.errors import NonDeterminismError
from wfengine.model.history import TaskCompleted, TaskScheduled
from wfengine.model.instance import Instance, Status
from wfengine.model.work import HistoryRow
from wfengine.runtime.engine import Engine
from wfengine.store.store import Store
from wfengine.testing.rehearsal import Steps

Record = tuple[Instance, list[HistoryRow]]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """A compensation that has ended."""
    with Engine(Store.open(tmp_path_factory.mktemp("record") / "lab.duckdb")) as engine:
        register(engine, "generator", lambda *_: None)
        engine.schedule_new_workflow(COMPENSATION.name, input=COMPENSATION.input, instance_id="c")
        ended = engine.wait_for_workflow_completion("c", 20)
        return ended, engine.history("c")


def changed(rows: list[HistoryRow], place: int, **fields: Any) -> list[HistoryRow]:
    """The history with other fields in one of its events."""
    event = msgspec.structs.replace(rows[place].event, **fields)
    return [*rows[:place], msgspec.structs.replace(rows[place], event=event), *rows[place + 1 :]]


def test_a_sound_history_passes_every_check(record: Record) -> None:
    instance, rows = record
    check_numbers(instance, rows)
    check_results(instance, rows)
    check_wake_up(instance, rows)
    for form in WORKFLOWS.values():
        assert check_replay(form[COMPENSATION.name], instance, rows) == instance.turn


@pytest.mark.parametrize(
    "planted",
    [
        lambda rows: [*rows[:3], *rows[4:]],
        lambda rows: [*rows[:3], rows[2], *rows[3:]],
        lambda rows: rows[:-1],
        lambda rows: changed(rows, 4, occurred_at=rows[4].event.occurred_at - timedelta(hours=1)),
    ],
    ids=["a row is lost", "a row is there twice", "the end is lost", "time goes back"],
)
def test_b_sees_histories_that_are_not_whole(record: Record, planted: Callable[[list[HistoryRow]], list[HistoryRow]]) -> None:
    instance, rows = record
    with pytest.raises(AssertionError):
        check_numbers(instance, planted(rows))


def edited(ctx: WorkflowContext, bookings: list[str]) -> Steps:
    """Asks for the same steps with another input, which replay by itself does not compare."""
    return (yield from compensation(ctx, [*bookings[:1], "boat", *bookings[2:]]))


def test_c_sees_code_that_asks_for_other_than_is_recorded(record: Record) -> None:
    instance, rows = record
    with pytest.raises(AssertionError, match="boat"):
        check_replay(edited, instance, rows)
    with pytest.raises((AssertionError, NonDeterminismError)):
        check_replay(chaining, instance, rows)
    completed = next(place for place, row in enumerate(rows) if isinstance(row.event, TaskCompleted))
    with pytest.raises(AssertionError):
        check_replay(compensation, instance, [*rows[:completed], *rows[completed + 1 :]])


def test_d_sees_a_second_outcome_and_one_of_nothing(record: Record) -> None:
    instance, rows = record
    completed = next(row for row in rows if isinstance(row.event, TaskCompleted))
    scheduled = next(row for row in rows if isinstance(row.event, TaskScheduled))
    for planted in ([*rows, completed], [row for row in rows if row is not scheduled]):
        with pytest.raises(AssertionError):
            check_results(instance, planted)


def test_e_sees_an_instance_that_nothing_can_wake_up(record: Record) -> None:
    instance, rows = record
    running = msgspec.structs.replace(instance, status=Status.RUNNING)
    for turn in range(1, instance.turn):
        check_wake_up(running, [row for row in rows if row.turn <= turn])
    lost = [row for row in rows[:-1] if not isinstance(row.event, TaskScheduled)]
    with pytest.raises(AssertionError, match="nothing can wake up c"):
        check_wake_up(running, lost)
