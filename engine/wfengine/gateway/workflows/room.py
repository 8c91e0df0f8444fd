"""The doors of the workflow API: Dapr's paths under each of its three versions, and the rpcs with their two suffixes."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from wfengine.gateway.apps import App
from wfengine.gateway.logged import TARGET
from wfengine.gateway.refusals import Refusal
from wfengine.gateway.wire import dapr_pb2 as wire
from wfengine.gateway.workflows.acts import WorkflowActs

VERSIONS = ("v1.0", "v1.0-beta1", "v1.0-alpha1")
SUFFIXES = ("Beta1", "Alpha1")
ASK_AGAIN_SECONDS = "1"
Answer = Callable[[Request], Awaitable[Response]]


class Workflows:
    """The workflow API of one gateway."""

    def __init__(self, acts: WorkflowActs) -> None:
        self._acts = acts

    def routes(self, app: App) -> list[BaseRoute]:
        """Seven paths, thrice."""
        acts: dict[str, tuple[type, Callable[[Any], Awaitable[None]]]] = {
            "terminate": (wire.TerminateWorkflowRequest, self._acts.terminate),
            "pause": (wire.PauseWorkflowRequest, self._acts.pause),
            "resume": (wire.ResumeWorkflowRequest, self._acts.resume),
            "purge": (wire.PurgeWorkflowRequest, self._acts.purge),
        }

        async def start(request: Request) -> Response:
            given = request.path_params
            asked = wire.StartWorkflowRequest(
                instance_id=request.query_params.get("instanceID", ""),
                workflow_name=given["workflow_name"],
                app_id=request.query_params.get("appID", ""),
                input=await request.body(),
            )
            started = (await self._acts.start(app, asked)).instance_id
            request.scope[TARGET] = started
            version = request.url.path.split("/")[1]
            place = f"/{version}/workflows/{quote(given['component'])}/{quote(started)}"
            return JSONResponse({"instanceID": started}, 202, {"location": place, "retry-after": ASK_AGAIN_SECONDS})

        async def get(request: Request) -> Response:
            instance_id = request.path_params["instance_id"]
            found = await self._acts.get(wire.GetWorkflowRequest(instance_id=instance_id, app_id=request.query_params.get("appID", "")))
            if not found.workflow_name:
                message = f"unable to find workflow with the provided instance ID: {instance_id}"
                raise Refusal(404, "ERR_INSTANCE_ID_NOT_FOUND", message)
            return JSONResponse({_as_said(name): value for name, value in MessageToDict(found).items()})

        async def raise_event(request: Request) -> Response:
            await self._acts.raise_event(
                wire.RaiseEventWorkflowRequest(
                    instance_id=request.path_params["instance_id"],
                    event_name=request.path_params["event_name"],
                    event_data=await request.body(),
                    app_id=request.query_params.get("appID", ""),
                )
            )
            return JSONResponse({}, 202)

        made: list[BaseRoute] = []
        for version in VERSIONS:
            of_component = f"/{version}/workflows/{{component}}"
            of_instance = f"{of_component}/{{instance_id}}"
            made += [
                Route(f"{of_component}/{{workflow_name}}/start", start, methods=["POST"]),
                Route(f"{of_instance}/raiseEvent/{{event_name}}", raise_event, methods=["POST"]),
                *(Route(f"{of_instance}/{verb}", _acting(kind, act), methods=["POST"]) for verb, (kind, act) in acts.items()),
                Route(of_instance, get, methods=["GET"]),
            ]
        return made

    def rpcs(self, app: App) -> dict[str, Any]:
        """Seven rpcs, twice."""

        async def start(asked: wire.StartWorkflowRequest, _: Any) -> wire.StartWorkflowResponse:
            return await self._acts.start(app, asked)

        async def get(asked: wire.GetWorkflowRequest, _: Any) -> wire.GetWorkflowResponse:
            return await self._acts.get(asked)

        def rpc(request: type, act: Callable[[Any, Any], Awaitable[Any]], response: type) -> Any:
            return grpc.unary_unary_rpc_method_handler(act, request.FromString, response.SerializeToString)  # type: ignore[attr-defined]

        made = {
            "StartWorkflow": rpc(wire.StartWorkflowRequest, start, wire.StartWorkflowResponse),
            "GetWorkflow": rpc(wire.GetWorkflowRequest, get, wire.GetWorkflowResponse),
            "TerminateWorkflow": rpc(wire.TerminateWorkflowRequest, _done(self._acts.terminate), Empty),
            "PauseWorkflow": rpc(wire.PauseWorkflowRequest, _done(self._acts.pause), Empty),
            "ResumeWorkflow": rpc(wire.ResumeWorkflowRequest, _done(self._acts.resume), Empty),
            "PurgeWorkflow": rpc(wire.PurgeWorkflowRequest, _done(self._acts.purge), Empty),
            "RaiseEventWorkflow": rpc(wire.RaiseEventWorkflowRequest, _done(self._acts.raise_event), Empty),
        }
        return {f"{name}{suffix}": handler for suffix in SUFFIXES for name, handler in made.items()}


def _acting(kind: type, act: Callable[[Any], Awaitable[None]]) -> Answer:
    async def answered(request: Request) -> Response:
        await act(kind(instance_id=request.path_params["instance_id"], app_id=request.query_params.get("appID", "")))
        return JSONResponse({}, 202)

    return answered


def _done(act: Callable[[Any], Awaitable[None]]) -> Callable[[Any, Any], Awaitable[Empty]]:
    async def answered(asked: Any, _: Any) -> Empty:
        await act(asked)
        return Empty()

    return answered


def _as_said(name: str) -> str:
    return {"instanceId": "instanceID"}.get(name, name)
