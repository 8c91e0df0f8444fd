"""A worker that does by hand what an SDK does: it takes work items one by one, and answers what the test says."""

import queue
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import grpc
from google.protobuf.message import Message

from wfengine.gateway.sidecar import Sidecar
from wfengine.gateway.taskhub.service import NAME
from wfengine.gateway.wire import taskhub_pb2 as pb

LONGEST_SECONDS = 30


def call(channel: grpc.Channel, method: str, request: Message, answer: type[Any]) -> Any:
    """One call of the service."""
    ask = channel.unary_unary(
        f"/{NAME}/{method}", request_serializer=type(request).SerializeToString, response_deserializer=answer.FromString
    )
    return ask(request, timeout=LONGEST_SECONDS)


class Worker:
    """A stream of work items, and the answers to them; leaving the block ends the stream, as a lost connection does."""

    def __init__(self, sidecar: Sidecar, *capabilities: "pb.WorkerCapability") -> None:
        self.channel = grpc.insecure_channel(sidecar.grpc_address)
        self._capabilities = capabilities
        self._items: queue.Queue[pb.WorkItem] = queue.Queue()

    def __enter__(self) -> Self:
        ask = self.channel.unary_stream(
            f"/{NAME}/GetWorkItems",
            request_serializer=pb.GetWorkItemsRequest.SerializeToString,
            response_deserializer=pb.WorkItem.FromString,
        )
        self._stream = ask(pb.GetWorkItemsRequest(capabilities=self._capabilities))
        self._stream.initial_metadata()  # the sidecar knows of us
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def _listen(self) -> None:
        with suppress(grpc.RpcError):  # the stream has ended
            for item in self._stream:
                self._items.put(item)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stream.cancel()
        self.channel.close()

    def take(self) -> pb.WorkItem:
        """The next item."""
        return self._items.get(timeout=LONGEST_SECONDS)

    def answer_next(self, *actions: pb.WorkflowAction) -> None:
        """The next item is a turn, and is made as soon as it comes: for who waits in a call until it has been."""
        threading.Thread(target=lambda: self.turned(self.take(), *actions), daemon=True).start()

    def has_more(self) -> bool:
        """Whether something else has come."""
        return not self._items.empty()

    def turned(self, item: pb.WorkItem, *actions: pb.WorkflowAction, token: str | None = None) -> None:
        """The turn is made."""
        response = pb.WorkflowResponse(
            instanceId=item.workflowRequest.instanceId,
            actions=actions,
            completionToken=item.completionToken if token is None else token,
        )
        call(self.channel, "CompleteOrchestratorTask", response, pb.CompleteTaskResponse)

    def did(self, item: pb.WorkItem, result: str, token: str | None = None) -> None:
        """The activity is done."""
        response = _response(item, token)
        response.result.value = result
        call(self.channel, "CompleteActivityTask", response, pb.CompleteTaskResponse)

    def failed(self, item: pb.WorkItem, message: str) -> None:
        """It has failed."""
        response = _response(item)
        response.failureDetails.CopyFrom(pb.TaskFailureDetails(errorType="Error", errorMessage=message))
        call(self.channel, "CompleteActivityTask", response, pb.CompleteTaskResponse)


def _response(item: pb.WorkItem, token: str | None = None) -> pb.ActivityResponse:
    request = item.activityRequest
    return pb.ActivityResponse(
        instanceId=request.workflowInstance.instanceId,
        taskId=request.taskId,
        completionToken=item.completionToken if token is None else token,
    )


def asks(number: int, name: str = "step") -> pb.WorkflowAction:
    """An activity is called."""
    return pb.WorkflowAction(id=number, scheduleTask=pb.ScheduleTaskAction(name=name))


def ends(number: int, result: str, status: "pb.OrchestrationStatus" = pb.ORCHESTRATION_STATUS_COMPLETED) -> pb.WorkflowAction:
    """The workflow ends."""
    action = pb.WorkflowAction(id=number, completeWorkflow=pb.CompleteWorkflowAction(workflowStatus=status))
    action.completeWorkflow.result.value = result
    return action
