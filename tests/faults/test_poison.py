"""FAULTS 12 and 23: whatever an activity does, a failure is recorded, the engine goes on, and one that takes the process down is given up."""

import asyncio
import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.faults.forked_lives import KILLERS
from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_all
from wfengine.errors import NonRetryableError, TaskFailedError
from wfengine.model.history import TaskCompleted, TaskFailed, TaskRestarted
from wfengine.model.instance import Status
from wfengine.model.retry import RetryPolicy
from wfengine.runtime.engine import Engine
from wfengine.store.store import Store
from wfengine.testing.rehearsal import Steps

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).with_name("forked_lives.py")
POLICIES = {"no policy": None, "retries": RetryPolicy(first_retry_interval=timedelta(0), max_number_of_attempts=3)}


class Unheard(BaseException):
    """What `except Exception` does not catch."""


def recurses(ctx: Any, value: Any) -> Any:
    return recurses(ctx, value)


def cycle() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


def raising(error: BaseException) -> Callable[..., Any]:
    def activity(_ctx: Any, _: Any) -> None:
        raise error

    return activity


def returning(make: Callable[[], Any]) -> Callable[..., Any]:
    return lambda _ctx, _: make()


async def ignores_cancellation(_ctx: Any, _: Any) -> str:
    for _ in range(3):
        try:
            await asyncio.sleep(0.1)
        except asyncio.CancelledError:
            continue
    return "late"


async def leaves_the_loop(_ctx: Any, _: Any) -> None:
    sys.exit(4)


def forks(_ctx: Any, _: Any) -> str:
    """The child comes back as if it were the parent."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return f"the child ended with {os.waitstatus_to_exitcode(status)}"
    return "the child"


FAILING: dict[str, tuple[Callable[..., Any], str]] = {
    "raises": (raising(ValueError("no")), "ValueError"),
    "raises what is not worth a retry": (raising(NonRetryableError("no")), "NonRetryableError"),
    "raises a BaseException": (raising(Unheard()), "Unheard"),
    "raises KeyboardInterrupt": (raising(KeyboardInterrupt()), "KeyboardInterrupt"),
    "raises GeneratorExit": (raising(GeneratorExit()), "GeneratorExit"),
    "calls sys.exit": (lambda _ctx, _: sys.exit(3), "SystemExit"),
    "calls sys.exit in a coroutine": (leaves_the_loop, "SystemExit"),
    "returns what is not JSON": (returning(object), "PayloadError"),
    "returns a circle": (returning(cycle), "PayloadError"),
    "returns what is too large": (returning(lambda: "x" * (65 << 20)), "PayloadError"),
    "recurses for ever": (recurses, "RecursionError"),
    "ignores its cancellation": (ignores_cancellation, "ActivityTimeoutError"),
}
HARMLESS: dict[str, Callable[..., Any]] = {
    "prints": lambda _ctx, _: print("x" * 10_000),  # noqa: T201  # it is what it does
    "returns much": returning(lambda: "x" * (8 << 20)),
    "forks": forks,
}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(Store.open(tmp_path / "lab.duckdb")) as opened:
        yield opened
        assert opened.trouble is None
        opened.register_workflow(lambda _ctx, value: value, "echo")
        echoed = opened.wait_for_workflow_completion(opened.schedule_new_workflow("echo", input="alive"), 20)
        assert echoed.output == '"alive"', "the engine goes on"


def run(engine: Engine, activity: Callable[..., Any], policy: RetryPolicy | None, timeout: timedelta | None = None) -> list[Any]:
    """What is recorded of the attempts of a call."""

    def calls(ctx: WorkflowContext, _: Any) -> Steps:
        try:
            yield ctx.call_activity("misbehaves", retry_policy=policy, timeout=timeout)
        except TaskFailedError as error:
            return error.details.error_type

    engine.register_activity(activity, "misbehaves")
    engine.register_workflow(calls)
    ended = engine.wait_for_workflow_completion(engine.schedule_new_workflow(calls), 60)
    assert ended.status is Status.COMPLETED
    return [row.event for row in engine.history(ended.instance_id) if isinstance(row.event, TaskCompleted | TaskFailed)]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("what", FAILING)
def test_an_activity_that_misbehaves_is_recorded_as_failed_as_often_as_it_is_tried(engine: Engine, what: str, policy: str) -> None:
    activity, error_type = FAILING[what]
    timeout = timedelta(milliseconds=50) if error_type == "ActivityTimeoutError" else None
    recorded = run(engine, activity, POLICIES[policy], timeout)
    tries = 3 if policy == "retries" and error_type != "NonRetryableError" else 1
    assert [event.failure.error_type for event in recorded] == [error_type] * tries


@pytest.mark.parametrize("policy", POLICIES)
def test_an_activity_that_hangs_is_recorded_as_timed_out_and_holds_up_nobody(engine: Engine, policy: str) -> None:
    go_on = threading.Event()
    recorded = run(engine, lambda _ctx, _: go_on.wait(60), POLICIES[policy], timedelta(milliseconds=50))
    go_on.set()
    assert [event.failure.error_type for event in recorded] == ["ActivityTimeoutError"] * (3 if policy == "retries" else 1)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("what", HARMLESS)
def test_what_is_unusual_and_does_no_harm_completes(engine: Engine, what: str, policy: str) -> None:
    [completed] = run(engine, HARMLESS[what], POLICIES[policy])
    assert isinstance(completed, TaskCompleted)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python 3.12 warns of what is tested here
def test_a_child_that_an_activity_forked_off_ends_where_the_activity_would_go_on(engine: Engine) -> None:
    [completed] = run(engine, forks, None)
    assert completed.result == '"the child ended with 0"'


def test_a_process_that_an_activity_spawns_is_its_own(engine: Engine) -> None:
    def spawns(_ctx: Any, _: Any) -> int | None:
        child = multiprocessing.get_context("spawn").Process(target=abs, args=(-1,))
        child.start()
        child.join(30)
        return child.exitcode

    [completed] = run(engine, spawns, None)
    assert completed.result == "0"


def test_two_hundred_activities_at_once_deadlock_nobody(engine: Engine) -> None:
    """FAULTS 23: threads that take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:

        def crowd(ctx: WorkflowContext, _: Any) -> Steps:
            return sum((yield when_all([ctx.call_activity("counts", input=number) for number in range(200)])))

        engine.register_activity(lambda _ctx, number: number, "counts")
        engine.register_workflow(crowd)
        started = [engine.schedule_new_workflow(crowd) for _ in range(3)]
        outputs = [engine.wait_for_workflow_completion(instance_id, 60).output for instance_id in started]
    finally:
        sys.setswitchinterval(interval)
    assert outputs == ["19900"] * 3


@pytest.mark.faults
@pytest.mark.parametrize("how", KILLERS)
def test_an_activity_that_takes_the_process_down_is_given_up_after_three_deaths_and_its_neighbours_are_not(
    tmp_path: Path, how: str
) -> None:
    path = tmp_path / "lab.duckdb"
    lives = subprocess.run(
        [sys.executable, str(PROGRAM), "poison", str(path), how], check=True, capture_output=True, text=True, timeout=100
    )
    assert lives.stdout.splitlines()[-1] == "lives 4", "three deaths, and one that came to its own end"
    assert (tmp_path / "ran").read_text().count("poison") == 3
    with Engine(Store.open(path)) as engine:
        flow = engine.get_workflow_state("flow")
        assert flow is not None
        assert flow.status is Status.FAILED
        history = [row.event for row in engine.history("flow")]
        assert [event.deaths for event in history if isinstance(event, TaskRestarted)] == [1, 2]
        [failed] = [event for event in history if isinstance(event, TaskFailed)]
        assert (failed.failure.error_type, failed.failure.non_retryable) == ("PoisonActivityError", True)
        for number in range(4):
            assert engine.wait_for_workflow_completion(f"neighbour-{number}", 20).output == str(number)
