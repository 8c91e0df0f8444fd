"""One app calls another through its sidecar: by path, by header, by gRPC; what arrives, what comes back, and what happens when the other fails."""

import gzip
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import httpx
import pytest
from dapr.clients import DaprClient
from dapr.clients.exceptions import DaprInternalError
from starlette.responses import JSONResponse, Response

from tests.gateway.listening import Heard, HttpApp
from wfengine.gateway.apps import App
from wfengine.gateway.components import USUAL, Resources, parse_resources
from wfengine.gateway.gateway import Gateway
from wfengine.gateway.sidecar import Sidecar

pytestmark = pytest.mark.slow

Calls = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def billing(gateway: Gateway) -> Iterator[HttpApp]:
    app = HttpApp()
    with app.listening():
        gateway.add_app(App(app_id="billing", app_port=app.port, app_api_token="for-billing"))  # noqa: S106  # of a test
        yield app


@pytest.mark.parametrize("verb", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_a_call_by_path_arrives_as_it_was_made(http: httpx.Client, billing: HttpApp, verb: str) -> None:
    billing.answer = lambda _: JSONResponse({"paid": True}, 201, {"x-answer": "yes"})
    path = "/v1.0/invoke/billing/method/orders/7%2F8/pay?fast=1&to=a%20b"
    answer = http.request(verb, path, content=b"\x00body", headers={"x-trip": "here", "content-type": "application/x"})
    assert (answer.status_code, answer.json(), answer.headers["x-answer"]) == (201, {"paid": True}, "yes")
    (heard,) = billing.heard
    assert (heard.method, heard.path, heard.query, heard.body) == (verb, "/orders/7%2F8/pay", "fast=1&to=a%20b", b"\x00body")
    assert (heard.headers["x-trip"], heard.headers["content-type"]) == ("here", "application/x")
    assert (heard.headers["dapr-caller-app-id"], heard.headers["dapr-callee-app-id"]) == ("orders", "billing")


def test_a_call_by_header_arrives_at_the_same_path(http: httpx.Client, billing: HttpApp, calls: Calls) -> None:
    assert http.post("/orders/7", headers={"dapr-app-id": "billing"}, json=1).status_code == 200
    assert [(one.path, one.body) for one in billing.heard] == [("/orders/7", b"1")]
    (row,) = calls("invoke")
    assert (row["app_id"], row["target"], row["method"], row["status"]) == ("orders", "billing", "POST /orders/7", "200")


def test_tokens_are_shown_to_whom_they_belong(gateway: Gateway, billing: HttpApp) -> None:
    sidecar = gateway.add_app(App(app_id="secretive", api_token="for-the-sidecar"))  # noqa: S106  # of a test
    headers = {"dapr-api-token": "for-the-sidecar"}
    assert httpx.get(f"{sidecar.http_address}/v1.0/invoke/billing/method/x", headers=headers).status_code == 200
    assert billing.heard[0].headers["dapr-api-token"] == "for-billing"


def test_an_answer_comes_back_as_it_was_sent(http: httpx.Client, billing: HttpApp) -> None:
    packed = gzip.compress(b"much text")
    billing.answer = lambda _: Response(packed, 200, {"content-encoding": "gzip", "set-cookie": "a=1"})
    answer = http.get("/v1.0/invoke/billing/method/x")
    assert (answer.text, answer.headers["content-encoding"], answer.headers["set-cookie"]) == ("much text", "gzip", "a=1")
    billing.answer = lambda _: Response(b"no such order", 404, media_type="text/plain")
    assert (http.get("/v1.0/invoke/billing/method/x").status_code, http.get("/v1.0/invoke/billing/method/x").text) == (404, "no such order")


def test_daprs_client_calls_by_http(dapr_by_http: DaprClient, billing: HttpApp) -> None:
    billing.answer = lambda heard: JSONResponse({"heard": json.loads(heard.body)})
    answer = dapr_by_http.invoke_method("billing", "pay", json.dumps({"id": 7}), content_type="application/json", http_verb="POST")
    assert answer.json() == {"heard": {"id": 7}}
    billing.answer = lambda _: Response(b"broke", 500)
    with pytest.raises(DaprInternalError):
        dapr_by_http.invoke_method("billing", "pay", b"", http_verb="POST")


@pytest.fixture
def dapr_by_grpc(orders: Sidecar, monkeypatch: pytest.MonkeyPatch) -> Iterator[DaprClient]:
    monkeypatch.setenv("DAPR_HTTP_PORT", str(orders.app.http_port))
    monkeypatch.setenv("DAPR_API_METHOD_INVOCATION_PROTOCOL", "grpc")
    with DaprClient(orders.grpc_address) as client:
        yield client


@pytest.mark.filterwarnings("ignore:invoke_method with protocol gRPC is deprecated")
def test_daprs_client_calls_by_grpc(dapr_by_grpc: DaprClient, billing: HttpApp) -> None:

    def answer(heard: Heard) -> Response:
        return Response(heard.body[::-1], 404 if heard.path == "/nothing" else 200, media_type="text/plain")

    billing.answer = answer
    assert dapr_by_grpc.invoke_method("billing", "turn", b"abc", http_verb="PUT", http_querystring=(("a", "1"),)).text() == "cba"
    assert [(one.method, one.path, one.query) for one in billing.heard] == [("PUT", "/turn", "a=1")]
    with pytest.raises(grpc.RpcError) as refused:
        dapr_by_grpc.invoke_method("billing", "nothing", b"")
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND


def test_an_app_that_is_not_there_is_a_clear_error(gateway: Gateway, http: httpx.Client) -> None:
    unknown = http.get("/v1.0/invoke/nobody/method/x")
    assert (unknown.status_code, unknown.json()["errorCode"]) == (500, "ERR_DIRECT_INVOKE")
    assert "no app has this id" in unknown.json()["message"]
    gateway.add_app(App(app_id="mute"))
    assert "listens at no port" in http.get("/v1.0/invoke/mute/method/x").json()["message"]
    with HttpApp().listening() as gone:
        port = gone.port
    gateway.add_app(App(app_id="gone", app_port=port))
    assert f"gone does not answer at port {port}" in http.get("/v1.0/invoke/gone/method/x").json()["message"]
    assert http.get("/orders/7").status_code == 404, "without the header it is no invocation"


POLICIES = """
kind: Resiliency
metadata: {name: policies}
spec:
  policies:
    timeouts: {short: 200ms}
    retries: {twice: {policy: constant, duration: 1ms, maxRetries: 2}}
    circuitBreakers: {soon: {trip: consecutiveFailures >= 2, timeout: 1h}}
  targets:
    apps:
      billing: {retry: twice}
      slow: {timeout: short}
      broken: {circuitBreaker: soon}
"""


@pytest.fixture
def caller(gateway: Gateway) -> Iterator[httpx.Client]:
    """An app with policies."""
    resources = Resources(components=USUAL.components, resiliency=parse_resources(POLICIES, "r.yaml").resiliency)
    with httpx.Client(base_url=gateway.add_app(App(app_id="careful"), resources).http_address, timeout=30) as client:
        yield client


def test_a_call_that_fails_is_tried_again_as_the_policy_says(caller: httpx.Client, billing: HttpApp) -> None:
    answers = iter([Response(status_code=503), Response(status_code=500)])
    billing.answer = lambda _: next(answers, Response(b"well"))
    assert caller.post("/v1.0/invoke/billing/method/x", content=b"1").text == "well"
    assert [one.body for one in billing.heard] == [b"1"] * 3
    billing.answer = lambda _: Response(b"never", 500)
    assert (caller.get("/v1.0/invoke/billing/method/x").status_code, len(billing.heard)) == (500, 6)


def test_a_circuit_that_has_opened_spares_the_app(gateway: Gateway, caller: httpx.Client) -> None:
    app = HttpApp()
    app.answer = lambda _: Response(status_code=500)
    with app.listening():
        gateway.add_app(App(app_id="broken", app_port=app.port))
        answers = [caller.get("/v1.0/invoke/broken/method/x") for _ in range(4)]
    assert len(app.heard) == 2
    assert "circuit of apps/broken is open" in answers[-1].json()["message"]


def test_an_app_that_is_too_slow_is_not_waited_for(gateway: Gateway, caller: httpx.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        gateway.add_app(App(app_id="slow", app_port=mute.getsockname()[1]))
        answer = caller.get("/v1.0/invoke/slow/method/x")
    assert "No answer came within 0.2 s" in answer.json()["message"]
