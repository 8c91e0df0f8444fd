"""Dapr's names over a lab: a program moves here by changing one import."""

import datetime as dt
import json
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

import wflab as wf
from tests.lab.seed import PROGRAM, run_cell
from wfengine.errors import InvalidArgument, WorkflowFailed
from wfengine.model.instance import Status
from wflab.lab import current

WITHIN_SECONDS = 30


def test_a_runtime_made_before_any_lab_is_open_joins_the_next(tmp_path: Path) -> None:
    names = run_cell(PROGRAM)
    assert not names["wfr"].wait_for_worker_ready()
    with wf.Lab(tmp_path / "orders.duckdb") as lab:
        assert names["wfr"].wait_for_worker_ready()
        assert lab.start(names["request_escalation"], {"amount": 500}).result(WITHIN_SECONDS) == "auto-approved"


def test_start_opens_the_default_lab_and_shutdown_closes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = run_cell(PROGRAM)
    names["wfr"].start()
    try:
        client = wf.DaprWorkflowClient()
        instance_id = client.schedule_new_workflow(names["request_escalation"], input={"amount": 500})
        state = client.wait_for_workflow_completion(instance_id, timeout_in_seconds=WITHIN_SECONDS)
        assert state is not None
        assert state.serialized_output == '"auto-approved"'
        assert (tmp_path / "wflab.duckdb").exists()
        names["wfr"].start()
    finally:
        names["wfr"].shutdown()
    names["wfr"].shutdown()
    with pytest.raises(wf.WflabError, match="No lab is open"):
        wf.current_lab()
    names["wfr"].start()
    try:
        instance_id = client.schedule_new_workflow("request_escalation", input={"amount": 500})
        assert client.wait_for_workflow_completion(instance_id, timeout_in_seconds=WITHIN_SECONDS) is not None
    finally:
        names["wfr"].shutdown()


def test_a_runtime_of_a_closed_lab_joins_the_one_that_is_open_now(tmp_path: Path) -> None:
    """In a notebook `%reload_ext wflab` closes the lab under a runtime that the next cells still use."""
    runtime = wf.WorkflowRuntime()
    with wf.Lab(tmp_path / "one.duckdb"):
        run_cell("@wfr.workflow\ndef early(ctx): return 1", {"wfr": runtime})
    assert not runtime.wait_for_worker_ready()
    with wf.Lab(tmp_path / "two.duckdb") as lab:
        run_cell("@wfr.workflow\ndef late(ctx): return 2", {"wfr": runtime})
        assert lab.start("late").result(WITHIN_SECONDS) == 2
        assert lab.start("early").result(WITHIN_SECONDS) == 1, "it brings what it had registered before"


def test_a_runtime_can_be_given_its_lab(tmp_path: Path) -> None:
    with wf.Lab(tmp_path / "one.duckdb") as one, wf.Lab(tmp_path / "two.duckdb") as two:
        runtime = wf.WorkflowRuntime(lab=one)

        @runtime.workflow
        def here(_: wf.WorkflowContext) -> str:
            return "one"

        assert one.start(here).result(WITHIN_SECONDS) == "one"
        assert two.engine.registry.names("workflow") == []
        assert wf.DaprWorkflowClient(lab=one).get_workflow_state("nobody") is None


@pytest.mark.usefixtures("lab")
def test_the_client_does_what_daprs_does(seed: dict[str, Any]) -> None:
    client = wf.DaprWorkflowClient()
    instance_id = client.schedule_new_workflow(seed["request_escalation"], input={"amount": 5000}, instance_id="order")
    started = client.wait_for_workflow_start(instance_id, timeout_in_seconds=WITHIN_SECONDS)
    assert started is not None
    assert (started.instance_id, started.name, started.runtime_status) == ("order", "request_escalation", wf.WorkflowStatus.RUNNING)
    assert started.serialized_input is None, "asked for without payloads"
    client.pause_workflow(instance_id)
    client.raise_workflow_event(instance_id, "Human_Approval", data={"by": "ana"})
    paused = client.get_workflow_state(instance_id)
    assert paused is not None
    assert paused.runtime_status is wf.WorkflowStatus.SUSPENDED
    client.resume_workflow(instance_id)
    ended = client.wait_for_workflow_completion(instance_id, timeout_in_seconds=WITHIN_SECONDS)
    assert ended is not None
    ended.raise_if_failed()
    assert ended.serialized_output == "\"processed {'by': 'ana'}\""
    assert json.loads(str(ended))["runtime_status"] == "COMPLETED"
    assert ended.created_at <= ended.last_updated_at
    client.purge_workflow(instance_id)
    assert client.get_workflow_state(instance_id) is None
    client.close()


@pytest.mark.usefixtures("seed")
def test_a_terminated_and_a_failed_workflow_show_so() -> None:
    client = wf.DaprWorkflowClient()
    client.schedule_new_workflow("request_escalation", input={"amount": 5000}, instance_id="order")
    client.terminate_workflow("order", output={"why": "enough"})
    ended = client.wait_for_workflow_completion("order", timeout_in_seconds=WITHIN_SECONDS)
    assert ended is not None
    assert (ended.runtime_status, ended.serialized_output) == (wf.WorkflowStatus.TERMINATED, '{"why": "enough"}')
    client.schedule_new_workflow("request_escalation", input={}, instance_id="broken")
    failed = client.wait_for_workflow_completion("broken", timeout_in_seconds=WITHIN_SECONDS)
    assert failed is not None
    with pytest.raises(WorkflowFailed, match="KeyError"):
        failed.raise_if_failed()
    assert failed.failure_details is not None
    assert failed.failure_details.error_type == "KeyError"
    assert failed.to_json()["failure_details"]["message"] == failed.failure_details.message


def test_decorators_work_with_and_without_a_name_and_in_any_cell(lab: wf.Lab) -> None:
    @wf.activity
    def plus(_: wf.WorkflowActivityContext, number: int) -> int:
        return number + 1

    @wf.activity(name="times-two")
    def times(_: wf.WorkflowActivityContext, number: int) -> int:
        return 2 * number

    @wf.alternate_name("counting")
    def count(ctx: wf.WorkflowContext, number: int) -> Any:
        return (yield ctx.call_activity(times, input=(yield ctx.call_activity(plus, input=number))))

    @wf.workflow
    async def modern(ctx: wf.WorkflowContext, number: int) -> int:
        return int(await ctx.call_activity("times-two", input=number))

    wf.workflow(count)
    assert lab.start(count, 3).result(WITHIN_SECONDS) == 8
    assert lab.start("counting", 3).result(WITHIN_SECONDS) == 8
    assert lab.start(modern, 3).result(WITHIN_SECONDS) == 6
    with pytest.raises(ValueError, match="already has an alternate name counting"):
        wf.alternate_name("again")(count)


def test_a_function_without_a_name_is_refused_where_it_is_registered(tmp_path: Path) -> None:
    runtime = wf.WorkflowRuntime()
    with pytest.raises(InvalidArgument, match="Cannot infer a name from a lambda"):
        runtime.register_activity(lambda _, value: value)
    runtime.register_activity(lambda _, value: value, name="same")
    with wf.Lab(tmp_path / "orders.duckdb") as lab:
        assert lab.engine.registry.names("activity") == ["same"]


def test_running_a_cell_again_is_no_error_and_a_changed_one_is_a_new_version(lab: wf.Lab) -> None:
    for answer in (1, 1, 2):
        run_cell(f"import wflab as wf\n@wf.workflow\ndef same(ctx): return {answer}")
        assert lab.start("same").result(WITHIN_SECONDS) == answer
    assert lab.sql("select count(*) as n from definitions where name = 'same'").n[0] == 2


def test_a_run_in_flight_keeps_the_code_that_it_started_with(lab: wf.Lab) -> None:
    lab.clock.virtual()
    cell = "import wflab as wf\nfrom datetime import timedelta\n@wf.workflow\ndef same(ctx):\n    yield ctx.create_timer(timedelta(days=1))\n    return {}"
    run_cell(cell.format(1))
    old = lab.start("same")
    lab.engine.wait_for_workflow_start(old.id, WITHIN_SECONDS)
    run_cell(cell.format(2))
    new = lab.start("same")
    lab.clock.advance(timedelta(days=1))
    assert (old.result(WITHIN_SECONDS), new.result(WITHIN_SECONDS)) == (1, 2)


def test_a_function_that_has_a_name_takes_no_other(lab: wf.Lab) -> None:
    """Calls that pass the function would go to the old name, and wait there for ever."""
    runtime = wf.WorkflowRuntime(lab=lab)

    @wf.alternate_name("charge-card")
    def charge(_: wf.WorkflowActivityContext) -> None: ...

    with pytest.raises(ValueError, match="charge already has the name 'charge-card'"):
        runtime.register_activity(charge, name="charge")
    runtime.register_activity(charge)
    runtime.register_activity(charge, name="charge-card")
    assert lab.engine.registry.names("activity") == ["charge-card"]


def test_a18_new_instances_take_the_latest_version_and_running_ones_keep_theirs(lab: wf.Lab) -> None:
    runtime = wf.WorkflowRuntime(lab=lab)

    @runtime.versioned_workflow(name="greeting", is_latest=True)
    def formal(ctx: wf.WorkflowContext) -> Any:
        yield ctx.wait_for_external_event("go")
        return "Good day"

    old = lab.start("greeting")
    lab.engine.wait_for_workflow_start(old.id, WITHIN_SECONDS)

    @runtime.versioned_workflow(name="greeting", version_name="v2", is_latest=True)
    def casual(ctx: wf.WorkflowContext) -> Any:
        yield ctx.wait_for_external_event("go")
        return "Hi"

    @runtime.versioned_workflow(name="greeting", version_name="v3", is_latest=False)
    def trial(_: wf.WorkflowContext) -> Any:
        return "not yet"

    new = lab.start(casual)
    old.raise_event("go")
    new.raise_event("go")
    assert (old.result(WITHIN_SECONDS), new.result(WITHIN_SECONDS)) == ("Good day", "Hi")
    assert lab.start("greeting").name == "greeting"
    versions = lab.sql("select version from definitions where name = 'greeting' order by position").version
    assert list(versions) == ["formal", "v2", "v3"]


def test_an_activity_can_have_a_timeout_a_circuit_breaker_and_a_transaction(lab: wf.Lab) -> None:
    release = Event()
    breaker = wf.CircuitBreaker(timeout=timedelta(hours=1), trip=wf.consecutive_failures(1))

    @wf.activity(timeout=timedelta(milliseconds=20))
    def slow(_: wf.WorkflowActivityContext) -> None:
        release.wait(WITHIN_SECONDS)

    @wf.activity(circuit_breaker=breaker)
    def broken(_: wf.WorkflowActivityContext) -> None:
        raise LookupError("no answer")

    @wf.activity(transactional=True)
    def count(ctx: wf.WorkflowActivityContext) -> int:
        ctx.cursor.execute("CREATE TABLE counted AS SELECT 1 AS one")
        return 1

    @wf.workflow
    def all_three(ctx: wf.WorkflowContext) -> Any:
        kinds = []
        for activity in (slow, broken, broken):
            try:
                yield ctx.call_activity(activity)
            except wf.TaskFailedError as error:
                kinds.append(error.details.error_type)
        yield ctx.call_activity(count)
        return kinds

    try:
        assert lab.start(all_three).result(WITHIN_SECONDS) == ["ActivityTimeoutError", "LookupError", "CircuitOpenError"]
        assert lab.sql("from counted").one[0] == 1
    finally:
        release.set()


@pytest.mark.parametrize("is_open", [True, False])
def test_a_function_that_cannot_be_called_is_refused_at_its_own_line_with_or_without_a_lab(tmp_path: Path, is_open: bool) -> None:  # noqa: FBT001  # a case
    def define() -> None:
        with pytest.raises(
            InvalidArgument, match=r"^Workflow 'order' takes \(ctx, input\), and nothing would be passed as 'b'; pass several"
        ):

            @wf.workflow
            def order(_: wf.WorkflowContext, a: int, b: int) -> int:
                return a + b

    if not is_open:
        define()
    with wf.Lab(tmp_path / "orders.duckdb") as lab:
        if is_open:
            define()
        assert lab.engine.registry.names("workflow") == []


def test_a_lab_that_cannot_take_what_waited_for_it_is_closed_again_and_nothing_is_lost(tmp_path: Path) -> None:
    runtime = wf.WorkflowRuntime()

    def refuses(lab: wf.Lab) -> None:
        if lab.path.name == "one.duckdb":
            raise InvalidArgument("no")

    @runtime.workflow
    def order(_: wf.WorkflowContext) -> str:
        return "done"

    current.when_open(refuses)
    with pytest.raises(InvalidArgument, match=r"^no$"):
        wf.Lab(tmp_path / "one.duckdb")
    assert current.find() is None
    with wf.Lab(tmp_path / "two.duckdb") as lab:
        assert lab.start(order).result(WITHIN_SECONDS) == "done"
        with wf.Lab(tmp_path / "one.duckdb") as again:
            assert again.is_open


def test_dapr_s_statuses_equal_ours_in_both_directions_and_as_keys() -> None:
    for status in set(Status) - {Status.CONTINUED_AS_NEW, Status.CANCELED}:  # its SDK for Python has neither
        theirs = wf.WorkflowStatus[status.name]
        assert status == theirs
        assert theirs == status
        keys: dict[object, int] = {status: 1}
        assert keys[theirs] == 1
        assert len({**keys, theirs: 2}) == 1
        assert [other for other in wf.WorkflowStatus if other == status] == [theirs]


def test_dapr_s_objects_say_what_they_are(lab: wf.Lab) -> None:
    runtime = wf.WorkflowRuntime(app_id="billing")
    runtime.register_workflow(lambda _: None, name="invoice")
    assert repr(runtime) == f"WorkflowRuntime(app_id='billing', 1 registered, in {lab.path.name})"
    client = wf.DaprWorkflowClient(app_id="billing")
    assert repr(client) == f"DaprWorkflowClient(app_id='billing', {lab.path.name})"
    client.schedule_new_workflow("invoice", instance_id="i-1")
    assert repr(client.wait_for_workflow_completion("i-1")) == "WorkflowState(invoice, COMPLETED, i-1)"
    policy = wf.RetryPolicy(first_retry_interval=timedelta(seconds=5), max_number_of_attempts=3, jitter=0.5)
    assert eval(repr(policy), {"RetryPolicy": wf.RetryPolicy, "datetime": dt}).explain() == policy.explain()  # noqa: S307  # our own text
