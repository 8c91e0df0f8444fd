"""The app `orders`: its workflow has another app, `shipping`, do an activity and a child workflow. Not a test.

It prints what came of one order, as JSON.
"""

import json
import os
from collections.abc import Generator
from typing import Any

import dapr.ext.workflow as wf

WAIT_SECONDS = 60
runtime = wf.WorkflowRuntime(host="127.0.0.1", port=os.environ["DAPR_GRPC_PORT"])


@runtime.activity
def charge(_ctx: wf.WorkflowActivityContext, order: dict[str, Any]) -> dict[str, Any]:
    return {**order, "charged_by": os.environ["APP_ID"]}


@runtime.workflow
def order_placed(ctx: wf.DaprWorkflowContext, order: dict[str, Any]) -> Generator[Any, Any, dict[str, Any]]:
    charged = yield ctx.call_activity(charge, input=order)
    shipped = yield ctx.call_activity("ship", input=charged, app_id="shipping")
    parcels = yield ctx.call_child_workflow("child", input=order["items"], app_id="shipping")
    return {**shipped, "parcels": parcels}


def main() -> None:
    runtime.start()
    client = wf.DaprWorkflowClient(host="127.0.0.1", port=os.environ["DAPR_GRPC_PORT"])
    instance_id = client.schedule_new_workflow(order_placed, input={"id": "o-1", "items": 2}, instance_id="o-1")
    state = client.wait_for_workflow_completion(instance_id, timeout_in_seconds=WAIT_SECONDS)
    assert state is not None
    assert state.runtime_status is wf.WorkflowStatus.COMPLETED, state
    print(json.dumps({"order": json.loads(state.serialized_output or "null")}), flush=True)  # its result
    runtime.shutdown()


if __name__ == "__main__":
    main()
