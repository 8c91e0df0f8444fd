"""A35: how many instances of workflows are under way at a time, in all and by name."""

from collections.abc import Callable
from typing import Any

from tests.waiting import eventually
from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_all
from wfengine.model.instance import Status
from wfengine.runtime.engine import Engine
from wfengine.runtime.limits import Limits
from wfengine.testing.rehearsal import Steps

Opener = Callable[..., Engine]


def waits(ctx: WorkflowContext, left: int | None) -> Steps:
    yield ctx.wait_for_external_event("go")
    if left:
        ctx.continue_as_new(left - 1)


def other(ctx: WorkflowContext, _: Any) -> Steps:
    yield ctx.wait_for_external_event("go")


def opened_with(opened: Opener, limits: Limits) -> Engine:
    engine = opened(limits=limits)
    engine.register_workflow(waits)
    engine.register_workflow(other)
    return engine


def running(engine: Engine) -> list[str]:
    with engine.store.cursor() as cursor:
        found = cursor.execute("SELECT instance_id FROM instances WHERE status = 'RUNNING' ORDER BY key").fetchall()
    return [row[0] for row in found]


def generation(engine: Engine, instance_id: str) -> int | None:
    state = engine.get_workflow_state(instance_id)
    return None if state is None else state.generation


def test_no_more_than_the_limit_begin_and_the_next_begins_when_one_ends(opened: Opener) -> None:
    engine = opened_with(opened, Limits(workflows={"waits": 2}))
    for number in range(5):
        engine.schedule_new_workflow("waits", instance_id=f"w-{number}")
    engine.schedule_new_workflow("other", instance_id="other")
    eventually(lambda: running(engine) == ["w-0", "w-1", "other"])
    assert engine.lacking("w-2") == "workflow 'waits' waits for its turn: 2 of 2 of this name are under way"
    engine.raise_workflow_event("w-1", "go")
    eventually(lambda: running(engine) == ["w-0", "w-2", "other"])
    engine.terminate_workflow("w-3")
    engine.terminate_workflow("w-0")
    eventually(lambda: running(engine) == ["w-2", "w-4", "other"])


def test_a_limit_on_all_counts_every_name_and_what_comes_for_those_who_wait_is_kept(opened: Opener) -> None:
    engine = opened_with(opened, Limits(most_workflows=1))
    engine.schedule_new_workflow("waits", instance_id="first")
    engine.schedule_new_workflow("other", instance_id="second")
    engine.raise_workflow_event("second", "go")
    state = engine.get_workflow_state("second")
    assert state is not None
    assert state.status is Status.PENDING
    engine.raise_workflow_event("first", "go")
    assert engine.wait_for_workflow_completion("second", 20).status is Status.COMPLETED


def test_the_next_generation_keeps_its_place(opened: Opener) -> None:
    engine = opened_with(opened, Limits(most_workflows=1))
    engine.schedule_new_workflow("waits", input=1, instance_id="first")
    engine.schedule_new_workflow("other", instance_id="second")
    engine.raise_workflow_event("first", "go")
    eventually(lambda: generation(engine, "first") == 1)
    assert running(engine) in (["first"], [])
    engine.raise_workflow_event("first", "go")
    engine.wait_for_workflow_completion("first", 20)
    eventually(lambda: running(engine) == ["second"])


def test_a_child_never_waits_for_the_place_of_the_parent_that_waits_for_it(opened: Opener) -> None:
    def below(ctx: WorkflowContext, depth: int) -> Steps:
        return [depth, (yield ctx.call_child_workflow("between", input=depth - 1))] if depth else []

    def between(ctx: WorkflowContext, depth: int) -> Steps:
        return (yield ctx.call_child_workflow("below", input=depth))

    engine = opened(limits=Limits(most_workflows=1, workflows={"below": 1}))
    engine.register_workflow(below)
    engine.register_workflow(between)
    started = [engine.schedule_new_workflow("below", input=3) for _ in range(3)]
    for instance_id in started:
        assert engine.wait_for_workflow_completion(instance_id, 20).output == "[3, [2, [1, []]]]"


def test_children_wait_for_a_place_of_their_name_and_not_for_one_in_all(opened: Opener) -> None:
    def fan(ctx: WorkflowContext, _: Any) -> Steps:
        yield when_all([ctx.call_child_workflow("waits", instance_id=f"child-{number}") for number in range(3)])

    engine = opened_with(opened, Limits(most_workflows=1, workflows={"waits": 2}))
    engine.register_workflow(fan)
    fanned = engine.schedule_new_workflow(fan, instance_id="fan")
    engine.schedule_new_workflow("other", instance_id="second")
    eventually(lambda: running(engine) == ["fan", "child-0", "child-1"])
    assert engine.lacking("child-2") == "workflow 'waits' waits for its turn: 2 of 2 of this name are under way"
    assert engine.lacking("second") == "workflow 'other' waits for its turn: 1 of 1 in all are under way"
    engine.terminate_workflow("child-2")
    for number in range(2):
        engine.raise_workflow_event(f"child-{number}", "go")
    assert engine.wait_for_workflow_completion(fanned, 20).status is Status.FAILED
    eventually(lambda: running(engine) == ["second"])


def test_what_had_begun_goes_on_after_a_restart_whatever_the_limit(opened: Opener) -> None:
    engine = opened_with(opened, Limits())
    for number in range(3):
        engine.schedule_new_workflow("waits", instance_id=f"w-{number}")
    eventually(lambda: len(running(engine)) == 3)
    engine.close()
    engine = opened_with(opened, Limits(most_workflows=1))
    engine.schedule_new_workflow("waits", instance_id="new")
    for number in range(3):
        state = engine.get_workflow_state("new")
        assert state is not None
        assert state.status is Status.PENDING
        engine.raise_workflow_event(f"w-{number}", "go")
        engine.wait_for_workflow_completion(f"w-{number}", 20)
    eventually(lambda: running(engine) == ["new"])


def parent(ctx: WorkflowContext, _: Any) -> Steps:
    return (yield ctx.call_child_workflow("other", instance_id=f"{ctx.instance_id}-kid"))


def test_a_child_does_not_wait_for_the_place_that_its_parent_holds(opened: Opener) -> None:
    engine = opened_with(opened, Limits(most_workflows=1, workflows={"other": 1}))
    engine.register_workflow(parent)
    for name in ("a", "b"):
        engine.schedule_new_workflow("parent", instance_id=name)
    for name in ("a", "b"):
        eventually(lambda: running(engine) == [name, f"{name}-kid"])  # noqa: B023  # called at once
        engine.raise_workflow_event(f"{name}-kid", "go")
        engine.wait_for_workflow_completion(name, 20)
