"""Rows A23 to A37: what can be done with an instance from outside, from its start to its purge; in the words that a user writes."""

import asyncio
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest

import wflab as wf
from tests.semantics.runs import WITHIN_SECONDS, Opener, begun, kinds
from tests.waiting import eventually
from wfengine.errors import InstanceAlreadyExists, InstanceNotFound, InstanceNotTerminal, InvalidArgument, PayloadError
from wflab import aio

DAY = timedelta(days=1)


def waiting(ctx: wf.WorkflowContext) -> Any:
    return (yield ctx.wait_for_external_event("go"))


def failing(_: wf.WorkflowContext) -> None:
    raise ValueError("no")


def parent(ctx: wf.WorkflowContext) -> Any:
    return (yield ctx.call_child_workflow("waiting", instance_id="child"))


def double(_: wf.WorkflowActivityContext, number: int) -> int:
    return 2 * number


def twice(ctx: wf.WorkflowContext, number: int) -> Any:
    return (yield ctx.call_activity(double, input=(yield ctx.call_activity(double, input=number))))


@pytest.fixture(autouse=True)
def _defined(lab: wf.Lab) -> None:
    runtime = wf.WorkflowRuntime(lab=lab)
    for workflow in (waiting, failing, parent, twice):
        runtime.register_workflow(workflow)
    runtime.register_activity(double)


@pytest.fixture
def family(lab: wf.Lab) -> wf.Run:
    """A parent whose child waits."""
    run = begun(lab, parent, instance_id="parent")
    eventually(lambda: lab.engine.key_of("child") is not None)
    return run


def test_a23_an_id_is_refused_while_its_instance_lives_and_free_once_that_has_ended(lab: wf.Lab) -> None:
    run = begun(lab, waiting, instance_id="mine")
    with pytest.raises(InstanceAlreadyExists, match="'mine' is in use"):
        lab.start(twice, 1, instance_id="mine")
    run.raise_event("go", "first")
    run.result(WITHIN_SECONDS)
    assert lab.start(twice, 1, instance_id="mine").result(WITHIN_SECONDS) == 4


def test_a24_the_state_of_an_instance_is_there_at_once_and_of_nobody_is_none(lab: wf.Lab) -> None:
    client = wf.DaprWorkflowClient()
    assert client.get_workflow_state("nobody") is None
    lab.start(twice, 3, instance_id="one").result(WITHIN_SECONDS)
    state, bare = client.get_workflow_state("one"), client.get_workflow_state("one", fetch_payloads=False)
    assert state is not None
    assert bare is not None
    assert (state.name, state.runtime_status, state.serialized_input, state.serialized_output) == (
        "twice",
        wf.WorkflowStatus.COMPLETED,
        "3",
        "12",
    )
    assert (bare.serialized_input, bare.serialized_output) == (None, None)


def test_a25_waiting_for_the_start_and_for_the_end_has_a_timeout_that_changes_nothing(lab: wf.Lab) -> None:
    client = wf.DaprWorkflowClient()
    lab.start(waiting, instance_id="one")
    started = client.wait_for_workflow_start("one", timeout_in_seconds=WITHIN_SECONDS)
    assert started is not None
    assert started.runtime_status is wf.WorkflowStatus.RUNNING
    with pytest.raises(TimeoutError):
        lab.get("one").result(0.01)
    client.raise_workflow_event("one", "go", data=0)

    async def finish() -> Any:
        ended = await aio.DaprWorkflowClient().wait_for_workflow_completion("one", timeout_in_seconds=WITHIN_SECONDS)
        return ended, await lab.get("one")

    ended, output = asyncio.run(finish())
    assert (ended.serialized_output, output) == ("0", 0)


def test_a26_an_instance_is_in_one_of_daprs_states(lab: wf.Lab) -> None:
    runs = {
        "PENDING": lab.start(waiting, start_at=datetime.now(UTC) + DAY),
        "RUNNING": begun(lab, waiting),
        "COMPLETED": lab.start(twice, 1),
        "FAILED": lab.start(failing),
        "TERMINATED": lab.start(waiting),
        "SUSPENDED": lab.start(waiting),
    }
    runs["TERMINATED"].terminate()
    runs["SUSPENDED"].suspend()
    for state, run in runs.items():
        eventually(lambda: str(run.status) == state)  # noqa: B023  # it is over before the next
    assert {status.name for status in wf.WorkflowStatus} == {*runs, "STALLED", "UNKNOWN"}, "A18 and A22 stall one"


def test_a27_while_suspended_all_waits_in_order_and_activities_under_way_finish(lab: wf.Lab, release: Event) -> None:
    began = Event()

    @wf.activity
    def slow(_: wf.WorkflowActivityContext) -> str:
        began.set()
        release.wait(WITHIN_SECONDS)
        return "finished"

    @wf.workflow
    def patient(ctx: wf.WorkflowContext) -> Any:
        done = ctx.call_activity(slow)
        items = [(yield ctx.wait_for_external_event("item")), (yield ctx.wait_for_external_event("item"))]
        return [(yield done), *items]

    run = lab.start(patient)
    assert began.wait(WITHIN_SECONDS)
    run.suspend()
    for item in (0, False):
        run.raise_event("item", item)
    release.set()
    eventually(lambda: "TaskCompleted" in kinds(run))
    assert str(run.status) == "SUSPENDED"
    run.resume()
    assert run.result(WITHIN_SECONDS) == ["finished", 0, False]


@pytest.mark.parametrize(("recursive", "of_child"), [(True, "TERMINATED"), (False, "RUNNING")])
def test_a28_terminate_ends_it_with_the_output_given_and_its_children_unless_told_otherwise(
    lab: wf.Lab, family: wf.Run, *, recursive: bool, of_child: str
) -> None:
    family.terminate({"why": "enough"}, recursive=recursive)
    with pytest.raises(wf.WorkflowFailed, match="TERMINATED"):
        family.result(WITHIN_SECONDS)
    assert family.output == {"why": "enough"}
    eventually(lambda: str(lab.get("child").status) == of_child)


def test_a28_an_activity_under_way_is_not_stopped_and_its_result_is_not_heard(lab: wf.Lab, release: Event) -> None:
    began, ended = Event(), Event()

    @wf.activity
    def slow(_: wf.WorkflowActivityContext) -> None:
        began.set()
        release.wait(WITHIN_SECONDS)
        ended.set()

    @wf.workflow
    def calls(ctx: wf.WorkflowContext) -> Any:
        yield ctx.call_activity(slow)

    run = lab.start(calls)
    assert began.wait(WITHIN_SECONDS)
    run.terminate()
    assert not ended.is_set()
    release.set()
    assert ended.wait(WITHIN_SECONDS)
    lab.start(twice, 1).result(WITHIN_SECONDS)  # what came before this was heard before it
    assert "TaskCompleted" not in kinds(run)


def test_a29_only_what_has_ended_is_purged_and_its_children_go_with_it(lab: wf.Lab, family: wf.Run) -> None:
    with pytest.raises(InstanceNotTerminal):
        family.purge()
    lab.get("child").raise_event("go")
    family.result(WITHIN_SECONDS)
    family.purge()
    assert lab.sql("SELECT count(*) AS n FROM history").n[0] == 0


def test_a29_force_purges_whatever_its_state(lab: wf.Lab, family: wf.Run) -> None:
    family.purge(force=True)
    assert list(wf.DaprWorkflowClient().iter_workflow_instance_ids()) == []
    assert begun(lab, waiting, instance_id="parent").why(), "the id is free"


@pytest.mark.usefixtures("lab")
def test_a30_ids_are_listed_page_by_page_each_once(lab: wf.Lab) -> None:
    ids = [lab.start(twice, number, instance_id=f"run-{number}").id for number in range(5)]
    client = wf.DaprWorkflowClient()
    first = client.list_workflow_instance_ids(page_size=3)
    second = client.list_workflow_instance_ids(page_size=3, continuation_token=first.continuation_token)
    assert ([*first.instance_ids, *second.instance_ids], second.continuation_token) == (ids, None)
    assert list(client.iter_workflow_instance_ids(page_size=2)) == ids


def test_a31_a_history_is_told_oldest_first_and_says_what_can_be_rerun(lab: wf.Lab) -> None:
    lab.start(twice, 3, instance_id="one").result(WITHIN_SECONDS)
    history = wf.DaprWorkflowClient().get_workflow_history("one")
    assert [event.event_type.name for event in history] == [
        "EXECUTION_STARTED",
        *["TASK_SCHEDULED", "TASK_COMPLETED"] * 2,
        "EXECUTION_COMPLETED",
    ]
    assert [event.event_id for event in history if event.is_rerunnable] == [0, 1]


def test_a32_a_rerun_is_a_new_instance_that_shares_the_past_and_does_the_event_again(lab: wf.Lab) -> None:
    source = lab.start(twice, 3)
    source.result(WITHIN_SECONDS)
    before = source.history()
    again = source.rerun(1)
    other = source.rerun(1, input=0, instance_id="other")
    assert (again.result(WITHIN_SECONDS), other.result(WITHIN_SECONDS), other.id) == (12, 0, "other")
    assert again.id != source.id
    assert source.history().equals(before)


def test_a32_what_runs_is_a_child_or_has_no_such_event_cannot_be_rerun(lab: wf.Lab, family: wf.Run) -> None:
    with pytest.raises(InvalidArgument, match="only an ended one"):
        family.rerun(0)
    lab.get("child").raise_event("go")
    family.result(WITHIN_SECONDS)
    with pytest.raises(InvalidArgument, match="is a child of"):
        lab.get("child").rerun(0)
    with pytest.raises(ValueError, match="has the event id 99"):
        family.rerun(99)
    with pytest.raises(InstanceNotFound):
        wf.DaprWorkflowClient().rerun_workflow_from_event("nobody", 0)


def test_a34_ended_instances_are_kept_as_long_as_the_policy_says_and_it_is_not_retroactive(opened: Opener) -> None:
    lab = opened()
    wf.workflow(twice)
    wf.activity(double)
    lab.start(twice, 1, instance_id="before").result(WITHIN_SECONDS)
    lab = opened(retention=wf.StateRetention(completed=DAY))
    for function in (twice, failing):
        wf.workflow(function)
    wf.activity(double)
    lab.clock.virtual()
    for workflow, name in ((twice, "after"), (failing, "failed")):
        run = lab.start(workflow, 1, instance_id=name)
        eventually(lambda: run.status.is_terminal)  # noqa: B023  # it is over before the next
    ids = wf.DaprWorkflowClient().iter_workflow_instance_ids
    assert list(ids()) == ["after", "before", "failed"]
    lab.clock.advance(2 * DAY)
    eventually(lambda: list(ids()) == ["before", "failed"])


def test_a35_no_more_than_the_limit_of_a_name_are_under_way_and_the_others_wait_their_turn(opened: Opener, release: Event) -> None:
    lab = opened(limits=wf.Limits(activities={"slow": 2}))
    begun_numbers: list[int] = []

    @wf.activity
    def slow(_: wf.WorkflowActivityContext, number: int) -> int:
        begun_numbers.append(number)
        release.wait(WITHIN_SECONDS)
        return number

    @wf.workflow
    def fan(ctx: wf.WorkflowContext) -> Any:
        return (yield wf.when_all([ctx.call_activity(slow, input=number) for number in range(5)]))

    run = lab.start(fan)
    eventually(lambda: len(begun_numbers) == 2)
    wf.activity(double)
    wf.workflow(twice)
    assert lab.start(twice, 1).result(WITHIN_SECONDS) == 4, "another name is not held up"
    assert sorted(begun_numbers) == [0, 1]
    release.set()
    assert run.result(WITHIN_SECONDS) == [0, 1, 2, 3, 4]


def test_a36_a_large_payload_is_kept_once_and_one_that_is_too_large_is_refused(lab: wf.Lab) -> None:
    """Far beyond Dapr's 4 MiB, the limit is 64, and it is told where the payload is handed over."""

    @wf.workflow
    def echo(_: wf.WorkflowContext, text: str) -> str:
        return text

    text = "x" * (5 * 2**20)
    assert lab.start(echo, text).result(WITHIN_SECONDS) == text
    assert list(lab.sql("SELECT length(data) AS size FROM payloads")["size"]) == [len(text) + 2]
    with pytest.raises(PayloadError, match="at most 64 MiB"):
        lab.start(echo, "x" * (64 * 2**20))


def test_a37_an_execution_in_memory_is_fed_only_what_is_new(lab: wf.Lab) -> None:
    """Each line of the code runs once, however many turns there are."""
    passed: list[int] = []

    @wf.workflow
    def long(ctx: wf.WorkflowContext) -> Any:
        for number in range(20):
            doubled = yield ctx.call_activity(double, input=number)
            passed.append(doubled)

    lab.start(long).result(WITHIN_SECONDS)
    assert passed == [2 * number for number in range(20)]
