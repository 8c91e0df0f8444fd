"""The gRPC service `TaskHubSidecarService` of one app: what workers and clients call, with Dapr's answers and errors. On the gateway's loop."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message

from wfengine.errors import (
    CallerError,
    EngineError,
    InstanceAlreadyExists,
    InstanceNotFound,
    InstanceNotTerminal,
    InvalidArgument,
    PayloadError,
)
from wfengine.gateway.taskhub import instances
from wfengine.gateway.taskhub.hub import Hub, stream_of
from wfengine.gateway.taskhub.scalars import json_text, moment
from wfengine.gateway.wire import taskhub_pb2 as pb
from wfengine.model.instance import Instance
from wfengine.model.payload import UNSET, JsonText
from wfengine.runtime.engine import Engine

NAME = "TaskHubSidecarService"
PING_SECONDS = 30.0
T = TypeVar("T")
_Context = grpc.aio.ServicerContext[Any, Any]
_NO_SUCH = "no such instance exists"


def handlers(hub: Hub, app_id: str | None) -> grpc.GenericRpcHandler:
    """The service, for a grpc.aio server whose callers are of this app."""
    service = TaskHub(hub, app_id)
    unary: dict[str, tuple[Callable[[Any, _Context], Awaitable[Message]], type[Message]]] = {
        "Hello": (service.hello, Empty),
        "StartInstance": (service.start_instance, pb.CreateInstanceRequest),
        "GetInstance": (service.get_instance, pb.GetInstanceRequest),
        "WaitForInstanceStart": (service.wait_for_start, pb.GetInstanceRequest),
        "WaitForInstanceCompletion": (service.wait_for_completion, pb.GetInstanceRequest),
        "RaiseEvent": (service.raise_event, pb.RaiseEventRequest),
        "TerminateInstance": (service.terminate, pb.TerminateRequest),
        "SuspendInstance": (service.suspend, pb.SuspendRequest),
        "ResumeInstance": (service.resume, pb.ResumeRequest),
        "PurgeInstances": (service.purge, pb.PurgeInstancesRequest),
        "CompleteActivityTask": (service.complete_activity, pb.ActivityResponse),
        "CompleteOrchestratorTask": (service.complete_workflow, pb.WorkflowResponse),
        "CompleteWorkflowTask": (service.complete_workflow, pb.WorkflowResponse),
        "RerunWorkflowFromEvent": (service.rerun, pb.RerunWorkflowFromEventRequest),
        "ListInstanceIDs": (service.list_ids, pb.ListInstanceIDsRequest),
        "GetInstanceHistory": (service.history, pb.GetInstanceHistoryRequest),
    }
    methods: dict[str, grpc.RpcMethodHandler[Any, Any]] = {
        name: grpc.unary_unary_rpc_method_handler(_answering(call), request_deserializer=kind.FromString, response_serializer=_serialized)
        for name, (call, kind) in unary.items()
    }
    methods["GetWorkItems"] = grpc.unary_stream_rpc_method_handler(
        service.get_work_items, request_deserializer=pb.GetWorkItemsRequest.FromString, response_serializer=bytes
    )
    return grpc.method_handlers_generic_handler(NAME, methods)


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()


def _answering(call: Callable[[Any, _Context], Awaitable[Message]]) -> Callable[[Any, _Context], Awaitable[Message]]:
    """The call, with our errors as gRPC's."""

    async def answer(request: Any, context: _Context) -> Message:
        try:
            return await call(request, context)
        except InstanceNotFound:
            await context.abort(grpc.StatusCode.NOT_FOUND, _NO_SUCH)
        except InstanceNotTerminal:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "orchestration has not yet completed")
        except InstanceAlreadyExists as error:
            await context.abort(grpc.StatusCode.ALREADY_EXISTS, f"an active workflow with ID '{error.instance_id}' already exists")
        except (InvalidArgument, PayloadError) as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        except CallerError as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        except EngineError as error:
            await context.abort(grpc.StatusCode.UNAVAILABLE, str(error))
        raise AssertionError(call)  # abort raises

    return answer


class TaskHub:
    """What one app's workers and clients may ask. Ids of instances are the lab's: all apps share them."""

    def __init__(self, hub: Hub, app_id: str | None) -> None:
        self._hub = hub
        self._engine: Engine = hub.engine
        self._run = hub.blocking.run
        self._app_id = app_id

    # Workers.

    async def hello(self, _request: Empty, _context: _Context) -> Empty:
        """Somebody is there."""
        return Empty()

    async def get_work_items(self, request: pb.GetWorkItemsRequest, context: _Context) -> AsyncIterator[bytes]:
        """A worker's stream: turns and attempts, as long as it is open."""
        stream = stream_of(self._app_id, request)
        ping = pb.WorkItem(healthPing=pb.HealthPing()).SerializeToString()
        await context.send_initial_metadata(())  # so that the worker knows at once that it is heard
        self._hub.join(stream)
        try:
            while stream.is_open:
                while stream.outgoing:
                    yield stream.outgoing.popleft()
                stream.bell.clear()
                try:
                    await asyncio.wait_for(stream.bell.wait(), PING_SECONDS)
                except TimeoutError:
                    if stream.wants_pings:
                        yield ping
        finally:
            self._hub.leave(stream)

    async def complete_activity(self, response: pb.ActivityResponse, _context: _Context) -> pb.CompleteTaskResponse:
        """What came of an attempt. What nobody waits for is passed over."""
        self._hub.attempt_done(self._app_id, response)
        return pb.CompleteTaskResponse()

    async def complete_workflow(self, response: pb.WorkflowResponse, _context: _Context) -> pb.CompleteTaskResponse:
        """What came of a turn; likewise."""
        self._hub.turn_done(self._app_id, response)
        return pb.CompleteTaskResponse()

    # Clients.

    async def start_instance(self, request: pb.CreateInstanceRequest, _context: _Context) -> pb.CreateInstanceResponse:
        """Start a workflow, and wait until its code has run for the first time, unless it starts later."""
        known = await self._state(request.instanceId) if request.enforceUniqueInstanceId and request.instanceId else None
        if known is not None:
            raise InstanceAlreadyExists(known.instance_id, known.name, known.status)
        is_later = request.HasField("scheduledStartTimestamp")
        instance_id, recorded = self._engine.schedule_new_workflow_soon(
            request.name,
            input=_payload(request.input.value),
            instance_id=request.instanceId or None,
            start_at=moment(request.scheduledStartTimestamp) if is_later else None,
            tags=dict(request.tags),
            app_id=request.router.targetAppID or self._app_id,
            may_be_elsewhere=True,
        )
        await _settled(recorded)
        if not is_later:
            await _settled(self._engine.when_started(instance_id))
        return pb.CreateInstanceResponse(instanceId=instance_id)

    async def get_instance(self, request: pb.GetInstanceRequest, _context: _Context) -> pb.GetInstanceResponse:
        """Where an instance stands."""
        instance = await self._state(request.instanceId)
        if instance is None:
            return pb.GetInstanceResponse(exists=False)
        return instances.response(instance, with_payloads=request.getInputsAndOutputs)

    async def _state(self, instance_id: str) -> Instance | None:
        return await self._run(self._engine.get_workflow_state, instance_id)

    async def wait_for_start(self, request: pb.GetInstanceRequest, _context: _Context) -> pb.GetInstanceResponse:
        """Wait until the code has run for the first time."""
        instance = await _settled(self._engine.when_started(request.instanceId))
        return instances.response(instance, with_payloads=request.getInputsAndOutputs)

    async def wait_for_completion(self, request: pb.GetInstanceRequest, _context: _Context) -> pb.GetInstanceResponse:
        """Wait until the instance has ended."""
        instance = await _settled(self._engine.when_finished(request.instanceId))
        return instances.response(instance, with_payloads=request.getInputsAndOutputs)

    async def raise_event(self, request: pb.RaiseEventRequest, _context: _Context) -> pb.RaiseEventResponse:
        """Deliver an event; it is recorded when this returns."""
        await _settled(self._engine.raise_workflow_event_soon(request.instanceId, request.name, data=_payload(request.input.value)))
        return pb.RaiseEventResponse()

    async def terminate(self, request: pb.TerminateRequest, _context: _Context) -> pb.TerminateResponse:
        """End an instance, and wait for that."""
        output = _payload(request.output.value)
        await _settled(self._engine.terminate_workflow_soon(request.instanceId, output=output, recursive=request.recursive))
        await _settled(self._engine.when_finished(request.instanceId))
        return pb.TerminateResponse()

    async def suspend(self, request: pb.SuspendRequest, _context: _Context) -> pb.SuspendResponse:
        """Suspend an instance; it is when this returns."""
        await _settled(self._engine.pause_workflow_soon(request.instanceId))
        return pb.SuspendResponse()

    async def resume(self, request: pb.ResumeRequest, _context: _Context) -> pb.ResumeResponse:
        """Resume an instance."""
        await _settled(self._engine.resume_workflow_soon(request.instanceId))
        return pb.ResumeResponse()

    async def purge(self, request: pb.PurgeInstancesRequest, _context: _Context) -> pb.PurgeInstancesResponse:
        """Delete an instance, or all ended ones that a filter names."""
        count = await self._run(instances.purge, self._engine, self._app_id, request)
        response = pb.PurgeInstancesResponse(deletedInstanceCount=count)
        response.isComplete.value = True
        return response

    async def rerun(self, request: pb.RerunWorkflowFromEventRequest, context: _Context) -> pb.RerunWorkflowFromEventResponse:
        """A new instance that shares the past of an ended one."""
        kind = await self._run(instances.event_kind, self._engine, request.sourceInstanceID, request.eventID)
        if kind is None:
            message = f"'{request.sourceInstanceID}' has no activity, timer or child workflow with the event ID {request.eventID}"
            await context.abort(grpc.StatusCode.NOT_FOUND, message)
        new_id = await self._run(
            lambda: self._engine.rerun_workflow_from_event(
                request.sourceInstanceID,
                request.eventID,
                new_instance_id=request.newInstanceID or None,
                input=_payload(request.input.value) if request.overwriteInput else UNSET,
                new_child_workflow_instance_id=request.newChildWorkflowInstanceID or None,
            )
        )
        return pb.RerunWorkflowFromEventResponse(newInstanceID=new_id)

    async def list_ids(self, request: pb.ListInstanceIDsRequest, _context: _Context) -> pb.ListInstanceIDsResponse:
        """The ids of this app's instances, a page at a time."""
        return await self._run(instances.listed, self._engine, self._app_id, request)

    async def history(self, request: pb.GetInstanceHistoryRequest, _context: _Context) -> pb.GetInstanceHistoryResponse:
        """All that is recorded of an instance; of one that a worker runs just now, what that was told."""
        key = self._engine.key_of(request.instanceId)
        told = None if key is None else self._hub.told(key)
        if told is None:
            return await self._run(instances.history, self._engine, request.instanceId)
        return pb.GetInstanceHistoryResponse(events=told)


def _payload(found: str) -> JsonText | None:
    text = json_text(found)
    return None if text is None else JsonText(text)


async def _settled(future: "Future[T]") -> T:
    return await asyncio.wrap_future(future)
