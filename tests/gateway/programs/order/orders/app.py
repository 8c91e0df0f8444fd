"""The order service, as its user writes one with Dapr's SDK: it takes orders, and a workflow sees each to its end. Not a test.

A large order needs an approval, which is asked for and answered over pub/sub. Where the payment is refused, what was reserved is given back.
"""

import json
import os
from collections.abc import Generator
from datetime import timedelta
from typing import Any

import dapr.ext.workflow as wf
import uvicorn
from dapr.clients import DaprClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

LARGE = 1_000
runtime = wf.WorkflowRuntime()


@runtime.workflow(name="order_processing")
def order_processing(ctx: wf.DaprWorkflowContext, order: dict[str, Any]) -> Generator[Any, Any, str]:
    retry = wf.RetryPolicy(first_retry_interval=timedelta(milliseconds=100), max_number_of_attempts=5)
    reserved = yield ctx.call_activity(reserve, input=order, retry_policy=retry)
    if not reserved:
        yield ctx.call_activity(note, input={**order, "status": "out of stock"})
        return "out of stock"
    if order["total"] >= LARGE:
        yield ctx.call_activity(ask_for_approval, input=order)
        answer = ctx.wait_for_external_event("approval")
        first = yield wf.when_any([answer, ctx.create_timer(timedelta(seconds=60))])
        if first is not answer or not answer.get_result():
            yield ctx.call_activity(release, input=order)
            yield ctx.call_activity(note, input={**order, "status": "not approved"})
            return "not approved"
    try:
        yield ctx.call_activity(charge, input=order)
    except Exception as refused:  # a failed activity, whatever the SDK makes of it
        yield ctx.call_activity(release, input=order)
        yield ctx.call_activity(note, input={**order, "status": "payment refused"})
        ctx.set_custom_status(f"given back: {refused}"[:60])
        return "payment refused"
    yield ctx.call_activity(note, input={**order, "status": "completed"})
    return "completed"


@runtime.activity(name="reserve")
def reserve(_ctx: wf.WorkflowActivityContext, order: dict[str, Any]) -> bool:
    with DaprClient() as client:
        answer = client.invoke_method(
            "inventory-service", "reserve", data=json.dumps(order), http_verb="POST", content_type="application/json"
        )
        return bool(answer.json()["reserved"])


@runtime.activity(name="release")
def release(_ctx: wf.WorkflowActivityContext, order: dict[str, Any]) -> None:
    with DaprClient() as client:
        client.invoke_method("inventory-service", "release", data=json.dumps(order), http_verb="POST", content_type="application/json")


@runtime.activity(name="ask_for_approval")
def ask_for_approval(_ctx: wf.WorkflowActivityContext, order: dict[str, Any]) -> None:
    with DaprClient() as client:
        client.publish_event("pubsub", "approval-requests", json.dumps(order), data_content_type="application/json")


@runtime.activity(name="charge")
def charge(_ctx: wf.WorkflowActivityContext, order: dict[str, Any]) -> None:
    if order["card"] == "stolen":
        raise ValueError("the card is refused")


@runtime.activity(name="note")
def note(_ctx: wf.WorkflowActivityContext, order: dict[str, Any]) -> None:
    with DaprClient() as client:
        client.save_state("statestore", order["id"], json.dumps(order))
        client.publish_event("pubsub", "order-events", json.dumps(order), data_content_type="application/json")


async def place(request: Request) -> Response:
    order = await request.json()
    wf.DaprWorkflowClient().schedule_new_workflow(order_processing, input=order, instance_id=order["id"])
    print("took", order["id"], flush=True)
    return JSONResponse({"id": order["id"]}, 202)


async def approvals(request: Request) -> Response:
    answer = (await request.json())["data"]
    wf.DaprWorkflowClient().raise_workflow_event(answer["id"], "approval", data=answer["is_approved"])
    return JSONResponse({"status": "SUCCESS"})


if __name__ == "__main__":
    runtime.start()
    routes = [Route("/orders", place, methods=["POST"]), Route("/approvals", approvals, methods=["POST"])]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=int(os.environ["APP_PORT"]), log_level="warning")
