"""Transactional activities: what they write to the lab's DuckDB file and the fact that they completed are one transaction.

The completion is a row of `transactions`, written on the same connection. If the process dies before the event is recorded, the row is found when the
attempt is taken up again, and its result is delivered without running anything. So what the function does to the database happens once.

Any number may change the same rows at once: of those that meet, one goes through, and the others try again one after another.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import duckdb

from wfengine.errors import TransactionConflict
from wfengine.store.store import Store

_MOST_TRIES = 50
_TURN_WITHIN_SECONDS = 5.0  # one that takes longer holds up no others
_INSERT = "INSERT INTO transactions (instance, event_id, result, committed_at) VALUES (?, ?, ?, ?)"


class LastWord:
    """Whoever takes it first decides what becomes of an attempt: the commit of its transaction, or its timeout."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Whether it was still to be had."""
        return self._lock.acquire(blocking=False)

    def give_back(self) -> None:
        """The commit did not come about; its turn may come again."""
        self._lock.release()


class GivenUp(Exception):
    """The attempt's time was up before it could commit; its writes are rolled back."""


class Transactions:
    """Runs the work of transactional activities, on the worker's threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turn = threading.Lock()  # of those who try again

    def committed(self, key: int, event_id: int) -> tuple[bool, str | None]:
        """Whether this attempt has committed before, and its result."""
        return self._store.transaction_result(key, event_id)

    def run(
        self, key: int, event_id: int, work: Callable[[duckdb.DuckDBPyConnection], str | None], last_word: LastWord | None
    ) -> str | None:
        """Do `work` and record that it is done. The whole is done again where others changed the same rows meanwhile, up to fifty times in all."""
        for tries in range(1, _MOST_TRIES + 1):
            has_last_word = False
            try:
                with self._in_turn(tries), self._store.transaction() as cursor:
                    result = work(cursor)
                    cursor.execute(_INSERT, [key, event_id, result, datetime.now(UTC).replace(tzinfo=None)])
                    has_last_word = last_word is not None and last_word.take()
                    if last_word is not None and not has_last_word:
                        raise GivenUp
            except TransactionConflict:
                if last_word is not None and has_last_word:
                    last_word.give_back()
                if tries == _MOST_TRIES:
                    raise
            else:
                return result
        raise AssertionError(event_id)  # the last try returns or raises

    @contextmanager
    def _in_turn(self, tries: int) -> Iterator[None]:
        is_mine = tries > 1 and self._turn.acquire(timeout=_TURN_WITHIN_SECONDS)
        try:
            yield
        finally:
            if is_mine:
                self._turn.release()
