"""A real engine on which operations can be made to meet: in its mailbox before it looks, or while a commit is under way. For the tests of races.

The engine's clock stands until it is set. One thing to know before editing: everything is arranged by gates and counted, never by waiting for a while.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.faults.invariants import check_numbers, check_replay, check_results
from wfengine.errors import CallerError
from wfengine.model.instance import Instance
from wfengine.model.work import Commit, HistoryRow
from wfengine.runtime.clock import VirtualClock
from wfengine.runtime.engine import Engine
from wfengine.runtime.worker import WorkflowActivityContext
from wfengine.store.store import Store

PATIENCE_SECONDS = 20.0
ONE_BY_ONE, TOGETHER, UNDER_WAY = WAYS = ("one after the other", "together in the mailbox", "while a commit is under way")


class Attempt:
    """An activity at work, until it is told how to end."""

    def __init__(self) -> None:
        self.outcome = ""
        self.told = threading.Event()


class Stage:
    """The engine, its gates, and what is counted. `held` is an activity that ends when it is told to."""

    def __init__(self, path: Path, *workflows: Callable[..., Any]) -> None:
        self._clock = VirtualClock(datetime(2026, 1, 1, tzinfo=UTC))
        self.engine = Engine(Store.open(path), clock=self._clock)
        journal: Any = self.engine.store._writer._journal
        self._disk_is_free = threading.Event()
        self._disk_is_free.set()
        sync = journal.sync
        journal.sync = lambda: self._disk_is_free.wait(PATIENCE_SECONDS) and sync()
        self._people = ThreadPoolExecutor(4)
        self._attempts: dict[str, list[Attempt]] = {}
        self._asked = self._outcomes_posted = self._jobs = self._begun = 0
        self._recorded: dict[int, tuple[Instance, list[HistoryRow]]] = {}
        self._workflows = {workflow.__name__: workflow for workflow in workflows}
        self.engine.start()
        self._watch()
        for workflow in workflows:
            self.engine.register_workflow(workflow)
        self.engine.register_activity(self._held, "held")

    def _held(self, ctx: WorkflowActivityContext, _: Any) -> str:
        attempt = Attempt()
        self._attempts.setdefault(ctx.workflow_id, []).append(attempt)
        self._begun += 1  # two at a time there are none
        assert attempt.told.wait(PATIENCE_SECONDS)
        if attempt.outcome == "fail":
            raise ValueError(attempt.outcome)
        return attempt.outcome

    def close(self) -> None:
        self._people.shutdown()
        self.engine.close()

    def meet(self, way: str, acts: Sequence[Callable[[], object]]) -> tuple[str, ...]:
        """Carry them out, asked for in this order; the answer to each is "ok" or the name of the refusal. Then wait until all is quiet."""
        if way == ONE_BY_ONE:
            answers = []
            for act in acts:
                answers.append(_answer(act))
                self.settle()
            return tuple(answers)
        self.settle()
        looks_again = threading.Event()
        if way == TOGETHER:
            holds_up = threading.Event()
            self.engine._mailbox.post(_hold_up, holds_up, looks_again)
            assert holds_up.wait(PATIENCE_SECONDS)  # else an activity's thread might be the one that is held up
        else:
            self.engine.store._writer._sync_seconds = 1.0  # as on a slow disk, where the engine does not wait for a sync itself
            self._disk_is_free.clear()
        promised = []
        for act in acts:
            asked_before = self._asked
            promised.append(self._people.submit(_answer, act))
            eventually(lambda before=asked_before, last=promised[-1]: last.done() or self._asked > before)  # type: ignore[misc]
            if way == UNDER_WAY:
                self._look_around()
        looks_again.set()
        self._disk_is_free.set()
        answers = [one.result(PATIENCE_SECONDS) for one in promised]
        self.settle()
        return tuple(answers)

    def settle(self) -> None:
        """Wait until nothing happens any more by itself."""
        eventually(self._is_quiet)

    def state(self, instance_id: str) -> Instance | None:
        """Without a query where the id is not known."""
        return None if self.engine.key_of(instance_id) is None else self.engine.get_workflow_state(instance_id)

    def check_records(self) -> int:
        """B, C and D, for all that was recorded since the last time; gives the number of executions."""
        records, self._recorded = self._recorded, {}
        for instance, rows in records.values():
            assert instance.status.is_terminal
            check_numbers(instance, rows)
            check_replay(self._workflows[instance.name], instance, rows)
            check_results(instance, rows)
        return len(records)

    def forget_records(self) -> None:
        """What was recorded so far is not to be checked."""
        self._recorded = {}

    def tell(self, instance_id: str, outcome: str) -> None:
        """Let the oldest attempt end so; comes back when the engine can know."""
        attempts = self._attempts.get(instance_id, [])
        if attempts:
            posted_before = self._outcomes_posted
            attempt = attempts.pop(0)
            attempt.outcome = outcome
            attempt.told.set()
            eventually(lambda: self._outcomes_posted > posted_before)

    def let_pass(self, span: timedelta) -> None:
        """Move the clock on; what is due then fires."""

        def move(ack: Any) -> None:
            self._clock.set(self._clock.now() + span)
            ack.set_result(None)

        self.engine.in_engine(move, PATIENCE_SECONDS)

    def _watch(self) -> None:
        """Count what is put into the mailbox by people and by activities, and the attempts that are begun; note what is recorded."""
        mailbox: Any = self.engine._mailbox
        activities: Any = self.engine._turns.activities
        worker: Any = self.engine._worker
        store: Any = self.engine.store
        post, done, start, submit = mailbox.post, activities._done, worker.start, store.submit

        def counted_post(*call: Any) -> None:
            post(*call)
            self._asked += 1

        def counted_done(*told: Any) -> None:
            done(*told)
            self._outcomes_posted += 1

        def counted_start(job: Any) -> None:
            self._jobs += 1
            start(job)

        def noted_submit(commit: Commit, token: object) -> None:
            submit(commit, token)
            for instance in commit.runs:
                _, rows = self._recorded.get(instance.key, (None, []))
                self._recorded[instance.key] = instance, rows
            for row in commit.history:
                self._recorded[row.key][1].append(row)

        mailbox.post, activities._done, worker.start, store.submit = counted_post, counted_done, counted_start, noted_submit

    def _look_around(self) -> None:
        """Let the engine go round twice: what was in its mailbox has had its turn then."""
        for _ in range(2):
            self.engine.in_engine(lambda ack: ack.set_result(None), PATIENCE_SECONDS)

    def _is_quiet(self) -> bool:
        self._look_around()
        turns = self.engine._turns
        return not (turns.has_ready() or turns.has_unacknowledged() or self.engine._mailbox.has_calls) and self._jobs == self._begun


def _hold_up(begun: threading.Event, until: threading.Event) -> None:
    begun.set()
    assert until.wait(PATIENCE_SECONDS)


def _answer(act: Callable[[], object]) -> str:
    try:
        act()
    except CallerError as refusal:
        return type(refusal).__name__
    return "ok"


def eventually(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.0002)
