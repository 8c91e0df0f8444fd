"""The view `waits` tells from history alone which external events the code waits for.

History does not say that a wait was served at once by an event which had come before it, nor which of a turn's events came before a wait
of that turn. What the view makes of it is compared with the code itself, played along.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import count
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.engine.store.desk import BEGIN, moment, state
from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_any
from wfengine.core.transitions import new_instance
from wfengine.model import history as h
from wfengine.model.instance import Status
from wfengine.model.work import Commit, HistoryRow
from wfengine.store import appending, migrating
from wfengine.store.appending import Entry
from wfengine.store.database import Progress
from wfengine.store.rows import naive
from wfengine.testing.rehearsal import Steps
from wfengine.testing.twice import PlayedTwice

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tables() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(migrating.script("schema") + migrating.script("views"))
    return connection


def waits_of(tables: duckdb.DuckDBPyConnection, *histories: Sequence[HistoryRow]) -> list[tuple[str, int]]:
    """What the view says of a running execution with these events."""
    tables.execute("DELETE FROM history; DELETE FROM runs")
    commit = Commit(history=[row for rows in histories for row in rows], runs=[state(1)])
    appending.append(tables, [Entry(1, 1, commit)], Progress(0, 1, 1, 1))
    return tables.execute("SELECT event_name, event_id FROM waits ORDER BY event_id").fetchall()


def turn(number: int, first: int, *events: h.HistoryEvent) -> list[HistoryRow]:
    return [HistoryRow(1, first + place, number, event) for place, event in enumerate(events)]


def wait(event_id: int, name: str = "x", deadline: int | None = None) -> h.TimerCreated:
    fire_at = None if deadline is None else moment(deadline)
    return h.TimerCreated(occurred_at=BEGIN, event_id=event_id, fire_at=fire_at, origin=h.EventWait(name=name))


def raised(name: str = "x") -> h.EventRaised:
    return h.EventRaised(occurred_at=BEGIN, name=name)


def fired(timer_id: int) -> h.TimerFired:
    return h.TimerFired(occurred_at=BEGIN, timer_id=timer_id, fire_at=BEGIN)


STARTED = h.ExecutionStarted(occurred_at=BEGIN, name="order", instance_id="order-1")
DONE = h.TaskCompleted(occurred_at=BEGIN, task_scheduled_id=0)


def test_a_wait_is_over_with_its_event_even_if_its_deadline_is_recorded_later(tables: duckdb.DuckDBPyConnection) -> None:
    asked = turn(1, 0, STARTED, wait(0, deadline=9))
    for later in (turn(2, 2, raised(), fired(0)), [*turn(2, 2, raised()), *turn(3, 3, fired(0))]):
        assert waits_of(tables, asked, later) == []
        again = turn(4, 4, DONE, wait(1))
        assert waits_of(tables, asked, later, again) == [("x", 1)], "that event is used up"


def test_a_wait_whose_deadline_passed_first_takes_no_event(tables: duckdb.DuckDBPyConnection) -> None:
    asked = turn(1, 0, STARTED, wait(0, deadline=9), wait(1))
    assert waits_of(tables, asked, turn(2, 3, fired(0))) == [("x", 1)]
    assert waits_of(tables, asked, turn(2, 3, fired(0), raised())) == []
    assert waits_of(tables, asked, turn(2, 3, raised(), fired(0))) == [("x", 1)]


def test_an_event_that_came_before_anybody_asked_is_used_up_without_a_record(tables: duckdb.DuckDBPyConnection) -> None:
    assert waits_of(tables, turn(1, 0, STARTED), turn(2, 1, raised()), turn(3, 2, DONE, wait(0))) == [("x", 0)]
    assert waits_of(tables, turn(1, 0, STARTED), turn(2, 1, raised(), DONE, wait(0))) == [("x", 0)]
    assert waits_of(tables, turn(1, 0, STARTED), turn(2, 1, DONE, raised(), wait(0))) == []


def test_events_that_no_code_has_taken_up_yet_count_as_answers(tables: duckdb.DuckDBPyConnection) -> None:
    suspended = h.ExecutionSuspended(occurred_at=BEGIN)
    asked = turn(1, 0, STARTED, wait(0), wait(1, "y"))
    assert waits_of(tables, asked, turn(0, 3, suspended, raised())) == [("y", 1)]


def test_names_are_compared_without_regard_to_case_and_ended_executions_wait_for_nothing(tables: duckdb.DuckDBPyConnection) -> None:
    asked = turn(1, 0, STARTED, wait(0, "Approval"), wait(1, "approval"))
    assert waits_of(tables, asked, turn(2, 3, raised("APPROVAL"))) == [("approval", 1)]
    ended = Commit(runs=[state(1, Status.COMPLETED)])
    appending.append(tables, [Entry(2, 100, ended)], Progress(1, 100, 2, 1))
    assert tables.execute("SELECT count(*) FROM waits").fetchall() == [(0,)]


def workflow_of(steps: Sequence[str]) -> Any:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        for step in steps:
            what, *rest = step.split()
            try:
                if what == "activity":
                    yield ctx.call_activity("a")
                elif what == "either":
                    yield when_any([ctx.wait_for_external_event("x"), ctx.call_activity("a")])
                else:
                    yield ctx.wait_for_external_event(rest[0], timeout=timedelta(hours=1) if rest[1:] else None)
            except TimeoutError:
                continue
        yield ctx.call_activity("the last")

    return workflow


def played(tables: duckdb.DuckDBPyConnection, steps: Sequence[str], turns: Sequence[Sequence[str]]) -> None:
    """Play a workflow and compare what it waits for in the end with the view."""
    instance, rows = new_instance(1, h.ExecutionStarted(occurred_at=BEGIN, name="order", instance_id="order-1"))
    one = PlayedTwice(workflow_of(steps), instance)
    keys = count(2)
    history: list[HistoryRow] = []
    open_tasks: list[int] = []
    timers: list[h.TimerCreated] = []
    arriving: list[h.HistoryEvent] = [row.event for row in rows]
    for words in ((), *turns):
        for word in words:
            match word:
                case "done" if open_tasks:
                    arriving.append(h.TaskCompleted(occurred_at=BEGIN, task_scheduled_id=open_tasks.pop(0)))
                case "fired" if timers:
                    timer = timers.pop(0)
                    arriving.append(h.TimerFired(occurred_at=BEGIN, timer_id=timer.event_id, fire_at=timer.fire_at or BEGIN))
                case "x" | "y":
                    arriving.append(raised(word))
        if not arriving:
            continue
        _, transition = one.turn(arriving, now=BEGIN, claim_key=lambda _: next(keys))
        arriving = []
        if transition.instance.status.is_terminal:
            return
        history += transition.commit.history
        for row in transition.commit.history:
            if isinstance(row.event, h.TaskScheduled):
                open_tasks.append(row.event.event_id)
            elif isinstance(row.event, h.TimerCreated) and row.event.fire_at is not None:
                timers.append(row.event)
    assert sorted({name for name, _ in waits_of(tables, history)}) == sorted(one.awaited_events())
    one.close()


STEPS = st.lists(st.sampled_from(["wait x", "wait x", "wait y", "wait x 1h", "activity", "either"]), min_size=1, max_size=6)
ARRIVALS = st.sampled_from(["done", "fired", "x", "x", "y"])


@settings(max_examples=60)
@given(STEPS, st.lists(ARRIVALS, max_size=12))
def test_whatever_arrives_one_by_one_the_view_says_what_the_code_waits_for(
    tables: duckdb.DuckDBPyConnection, steps: list[str], arrivals: list[str]
) -> None:
    played(tables, steps, [[arrival] for arrival in arrivals])


@settings(max_examples=60)
@given(STEPS, st.lists(st.lists(ARRIVALS, max_size=4), max_size=6))
def test_the_same_holds_of_what_arrives_together_while_the_code_does_something_between_its_waits(
    tables: duckdb.DuckDBPyConnection, steps: list[str], turns: list[list[str]]
) -> None:
    """Where it asks for an event twice on end within one turn, history does not tell whether the event came before the first or behind."""
    played(tables, [each for step in steps for each in (step, "activity")], turns)


def timer(event_id: int, fire_at: int) -> h.TimerCreated:
    return h.TimerCreated(occurred_at=BEGIN, event_id=event_id, fire_at=moment(fire_at), origin=h.UserTimer())


@pytest.mark.parametrize(
    ("asked", "deadline"),
    [
        ([wait(0), timer(1, 60)], None),
        ([wait(0, deadline=20), timer(1, 10)], 20),
        ([wait(0)], None),
    ],
)
def test_a_deadline_is_the_waits_own_as_only_the_source_tells_whether_a_timer_beside_it_is_another(
    tables: duckdb.DuckDBPyConnection, asked: list[h.HistoryEvent], deadline: int | None
) -> None:
    waits_of(tables, turn(1, 0, *asked))
    [(found,)] = tables.execute("SELECT deadline FROM waits").fetchall()
    assert found == (None if deadline is None else naive(moment(deadline)))
