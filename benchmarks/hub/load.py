"""The load of benchmarks/gateway.py: workers that open streams and make turns as fast as they come, and clients that start workflows and wait.

    load.py DIALECT ADDRESS WORKERS WORKFLOWS

DIALECT is `dapr` (this project's own wire code) or `microsoft` (durabletask's). The worker is the same for both: no SDK, so that what is measured is the
sidecar. A workflow is two activities, one after the other: three turns and two attempts. It prints a line of JSON.
"""

import asyncio
import importlib
import json
import sys
import time
from typing import Any

import grpc.aio

STEPS = 2
AT_A_TIME = 64
PATIENCE_SECONDS = 100
SERVICE = "/TaskHubSidecarService/"
LIMITS = (("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1))


class Dapr:
    """Dapr's dialect."""

    request = "workflowRequest"
    complete = "CompleteWorkflowTask"

    def __init__(self) -> None:
        self.pb: Any = importlib.import_module("wfengine.gateway.wire.taskhub_pb2")
        self.response = self.pb.WorkflowResponse
        self.action = self.pb.WorkflowAction

    def schedule(self, number: int) -> Any:
        """An action: run an activity."""
        return self.action(id=number, scheduleTask=self.pb.ScheduleTaskAction(name="step", taskExecutionId=f"t{number}"))

    def end(self, number: int) -> Any:
        """An action: end."""
        return self.action(id=number, completeWorkflow=self.pb.CompleteWorkflowAction(workflowStatus=1))

    def instance_of(self, request: Any) -> str:
        """Whose attempt it is."""
        return str(request.workflowInstance.instanceId)


class Microsoft(Dapr):
    """The other dialect: the same messages under other names."""

    request = "orchestratorRequest"
    complete = "CompleteOrchestratorTask"

    def __init__(self) -> None:
        self.pb = importlib.import_module("durabletask.internal.orchestrator_service_pb2")
        self.response = self.pb.OrchestratorResponse
        self.action = self.pb.OrchestratorAction

    def schedule(self, number: int) -> Any:
        """Likewise."""
        return self.action(id=number, scheduleTask=self.pb.ScheduleTaskAction(name="step"))

    def end(self, number: int) -> Any:
        """Likewise."""
        return self.action(id=number, completeOrchestration=self.pb.CompleteOrchestrationAction(orchestrationStatus=1))

    def instance_of(self, request: Any) -> str:
        """Likewise."""
        return str(request.orchestrationInstance.instanceId)


def call(channel: grpc.aio.Channel, name: str, answer: Any) -> Any:
    """An rpc with one answer."""
    return channel.unary_unary(
        SERVICE + name, request_serializer=lambda one: one.SerializeToString(), response_deserializer=answer.FromString
    )


async def work(channel: grpc.aio.Channel, dialect: Dapr) -> None:
    """One worker: it answers whatever its stream brings."""
    pb = dialect.pb
    opened = channel.unary_stream(
        f"{SERVICE}GetWorkItems", request_serializer=pb.GetWorkItemsRequest.SerializeToString, response_deserializer=pb.WorkItem.FromString
    )
    turn_done = call(channel, dialect.complete, pb.CompleteTaskResponse)
    attempt_done = call(channel, "CompleteActivityTask", pb.CompleteTaskResponse)
    under_way = set()
    async for item in opened(pb.GetWorkItemsRequest()):
        if item.HasField("activityRequest"):
            request = item.activityRequest
            done = attempt_done(
                pb.ActivityResponse(instanceId=dialect.instance_of(request), taskId=request.taskId, completionToken=item.completionToken)
            )
        elif item.HasField(dialect.request):
            request = getattr(item, dialect.request)
            ended = sum(event.HasField("taskCompleted") for events in (request.pastEvents, request.newEvents) for event in events)
            action = dialect.schedule(ended + 1) if ended < STEPS else dialect.end(ended + 1)
            done = turn_done(dialect.response(instanceId=request.instanceId, actions=[action], completionToken=item.completionToken))
        else:
            continue
        answering = asyncio.ensure_future(_answered(done))
        under_way.add(answering)
        answering.add_done_callback(under_way.discard)


async def _answered(done: Any) -> None:
    await done


async def main(name: str, address: str, workers: int, workflows: int) -> None:
    """Open the streams, then run the workflows."""
    dialect = Dapr() if name == "dapr" else Microsoft()
    pb = dialect.pb
    channels = [grpc.aio.insecure_channel(address, options=LIMITS) for _ in range(workers)]
    working = [asyncio.ensure_future(work(channel, dialect)) for channel in channels]
    client = grpc.aio.insecure_channel(address, options=LIMITS)
    start = call(client, "StartInstance", pb.CreateInstanceResponse)
    wait = call(client, "WaitForInstanceCompletion", pb.GetInstanceResponse)
    room = asyncio.Semaphore(AT_A_TIME)

    async def one(number: int) -> None:
        async with room:
            begun = await start(pb.CreateInstanceRequest(instanceId=f"{name}-{number}", name="steps"))
            ended = await wait(pb.GetInstanceRequest(instanceId=begun.instanceId), timeout=PATIENCE_SECONDS)  # durabletask needs one
            assert ended.exists, begun.instanceId

    await asyncio.gather(*(one(-1 - number) for number in range(AT_A_TIME)))  # all are connected, and warm
    began = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(workflows)))
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "turns": workflows * (STEPS + 1), "workflows": workflows}))
    for task in working:
        task.cancel()
    await asyncio.gather(*working, return_exceptions=True)
    for channel in [*channels, client]:
        await channel.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
