"""Rows A11 to A22: other workflows and apps, and what outlives a generation, a restart or an edit; in the words that a user writes."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

import wflab as wf
from tests.semantics.runs import FALSY, WITHIN_SECONDS, Opener, begun, kinds
from tests.waiting import eventually
from wfengine.errors import InvalidArgument


def waiting(ctx: wf.WorkflowContext) -> Any:
    return (yield ctx.wait_for_external_event("go"))


def test_a11_a_child_has_a_history_of_its_own_and_its_failure_is_the_callers_to_handle(lab: wf.Lab) -> None:
    @wf.workflow
    def child(_: wf.WorkflowContext, amount: int) -> int:
        if not amount:
            raise ValueError("nothing to pay")
        return amount

    @wf.workflow
    def parent(ctx: wf.WorkflowContext) -> Any:
        paid = yield ctx.call_child_workflow(child, input=5, instance_id="the-child")
        try:
            yield ctx.call_child_workflow("child", input=0)
        except wf.TaskFailedError as error:
            return [paid, error.details.error_type, error.details.message]

    run = lab.start(parent)
    assert run.result(WITHIN_SECONDS) == [5, "ValueError", "nothing to pay"]
    assert kinds(lab.get("the-child")) == ["ExecutionStarted", "ExecutionCompleted"]
    assert kinds(run).count("ChildWorkflowInstanceCreated") == 2


def test_a11_a_retried_child_keeps_its_parent_informed(lab: wf.Lab) -> None:
    """Each attempt is the parent's own child, with the same id, and the last one's outcome reaches it."""
    seen: list[str] = []

    @wf.workflow
    def child(ctx: wf.WorkflowContext) -> Any:
        yield ctx.create_timer(timedelta(minutes=1))
        seen.append(ctx.instance_id)
        if len(seen) < 3:
            raise ConnectionError(f"attempt {len(seen)}")
        return "third time lucky"

    @wf.workflow
    def parent(ctx: wf.WorkflowContext) -> Any:
        policy = wf.RetryPolicy(first_retry_interval=timedelta(hours=1), max_number_of_attempts=3)
        return (yield ctx.call_child_workflow(child, retry_policy=policy))

    lab.clock.virtual()
    run = lab.start(parent)
    lab.clock.advance(timedelta(hours=1, minutes=1.5))
    assert "child" in run.why()
    assert kinds(run).count("ChildWorkflowInstanceFailed") == 1
    lab.clock.advance(timedelta(hours=2))
    assert run.result(WITHIN_SECONDS) == "third time lucky"
    assert len(set(seen)) == 1
    assert kinds(run).count("ChildWorkflowInstanceCreated") == 3


def test_a11_a_child_id_that_is_taken_fails_the_call_and_leaves_the_other_alone(lab: wf.Lab) -> None:
    wf.workflow(waiting)

    @wf.workflow
    def parent(ctx: wf.WorkflowContext) -> Any:
        try:
            yield ctx.call_child_workflow(waiting, instance_id="taken")
        except wf.TaskFailedError as error:
            return error.details.message

    other = begun(lab, waiting, instance_id="taken")
    assert "taken" in lab.start(parent).result(WITHIN_SECONDS)
    other.raise_event("go", "undisturbed")
    assert other.result(WITHIN_SECONDS) == "undisturbed"


def test_a12_a_detached_workflow_has_no_parent_and_does_not_end_with_who_started_it(lab: wf.Lab) -> None:
    wf.workflow(waiting)

    @wf.workflow
    def starter(ctx: wf.WorkflowContext) -> Any:
        ctx.set_custom_status(ctx.schedule_new_workflow(waiting, instance_id="free"))
        yield ctx.wait_for_external_event("never")

    run = begun(lab, starter)
    assert run.custom_status == "free", "the id is there at once"
    free = lab.get("free")
    run.terminate(recursive=True)
    free.raise_event("go", "on")
    assert free.result(WITHIN_SECONDS) == "on"
    started = run.history().query("type == 'DetachedWorkflowInstanceCreated'")
    with pytest.raises(InvalidArgument):
        run.rerun(int(started["event_id"].iloc[0]))


def test_a13_a_call_with_app_id_goes_to_that_app_and_waits_while_it_is_absent(lab: wf.Lab) -> None:
    wf.activity(name="charge")(lambda _, amount: f"the lab's own {amount}")

    @wf.workflow
    def order(ctx: wf.WorkflowContext) -> Any:
        charged = yield ctx.call_activity("charge", input=5, app_id="billing")
        return [charged, (yield ctx.call_child_workflow("ship", app_id="billing"))]

    run = begun(lab, order)
    assert "billing" in run.why()
    billing = wf.WorkflowRuntime(app_id="billing")
    billing.register_workflow(lambda _: "billing ships", name="ship")
    billing.register_activity(lambda _, amount: f"billing charges {amount}", name="charge")
    assert run.result(WITHIN_SECONDS) == ["billing charges 5", "billing ships"]


def generations(ctx: wf.WorkflowContext, generation: int) -> Any:
    if generation == 1:
        yield ctx.wait_for_external_event("turn the page")
        ctx.call_activity("never-run")
        ctx.continue_as_new(2, save_events=True)
        return None
    items = []
    for _ in FALSY:
        items.append((yield ctx.wait_for_external_event("item")))  # noqa: PERF401  # each wait comes after the one before
    return items


async def generations_async(ctx: wf.WorkflowContext, generation: int) -> Any:
    if generation == 1:
        await ctx.wait_for_external_event("turn the page")
        ctx.call_activity("never-run")
        ctx.continue_as_new(2, save_events=True)
        return None
    return [await ctx.wait_for_external_event("item") for _ in FALSY]


@pytest.mark.parametrize("workflow", [generations, generations_async])
def test_a14_continue_as_new_keeps_the_id_and_carry_over_keeps_falsy_events_and_their_order(
    lab: wf.Lab, workflow: Callable[..., Any]
) -> None:
    wf.workflow(name="generations")(workflow)
    run = begun(lab, "generations", 1)
    for value in FALSY:
        run.raise_event("item", value)
        run.raise_event("another", value)
    run.raise_event("turn the page")
    assert run.result(WITHIN_SECONDS) == FALSY
    history = run.history()
    assert "TaskScheduled" not in set(history["type"]), "a history of its own, and what was pending is dropped"
    assert list(history.query("type == 'EventRaised'")["name"]) == ["item", "another"] * len(FALSY)


def test_a14_without_save_events_what_nobody_took_is_dropped(lab: wf.Lab) -> None:
    @wf.workflow
    def forgetful(ctx: wf.WorkflowContext, generation: int) -> Any:
        if generation == 1:
            yield ctx.wait_for_external_event("turn the page")
            ctx.continue_as_new(2)
            return None
        try:
            return (yield ctx.wait_for_external_event("item", timeout=timedelta(0)))
        except TimeoutError:
            return "nothing there"

    run = begun(lab, forgetful, 1)
    run.raise_event("item", 1)
    run.raise_event("turn the page")
    assert run.result(WITHIN_SECONDS) == "nothing there"


def test_a15_the_custom_status_is_the_workflows_own_text_and_all_else_becomes_json(lab: wf.Lab) -> None:
    @wf.workflow
    def tells(ctx: wf.WorkflowContext) -> Any:
        ctx.set_custom_status("half way")
        yield ctx.wait_for_external_event("go")
        ctx.set_custom_status({"done": 2})

    run = begun(lab, tells)
    assert run.custom_status == "half way"
    run.raise_event("go")
    run.result(WITHIN_SECONDS)
    assert run.custom_status == '{"done": 2}'


def test_a16_time_chance_and_ids_are_the_same_when_history_is_replayed(opened: Opener) -> None:
    seen: list[Any] = []

    def draws(ctx: wf.WorkflowContext) -> Any:
        drawn = [str(ctx.new_guid()), str(ctx.uuid4()), ctx.random().random(), ctx.random_int(), ctx.current_utc_datetime.isoformat()]
        seen.append((drawn, ctx.is_replaying))
        yield ctx.wait_for_external_event("go")
        return drawn

    lab = opened()
    wf.workflow(draws)
    begun(lab, draws, instance_id="one")
    lab = opened()
    wf.workflow(draws)
    run = lab.get("one")
    run.raise_event("go")
    drawn = run.result(WITHIN_SECONDS)
    assert seen == [(drawn, False), (drawn, True)]
    assert drawn[0] != drawn[1]


def test_a17_a_replay_safe_logger_logs_each_line_once(opened: Opener, caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("orders")

    def tells(ctx: wf.WorkflowContext) -> Any:
        logger = ctx.create_replay_safe_logger(log)
        logger.warning("before")
        yield ctx.wait_for_external_event("go")
        logger.warning("after")

    lab = opened()
    wf.workflow(tells)
    begun(lab, tells, instance_id="one")
    lab = opened()
    wf.workflow(tells)
    run = lab.get("one")
    run.raise_event("go")
    run.result(WITHIN_SECONDS)
    assert [record.message for record in caplog.records if record.name == "orders"] == ["before", "after"]


def v1(ctx: wf.WorkflowContext) -> Any:
    return ["v1", (yield ctx.wait_for_external_event("go"))]


def v2(ctx: wf.WorkflowContext) -> Any:
    yield ctx.create_timer(timedelta(0))
    return ["v2", (yield ctx.wait_for_external_event("go"))]


def test_a18_new_instances_take_the_latest_version_and_a_missing_one_stalls_until_it_is_there(opened: Opener) -> None:
    lab = opened()
    wf.WorkflowRuntime().versioned_workflow(v1, name="order", is_latest=True)
    begun(lab, "order", instance_id="old")
    lab = opened()
    wf.WorkflowRuntime().versioned_workflow(v2, name="order", is_latest=True)
    old, new = lab.get("old"), lab.start("order")
    for run in (old, new):
        run.raise_event("go", run is old)
    assert new.result(WITHIN_SECONDS) == ["v2", False]
    eventually(lambda: str(old.status) == "STALLED")
    assert "version 'v1'" in old.why()
    wf.WorkflowRuntime().versioned_workflow(v1, name="order", is_latest=False)
    assert old.result(WITHIN_SECONDS) == ["v1", True]
    assert begun(lab, "order").history()["type"][1] == "TimerCreated", "v2 is still the latest"


def before_patch(ctx: wf.WorkflowContext) -> Any:
    yield ctx.wait_for_external_event("go")


def patched(ctx: wf.WorkflowContext) -> Any:
    if ctx.is_patched("check-stock"):
        yield ctx.call_activity("check_stock")
    yield ctx.wait_for_external_event("go")
    return ctx.is_patched("check-stock")


def test_a19_is_patched_is_no_for_what_had_passed_there_and_yes_for_what_had_not(opened: Opener) -> None:
    lab = opened()
    wf.workflow(name="order")(before_patch)
    begun(lab, "order", instance_id="old")
    lab = opened()
    wf.workflow(name="order")(patched)
    wf.activity(name="check_stock")(lambda _: None)
    old, new = lab.get("old"), lab.start("order")
    for run in (old, new):
        run.raise_event("go")
    assert (old.result(WITHIN_SECONDS), new.result(WITHIN_SECONDS)) == (False, True)
    assert kinds(new).count("PatchRecorded") == 1
    assert "PatchRecorded" not in kinds(old)


def test_a19_a_recorded_patch_that_was_removed_stalls_the_instance_until_it_is_back(opened: Opener) -> None:
    def asks_for_it(ctx: wf.WorkflowContext) -> Any:
        ctx.is_patched("check-stock")
        return (yield ctx.wait_for_external_event("go"))

    lab = opened()
    wf.workflow(name="waiting")(asks_for_it)
    begun(lab, "waiting", instance_id="one")
    lab = opened()
    wf.workflow(name="waiting")(waiting)
    run = lab.get("one")
    run.raise_event("go", 1)
    eventually(lambda: str(run.status) == "STALLED")
    assert "check-stock" in run.why()
    wf.workflow(name="waiting")(asks_for_it)
    assert run.result(WITHIN_SECONDS) == 1


def test_a20_history_is_passed_on_as_far_as_the_call_says(lab: wf.Lab) -> None:
    wf.activity(name="pay")(lambda _, amount: f"paid {amount}")

    @wf.workflow
    def child(ctx: wf.WorkflowContext) -> Any:
        history = ctx.get_propagated_history()
        if history is None:
            return None
        paid = history.get_last_workflow_by_name("parent").get_last_activity_by_name("pay")
        with pytest.raises(wf.PropagationNotFoundError):
            history.get_last_workflow_by_name("somebody")
        return paid.output

    @wf.workflow
    def parent(ctx: wf.WorkflowContext) -> Any:
        yield ctx.call_activity("pay", input=5)
        own = yield ctx.call_child_workflow(child, propagation=wf.PropagationScope.OWN_HISTORY)
        return [own, (yield ctx.call_child_workflow(child))]

    assert lab.start(parent).result(WITHIN_SECONDS) == ['"paid 5"', None]


def test_a21_a_failure_is_told_by_message_bare_type_and_stack_trace(lab: wf.Lab) -> None:
    @wf.activity
    def charge(_: wf.WorkflowActivityContext) -> None:
        raise InvalidArgument("card declined")

    @wf.workflow
    def order(ctx: wf.WorkflowContext) -> Any:
        try:
            yield ctx.call_activity(charge)
        except wf.TaskFailedError as error:
            ctx.set_custom_status([error.details.message, error.details.error_type, "in charge" in (error.details.stack_trace or "")])
            raise

    run = lab.start(order)
    with pytest.raises(wf.WorkflowFailed, match="card declined"):
        run.result(WITHIN_SECONDS)
    assert run.custom_status == '["card declined", "InvalidArgument", true]'
    state = wf.DaprWorkflowClient().get_workflow_state(run.id)
    assert state is not None
    assert state.failure_details is not None
    assert "card declined" in state.failure_details.message
    with pytest.raises(wf.WorkflowFailed):
        state.raise_if_failed()


def reserves(ctx: wf.WorkflowContext) -> Any:
    yield ctx.call_activity("reserve", input="a table")
    yield ctx.wait_for_external_event("go")
    return "reserved"


def reserves_more(ctx: wf.WorkflowContext) -> Any:
    yield ctx.call_activity("reserve", input="two tables")
    yield ctx.wait_for_external_event("go")
    return "reserved more"


def books(ctx: wf.WorkflowContext) -> Any:
    yield ctx.call_activity("book", input="a table")
    yield ctx.wait_for_external_event("go")
    return "booked"


def half_done(opened: Opener) -> wf.Run:
    """A run of `reserves` that has been told to go on in a lab that has no code for it yet."""
    lab = opened()
    wf.activity(name="reserve")(lambda _, what: what)
    wf.workflow(name="order")(reserves)
    run = lab.start("order", instance_id="one")
    eventually(lambda: "waits for the event 'go'" in run.why())
    run = opened().get("one")
    run.raise_event("go")
    return run


def test_a22_inputs_are_not_compared_with_history(opened: Opener) -> None:
    run = half_done(opened)
    wf.workflow(name="order")(reserves_more)
    assert run.result(WITHIN_SECONDS) == "reserved more"


def test_a22_code_that_disagrees_appends_nothing_stalls_says_what_to_do_and_the_old_source_completes_it(opened: Opener) -> None:
    run = half_done(opened)
    before = kinds(run)
    wf.workflow(name="order")(books)
    eventually(lambda: str(run.status) == "STALLED")
    assert kinds(run) == before
    assert run.failure is not None
    message = run.failure.message
    assert "at action 0: recorded is call_activity('reserve'), the code now asks for call_activity('book')" in message
    assert f"line {books.__code__.co_firstlineno + 1} of books" in message
    assert "Most likely call_activity('reserve') was replaced by call_activity('book'), or renamed" in message
    wf.workflow(name="order")(reserves)
    assert run.result(WITHIN_SECONDS) == "reserved"
