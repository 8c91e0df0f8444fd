"""A worker with one workflow of five short activities, for the tests that kill it, or its sidecar. Not a test.

It runs until its standard input is closed.
"""

import os
import sys
import time
from collections.abc import Generator
from typing import Any

import dapr.ext.workflow as wf

STEP_SECONDS = 0.05
runtime = wf.WorkflowRuntime(host="127.0.0.1", port=os.environ["DAPR_GRPC_PORT"])


@runtime.activity
def add_one(_ctx: wf.WorkflowActivityContext, number: int) -> int:
    time.sleep(STEP_SECONDS)
    return number + 1


@runtime.workflow
def steady(ctx: wf.DaprWorkflowContext, number: int) -> Generator[Any, Any, int]:
    for _ in range(5):
        number = yield ctx.call_activity(add_one, input=number)
    return number


if __name__ == "__main__":
    runtime.start()
    print("ready", flush=True)  # to whoever started it
    sys.stdin.read()
    runtime.shutdown()
