"""A18: named versions of a workflow. New instances take the latest, running ones keep theirs, a version that is missing stalls."""

from collections.abc import Callable
from typing import Any

from tests.waiting import eventually
from wfengine.core.context import WorkflowContext
from wfengine.model.history import EventRaised
from wfengine.model.instance import Status
from wfengine.runtime.engine import Engine
from wfengine.testing.rehearsal import Steps

Opener = Callable[..., Engine]


def v1(ctx: WorkflowContext, _: Any) -> Steps:
    return ["v1", (yield ctx.wait_for_external_event("go"))]


def v2(ctx: WorkflowContext, _: Any) -> Steps:
    yield ctx.call_activity("added")
    return ["v2", (yield ctx.wait_for_external_event("go"))]


def added(_ctx: Any) -> None:
    return None


def parent(ctx: WorkflowContext, _: Any) -> Steps:
    return (yield ctx.call_child_workflow("flow", instance_id="child"))


def again(ctx: WorkflowContext, left: int) -> int:
    if left:
        ctx.continue_as_new(left - 1)
    return left


def register(engine: Engine, *versions: str, latest: str) -> None:
    for name, function in (("v1", v1), ("v2", v2)):
        if name in versions:
            engine.register_workflow(function, "flow", version_name=name, is_latest=name == latest)
    engine.register_activity(added)


def output(engine: Engine, instance_id: str) -> str | None:
    engine.raise_workflow_event(instance_id, "go", data=1)
    return engine.wait_for_workflow_completion(instance_id, 20).output


def test_new_instances_take_the_latest_version_and_running_ones_keep_theirs(opened: Opener) -> None:
    engine = opened()
    register(engine, "v1", latest="v1")
    engine.schedule_new_workflow("flow", instance_id="old")
    assert engine.wait_for_workflow_start("old", 20).version == "v1"
    register(engine, "v1", "v2", latest="v2")
    engine.schedule_new_workflow("flow", instance_id="new")
    assert engine.wait_for_workflow_start("new", 20).version == "v2"
    engine.close()
    engine = opened()
    register(engine, "v1", "v2", latest="v2")
    assert output(engine, "old") == '["v1", 1]'
    assert output(engine, "new") == '["v2", 1]'


def test_an_older_version_may_be_the_latest_again(engine: Engine) -> None:
    register(engine, "v1", "v2", latest="v2")
    register(engine, "v1", latest="v1")
    engine.schedule_new_workflow("flow", instance_id="w")
    assert engine.wait_for_workflow_start("w", 20).version == "v1"


def test_without_a_latest_the_version_registered_last_is_taken(engine: Engine) -> None:
    engine.register_workflow(v1, "flow", version_name="v1")
    engine.register_workflow(v2, "flow", version_name="v2")
    engine.register_activity(added)
    engine.schedule_new_workflow("flow", instance_id="w")
    assert engine.wait_for_workflow_start("w", 20).version == "v2"


def test_a_version_that_is_missing_stalls_the_instance_and_it_goes_on_once_it_is_registered(opened: Opener) -> None:
    engine = opened()
    register(engine, "v1", latest="v1")
    engine.schedule_new_workflow("flow", instance_id="w")
    engine.wait_for_workflow_start("w", 20)
    engine.close()
    engine = opened()
    register(engine, "v2", latest="v2")
    engine.raise_workflow_event("w", "go", data=1)
    state = engine.get_workflow_state("w")
    assert state is not None
    assert state.status is Status.STALLED
    assert state.failure is not None
    assert "version 'v1' of workflow 'flow' is not registered (registered: v2)" in state.failure.message
    assert "version 'v1'" in (engine.lacking("w") or "")
    assert [type(row.event) for row in engine.history("w")][-1] is EventRaised
    register(engine, "v1", latest="v2")
    assert engine.wait_for_workflow_completion("w", 20).output == '["v1", 1]'


def test_a_child_takes_the_latest_version(engine: Engine) -> None:
    register(engine, "v1", "v2", latest="v1")
    engine.register_workflow(parent)
    engine.schedule_new_workflow("parent", instance_id="p")
    engine.wait_for_workflow_start("p", 20)
    assert engine.wait_for_workflow_start("child", 20).version == "v1"


def test_the_next_generation_takes_the_latest_version(engine: Engine) -> None:
    engine.register_workflow(again, version_name="one", is_latest=True)
    engine.schedule_new_workflow("again", input=2, instance_id="w")
    ended = engine.wait_for_workflow_completion("w", 20)
    assert (ended.output, ended.generation, ended.version) == ("0", 2, "one")


def test_every_version_is_kept_with_its_source(engine: Engine) -> None:
    register(engine, "v1", "v2", latest="v2")
    engine.schedule_new_workflow("flow", instance_id="w")
    rows = {(row.name, row.version): row.source for row in engine.store.definitions() if row.kind == "workflow"}
    assert "def v1" in (rows["flow", "v1"] or "")
    assert "def v2" in (rows["flow", "v2"] or "")


def test_after_a_restart_a_run_whose_version_is_missing_is_stalled_as_soon_as_its_name_is_registered(opened: Opener) -> None:
    engine = opened()
    register(engine, "v1", latest="v1")
    engine.schedule_new_workflow("flow", instance_id="w")
    engine.wait_for_workflow_start("w", 20)
    engine.close()
    engine = opened()
    register(engine, "v2", latest="v2")
    eventually(lambda: status(engine, "w") is Status.STALLED)
    assert "version 'v1'" in (engine.lacking("w") or "")
    register(engine, "v1", latest="v2")
    assert output(engine, "w") == '["v1", 1]'


def status(engine: Engine, instance_id: str) -> Status | None:
    state = engine.get_workflow_state(instance_id)
    return None if state is None else state.status
