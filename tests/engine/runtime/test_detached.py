"""A12 on a real engine: detached workflows have a life of their own."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from tests.waiting import eventually
from wfengine.core.context import WorkflowContext
from wfengine.model.history import DetachedWorkflowInstanceCreated
from wfengine.model.instance import Status
from wfengine.runtime.engine import Engine
from wfengine.testing.rehearsal import Steps

Opener = Callable[..., Engine]
Advance = Callable[[timedelta], None]


def starter(ctx: WorkflowContext, instance_id: str) -> str:
    return ctx.schedule_new_workflow(waiter, input=1, instance_id=instance_id)


def later(ctx: WorkflowContext, _: Any) -> str:
    return ctx.schedule_new_workflow("waiter", instance_id="kid", start_at=timedelta(hours=1))


def long_starter(ctx: WorkflowContext, _: Any) -> Steps:
    ctx.schedule_new_workflow("waiter", instance_id="kid")
    yield ctx.wait_for_external_event("never")


def waiter(ctx: WorkflowContext, number: int | None) -> Steps:
    return [number, (yield ctx.wait_for_external_event("go"))]


def register(engine: Engine) -> None:
    for workflow in (starter, later, long_starter, waiter):
        engine.register_workflow(workflow)


def status(engine: Engine, instance_id: str) -> Status | None:
    state = engine.get_workflow_state(instance_id)
    return None if state is None else state.status


def test_a_detached_workflow_lives_on_when_its_starter_has_ended(engine: Engine) -> None:
    register(engine)
    engine.schedule_new_workflow("starter", input="kid", instance_id="w")
    assert engine.wait_for_workflow_completion("w", 20).output == '"kid"'
    kid = engine.wait_for_workflow_start("kid", 20)
    assert kid.parent is None
    assert kid.root == kid.key
    engine.raise_workflow_event("kid", "go", data=2)
    assert engine.wait_for_workflow_completion("kid", 20).output == "[1, 2]"


def test_a_detached_workflow_is_not_terminated_with_its_starter(engine: Engine) -> None:
    register(engine)
    engine.schedule_new_workflow("long_starter", instance_id="w")
    engine.wait_for_workflow_start("kid", 20)
    engine.terminate_workflow("w", recursive=True)
    assert status(engine, "w") is Status.TERMINATED
    assert status(engine, "kid") is Status.RUNNING
    engine.purge_workflow("w", recursive=True)
    assert status(engine, "kid") is Status.RUNNING


def test_an_id_in_use_starts_nothing_and_hurts_nobody(engine: Engine) -> None:
    register(engine)
    engine.schedule_new_workflow("waiter", input=0, instance_id="kid")
    engine.schedule_new_workflow("starter", input="kid", instance_id="w")
    assert engine.wait_for_workflow_completion("w", 20).output == '"kid"'
    created = [row.event for row in engine.history("w") if isinstance(row.event, DetachedWorkflowInstanceCreated)]
    assert [event.execution for event in created] == [None]
    engine.raise_workflow_event("kid", "go")
    assert engine.wait_for_workflow_completion("kid", 20).output == "[0, null]"


def test_a_detached_workflow_may_start_later_also_after_a_restart(opened: Opener) -> None:
    engine = opened()
    register(engine)
    engine.schedule_new_workflow("later", instance_id="w")
    engine.wait_for_workflow_completion("w", 20)
    assert status(engine, "kid") is Status.PENDING
    engine.close()
    engine = opened()
    register(engine)
    engine.in_engine(engine.virtual_time.switch_on, 10)
    assert status(engine, "kid") is Status.PENDING
    engine.in_engine(lambda ack: engine.virtual_time.advance(ack, timedelta(hours=1)), 20)
    eventually(lambda: status(engine, "kid") is Status.RUNNING)
