"""call_activity: what it asks for, what comes back, and when it is tried again."""

from datetime import timedelta
from typing import Any

import pytest

from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_all
from wfengine.errors import InvalidArgument, NonRetryableError, PayloadError, TaskFailedError
from wfengine.model.actions import CreateTimer, ScheduleTask
from wfengine.model.history import ActivityRetry
from wfengine.model.retry import RetryPolicy
from wfengine.testing.rehearsal import BEGINNING, Rehearsal, Steps

SECOND = timedelta(seconds=1)


def retried(policy: RetryPolicy) -> Rehearsal:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        return (yield ctx.call_activity("charge", input={"n": 1}, retry_policy=policy))

    return Rehearsal(workflow)


def pauses(policy: RetryPolicy) -> list[float]:
    """The pauses between attempts that all fail, in seconds."""
    story = retried(policy)
    actions = story.start()
    found = []
    while isinstance(actions[0], ScheduleTask):
        actions = story.turn(story.failed(actions[0].id))
        if isinstance(actions[0], CreateTimer):
            assert actions[0].fire_at is not None
            found.append((actions[0].fire_at - story.now).total_seconds())
            actions = story.turn(story.fired(actions[0].id))
    return found


def test_an_activity_is_asked_for_by_name_and_its_result_is_what_it_returned() -> None:
    def workflow(ctx: WorkflowContext, order: Any) -> Steps:
        return (yield ctx.call_activity("charge", input=order, app_id="shop"))

    story = Rehearsal(workflow, {"amount": 5})
    [action] = story.start()
    assert isinstance(action, ScheduleTask)
    assert (action.id, action.name, action.input, action.attempt, action.app_id) == (0, "charge", '{"amount": 5}', 1, "shop")
    story.turn(story.completed(0, [1, 2]))
    assert story.output == [1, 2]


def test_a_chain_passes_each_result_on() -> None:
    def workflow(ctx: WorkflowContext, value: Any) -> Steps:
        for _ in range(3):
            value = yield ctx.call_activity("double", input=value)
        return value

    story = Rehearsal(workflow, 1)
    [action] = story.start()
    for number, result in enumerate((2, 4, 8)):
        assert isinstance(action, ScheduleTask)
        assert action.id == number
        [action] = story.turn(story.completed(number, result))
    assert story.output == 8


def test_the_name_is_the_functions_or_the_one_it_was_registered_under() -> None:
    def plain() -> None: ...
    def other() -> None: ...

    other.__dict__["_dapr_alternate_name"] = "renamed"

    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        yield when_all([ctx.call_activity(plain), ctx.call_activity(other)])

    assert [action.name for action in Rehearsal(workflow).start() if isinstance(action, ScheduleTask)] == ["plain", "renamed"]


def test_a_failure_is_raised_where_the_task_is_awaited_with_what_was_recorded() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        try:
            yield ctx.call_activity("charge")
        except TaskFailedError as failed:
            return [failed.details.error_type, failed.details.message]

    story = Rehearsal(workflow)
    story.start()
    story.turn(story.failed(0, "no money", "CardError"))
    assert story.output == ["CardError", "no money"]


def test_an_uncaught_failure_fails_the_workflow() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity("charge")

    story = Rehearsal(workflow)
    story.start()
    story.turn(story.failed(0, "no money"))
    assert story.failure.error_type == "TaskFailedError"
    assert "no money" in story.failure.message


def test_actions_that_are_not_yielded_are_dropped_when_the_workflow_ends() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity("first")
        ctx.call_activity("forgotten")
        return "done"

    story = Rehearsal(workflow)
    story.start()
    assert len(story.turn(story.completed(0))) == 1
    assert story.output == "done"


def test_each_call_has_an_idempotency_key_of_its_own_that_its_attempts_share() -> None:
    policy = RetryPolicy(first_retry_interval=SECOND, max_number_of_attempts=2)

    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        yield when_all([ctx.call_activity("a", retry_policy=policy), ctx.call_activity("a")])

    story = Rehearsal(workflow)
    first, second = story.start()
    assert isinstance(first, ScheduleTask)
    assert isinstance(second, ScheduleTask)
    assert first.task_execution_id != second.task_execution_id
    [pause] = story.turn(story.failed(0))
    assert isinstance(pause, CreateTimer)
    assert pause.origin == ActivityRetry(name="a", task_execution_id=first.task_execution_id, attempt=1)
    [again] = story.turn(story.fired(pause.id))
    assert isinstance(again, ScheduleTask)
    assert (again.task_execution_id, again.attempt, again.input) == (first.task_execution_id, 2, first.input)


def test_a_retry_waits_on_a_durable_timer_and_the_last_failure_is_raised() -> None:
    story = retried(RetryPolicy(first_retry_interval=SECOND, max_number_of_attempts=2))
    story.start()
    [pause] = story.turn(story.failed(0))
    assert isinstance(pause, CreateTimer)
    assert pause.fire_at == BEGINNING + 2 * SECOND
    [again] = story.turn(story.fired(1))
    story.turn(story.failed(again.id, "still broken") if isinstance(again, ScheduleTask) else story.completed(0))
    assert "still broken" in story.failure.message


def test_a_retry_that_succeeds_ends_the_retries() -> None:
    story = retried(RetryPolicy(first_retry_interval=SECOND, max_number_of_attempts=5))
    story.start()
    story.turn(story.failed(0))
    story.turn(story.fired(1))
    story.turn(story.completed(2, "paid"))
    assert story.output == "paid"


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (RetryPolicy(first_retry_interval=SECOND, max_number_of_attempts=1), []),
        (RetryPolicy(first_retry_interval=SECOND, max_number_of_attempts=3), [1, 1]),
        (RetryPolicy(first_retry_interval=SECOND, max_number_of_attempts=4, backoff_coefficient=2), [1, 2, 4]),
        (
            RetryPolicy(first_retry_interval=SECOND, max_number_of_attempts=5, backoff_coefficient=2, max_retry_interval=3 * SECOND),
            [1, 2, 3, 3],
        ),
        # the next attempt must start strictly before the timeout, reckoned by the sum of the pauses
        (RetryPolicy(first_retry_interval=SECOND, max_number_of_attempts=9, retry_timeout=3 * SECOND), [1, 1]),
        (RetryPolicy(first_retry_interval=SECOND, max_number_of_attempts=9, retry_timeout=timedelta(seconds=3.001)), [1, 1, 1]),
        (RetryPolicy(first_retry_interval=timedelta(0), max_number_of_attempts=3), [0, 0]),
    ],
)
def test_the_pauses_follow_the_policy(policy: RetryPolicy, expected: list[float]) -> None:
    assert pauses(policy) == expected


def test_jitter_shortens_each_pause_and_is_the_same_at_every_replay() -> None:
    policy = RetryPolicy(first_retry_interval=100 * SECOND, max_number_of_attempts=6, jitter=0.5)
    drawn = pauses(policy)  # the rehearsal has compared it with a replay at every turn
    assert all(50 < pause <= 100 for pause in drawn)
    assert len(set(drawn)) == 5
    assert drawn == pauses(policy)


@pytest.mark.parametrize(
    ("error_type", "non_retryable"), [("CardError", False), ("LookupError", False), (NonRetryableError.__name__, False), ("Other", True)]
)
def test_some_failures_are_not_worth_another_attempt(error_type: str, *, non_retryable: bool) -> None:
    story = retried(
        RetryPolicy(first_retry_interval=SECOND, max_number_of_attempts=9, non_retryable_error_types=["CardError", LookupError])
    )
    story.start()
    story.turn(story.failed(0, "never", error_type, non_retryable=non_retryable))
    assert "never" in story.failure.message


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda ctx: ctx.call_activity(lambda: None), "lambda"),
        (lambda ctx: ctx.call_activity(5), "Cannot infer a name from int"),
        (lambda ctx: ctx.call_activity("a", input=float("nan")), r"activity 'a' is not JSON: nan at \$"),
        (lambda ctx: ctx.call_activity("a", retry_policy=3), "retry_policy must be a RetryPolicy"),
        (lambda ctx: ctx.call_activity("half a \udc00"), "lone surrogate"),
        (lambda ctx: ctx.call_activity("a", app_id=7), "app_id must be text, not 7"),
        (lambda ctx: ctx.call_child_workflow("a", instance_id=7), "An instance id must be text, not 7"),
        (lambda ctx: ctx.wait_for_external_event("a", title=7), "title of a wait must be text, not 7"),
        (lambda ctx: ctx.wait_for_external_event(""), "event's name must be text"),
        (lambda ctx: ctx.wait_for_external_event("a", timeout=0), "timeout must be a datetime or a timedelta"),
        (lambda ctx: ctx.create_timer(5), "A timer takes a timedelta"),
        (lambda ctx: ctx.create_timer(timedelta.max), "after the year 9999"),
        (lambda ctx: ctx.set_custom_status("\udc00"), "lone surrogate"),
        (lambda ctx: ctx.continue_as_new({1}), "not JSON: set"),
    ],
)
def test_what_cannot_be_recorded_is_refused_in_the_workflow_with_one_line(call: Any, told: str) -> None:
    """It must not reach the record: what cannot be written there would stop the engine, what cannot be read would lock the file."""
    caught: list[Exception] = []

    def workflow(ctx: WorkflowContext, _: Any) -> None:
        try:
            call(ctx)
        except (InvalidArgument, PayloadError) as error:
            caught.append(error)

    Rehearsal(workflow).start()
    with pytest.raises(type(caught[0]), match=told):
        raise caught[0]
    assert "\n" not in str(caught[0])
