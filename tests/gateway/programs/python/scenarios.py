"""A program with Dapr's SDK for Python, as its user writes one: a worker and a client in one process. Not a test.

It asks everything of the sidecar that the environment names (DAPR_GRPC_PORT), and prints one JSON object: what came of each scenario. tests/gateway/
holds that against what Dapr Workflow gives; the programs in the other languages here print the same.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any

import dapr.ext.workflow as wf

WAIT_SECONDS = 60
SHORT = timedelta(milliseconds=200)
runtime = wf.WorkflowRuntime(host="127.0.0.1", port=os.environ["DAPR_GRPC_PORT"])
client = wf.DaprWorkflowClient(host="127.0.0.1", port=os.environ["DAPR_GRPC_PORT"])
attempts: Counter[str] = Counter()
Steps = Generator[Any, Any, Any]


@runtime.activity
def add_one(_ctx: wf.WorkflowActivityContext, number: int) -> int:
    return number + 1


@runtime.activity
def square(_ctx: wf.WorkflowActivityContext, number: int) -> int:
    return number * number


@runtime.activity
def flaky(ctx: wf.WorkflowActivityContext, _: Any) -> str:
    attempts[ctx.workflow_id] += 1
    if attempts[ctx.workflow_id] < 3:
        raise ConnectionError("not yet")
    return f"attempt {attempts[ctx.workflow_id]}"


@runtime.activity
def refuse(_ctx: wf.WorkflowActivityContext, _: Any) -> None:
    raise ValueError("it is refused")


@runtime.workflow
def chaining(ctx: wf.DaprWorkflowContext, number: int) -> Steps:
    for _ in range(3):
        number = yield ctx.call_activity(add_one, input=number)
    return number


@runtime.workflow
def fan_out(ctx: wf.DaprWorkflowContext, numbers: list[int]) -> Steps:
    squares = yield wf.when_all([ctx.call_activity(square, input=number) for number in numbers])
    return sum(squares)


@runtime.workflow
def child(ctx: wf.DaprWorkflowContext, number: int) -> Steps:
    more = yield ctx.call_activity(add_one, input=number)
    return more * 2


@runtime.workflow
def parent(ctx: wf.DaprWorkflowContext, number: int) -> Steps:
    return (yield ctx.call_child_workflow(child, input=number, instance_id=f"{ctx.instance_id}-child"))


@runtime.workflow
def retries(ctx: wf.DaprWorkflowContext, _: Any) -> Steps:
    policy = wf.RetryPolicy(first_retry_interval=timedelta(milliseconds=50), max_number_of_attempts=5)
    return (yield ctx.call_activity(flaky, retry_policy=policy))


@runtime.workflow
def timer(ctx: wf.DaprWorkflowContext, _: Any) -> Steps:
    before = ctx.current_utc_datetime
    yield ctx.create_timer(SHORT)
    return ctx.current_utc_datetime - before >= SHORT


@runtime.workflow
def event(ctx: wf.DaprWorkflowContext, _: Any) -> Steps:
    ctx.set_custom_status("waiting")
    return (yield ctx.wait_for_external_event("go"))


@runtime.workflow
def event_timeout(ctx: wf.DaprWorkflowContext, _: Any) -> Steps:
    late = ctx.create_timer(SHORT)
    first = yield wf.when_any([ctx.wait_for_external_event("never"), late])
    return "timed out" if first == late else "came"


@runtime.workflow
def counter(ctx: wf.DaprWorkflowContext, number: int) -> Steps:
    yield ctx.call_activity(add_one, input=number)
    if number < 3:
        ctx.continue_as_new(number + 1)
        return None
    return number


@runtime.workflow
def failing(ctx: wf.DaprWorkflowContext, _: Any) -> Steps:
    return (yield ctx.call_activity(refuse))


def ended(workflow: Callable[..., Any], given: Any = None) -> Any:
    """What the workflow returns."""
    instance_id = client.schedule_new_workflow(workflow, input=given)
    state = client.wait_for_workflow_completion(instance_id, timeout_in_seconds=WAIT_SECONDS)
    assert state is not None, instance_id
    assert state.runtime_status is wf.WorkflowStatus.COMPLETED, state
    return json.loads(state.serialized_output or "null")


def status_of(instance_id: str) -> str:
    state = client.get_workflow_state(instance_id)
    return "none" if state is None else state.runtime_status.name


def until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.02)


def with_event() -> Any:
    instance_id = client.schedule_new_workflow(event)
    client.raise_workflow_event(instance_id, "GO", data={"n": 1})
    state = client.wait_for_workflow_completion(instance_id, timeout_in_seconds=WAIT_SECONDS)
    return state and json.loads(state.serialized_output or "null")


def custom_status() -> Any:
    instance_id = client.schedule_new_workflow(event)
    client.wait_for_workflow_start(instance_id, timeout_in_seconds=WAIT_SECONDS)
    state = client.get_workflow_state(instance_id)
    client.raise_workflow_event(instance_id, "go")
    client.wait_for_workflow_completion(instance_id, timeout_in_seconds=WAIT_SECONDS)
    return state and state.serialized_custom_status  # as it was set: this SDK makes no JSON of a text


def suspend_resume() -> Any:
    instance_id = client.schedule_new_workflow(event)
    client.pause_workflow(instance_id)
    seen = [status_of(instance_id)]
    client.raise_workflow_event(instance_id, "go", data="late")
    seen.append(status_of(instance_id))
    client.resume_workflow(instance_id)
    state = client.wait_for_workflow_completion(instance_id, timeout_in_seconds=WAIT_SECONDS)
    return [*seen, state and json.loads(state.serialized_output or "null")]


def terminate() -> Any:
    instance_id = client.schedule_new_workflow(event)
    client.terminate_workflow(instance_id, output="stopped")
    state = client.wait_for_workflow_completion(instance_id, timeout_in_seconds=WAIT_SECONDS)
    return state and [state.runtime_status.name, json.loads(state.serialized_output or "null")]


def purge() -> Any:
    instance_id = client.schedule_new_workflow(chaining, input=1)
    client.wait_for_workflow_completion(instance_id, timeout_in_seconds=WAIT_SECONDS)
    before = status_of(instance_id)
    client.purge_workflow(instance_id)
    return [before, status_of(instance_id)]


def failure() -> Any:
    instance_id = client.schedule_new_workflow(failing)
    state = client.wait_for_workflow_completion(instance_id, timeout_in_seconds=WAIT_SECONDS)
    assert state is not None
    assert state.failure_details is not None
    return [state.runtime_status.name, "it is refused" in state.failure_details.message]


SCENARIOS: dict[str, Callable[[], Any]] = {
    "chaining": lambda: ended(chaining, 1),
    "fan_out": lambda: ended(fan_out, list(range(10))),
    "child": lambda: ended(parent, 5),
    "retries": lambda: ended(retries),
    "timer": lambda: ended(timer),
    "event": with_event,
    "event_timeout": lambda: ended(event_timeout),
    "continue_as_new": lambda: ended(counter, 0),
    "custom_status": custom_status,
    "suspend_resume": suspend_resume,
    "terminate": terminate,
    "purge": purge,
    "failure": failure,
}


def main() -> None:
    if sys.argv[1:] == ["worker"]:
        runtime.start()
        sys.stdin.read()  # until whoever started it is gone
        runtime.shutdown()
        return
    runtime.start()
    for name, scenario in SCENARIOS.items():
        print(json.dumps({name: scenario()}), flush=True)  # its result
    runtime.shutdown()


if __name__ == "__main__":
    main()
