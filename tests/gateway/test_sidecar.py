"""A sidecar is there, says what it is, belongs to one app, and everything asked of it has a row."""

import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from dapr.clients import DaprClient

from wfengine.errors import InvalidArgument
from wfengine.gateway.apps import App
from wfengine.gateway.gateway import Gateway
from wfengine.gateway.ports import PortInUse
from wfengine.gateway.sidecar import Sidecar

pytestmark = pytest.mark.slow

Calls = Callable[..., list[dict[str, Any]]]


def test_a_sidecar_is_healthy_once_it_is_open(http: httpx.Client) -> None:
    assert [http.get(path).status_code for path in ("/v1.0/healthz", "/v1.0/healthz/outbound")] == [204, 204]
    assert http.get("/v1.0/healthz?appid=orders").status_code == 204
    assert http.get("/v1.0/healthz?appid=stranger").status_code == 500


def test_metadata_tells_the_app_its_port_and_its_labels(gateway: Gateway) -> None:
    sidecar = gateway.add_app(App(app_id="billing", app_port=7001, app_protocol="grpc"))
    assert httpx.put(f"{sidecar.http_address}/v1.0/metadata/stage", content="blue").status_code == 204
    told = httpx.get(f"{sidecar.http_address}/v1.0/metadata").json()
    assert told["id"] == "billing"
    assert told["appConnectionProperties"] == {"port": 7001, "protocol": "grpc", "channelAddress": "127.0.0.1"}
    assert told["extended"]["stage"] == "blue"
    assert told["actorRuntime"]["hostReady"] is True


def test_daprs_client_finds_the_sidecar_and_reads_its_metadata(dapr: DaprClient) -> None:
    dapr.set_metadata("stage", "green")
    told = dapr.get_metadata()
    assert told.application_id == "orders"
    assert told.extended_metadata["stage"] == "green"


def test_each_call_is_a_row_that_says_who_asked_what_and_how_it_went(http: httpx.Client, calls: Calls) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    http.get("/v1.0/metadata", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01", "user-agent": "a program"})
    http.get("/v1.0/nothing/here")
    told, lost = calls()
    assert (told["app_id"], told["api"], told["method"], told["status"]) == ("orders", "metadata", "GET /v1.0/metadata", "200")
    assert (told["trace"], told["caller"], told["error"]) == (trace, "a program", None)
    assert told["duration_ms"] > 0
    assert told["response_bytes"] > 100
    assert (lost["status"], lost["error"]) == ("404", "ERR_METHOD_NOT_FOUND: There is nothing at GET /v1.0/nothing/here.")


def test_an_rpc_is_a_row_too(dapr: DaprClient, calls: Calls) -> None:
    dapr.set_metadata("stage", "green")
    (row,) = calls("metadata")
    assert (row["app_id"], row["method"], row["status"]) == ("orders", "SetMetadata", "OK")
    assert row["caller"].startswith("dapr-sdk-python")


def test_who_subscribes_to_the_log_is_told_of_calls_that_can_be_read(gateway: Gateway, http: httpx.Client) -> None:
    told: list[str] = []
    stop = gateway.calls.subscribe(lambda batch: told.extend(call.method for call in batch))
    http.get("/v1.0/metadata")
    assert gateway.calls.flush()
    stop()
    http.get("/v1.0/metadata")
    assert gateway.calls.flush()
    assert told == ["GET /v1.0/metadata"]


def test_a_port_in_use_is_a_clear_error_and_leaves_nothing_open(gateway: Gateway) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse, match=f"Port {port} is in use"):
            gateway.add_app(App(app_id="late", http_port=port))
        with pytest.raises(PortInUse, match="grpc_port"):
            gateway.add_app(App(app_id="late", grpc_port=port))
    assert gateway.sidecar("late") is None
    assert gateway.add_app(App(app_id="late", http_port=port)).app.http_port == port


def test_an_app_has_one_sidecar_until_it_is_removed(gateway: Gateway, orders: Sidecar) -> None:
    with pytest.raises(InvalidArgument, match="a sidecar for orders already"):
        gateway.add_app(App(app_id="orders"))
    gateway.remove_app("orders")
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{orders.http_address}/v1.0/healthz")
    assert gateway.add_app(App(app_id="orders")).app.app_id == "orders"


def test_the_gateway_can_be_closed_twice_and_frees_its_ports(open_gateway: Callable[..., Gateway]) -> None:
    first = open_gateway()
    (own,) = first.sidecars()
    first.close()
    first.close()
    (again,) = open_gateway(http_port=own.app.http_port, grpc_port=own.app.grpc_port).sidecars()
    assert httpx.get(f"{again.http_address}/v1.0/healthz").status_code == 204


@pytest.mark.parametrize("app_id", ["", "a/b", "a||b", "two words", "x" * 300])
def test_an_app_id_that_cannot_stand_in_a_path_is_refused(app_id: str) -> None:
    with pytest.raises(InvalidArgument, match="An app id is a word"):
        App(app_id=app_id)
