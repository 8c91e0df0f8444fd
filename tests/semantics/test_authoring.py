"""Rows A1 to A10: workflows and activities, and what they wait for; in the words that a user writes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import pytest

import wflab as wf
from tests.semantics.runs import FALSY, WITHIN_SECONDS, Opener, begun, kinds
from tests.waiting import eventually

DAY = timedelta(days=1)


# The same sentence as a generator and as a coroutine.


def chain(ctx: wf.WorkflowContext, number: int) -> Any:
    return (yield ctx.call_activity("double", input=(yield ctx.call_activity("double", input=number))))


async def chain_async(ctx: wf.WorkflowContext, number: int) -> Any:
    return await ctx.call_activity("double", input=await ctx.call_activity("double", input=number))


@pytest.mark.parametrize("workflow", [chain, chain_async])
def test_a01_a_workflow_is_a_generator_or_a_coroutine_and_what_it_returns_is_its_output(lab: wf.Lab, workflow: Callable[..., Any]) -> None:
    runtime = wf.WorkflowRuntime()
    runtime.workflow(name="chain")(workflow)

    @runtime.activity
    def double(_: wf.WorkflowActivityContext, number: int) -> int:
        return 2 * number

    assert lab.start("chain", 3).result(WITHIN_SECONDS) == 12


def test_a01_a_function_that_yields_nothing_completes_at_once(lab: wf.Lab) -> None:
    @wf.workflow
    def at_once(_: wf.WorkflowContext, name: str) -> str:
        return f"hello {name}"

    run = lab.start(at_once, "Ana")
    assert run.result(WITHIN_SECONDS) == "hello Ana"
    assert kinds(run) == ["ExecutionStarted", "ExecutionCompleted"]


def test_a01_a_lambda_has_no_name_and_is_refused_until_it_gets_one(lab: wf.Lab) -> None:
    runtime = wf.WorkflowRuntime()
    with pytest.raises(ValueError, match="Cannot infer a name"):
        runtime.register_workflow(lambda _: 1)
    runtime.register_workflow(lambda _: 1, name="one")
    assert lab.start("one").result(WITHIN_SECONDS) == 1


def test_a02_activities_are_functions_or_coroutines_and_know_who_calls_them(lab: wf.Lab) -> None:
    @wf.activity
    def plain(ctx: wf.WorkflowActivityContext, number: int) -> Any:
        return [ctx.workflow_id, ctx.task_id, number]

    @wf.activity
    async def modern(ctx: wf.WorkflowActivityContext, number: int) -> Any:
        return [ctx.workflow_id, ctx.task_id, number]

    @wf.workflow
    def both(ctx: wf.WorkflowContext) -> Any:
        return [(yield ctx.call_activity(plain, input=0)), (yield ctx.call_activity("modern", input=1))]

    assert lab.start(both, instance_id="me").result(WITHIN_SECONDS) == [["me", 0, 0], ["me", 1, 1]]


def test_a02_the_idempotency_key_is_the_same_for_all_attempts_of_a_call_and_another_for_the_next_call(lab: wf.Lab) -> None:
    keys: list[str] = []

    @wf.activity
    def second_time_lucky(ctx: wf.WorkflowActivityContext) -> None:
        keys.append(ctx.task_execution_id)
        if ctx.attempt == 1:
            raise ConnectionError("again")

    @wf.workflow
    def patient(ctx: wf.WorkflowContext) -> Any:
        policy = wf.RetryPolicy(first_retry_interval=timedelta(0), max_number_of_attempts=2)
        yield ctx.call_activity(second_time_lucky, retry_policy=policy)
        yield ctx.call_activity(second_time_lucky, retry_policy=policy)

    lab.start(patient).result(WITHIN_SECONDS)
    assert keys[0] == keys[1] != keys[2] == keys[3]


def test_a03_what_the_last_turn_asked_for_and_nobody_waited_for_is_dropped(lab: wf.Lab) -> None:
    ran: list[str] = []
    wf.activity(name="note")(lambda _, what: ran.append(what))

    @wf.workflow
    def leaves(ctx: wf.WorkflowContext) -> Any:
        ctx.call_activity("note", input="of an earlier turn")
        yield ctx.call_activity("note", input="waited for")
        ctx.call_activity("note", input="of the last turn")
        ctx.create_timer(DAY)

    run = lab.start(leaves)
    run.result(WITHIN_SECONDS)
    asked = run.history().query("type in ('TaskScheduled', 'TimerCreated')")
    assert list(asked["payload"]) == ["of an earlier turn", "waited for"]
    eventually(lambda: sorted(ran) == ["of an earlier turn", "waited for"])


async def all_of(ctx: wf.WorkflowContext, names: list[str]) -> Any:
    return await wf.when_all([ctx.call_activity(name) for name in names])


def all_of_as_generator(ctx: wf.WorkflowContext, names: list[str]) -> Any:
    return (yield wf.when_all([ctx.call_activity(name) for name in names]))


@pytest.mark.parametrize("workflow", [all_of, all_of_as_generator])
def test_a04_when_all_waits_for_all_and_then_raises_the_first_failure(lab: wf.Lab, release: Event, workflow: Callable[..., Any]) -> None:
    runtime = wf.WorkflowRuntime()
    runtime.workflow(name="all")(workflow)

    @runtime.activity
    def slow(_: wf.WorkflowActivityContext) -> None:
        release.wait(WITHIN_SECONDS)
        raise OSError("the later failure")

    @runtime.activity
    def quick(_: wf.WorkflowActivityContext) -> None:
        raise KeyError("the first failure")

    run = lab.start("all", ["slow", "quick"])
    eventually(lambda: "TaskFailed" in kinds(run))
    assert str(run.status) == "RUNNING"
    release.set()
    with pytest.raises(wf.WorkflowFailed, match="the first failure"):
        run.result(WITHIN_SECONDS)
    assert kinds(run).count("TaskFailed") == 2


def test_a04_when_all_gives_results_in_the_order_of_its_arguments_and_of_nothing_nothing(lab: wf.Lab) -> None:
    @wf.workflow
    def waits(ctx: wf.WorkflowContext) -> Any:
        first, second = ctx.wait_for_external_event("first"), ctx.wait_for_external_event("second")
        return [(yield wf.when_all([first, second])), (yield wf.when_all([]))]

    run = begun(lab, waits)
    run.raise_event("second", 2)
    run.raise_event("first", 1)
    assert run.result(WITHIN_SECONDS) == [[1, 2], []]


def any_of(ctx: wf.WorkflowContext) -> Any:
    slow, quick = ctx.wait_for_external_event("slow"), ctx.wait_for_external_event("quick")
    winner = yield wf.when_any([slow, quick])
    return [winner is quick, winner.get_result(), (yield slow), (yield wf.when_any([]))]


async def any_of_async(ctx: wf.WorkflowContext) -> Any:
    slow, quick = ctx.wait_for_external_event("slow"), ctx.wait_for_external_event("quick")
    winner = await wf.when_any([slow, quick])
    return [winner is quick, winner.get_result(), await slow, await wf.when_any([])]


@pytest.mark.parametrize("workflow", [any_of, any_of_async])
def test_a05_when_any_gives_the_winning_task_and_losers_go_on(lab: wf.Lab, workflow: Callable[..., Any]) -> None:
    wf.workflow(name="race")(workflow)
    run = begun(lab, "race")
    run.raise_event("quick", 0)
    run.raise_event("slow", "late")
    assert run.result(WITHIN_SECONDS) == [True, 0, "late", []]


def test_a06_attempts_count_the_first_try_and_pauses_grow_to_the_longest_interval(lab: wf.Lab) -> None:
    """1, 2, 4 and then 5 hours, in virtual time."""
    lab.clock.virtual()
    began = lab.clock.now()
    attempts: list[datetime] = []

    @wf.activity
    def hopeless(_: wf.WorkflowActivityContext) -> None:
        attempts.append(lab.clock.now())
        raise ConnectionError("down")

    @wf.workflow
    def patient(ctx: wf.WorkflowContext) -> Any:
        policy = wf.RetryPolicy(
            first_retry_interval=timedelta(hours=1),
            max_number_of_attempts=5,
            backoff_coefficient=2,
            max_retry_interval=timedelta(hours=5),
        )
        yield ctx.call_activity(hopeless, retry_policy=policy)

    run = lab.start(patient)
    lab.clock.advance(DAY)
    with pytest.raises(wf.WorkflowFailed, match="down"):
        run.result(WITHIN_SECONDS)
    assert [round((at - began) / timedelta(hours=1)) for at in attempts] == [0, 1, 3, 7, 12]


def test_a06_retry_timeout_ends_the_retries_by_the_sum_of_the_pauses(lab: wf.Lab) -> None:
    """Strictly: an attempt that would begin just at the timeout is not made."""
    lab.clock.virtual()
    counted = {"before": 0, "at": 0}

    @wf.activity
    def hopeless(_: wf.WorkflowActivityContext, which: str) -> None:
        counted[which] += 1
        raise ConnectionError("down")

    @wf.workflow
    def patient(ctx: wf.WorkflowContext, which: str) -> Any:
        timeout = timedelta(hours=2, seconds=1 if which == "before" else 0)
        policy = wf.RetryPolicy(first_retry_interval=timedelta(hours=1), max_number_of_attempts=9, retry_timeout=timeout)
        yield ctx.call_activity(hopeless, input=which, retry_policy=policy)

    runs = [lab.start(patient, which) for which in counted]
    lab.clock.advance(DAY)
    for run in runs:
        with pytest.raises(wf.WorkflowFailed):
            run.result(WITHIN_SECONDS)
    assert counted == {"before": 3, "at": 2}


def test_a07_a_durable_timer_fires_at_its_time_also_after_a_restart(opened: Opener) -> None:
    def sleeper(ctx: wf.WorkflowContext) -> Any:
        begin = ctx.current_utc_datetime
        yield ctx.create_timer(begin + 2 * DAY)  # naive is UTC
        yield ctx.create_timer(DAY)
        return (ctx.current_utc_datetime - begin) / DAY

    lab = opened()
    wf.workflow(sleeper)
    begun(lab, "sleeper", instance_id="one")
    lab = opened()
    wf.workflow(sleeper)
    lab.clock.virtual().advance(2.5 * DAY)
    assert str(lab.get("one").status) == "RUNNING"
    lab.clock.advance(DAY)
    assert round(lab.get("one").result(WITHIN_SECONDS), 3) == 3


def test_a08_a_start_can_be_planned_for_later(lab: wf.Lab) -> None:
    lab.clock.virtual()

    @wf.workflow
    def later(ctx: wf.WorkflowContext) -> str:
        return ctx.current_utc_datetime.isoformat()

    at = lab.clock.now() + DAY
    run = lab.start(later, start_at=at)
    lab.clock.advance(0.9 * DAY)
    assert str(run.status) == "PENDING"
    lab.clock.advance(0.2 * DAY)
    assert run.result(WITHIN_SECONDS) == at.replace(tzinfo=None).isoformat()


@wf.alternate_name("collecting")
def collecting(ctx: wf.WorkflowContext, count: int) -> Any:
    got = []
    for _ in range(count):
        got.append((yield ctx.wait_for_external_event("Item")))  # noqa: PERF401  # each wait comes after the one before
    return got


@wf.alternate_name("collecting")
async def collecting_async(ctx: wf.WorkflowContext, count: int) -> Any:
    return [await ctx.wait_for_external_event("Item") for _ in range(count)]


@pytest.mark.parametrize("workflow", [collecting, collecting_async])
def test_a09_events_are_matched_without_regard_to_case_and_buffered_in_the_order_of_arrival(
    lab: wf.Lab, workflow: Callable[..., Any]
) -> None:
    wf.workflow(workflow)
    run = lab.start("collecting", len(FALSY))
    for name, value in zip(("ITEM", "item", "Item", "iTEM", "item"), FALSY, strict=True):
        run.raise_event(name, value)
    assert run.result(WITHIN_SECONDS) == FALSY


def test_a09_several_who_wait_for_one_name_are_served_in_their_order_one_event_each(lab: wf.Lab) -> None:
    @wf.workflow
    def crowd(ctx: wf.WorkflowContext) -> Any:
        return (yield wf.when_all([ctx.wait_for_external_event("item") for _ in range(3)]))

    run = begun(lab, crowd)
    for value in ("a", "b", "c"):
        run.raise_event("item", value)
    assert run.result(WITHIN_SECONDS) == ["a", "b", "c"]


def impatient(ctx: wf.WorkflowContext) -> Any:
    try:
        yield ctx.wait_for_external_event("answer", timeout=DAY)
    except TimeoutError:
        yield ctx.create_timer(DAY)
        return ["late", (yield ctx.wait_for_external_event("answer"))]


async def impatient_async(ctx: wf.WorkflowContext) -> Any:
    try:
        await ctx.wait_for_external_event("answer", timeout=DAY)
    except TimeoutError:
        await ctx.create_timer(DAY)
        return ["late", await ctx.wait_for_external_event("answer")]


@pytest.mark.parametrize("workflow", [impatient, impatient_async])
def test_a09_a_late_event_after_a_timeout_is_buffered_for_the_next_who_asks(lab: wf.Lab, workflow: Callable[..., Any]) -> None:
    lab.clock.virtual()
    wf.workflow(name="impatient")(workflow)
    run = begun(lab, "impatient")
    lab.clock.advance(1.5 * DAY)
    run.raise_event("answer", data=False)
    lab.clock.advance(DAY)
    assert run.result(WITHIN_SECONDS) == ["late", False]


def test_a09_a_timeout_of_zero_fails_at_once_and_a_negative_one_waits_for_ever(lab: wf.Lab) -> None:
    @wf.workflow
    def waits(ctx: wf.WorkflowContext) -> Any:
        try:
            yield ctx.wait_for_external_event("answer", timeout=timedelta(0))
        except TimeoutError:
            return (yield ctx.wait_for_external_event("answer", timeout=timedelta(-1)))

    lab.clock.virtual()
    run = begun(lab, waits)
    lab.clock.advance(1000 * DAY)
    assert "waits for the event 'answer'" in run.why()
    run.raise_event("answer", "at last")
    assert run.result(WITHIN_SECONDS) == "at last"


def test_a10_two_equal_genuine_events_are_both_delivered_and_one_redelivered_event_once(opened: Opener) -> None:
    """What was raised before a restart is taken up after it, from the same record and no second time."""
    lab = opened()
    wf.workflow(collecting)
    run = lab.start("collecting", 3, instance_id="one")
    run.suspend()
    run.raise_event("item", "equal")
    run.raise_event("item", "equal")
    lab = opened()
    wf.workflow(collecting)
    run = lab.get("one")
    run.resume()
    eventually(lambda: "waits for the event 'Item'" in run.why())
    run.raise_event("item", "third")
    assert run.result(WITHIN_SECONDS) == ["equal", "equal", "third"]


def test_a10_an_event_for_an_ended_instance_is_discarded_in_silence(lab: wf.Lab) -> None:
    wf.workflow(collecting)
    run = lab.start("collecting", 0)
    run.result(WITHIN_SECONDS)
    before = kinds(run)
    run.raise_event("item", 1)
    wf.DaprWorkflowClient().raise_workflow_event("never-was", "item")
    assert kinds(run) == before
