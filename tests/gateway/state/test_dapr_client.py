"""State as Dapr's own client for Python uses it, by gRPC."""

import json

import pytest
from dapr.clients import DaprClient
from dapr.clients.exceptions import DaprGrpcError
from dapr.clients.grpc._request import TransactionalStateOperation, TransactionOperationType
from dapr.clients.grpc._state import Concurrency, StateItem, StateOptions
from grpc import StatusCode

STORE = "statestore"


def test_bytes_and_text_come_back(dapr: DaprClient) -> None:
    dapr.save_state(STORE, "text", "hello")
    dapr.save_state(STORE, "bytes", b"\x00\xff")
    assert dapr.get_state(STORE, "text").text() == "hello"
    assert dapr.get_state(STORE, "bytes").data == b"\x00\xff"
    assert dapr.get_state(STORE, "nothing").data == b""


def test_an_etag_that_has_passed_is_aborted(dapr: DaprClient) -> None:
    dapr.save_state(STORE, "stock", "5")
    seen = dapr.get_state(STORE, "stock").etag
    dapr.save_state(STORE, "stock", "4", etag=seen)
    first_write = StateOptions(concurrency=Concurrency.first_write)
    with pytest.raises(DaprGrpcError) as late:
        dapr.save_state(STORE, "stock", "3", etag=seen, options=first_write)
    assert late.value.code() is StatusCode.ABORTED
    with pytest.raises(DaprGrpcError):
        dapr.delete_state(STORE, "stock", etag=seen)
    assert dapr.get_state(STORE, "stock").text() == "4"
    dapr.delete_state(STORE, "stock")
    assert dapr.get_state(STORE, "stock").text() == ""


def test_many_are_saved_and_read_at_once(dapr: DaprClient) -> None:
    dapr.save_bulk_state(STORE, [StateItem(key="a", value="1", metadata={"ttlInSeconds": "100"}), StateItem(key="b", value="2")])
    items = dapr.get_bulk_state(STORE, ["b", "a", "nothing"]).items
    assert [(item.key, item.text()) for item in items] == [("b", "2"), ("a", "1"), ("nothing", "")]


def test_a_transaction_is_done_whole_or_not_at_all(dapr: DaprClient) -> None:
    dapr.save_state(STORE, "a", "1")

    def run(*operations: TransactionalStateOperation) -> None:
        dapr.execute_state_transaction(STORE, operations=operations)

    upsert = TransactionalStateOperation(key="b", data="2")
    run(upsert, TransactionalStateOperation(key="a", operation_type=TransactionOperationType.delete))
    with pytest.raises(DaprGrpcError, match="state transaction"):
        run(TransactionalStateOperation(key="c", data="3"), TransactionalStateOperation(key="b", data="4", etag="0"))
    assert [dapr.get_state(STORE, key).text() for key in "abc"] == ["", "2", ""]


@pytest.mark.filterwarnings("ignore:The State Store Query API is an Alpha version")
def test_a_query_is_answered(dapr: DaprClient) -> None:
    for key, state in (("1", "WA"), ("2", "CA")):
        dapr.save_state(STORE, key, json.dumps({"state": state}))
    found = dapr.query_state(STORE, json.dumps({"filter": {"EQ": {"state": "CA"}}}))
    assert [(one.key, one.json()) for one in found.results] == [("2", {"state": "CA"})]


def test_a_store_that_is_not_declared_is_refused(dapr: DaprClient) -> None:
    with pytest.raises(DaprGrpcError) as refused:
        dapr.get_state("redis", "a")
    assert refused.value.code() is StatusCode.INVALID_ARGUMENT
