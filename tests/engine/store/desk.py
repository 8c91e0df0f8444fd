"""A store that is written to as the engine does it, with acknowledgements one can wait for.

Apart from conftest.py, so that the processes which the tests kill start without pytest.
"""

import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Self

from wfengine.model import history as h
from wfengine.model.instance import Instance, Status
from wfengine.model.work import Commit, HistoryRow
from wfengine.store.store import Store

BEGIN = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
WITHIN_SECONDS = 20.0


def moment(number: int) -> datetime:
    return BEGIN + timedelta(seconds=number)


def state(key: int, status: Status = Status.RUNNING, *, instance_id: str | None = None, generation: int = 0) -> Instance:
    return Instance(
        key=key,
        instance_id=instance_id or f"order-{key}",
        name="order",
        status=status,
        created_at=BEGIN,
        updated_at=moment(key),
        root=key,
        generation=generation,
        input='{"amount": 5000}',
        output='"done"' if status is Status.COMPLETED else None,
    )


def start_of(key: int, instance_id: str | None = None) -> Commit:
    """The first commit of an execution."""
    started = h.ExecutionStarted(occurred_at=BEGIN, name="order", instance_id=instance_id or f"order-{key}", input='{"amount": 5000}')
    return Commit(history=[HistoryRow(key, 0, 0, started)], runs=[state(key, instance_id=instance_id)])


def step_of(key: int, number: int, payload: str = '"ship it"') -> Commit:
    """The commit that gives an execution its event `number`."""
    return Commit(history=[HistoryRow(key, number, number, h.EventRaised(occurred_at=moment(number), name="note", input=payload))])


def end_of(key: int, number: int, *, instance_id: str | None = None) -> Commit:
    completed = h.ExecutionCompleted(occurred_at=moment(number), status=Status.COMPLETED, output='"done"')
    return Commit(history=[HistoryRow(key, number, number, completed)], runs=[state(key, Status.COMPLETED, instance_id=instance_id)])


class Desk:
    """An open store with its callbacks: what was acknowledged, what trouble was told."""

    def __init__(self, path: str | os.PathLike[str], *, holder: str | None = None, up_to_damage: bool = False) -> None:
        self.store = Store.open(path, holder=holder, up_to_damage=up_to_damage)
        self.acknowledged: list[object] = []
        self.batches: list[int] = []
        self.troubles: list[str | None] = []
        self.fatal: str | None = None
        self._told = threading.Condition()
        self.store.start(on_durable=self._on_durable, on_trouble=self._on_trouble, on_fatal=self._on_fatal)

    def commit(self, *commits: Commit) -> Self:
        """Submit and wait for the acknowledgements."""
        expected = len(self.acknowledged) + len(commits)
        for commit in commits:
            self.store.submit(commit, expected)
        self.wait(lambda: len(self.acknowledged) >= expected)
        return self

    def wait(self, condition: Callable[[], bool]) -> None:
        with self._told:
            assert self._told.wait_for(condition, WITHIN_SECONDS), f"waited in vain; trouble: {self.troubles}, fatal: {self.fatal}"

    def _on_durable(self, tokens: list[object]) -> None:
        with self._told:
            self.acknowledged += tokens
            self.batches.append(len(tokens))
            self._told.notify_all()

    def _on_trouble(self, text: str | None) -> None:
        with self._told:
            self.troubles.append(text)
            self._told.notify_all()

    def _on_fatal(self, text: str) -> None:
        with self._told:
            self.fatal = text
            self._told.notify_all()
