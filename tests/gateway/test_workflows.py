"""The runtime's workflow API: Dapr's paths, codes, bodies and errors, in front of workflows of the lab."""

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import httpx
import pytest
from dapr.proto.runtime.v1 import dapr_pb2_grpc, workflow_pb2

from wfengine.gateway.sidecar import Sidecar
from wfengine.model.instance import Status
from wfengine.runtime.engine import Engine

pytestmark = pytest.mark.slow

Ctx = Any


def double(_: Ctx, amount: int) -> int:
    return amount * 2


def order(ctx: Ctx, amount: int) -> Generator[Any, Any, Any]:
    ctx.set_custom_status({"step": "waits"})
    approved = yield ctx.wait_for_external_event("approval")
    if not approved:
        raise ValueError("not approved")
    return (yield ctx.call_activity(double, input=amount))


def batch(ctx: Ctx, names: list[str]) -> Generator[Any, Any, Any]:
    return (yield ctx.call_child_workflow(order, input=1, instance_id=names[0]))


@pytest.fixture
def engine(engine: Engine) -> Engine:
    for app_id in ("orders", None):
        engine.register_workflow(order, app_id=app_id)
        engine.register_workflow(batch, app_id=app_id)
        engine.register_activity(double, app_id=app_id)
    return engine


@pytest.fixture(params=["v1.0", "v1.0-beta1", "v1.0-alpha1"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def start(http: httpx.Client, instance_id: str, version: str = "v1.0", data: object = 21) -> httpx.Response:
    return http.post(f"/{version}/workflows/dapr/order/start?instanceID={instance_id}", content=json.dumps(data))


def test_a_start_is_accepted_and_says_where_the_instance_is(http: httpx.Client, engine: Engine, version: str) -> None:
    began = start(http, "order-1", version)
    assert (began.status_code, began.json()) == (202, {"instanceID": "order-1"})
    assert began.headers["location"] == f"/{version}/workflows/dapr/order-1"
    assert began.headers["retry-after"] == "1"
    assert http.get(began.headers["location"]).json()["workflowName"] == "order"
    started = engine.wait_for_workflow_start("order-1", 30)
    assert (started.app_id, started.input) == ("orders", "21")


def test_a_start_without_an_id_gets_one_and_without_a_body_no_input(http: httpx.Client, engine: Engine) -> None:
    began = http.post("/v1.0/workflows/anything/order/start")
    started = engine.wait_for_workflow_start(began.json()["instanceID"], 30)
    assert started.input is None


def test_a_workflow_that_nobody_has_yet_waits_for_who_has_it(http: httpx.Client, engine: Engine) -> None:
    assert http.post("/v1.0/workflows/dapr/late/start?instanceID=late-1", json=3).status_code == 202
    assert http.get("/v1.0/workflows/dapr/late-1").json()["runtimeStatus"] == "PENDING"

    def late(ctx: Ctx, amount: int) -> Generator[Any, Any, Any]:
        return (yield ctx.call_activity(double, input=amount))

    engine.register_workflow(late, app_id="orders")
    assert engine.wait_for_workflow_completion("late-1", 30).output == "6"


def test_an_instance_is_described_in_daprs_words(http: httpx.Client, engine: Engine, version: str) -> None:
    start(http, "order-1")
    engine.wait_for_workflow_start("order-1", 30)
    told = http.get(f"/{version}/workflows/dapr/order-1")
    assert told.status_code == 200
    body = told.json()
    assert datetime.fromisoformat(body.pop("createdAt")) <= datetime.fromisoformat(body.pop("lastUpdatedAt")) <= datetime.now(UTC)
    assert body == {
        "instanceID": "order-1",
        "workflowName": "order",
        "runtimeStatus": "RUNNING",
        "properties": {"dapr.workflow.input": "21", "dapr.workflow.custom_status": '{"step": "waits"}'},
    }


def test_an_event_with_the_body_as_its_data_lets_it_go_on(http: httpx.Client, engine: Engine, version: str) -> None:
    start(http, "order-1")
    raised = http.post(f"/{version}/workflows/dapr/order-1/raiseEvent/approval", content="true")
    assert (raised.status_code, raised.json()) == (202, {})
    assert engine.wait_for_workflow_completion("order-1", 30).output == "42"
    told = http.get("/v1.0/workflows/dapr/order-1").json()
    assert (told["runtimeStatus"], told["properties"]["dapr.workflow.output"]) == ("COMPLETED", "42")
    late = http.post(f"/{version}/workflows/dapr/order-1/raiseEvent/approval", content="true")
    assert late.status_code == 202, "an event for an ended instance is dropped, as in Dapr"


def test_a_failure_is_told_and_no_output(http: httpx.Client, engine: Engine) -> None:
    start(http, "order-1")
    http.post("/v1.0/workflows/dapr/order-1/raiseEvent/approval", content="false")
    engine.wait_for_workflow_completion("order-1", 30)
    told = http.get("/v1.0/workflows/dapr/order-1").json()
    assert told["runtimeStatus"] == "FAILED"
    assert told["properties"]["dapr.workflow.failure.error_type"] == "ValueError"
    assert told["properties"]["dapr.workflow.failure.error_message"] == "not approved"
    assert "raise ValueError" in told["properties"]["dapr.workflow.failure.stack_trace"]
    assert "dapr.workflow.output" not in told["properties"]


def test_pause_resume_terminate_and_purge_are_accepted(http: httpx.Client, engine: Engine, version: str) -> None:
    start(http, "order-1")
    engine.wait_for_workflow_start("order-1", 30)
    of_instance = f"/{version}/workflows/dapr/order-1"

    def status_after(verb: str) -> str:
        answer = http.post(f"{of_instance}/{verb}")
        assert (answer.status_code, answer.json()) == (202, {})
        return str(http.get(of_instance).json().get("runtimeStatus"))

    assert [status_after(verb) for verb in ("pause", "resume", "terminate", "purge")] == ["SUSPENDED", "RUNNING", "TERMINATED", "None"]


def test_terminate_and_purge_reach_the_children(http: httpx.Client, engine: Engine) -> None:
    http.post("/v1.0/workflows/dapr/batch/start?instanceID=parent", content='["child"]')
    engine.wait_for_workflow_start("parent", 30)
    http.post("/v1.0/workflows/dapr/parent/terminate")
    assert engine.wait_for_workflow_completion("parent", 30).status is Status.TERMINATED
    assert engine.wait_for_workflow_completion("child", 30).status is Status.TERMINATED
    http.post("/v1.0/workflows/dapr/parent/purge")
    assert [engine.get_workflow_state(one) for one in ("parent", "child")] == [None, None]


REFUSED = [
    ("GET", "nobody", 404, "ERR_INSTANCE_ID_NOT_FOUND", "unable to find workflow with the provided instance ID: nobody"),
    ("POST", "nobody/terminate", 404, "ERR_INSTANCE_ID_NOT_FOUND", "unable to find workflow with the provided instance ID: nobody"),
    ("POST", "nobody/purge", 404, "ERR_INSTANCE_ID_NOT_FOUND", "unable to find workflow with the provided instance ID: nobody"),
    ("POST", "nobody/pause", 500, "ERR_PAUSE_WORKFLOW", "error pausing workflow nobody: no such instance exists"),
    ("POST", "nobody/resume", 500, "ERR_RESUME_WORKFLOW", "error resuming workflow nobody: no such instance exists"),
    ("POST", "nobody/raiseEvent/e", 500, "ERR_RAISE_EVENT_WORKFLOW", "error raising event on workflow 'nobody': no such instance exists"),
    ("POST", f"order/start?instanceID={'x' * 65}", 400, "ERR_INSTANCE_ID_TOO_LONG", "exceeds the max length of 64 characters"),
    ("POST", "order/start?instanceID=a:b", 400, "ERR_INSTANCE_ID_INVALID", "workflow instance ID 'a:b' is invalid"),
    ("POST", "order/start?appID=a%2Fb", 400, "ERR_WORKFLOW_APP_ID_INVALID", "workflow app ID 'a/b' is invalid"),
    ("POST", "order-1/purge", 500, "ERR_PURGE_WORKFLOW", "error purging workflow order-1"),
    ("POST", "order/start?instanceID=order-1", 500, "ERR_START_WORKFLOW", "error starting workflow 'order': "),
]


@pytest.mark.parametrize(
    ("verb", "path", "status", "code", "message"), REFUSED, ids=[f"{path[:24]}-{code}" for _, path, _, code, _ in REFUSED]
)
def test_what_cannot_be_done_is_refused_in_daprs_words(
    http: httpx.Client, engine: Engine, verb: str, path: str, status: int, code: str, message: str
) -> None:
    start(http, "order-1")
    engine.wait_for_workflow_start("order-1", 30)
    answer = http.request(verb, f"/v1.0/workflows/dapr/{path}")
    assert (answer.status_code, answer.json()["errorCode"]) == (status, code)
    assert message in answer.json()["message"]


def test_a_payload_that_is_no_json_is_taken_as_text_and_one_that_is_no_text_refused(http: httpx.Client, engine: Engine) -> None:
    http.post("/v1.0/workflows/dapr/order/start?instanceID=text", content="plain words")
    assert engine.wait_for_workflow_start("text", 30).input == '"plain words"'
    answer = http.post("/v1.0/workflows/dapr/order/start?instanceID=bytes", content=b"\xff\xfe")
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "ERR_START_WORKFLOW")
    assert engine.get_workflow_state("bytes") is None


def test_each_act_is_a_row_with_the_instance_it_was_about(http: httpx.Client, calls: Callable[..., list[dict[str, Any]]]) -> None:
    start(http, "order-1")
    http.post("/v1.0/workflows/dapr/nobody/pause")
    assert [(row["target"], row["status"]) for row in calls("workflow")] == [("order-1", "202"), ("nobody", "500")]


# The same by gRPC.


@pytest.fixture
def stub(orders: Sidecar) -> Iterator[dapr_pb2_grpc.DaprStub]:
    with closing(grpc.insecure_channel(orders.grpc_address)) as channel:
        yield dapr_pb2_grpc.DaprStub(channel)


@pytest.mark.parametrize("suffix", ["Beta1", "Alpha1"])
def test_the_runtimes_rpcs_do_the_same(stub: dapr_pb2_grpc.DaprStub, engine: Engine, suffix: str) -> None:
    def ask(name: str, **fields: Any) -> Any:
        return getattr(stub, f"{name}Workflow{suffix}")(getattr(workflow_pb2, f"{name}WorkflowRequest")(**fields))

    def status() -> str:
        return str(ask("Get", instance_id="order-1").runtime_status)

    later = (datetime.now(UTC) + timedelta(milliseconds=50)).isoformat()
    options = {"dapr.workflow.start_time": later}
    assert ask("Start", workflow_name="order", instance_id="order-1", input=b"21", options=options).instance_id == "order-1"
    assert engine.wait_for_workflow_start("order-1", 30).scheduled_start is not None
    ask("Pause", instance_id="order-1")
    assert status() == "SUSPENDED"
    ask("Resume", instance_id="order-1")
    ask("RaiseEvent", instance_id="order-1", event_name="approval", event_data=b"true")
    assert engine.wait_for_workflow_completion("order-1", 30).output == "42"
    assert dict(ask("Get", instance_id="order-1").properties)["dapr.workflow.output"] == "42"
    ask("Terminate", instance_id="order-1")
    assert status() == "COMPLETED", "an end is an end"
    ask("Purge", instance_id="order-1")
    assert ask("Get", instance_id="order-1") == workflow_pb2.GetWorkflowResponse(instance_id="order-1")


@pytest.mark.parametrize(
    ("name", "fields", "code"),
    [
        ("Get", {}, grpc.StatusCode.INVALID_ARGUMENT),
        ("Terminate", {"instance_id": "nobody"}, grpc.StatusCode.NOT_FOUND),
        ("Pause", {"instance_id": "nobody"}, grpc.StatusCode.INTERNAL),
        ("Start", {}, grpc.StatusCode.INVALID_ARGUMENT),
        ("Start", {"workflow_name": "order", "options": {"dapr.workflow.start_time": "soon"}}, grpc.StatusCode.INTERNAL),
        ("RaiseEvent", {"instance_id": "nobody"}, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
def test_an_rpc_that_cannot_be_done_has_daprs_status(
    stub: dapr_pb2_grpc.DaprStub, name: str, fields: dict[str, Any], code: grpc.StatusCode
) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        getattr(stub, f"{name}WorkflowBeta1")(getattr(workflow_pb2, f"{name}WorkflowRequest")(**fields))
    assert refused.value.code() is code
