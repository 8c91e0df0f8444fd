"""Starting, looking and waiting; and what is refused, with one line that says what to do."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_all
from wfengine.errors import (
    DefinitionNotFound,
    InstanceAlreadyExists,
    InstanceNotFound,
    InvalidArgument,
    PayloadError,
    WflabError,
)
from wfengine.model.history import ExecutionStarted, TaskScheduled
from wfengine.model.instance import Instance, Status
from wfengine.model.retry import RetryPolicy
from wfengine.runtime.engine import Engine
from wfengine.testing.rehearsal import Steps

Advance = Callable[[timedelta], None]


def add_one(_ctx: Any, number: int) -> int:
    return number + 1


def chain(ctx: WorkflowContext, steps: int) -> Steps:
    number = 0
    for _ in range(steps):
        number = yield ctx.call_activity(add_one, input=number)
    return number


def waits(ctx: WorkflowContext, _: Any) -> Steps:
    return (yield ctx.wait_for_external_event("go"))


def fan(ctx: WorkflowContext, width: int) -> Steps:
    return sum((yield when_all([ctx.call_activity(add_one, input=n) for n in range(width)])))


def parent(ctx: WorkflowContext, _: Any) -> Steps:
    three = yield ctx.call_child_workflow(chain, input=3, instance_id="kid")
    return [three, (yield ctx.call_child_workflow(fan, input=4))]


@pytest.fixture(autouse=True)
def _registered(engine: Engine) -> None:
    for workflow in (chain, waits, fan, parent):
        engine.register_workflow(workflow)
    engine.register_activity(add_one)


def done(engine: Engine, instance_id: str) -> Instance:
    return engine.wait_for_workflow_completion(instance_id, 20)


def test_a_chain_runs_to_its_end(engine: Engine) -> None:
    state = done(engine, engine.schedule_new_workflow(chain, input=5, tags={"team": "a"}))
    assert (state.status, state.output, state.input, state.name, state.tags) == (Status.COMPLETED, "5", "5", "chain", {"team": "a"})
    assert len(engine.history(state.instance_id)) == 12


def test_a_fan_of_a_thousand_comes_together(engine: Engine) -> None:
    assert done(engine, engine.schedule_new_workflow("fan", input=1000)).output == "500500"


def test_child_workflows_have_their_own_history_and_give_their_output_to_the_parent(engine: Engine) -> None:
    assert done(engine, engine.schedule_new_workflow(parent, instance_id="p")).output == "[3, 10]"
    child = engine.get_workflow_state("kid")
    assert child is not None
    assert child.parent is not None
    assert child.parent.instance_id == "p"


def test_a_given_id_is_used_and_refused_while_it_is_in_use_and_free_again_after_the_end(engine: Engine) -> None:
    assert engine.schedule_new_workflow(waits, instance_id="mine") == "mine"
    with pytest.raises(InstanceAlreadyExists, match=r"'mine' is in use: workflow 'waits' is (PENDING|RUNNING)"):
        engine.schedule_new_workflow(chain, input=1, instance_id="mine")
    engine.raise_workflow_event("mine", "go", data=1)
    first = done(engine, "mine")
    engine.schedule_new_workflow(chain, input=1, instance_id="mine")
    second = done(engine, "mine")
    assert second.key > first.key
    assert (second.name, len(engine.history("mine"))) == ("chain", 4)


def test_each_instance_without_an_id_gets_one_of_its_own(engine: Engine) -> None:
    assert len({engine.schedule_new_workflow(chain, input=0) for _ in range(10)}) == 10


def test_an_unknown_instance_has_no_state_and_cannot_be_waited_for(engine: Engine) -> None:
    assert engine.get_workflow_state("nobody") is None
    for call in (engine.wait_for_workflow_completion, engine.wait_for_workflow_start, engine.history):
        with pytest.raises(InstanceNotFound, match="'nobody'"):
            call("nobody")


def test_wait_for_start_returns_once_the_code_has_run(engine: Engine) -> None:
    state = engine.wait_for_workflow_start(engine.schedule_new_workflow(waits, instance_id="w"), 20)
    assert (state.status, state.turn) == (Status.RUNNING, 1)
    assert engine.wait_for_workflow_start("w", 20).status is Status.RUNNING


def test_a_wait_that_runs_out_says_that_it_goes_on(engine: Engine) -> None:
    engine.schedule_new_workflow(waits, instance_id="w")
    with pytest.raises(TimeoutError, match=r"after 0\.01 seconds; it goes on"):
        engine.wait_for_workflow_completion("w", 0.01)


def test_a_future_that_somebody_tries_to_cancel_does_not_hurt_the_engine(engine: Engine) -> None:
    engine.schedule_new_workflow(waits, instance_id="w")
    future = engine.when_finished("w")
    assert not future.cancel()
    engine.raise_workflow_event("w", "go", data=1)
    assert future.result(20).output == "1"


def test_start_at_waits_for_its_time(engine: Engine, advance: Advance) -> None:
    start = datetime.now(UTC) + timedelta(hours=2)
    engine.schedule_new_workflow(chain, input=1, instance_id="later", start_at=start.replace(tzinfo=None))
    advance(timedelta(hours=1))
    state = engine.get_workflow_state("later")
    assert state is not None
    assert (state.status, state.scheduled_start) == (Status.PENDING, start)
    advance(timedelta(hours=2))
    assert done(engine, "later").output == "1"
    [started, scheduled, *_] = engine.history("later")
    assert isinstance(started.event, ExecutionStarted)
    assert isinstance(scheduled.event, TaskScheduled)
    assert scheduled.event.occurred_at >= start


def test_a_start_in_the_past_is_a_start_now(engine: Engine) -> None:
    start = datetime.now(UTC) - timedelta(days=1)
    assert done(engine, engine.schedule_new_workflow(chain, input=1, start_at=start)).output == "1"


def test_timers_and_retries_take_virtual_time_only(engine: Engine, advance: Advance) -> None:
    attempts: list[int] = []

    def flaky(ctx: Any, _: Any) -> str:
        attempts.append(ctx.attempt)
        if len(attempts) < 3:
            raise ConnectionError
        return "there"

    def patient(ctx: WorkflowContext, _: Any) -> Steps:
        began = ctx.current_utc_datetime
        yield ctx.create_timer(timedelta(days=7))
        policy = RetryPolicy(first_retry_interval=timedelta(hours=1), max_number_of_attempts=3, backoff_coefficient=2)
        yield ctx.call_activity(flaky, retry_policy=policy)
        return (ctx.current_utc_datetime - began) / timedelta(hours=1)

    engine.register_workflow(patient)
    engine.register_activity(flaky)
    engine.schedule_new_workflow(patient, instance_id="p")
    advance(timedelta(days=8))
    assert done(engine, "p").output == str(7 * 24 + 3.0)
    assert attempts == [1, 2, 3]


def test_skip_goes_to_the_next_timer_that_somebody_waits_for(engine: Engine, advance: Advance) -> None:
    def sleepy(ctx: WorkflowContext, days: int) -> Steps:
        yield ctx.create_timer(timedelta(days=days))

    engine.register_workflow(sleepy)
    advance(timedelta(0))
    for days in (30, 3):
        engine.schedule_new_workflow(sleepy, input=days, instance_id=f"{days} days")
        engine.wait_for_workflow_start(f"{days} days", 20)
    engine.in_engine(engine.virtual_time.skip, 20)
    done(engine, "3 days")
    with pytest.raises(TimeoutError):
        engine.wait_for_workflow_completion("30 days", 0.01)


def test_switching_to_real_time_ends_a_move_that_is_under_way(engine: Engine, advance: Advance) -> None:
    release, running = threading.Event(), threading.Event()

    def blocks(_ctx: Any, _: Any) -> None:
        running.set()
        release.wait(20)

    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity(blocks)

    engine.register_workflow(workflow)
    engine.register_activity(blocks)
    advance(timedelta(0))
    engine.schedule_new_workflow(workflow, instance_id="w")
    assert running.wait(20)
    moved: Future[None] = Future()
    engine._loop.ask(moved, engine.virtual_time.advance, timedelta(days=1))
    engine.in_engine(engine.virtual_time.switch_off, 20)
    moved.result(20)
    release.set()
    done(engine, "w")


async def _asynchronous_generator(_ctx: Any, _: Any) -> Any:
    yield 1


REFUSED: list[tuple[Callable[[Engine], Any], type[WflabError], str]] = [
    (lambda e: e.schedule_new_workflow("unknown"), DefinitionNotFound, r"'unknown' is registered \(registered: chain, fan"),
    (lambda e: e.schedule_new_workflow(lambda: None), InvalidArgument, "lambda"),
    (lambda e: e.register_workflow(lambda ctx, i: None), InvalidArgument, "lambda"),  # noqa: ARG005
    (lambda e: e.register_workflow(5), InvalidArgument, "Cannot infer a name from int"),  # type: ignore[arg-type]
    (lambda e: e.register_workflow(5, name="five"), InvalidArgument, "A workflow is a function, not int"),  # type: ignore[arg-type]
    (lambda e: e.register_workflow(_asynchronous_generator), InvalidArgument, "both awaits and yields"),
    (lambda e: e.register_workflow(chain, name="half \udc00"), InvalidArgument, "lone surrogate"),
    (lambda e: e.schedule_new_workflow(chain, input={"a": [1, {2}]}), PayloadError, r"the input of workflow 'chain' .* \$\.a\[1\]"),
    (lambda e: e.schedule_new_workflow(chain, input=float("inf")), PayloadError, r"inf at \$"),
    (lambda e: e.schedule_new_workflow(chain, input="\udc00"), PayloadError, r"lone surrogate .* at \$"),
    (lambda e: e.schedule_new_workflow(chain, input=10**5000), PayloadError, "a number of"),
    (lambda e: e.schedule_new_workflow(chain, input=1, instance_id=""), InvalidArgument, "1 to 256 characters"),
    (lambda e: e.schedule_new_workflow(chain, input=1, instance_id="a\nb"), InvalidArgument, "printable text"),
    (lambda e: e.schedule_new_workflow(chain, input=1, instance_id=7), InvalidArgument, "not 7"),  # type: ignore[arg-type]
    (lambda e: e.schedule_new_workflow(chain, input=1, instance_id="x" * 257), InvalidArgument, "1 to 256 characters"),
    (lambda e: e.schedule_new_workflow(chain, input=1, tags={"a": 1}), InvalidArgument, "Tags are text"),  # type: ignore[dict-item]
    (lambda e: e.schedule_new_workflow(chain, input=1, tags={"a": "\udc00"}), InvalidArgument, "lone surrogate"),
    (lambda e: e.schedule_new_workflow(chain, input=1, tags="team"), InvalidArgument, "Tags are text"),  # type: ignore[arg-type]
    (lambda e: e.schedule_new_workflow(chain, input=1, app_id=5), InvalidArgument, "app_id must be text"),  # type: ignore[arg-type]
    (lambda e: e.schedule_new_workflow(chain, input=1, start_at="now"), InvalidArgument, "start_at is a datetime"),  # type: ignore[arg-type]
    (lambda e: e.wait_for_workflow_completion("x", "5"), InvalidArgument, "number of seconds"),  # type: ignore[arg-type]
    (lambda e: e.wait_for_workflow_completion("x", timedelta(1)), InvalidArgument, "number of seconds"),  # type: ignore[arg-type]
    (lambda e: e.wait_for_workflow_completion("x", float("nan")), InvalidArgument, "number of seconds"),
    (lambda e: e.raise_workflow_event("x", ""), InvalidArgument, "event's name must be text"),
    (lambda e: e.raise_workflow_event("x", "half \udc00"), InvalidArgument, "lone surrogate"),
    (lambda e: e.raise_workflow_event("x", "go", data={1: 2}), PayloadError, "the key 1 at .* is int"),
    (lambda e: e.raise_workflow_event("x", "go"), InstanceNotFound, "No workflow instance has the id 'x'"),
    (lambda e: e.terminate_workflow("x"), InstanceNotFound, "'x'"),
    (lambda e: e.pause_workflow("x"), InstanceNotFound, "'x'"),
    (lambda e: e.resume_workflow("x"), InstanceNotFound, "'x'"),
    (lambda e: e.purge_workflow("x"), InstanceNotFound, "'x'"),
    (lambda e: e.in_engine(e.virtual_time.skip, 5), InvalidArgument, "clock is real and cannot be moved"),
]


@pytest.mark.parametrize(("call", "error", "told"), REFUSED)
def test_what_cannot_be_done_is_refused_with_one_line(
    engine: Engine, call: Callable[[Engine], Any], error: type[WflabError], told: str
) -> None:
    with pytest.raises(error, match=told) as caught:
        call(engine)
    assert "\n" not in str(caught.value)
    assert caught.value._render_traceback_() == [f"{error.__name__}: {caught.value}"]


def test_the_engine_cannot_be_called_from_workflow_code(engine: Engine) -> None:
    """It would wait for itself for ever."""

    def nosy(_ctx: WorkflowContext, _: Any) -> None:
        engine.get_workflow_state("me")

    engine.register_workflow(nosy)
    state = done(engine, engine.schedule_new_workflow(nosy))
    assert state.failure is not None
    assert "cannot be called from inside a workflow" in state.failure.message


class Text(str):
    """As numpy's text is one: a str, but not quite."""

    __slots__ = ()


def test_subclasses_of_text_are_recorded_as_text(engine: Engine) -> None:
    def flow(ctx: WorkflowContext, _: Any) -> Steps:
        ctx.set_custom_status(Text("busy"))
        yield ctx.call_activity(Text("work"))
        return (yield ctx.wait_for_external_event(Text("go"), title=Text("Go on?")))

    engine.register_workflow(flow, Text("flow"), app_id=Text("app"))
    engine.register_activity(lambda _ctx, _input: Text("done"), Text("work"), app_id=Text("app"))
    started = engine.schedule_new_workflow(Text("flow"), instance_id=Text("w"), tags={Text("team"): Text("billing")}, app_id=Text("app"))
    engine.raise_workflow_event(started, Text("go"), data=Text("now"))
    ended = engine.wait_for_workflow_completion("w", 20)
    assert (ended.output, ended.custom_status, ended.tags) == ('"now"', "busy", {"team": "billing"})


def test_the_engine_cannot_be_closed_by_a_workflows_code(engine: Engine) -> None:
    def flow(_ctx: WorkflowContext, _: Any) -> str:
        engine.close()
        return "closed"

    engine.register_workflow(flow)
    ended = engine.wait_for_workflow_completion(engine.schedule_new_workflow("flow"), 20)
    assert ended.failure is not None
    assert "from inside a workflow" in ended.failure.message
    assert engine.trouble is None
