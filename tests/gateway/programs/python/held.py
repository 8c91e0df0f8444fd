"""A worker whose activities and turns begin, say so, and go no further before a gate is open. Not a test.

The folder HELD is both: a file there for each beginning, and the gate, which is the file `gate`. It runs until its standard input is closed.
"""

import os
import sys
import time
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import Any

import dapr.ext.workflow as wf

HELD = Path(os.environ["HELD"])
runtime = wf.WorkflowRuntime(host="127.0.0.1", port=os.environ["DAPR_GRPC_PORT"], maximum_thread_pool_workers=100)


def held(what: str) -> None:
    (HELD / f"{what}-{uuid.uuid4()}").touch()
    while not (HELD / "gate").exists():
        time.sleep(0.02)


@runtime.activity
def square(_ctx: wf.WorkflowActivityContext, number: int) -> int:
    held(f"activity-{number}")
    return number * number


@runtime.workflow
def wide(ctx: wf.DaprWorkflowContext, numbers: list[int]) -> Generator[Any, Any, int]:
    squares = yield wf.when_all([ctx.call_activity(square, input=number) for number in numbers])
    return sum(squares)


@runtime.workflow
def thinking(ctx: wf.DaprWorkflowContext, number: int) -> Generator[Any, Any, int]:
    held(f"turn-{ctx.instance_id}")
    return (yield ctx.call_activity(square, input=number))


if __name__ == "__main__":
    runtime.start()
    sys.stdin.read()
    runtime.shutdown()
