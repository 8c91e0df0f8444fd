"""Who may call, and how much: tokens, browsers, other names of this machine, bodies that are too large, too slow or no HTTP at all."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import httpx
import pytest
from dapr.clients import DaprClient
from dapr.clients.exceptions import DaprGrpcError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wfengine.errors import InvalidArgument
from wfengine.gateway.apps import App
from wfengine.gateway.gateway import Gateway
from wfengine.gateway.options import MEBIBYTE, Options
from wfengine.gateway.sidecar import Sidecar
from wfengine.runtime.engine import Engine
from wfengine.store.store import Store

pytestmark = pytest.mark.slow

OpenGateway = Callable[..., Gateway]
Calls = Callable[..., list[dict[str, Any]]]
SECRET = "a secret"  # noqa: S105  # of a test


def own(gateway: Gateway) -> Sidecar:
    (sidecar,) = gateway.sidecars()
    return sidecar


def said(sidecar: Sidecar, data: bytes, *, closes: bool = False) -> bytes:
    """What the HTTP port answers to bytes."""
    with socket.create_connection(("127.0.0.1", sidecar.app.http_port), timeout=30) as line:
        line.sendall(data)
        if closes:
            line.shutdown(socket.SHUT_WR)
        answer = b""
        while part := line.recv(65536):
            answer += part
            if b"\r\n\r\n" in answer and not closes:
                break
        return answer


def test_without_a_token_the_gateway_serves_this_machine_only(gateway: Gateway) -> None:
    assert own(gateway).http_address.startswith("http://127.0.0.1:")
    for host in ("0.0.0.0", "::", "192.168.1.5", "lab.example"):  # noqa: S104  # what is refused
        with pytest.raises(InvalidArgument, match="api_token"):
            Options(host=host)
    assert Options(host="0.0.0.0", api_token=SECRET).host == "0.0.0.0"  # noqa: S104
    with pytest.raises(InvalidArgument, match="api_token is empty"):
        Options(api_token=" ")  # noqa: S106  # of a test


def test_the_token_has_to_be_shown_once_it_is_set(open_gateway: OpenGateway) -> None:
    gateway = open_gateway(api_token=SECRET)
    address = own(gateway).http_address
    assert httpx.get(f"{address}/v1.0/healthz").status_code == 204, "a supervisor need not know it"
    for headers in ({}, {"dapr-api-token": "wrong"}, {"dapr-api-token": ""}, {"dapr-api-token": SECRET + "x"}):
        answer = httpx.get(f"{address}/v1.0/metadata", headers=headers)
        assert (answer.status_code, answer.json()["errorCode"]) == (401, "ERR_API_TOKEN")
    assert httpx.get(f"{address}/v1.0/metadata", headers={"dapr-api-token": SECRET}).status_code == 200
    sidecar = gateway.add_app(App(app_id="orders"))
    assert httpx.get(f"{sidecar.http_address}/v1.0/metadata").status_code == 401, "apps have it, too"
    mine = gateway.add_app(App(app_id="billing", api_token="its own"))  # noqa: S106  # of a test
    assert httpx.get(f"{mine.http_address}/v1.0/metadata", headers={"dapr-api-token": SECRET}).status_code == 401


def test_the_token_has_to_be_shown_by_grpc_as_well(open_gateway: OpenGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    sidecar = own(open_gateway(api_token=SECRET))
    monkeypatch.setenv("DAPR_HTTP_PORT", str(sidecar.app.http_port))
    with DaprClient(sidecar.grpc_address) as client, pytest.raises(DaprGrpcError) as refused:
        client.get_metadata()
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    monkeypatch.setenv("DAPR_API_TOKEN", SECRET)
    with DaprClient(sidecar.grpc_address) as client:
        assert client.get_metadata().application_id == ""


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"host": "evil.example"},
        {"host": "evil.example:3500"},
        {"host": "localhost.evil.example"},
        {"host": ""},
    ],
)
def test_a_page_in_a_browser_is_kept_out(http: httpx.Client, headers: dict[str, str]) -> None:
    answer = http.get("/v1.0/metadata", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["errorCode"] in {"ERR_ORIGIN_NOT_ALLOWED", "ERR_HOST_NOT_ALLOWED"}
    assert "access-control-allow-origin" not in answer.headers


def test_this_machine_has_its_usual_names_and_those_it_is_given(open_gateway: OpenGateway) -> None:
    address = own(open_gateway(allowed_hosts=("lab",), allowed_origins=("http://localhost:8888",))).http_address

    def status(**headers: str) -> int:
        return httpx.get(f"{address}/v1.0/metadata", headers=headers).status_code

    assert [status(host=name) for name in ("localhost", "LOCALHOST:3500", "127.0.0.1:1", "[::1]:3500", "lab:3500")] == [200] * 5
    assert [status(origin=name) for name in ("http://localhost:8888", "http://localhost:8889")] == [200, 403]


def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(open_gateway: OpenGateway) -> None:
    address = own(open_gateway(max_body_bytes=1000)).http_address
    url = f"{address}/v1.0/state/statestore"
    assert httpx.post(url, json=[{"key": "a", "value": "x" * 900}]).status_code == 204
    announced = httpx.post(url, json=[{"key": "a", "value": "x" * 2000}])
    assert (announced.status_code, announced.json()["errorCode"]) == (413, "ERR_BODY_TOO_LARGE")
    chunked = httpx.post(url, content=iter([b"x" * 600, b"y" * 600]))
    assert (chunked.status_code, chunked.json()["errorCode"]) == (413, "ERR_BODY_TOO_LARGE")
    assert httpx.get(f"{url}/a").json() == "x" * 900


def test_a_message_that_is_too_large_is_refused(open_gateway: OpenGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    sidecar = own(open_gateway(max_message_bytes=MEBIBYTE))
    monkeypatch.setenv("DAPR_HTTP_PORT", str(sidecar.app.http_port))
    with DaprClient(sidecar.grpc_address) as client:
        with pytest.raises(DaprGrpcError) as refused:
            client.save_state("statestore", "a", b"x" * 2 * MEBIBYTE)
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        client.save_state("statestore", "a", b"small")
        assert client.get_state("statestore", "a").data == b"small"


def test_who_is_slow_is_shown_out_and_holds_up_nobody(open_gateway: OpenGateway) -> None:
    sidecar = own(open_gateway(header_seconds=0.3, body_seconds=0.3))
    slow_headers = socket.create_connection(("127.0.0.1", sidecar.app.http_port), timeout=30)
    slow_body = socket.create_connection(("127.0.0.1", sidecar.app.http_port), timeout=30)
    silent = socket.create_connection(("127.0.0.1", sidecar.app.http_port), timeout=30)
    with slow_headers, slow_body, silent:
        slow_headers.sendall(b"GET /v1.0/metadata HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        slow_body.sendall(b"POST /v1.0/state/statestore HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n[")
        assert httpx.get(f"{sidecar.http_address}/v1.0/metadata").status_code == 200
        assert b" 408 " in slow_body.recv(65536).partition(b"\r\n")[0]
        assert slow_headers.recv(65536) == b""
        assert silent.recv(65536) == b""


MALFORMED = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00 hello\r\n\r\n",
    "no version": b"GET /v1.0/metadata\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx",
    "length is no number": b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
    "no host": b"GET /v1.0/metadata HTTP/1.1\r\n\r\n",
    "long header": b"GET /v1.0/metadata HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n",
    "many headers": b"GET /v1.0/metadata HTTP/1.1\r\nHost: localhost\r\n" + b"X-Many: 1\r\n" * 10_000 + b"\r\n",
    "bad chunk": b"POST /v1.0/state/statestore HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "a header in a header": b"GET /v1.0/metadata HTTP/1.1\r\nHost: localhost\r\nA\x00b: 1\r\n\r\n",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_http_is_refused_and_hurts_nobody(gateway: Gateway, data: bytes) -> None:
    answer = said(own(gateway), data)
    assert answer == b"" or b" 40" in answer.partition(b"\r\n")[0] or b" 43" in answer.partition(b"\r\n")[0]
    assert httpx.get(f"{own(gateway).http_address}/v1.0/metadata").status_code == 200


def test_a_caller_that_leaves_has_a_row_and_hurts_nobody(gateway: Gateway, calls: Calls) -> None:
    said(own(gateway), b"POST /v1.0/state/statestore HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n[", closes=True)
    assert httpx.get(f"{own(gateway).http_address}/v1.0/metadata").status_code == 200
    assert [row["method"] for row in calls()][-1] == "GET /v1.0/metadata"


def test_a_websocket_is_refused(gateway: Gateway) -> None:
    upgrade = b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    assert b" 101 " not in said(own(gateway), upgrade)


def test_http_spoken_to_the_grpc_port_hurts_nobody(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    sidecar = own(gateway)
    with socket.create_connection(("127.0.0.1", sidecar.app.grpc_port), timeout=30) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while line.recv(65536):
            pass
    monkeypatch.setenv("DAPR_HTTP_PORT", str(sidecar.app.http_port))
    with DaprClient(sidecar.grpc_address) as client:
        assert client.get_metadata().application_id == ""


PATHS = st.sampled_from(
    [
        "workflows/dapr/order/start", "workflows/dapr/x", "workflows/dapr/x/raiseEvent/e", "workflows/dapr/x/purge", "state/statestore", "state/statestore/bulk",
        "state/statestore/transaction", "state/statestore/k", "publish/pubsub/t", "publish/bulk/pubsub/t", "invoke/nobody/method/m", "metadata/k", "nowhere",
    ]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["key", "value", "keys", "operations", "entryId", "event", "etag", "metadata"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@pytest.fixture(scope="module")
def fuzzed_sidecar(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sidecar]:
    place = tmp_path_factory.mktemp("fuzzed") / "lab.duckdb"
    with Engine(Store.open(place)) as engine, Gateway(engine, Options(grpc_port=0, http_port=0)) as gateway:
        yield own(gateway)
        assert engine.trouble is None


@pytest.fixture(scope="module")
def fuzzed(fuzzed_sidecar: Sidecar) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=fuzzed_sidecar.http_address, timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def fuzzed_grpc(fuzzed_sidecar: Sidecar) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(fuzzed_sidecar.grpc_address) as channel:
        yield channel


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    verb=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"]),
    version=st.sampled_from(["v1.0", "v1.0-alpha1", "v1.0-beta1", "v2"]),
    path=PATHS,
    query=st.dictionaries(
        st.sampled_from(["instanceID", "metadata.ttlInSeconds", "metadata.rawPayload", "appID", "concurrency"]), st.text(max_size=10)
    ),
    body=JSON.map(lambda value: httpx.Request("POST", "http://x", json=value).content) | st.binary(max_size=60),
)
def test_whatever_is_asked_has_an_answer_that_is_no_fault_of_ours(
    fuzzed: httpx.Client, verb: str, version: str, path: str, query: dict[str, str], body: bytes
) -> None:
    answer = fuzzed.request(verb, f"/{version}/{path}", params=query, content=body)
    assert answer.status_code < 500 or answer.json()["errorCode"] != "ERR_INTERNAL", answer.text


def test_many_at_once_are_served(http: httpx.Client) -> None:
    statuses: list[int] = []

    def ask() -> None:
        with httpx.Client(base_url=http.base_url, timeout=60) as client:
            statuses.extend(client.get("/v1.0/metadata").status_code for _ in range(5))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 100


RPCS = [
    "GetState",
    "SaveState",
    "ExecuteStateTransaction",
    "PublishEvent",
    "BulkPublishEvent",
    "InvokeService",
    "StartWorkflowBeta1",
    "GetMetadata",
    "Nothing",
]


def outcome(asked: Any, data: bytes) -> grpc.StatusCode:
    """The status of an rpc."""
    call = asked.future(data, timeout=30)
    found: grpc.StatusCode = call.code()
    return found


@given(rpc=st.sampled_from(RPCS), data=st.binary(max_size=80))
def test_whatever_bytes_an_rpc_is_sent_it_answers_and_goes_on(fuzzed_grpc: grpc.Channel, rpc: str, data: bytes) -> None:
    asked = fuzzed_grpc.unary_unary(f"/dapr.proto.runtime.v1.Dapr/{rpc}", request_serializer=bytes, response_deserializer=bytes)
    assert outcome(asked, data) is not grpc.StatusCode.DEADLINE_EXCEEDED
    well = fuzzed_grpc.unary_unary("/dapr.proto.runtime.v1.Dapr/GetMetadata", request_serializer=bytes, response_deserializer=bytes)
    assert well(b"", timeout=30)
