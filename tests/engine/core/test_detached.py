"""A12: a detached workflow is started from inside a workflow and is nobody's child."""

from datetime import timedelta
from typing import Any

from wfengine.core.context import WorkflowContext
from wfengine.model.actions import CompleteWorkflow, ContinueAsNew, CreateDetachedWorkflow
from wfengine.model.history import DetachedWorkflowInstanceCreated
from wfengine.testing.rehearsal import BEGINNING, Rehearsal, Steps


def starts(ctx: WorkflowContext, _: Any) -> Steps:
    first = ctx.schedule_new_workflow("audit", input=0, instance_id="audit-1")
    second = ctx.schedule_new_workflow("audit", start_at=timedelta(hours=1))
    yield ctx.call_activity("a")
    return [first, second]


def test_a_detached_workflow_gives_its_id_at_once_and_is_recorded_as_one_event() -> None:
    play = Rehearsal(starts)
    asked = play.start()
    first, second = (action for action in asked if isinstance(action, CreateDetachedWorkflow))
    assert (first.instance_id, first.input) == ("audit-1", "0")
    assert second.scheduled_start == BEGINNING + timedelta(hours=1)
    assert sum(isinstance(event, DetachedWorkflowInstanceCreated) for event in play.history) == 2
    play.turn(play.completed(2))
    assert play.output == ["audit-1", second.instance_id]


def test_a_detached_workflow_starts_though_its_starter_ends_in_the_same_turn() -> None:
    def forgets(ctx: WorkflowContext, _: Any) -> str:
        ctx.call_activity("dropped")
        return ctx.schedule_new_workflow("audit", instance_id="audit-1")

    asked = Rehearsal(forgets).start()
    assert [type(action) for action in asked] == [CreateDetachedWorkflow, CompleteWorkflow]


def test_a_detached_workflow_starts_though_its_starter_continues_as_new() -> None:
    def monitor(ctx: WorkflowContext, _: Any) -> None:
        ctx.schedule_new_workflow("audit", instance_id="audit-1")
        ctx.continue_as_new(1)

    assert [type(action) for action in Rehearsal(monitor).start()] == [CreateDetachedWorkflow, ContinueAsNew]
