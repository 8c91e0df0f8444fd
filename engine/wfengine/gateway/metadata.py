"""What a sidecar says of itself: the app, its port, its components, subscriptions and workers. Labels can be set, and last as long as it does."""

from collections.abc import Callable, Sequence
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from wfengine.gateway.apps import App
from wfengine.gateway.refusals import Refusal
from wfengine.gateway.wire import dapr_pb2 as wire

RUNTIME_VERSION = "1.19.0"  # whose dialect is spoken
_MOST_LABELS = 100
_LONGEST_LABEL = 4096


class Metadata:
    """`connected_workers` counts an app's workers; `components` and `subscriptions` list what an app has."""

    def __init__(
        self,
        connected_workers: Callable[[str | None], int],
        components: Callable[[App], Sequence[wire.RegisteredComponents]] = lambda _: (),
        subscriptions: Callable[[App], Sequence[wire.PubsubSubscription]] = lambda _: (),
    ) -> None:
        self._connected_workers = connected_workers
        self._components = components
        self._subscriptions = subscriptions
        self._labels: dict[str | None, dict[str, str]] = {}

    def routes(self, app: App) -> list[BaseRoute]:
        """GET and PUT."""

        async def get(_: Request) -> Response:
            return JSONResponse(as_json(self.of(app)))

        async def put(request: Request) -> Response:
            self._set(app, request.path_params["key"], (await request.body()).decode("utf-8", "replace"))
            return Response(status_code=204)

        return [Route("/v1.0/metadata", get), Route("/v1.0/metadata/{key}", put, methods=["PUT"])]

    def rpcs(self, app: App) -> dict[str, Any]:
        """The same by gRPC."""

        async def get(_: wire.GetMetadataRequest, __: Any) -> wire.GetMetadataResponse:
            return self.of(app)

        async def put(request: wire.SetMetadataRequest, _: Any) -> Empty:
            self._set(app, request.key, request.value)
            return Empty()

        return {
            "GetMetadata": grpc.unary_unary_rpc_method_handler(
                get, wire.GetMetadataRequest.FromString, wire.GetMetadataResponse.SerializeToString
            ),
            "SetMetadata": grpc.unary_unary_rpc_method_handler(put, wire.SetMetadataRequest.FromString, Empty.SerializeToString),
        }

    def of(self, app: App) -> wire.GetMetadataResponse:
        """What is so just now."""
        workers = self._connected_workers(app.app_id)
        found = wire.GetMetadataResponse(
            id=app.app_id or "",
            registered_components=self._components(app),
            subscriptions=self._subscriptions(app),
            extended_metadata={"daprRuntimeVersion": RUNTIME_VERSION, **self._labels.get(app.app_id, {})},
            runtime_version=RUNTIME_VERSION,
            actor_runtime=wire.ActorRuntime(runtime_status=wire.ActorRuntime.RUNNING, host_ready=True, placement="placement: connected"),
            workflows=wire.MetadataWorkflows(connected_workers=workers),
        )
        if app.app_port is not None:
            found.app_connection_properties.CopyFrom(
                wire.AppConnectionProperties(
                    port=app.app_port,
                    protocol=app.app_protocol,
                    channel_address=app.app_host,
                    max_concurrency=app.max_concurrency or 0,
                )
            )
        return found

    def _set(self, app: App, key: str, value: str) -> None:
        labels = self._labels.setdefault(app.app_id, {})
        if not key or len(key) > _LONGEST_LABEL or len(value) > _LONGEST_LABEL or (key not in labels and len(labels) >= _MOST_LABELS):
            message = f"A label has a name, at most {_LONGEST_LABEL} characters, and at most {_MOST_LABELS} beside it."
            raise Refusal(400, "ERR_METADATA_SET", message)
        labels[key] = value


def as_json(found: wire.GetMetadataResponse) -> dict[str, Any]:
    """The answer of the HTTP door, whose names are not all those of the message."""
    told: dict[str, Any] = MessageToDict(found)
    renamed = {
        "id": told.get("id"),
        "runtimeVersion": told.get("runtimeVersion"),
        "components": told.get("registeredComponents"),
        "extended": told.get("extendedMetadata"),
        "appConnectionProperties": told.get("appConnectionProperties"),
        "actorRuntime": {
            "runtimeStatus": wire.ActorRuntime.ActorRuntimeStatus.Name(found.actor_runtime.runtime_status),
            "hostReady": found.actor_runtime.host_ready,
            "placement": found.actor_runtime.placement,
        },
        "workflows": told.get("workflows"),
        "subscriptions": [
            {
                "pubsubname": one.pubsub_name,
                "topic": one.topic,
                "metadata": dict(one.metadata),
                "rules": [{"match": rule.match, "path": rule.path} for rule in one.rules.rules],
                "deadLetterTopic": one.dead_letter_topic,
                "type": wire.PubsubSubscriptionType.Name(one.type),
            }
            for one in found.subscriptions
        ],
    }
    return {name: value for name, value in renamed.items() if value}
