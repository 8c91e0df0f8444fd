"""Transactional activities (SEMANTICS): writes to the lab's database and the completion are one transaction."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import duckdb
import pytest

from tests.waiting import eventually
from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_all
from wfengine.errors import InvalidArgument, TaskFailedError
from wfengine.model.history import TaskCompleted, TaskEndedLate, TaskFailed
from wfengine.model.instance import Instance, Status
from wfengine.runtime import transactional
from wfengine.runtime.activity_cursor import ActivityCursor
from wfengine.runtime.engine import Engine
from wfengine.testing.rehearsal import Steps

pytestmark = pytest.mark.slow

Opener = Callable[..., Engine]


def calls(ctx: WorkflowContext, value: Any) -> Steps:
    return (yield ctx.call_activity("book", input=value))


def books(ctx: Any, amount: int) -> str:
    ctx.cursor.execute("INSERT INTO bookings VALUES (?)", [amount])
    return f"booked {amount}"


def ready(engine: Engine, activity: Callable[..., Any] = books, **options: Any) -> Engine:
    with engine.store.transaction() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bookings (amount INTEGER)")
    engine.register_workflow(calls)
    engine.register_activity(activity, "book", transactional=True, **options)
    return engine


def run(engine: Engine, amount: int = 5) -> Instance:
    return engine.wait_for_workflow_completion(engine.schedule_new_workflow(calls, input=amount), 20)


def asked(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    with engine.store.cursor() as cursor:
        return cursor.execute(query).fetchall()


def booked(engine: Engine) -> list[int]:
    return sorted(row[0] for row in asked(engine, "SELECT amount FROM bookings"))


def failure(engine: Engine, ended: Instance) -> Any:
    [failed] = [row.event for row in engine.history(ended.instance_id) if isinstance(row.event, TaskFailed)]
    return failed.failure


def test_what_it_writes_and_that_it_completed_are_one_transaction(engine: Engine) -> None:
    ended = run(ready(engine))
    assert ended.output == '"booked 5"'
    assert booked(engine) == [5]
    assert asked(engine, "SELECT instance, event_id, result FROM transactions") == [(ended.key, 0, '"booked 5"')]


def test_where_it_fails_nothing_is_written(engine: Engine) -> None:
    def fails(ctx: Any, amount: int) -> None:
        books(ctx, amount)
        raise ZeroDivisionError

    ended = run(ready(engine, fails))
    assert failure(engine, ended).error_type == "ZeroDivisionError"
    assert (booked(engine), asked(engine, "FROM transactions")) == ([], [])


def test_a_result_that_is_not_json_writes_nothing(engine: Engine) -> None:
    def odd(ctx: Any, amount: int) -> Any:
        books(ctx, amount)
        return object()

    ended = run(ready(engine, odd))
    assert failure(engine, ended).error_type == "PayloadError"
    assert booked(engine) == []


def test_a_result_that_was_committed_before_the_process_died_is_delivered_without_running_again(opened: Opener) -> None:
    engine = opened()
    runs, go_on = threading.Event(), threading.Event()

    def waits(ctx: Any, amount: int) -> str:
        runs.set()
        go_on.wait(20)
        return books(ctx, amount)

    instance_id = ready(engine, waits).schedule_new_workflow(calls, input=5)
    assert runs.wait(20)
    state = engine.get_workflow_state(instance_id)
    assert state is not None
    with engine.store.transaction() as cursor:  # as if the function had got that far
        cursor.execute("INSERT INTO bookings VALUES (5)")
        cursor.execute("INSERT INTO transactions VALUES (?, 0, '\"booked before\"', now()::TIMESTAMP)", [state.key])
    engine.close()
    go_on.set()
    engine = opened()
    runs.clear()
    assert ready(engine, waits).wait_for_workflow_completion(instance_id, 20).output == '"booked before"'
    assert not runs.is_set()
    assert booked(engine) == [5]


def test_a_conflict_makes_the_whole_function_run_again_within_the_attempt(engine: Engine) -> None:
    others_turn = iter([True, True, False])

    def counts(ctx: Any, amount: int) -> int:
        ctx.cursor.execute("SELECT sum(amount) FROM bookings").fetchall()
        if next(others_turn):
            with engine.store.transaction() as other:
                other.execute("UPDATE bookings SET amount = amount + 1")
        ctx.cursor.execute("UPDATE bookings SET amount = amount + ?", [amount])
        return int(ctx.cursor.execute("SELECT amount FROM bookings").fetchall()[0][0])

    ready(engine, counts)
    with engine.store.transaction() as cursor:
        cursor.execute("INSERT INTO bookings VALUES (100)")
    ended = run(engine)
    assert (ended.output, booked(engine)) == ("107", [107])
    [completed] = [row.event for row in engine.history(ended.instance_id) if isinstance(row.event, TaskCompleted)]
    assert completed.task_scheduled_id == 0


def test_after_fifty_conflicts_the_attempt_fails(engine: Engine) -> None:
    tries: list[int] = []

    def unlucky(ctx: Any, amount: int) -> None:
        tries.append(amount)
        ctx.cursor.execute("SELECT count(*) FROM bookings").fetchall()
        with engine.store.transaction() as other:
            other.execute("UPDATE bookings SET amount = amount + 1")
        ctx.cursor.execute("UPDATE bookings SET amount = 0")

    ready(engine, unlucky)
    with engine.store.transaction() as cursor:
        cursor.execute("INSERT INTO bookings VALUES (100)")
    assert failure(engine, run(engine)).error_type == "TransactionConflict"
    assert (len(tries), booked(engine)) == (50, [150])


def test_what_its_time_ran_out_for_is_rolled_back_and_late(engine: Engine) -> None:
    go_on = threading.Event()

    def slow(ctx: Any, amount: int) -> str:
        told = books(ctx, amount)
        go_on.wait(20)
        return told

    def goes_on(ctx: WorkflowContext, value: Any) -> Steps:
        try:
            yield ctx.call_activity("book", input=value)
        except TaskFailedError as error:
            ctx.set_custom_status(error.details.error_type)
        yield ctx.wait_for_external_event("go")

    ready(engine, slow, timeout=timedelta(milliseconds=50))
    engine.register_workflow(goes_on)
    instance_id = engine.schedule_new_workflow(goes_on, input=5)

    def status() -> str | None:
        state = engine.get_workflow_state(instance_id)
        return None if state is None else state.custom_status

    eventually(lambda: status() == "ActivityTimeoutError")
    go_on.set()
    eventually(lambda: any(isinstance(row.event, TaskEndedLate) for row in engine.history(instance_id)))
    [late] = [row.event for row in engine.history(instance_id) if isinstance(row.event, TaskEndedLate)]
    assert late.error_type == "GivenUp"
    assert (booked(engine), asked(engine, "FROM transactions")) == ([], [])


def test_it_may_not_end_the_transaction_itself(engine: Engine) -> None:
    def meddles(ctx: Any, amount: int) -> None:
        books(ctx, amount)
        ctx.cursor.execute("COMMIT")

    told = failure(engine, run(ready(engine, meddles)))
    assert told.error_type == "InvalidArgument"
    assert told.message.startswith("COMMIT cannot be run here: the engine begins and ends this transaction.")
    assert booked(engine) == []


def test_twenty_activities_that_change_one_row_all_complete(engine: Engine) -> None:
    def counts(ctx: Any, _: Any) -> None:
        ctx.cursor.execute("UPDATE bookings SET amount = amount + 1")

    def fans_out(ctx: WorkflowContext, _: Any) -> Steps:
        yield when_all([ctx.call_activity("book") for _ in range(20)])

    ready(engine, counts)
    engine.register_workflow(fans_out)
    with engine.store.transaction() as cursor:
        cursor.execute("INSERT INTO bookings VALUES (100)")
    ended = engine.wait_for_workflow_completion(engine.schedule_new_workflow(fans_out), 60)
    assert (ended.status, booked(engine)) == (Status.COMPLETED, [120])


def test_one_that_hangs_while_it_tries_again_holds_up_no_other(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactional, "_TURN_WITHIN_SECONDS", 0.01)
    go_on = threading.Event()
    hangs = threading.Event()
    tries: dict[int, int] = {}

    def unlucky_once(ctx: Any, amount: int) -> int:
        tries[amount] = tries.get(amount, 0) + 1
        ctx.cursor.execute("FROM bookings").fetchall()
        if tries[amount] == 1:
            with engine.store.transaction() as other:
                other.execute("UPDATE bookings SET amount = amount + 1")
        elif amount == 1:
            hangs.set()
            go_on.wait(20)
        ctx.cursor.execute("UPDATE bookings SET amount = amount")
        return tries[amount]

    ready(engine, unlucky_once)
    with engine.store.transaction() as cursor:
        cursor.execute("INSERT INTO bookings VALUES (100)")
    first = engine.schedule_new_workflow(calls, input=1)
    assert hangs.wait(20)
    assert run(engine, 2).output == "2"
    go_on.set()
    assert engine.wait_for_workflow_completion(first, 20).status is Status.COMPLETED


@pytest.mark.parametrize("name", ["begin", "commit", "rollback", "close"])
def test_nor_by_a_method_and_nothing_is_written_then(engine: Engine, name: str) -> None:
    def meddles(ctx: Any, amount: int) -> None:
        books(ctx, amount)
        getattr(ctx.cursor, name)()

    told = failure(engine, run(ready(engine, meddles)))
    assert told.error_type == "InvalidArgument"
    assert told.message.startswith(f"ctx.cursor has no {name}: the engine begins this transaction")
    assert (booked(engine), asked(engine, "FROM transactions")) == ([], [])


def test_what_would_change_the_record_fails_and_the_record_stays(engine: Engine) -> None:
    def destroys(ctx: Any, amount: int) -> None:
        books(ctx, amount)
        ctx.cursor.execute("DELETE FROM history; DROP TABLE runs")

    ended = run(ready(engine, destroys))
    assert failure(engine, ended).message.startswith("history is the engine's and can only be read")
    assert booked(engine) == []
    assert engine.wait_for_workflow_completion(ended.instance_id, 20).status is Status.FAILED


def test_a_statement_that_failed_takes_the_whole_transaction_with_it(engine: Engine) -> None:
    def swallows(ctx: Any, amount: int) -> None:
        books(ctx, amount)
        ctx.cursor.execute("CREATE TABLE keyed (a INTEGER PRIMARY KEY); INSERT INTO keyed VALUES (1)")
        with suppress(duckdb.ConstraintException):
            ctx.cursor.execute("INSERT INTO keyed VALUES (1)")

    told = failure(engine, run(ready(engine, swallows)))
    assert told.message == "The transaction was rolled back: one of its statements had failed before. Let that error rise."
    assert booked(engine) == []


def test_many_at_once_each_write_once(engine: Engine) -> None:
    ready(engine)
    started = [engine.schedule_new_workflow(calls, input=number) for number in range(40)]
    for instance_id in started:
        assert engine.wait_for_workflow_completion(instance_id, 60).status is Status.COMPLETED
    assert booked(engine) == list(range(40))


def test_the_cursor_is_closed_once_the_activity_has_ended(engine: Engine) -> None:
    kept: list[ActivityCursor] = []
    run(ready(engine, lambda ctx, _: kept.append(ctx.cursor)))
    with pytest.raises(duckdb.ConnectionException):
        kept.pop().execute("SELECT 1")


def test_elsewhere_there_is_no_cursor_and_the_error_says_what_to_do(engine: Engine) -> None:
    engine.register_workflow(calls)
    engine.register_activity(lambda ctx, _: ctx.cursor, "book")
    told = failure(engine, run(engine))
    assert told.message == "ctx.cursor is there in transactional activities only: register this one with transactional=True."


def test_a_coroutine_function_cannot_be_transactional(engine: Engine) -> None:
    async def books_later(_ctx: Any, _: Any) -> None: ...

    with pytest.raises(InvalidArgument, match="A transactional activity is a plain function"):
        engine.register_activity(books_later, transactional=True)
