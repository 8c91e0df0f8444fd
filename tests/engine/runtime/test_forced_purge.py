"""A29: purge by force deletes an instance whatever its state."""

from collections.abc import Callable
from typing import Any

import pytest

from wfengine.core.context import WorkflowContext
from wfengine.errors import InstanceNotFound, InstanceNotTerminal
from wfengine.runtime.engine import Engine
from wfengine.testing.rehearsal import Steps

Opener = Callable[..., Engine]


def parent(ctx: WorkflowContext, _: Any) -> Steps:
    return (yield ctx.call_child_workflow("waits", instance_id="kid"))


def waits(ctx: WorkflowContext, _: Any) -> Steps:
    yield ctx.call_activity("slow")
    yield ctx.wait_for_external_event("never")


def slow(_ctx: Any) -> None:
    return None


def opened_family(opened: Opener) -> Engine:
    engine = opened()
    for workflow in (parent, waits):
        engine.register_workflow(workflow)
    engine.register_activity(slow)
    engine.schedule_new_workflow("parent", instance_id="p")
    engine.wait_for_workflow_start("kid", 20)
    return engine


def test_without_force_a_live_instance_is_not_purged(opened: Opener) -> None:
    engine = opened_family(opened)
    with pytest.raises(InstanceNotTerminal):
        engine.purge_workflow("p")


def test_with_force_a_live_instance_goes_with_its_children_and_its_id_is_free(opened: Opener) -> None:
    engine = opened_family(opened)
    waiting = engine.when_finished("p")
    engine.purge_workflow("p", force=True)
    assert engine.get_workflow_state("p") is None
    assert engine.get_workflow_state("kid") is None
    with pytest.raises(InstanceNotFound, match="purged"):
        waiting.result(10)
    engine.schedule_new_workflow("waits", instance_id="p")
    engine.close()
    engine = opened()
    assert engine.get_workflow_state("kid") is None
    assert len(engine.history("p")) >= 1


def test_a_parent_learns_that_its_child_was_purged(opened: Opener) -> None:
    engine = opened_family(opened)
    engine.purge_workflow("kid", force=True)
    ended = engine.wait_for_workflow_completion("p", 20)
    assert ended.failure is not None
    assert "was purged before its outcome was seen" in ended.failure.message


def test_an_instance_under_load_may_be_purged_at_any_moment(opened: Opener) -> None:
    engine = opened_family(opened)
    for number in range(50):
        engine.schedule_new_workflow("waits", instance_id=f"w-{number}")
        engine.purge_workflow(f"w-{number}", force=True)
        assert engine.get_workflow_state(f"w-{number}") is None
    engine.close()
    engine = opened()
    with engine.store.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM runs WHERE instance_id LIKE 'w-%'").fetchone() == (0,)
        assert cursor.execute("SELECT count(*) FROM history ANTI JOIN runs USING (instance)").fetchone() == (0,)
