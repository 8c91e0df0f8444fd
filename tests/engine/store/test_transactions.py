"""A transaction of a user's own beside the lab's record: whole or not at all, seen by nobody else's commit, in nobody's way."""

import threading
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.engine.store.desk import BEGIN, Desk, start_of, step_of
from wfengine.errors import EngineStopped, InvalidArgument, TransactionConflict
from wfengine.model.work import Commit
from wfengine.store import applier

pytestmark = pytest.mark.slow

RESULT = "INSERT INTO transactions VALUES (?, ?, ?, ?)"


def balance(desk: Desk) -> int:
    with desk.store.cursor() as cursor:
        ((found,),) = cursor.execute("SELECT balance FROM accounts").fetchall()
    return int(found)


@pytest.fixture
def bank(place: Path, opened: Callable[..., Desk]) -> Desk:
    desk = opened(place).commit(start_of(1))
    with desk.store.transaction() as cursor:
        cursor.execute("CREATE TABLE accounts AS SELECT 100 AS balance")
    return desk


def pay(cursor: duckdb.DuckDBPyConnection, event_id: int) -> None:
    cursor.execute("UPDATE accounts SET balance = balance - 10")
    cursor.execute(RESULT, [1, event_id, '"paid"', BEGIN.replace(tzinfo=None)])


def pay_once(desk: Desk, event_id: int, meanwhile: Callable[[], object] = lambda: None, *, first: bool = True) -> None:
    """A payment as a transaction; `meanwhile` happens after it, or before where it is not `first`."""
    with desk.store.transaction() as cursor:
        cursor.execute("SELECT * FROM accounts").fetchall()
        if not first:
            meanwhile()
        pay(cursor, event_id)
        if first:
            meanwhile()


def test_what_a_transaction_wrote_and_its_result_are_there_together(bank: Desk) -> None:
    assert bank.store.transaction_result(1, 5) == (False, None)
    with bank.store.transaction() as cursor:
        pay(cursor, 5)
        assert bank.store.transaction_result(1, 5) == (False, None), "nobody sees it before it has committed"
    assert bank.store.transaction_result(1, 5) == (True, '"paid"')
    assert balance(bank) == 90


def test_a_transaction_that_raises_leaves_nothing(bank: Desk) -> None:
    with pytest.raises(ZeroDivisionError):
        pay_once(bank, 5, lambda: 1 / 0)
    assert bank.store.transaction_result(1, 5) == (False, None)
    assert balance(bank) == 100


def test_a_result_of_none_is_told_from_no_result(bank: Desk) -> None:
    with bank.store.transaction() as cursor:
        cursor.execute(RESULT, [1, 6, None, BEGIN.replace(tzinfo=None)])
    assert bank.store.transaction_result(1, 6) == (True, None)


def test_of_two_that_change_the_same_row_one_is_told_to_try_again(bank: Desk) -> None:
    def meanwhile() -> None:
        thread = threading.Thread(target=lambda: pay_once(bank, 7, first=False))
        thread.start()
        thread.join()

    with pytest.raises(TransactionConflict, match="may succeed"):
        pay_once(bank, 8, meanwhile, first=False)
    assert balance(bank) == 90
    assert bank.store.transaction_result(1, 8) == (False, None)
    pay_once(bank, 8)
    assert balance(bank) == 80


def test_a_transaction_that_ends_itself_is_refused(bank: Desk) -> None:
    with pytest.raises(InvalidArgument, match="Leave BEGIN, COMMIT and ROLLBACK to the engine"), bank.store.transaction() as cursor:
        cursor.execute("ROLLBACK")


def test_a_transaction_survives_a_reopening(bank: Desk, place: Path, opened: Callable[..., Desk]) -> None:
    pay_once(bank, 5)
    bank.store.close()
    again = opened(place)
    assert again.store.transaction_result(1, 5) == (True, '"paid"')
    assert balance(again) == 90


def test_a_purge_takes_the_results_of_transactions_with_it(bank: Desk) -> None:
    pay_once(bank, 5)
    bank.commit(Commit(purged=[1]))
    bank.store.flush()
    assert bank.store.transaction_result(1, 5) == (False, None)


def test_an_open_transaction_keeps_neither_the_record_from_growing_nor_readers_waiting(bank: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the checkpoint waits for its end, and the journal grows meanwhile."""
    monkeypatch.setattr(applier, "CHECKPOINT_WHEN_IDLE_SECONDS", 0.0)
    monkeypatch.setattr(applier, "CHECKPOINT_JOURNAL_BYTES", 0)
    journal = bank.store._applier._journal
    with bank.store.transaction() as cursor:
        pay(cursor, 5)
        for number in range(0, 800, 20):
            bank.commit(*[step_of(1, number + each + 1, f'"{"x" * 1000}"') for each in range(20)])
            assert len(bank.store.history(1)) == 1 + number + 20
        assert bank.troubles == []
        grown = journal.size
        assert grown > 800 * 1000
    sizes = (journal.size for number in range(1_000, 1_100) if bank.commit(step_of(1, number)).store.history(1))
    assert any(size < grown for size in sizes), "with its end the journal goes again"
    assert bank.store.transaction_result(1, 5) == (True, '"paid"')
    assert balance(bank) == 90


def test_closing_with_an_open_transaction_loses_nothing_that_was_acknowledged(bank: Desk, place: Path, opened: Callable[..., Desk]) -> None:
    bank.commit(step_of(1, 1))
    with pytest.raises(EngineStopped, match="closed meanwhile"):
        pay_once(bank, 5, bank.store.close)
    again = opened(place)
    assert len(again.store.history(1)) == 2
    assert balance(again) == 100
