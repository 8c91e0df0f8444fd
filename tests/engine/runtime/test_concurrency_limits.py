"""A35: how many attempts of activities are under way at a time, in all and by name; those without room take their turns in order."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.waiting import eventually
from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_all
from wfengine.errors import InvalidArgument
from wfengine.runtime.engine import Engine
from wfengine.runtime.limits import Gate, Limits
from wfengine.testing.rehearsal import Steps

Opener = Callable[..., Engine]


class Crowded:
    """An activity that notes in what order it is begun and how many are at it together, and ends when told to."""

    def __init__(self) -> None:
        self.begun: list[int] = []
        self.together = 0
        self.most_together = 0
        self._lock = threading.Lock()
        self._tickets = threading.Semaphore(0)

    def __call__(self, _ctx: Any, number: int) -> int:
        with self._lock:
            self.begun.append(number)
            self.together += 1
            self.most_together = max(self.most_together, self.together)
        assert self._tickets.acquire(timeout=20)
        with self._lock:
            self.together -= 1
        return number

    def let_end(self, count: int) -> None:
        self._tickets.release(count)


def fan(ctx: WorkflowContext, names: list[str]) -> Steps:
    return (yield when_all([ctx.call_activity(name, input=number) for number, name in enumerate(names)]))


def started(engine: Engine, names: list[str]) -> str:
    engine.register_workflow(fan)
    return engine.schedule_new_workflow(fan, input=names)


@pytest.mark.parametrize("limits", [Limits(most_activities=3), Limits(activities={"work": 3})])
def test_never_more_than_the_limit_are_under_way_and_all_are_made(opened: Opener, limits: Limits) -> None:
    engine = opened(limits=limits)
    work = Crowded()
    engine.register_activity(work, "work")
    fanned = started(engine, ["work"] * 20)
    eventually(lambda: len(work.begun) == 3)
    work.let_end(20)
    assert engine.wait_for_workflow_completion(fanned, 20).output == str(list(range(20)))
    assert work.most_together == 3


def test_queued_attempts_begin_in_the_order_in_which_they_were_scheduled(opened: Opener) -> None:
    engine = opened(limits=Limits(activities={"work": 1}))
    work = Crowded()
    engine.register_activity(work, "work")
    fanned = started(engine, ["work"] * 10)
    work.let_end(10)
    engine.wait_for_workflow_completion(fanned, 20)
    assert work.begun == list(range(10))


def test_a_name_that_is_full_does_not_hold_up_the_others(opened: Opener) -> None:
    engine = opened(limits=Limits(most_activities=2, activities={"work": 1}))
    work, other = Crowded(), Crowded()
    engine.register_activity(work, "work")
    engine.register_activity(other, "other")
    fanned = started(engine, ["work", "work", "work", "other", "other"])
    eventually(lambda: (work.begun, other.begun) == ([0], [3]))
    other.let_end(1)
    eventually(lambda: (work.begun, other.begun) == ([0], [3, 4]))
    other.let_end(1)
    work.let_end(3)
    engine.wait_for_workflow_completion(fanned, 20)
    assert work.begun == [0, 1, 2]


def test_an_instance_whose_attempts_wait_for_their_turn_is_shown_to_wait(opened: Opener) -> None:
    engine = opened(limits=Limits(activities={"work": 2}))
    work = Crowded()
    engine.register_activity(work, "work")
    first = started(engine, ["work"] * 2)
    eventually(lambda: work.together == 2)
    second = started(engine, ["work"])
    eventually(lambda: engine.lacking(second) == "activity 'work' waits for its turn: 2 of 2 of this name are under way")
    assert engine.lacking(first) is None
    work.let_end(3)
    engine.wait_for_workflow_completion(second, 20)


def test_the_place_of_an_attempt_whose_instance_was_terminated_in_the_queue_goes_to_the_next(opened: Opener) -> None:
    engine = opened(limits=Limits(most_activities=1))
    work = Crowded()
    engine.register_activity(work, "work")
    first = started(engine, ["work"])
    eventually(lambda: work.together == 1)
    doomed, last = started(engine, ["work"] * 5), started(engine, ["work"])
    engine.terminate_workflow(doomed)
    work.let_end(2)
    for instance_id in (first, last):
        engine.wait_for_workflow_completion(instance_id, 20)
    assert work.begun == [0, 0]


def test_an_attempt_keeps_its_place_until_its_function_ends_also_when_its_instance_has_ended(opened: Opener) -> None:
    engine = opened(limits=Limits(most_activities=1))
    work = Crowded()
    engine.register_activity(work, "work")
    first = started(engine, ["work"])
    eventually(lambda: work.together == 1)
    engine.terminate_workflow(first)
    second = started(engine, ["work"])
    eventually(lambda: engine.lacking(second) is not None)
    assert work.begun == [0]
    work.let_end(2)
    engine.wait_for_workflow_completion(second, 20)
    assert work.most_together == 1


def test_coroutines_are_limited_like_functions(opened: Opener) -> None:
    engine = opened(limits=Limits(most_activities=2))
    together: list[int] = []
    most: list[int] = []
    met = asyncio.Event()

    async def work(_ctx: Any, number: int) -> int:
        together.append(number)
        most.append(len(together))
        if len(together) == 2:
            met.set()
        await asyncio.wait_for(met.wait(), 20)  # the first waits for another: who is alone proves no limit
        together.remove(number)
        return number

    engine.register_activity(work, "work")
    engine.wait_for_workflow_completion(started(engine, ["work"] * 30), 20)
    assert len(most) == 30
    assert max(most) == 2


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"most_activities": 0}, "most_activities must be a number >= 1"),
        ({"activities": {"work": -1}}, r"activities\['work'\] must be a number >= 1"),
        ({"most_workflows": True}, "most_workflows must be a number >= 1"),
        ({"workflows": {"flow": 1.5}}, r"workflows\['flow'\] must be a number >= 1"),
    ],
)
def test_a_limit_is_a_number_of_at_least_one(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        Limits(**wrong)


def test_a_gate_without_limits_lets_everybody_in() -> None:
    gate: Gate[int] = Gate()
    assert all(gate.enter("work", number) for number in range(1000))
    assert gate.leave("work") == []


def test_whoever_has_waited_longest_of_those_with_room_is_next() -> None:
    gate: Gate[str] = Gate(most=2, most_of={"a": 1})
    assert [gate.enter(name, item) for name, item in (("a", "a1"), ("b", "b1"), ("a", "a2"), ("b", "b2"), ("c", "c1"))] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert gate.leave("b") == ["b2"]
    assert gate.leave("a") == ["a2"]
    assert gate.leave("b") == ["c1"]


def test_an_attempt_that_waited_runs_the_activity_as_it_is_registered_when_its_turn_comes(opened: Opener) -> None:
    engine = opened(limits=Limits(most_activities=1))
    work = Crowded()
    engine.register_activity(work, "work")
    fanned = started(engine, ["work", "work"])
    eventually(lambda: work.together == 1)
    engine.register_activity(lambda _ctx, number: -number, "work")
    work.let_end(1)
    assert engine.wait_for_workflow_completion(fanned, 20).output == "[0, -1]"
