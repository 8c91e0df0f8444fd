"""How workflow code is driven: generators and coroutines alike, what it may raise, how it is closed."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from wfengine.core.context import WorkflowContext
from wfengine.core.replay import Execution
from wfengine.core.tasks import when_all, when_any
from wfengine.errors import TaskFailedError
from wfengine.model.actions import CompleteWorkflow, ScheduleTask
from wfengine.model.history import ExecutionStarted
from wfengine.model.instance import Status
from wfengine.model.retry import RetryPolicy
from wfengine.testing.rehearsal import BEGINNING, Rehearsal, Steps


def test_an_async_workflow_awaits_what_a_generator_yields() -> None:
    async def workflow(ctx: WorkflowContext, order: int) -> Any:
        paid = await ctx.call_activity("pay", input=order)
        both = await when_all([ctx.call_activity("a"), ctx.call_activity("b")])
        winner = await when_any([ctx.create_timer(timedelta(1)), ctx.wait_for_external_event("x", timeout=timedelta(2))])
        try:
            await ctx.call_activity("c")
        except TaskFailedError as failed:
            return [paid, both, winner.get_result(), failed.details.message]

    story = Rehearsal(workflow, 1)
    story.start()
    story.turn(story.completed(0, "paid"))
    story.turn(story.completed(1, 1), story.completed(2, 2))
    story.turn(story.raised("x", "event"))
    story.turn(story.failed(5, "no"))
    assert story.output == ["paid", [1, 2], "event", "no"]


@pytest.mark.parametrize("value", [None, 0, "text", {"a": [1]}])
def test_a_plain_function_completes_at_once_with_what_it_returns(value: Any) -> None:
    story = Rehearsal(lambda _ctx, _input: value)
    story.start()
    assert story.output == value


def test_yielding_what_is_no_task_raises_a_type_error_in_the_code() -> None:
    def workflow(_ctx: WorkflowContext, what: Any) -> Steps:
        try:
            yield what
        except TypeError as error:
            return str(error)

    for what, told in (
        (5, "given int."),
        ([1], "given list. For several tasks write `yield wf.when_all([...])`."),
        (None, "given NoneType."),
    ):
        story = Rehearsal(workflow, what)
        story.start()
        assert story.output.endswith(told)


def failure_of_workflow(code: Any) -> str:
    story = Rehearsal(code)
    story.start()
    return story.failure.message


def test_a_forgotten_from_is_told() -> None:
    def part(ctx: WorkflowContext) -> Steps:
        yield ctx.call_activity("a")

    def yields_it(ctx: WorkflowContext, _: Any) -> Any:
        yield part(ctx)

    def returns_it(ctx: WorkflowContext, _: Any) -> Any:
        yield ctx.call_activity("a", input=part(ctx))

    assert failure_of_workflow(yields_it).endswith("write `yield from`, not `yield`.")
    assert "`yield from` is missing before the call" in failure_of_workflow(returns_it)


def test_a_from_too_many_is_told() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Any:
        yield from ctx.call_activity("a")

    assert "write `yield task`" in failure_of_workflow(workflow)


@pytest.mark.parametrize(
    "code",
    [
        lambda ctx, _: ctx.call_activity("a", input=ctx.call_activity("b")),
        lambda ctx, _: ctx.call_child_workflow("a", input={"first": ctx.call_activity("b")}),
        lambda ctx, _: ctx.step(abs, ctx.call_activity("b")),
        lambda ctx, _: ctx.call_activity("b"),
        lambda ctx, _: when_all([ctx.call_activity("b")]),
    ],
)
def test_a_task_that_is_handed_over_or_returned_says_that_a_yield_is_missing(code: Any) -> None:
    told = failure_of_workflow(code)
    assert "Task at $" in told
    assert "a `yield` (in `async def` code an `await`) is missing before the call" in told


def test_a_context_that_is_taken_for_the_input_is_told_apart() -> None:
    assert "The first parameter of a workflow or an activity is ctx" in failure_of_workflow(lambda what, _: what)


def test_waiting_by_asyncio_says_to_use_a_timer() -> None:
    async def sleeps(_ctx: WorkflowContext, seconds: int) -> None:
        await asyncio.sleep(seconds)

    async def in_a_loop(seconds: int) -> str:  # as in a notebook's cell
        story = Rehearsal(sleeps, seconds)
        story.start()
        return story.failure.message

    alone = Rehearsal(sleeps, 1)
    alone.start()
    for told in (alone.failure.message, asyncio.run(in_a_loop(1)), asyncio.run(in_a_loop(0))):
        assert "nstead of asyncio.sleep await ctx.create_timer(timedelta(...))" in told


def test_a_coroutine_that_a_generator_yields_is_refused_without_a_warning() -> None:
    def workflow(_ctx: WorkflowContext, _: Any) -> Any:
        yield asyncio.sleep(1)

    assert "A coroutine is awaited by an `async def` workflow" in failure_of_workflow(workflow)


def test_what_is_to_be_awaited_and_is_not_fails_the_workflow_whatever_its_end() -> None:
    def ends(how: str) -> Callable[[WorkflowContext, Any], Any]:
        def workflow(ctx: WorkflowContext, _: Any) -> None:
            ctx.expect_awaiting(lambda: True, "kept")
            ctx.expect_awaiting(lambda: False, "forgotten")
            if how == "raises":
                raise ValueError(how)
            if how == "continues":
                ctx.continue_as_new(1)

        return workflow

    assert [failure_of_workflow(ends(how)) for how in ("returns", "raises", "continues")] == ["forgotten"] * 3


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration, RecursionError])
@pytest.mark.parametrize("when", ["at once", "later", "plain", "async"])
def test_whatever_the_code_raises_fails_the_workflow_and_nothing_else(error: type[BaseException], when: str) -> None:
    def generator(ctx: WorkflowContext, _: Any) -> Steps:
        if when == "later":
            yield ctx.call_activity("a")
        raise error

    def plain(_ctx: WorkflowContext, _: Any) -> None:
        raise error

    async def coroutine(_ctx: WorkflowContext, _: Any) -> None:
        raise error

    shapes: dict[str, Callable[[WorkflowContext, Any], Any]] = {"plain": plain, "async": coroutine}
    story = Rehearsal(shapes.get(when, generator))
    story.start()
    if when == "later":
        story.turn(story.completed(0))
    became = RuntimeError if error is StopIteration and when != "plain" else error
    assert story.failure.error_type == became.__name__


def test_an_error_whose_text_cannot_be_made_is_a_failure_like_any_other() -> None:
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError

        __repr__ = __str__

    def workflow(_ctx: WorkflowContext, _: Any) -> None:
        raise Broken

    story = Rehearsal(workflow)
    story.start()
    assert story.failure.error_type == "Broken"


def test_an_output_that_is_not_json_fails_the_workflow_and_says_where() -> None:
    story = Rehearsal(lambda _ctx, _input: {"a": [1, {2}]})
    story.start()
    assert story.failure.error_type == "PayloadError"
    assert "$.a[1]" in story.failure.message


def test_a_model_whose_dump_breaks_fails_the_workflow() -> None:
    class Model:
        def model_dump(self, **_: Any) -> None:
            raise SystemExit

        @classmethod
        def model_validate(cls, _: Any) -> None: ...

    story = Rehearsal(lambda _ctx, _input: Model())
    story.start()
    assert story.failure.error_type == "SystemExit"


POLICY = RetryPolicy(first_retry_interval=timedelta(1), max_number_of_attempts=2)


@pytest.mark.parametrize(
    "finally_",
    [
        lambda _ctx: None,
        lambda ctx: ctx.call_activity("a"),
        lambda ctx: [ctx.call_activity("a", retry_policy=POLICY) for _ in range(3)],
        lambda ctx: ctx.wait_for_external_event("x", timeout=timedelta(1)),
        lambda ctx: ctx.continue_as_new(1),
        lambda ctx: ctx.set_custom_status("closing"),
        lambda _ctx: 1 / 0,
    ],
)
def test_code_that_is_closed_runs_its_finally_blocks_and_nothing_comes_of_what_they_ask(finally_: Any) -> None:
    told: list[str] = []

    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        try:
            yield ctx.wait_for_external_event("never")
        finally:
            told.append("cleaned")
            finally_(ctx)

    execution = Execution(workflow)
    execution.advance([ExecutionStarted(occurred_at=BEGINNING, name="w", instance_id="i")])
    execution.close()
    assert told == ["cleaned"]
    assert execution._agenda.take_actions() == [], "all was asked for before"


def test_code_that_refuses_to_end_is_let_go() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        with suppress(GeneratorExit):
            yield ctx.wait_for_external_event("never")
        yield ctx.wait_for_external_event("never")

    async def stubborn(ctx: WorkflowContext, _: Any) -> None:
        try:
            await ctx.wait_for_external_event("never")
        finally:
            await ctx.call_activity("clean up")

    for code in (workflow, stubborn):
        story = Rehearsal(code)
        story.start()
        story.close()


def test_try_finally_around_a_failure_can_compensate() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        try:
            yield ctx.call_activity("book")
        except TaskFailedError:
            yield ctx.call_activity("cancel")
            return "undone"
        finally:
            yield ctx.call_activity("log")

    story = Rehearsal(workflow)
    story.start()
    story.turn(story.failed(0))
    [log] = story.turn(story.completed(1))
    assert isinstance(log, ScheduleTask)
    assert log.name == "log"
    story.turn(story.completed(2))
    assert story.output == "undone"


def test_custom_status_is_the_latest_text_and_other_values_become_json() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        ctx.set_custom_status("a")
        ctx.set_custom_status("b")
        yield ctx.call_activity("x")
        ctx.set_custom_status({"at": 1})

    story = Rehearsal(workflow)
    story.start()
    assert story.custom_status == "b"
    assert story.turn(story.completed(0)) == [CompleteWorkflow(status=Status.COMPLETED)]
    assert story.custom_status == '{"at": 1}'


def test_workflow_code_helpers_are_delegated_to_with_yield_from() -> None:
    def twice(ctx: WorkflowContext, name: str) -> Steps:
        first = yield ctx.call_activity(name)
        return [first, (yield ctx.call_activity(name))]

    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        return (yield from twice(ctx, "a"))

    story = Rehearsal(workflow)
    story.start()
    story.turn(story.completed(0, 1))
    story.turn(story.completed(1, 2))
    assert story.output == [1, 2]


def test_a_workflow_whose_arguments_do_not_fit_fails_and_says_so() -> None:
    def workflow(_ctx: WorkflowContext) -> None: ...

    story = Rehearsal(workflow)  # type: ignore[arg-type]  # that is the point
    story.start()
    assert story.failure.error_type == "TypeError"
