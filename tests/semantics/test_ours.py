"""Where we decide for ourselves or go further than Dapr: one test or two for each such row that no test of Dapr's rows says already."""

import math
from datetime import timedelta
from typing import Any

import pytest

import wflab as wf
from tests.lab.seed import run_cell
from tests.semantics.runs import WITHIN_SECONDS, Opener, begun, kinds
from tests.waiting import eventually
from wfengine.errors import PayloadError
from wfengine.model.history import EventWait, TimerCreated

DAY = timedelta(days=1)


def test_retry_policy_has_jitter_that_a_replay_agrees_with_types_not_worth_a_retry_and_explains_itself(lab: wf.Lab) -> None:
    lab.clock.virtual()
    policy = wf.RetryPolicy(
        first_retry_interval=timedelta(hours=1), max_number_of_attempts=3, jitter=0.5, non_retryable_error_types=[KeyError, "LookupError"]
    )
    assert policy.explain() == (
        "attempt 1: at once\n"
        "attempt 2: 3600 s later (+3600 s after the first)\n"
        "attempt 3: 3600 s later (+7200 s after the first)\n"
        "each pause is shortened by up to 50%"
    )
    errors = {"often": ConnectionError, "once": KeyError, "for good": wf.NonRetryableError}

    @wf.activity
    def fails(_: wf.WorkflowActivityContext, how: str) -> None:
        raise errors[how](how)

    @wf.workflow
    def calls(ctx: wf.WorkflowContext, how: str) -> Any:
        yield ctx.call_activity(fails, input=how, retry_policy=policy)

    runs = {how: lab.start(calls, how) for how in errors}
    lab.clock.advance(DAY)
    failed = {how: run.history().query("type == 'TaskFailed'") for how, run in runs.items()}
    assert {how: len(attempts) for how, attempts in failed.items()} == {"often": 3, "once": 1, "for good": 1}
    pauses = failed["often"]["occurred_at"].diff().dropna().dt.total_seconds()
    assert pauses.between(1800, 3600).all()
    assert len(set(pauses)) == 2


def test_rerun_of_a_cell_is_a_new_version_and_the_source_of_every_version_that_ran_is_kept(lab: wf.Lab) -> None:
    for answer in (1, 2, 1):
        run_cell(f"import wflab as wf\n@wf.workflow\ndef same(ctx): return {answer}")
        assert lab.start("same").result(WITHIN_SECONDS) == answer
    sources = lab.sql("SELECT source FROM definitions WHERE name = 'same' ORDER BY position").source
    assert [source.splitlines()[-1] for source in sources] == ["def same(ctx): return 1", "def same(ctx): return 2"]


def test_missing_code_is_waited_for_listed_and_the_instance_goes_on_when_a_cell_defines_it(opened: Opener) -> None:
    cell = "import wflab as wf\n@wf.workflow\ndef order(ctx):\n    return (yield ctx.call_activity('charge', input=5))"
    lab = opened()
    run_cell(cell)
    run = begun(lab, "order", instance_id="one")
    assert "activity 'charge' is not registered" in run.why()
    lab = opened()
    assert lab.resumed() == ["1 workflow goes on from where it was. Run the cells that define order."]
    run = lab.get("one")
    wf.activity(name="charge")(lambda _, amount: f"charged {amount}")
    run_cell(cell)
    assert run.result(WITHIN_SECONDS) == "charged 5"


def test_transactional_activity_writes_and_completes_in_one_transaction_or_not_at_all(lab: wf.Lab) -> None:
    lab.sql("CREATE TABLE sold (item VARCHAR)")

    @wf.activity(transactional=True)
    def sell(ctx: wf.WorkflowActivityContext, item: str) -> str:
        ctx.cursor.execute("INSERT INTO sold VALUES (?)", [item])
        if ctx.attempt == 1:
            raise ConnectionError("after the insert")
        return item

    @wf.workflow
    def shop(ctx: wf.WorkflowContext) -> Any:
        policy = wf.RetryPolicy(first_retry_interval=timedelta(0), max_number_of_attempts=2)
        return (yield ctx.call_activity(sell, input="a lamp", retry_policy=policy))

    assert lab.start(shop).result(WITHIN_SECONDS) == "a lamp"
    assert list(lab.sql("FROM sold").item) == ["a lamp"]


def test_inline_step_is_an_activity_without_a_decorator(lab: wf.Lab) -> None:
    @wf.workflow
    def order(ctx: wf.WorkflowContext, amount: int) -> Any:
        rounded = yield ctx.step(round, amount / 3, 1)
        return (yield ctx.step(lambda: rounded + amount, name="add"))

    run = lab.start(order, 10)
    assert run.result(WITHIN_SECONDS) == 13.3
    assert list(run.history().query("type == 'TaskScheduled'")["name"]) == ["round", "add"]


def test_approval_records_schema_and_title_for_whoever_is_asked(lab: wf.Lab) -> None:
    schema = {"type": "object", "properties": {"by": {"type": "string"}}}

    @wf.workflow
    def order(ctx: wf.WorkflowContext) -> Any:
        return (yield ctx.wait_for_external_event("approval", title="Ship it?", schema=schema))

    run = begun(lab, order)
    [wait] = [row.event for row in lab.engine.history(run.id) if isinstance(row.event, TimerCreated)]
    assert isinstance(wait.origin, EventWait)
    assert (wait.origin.title, wait.origin.schema) == ("Ship it?", '{"type": "object", "properties": {"by": {"type": "string"}}}')
    run.approve(data={"by": "Ana"})
    assert run.result(WITHIN_SECONDS) == {"by": "Ana"}


def test_waiting_is_told_in_one_sentence_with_what_since_when_and_who_can_wake_it(lab: wf.Lab) -> None:
    @wf.workflow
    def order(ctx: wf.WorkflowContext) -> Any:
        yield ctx.wait_for_external_event("approval", timeout=7 * DAY)

    lab.clock.virtual()
    run = begun(lab, order)
    lab.clock.advance(DAY)
    assert run.why() == (
        "order waits for the event 'approval' for 1 d, until it times out in 6 d "
        "(run.approve(), run.reject() or run.raise_event('approval', data) answers it)."
    )


def test_virtual_time_lets_a_week_pass_in_no_time_and_histories_carry_it(lab: wf.Lab) -> None:
    @wf.workflow
    def week(ctx: wf.WorkflowContext) -> Any:
        for _ in range(7):
            yield ctx.create_timer(DAY)

    lab.clock.virtual()
    run = lab.start(week)
    lab.clock.skip()
    assert kinds(run).count("TimerFired") == 1, "it goes to the next timer and no further"
    lab.clock.advance(6 * DAY)
    run.result(WITHIN_SECONDS)
    times = run.history()["occurred_at"]
    assert times.iloc[-1] - times.iloc[0] == 7 * DAY


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        ({"price": math.nan}, "$.price"),
        ([1, {"limit": math.inf}], "$[1].limit"),
        ({"name": "half \ud83d"}, "$.name"),
        ({"by": {1: "one"}}, "$.by"),
        ([object()], "$[0]"),
    ],
    ids=["nan", "infinity", "surrogate", "key", "object"],
)
def test_payloads_that_are_not_json_are_refused_by_the_call_with_their_path(lab: wf.Lab, payload: Any, path: str) -> None:
    wf.workflow(name="order")(lambda _, order: order)
    with pytest.raises(PayloadError) as refused:
        lab.start("order", payload)
    assert refused.value.path == path
    assert lab.runs.count() == 0


def test_unit_test_of_a_workflow_needs_no_lab_and_no_time() -> None:
    def order(ctx: wf.WorkflowContext, amount: int) -> Any:
        policy = wf.RetryPolicy(first_retry_interval=DAY, max_number_of_attempts=2)
        paid = yield ctx.call_activity("charge", input=amount, retry_policy=policy)
        return [paid, (yield ctx.wait_for_external_event("receipt", timeout=DAY))]

    outcome = wf.testing.run(order, 5, mocks={"charge": [ConnectionError("down"), "paid"]}, events=[("receipt", 0)])
    assert (outcome.result(), outcome.elapsed) == (["paid", 0], DAY)


def test_acts_of_a_person_are_rows_of_audit(lab: wf.Lab) -> None:
    @wf.workflow
    def order(ctx: wf.WorkflowContext) -> Any:
        return (yield ctx.wait_for_external_event("approval"))

    run = begun(lab, order)
    run.suspend()
    run.resume()
    run.approve()
    run.result(WITHIN_SECONDS)
    eventually(lambda: list(lab.sql("SELECT what FROM audit ORDER BY position").what) == ["suspend", "resume", "approve approval"])
