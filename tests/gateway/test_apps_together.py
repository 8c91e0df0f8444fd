"""Programs of several apps and languages that work together: whatever is asked of another app, that app's own program does."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.gateway import installing, running
from tests.waiting import eventually
from wfengine.gateway.apps import App
from wfengine.gateway.gateway import Gateway
from wfengine.gateway.sidecar import Sidecar
from wfengine.model.history import ChildWorkflowInstanceCreated, TaskScheduled
from wfengine.model.instance import Status
from wfengine.runtime.engine import Engine

ORDERS = (sys.executable, str(running.HERE / "python" / "orders.py"))
LONGEST_SECONDS = 120


@pytest.fixture
def shipping(gateway: Gateway) -> Iterator[Sidecar]:
    """The sidecar of the app `shipping`, whose program in JavaScript is connected."""
    sidecar = gateway.add_app(App(app_id="shipping"))
    with ExitStack() as stack:
        worker = stack.enter_context(running.started(installing.javascript().worker(), sidecar))
        stack.callback(worker.kill)
        eventually(lambda: gateway.hub.count_workers("shipping") == 1, LONGEST_SECONDS)
        yield sidecar


@pytest.mark.gateway
@pytest.mark.usefixtures("shipping")
def test_a_workflow_in_python_has_an_app_in_javascript_do_an_activity_and_a_child_workflow(engine: Engine, orders: Sidecar) -> None:
    found: dict[str, Any] = running.results(ORDERS, orders)
    assert found == {"order": {"id": "o-1", "items": 2, "charged_by": "orders", "shipped_by": "shipping", "parcels": 6}}
    asked = [row.event for row in engine.history("o-1") if isinstance(row.event, TaskScheduled | ChildWorkflowInstanceCreated)]
    assert [(event.name, event.app_id) for event in asked] == [("charge", None), ("ship", "shipping"), ("child", "shipping")]


@pytest.mark.gateway
@pytest.mark.usefixtures("shipping")
def test_a_worker_that_loses_what_it_has_no_room_for_is_sent_no_more_than_it_takes(engine: Engine) -> None:
    numbers = list(range(1, 301))  # Dapr's SDK for JavaScript drops the 111th work item that it is sent at once
    instance_id = engine.schedule_new_workflow("fanOut", input=numbers, app_id="shipping")
    end = engine.wait_for_workflow_completion(instance_id, LONGEST_SECONDS)
    assert (end.status, end.output) == (Status.COMPLETED, str(sum(number * number for number in numbers)))
