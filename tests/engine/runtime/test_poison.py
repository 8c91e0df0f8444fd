"""Poison activities (SEMANTICS): what was at work when the process died is counted, and given up after N deaths.

A death is played here: what the process had written down of itself is put back after its clean end. tests/faults kills processes for real.
"""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import eventually
from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_all
from wfengine.errors import InvalidArgument
from wfengine.model.history import HistoryEvent, TaskFailed, TaskRestarted
from wfengine.model.retry import RetryPolicy
from wfengine.runtime.engine import Engine
from wfengine.runtime.limits import Limits
from wfengine.testing.rehearsal import Steps

pytestmark = pytest.mark.slow

Opener = Callable[..., Engine]


class Work:
    """An activity that waits to be let go; counts its beginnings."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.go_on = threading.Event()

    def __call__(self, ctx: Any, _: Any) -> str:
        self.begun.append(f"{ctx.workflow_id}/{ctx.task_id}")
        self.go_on.wait(60)
        return "done"


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work()
    yield made
    made.go_on.set()


def calls(ctx: WorkflowContext, width: int) -> Steps:
    policy = RetryPolicy(first_retry_interval=timedelta(0), max_number_of_attempts=9)
    return (yield when_all([ctx.call_activity("work", retry_policy=policy) for _ in range(width)]))


def defined(engine: Engine, work: Work) -> Engine:
    engine.register_workflow(calls)
    engine.register_activity(work, "work")
    return engine


def written_down(path: Path) -> bytes:
    """What the process has written down of the attempts at work."""
    return (path.with_name(path.name + ".journal") / "underway").read_bytes()


def put_back(path: Path, written: bytes) -> None:
    folder = path.with_name(path.name + ".journal")
    folder.mkdir(exist_ok=True)  # a clean end leaves none
    (folder / "underway").write_bytes(written)


def dies(engine: Engine, path: Path) -> None:
    """The process ends as if it had been killed just now."""
    written = written_down(path)
    engine.close()
    put_back(path, written)


def events(engine: Engine, kind: type[HistoryEvent], instance_id: str = "w") -> list[Any]:
    return [row.event for row in engine.history(instance_id) if isinstance(row.event, kind)]


def at_work(opened: Opener, work: Work, count: int, **options: Any) -> Engine:
    """An engine on whose worker as many attempts are as are wanted."""
    begun = len(work.begun)
    engine = defined(opened(**options), work)
    eventually(lambda: len(work.begun) == begun + count)
    return engine


def test_an_attempt_that_was_at_work_when_the_process_died_is_recorded_as_such_and_made_again(
    opened: Opener, work: Work, path: Path
) -> None:
    engine = defined(opened(), work)
    engine.schedule_new_workflow(calls, input=1, instance_id="w")
    eventually(lambda: len(work.begun) == 1)
    dies(engine, path)
    engine = at_work(opened, work, 1)
    assert [(event.task_scheduled_id, event.deaths) for event in events(engine, TaskRestarted)] == [(0, 1)]
    work.go_on.set()
    assert engine.wait_for_workflow_completion("w", 20).output == '["done"]'


def test_after_three_deaths_it_fails_as_poison_activity_error_and_no_retry_policy_tries_again(
    opened: Opener, work: Work, path: Path
) -> None:
    engine = defined(opened(), work)
    engine.schedule_new_workflow(calls, input=1, instance_id="w")
    eventually(lambda: len(work.begun) == 1)
    for _ in range(2):
        dies(engine, path)
        engine = at_work(opened, work, 1)
    dies(engine, path)
    engine = defined(opened(), work)
    final = engine.wait_for_workflow_completion("w", 20)
    assert final.failure is not None
    assert [event.deaths for event in events(engine, TaskRestarted)] == [1, 2]
    [failed] = events(engine, TaskFailed)
    assert (failed.failure.error_type, failed.failure.non_retryable) == ("PoisonActivityError", True)
    assert failed.failure.message == "Activity 'work' was at work when the process died, 3 times, and is not tried again."
    assert len(work.begun) == 3


def test_it_is_made_again_only_once_its_death_is_durable(opened: Opener, work: Work, path: Path) -> None:
    engine = defined(opened(), work)
    engine.schedule_new_workflow(calls, input=1, instance_id="w")
    eventually(lambda: len(work.begun) == 1)
    dies(engine, path)
    seen: list[int] = []

    def looks(_ctx: Any, _: Any) -> str:
        seen.append(len(events(engine, TaskRestarted)))
        return "done"

    engine = opened()
    engine.register_workflow(calls)
    engine.register_activity(looks, "work")
    engine.wait_for_workflow_completion("w", 20)
    assert seen == [1]


def test_a_death_that_was_recorded_is_not_counted_twice(opened: Opener, work: Work, path: Path) -> None:
    """The process may die again between the commit of the event and the clearing of the slot."""
    engine = defined(opened(), work)
    engine.schedule_new_workflow(calls, input=1, instance_id="w")
    eventually(lambda: len(work.begun) == 1)
    written = written_down(path)
    engine.close()
    for _ in range(4):
        put_back(path, written)
        engine = at_work(opened, work, 1)
        engine.close()
    engine = at_work(opened, work, 1)
    assert [event.deaths for event in events(engine, TaskRestarted)] == [1]


def test_a_clean_end_is_nobodys_fault(opened: Opener, work: Work) -> None:
    engine = defined(opened(), work)
    engine.schedule_new_workflow(calls, input=1, instance_id="w")
    eventually(lambda: len(work.begun) == 1)
    for _ in range(4):
        engine.close()
        engine = at_work(opened, work, 1)
    assert not events(engine, TaskRestarted)


def test_what_was_only_queued_is_not_blamed(opened: Opener, work: Work, path: Path) -> None:
    engine = defined(opened(limits=Limits(most_activities=1)), work)
    engine.schedule_new_workflow(calls, input=3, instance_id="w")
    eventually(lambda: len(work.begun) == 1)
    dies(engine, path)
    engine = at_work(opened, work, 1, limits=Limits(most_activities=1))
    work.go_on.set()
    engine.wait_for_workflow_completion("w", 20)
    assert [event.task_scheduled_id for event in events(engine, TaskRestarted)] == [0]


def test_what_had_ended_is_not_blamed(opened: Opener, work: Work, path: Path) -> None:
    engine = defined(opened(), work)
    work.go_on.set()
    engine.schedule_new_workflow(calls, input=3, instance_id="w")
    engine.wait_for_workflow_completion("w", 20)
    work.go_on.clear()
    engine.schedule_new_workflow(calls, input=1, instance_id="v")
    eventually(lambda: len(work.begun) == 4)
    dies(engine, path)
    engine = at_work(opened, work, 1)
    assert not events(engine, TaskRestarted)
    assert len(events(engine, TaskRestarted, "v")) == 1


def test_on_their_last_chance_suspects_are_made_one_at_a_time_so_that_only_the_guilty_is_blamed(
    opened: Opener, work: Work, path: Path
) -> None:
    engine = defined(opened(), work)
    engine.schedule_new_workflow(calls, input=3, instance_id="w")
    eventually(lambda: len(work.begun) == 3)
    dies(engine, path)
    engine = at_work(opened, work, 3)
    dies(engine, path)
    engine = at_work(opened, work, 1)
    engine.schedule_new_workflow(calls, input=1, instance_id="fresh")
    eventually(lambda: work.begun[-1] == "fresh/0")
    assert len(work.begun) == 8, "what is no suspect runs beside it"
    dies(engine, path)
    engine = at_work(opened, work, 2)
    [failed] = events(engine, TaskFailed)
    assert failed.failure.error_type == "PoisonActivityError"
    assert sorted(event.task_scheduled_id for event in events(engine, TaskRestarted) if event.deaths == 2) == [0, 1, 2]
    work.go_on.set()
    engine.wait_for_workflow_completion("w", 20)
    assert len(events(engine, TaskFailed)) == 1, "the two others were made, and ended"


def test_a_suspect_that_waits_for_another_is_shown_to_wait(opened: Opener, work: Work, path: Path) -> None:
    engine = defined(opened(), work)
    for instance_id in ("v", "w"):
        engine.schedule_new_workflow(calls, input=1, instance_id=instance_id)
    eventually(lambda: len(work.begun) == 2)
    dies(engine, path)
    engine = at_work(opened, work, 2)
    dies(engine, path)
    engine = at_work(opened, work, 1)
    waiting = "w" if work.begun[-1] == "v/0" else "v"
    why = "it was at work when the process died, and the last tries of such are made one at a time"
    assert engine.lacking(waiting) == f"activity 'work' waits for its turn: {why}"


def test_poison_after_none_never_gives_up(opened: Opener, work: Work, path: Path) -> None:
    engine = defined(opened(poison_after=None), work)
    engine.schedule_new_workflow(calls, input=1, instance_id="w")
    eventually(lambda: len(work.begun) == 1)
    for _ in range(5):
        dies(engine, path)
        engine = at_work(opened, work, 1, poison_after=None)
    assert [event.deaths for event in events(engine, TaskRestarted)] == [1, 2, 3, 4, 5]
    work.go_on.set()
    assert engine.wait_for_workflow_completion("w", 20).output == '["done"]'


def test_poison_after_one_gives_up_at_the_first_death(opened: Opener, work: Work, path: Path) -> None:
    engine = defined(opened(poison_after=1), work)
    engine.schedule_new_workflow(calls, input=1, instance_id="w")
    eventually(lambda: len(work.begun) == 1)
    dies(engine, path)
    engine = defined(opened(poison_after=1), work)
    final = engine.wait_for_workflow_completion("w", 20)
    assert final.failure is not None
    assert len(work.begun) == 1


@pytest.mark.parametrize("wrong", [0, -1, 2.5, True])
def test_the_number_of_deaths_is_at_least_one(opened: Opener, wrong: Any) -> None:
    with pytest.raises(InvalidArgument, match="poison_after must be a number >= 1"):
        opened(poison_after=wrong)
