"""A program written for `dapr.ext.workflow` runs here after a change of its import, and Dapr's own package takes it as it is."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.lab.seed import run_cell
from wflab.lab import current

PROGRAM = """\
from datetime import timedelta
import json
import dapr.ext.workflow as wf

wfr = wf.WorkflowRuntime()
attempts = {"flaky": 0, "shipping": 0}
NO_PAUSE = wf.RetryPolicy(first_retry_interval=timedelta(milliseconds=1), max_number_of_attempts=3, backoff_coefficient=2)

# Chaining, with an activity that fails at first.

@wfr.activity(name="add_one")
def add_one(ctx: wf.WorkflowActivityContext, number: int) -> int:
    return number + 1

@wfr.activity
def flaky(ctx, number):
    attempts["flaky"] += 1
    if attempts["flaky"] < 3:
        raise ConnectionError("try again")
    return number * 10

@wfr.workflow(name="chain")
def chain(ctx: wf.DaprWorkflowContext, number: int):
    ctx.set_custom_status("adding")
    first = yield ctx.call_activity(add_one, input=number)
    second = yield ctx.call_activity("add_one", input=first)
    return (yield ctx.call_activity(flaky, input=second, retry_policy=NO_PAUSE))

# Fan-out and fan-in.

@wfr.activity
async def square(ctx, number):
    return number * number

@wfr.workflow
def squares(ctx, numbers):
    return sum((yield wf.when_all([ctx.call_activity(square, input=one) for one in numbers])))

# An event with a deadline; a child that is tried again, with an id of its own.

@wfr.activity
def describe(ctx, order):
    return f"{order['what']} to {order['city']}"

@wfr.workflow
def shipping(ctx, order):
    attempts["shipping"] += 1
    if attempts["shipping"] < 2:
        raise RuntimeError("no van")
    return (yield ctx.call_activity(describe, input=order))

@wfr.workflow
def order(ctx, what):
    address = yield ctx.wait_for_external_event("Address", timeout=timedelta(minutes=5))
    shipped = ctx.call_child_workflow(shipping, input={"what": what, **address}, instance_id=f"{ctx.instance_id}-shipping", retry_policy=NO_PAUSE)
    late = ctx.create_timer(timedelta(hours=1))
    winner = yield wf.when_any([shipped, late])
    return "late" if winner == late else winner.get_result()

@wfr.workflow
def impatient(ctx):
    try:
        yield ctx.wait_for_external_event("nobody", timeout=timedelta(milliseconds=1))
    except TimeoutError:
        return "gave up"

@wfr.workflow
def doomed(ctx):
    try:
        yield ctx.call_activity("broken")
    except wf.TaskFailedError as error:
        return [error.details.error_type, error.details.message]

@wfr.activity
def broken(ctx):
    raise LookupError("nothing there")

# Two versions.

@wfr.versioned_workflow(name="greeting", version_name="v1", is_latest=False)
def greeting_then(ctx, name):
    return f"Good day, {name}"

@wfr.versioned_workflow(name="greeting", version_name="v2", is_latest=True)
def greeting_now(ctx, name):
    return f"Hi {name}"

# History that is passed on.

@wfr.workflow
def audited(ctx, number):
    yield ctx.call_activity(add_one, input=number)
    seen = yield ctx.call_child_workflow(auditor, propagation=wf.PropagationScope.LINEAGE)
    return [seen, (yield ctx.call_activity(witness, propagation=wf.PropagationScope.OWN_HISTORY))]

@wfr.workflow
def auditor(ctx):
    added = ctx.get_propagated_history().get_last_workflow_by_name("audited").get_last_activity_by_name("add_one")
    return [added.completed, added.input, added.output]

@wfr.activity
def witness(ctx):
    history = ctx.get_propagated_history()
    try:
        history.get_last_workflow_by_name("nobody")
    except wf.PropagationNotFoundError:
        return [one.name for one in history.get_workflows()]

def ended(client, instance_id):
    state = client.wait_for_workflow_completion(instance_id, timeout_in_seconds=30)
    state.raise_if_failed()
    assert state.runtime_status == wf.WorkflowStatus.COMPLETED
    return json.loads(state.serialized_output)

def main():
    wfr.start()
    client = wf.DaprWorkflowClient()
    try:
        return dict(report(client))
    finally:
        client.close()
        wfr.shutdown()

def report(client):
    yield "chain", ended(client, client.schedule_new_workflow(chain, input=1, instance_id="chain-1"))
    yield "status", client.get_workflow_state("chain-1").serialized_custom_status
    yield "squares", ended(client, client.schedule_new_workflow("squares", input=[1, 2, 3]))
    client.schedule_new_workflow(order, input="book", instance_id="order-1")
    client.wait_for_workflow_start("order-1", timeout_in_seconds=30)
    client.raise_workflow_event("order-1", "unasked")
    client.raise_workflow_event("order-1", "address", data={"city": "Porto"})
    yield "order", ended(client, "order-1")
    yield "impatient", ended(client, client.schedule_new_workflow(impatient))
    yield "doomed", ended(client, client.schedule_new_workflow(doomed))
    yield "greeting", ended(client, client.schedule_new_workflow("greeting", input="Ana"))
    yield "audited", ended(client, client.schedule_new_workflow(audited, input=4))

    events = client.get_workflow_history("chain-1")
    calls = [event for event in events if event.event_type == wf.WorkflowHistoryEventType.TASK_SCHEDULED]
    yield "calls", [(event.name, event.is_rerunnable) for event in calls[:3]]
    second = client.rerun_workflow_from_event("chain-1", calls[1].event_id, new_instance_id="chain-2", input=8)
    yield "rerun", [second, ended(client, second)]
    yield "ids", [one for one in client.iter_workflow_instance_ids(page_size=2) if one.startswith("chain")]
    client.purge_workflow("chain-2")
    yield "purged", client.get_workflow_state("chain-2")
"""

ASYNC_PROGRAM = """\
import json
import dapr.ext.workflow as wf
from dapr.ext.workflow.aio import DaprWorkflowClient

wfr = wf.WorkflowRuntime()

@wfr.workflow
def approval(ctx, what):
    return [what, (yield ctx.wait_for_external_event("approved"))]

async def main():
    wfr.start()
    try:
        client = DaprWorkflowClient()
        instance_id = await client.schedule_new_workflow(approval, input="leave")
        await client.wait_for_workflow_start(instance_id, timeout_in_seconds=30)
        await client.raise_workflow_event(instance_id, "approved", data=False)
        state = await client.wait_for_workflow_completion(instance_id, timeout_in_seconds=30)
        assert [one async for one in client.iter_workflow_instance_ids()] == [instance_id]
        return json.loads(state.serialized_output)
    finally:
        wfr.shutdown()
"""


def here(program: str) -> dict[str, Any]:
    return run_cell(program.replace("dapr.ext.workflow", "wflab"))


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`wfr.start()` opens the default lab, in the directory that is current."""
    monkeypatch.chdir(tmp_path)


def test_a_program_for_dapr_runs_here_with_its_import_changed() -> None:
    assert here(PROGRAM)["main"]() == {
        "chain": 30,
        "status": "adding",
        "squares": 14,
        "order": "book to Porto",
        "impatient": "gave up",
        "doomed": ["LookupError", "nothing there"],
        "greeting": "Hi Ana",
        "audited": [[True, "4", "5"], ["audited"]],
        "calls": [("add_one", True), ("add_one", True), ("flaky", True)],
        "rerun": ["chain-2", 90],
        "ids": ["chain-1", "chain-2"],
        "purged": None,
    }
    assert current.find() is None


def test_a_program_with_daprs_client_for_coroutines_runs_here_with_its_import_changed() -> None:
    assert asyncio.run(here(ASYNC_PROGRAM)["main"]()) == ["leave", False]


@pytest.mark.parametrize("program", [PROGRAM, ASYNC_PROGRAM], ids=["PROGRAM", "ASYNC_PROGRAM"])
def test_daprs_own_package_takes_the_programs_as_they_are(program: str) -> None:
    """All but the sidecar: their names are imported and their functions registered there."""
    assert type(run_cell(program)["wfr"]).__module__ == "dapr.ext.workflow.workflow_runtime"
