"""The API log: nobody who records waits, what does not fit is counted, and the oldest rows make room."""

import threading
from datetime import UTC, datetime, timedelta

import duckdb
import pytest

from tests.waiting import eventually
from wfengine.gateway import calls
from wfengine.gateway.calls import ApiCall, CallLog
from wfengine.runtime.engine import Engine
from wfengine.store import appending


def call(number: int = 0, **more: object) -> ApiCall:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number)
    return ApiCall(occurred_at=at, api="state", method=f"GET /{number}", **more)  # type: ignore[arg-type]  # what a test says


def methods(engine: Engine) -> list[str]:
    with engine.store.cursor() as cursor:
        return [name for (name,) in cursor.execute("SELECT method FROM api_calls ORDER BY occurred_at").fetchall()]


def test_calls_of_many_threads_are_all_written(engine: Engine) -> None:
    log = CallLog(engine.store)

    def record(begin: int) -> None:
        for number in range(begin, begin + 200):
            log.record(call(number))

    threads = [threading.Thread(target=record, args=(begin,)) for begin in (0, 200, 400)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert methods(engine) == [f"GET /{number}" for number in range(600)]
    assert log.dropped == 0


def test_what_does_not_fit_is_counted_and_what_comes_after_the_end_too(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "MOST_WAITING", 3)
    log = CallLog(engine.store, linger_seconds=60)
    for number in range(5):
        log.record(call(number))
    log.close()
    log.record(call(9))
    assert (methods(engine), log.dropped) == (["GET /0", "GET /1", "GET /2"], 3)


def test_the_oldest_rows_make_room(engine: Engine) -> None:
    log = CallLog(engine.store, kept=10)
    for number in range(30):
        log.record(call(number))
        if number % 10 == 9:
            assert log.flush()
    log.close()
    assert methods(engine)[-10:] == [f"GET /{number}" for number in range(20, 30)]
    assert len(methods(engine)) <= 11


def test_what_duckdb_refuses_for_a_while_is_written_later(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    log = CallLog(engine.store)
    tries: list[int] = []
    append = appending.append_rows

    def refusing(*arguments: object) -> None:
        tries.append(1)
        if len(tries) == 1:
            raise duckdb.TransactionException("conflict")
        append(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(calls, "append_rows", refusing)
    log.record(call(1))
    assert log.flush()
    log.close()
    assert (methods(engine), log.dropped, len(tries)) == (["GET /1"], 0, 2)


def test_a_listener_that_fails_hurts_nobody(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    log = CallLog(engine.store)
    heard: list[int] = []

    def broken(_: object) -> None:
        raise RuntimeError("a view's fault")

    log.subscribe(broken)
    log.subscribe(lambda batch: heard.append(len(batch)))
    log.record(call(1))
    eventually(lambda: heard == [1])
    log.close()
    assert "A listener of the API log failed" in caplog.text


def test_what_a_caller_sent_is_kept_in_part_and_only_as_text(engine: Engine) -> None:
    log = CallLog(engine.store)
    log.record(call(1, error="x" * 10_000, caller="half a character: \ud800", target=None))
    log.close()
    with engine.store.cursor() as cursor:
        assert cursor.execute("SELECT length(error), caller, target FROM api_calls").fetchall() == [(500, "half a character: ?", None)]
