"""Inline steps (SEMANTICS: `ctx.step`): an activity without a decorator, held by the workflow's own code."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.waiting import eventually
from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_all
from wfengine.errors import TaskFailedError
from wfengine.model.history import TaskScheduled
from wfengine.model.instance import Instance
from wfengine.model.retry import RetryPolicy
from wfengine.runtime.engine import Engine
from wfengine.runtime.limits import Limits
from wfengine.testing.rehearsal import Steps

Opener = Callable[..., Engine]


def add(left: int, right: int) -> int:
    return left + right


async def add_later(left: int, right: int) -> int:
    return left + right


def told(engine: Engine) -> str:
    state = engine.get_workflow_state("w")
    return "" if state is None or state.failure is None else f"{state.status}: {state.failure.message}"


def run(engine: Engine, workflow: Callable[..., Any], input: Any = None) -> Instance:
    engine.register_workflow(workflow, "flow")
    return engine.wait_for_workflow_completion(engine.schedule_new_workflow("flow", input=input), 20)


@pytest.mark.parametrize("function", [add, add_later])
def test_a_function_is_run_with_its_arguments_and_its_result_recorded(engine: Engine, function: Callable[..., Any]) -> None:
    def flow(ctx: WorkflowContext, value: int) -> Steps:
        return (yield ctx.step(function, value, 2))

    ended = run(engine, flow, 1)
    assert ended.output == "3"
    [scheduled] = [row.event for row in engine.history(ended.instance_id) if isinstance(row.event, TaskScheduled)]
    assert (scheduled.name, scheduled.input, scheduled.is_inline) == (function.__name__, "[1, 2]", True)


def test_a_closure_of_the_workflow_can_be_a_step(engine: Engine) -> None:
    def flow(ctx: WorkflowContext, value: int) -> Steps:
        return (yield when_all([ctx.step(lambda n=n: value * n, name=f"times {n}") for n in range(3)]))

    assert run(engine, flow, 7).output == "[0, 7, 14]"


def test_a_step_that_fails_is_retried_by_its_policy_with_the_same_function(engine: Engine) -> None:
    tries: list[int] = []

    def flow(ctx: WorkflowContext, _: Any) -> Steps:
        def shaky() -> int:
            tries.append(1)
            if len(tries) < 3:
                raise ConnectionError
            return len(tries)

        return (yield ctx.step(shaky, retry_policy=RetryPolicy(first_retry_interval=timedelta(0), max_number_of_attempts=5)))

    assert run(engine, flow).output == "3"


def test_a_step_has_a_timeout_like_an_activity(engine: Engine) -> None:
    hangs = threading.Event()

    def flow(ctx: WorkflowContext, _: Any) -> Steps:
        try:
            yield ctx.step(lambda: hangs.wait(60), name="hangs", timeout=timedelta(milliseconds=50))
        except TaskFailedError as error:
            return error.details.error_type

    assert run(engine, flow).output == '"ActivityTimeoutError"'
    hangs.set()


def test_a_step_counts_within_the_limits(opened: Opener) -> None:
    engine = opened(limits=Limits(activities={"work": 1}))
    together: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        together.append(number)
        most.append(len(together))
        together.remove(number)

    def flow(ctx: WorkflowContext, _: Any) -> Steps:
        yield when_all([ctx.step(work, number) for number in range(20)])

    run(engine, flow)
    assert most == [1] * 20


def test_after_a_restart_the_function_is_the_one_that_the_replayed_code_hands_over(opened: Opener) -> None:
    engine = opened()
    begun, go_on = threading.Event(), threading.Event()
    ran: list[str] = []

    def flow(ctx: WorkflowContext, value: str) -> Steps:
        first = yield ctx.step(lambda: f"{value} first", name="first")

        def second() -> str:
            ran.append(first)
            begun.set()
            go_on.wait(20)
            return f"{first}, then second"

        return (yield ctx.step(second))

    engine.register_workflow(flow)
    engine.schedule_new_workflow(flow, input="the", instance_id="w")
    assert begun.wait(20)
    engine.close()
    go_on.set()
    engine = opened()
    assert (engine.lacking("w") or "").startswith("workflow 'flow' is not registered")
    engine.register_workflow(flow)
    assert engine.wait_for_workflow_completion("w", 20).output == '"the first, then second"'
    assert ran == ["the first", "the first"]


def test_a_step_at_work_is_not_begun_again_when_its_workflow_is_registered_again(engine: Engine) -> None:
    begun: list[int] = []
    go_on = threading.Event()

    def flow(ctx: WorkflowContext, _: Any) -> Steps:
        def work() -> str:
            begun.append(1)
            go_on.wait(20)
            return "done"

        return (yield ctx.step(work))

    engine.register_workflow(flow, "flow")
    engine.schedule_new_workflow("flow", instance_id="w")
    eventually(lambda: bool(begun))
    engine.register_workflow(flow, "flow")
    engine.in_engine(lambda ack: ack.set_result(None), 20)
    go_on.set()
    engine.wait_for_workflow_completion("w", 20)
    assert begun == [1]


def test_code_without_the_step_that_is_under_way_stalls_and_goes_on_with_the_code_it_had(opened: Opener) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def second() -> str:
        begun.set()
        go_on.wait(20)
        return "done"

    def flow(ctx: WorkflowContext, _: Any) -> Steps:
        return (yield ctx.step(second))

    def edited(ctx: WorkflowContext, _: Any) -> Steps:
        return (yield ctx.wait_for_external_event("go"))

    engine = opened()
    engine.register_workflow(flow)
    engine.schedule_new_workflow("flow", instance_id="w")
    assert begun.wait(20)
    engine.close()
    go_on.set()
    engine = opened()
    engine.register_workflow(edited, "flow")
    eventually(lambda: "STALLED" in told(engine))
    assert "recorded is step('second')" in told(engine)
    engine.register_workflow(flow)
    assert engine.wait_for_workflow_completion("w", 20).output == '"done"'
