"""A20: history propagation. A call passes on its caller's history, alone or with what the caller had received."""

from collections.abc import Callable
from typing import Any

from tests.waiting import eventually
from wfengine.core.context import WorkflowContext
from wfengine.model.propagation import PropagationScope
from wfengine.runtime.engine import Engine
from wfengine.testing.rehearsal import Steps

Opener = Callable[..., Engine]


def grandparent(ctx: WorkflowContext, scope: str) -> Steps:
    yield ctx.call_activity("note", input="in grandparent")
    return (yield ctx.call_child_workflow("parent", input=scope, propagation=PropagationScope.OWN_HISTORY))


def parent(ctx: WorkflowContext, scope: str) -> Steps:
    yield ctx.call_activity("note", input="in parent")
    return (yield ctx.call_child_workflow("child", propagation=PropagationScope[scope]))


def child(ctx: WorkflowContext, _: Any) -> Steps:
    yield ctx.wait_for_external_event("go")
    passed = ctx.get_propagated_history()
    if passed is None:
        return None
    notes = [(one.name, one.get_last_activity_by_name("note").output) for one in passed.get_workflows()]
    looked_at = yield ctx.call_activity("look", propagation=PropagationScope.LINEAGE)
    return [notes, looked_at]


def note(_ctx: Any, text: str) -> str:
    return text.upper()


def look(ctx: Any, _: Any) -> list[str]:
    return [one.name for one in ctx.get_propagated_history().get_workflows()]


def run(opened: Opener, scope: str) -> Any:
    for is_second in (False, True):
        engine = opened()
        for workflow in (grandparent, parent, child):
            engine.register_workflow(workflow)
        for activity in (note, look):
            engine.register_activity(activity)
        if not is_second:
            engine.schedule_new_workflow("grandparent", input=scope, instance_id="w")
            eventually(lambda: engine.get_workflow_state("w:0001:0001") is not None)  # noqa: B023  # called at once
            engine.close()
    engine.raise_workflow_event("w:0001:0001", "go")
    return engine.wait_for_workflow_completion("w", 20).output


def test_own_history_is_the_callers_alone(opened: Opener) -> None:
    assert run(opened, "OWN_HISTORY") == '[[["parent", "\\"IN PARENT\\""]], ["parent", "child"]]'


def test_lineage_is_the_callers_with_what_it_had_received_the_oldest_first(opened: Opener) -> None:
    assert run(opened, "LINEAGE") == (
        '[[["grandparent", "\\"IN GRANDPARENT\\""], ["parent", "\\"IN PARENT\\""]], ["grandparent", "parent", "child"]]'
    )


def test_without_propagation_nothing_is_passed_on(opened: Opener) -> None:
    assert run(opened, "NONE") is None
