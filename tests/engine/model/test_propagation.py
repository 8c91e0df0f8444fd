"""A20: what a call passes on of its caller's history, and what the callee can ask of it."""

from datetime import UTC, datetime

import msgspec
import pytest

from wfengine.errors import PropagationNotFoundError
from wfengine.model import history as h
from wfengine.model.failure import FailureDetails
from wfengine.model.propagation import (
    ActivityResult,
    ChildWorkflowResult,
    Chunk,
    PropagatedHistory,
    PropagationScope,
    passed_on,
    read_propagated,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
DECLINED = FailureDetails(message="declined", error_type="ValueError")


def started(name: str, propagated: str | None = None) -> h.ExecutionStarted:
    return h.ExecutionStarted(occurred_at=NOON, name=name, instance_id=f"{name}-1", propagated=propagated)


def scheduled(number: int, name: str, payload: str | None = None) -> h.TaskScheduled:
    return h.TaskScheduled(occurred_at=NOON, event_id=number, name=name, task_execution_id="call", input=payload)


def chunk(name: str, *events: h.HistoryEvent, app_id: str | None = None) -> Chunk:
    return Chunk(app_id=app_id, instance_id=f"{name}-1", name=name, events=[started(name), *events])


def handed(scope: PropagationScope, own: Chunk, received: str | None = None) -> str:
    text = passed_on(scope, own, received)
    assert text is not None
    return text


def read(*chunks: Chunk) -> PropagatedHistory:
    text = None
    for own in chunks:
        text = passed_on(PropagationScope.LINEAGE, own, text)
    assert text is not None
    return read_propagated(text)


def test_nothing_is_passed_on_where_nothing_is_asked_for() -> None:
    received = handed(PropagationScope.LINEAGE, chunk("order"))
    assert passed_on(PropagationScope.NONE, chunk("ship"), received) is None


def test_own_history_leaves_out_what_the_caller_had_received() -> None:
    received = handed(PropagationScope.LINEAGE, chunk("order"))
    found = read_propagated(handed(PropagationScope.OWN_HISTORY, chunk("ship"), received))
    assert [one.name for one in found.get_workflows()] == ["ship"]
    assert found.scope is PropagationScope.OWN_HISTORY


def test_lineage_passes_on_the_ancestors_first_and_the_caller_last() -> None:
    found = read(chunk("order", app_id="shop"), chunk("ship", app_id="depot"), chunk("label", app_id="shop"))
    assert [one.name for one in found.get_workflows()] == ["order", "ship", "label"]
    assert found.scope is PropagationScope.LINEAGE
    assert found.get_app_ids() == ["shop", "depot"]
    assert found.events == [started("order"), started("ship"), started("label")]
    assert found.get_events_by_app_id("shop") == [started("order"), started("label")]
    assert found.get_events_by_instance_id("ship-1") == [started("ship")]
    assert found.get_events_by_workflow_name("label") == [started("label")]
    assert found.get_events_by_app_id("nobody") == []


def test_received_history_is_not_passed_on_twice() -> None:
    """It stands in the events of the receiver, too: nested in each other, ten generations would be a thousand copies."""
    secret = h.TaskScheduled(occurred_at=NOON, event_id=0, name="charge", task_execution_id="call", propagated='{"much": "more"}')
    text = None
    for generation in range(10):
        name = f"w{generation}"
        text = handed(PropagationScope.LINEAGE, Chunk(instance_id=name, name=name, events=[started(name, text), secret]), received=text)
    assert text is not None
    assert "much" not in text
    assert len(text) < 10 * 500
    assert len(read_propagated(text).get_workflows()) == 10


def test_an_activity_is_told_with_its_input_and_output() -> None:
    found = read(
        chunk("order", scheduled(0, "charge", '{"amount": 5}'), h.TaskCompleted(occurred_at=NOON, task_scheduled_id=0, result="0"))
    )
    charge = found.get_last_workflow_by_name("order").get_last_activity_by_name("charge")
    assert charge == ActivityResult("charge", True, True, False, '{"amount": 5}', "0", None)  # noqa: FBT003  # in Dapr's order


def test_every_attempt_of_an_activity_is_told_and_the_last_is_the_newest() -> None:
    story = chunk(
        "order",
        scheduled(0, "charge"),
        scheduled(1, "mail"),
        h.TaskFailed(occurred_at=NOON, task_scheduled_id=0, failure=DECLINED),
        scheduled(3, "charge"),
        h.TaskEndedLate(occurred_at=NOON, task_scheduled_id=1),
    )
    order = read(story).get_last_workflow_by_name("order")
    first, second = order.get_activities_by_name("charge")
    assert (first.failed, first.error, first.completed) == (True, DECLINED, False)
    assert (second.started, second.failed, second.completed) == (True, False, False)
    assert order.get_last_activity_by_name("charge") == second
    assert not order.get_last_activity_by_name("mail").completed, "an end that came too late is none"


def test_a_child_workflow_is_told_likewise() -> None:
    story = chunk(
        "order",
        h.ChildWorkflowInstanceCreated(occurred_at=NOON, event_id=0, name="ship", instance_id="a"),
        h.ChildWorkflowInstanceFailed(occurred_at=NOON, task_scheduled_id=0, failure=DECLINED),
        h.ChildWorkflowInstanceCreated(occurred_at=NOON, event_id=1, name="ship", instance_id="b"),
        h.ChildWorkflowInstanceCompleted(occurred_at=NOON, task_scheduled_id=1, result='"sent"'),
    )
    order = read(story).get_last_workflow_by_name("order")
    failed, sent = order.get_child_workflows_by_name("ship")
    assert failed == ChildWorkflowResult("ship", True, False, True, None, DECLINED)  # noqa: FBT003  # in Dapr's order
    assert sent == order.get_last_child_workflow_by_name("ship") == ChildWorkflowResult("ship", True, True, False, '"sent"', None)  # noqa: FBT003


def test_a_name_that_comes_twice_is_found_twice_and_the_last_is_nearest_to_the_callee() -> None:
    found = read(chunk("tree", scheduled(0, "plant")), chunk("tree", scheduled(0, "water")))
    assert len(found.get_workflows_by_name("tree")) == 2
    assert found.get_last_workflow_by_name("tree").get_activities_by_name("plant") == []


def test_what_is_not_there_is_a_propagation_not_found_error() -> None:
    found = read(chunk("order"))
    order = found.get_last_workflow_by_name("order")
    assert (order.instance_id, order.app_id, repr(order)) == (
        "order-1",
        "",
        "WorkflowResult(instance_id='order-1', app_id='', name='order')",
    )
    with pytest.raises(PropagationNotFoundError, match="no workflow named 'ship' in the passed-on history"):
        found.get_last_workflow_by_name("ship")
    with pytest.raises(PropagationNotFoundError, match="no activity named 'charge' in the passed-on history of workflow 'order'"):
        order.get_last_activity_by_name("charge")
    with pytest.raises(PropagationNotFoundError, match="no child workflow named 'ship'"):
        order.get_last_child_workflow_by_name("ship")


def test_answers_cannot_be_changed() -> None:
    order = read(chunk("order")).get_last_workflow_by_name("order")
    with pytest.raises(AttributeError, match="immutable"):
        order.name = "other"  # type: ignore[misc]


def test_passed_on_history_is_plain_json_of_dated_events() -> None:
    text = handed(PropagationScope.OWN_HISTORY, chunk("order"))
    [only] = msgspec.json.decode(text)["chunks"]
    assert only["events"] == [
        {"type": "ExecutionStarted", "occurred_at": "2026-11-22T12:00:00Z", "name": "order", "instance_id": "order-1"}
    ]
