"""The doors of the state API. By HTTP a value is any JSON and is kept as it was written; by gRPC it is bytes."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

import grpc
import msgspec
from google.protobuf.empty_pb2 import Empty
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from wfengine.gateway.apps import App
from wfengine.gateway.refusals import Refusal
from wfengine.gateway.state.acts import Asked, Found, StateActs
from wfengine.gateway.wire import dapr_pb2 as wire

T = TypeVar("T")
_METADATA = "metadata."
_CONCURRENCY = {
    wire.StateOptions.CONCURRENCY_FIRST_WRITE: "first-write",
    wire.StateOptions.CONCURRENCY_LAST_WRITE: "last-write",
}
_KINDS = {"upsert", "delete"}
_NOT_SUPPORTED = "ERR_NOT_SUPPORTED_STATE_OPERATION"
Labels = Mapping[str, Any] | None


class Options(msgspec.Struct, frozen=True):
    """How to write; consistency is always strong here."""

    concurrency: str = ""
    consistency: str = ""


class Item(msgspec.Struct, frozen=True):
    """An operation in a body."""

    key: Annotated[str, msgspec.Meta(min_length=1)]
    value: msgspec.Raw = msgspec.Raw(b"null")
    etag: str | None = None
    metadata: dict[str, Any] | None = None
    options: Options | None = None


class Step(msgspec.Struct, frozen=True):
    """An operation of a transaction."""

    operation: str
    request: Item


class Transaction(msgspec.Struct, frozen=True):
    """The body of one."""

    operations: list[Step] = []
    metadata: dict[str, Any] | None = None


class Keys(msgspec.Struct, frozen=True):
    """The body of a bulk get."""

    keys: list[str] = []
    metadata: dict[str, Any] | None = None
    parallelism: int = 0


class State:
    """The state API of one gateway."""

    def __init__(self, acts: StateActs) -> None:
        self._acts = acts

    def routes(self, app: App) -> list[BaseRoute]:
        """Save, get, delete, bulk, transaction and query."""

        async def save(request: Request) -> Response:
            asked = [_asked(item, _labels(request)) for item in _body(await request.body(), list[Item])]
            await self._acts.save(app, request.path_params["store"], asked)
            return Response(status_code=204)

        async def get(request: Request) -> Response:
            (found,) = self._acts.get(app, request.path_params["store"], [request.path_params["key"]])
            if found.data is None:
                return Response(status_code=204)
            headers = {"etag": found.etag or "", **{f"metadata.{name}": value for name, value in found.metadata.items()}}
            return Response(found.data, 200, headers, "application/json")

        async def delete(request: Request) -> Response:
            concurrency = request.query_params.get("concurrency", "")
            one = Asked(request.path_params["key"], None, request.headers.get("if-match"), concurrency, _labels(request))
            await self._acts.save(app, request.path_params["store"], [one])
            return Response(status_code=204)

        async def bulk(request: Request) -> Response:
            wanted = _body(await request.body(), Keys)
            found = self._acts.get(app, request.path_params["store"], wanted.keys)
            return Response(_listed(found), media_type="application/json")

        async def transact(request: Request) -> Response:
            given = _body(await request.body(), Transaction)
            labels = {**(given.metadata or {}), **_labels(request)}
            asked = [_asked(step.request, labels, _kind(step.operation)) for step in given.operations]
            await self._acts.transact(app, request.path_params["store"], asked)
            return Response(status_code=204)

        async def query(request: Request) -> Response:
            text = (await request.body()).decode("utf-8", "replace")
            found, token = self._acts.query(app, request.path_params["store"], text)
            body = b'{"results":' + _listed(found) + (b',"token":' + msgspec.json.encode(token) if token else b"") + b"}"
            return Response(body, media_type="application/json")

        of_store = "/v1.0/state/{store}"
        return [
            Route(of_store, save, methods=["POST", "PUT"]),
            Route(f"{of_store}/bulk", bulk, methods=["POST", "PUT"]),
            Route(f"{of_store}/transaction", transact, methods=["POST", "PUT"]),
            Route("/v1.0-alpha1/state/{store}/query", query, methods=["POST", "PUT"]),
            Route(f"{of_store}/{{key:path}}", get, methods=["GET"]),
            Route(f"{of_store}/{{key:path}}", delete, methods=["DELETE"]),
        ]

    def rpcs(self, app: App) -> dict[str, Any]:
        """The same."""

        async def get(asked: wire.GetStateRequest, _: Any) -> wire.GetStateResponse:
            (found,) = self._acts.get(app, asked.store_name, [asked.key])
            return wire.GetStateResponse(data=found.data or b"", etag=found.etag or "", metadata=found.metadata)

        async def bulk(asked: wire.GetBulkStateRequest, _: Any) -> wire.GetBulkStateResponse:
            found = self._acts.get(app, asked.store_name, asked.keys)
            items = [wire.BulkStateItem(key=one.key, data=one.data or b"", etag=one.etag or "", metadata=one.metadata) for one in found]
            return wire.GetBulkStateResponse(items=items)

        async def save(asked: wire.SaveStateRequest, _: Any) -> Empty:
            await self._acts.save(app, asked.store_name, [_from_wire(item, item.value) for item in asked.states])
            return Empty()

        async def delete(asked: wire.DeleteStateRequest, _: Any) -> Empty:
            await self._acts.save(app, asked.store_name, [_from_wire(asked, None)])
            return Empty()

        async def delete_bulk(asked: wire.DeleteBulkStateRequest, _: Any) -> Empty:
            await self._acts.save(app, asked.store_name, [_from_wire(item, None) for item in asked.states])
            return Empty()

        async def transact(asked: wire.ExecuteStateTransactionRequest, _: Any) -> Empty:
            steps = [
                _from_wire(one.request, one.request.value if _kind(one.operationType, 501) == "upsert" else None, asked.metadata)
                for one in asked.operations
            ]
            await self._acts.transact(app, asked.storeName, steps)
            return Empty()

        async def query(asked: wire.QueryStateRequest, _: Any) -> wire.QueryStateResponse:
            found, token = self._acts.query(app, asked.store_name, asked.query)
            results = [wire.QueryStateItem(key=one.key, data=one.data or b"", etag=one.etag or "") for one in found]
            return wire.QueryStateResponse(results=results, token=token)

        def rpc(act: Any, request: Any, response: Any) -> Any:
            return grpc.unary_unary_rpc_method_handler(act, request.FromString, response.SerializeToString)

        return {
            "GetState": rpc(get, wire.GetStateRequest, wire.GetStateResponse),
            "GetBulkState": rpc(bulk, wire.GetBulkStateRequest, wire.GetBulkStateResponse),
            "SaveState": rpc(save, wire.SaveStateRequest, Empty),
            "DeleteState": rpc(delete, wire.DeleteStateRequest, Empty),
            "DeleteBulkState": rpc(delete_bulk, wire.DeleteBulkStateRequest, Empty),
            "ExecuteStateTransaction": rpc(transact, wire.ExecuteStateTransactionRequest, Empty),
            "QueryStateAlpha1": rpc(query, wire.QueryStateRequest, wire.QueryStateResponse),
        }


def _body(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refusal(400, "ERR_MALFORMED_REQUEST", f"failed deserializing HTTP body: {error}") from None


def _labels(request: Request) -> dict[str, str]:
    """Metadata in the query: `?metadata.ttlInSeconds=10`."""
    return {name.removeprefix(_METADATA): value for name, value in request.query_params.items() if name.startswith(_METADATA)}


def _asked(item: Item, labels: Mapping[str, Any], kind: str = "upsert") -> Asked:
    options = item.options or Options()
    merged = {name: _text(value) for name, value in {**(item.metadata or {}), **labels}.items()}
    return Asked(item.key, bytes(item.value) if kind == "upsert" else None, item.etag, options.concurrency, merged)


def _from_wire(item: Any, data: bytes | None, labels: Labels = None) -> Asked:
    if not item.key:
        raise Refusal(400, "ERR_MALFORMED_REQUEST", '"key" is a required field')
    etag = item.etag.value if item.HasField("etag") else None
    return Asked(item.key, data, etag, _CONCURRENCY.get(item.options.concurrency, ""), {**(labels or {}), **item.metadata})


def _kind(word: str, status: int = 400) -> str:
    if word not in _KINDS:
        raise Refusal(status, _NOT_SUPPORTED, f"operation type {word} not supported")
    return word


def _listed(found: Sequence[Found]) -> bytes:
    """A JSON array; a value that is no JSON stands as text, one that is not there is left out."""
    made = []
    for one in found:
        item: dict[str, Any] = {"key": one.key}
        if one.data is not None:
            item |= {"data": _raw(one.data), "etag": one.etag}
        if one.metadata:
            item["metadata"] = one.metadata
        made.append(item)
    return msgspec.json.encode(made)


def _raw(data: bytes) -> Any:
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        return data.decode("utf-8", "replace")
    return msgspec.Raw(data)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
