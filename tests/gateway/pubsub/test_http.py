"""Messages from app to app by HTTP: the envelope, routes, retries, dead letters, and that none is lost."""

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import JSONResponse, Response

from tests.gateway.listening import HttpApp
from tests.waiting import eventually
from wfengine.gateway.apps import App
from wfengine.gateway.components import USUAL, Resources, parse_resources
from wfengine.gateway.gateway import Gateway
from wfengine.gateway.options import Options
from wfengine.runtime.engine import Engine
from wfengine.store.store import Store

pytestmark = pytest.mark.slow

Calls = Callable[..., list[dict[str, Any]]]


def events(app: HttpApp, path: str) -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in app.at(path)]


@pytest.fixture
def billing(gateway: Gateway) -> Iterator[HttpApp]:
    """An app that subscribes to `orders`."""
    app = HttpApp()
    app.subscriptions = [{"pubsubname": "pubsub", "topic": "orders", "route": "/orders"}]
    with app.listening():
        gateway.add_app(App(app_id="billing", app_port=app.port, app_api_token="the-app-wants-this"))  # noqa: S106
        yield app


def publish(http: httpx.Client, data: Any = None, topic: str = "orders", query: str = "", **request: Any) -> httpx.Response:
    return http.post(f"/v1.0/publish/pubsub/{topic}{query}", **(request or {"json": data}))


def test_what_is_published_arrives_in_an_envelope(http: httpx.Client, billing: HttpApp) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert http.post("/v1.0/publish/pubsub/orders", json={"id": 7}, headers={"traceparent": parent}).status_code == 204
    eventually(lambda: len(billing.at("/orders")) == 1)
    (heard,) = billing.at("/orders")
    assert (heard.method, heard.headers["content-type"]) == ("POST", "application/cloudevents+json")
    assert heard.headers["dapr-api-token"] == "the-app-wants-this"
    assert heard.headers["traceparent"] == parent
    event = json.loads(heard.body)
    assert uuid.UUID(event.pop("id"))
    assert event.pop("time").endswith("Z")
    assert event == {
        "specversion": "1.0",
        "datacontenttype": "application/json",
        "source": "orders",
        "type": "com.dapr.event.sent",
        "topic": "orders",
        "pubsubname": "pubsub",
        "traceid": parent,
        "traceparent": parent,
        "tracestate": "",
        "data": {"id": 7},
    }


def test_payloads_of_other_types_are_text_or_base64(http: httpx.Client, billing: HttpApp) -> None:
    publish(http, content="hello", headers={"content-type": "text/plain"})
    publish(http, content=b"\x00\xff", headers={"content-type": "application/octet-stream"})
    publish(http, content=b"no type")
    eventually(lambda: len(billing.at("/orders")) == 3)
    found = {event["datacontenttype"] + str(event.get("data")): event for event in events(billing, "/orders")}
    assert set(found) == {"text/plainhello", "application/octet-streamNone", "text/plainno type"}
    assert base64.b64decode(found["application/octet-streamNone"]["data_base64"]) == b"\x00\xff"


def test_a_publisher_may_name_the_event_or_send_one_of_its_own(http: httpx.Client, billing: HttpApp) -> None:
    publish(http, 1, query="?metadata.cloudevent.id=order-7&metadata.cloudevent.type=order.created&metadata.cloudevent.source=shop")
    own = {"specversion": "1.0", "id": "mine", "source": "me", "type": "t", "data": 2, "extra": "kept"}
    publish(http, content=json.dumps(own), headers={"content-type": "application/cloudevents+json"})
    eventually(lambda: len(billing.at("/orders")) == 2)
    found = {event["id"]: event for event in events(billing, "/orders")}
    assert (found["order-7"]["type"], found["order-7"]["source"]) == ("order.created", "shop")
    assert (found["mine"]["extra"], found["mine"]["topic"], found["mine"]["data"]) == ("kept", "orders", 2)


def test_a_bare_payload_is_wrapped_for_who_asks_for_that(gateway: Gateway, http: httpx.Client) -> None:
    app = HttpApp()
    app.subscriptions = [{"pubsubname": "pubsub", "topic": "raw", "route": "/raw", "metadata": {"rawPayload": "true"}}]
    with app.listening():
        gateway.add_app(App(app_id="other", app_port=app.port))
        publish(http, topic="raw", query="?metadata.rawPayload=true", content=b"\x01\x02")
        eventually(lambda: len(app.at("/raw")) == 1)
    (event,) = events(app, "/raw")
    assert base64.b64decode(event["data_base64"]) == b"\x01\x02"
    assert event["datacontenttype"] == "application/octet-stream"


def test_a_delivery_that_fails_is_tried_again_until_the_app_takes_it(http: httpx.Client, billing: HttpApp, calls: Calls) -> None:
    answers = iter([Response(status_code=500), JSONResponse({"status": "RETRY"})])
    billing.answer = lambda _: next(answers, Response(status_code=200))
    publish(http, {"id": 1})
    eventually(lambda: len(billing.at("/orders")) == 3)
    assert len({event["id"] for event in events(billing, "/orders")}) == 1
    eventually(lambda: len(calls("delivery")) == 3)
    rows = calls("delivery")
    assert [row["status"] for row in rows] == ["500", "200", "200"]
    assert [row["error"] for row in rows] == ["500: ", "The app said RETRY.", None]
    assert {(row["app_id"], row["target"], row["method"]) for row in rows} == {("billing", "orders", "POST /orders")}
    (published,) = calls("pubsub")
    assert {row["trace"] for row in rows} == {published["trace"]}, "a publication and its deliveries are one trace"


@pytest.mark.parametrize("answer", [lambda: Response(status_code=404), lambda: JSONResponse({"status": "DROP"})])
def test_what_the_app_drops_is_gone(http: httpx.Client, billing: HttpApp, engine: Engine, answer: Callable[[], Response]) -> None:
    billing.answer = lambda _: answer()
    publish(http, {"id": 1})
    eventually(lambda: len(billing.at("/orders")) == 1)
    eventually(lambda: count(engine, "pubsub_messages") == 0)
    assert len(billing.at("/orders")) == 1


def count(engine: Engine, table: str) -> int:
    with engine.store.cursor() as cursor:
        found = cursor.execute("SELECT count(*) FROM query_table(?)", [table]).fetchone()
    assert found is not None
    return int(found[0])


def test_routes_send_each_event_to_the_first_path_that_matches(gateway: Gateway, http: httpx.Client) -> None:
    app = HttpApp()
    rules = [
        {"match": 'event.type == "created" && event.data.total > 100', "path": "/large"},
        {"match": 'event.type == "created"', "path": "/new"},
    ]
    app.subscriptions = [{"pubsubname": "pubsub", "topic": "orders", "routes": {"rules": rules, "default": "/other"}}]
    with app.listening():
        sidecar = gateway.add_app(App(app_id="router", app_port=app.port))
        for kind, total in (("created", 500), ("created", 5), ("gone", 500)):
            publish(http, {"total": total}, query=f"?metadata.cloudevent.type={kind}")
        eventually(lambda: len(app.heard) == 3)
        listed = httpx.get(f"{sidecar.http_address}/v1.0/metadata").json()["subscriptions"]
    assert sorted((one.path, json.loads(one.body)["data"]["total"]) for one in app.heard) == [("/large", 500), ("/new", 5), ("/other", 500)]
    assert (listed[0]["topic"], listed[0]["type"], listed[0]["rules"][0]["path"]) == ("orders", "PROGRAMMATIC", "/large")


DECLARED = """
apiVersion: dapr.io/v2alpha1
kind: Subscription
metadata: {name: declared}
spec:
  pubsubname: pubsub
  topic: orders
  routes: {default: /declared}
  deadLetterTopic: poison
scopes: [billing]
---
apiVersion: dapr.io/v2alpha1
kind: Subscription
metadata: {name: poisoned}
spec: {pubsubname: pubsub, topic: poison, routes: {default: /poison}}
scopes: [billing]
"""
RETRIES = """
apiVersion: dapr.io/v1alpha1
kind: Resiliency
metadata: {name: policies}
spec:
  policies:
    retries:
      twice: {policy: constant, duration: 10ms, maxRetries: 2}
  targets:
    components:
      pubsub: {inbound: {retry: twice}}
"""


@pytest.mark.parametrize(("policies", "attempts"), [("", 1), (RETRIES, 3)])
def test_what_is_declared_is_delivered_and_what_fails_goes_to_the_dead_letters(
    gateway: Gateway, http: httpx.Client, engine: Engine, policies: str, attempts: int
) -> None:
    app = HttpApp()
    app.answer = lambda heard: Response(status_code=500 if heard.path == "/declared" else 200)
    declared = parse_resources(f"{DECLARED}---{policies}", "resources.yaml")
    resources = Resources(components=USUAL.components, subscriptions=declared.subscriptions, resiliency=declared.resiliency)
    with app.listening():
        gateway.add_app(App(app_id="billing", app_port=app.port), resources)
        publish(http, {"id": 1})
        eventually(lambda: len(app.at("/poison")) == 1)
    assert len(app.at("/declared")) == attempts
    assert events(app, "/poison")[0]["data"] == {"id": 1}
    assert count(engine, "pubsub_messages") == 0


def test_messages_wait_for_an_app_that_comes_later_and_for_one_that_comes_back(gateway: Gateway, http: httpx.Client) -> None:
    publish(http, {"id": 1})
    app = HttpApp()
    app.subscriptions = [{"pubsubname": "pubsub", "topic": "orders", "route": "/orders"}]
    with app.listening():
        gateway.add_app(App(app_id="billing", app_port=app.port))
        eventually(lambda: len(app.at("/orders")) == 1)
    publish(http, {"id": 2})
    with app.listening(app.port):
        eventually(lambda: len(app.at("/orders")) == 2)
    gateway.remove_app("billing")
    publish(http, {"id": 3})
    with app.listening():
        gateway.add_app(App(app_id="billing", app_port=app.port))
        eventually(lambda: len(app.at("/orders")) == 3)
    assert [event["data"]["id"] for event in events(app, "/orders")] == [1, 2, 3]


def test_each_app_that_subscribes_gets_each_message(gateway: Gateway, http: httpx.Client, engine: Engine) -> None:
    with ExitStack() as stack:
        apps = [stack.enter_context(HttpApp().listening()) for _ in range(3)]
        for number, app in enumerate(apps):
            app.subscriptions = [{"pubsubname": "pubsub", "topic": "orders", "route": "/orders"}]
            gateway.add_app(App(app_id=f"app-{number}", app_port=app.port))
        for number in range(20):
            publish(http, number)
        for app in apps:
            eventually(lambda app=app: sorted(event["data"] for event in events(app, "/orders")) == list(range(20)))  # type: ignore[misc]
        eventually(lambda: (count(engine, "pubsub_messages"), count(engine, "pubsub_deliveries")) == (0, 0))


def test_many_are_published_at_once(http: httpx.Client, billing: HttpApp) -> None:
    many = [
        {"entryId": "1", "event": {"n": 1}, "contentType": "application/json"},
        {"entryId": "2", "event": "text", "contentType": "text/plain"},
        {"entryId": "3", "event": base64.b64encode(b"\x00\x01").decode(), "contentType": "application/octet-stream"},
    ]
    assert http.post("/v1.0-alpha1/publish/bulk/pubsub/orders", json=many).status_code == 204
    eventually(lambda: len(billing.at("/orders")) == 3)
    found = events(billing, "/orders")
    assert sorted(str(event.get("data")) for event in found) == ["None", "text", "{'n': 1}"]
    assert base64.b64decode(next(event["data_base64"] for event in found if "data" not in event)) == b"\x00\x01"
    twice = http.post("/v1.0/publish/bulk/pubsub/orders", json=[many[0], many[0]])
    assert (twice.status_code, twice.json()["errorCode"]) == (400, "ERR_PUBSUB_EVENTS_SER")


def test_a_message_that_nobody_takes_in_its_time_expires(gateway: Gateway, http: httpx.Client, engine: Engine) -> None:
    app = HttpApp()
    app.subscriptions = [{"pubsubname": "pubsub", "topic": "orders", "route": "/orders"}]
    app.answer = lambda _: Response(status_code=500)
    with app.listening():
        gateway.add_app(App(app_id="billing", app_port=app.port))
        publish(http, {"id": 1}, query="?metadata.ttlInSeconds=1")
        eventually(lambda: count(engine, "pubsub_messages") == 0)
    assert len(app.at("/orders")) >= 1


REFUSED: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "unknown broker": ("/v1.0/publish/kafka/orders", {"json": 1}, 404, "ERR_PUBSUB_NOT_FOUND"),
    "no topic": ("/v1.0/publish/pubsub/", {"json": 1}, 404, "ERR_TOPIC_NAME_EMPTY"),
    "raw or not": ("/v1.0/publish/pubsub/orders?metadata.rawPayload=perhaps", {"json": 1}, 400, "ERR_PUBSUB_REQUEST_METADATA"),
    "ttl": ("/v1.0/publish/pubsub/orders?metadata.ttlInSeconds=x", {"json": 1}, 400, "ERR_PUBSUB_REQUEST_METADATA"),
    "no event": (
        "/v1.0/publish/pubsub/orders",
        {"content": "[1]", "headers": {"content-type": "application/cloudevents+json"}},
        400,
        "ERR_PUBSUB_CLOUD_EVENTS_SER",
    ),
    "bulk": ("/v1.0-alpha1/publish/bulk/pubsub/orders", {"content": "{"}, 400, "ERR_PUBSUB_EVENTS_SER"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_published_is_refused(http: httpx.Client, engine: Engine, name: str) -> None:
    path, request, status, code = REFUSED[name]
    answer = http.post(path, **request)
    assert (answer.status_code, answer.json()["errorCode"]) == (status, code)
    assert count(engine, "pubsub_messages") == 0


def test_messages_outlive_the_lab(tmp_path: Path) -> None:
    app = HttpApp()
    app.subscriptions = [{"pubsubname": "pubsub", "topic": "orders", "route": "/orders"}]
    app.answer = lambda heard: Response(status_code=500 if json.loads(heard.body)["data"] == 1 else 200)
    ports = Options(grpc_port=0, http_port=0)
    with app.listening():
        for number in (1, 2):
            with Engine(Store.open(tmp_path / "lab.duckdb")) as engine, Gateway(engine, ports) as gateway:
                gateway.add_app(App(app_id="billing", app_port=app.port))
                httpx.post(f"{gateway.sidecars()[0].http_address}/v1.0/publish/pubsub/orders", json=number)
                eventually(lambda number=number: number in [event["data"] for event in events(app, "/orders")])  # type: ignore[misc]
                eventually(lambda engine=engine: count(engine, "pubsub_messages") == 1)  # type: ignore[misc]
        app.answer = lambda _: Response(status_code=200)
        heard_before = len(app.heard)
        with Engine(Store.open(tmp_path / "lab.duckdb")) as engine, Gateway(engine, ports) as gateway:
            gateway.add_app(App(app_id="billing", app_port=app.port))
            eventually(lambda: count(engine, "pubsub_messages") == 0)
    assert [json.loads(one.body)["data"] for one in app.heard[heard_before:]] == [1], "what was settled does not come again"


def test_an_app_that_answers_nonsense_about_its_subscriptions_hurts_nobody(gateway: Gateway, http: httpx.Client, billing: HttpApp) -> None:
    odd = HttpApp()
    odd.subscriptions = [{"pubsubname": "pubsub"}]
    with odd.listening():
        sidecar = gateway.add_app(App(app_id="odd", app_port=odd.port))
        publish(http, {"id": 1})
        eventually(lambda: len(billing.at("/orders")) == 1)
        assert "subscriptions" not in httpx.get(f"{sidecar.http_address}/v1.0/metadata").json()
