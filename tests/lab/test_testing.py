"""wf.testing.run: a workflow's unit test, with nothing around it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import wflab as wf
from tests.lab.played import DAY, POLICY, calculate, double, triple
from wfengine.errors import InvalidArgument, WaitTimedOut
from wfengine.model.instance import Status
from wflab.testing import Call, Event, IfCalled, NeverEnds, Takes, run


def approval(ctx: wf.WorkflowContext, order: dict[str, Any]) -> Any:
    event = ctx.wait_for_external_event("Approval")
    timeout = ctx.create_timer(timedelta(days=7))
    if (yield wf.when_any([event, timeout])) is timeout:
        return (yield ctx.call_activity("escalate", input=order))
    return (yield ctx.call_activity("process", input=event.get_result()))


def told(calls: list[Call]) -> list[tuple[Any, ...]]:
    return [(call.name, call.input, call.attempt, call.outcome) for call in calls]


# What is called.


def test_functions_run_for_real_and_the_outcome_tells_each_call() -> None:
    outcome = run(calculate, 7)
    assert outcome.result() == 42
    assert (outcome.status, outcome.output, outcome.failure, outcome.elapsed) == (Status.COMPLETED, 42, None, timedelta(0))
    assert told(outcome.calls) == [("double", 7, 1, 14), ("triple", 14, 1, 42)]
    assert [type(event).__name__ for event in outcome.history] == [
        "ExecutionStarted",
        *("TaskScheduled", "TaskCompleted"),
        *("TaskScheduled", "TaskCompleted"),
        "ExecutionCompleted",
    ]


@pytest.mark.parametrize(
    ("mock", "result"),
    [
        (5, 15),
        (0, 0),
        (lambda: 4, 12),
        (lambda number: number + 1, 24),
        (lambda ctx, number: number + ctx.attempt + ctx.task_id, 24),
        ([6], 18),
        (Takes(DAY, 2), 6),
        (Takes(DAY, lambda number: number), 21),
    ],
)
@pytest.mark.parametrize("key", [double, "double"])
def test_a_mock_is_a_value_or_a_function_and_stands_for_the_activity(key: Any, mock: Any, result: int) -> None:
    assert run(calculate, 7, mocks={key: mock}).result() == result


@pytest.mark.parametrize("error", [ValueError, ValueError("no"), [ValueError("no")], Takes(DAY, ValueError("no"))])
def test_a_mock_that_is_an_exception_is_raised(error: Any) -> None:
    outcome = run(calculate, 7, mocks={double: error})
    assert outcome.status is Status.FAILED
    assert outcome.failure is not None
    assert outcome.failure.error_type == "TaskFailedError"
    assert outcome.calls[0].outcome.error_type == "ValueError"
    with pytest.raises(wf.WorkflowFailed, match=r"'calculate' \(test\) is FAILED: TaskFailedError"):
        outcome.result()


def test_a_list_answers_attempt_by_attempt_and_the_pauses_between_take_no_time() -> None:
    def patient(ctx: wf.WorkflowContext, _: Any) -> Any:
        return (yield ctx.call_activity(double, input=1, retry_policy=POLICY))

    outcome = run(patient, mocks={double: [OSError("busy"), OSError("busy"), 5]})
    assert outcome.result() == 5
    assert [(call.attempt, call.failure and call.failure.error_type) for call in outcome.calls] == [
        (1, "OSError"),
        (2, "OSError"),
        (3, None),
    ]
    assert outcome.elapsed == timedelta(hours=3)


def test_a_mock_that_is_not_worth_a_retry_ends_the_retries() -> None:
    def patient(ctx: wf.WorkflowContext, _: Any) -> Any:
        return (yield ctx.call_activity(double, input=1, retry_policy=POLICY))

    outcome = run(patient, mocks={double: wf.NonRetryableError("never")})
    assert (outcome.status, len(outcome.calls)) == (Status.FAILED, 1)


def test_a_list_with_too_few_answers_says_so() -> None:
    with pytest.raises(InvalidArgument, match=r"The mock of activity 'double' has 0 answers, and attempt number 1 was made"):
        run(calculate, 7, mocks={double: []})


def test_an_activity_known_by_its_name_only_must_be_answered() -> None:
    with pytest.raises(InvalidArgument, match=r"calls activity 'escalate' by its name only\..*mocks=\{'escalate': \.\.\.\}"):
        run(approval, {})
    assert run(approval, {"n": 1}, mocks={"escalate": lambda order: order["n"]}).result() == 1


def test_payloads_are_what_they_are_after_json() -> None:
    def echo(ctx: wf.WorkflowContext, given: Any) -> Any:
        return (yield ctx.call_activity("echo", input=given))

    assert run(echo, (1, 2), mocks={"echo": lambda value: (value, None)}).result() == [[1, 2], None]
    failed = run(echo, 1, mocks={"echo": {1, 2}})
    assert failed.calls[0].outcome.error_type == "PayloadError"
    with pytest.raises(wf.WflabError, match="the workflow's input is not JSON"):
        run(echo, {1, 2})


def test_an_inline_step_runs_or_is_mocked() -> None:
    def stepping(ctx: wf.WorkflowContext, number: int) -> Any:
        return (yield ctx.step(lambda a, b: a + b, number, 1, name="plus"))

    outcome = run(stepping, 2)
    assert outcome.result() == 3
    assert (outcome.calls[0].kind, outcome.calls[0].input) == ("step", [2, 1])
    assert run(stepping, 2, mocks={"plus": 9}).result() == 9


def test_coroutine_activities_run_where_a_loop_runs_already() -> None:
    """As in a notebook's cell."""

    async def cell() -> Any:
        return run(calculate, 7).result()

    assert asyncio.run(cell()) == 42


def test_an_async_workflow_is_played_as_well() -> None:
    async def modern(ctx: wf.WorkflowContext, number: int) -> Any:
        return await ctx.call_activity(triple, input=await ctx.call_activity(double, input=number))

    assert run(modern, 7).result() == 42


# Time and events.


def test_time_jumps_to_the_next_timer_when_nothing_else_can_happen() -> None:
    outcome = run(approval, {}, mocks={"escalate": "escalated"})
    assert (outcome.result(), outcome.elapsed) == ("escalated", timedelta(days=7))


def test_an_event_is_raised_when_it_is_waited_for() -> None:
    outcome = run(approval, {}, mocks={"process": lambda data: data["by"]}, events=[Event("approval", {"by": "ana"})])
    assert (outcome.result(), outcome.elapsed) == ("ana", timedelta(0))


@pytest.mark.parametrize(("after", "result"), [(DAY, "processed"), (timedelta(days=7, seconds=1), "escalated")])
def test_an_event_may_come_after_a_while(after: timedelta, result: str) -> None:
    answers = {"process": IfCalled("processed"), "escalate": IfCalled("escalated")}
    for event in (Event("approval", after=after), ("approval", None, after)):
        assert run(approval, {}, mocks=answers, events=[event]).result() == result


@pytest.mark.parametrize("event", [("x", 1, 5), 7, ("x", 1, DAY, "too much"), ()])
def test_an_event_that_is_none_is_refused(event: Any) -> None:
    with pytest.raises(InvalidArgument, match="An event is Event"):
        run(approval, {}, events=[event])


def test_events_that_nobody_waited_for_are_told() -> None:
    """Else a misspelt name would only be seen by its consequences."""
    misspelt, too_late = Event("aproval"), Event("approval", after=timedelta(days=8))
    outcome = run(approval, {}, mocks={"escalate": None}, events=[misspelt, too_late])
    assert outcome.unraised == [misspelt, too_late]
    assert run(approval, {}, mocks={"process": None}, events=["approval"]).unraised == []


def test_events_of_one_name_come_in_order_and_falsy_data_is_data() -> None:
    def collects(ctx: wf.WorkflowContext, _: Any) -> Any:
        tasks = [ctx.wait_for_external_event("x"), ctx.wait_for_external_event("x")]
        return [*(yield wf.when_all(tasks)), (yield ctx.wait_for_external_event("x")), (yield ctx.wait_for_external_event("x"))]

    assert run(collects, events=[("x", 0), ("X", ""), "x", ("x", [])]).result() == [0, "", None, []]


def test_a_wait_with_a_timeout_times_out() -> None:
    def waits(ctx: wf.WorkflowContext, _: Any) -> Any:
        try:
            return (yield ctx.wait_for_external_event("x", timeout=DAY))
        except TimeoutError:
            return ctx.current_utc_datetime.isoformat()

    start = datetime(2027, 3, 1, 12, tzinfo=UTC)
    assert run(waits, clock=start).result() == "2027-03-02T12:00:00"
    assert run(waits, clock=start.replace(tzinfo=None)).result() == "2027-03-02T12:00:00"
    assert run(waits, events=["x"]).result() is None


def test_an_answer_that_takes_time_may_lose_a_race() -> None:
    def race(ctx: wf.WorkflowContext, _: Any) -> Any:
        work, limit = ctx.call_activity("work"), ctx.create_timer(timedelta(hours=2))
        return "late" if (yield wf.when_any([work, limit])) is limit else work.get_result()

    assert run(race, mocks={"work": Takes(timedelta(hours=1), "done")}).result() == "done"
    outcome = run(race, mocks={"work": Takes(timedelta(hours=3), "done")})
    assert (outcome.result(), outcome.elapsed, outcome.calls[0].is_over) == ("late", timedelta(hours=2), False)


def test_an_attempt_that_takes_longer_than_its_timeout_fails_then() -> None:
    def limited(ctx: wf.WorkflowContext, _: Any) -> Any:
        return (yield ctx.call_activity("work", timeout=timedelta(minutes=5), retry_policy=POLICY))

    outcome = run(limited, mocks={"work": [Takes(timedelta(hours=3), 1), Takes(timedelta(minutes=4), 2)]})
    assert (outcome.result(), outcome.elapsed) == (2, timedelta(hours=1, minutes=9))
    assert outcome.calls[0].outcome.error_type == "ActivityTimeoutError"


def test_a_workflow_that_waits_for_ever_says_for_what() -> None:
    def child(ctx: wf.WorkflowContext, _: Any) -> Any:
        yield ctx.wait_for_external_event("Signature")

    def waits(ctx: wf.WorkflowContext, _: Any) -> Any:
        yield wf.when_all([ctx.wait_for_external_event("Go"), ctx.call_child_workflow(child, instance_id="kid")])

    with pytest.raises(NeverEnds) as caught:
        run(waits)
    assert str(caught.value) == (
        "Workflow 'waits' waits for ever for the external event 'Go' and for its child 'child' (kid). "
        "Raise it: run(..., events=[Event('Go', data)]). "
        "Workflow 'child' waits for ever for the external event 'Signature'. Raise it: run(..., events=[Event('Signature', data)])."
    )


def test_with_a_timeout_a_workflow_is_left_as_it_stands() -> None:
    def for_ever(ctx: wf.WorkflowContext, _: Any) -> Any:
        rounds = 0
        while True:
            yield ctx.create_timer(DAY)
            rounds += 1
            ctx.set_custom_status(str(rounds))

    outcome = run(for_ever, timeout=timedelta(days=3, hours=1))
    assert (outcome.status, outcome.custom_status, outcome.elapsed) == (Status.RUNNING, "3", timedelta(days=3, hours=1))
    with pytest.raises(WaitTimedOut, match="'for_ever' is RUNNING after 3 days, 1:00:00 of virtual time"):
        outcome.result()
