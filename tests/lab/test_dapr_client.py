"""Dapr's clients, sync and async: apps, lists of ids, histories, waiting, and MCP servers made of workflows."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import wflab as wf
from wfengine.errors import InstanceNotFound, InvalidArgument
from wflab import aio

WITHIN_SECONDS = 30


@pytest.fixture
def runtime(lab: wf.Lab) -> wf.WorkflowRuntime:
    runtime = wf.WorkflowRuntime(lab=lab)

    @runtime.workflow
    def waiting(ctx: wf.WorkflowContext) -> Any:
        return (yield ctx.wait_for_external_event("go"))

    @runtime.workflow
    def at_once(_: wf.WorkflowContext, answer: Any) -> Any:
        return answer

    return runtime


@pytest.fixture
def client(lab: wf.Lab, runtime: wf.WorkflowRuntime) -> wf.DaprWorkflowClient:
    del runtime
    return wf.DaprWorkflowClient(lab=lab)


@pytest.fixture
def two_apps(lab: wf.Lab) -> wf.Lab:
    for app_id in ("shop", "depot"):
        runtime = wf.WorkflowRuntime(lab=lab, app_id=app_id)

        @runtime.workflow(name="order")
        def order(ctx: wf.WorkflowContext) -> Any:
            return (yield ctx.wait_for_external_event("go"))

    return lab


def output_of(client: wf.DaprWorkflowClient, instance_id: str) -> str | None:
    state = client.wait_for_workflow_completion(instance_id, timeout_in_seconds=WITHIN_SECONDS)
    assert state is not None
    return state.serialized_output


def test_a10_an_event_for_an_instance_that_ended_or_never_was_is_discarded(client: wf.DaprWorkflowClient) -> None:
    client.raise_workflow_event("nobody", "go")
    client.schedule_new_workflow("at_once", input=1, instance_id="ended")
    output_of(client, "ended")
    client.raise_workflow_event("ended", "go")
    assert [event.event_type.name for event in client.get_workflow_history("ended")] == ["EXECUTION_STARTED", "EXECUTION_COMPLETED"]


def test_a13_an_instance_of_another_app_is_as_good_as_absent(two_apps: wf.Lab) -> None:
    client = wf.DaprWorkflowClient(lab=two_apps)
    client.schedule_new_workflow("order", instance_id="one", app_id="shop")
    assert client.get_workflow_state("one", app_id="depot") is None
    acts: list[Callable[..., Any]] = [
        client.terminate_workflow,
        client.pause_workflow,
        client.resume_workflow,
        client.purge_workflow,
        client.wait_for_workflow_start,
        client.wait_for_workflow_completion,
    ]
    for act in acts:
        with pytest.raises(InstanceNotFound, match="App 'depot' has none"):
            act("one", app_id="depot")
    client.raise_workflow_event("one", "go", data="for nobody", app_id="depot")
    client.raise_workflow_event("one", "go", data="for the shop", app_id="shop")
    assert output_of(client, "one") == '"for the shop"'
    assert client.get_workflow_state("one", app_id="shop") is not None
    assert client.get_workflow_state("one") is not None, "without an app, the whole lab is meant"


def test_a13_lists_and_histories_are_of_the_clients_own_app(two_apps: wf.Lab) -> None:
    depot = wf.DaprWorkflowClient(lab=two_apps, app_id="depot")
    depot.schedule_new_workflow("order", instance_id="ours")
    depot.schedule_new_workflow("order", instance_id="theirs", app_id="shop")
    assert list(depot.iter_workflow_instance_ids()) == ["ours"]
    assert depot.get_workflow_history("ours")[0].name == "order"
    with pytest.raises(InstanceNotFound):
        depot.get_workflow_history("theirs")
    assert sorted(wf.DaprWorkflowClient(lab=two_apps).iter_workflow_instance_ids()) == ["ours", "theirs"]


def test_a23_reuse_id_policy_is_deprecated_and_an_id_is_free_once_its_instance_has_ended(client: wf.DaprWorkflowClient) -> None:
    with pytest.warns(DeprecationWarning, match="reuse_id_policy") as warned:
        client.schedule_new_workflow("at_once", input=1, instance_id="same", reuse_id_policy=object())
    assert warned[0].filename == __file__
    assert output_of(client, "same") == "1"
    client.schedule_new_workflow("at_once", input=2, instance_id="same")
    assert output_of(client, "same") == "2"


def test_a25_a_wait_has_an_end_and_none_for_who_never_was(client: wf.DaprWorkflowClient) -> None:
    client.schedule_new_workflow("waiting", instance_id="patient")
    with pytest.raises(TimeoutError):
        client.wait_for_workflow_completion("patient", timeout_in_seconds=0.01)  # type: ignore[arg-type]  # Dapr says int
    with pytest.raises(InstanceNotFound):
        client.wait_for_workflow_start("nobody")


def test_a29_purge_takes_recursive_by_position_too(lab: wf.Lab, client: wf.DaprWorkflowClient) -> None:
    @wf.workflow
    def parent(ctx: wf.WorkflowContext) -> Any:
        return (yield ctx.call_child_workflow("at_once", input=1, instance_id="child"))

    assert lab.start(parent, instance_id="parent").result(WITHIN_SECONDS) == 1
    client.purge_workflow("parent", False)  # noqa: FBT003  # as Dapr allows
    assert list(client.iter_workflow_instance_ids()) == ["child"]


def test_a30_ids_come_in_pages_each_id_once(client: wf.DaprWorkflowClient) -> None:
    ids = [f"id-{number}" for number in range(5)]
    for one in reversed(ids):
        client.schedule_new_workflow("waiting", instance_id=one)
    first = client.list_workflow_instance_ids(page_size=2)
    assert first.instance_ids == ids[:2]
    client.schedule_new_workflow("waiting", instance_id="id-00")
    second = client.list_workflow_instance_ids(page_size=2, continuation_token=first.continuation_token)
    assert second.instance_ids == ids[2:4], "what was added before the place is no reason to see any twice"
    last = client.list_workflow_instance_ids(page_size=2, continuation_token=second.continuation_token)
    assert (last.instance_ids, last.continuation_token) == (ids[4:], None)
    assert list(client.iter_workflow_instance_ids(page_size=1)) == ["id-0", "id-00", *ids[1:]]
    assert client.list_workflow_instance_ids().continuation_token is None
    assert client.list_workflow_instance_ids(page_size=6).continuation_token is None, "a full page may be the last"


@pytest.mark.parametrize("size", [0, -1, 2**32])
def test_a30_a_page_has_a_size(client: wf.DaprWorkflowClient, size: int) -> None:
    with pytest.raises(ValueError, match="page_size is a number from 1 to"):
        client.list_workflow_instance_ids(page_size=size)


def test_a31_a_history_is_told_oldest_first_with_the_ids_that_rerun_takes(lab: wf.Lab, client: wf.DaprWorkflowClient) -> None:
    @wf.activity
    def decline(_: wf.WorkflowActivityContext) -> None:
        raise LookupError("no stock")

    @wf.workflow
    def failing(ctx: wf.WorkflowContext) -> Any:
        yield ctx.call_activity(decline)

    with pytest.raises(wf.WorkflowFailed):
        lab.start(failing, instance_id="failed").result(WITHIN_SECONDS)
    started, scheduled, failed, ended = client.get_workflow_history("failed")
    assert (started.event_type, started.event_id, started.name) == (wf.WorkflowHistoryEventType.EXECUTION_STARTED, -1, "failing")
    assert (scheduled.event_type, scheduled.name) == (wf.WorkflowHistoryEventType.TASK_SCHEDULED, "decline")
    assert [event.is_rerunnable for event in (started, scheduled, failed, ended)] == [False, True, False, False]
    assert failed.task_scheduled_id == scheduled.event_id
    assert failed.failure_details is not None
    assert failed.failure_details.error_type == "LookupError"
    assert ended.failure_details is not None
    assert all(one.timestamp <= other.timestamp for one, other in pairwise((started, scheduled, failed, ended)))
    with pytest.raises(InstanceNotFound):
        client.get_workflow_history("nobody")


def test_the_async_client_waits_without_blocking_the_loop(lab: wf.Lab, runtime: wf.WorkflowRuntime) -> None:
    del runtime
    client = aio.DaprWorkflowClient(lab=lab)

    async def answer() -> None:
        await client.wait_for_workflow_start("slow", timeout_in_seconds=WITHIN_SECONDS)
        await client.pause_workflow("slow")
        await client.resume_workflow("slow")
        await client.raise_workflow_event("slow", "go", data=[])

    async def story() -> wf.WorkflowState | None:
        assert await client.get_workflow_state("slow") is None
        assert await client.schedule_new_workflow("waiting", instance_id="slow") == "slow"
        ended, _ = await asyncio.gather(client.wait_for_workflow_completion("slow", timeout_in_seconds=WITHIN_SECONDS), answer())
        assert (await client.get_workflow_history("slow"))[-1].event_type is wf.WorkflowHistoryEventType.EXECUTION_COMPLETED
        assert (await client.list_workflow_instance_ids(page_size=1)).instance_ids == ["slow"]
        assert [one async for one in client.iter_workflow_instance_ids(page_size=1)] == ["slow"]
        await client.purge_workflow("slow")
        assert await client.get_workflow_state("slow") is None
        return ended

    ended = asyncio.run(story())
    assert ended is not None
    assert ended.serialized_output == "[]"


def test_the_async_client_gives_up_a_wait_and_can_be_cancelled(lab: wf.Lab, runtime: wf.WorkflowRuntime) -> None:
    del runtime
    client = aio.DaprWorkflowClient(lab=lab)

    async def story() -> None:
        await client.schedule_new_workflow("waiting", instance_id="patient")
        with pytest.raises(TimeoutError):
            await client.wait_for_workflow_completion("patient", timeout_in_seconds=0.01)  # type: ignore[arg-type]  # Dapr says int
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.wait_for_workflow_completion("patient"), 0.01)
        with pytest.raises(InstanceNotFound):
            await client.wait_for_workflow_start("nobody")
        await client.terminate_workflow("patient", output="enough")
        state = await client.wait_for_workflow_completion("patient")
        assert state is not None
        assert state.runtime_status is wf.WorkflowStatus.TERMINATED
        with pytest.warns(DeprecationWarning, match="reuse_id_policy") as warned:
            await client.schedule_new_workflow("at_once", instance_id="patient", reuse_id_policy=object())
        assert warned[0].filename == __file__

    asyncio.run(story())


def weather(runtime: wf.WorkflowRuntime, tools: Any) -> None:
    """An MCP server, made of a workflow."""

    @runtime.workflow(name="dapr.internal.mcp.weather.ListTools")
    def list_tools(_: wf.WorkflowContext, asked: dict[str, str]) -> Any:
        assert asked == {"mcpServerName": "weather"}
        return tools


TOOLS = {"tools": [{"name": "now", "description": "The weather now", "inputSchema": {"type": "object"}}, {"name": "soon"}]}
NOW = wf.MCPToolDef("now", "The weather now", {"type": "object"}, "weather", "dapr.internal.mcp.weather.CallTool.now")


def test_the_mcp_client_lists_the_tools_of_a_server_made_of_workflows(lab: wf.Lab, runtime: wf.WorkflowRuntime) -> None:
    weather(runtime, TOOLS)
    client = wf.DaprMCPClient(wf_client=wf.DaprWorkflowClient(lab=lab))
    assert client.get_all_tools() == client.get_server_tools("weather") == []
    assert client.get_connected_servers() == []
    client.connect("weather")
    soon = wf.MCPToolDef("soon", "", {}, "weather", "dapr.internal.mcp.weather.CallTool.soon")
    assert client.get_all_tools() == client.get_server_tools("weather") == [NOW, soon]
    assert client.get_connected_servers() == ["weather"]


def test_the_async_mcp_client_keeps_the_tools_that_are_allowed(lab: wf.Lab, runtime: wf.WorkflowRuntime) -> None:
    weather(runtime, TOOLS)
    client = aio.DaprMCPClient(wf_client=aio.DaprWorkflowClient(lab=lab), allowed_tools={"now"})
    asyncio.run(client.connect("weather"))
    assert client.get_all_tools() == client.get_server_tools("weather") == [NOW]
    assert client.get_connected_servers() == ["weather"]
    with pytest.raises(InvalidArgument, match="no MCP server 'news'"):
        asyncio.run(client.connect("news"))


def test_an_mcp_server_that_is_not_there_is_told_with_what_to_register(lab: wf.Lab) -> None:
    with pytest.raises(InvalidArgument, match=r"'dapr\.internal\.mcp\.weather\.ListTools' is not registered"):
        wf.DaprMCPClient(wf_client=wf.DaprWorkflowClient(lab=lab)).connect("weather")
    with pytest.raises(ValueError, match="not an empty text"):
        wf.DaprMCPClient().connect(" ")
    with pytest.raises(ValueError, match="must be a positive number"):
        wf.DaprMCPClient(timeout_in_seconds=0)


@pytest.mark.parametrize("answer", ["no list", ["now"], {"tools": ["now"]}, {"tools": None}], ids=["text", "list", "names", "nothing"])
def test_an_mcp_server_that_answers_something_else_is_an_error(lab: wf.Lab, runtime: wf.WorkflowRuntime, answer: Any) -> None:
    weather(runtime, answer)
    with pytest.raises(RuntimeError, match="in a form that cannot be read"):
        wf.DaprMCPClient(wf_client=wf.DaprWorkflowClient(lab=lab)).connect("weather")


def test_an_mcp_server_that_fails_is_an_error(tmp_path: Path) -> None:
    with wf.Lab(tmp_path / "orders.duckdb") as lab:

        @wf.workflow(name="dapr.internal.mcp.weather.ListTools")
        def list_tools(_: wf.WorkflowContext) -> None:
            raise ConnectionError("no network")

        with pytest.raises(RuntimeError, match="the workflow is FAILED: no network"):
            wf.DaprMCPClient(wf_client=wf.DaprWorkflowClient(lab=lab)).connect("weather")


def test_an_mcp_server_that_does_not_answer_in_time_is_an_error(lab: wf.Lab) -> None:
    @wf.workflow(name="dapr.internal.mcp.weather.ListTools")
    def list_tools(ctx: wf.WorkflowContext) -> Any:
        return (yield ctx.wait_for_external_event("never"))

    soon: Any = 0.05  # Dapr says int
    patient = wf.DaprMCPClient(timeout_in_seconds=soon, wf_client=wf.DaprWorkflowClient(lab=lab))
    with pytest.raises(RuntimeError, match=r"has not listed its tools within 0\.05 seconds"):
        patient.connect("weather")
    with pytest.raises(RuntimeError, match=r"has not listed its tools within 0\.05 seconds"):
        asyncio.run(aio.DaprMCPClient(timeout_in_seconds=soon, wf_client=aio.DaprWorkflowClient(lab=lab)).connect("weather"))
