"""An app's own gRPC service is called through the caller's sidecar, with whatever stubs the programs have."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from wfengine.gateway.apps import App
from wfengine.gateway.gateway import Gateway
from wfengine.gateway.sidecar import Sidecar

TO_SHOP = (("dapr-app-id", "shop"), ("trip", "here"))


def one(request: bytes, context: grpc.ServicerContext) -> bytes:
    said: dict[str, Any] = dict(context.invocation_metadata())
    context.set_trailing_metadata((("x-done", "yes"),))
    return b"|".join([request, said["trip"].encode(), said["dapr-caller-app-id"].encode(), str(said.get("dapr-api-token")).encode()])


def many(requests: Iterator[bytes], _: grpc.ServicerContext) -> Iterator[bytes]:
    for request in requests:
        yield request[::-1]


def refuse(_: bytes, context: grpc.ServicerContext) -> bytes:
    context.abort(grpc.StatusCode.ALREADY_EXISTS, "there is one")
    raise AssertionError


@pytest.fixture
def line(gateway: Gateway, orders: Sidecar) -> Iterator[Any]:
    """A channel to the sidecar of `orders`, beside an app `shop` with a service of its own."""
    server = grpc.server(ThreadPoolExecutor(4))
    service: dict[str, Any] = {
        "One": grpc.unary_unary_rpc_method_handler(one),
        "Many": grpc.stream_stream_rpc_method_handler(many),
        "Refuse": grpc.unary_unary_rpc_method_handler(refuse),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("shop.Shop", service),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    gateway.add_app(App(app_id="shop", app_port=port, app_protocol="grpc", app_api_token="for-shop"))  # noqa: S106  # of a test
    with grpc.insecure_channel(orders.grpc_address) as channel:
        yield channel
    server.stop(None).wait()


def test_a_call_arrives_with_its_metadata_and_the_apps_own_token(line: Any) -> None:
    answer, call = line.unary_unary("/shop.Shop/One").with_call(b"1", metadata=(*TO_SHOP, ("dapr-api-token", "the sidecar's")), timeout=30)
    assert answer == b"1|here|orders|for-shop"
    assert dict(call.trailing_metadata())["x-done"] == "yes"


def test_a_stream_flows_both_ways_as_it_comes(line: Any) -> None:
    turned: list[bytes] = []

    def requests() -> Iterator[bytes]:
        yield b"ab"
        yield b"cd"

    turned.extend(line.stream_stream("/shop.Shop/Many")(requests(), metadata=TO_SHOP, timeout=30))
    assert turned == [b"ba", b"dc"]


@pytest.mark.parametrize(
    ("method", "target", "code"),
    [
        ("/shop.Shop/Refuse", "shop", grpc.StatusCode.ALREADY_EXISTS),
        ("/shop.Shop/One", "nobody", grpc.StatusCode.UNAVAILABLE),
        ("/dapr.proto.runtime.v1.Dapr/GetSecret", "shop", grpc.StatusCode.UNIMPLEMENTED),
    ],
)
def test_a_refusal_is_the_callers(line: Any, method: str, target: str, code: grpc.StatusCode) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        line.unary_unary(method)(b"", metadata=(("dapr-app-id", target),), timeout=30)
    assert refused.value.code() is code
