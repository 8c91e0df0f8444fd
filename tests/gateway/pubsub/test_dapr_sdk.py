"""Messages as Dapr's SDK for Python publishes and takes them: from its client, to its gRPC app, and by a stream."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest
from dapr.clients import DaprClient
from dapr.clients.grpc._response import TopicEventResponse, TopicEventResponseStatus
from dapr.common.pubsub.subscription import SubscriptionMessage
from dapr.ext.grpc import App as GrpcApp
from dapr.ext.grpc import InvokeMethodRequest, InvokeMethodResponse, Rule
from dapr.proto.runtime.v1 import dapr_pb2_grpc, pubsub_pb2

from tests.gateway.running import free_port
from tests.waiting import eventually
from wfengine.gateway.apps import App
from wfengine.gateway.gateway import Gateway
from wfengine.gateway.sidecar import Sidecar

pytestmark = pytest.mark.slow

Calls = Callable[..., list[dict[str, Any]]]


@contextmanager
def running(app: GrpcApp) -> Iterator[int]:
    port = free_port()
    thread = threading.Thread(target=lambda: app.run(port), daemon=True)
    thread.start()
    eventually(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
    try:
        yield port
    finally:
        app.stop()
        thread.join(timeout=10)


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_grpc_app_takes_messages_by_its_rules_and_answers_for_itself(gateway: Gateway, dapr: DaprClient, calls: Calls) -> None:
    app, heard = GrpcApp(), []
    retries = iter([TopicEventResponse("retry")])

    @app.subscribe(pubsub_name="pubsub", topic="orders")  # type: ignore[untyped-decorator]
    def other(event: SubscriptionMessage) -> TopicEventResponse:
        heard.append(("other", event.data(), event.id()))
        return next(retries, TopicEventResponse("success"))

    @app.subscribe(pubsub_name="pubsub", topic="orders", rule=Rule('event.type == "vip"', 1))  # type: ignore[untyped-decorator]
    def vip(event: SubscriptionMessage) -> None:
        heard.append(("vip", event.data(), event.id()))

    with running(app) as port:
        gateway.add_app(App(app_id="billing", app_port=port, app_protocol="grpc"))
        dapr.publish_event("pubsub", "orders", json.dumps({"id": 1}), data_content_type="application/json")
        kind = {"cloudevent.type": "vip", "cloudevent.id": "the-one"}
        dapr.publish_event("pubsub", "orders", "text", publish_metadata=kind, data_content_type="text/plain")
        eventually(lambda: len(heard) == 3)
    assert {(who, str(data)) for who, data, _ in heard} == {("other", "{'id': 1}"), ("vip", "text")}
    assert next(name for who, _, name in heard if who == "vip") == "the-one"
    eventually(lambda: len(calls("delivery")) == 3)
    assert {(row["method"], row["status"]) for row in calls("delivery")} == {("OnTopicEvent", "OK")}


def test_many_are_published_at_once(dapr: DaprClient) -> None:
    subscription = dapr.subscribe("pubsub", "orders")
    try:
        assert dapr.publish_events("pubsub", "orders", ["a", "b", "c"], data_content_type="text/plain").failed_entries == []
        heard = set()
        for _ in range(3):
            message = subscription.next_message()
            heard.add(message.data())
            subscription.respond_success(message)
        assert heard == {"a", "b", "c"}
    finally:
        subscription.close()


def test_a_stream_takes_messages_and_what_it_asks_for_comes_again(dapr: DaprClient, calls: Calls) -> None:
    heard: list[tuple[str, Any]] = []
    answers = iter([TopicEventResponseStatus.retry, TopicEventResponseStatus.success, TopicEventResponseStatus.drop])

    def take(message: Any) -> TopicEventResponse:
        heard.append((message.topic(), message.data()))
        return TopicEventResponse(next(answers))

    close = dapr.subscribe_with_handler("pubsub", "orders", take)
    try:
        dapr.publish_event("pubsub", "orders", json.dumps({"id": 1}), data_content_type="application/json")
        eventually(lambda: len(heard) == 2)
        dapr.publish_event("pubsub", "orders", json.dumps({"id": 2}), data_content_type="application/json")
        eventually(lambda: len(heard) == 3)
    finally:
        close()
    assert heard == [("orders", {"id": 1}), ("orders", {"id": 1}), ("orders", {"id": 2})]
    eventually(lambda: len(calls("delivery")) == 3)
    assert [row["status"] for row in calls("delivery")] == ["RETRY", "SUCCESS", "DROP"]


def test_what_a_stream_had_in_hand_when_it_ended_goes_to_the_next(dapr: DaprClient) -> None:
    first = dapr.subscribe("pubsub", "orders")
    dapr.publish_event("pubsub", "orders", "once", data_content_type="text/plain")
    assert first.next_message().data() == "once"
    first.close()
    second = dapr.subscribe("pubsub", "orders")
    try:
        message = second.next_message()
        assert message.data() == "once"
        second.respond_success(message)
    finally:
        second.close()


def test_a_streams_dead_letters_go_to_their_topic(dapr: DaprClient) -> None:
    dead = dapr.subscribe("pubsub", "poison")
    close = dapr.subscribe_with_handler("pubsub", "orders", lambda _: TopicEventResponse("drop"), dead_letter_topic="poison")
    try:
        dapr.publish_event("pubsub", "orders", "bad", data_content_type="text/plain")
        message = dead.next_message()
        assert message.data() == "bad"
        dead.respond_success(message)
    finally:
        close()
        dead.close()


@pytest.mark.parametrize(
    ("first", "code"),
    [
        (pubsub_pb2.SubscribeTopicEventsRequestAlpha1(), grpc.StatusCode.INVALID_ARGUMENT),
        (
            pubsub_pb2.SubscribeTopicEventsRequestAlpha1(
                initial_request=pubsub_pb2.SubscribeTopicEventsRequestInitialAlpha1(pubsub_name="kafka", topic="t")
            ),
            grpc.StatusCode.NOT_FOUND,
        ),
    ],
)
def test_a_stream_that_says_nothing_useful_first_is_refused(orders: Sidecar, first: Any, code: grpc.StatusCode) -> None:
    with grpc.insecure_channel(orders.grpc_address) as channel:
        stub = dapr_pb2_grpc.DaprStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            list(stub.SubscribeTopicEventsAlpha1(iter([first])))
    assert refused.value.code() is code


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_grpc_app_is_invoked_by_http(gateway: Gateway, dapr_by_http: DaprClient) -> None:
    app = GrpcApp()

    @app.method(name="greet")  # type: ignore[untyped-decorator]
    def greet(request: InvokeMethodRequest) -> InvokeMethodResponse:
        (caller,) = dict(request.metadata)["dapr-caller-app-id"]
        return InvokeMethodResponse(f"hello {request.text()} from {caller!s}", "text/plain")

    with running(app) as port:
        gateway.add_app(App(app_id="greeter", app_port=port, app_protocol="grpc"))
        answer = dapr_by_http.invoke_method("greeter", "greet", b"world")
    assert (answer.text(), answer.content_type) == ("hello world from orders", "text/plain")
