"""Rows A11, A14 and A23 where they meet others: a generation that hands on, ids that are taken, and what comes too late for whom.

Whatever arrives while one generation ends and the next begins belongs to the next; what an earlier one asked for is not heard by a later one.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runtime.race_stage import ONE_BY_ONE, UNDER_WAY, WAYS, Stage
from wfengine.core.context import WorkflowContext
from wfengine.errors import TaskFailedError
from wfengine.model.history import ChildWorkflowInstanceCompleted, TaskCompleted, TimerFired
from wfengine.model.instance import Status
from wfengine.model.payload import from_json
from wfengine.testing.rehearsal import Steps

FALSY = [0, False, "", [], {}, None]
every_way = pytest.mark.parametrize("way", WAYS)


def collects(ctx: WorkflowContext, seen: list[Any]) -> Steps:
    seen = [*seen, (yield ctx.wait_for_external_event("tick"))]
    if len(seen) < 2 * len(FALSY):
        ctx.continue_as_new(seen, save_events=True)
    return seen


def rolls(ctx: WorkflowContext, generation: int) -> Steps:
    """Starts a kid, an attempt and a timer of its own and rolls over without them; the last generation waits for its own."""
    kid_done = ctx.call_child_workflow("kid", instance_id=f"{ctx.instance_id}-kid-{generation}")
    held = ctx.call_activity("held")
    timer = ctx.create_timer(timedelta(hours=1))
    if not generation:
        yield ctx.wait_for_external_event("roll")
        ctx.continue_as_new(1)
        return None
    first = yield kid_done
    second = yield held
    yield timer
    return [first, second]


def kid(ctx: WorkflowContext, _: Any) -> Steps:
    return (yield ctx.wait_for_external_event("outcome"))


def same_kid(ctx: WorkflowContext, wanted: str) -> Steps:
    try:
        return (yield ctx.call_child_workflow("kid", instance_id=wanted))
    except TaskFailedError as error:
        return error.details.error_type


def twins(ctx: WorkflowContext, wanted: str) -> Steps:
    first = ctx.call_child_workflow("kid", instance_id=wanted)
    second = ctx.call_child_workflow("kid", instance_id=wanted)
    try:
        yield second
    except TaskFailedError as error:
        return [error.details.error_type, (yield first)]
    return "two kids of one id"


def own_id(ctx: WorkflowContext, _: Any) -> Steps:
    return (yield from same_kid(ctx, ctx.instance_id))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path / "lab.duckdb", collects, rolls, kid, same_kid, twins, own_id)
    yield stage
    stage.check_records()
    stage.close()


def start(stage: Stage, workflow: Callable[..., Any], given: Any = None, instance_id: str = "w") -> None:
    stage.engine.schedule_new_workflow(workflow, input=given, instance_id=instance_id)
    stage.settle()


def raise_(stage: Stage, to: str, name: str, data: Any = None) -> Callable[[], object]:
    return lambda: stage.engine.raise_workflow_event(to, name, data=data)


def status(stage: Stage, instance_id: str) -> Status:
    state = stage.state(instance_id)
    assert state is not None
    return state.status


def output(stage: Stage, instance_id: str) -> Any:
    state = stage.state(instance_id)
    assert state is not None
    assert state.status is Status.COMPLETED, state
    return from_json(state.output)


@every_way
def test_a14_no_event_is_lost_doubled_or_reordered_where_generations_change_falsy_ones_included(stage: Stage, way: str) -> None:
    start(stage, collects, [])
    ticks = FALSY + FALSY
    for place in range(0, len(ticks), 4):
        assert stage.meet(way, [raise_(stage, "w", "tick", tick) for tick in ticks[place : place + 4]]) == ("ok",) * 4
    assert output(stage, "w") == ticks


@every_way
@pytest.mark.parametrize("is_first", [True, False], ids=["child first", "roll first"])
def test_a14_a_childs_completion_that_crosses_the_boundary_neither_hangs_nor_reaches_the_next_generation(
    stage: Stage, way: str, *, is_first: bool
) -> None:
    start(stage, rolls, 0)
    crossing = [raise_(stage, "w-kid-0", "outcome", "of the first"), raise_(stage, "w", "roll")]
    assert stage.meet(way, crossing if is_first else crossing[::-1]) == ("ok", "ok")
    assert output(stage, "w-kid-0") == "of the first"
    assert status(stage, "w") is Status.RUNNING
    stage.tell("w", "late")  # the attempt of the first generation
    stage.settle()
    assert stage.meet(way, [raise_(stage, "w-kid-1", "outcome", "of the second"), lambda: stage.tell("w", "in time")]) == ("ok", "ok")
    stage.let_pass(timedelta(hours=2))
    stage.settle()
    assert output(stage, "w") == ["of the second", "in time"]
    heard = [row.event for row in stage.engine.history("w")]
    for kind in (ChildWorkflowInstanceCompleted, TaskCompleted, TimerFired):
        assert sum(isinstance(event, kind) for event in heard) == 1


@every_way
@pytest.mark.parametrize("is_first", [True, False], ids=["suspended first", "rolled first"])
def test_a14_a_suspension_that_meets_the_boundary_holds_on(stage: Stage, way: str, *, is_first: bool) -> None:
    start(stage, rolls, 0)
    crossing = [lambda: stage.engine.pause_workflow("w"), raise_(stage, "w", "roll")]
    assert stage.meet(way, crossing if is_first else crossing[::-1]) == ("ok", "ok")
    assert status(stage, "w") is Status.SUSPENDED
    assert stage.meet(way, [lambda: stage.engine.resume_workflow("w"), raise_(stage, "w-kid-0", "outcome", "x")]) == ("ok", "ok")
    state = stage.state("w")
    assert state is not None
    assert (state.status, state.generation) == (Status.RUNNING, 1)
    end_all(stage, "w-kid-1")


@every_way
@pytest.mark.parametrize("is_first", [True, False], ids=["terminated first", "rolled first"])
def test_a14_a_termination_that_meets_the_boundary_ends_the_instance_and_the_children_it_then_has(
    stage: Stage, way: str, *, is_first: bool
) -> None:
    start(stage, rolls, 0)
    crossing = [lambda: stage.engine.terminate_workflow("w"), raise_(stage, "w", "roll")]
    assert stage.meet(way, crossing if is_first else crossing[::-1]) == ("ok", "ok")
    state = stage.state("w")
    assert state is not None
    assert state.status is Status.TERMINATED
    if state.turn:  # else it ended before its code ran, and has none
        assert status(stage, f"w-kid-{state.generation}") is Status.TERMINATED
    end_all(stage)


@every_way
def test_a11_a_child_whose_id_is_taken_fails_for_its_parent_which_goes_on(stage: Stage, way: str) -> None:
    starts = [lambda: stage.engine.schedule_new_workflow(kid, instance_id="k")]
    starts += [lambda name=name: stage.engine.schedule_new_workflow(same_kid, input="k", instance_id=name) for name in "ab"]  # type: ignore[misc]
    assert stage.meet(way, starts) == ("ok",) * 3
    assert [output(stage, name) for name in "ab"] == ["InstanceAlreadyExists"] * 2
    stage.engine.raise_workflow_event("k", "outcome", data="its own")
    stage.settle()
    assert output(stage, "k") == "its own"
    start(stage, same_kid, "k", "c")  # the id is free again
    stage.engine.raise_workflow_event("k", "outcome", data="c's")
    stage.settle()
    assert output(stage, "c") == "c's"


def test_a11_of_two_children_of_one_id_the_second_fails_and_the_first_is_not_disturbed(stage: Stage) -> None:
    start(stage, twins, "k")
    stage.engine.raise_workflow_event("k", "outcome", data="first")
    stage.settle()
    assert output(stage, "w") == ["InstanceAlreadyExists", "first"]


def test_a11_a_workflow_cannot_be_its_own_child(stage: Stage) -> None:
    start(stage, own_id)
    assert output(stage, "w") == "InstanceAlreadyExists"


@every_way
def test_a23_of_starts_with_one_id_that_meet_one_begins(stage: Stage, way: str) -> None:
    answers = stage.meet(way, [lambda: stage.engine.schedule_new_workflow(kid, instance_id="w")] * 4)
    assert sorted(answers) == ["InstanceAlreadyExists"] * 3 + ["ok"]
    end_all(stage, "w")


@every_way
def test_a23_what_comes_late_for_an_id_that_is_used_again_is_not_heard(stage: Stage, way: str) -> None:
    """The attempt, the timer and the child of the first use end when the second one has begun."""
    start(stage, rolls, 1)
    stage.engine.terminate_workflow("w", recursive=False)
    stage.settle()
    late = [lambda: stage.tell("w", "late"), lambda: stage.let_pass(timedelta(hours=2)), raise_(stage, "w-kid-1", "outcome", "late")]
    again = [lambda: stage.engine.schedule_new_workflow(collects, input=[], instance_id="w"), *late]
    assert stage.meet(way, again) == ("ok",) * 4
    assert status(stage, "w") is Status.RUNNING
    assert [type(row.event).__name__ for row in stage.engine.history("w")] == ["ExecutionStarted", "TimerCreated"]
    assert output(stage, "w-kid-1") == "late"
    for tick in FALSY + FALSY:
        stage.engine.raise_workflow_event("w", "tick", data=tick)
    stage.settle()
    assert output(stage, "w") == FALSY + FALSY


@pytest.mark.parametrize("way", [ONE_BY_ONE, UNDER_WAY])
def test_a28_a_termination_reaches_grandchildren_and_a_purge_leaves_none_of_them(stage: Stage, way: str) -> None:
    start(stage, same_kid, "k", "w")
    assert status(stage, "k") is Status.RUNNING
    assert stage.meet(way, [lambda: stage.engine.purge_workflow("w"), lambda: stage.engine.terminate_workflow("w")]) == (
        "InstanceNotTerminal",
        "ok",
    )
    assert status(stage, "k") is Status.TERMINATED
    assert stage.meet(ONE_BY_ONE, [lambda: stage.engine.purge_workflow("w")]) == ("ok",)
    assert (stage.state("w"), stage.state("k")) == (None, None)


@every_way
def test_a29_a_forced_purge_leaves_nothing_and_what_comes_late_is_heard_by_nobody(stage: Stage, way: str) -> None:
    start(stage, rolls, 1)
    late = [lambda: stage.tell("w", "late"), lambda: stage.let_pass(timedelta(hours=2))]
    assert stage.meet(way, [lambda: stage.engine.purge_workflow("w", force=True), *late]) == ("ok",) * 3
    assert (stage.state("w"), stage.state("w-kid-1")) == (None, None)
    stage.forget_records()  # they were cut off in the middle
    start(stage, kid)
    stage.engine.raise_workflow_event("w", "outcome", data="a new one")
    stage.settle()
    assert output(stage, "w") == "a new one"


def end_all(stage: Stage, *more: str) -> None:
    """So that the record can be checked: what is at work ends, who waits is terminated."""
    for _ in range(2):
        stage.tell("w", "late")
    for instance_id in ("w", "w-kid-0", *more):
        if stage.state(instance_id) is not None:
            stage.engine.terminate_workflow(instance_id)
    stage.settle()
