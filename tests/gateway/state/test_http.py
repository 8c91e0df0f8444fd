"""State by HTTP: any JSON under any key, ETags, time to live, bulk and transactions, durable when it is acknowledged."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest

from tests.waiting import eventually
from wfengine.gateway.apps import App
from wfengine.gateway.components import parse_resources
from wfengine.gateway.gateway import Gateway
from wfengine.gateway.options import Options
from wfengine.runtime.engine import Engine
from wfengine.store.store import Store

pytestmark = pytest.mark.slow

STORE = "/v1.0/state/statestore"


def save(http: httpx.Client, *items: dict[str, Any]) -> httpx.Response:
    return http.post(STORE, json=items)


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errorCode"]


@pytest.mark.parametrize("value", [{"total": 12, "lines": ["a", None]}, "text", 1.5, True, None, [], "ü 🙂", 12345678901234567890])
def test_a_value_comes_back_as_it_was_written(http: httpx.Client, value: object) -> None:
    assert save(http, {"key": "order-1", "value": value}).status_code == 204
    read = http.get(f"{STORE}/order-1")
    assert (read.status_code, read.json(), read.headers["content-type"]) == (200, value, "application/json")
    assert read.headers["etag"]


def test_the_digits_of_a_number_are_the_callers(http: httpx.Client) -> None:
    http.post(STORE, content='[{"key": "price", "value": 0.10000000000000000001}]')
    assert http.get(f"{STORE}/price").text == "0.10000000000000000001"


def test_what_is_not_there_has_no_content(http: httpx.Client) -> None:
    assert http.get(f"{STORE}/nothing").status_code == 204
    assert http.delete(f"{STORE}/nothing").status_code == 204


def test_a_deleted_value_is_gone(http: httpx.Client) -> None:
    save(http, {"key": "order-1", "value": 1})
    assert http.delete(f"{STORE}/order-1").status_code == 204
    assert http.get(f"{STORE}/order-1").status_code == 204


def test_an_etag_lets_the_first_of_two_writers_through(http: httpx.Client) -> None:
    save(http, {"key": "stock", "value": 5})
    seen = http.get(f"{STORE}/stock").headers["etag"]
    assert save(http, {"key": "stock", "value": 4, "etag": seen}).status_code == 204
    late = save(http, {"key": "stock", "value": 3, "etag": seen, "options": {"concurrency": "first-write"}})
    assert refused(late) == (409, "ERR_STATE_SAVE")
    assert "possible etag mismatch" in late.json()["message"]
    assert http.get(f"{STORE}/stock").json() == 4
    assert refused(http.delete(f"{STORE}/stock", headers={"if-match": seen})) == (409, "ERR_STATE_DELETE")
    assert save(http, {"key": "stock", "value": 2, "etag": seen, "options": {"concurrency": "last-write"}}).status_code == 204
    assert http.delete(f"{STORE}/stock", headers={"if-match": http.get(f"{STORE}/stock").headers["etag"]}).status_code == 204


def test_a_first_write_without_an_etag_is_for_keys_that_are_not_there(http: httpx.Client) -> None:
    first = {"key": "lock", "value": "mine", "options": {"concurrency": "first-write"}}
    assert [save(http, first).status_code, save(http, first).status_code] == [204, 409]


def test_a_value_lives_as_long_as_it_was_given(http: httpx.Client) -> None:
    save(
        http,
        {"key": "code", "value": 1, "metadata": {"ttlInSeconds": "100"}},
        {"key": "brief", "value": 2, "metadata": {"ttlInSeconds": 0}},
    )
    expires = datetime.fromisoformat(http.get(f"{STORE}/code").headers["metadata.ttlexpiretime"])
    assert timedelta(seconds=80) < expires - datetime.now(UTC) <= timedelta(seconds=100)
    assert http.get(f"{STORE}/brief").status_code == 204
    first = {"key": "brief", "value": 3, "options": {"concurrency": "first-write"}, "metadata": {"ttlInSeconds": "-1"}}
    assert save(http, first).status_code == 204, "what has expired is not there for writers either"
    assert "metadata.ttlexpiretime" not in http.get(f"{STORE}/brief").headers
    assert refused(http.post(f"{STORE}?metadata.ttlInSeconds=soon", json=[{"key": "a", "value": 1}])) == (400, "ERR_STATE_SAVE")


def test_what_has_expired_is_swept_from_the_table(http: httpx.Client, gateway: Gateway, engine: Engine) -> None:
    save(http, {"key": "brief", "value": 2, "metadata": {"ttlInSeconds": "0"}}, {"key": "stays", "value": 1})
    gateway._state.sweep()

    def rows() -> list[tuple[str]]:
        with engine.store.cursor() as cursor:
            return cursor.execute("SELECT key FROM state").fetchall()

    eventually(lambda: rows() == [("orders||stays",)])


def test_many_keys_are_read_at_once(http: httpx.Client) -> None:
    save(http, {"key": "a", "value": {"n": 1}}, {"key": "b", "value": "two"})
    found = http.post(f"{STORE}/bulk", json={"keys": ["b", "nothing", "a"]}).json()
    assert [(one["key"], one.get("data")) for one in found] == [("b", "two"), ("nothing", None), ("a", {"n": 1})]
    assert found[0]["etag"] != found[2]["etag"]
    assert http.post(f"{STORE}/bulk", json={"keys": []}).json() == []


def test_a_transaction_is_done_whole_or_not_at_all(http: httpx.Client) -> None:
    save(http, {"key": "a", "value": 1})
    steps = [
        {"operation": "upsert", "request": {"key": "b", "value": 2}},
        {"operation": "delete", "request": {"key": "a"}},
        {"operation": "upsert", "request": {"key": "b", "value": 3}},
    ]
    assert http.post(f"{STORE}/transaction", json={"operations": steps}).status_code == 204
    assert [http.get(f"{STORE}/{key}").text for key in "ab"] == ["", "3"]
    torn = [*steps, {"operation": "delete", "request": {"key": "b", "etag": "0"}}]
    assert refused(http.post(f"{STORE}/transaction", json={"operations": torn})) == (500, "ERR_STATE_TRANSACTION")
    assert http.get(f"{STORE}/b").json() == 3
    unknown = [{"operation": "increment", "request": {"key": "b"}}]
    assert refused(http.post(f"{STORE}/transaction", json={"operations": unknown})) == (400, "ERR_NOT_SUPPORTED_STATE_OPERATION")


def test_a_query_filters_sorts_and_pages(http: httpx.Client) -> None:
    people = {"1": ("A", "WA", 3), "2": ("B", "CA", 9), "3": ("A", "CA", 5), "4": ("A", "TX", 1)}
    save(http, *({"key": key, "value": {"person": {"org": org, "id": n}, "state": state}} for key, (org, state, n) in people.items()))

    def ask(**query: Any) -> Any:
        return http.post("/v1.0-alpha1/state/statestore/query", json=query).json()

    def keys(**query: Any) -> list[str]:
        return [one["key"] for one in ask(**query)["results"]]

    assert keys(filter={"AND": [{"EQ": {"person.org": "A"}}, {"IN": {"state": ["CA", "TX"]}}]}) == ["3", "4"]
    assert keys(filter={"OR": [{"GTE": {"person.id": 5}}, {"EQ": {"state": "TX"}}]}, sort=[{"key": "person.id", "order": "DESC"}]) == [
        "2",
        "3",
        "4",
    ]
    first = ask(sort=[{"key": "state"}], page={"limit": 3})
    assert ([one["key"] for one in first["results"]], first["token"]) == (["2", "3", "4"], "3")
    last = ask(sort=[{"key": "state"}], page={"limit": 3, "token": "3"})
    assert ([one["key"] for one in last["results"]], "token" in last) == (["1"], False)
    assert ask(filter={"LIKE": {"state": "C%"}})["errorCode"] == "ERR_STATE_QUERY"


BODIES = {
    "no list": "{}", "no JSON": "[", "no key": '[{"value": 1}]', "empty key": '[{"key": ""}]', "key is a number": '[{"key": 1}]',
    "prefix in key": '[{"key": "other||a", "value": 1}]', "too long": json.dumps([{"key": "k" * 2000}]), "deep": "[" * 100_000,
}  # fmt: skip


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_that_does_not_fit_is_refused_and_nothing_written(http: httpx.Client, engine: Engine, body: str) -> None:
    assert refused(http.post(STORE, content=body)) == (400, "ERR_MALFORMED_REQUEST")
    with engine.store.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM state").fetchone() == (0,)


def test_a_store_that_is_not_declared_is_refused(http: httpx.Client) -> None:
    assert refused(http.get("/v1.0/state/redis/a")) == (400, "ERR_STATE_STORE_NOT_FOUND")


COMPONENTS = """
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {name: shared}
spec:
  type: state.redis
  version: v1
  metadata: [{name: keyPrefix, value: none}]
---
apiVersion: dapr.io/v1alpha1
kind: Component
metadata: {name: mine}
spec: {type: state.postgresql, version: v1}
scopes: [orders]
"""


def test_keys_are_an_apps_own_unless_the_component_says_otherwise(gateway: Gateway, engine: Engine) -> None:
    resources = parse_resources(COMPONENTS, "components.yaml")
    assert len(resources.notes) == 2
    assert "stands in for state.redis" in resources.notes[0]
    a, b = (gateway.add_app(App(app_id=app_id), resources).http_address for app_id in ("orders", "billing"))
    httpx.post(f"{a}/v1.0/state/shared", json=[{"key": "k", "value": 1}])
    httpx.post(f"{a}/v1.0/state/mine", json=[{"key": "k", "value": 2}])
    assert httpx.get(f"{b}/v1.0/state/shared/k").json() == 1
    assert refused(httpx.get(f"{b}/v1.0/state/mine/k")) == (400, "ERR_STATE_STORE_NOT_FOUND"), "it is not in the scopes"
    with engine.store.cursor() as cursor:
        assert cursor.execute("SELECT store, key, app_id, value FROM state ORDER BY position").fetchall() == [
            ("shared", "k", "orders", "1"),
            ("mine", "orders||k", "orders", "2"),
        ]


def test_state_outlives_the_lab(tmp_path: Path) -> None:
    ports = Options(grpc_port=0, http_port=0)
    etags = []
    for expected in (204, 200):
        with (
            Engine(Store.open(tmp_path / "lab.duckdb")) as engine,
            Gateway(engine, ports) as gateway,
            httpx.Client(base_url=gateway.sidecars()[0].http_address) as http,
        ):
            assert http.get(f"{STORE}/a").status_code == expected
            save(http, {"key": "a", "value": 1})
            etags.append(int(http.get(f"{STORE}/a").headers["etag"]))
    assert etags[1] > etags[0], "an ETag is never used twice"


def test_a_write_that_duckdb_refuses_changes_nothing_and_the_next_goes_through(http: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    save(http, {"key": "a", "value": 1})

    def full(*_: object) -> None:
        raise duckdb.IOException("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("wfengine.gateway.ledger.append_rows", full)
        assert refused(save(http, {"key": "a", "value": 2})) == (500, "ERR_STATE_SAVE")
    assert http.get(f"{STORE}/a").json() == 1
    assert save(http, {"key": "a", "value": 3}).status_code == 204
    assert http.get(f"{STORE}/a").json() == 3


def test_a_call_about_state_is_a_row_with_its_key(http: httpx.Client, calls: Callable[..., list[dict[str, Any]]]) -> None:
    save(http, {"key": "a", "value": 1})
    http.get(f"{STORE}/a")
    assert [(row["method"], row["target"]) for row in calls("state")] == [(f"POST {STORE}", "statestore"), (f"GET {STORE}/a", "a")]
