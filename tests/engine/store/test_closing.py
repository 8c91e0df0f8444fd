"""What was acknowledged stays in the journal until DuckDB has it, whatever happens while the lab closes."""

from pathlib import Path

import duckdb
import pytest

from tests.engine.store.desk import Desk, start_of, step_of
from wfengine.store import applier
from wfengine.store.journal import Journal


def test_commits_that_duckdb_refuses_while_closing_are_there_when_it_is_opened_again(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal is planted: DuckDB runs out of memory when it likes, not when a test does."""

    def refused(*_: object) -> None:
        raise duckdb.OutOfMemoryException("no memory for this batch")

    desk = Desk(place)
    with monkeypatch.context() as patched:
        patched.setattr(applier, "append", refused)
        desk.commit(start_of(1), step_of(1, 1))
        desk.store.close()
    again = Desk(place)
    assert [row.sequence for row in again.store.history(1)] == [0, 1]
    again.store.close()


def test_a_journal_file_that_cannot_be_deleted_does_not_end_the_reading(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted as well: who may delete a file changes under a running process in ways that root does not meet."""
    tried = []

    def kept(_: object, covered: int) -> None:
        tried.append(covered)
        raise PermissionError("may not be deleted")

    monkeypatch.setattr(applier, "CHECKPOINT_WHEN_IDLE_SECONDS", 0.0)
    monkeypatch.setattr(Journal, "drop_covered", kept)
    desk = Desk(place)
    desk.commit(start_of(1))
    desk.store.flush()
    desk.commit(step_of(1, 1))
    assert len(desk.store.history(1)) == 2
    desk.wait(lambda: bool(tried))
    desk.commit(step_of(1, 2))
    assert len(desk.store.history(1)) == 3
    desk.store.close()
