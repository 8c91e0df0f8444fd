"""Whatever workers and clients say, the engine goes on, and so does the next one on the same record."""

from pathlib import Path
from random import Random

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty

from tests.gateway import raw
from tests.gateway.scribbling import scribbled
from wfengine.gateway.apps import App
from wfengine.gateway.gateway import Gateway
from wfengine.gateway.options import Options
from wfengine.gateway.wire import taskhub_pb2 as pb
from wfengine.model.instance import Status
from wfengine.runtime.engine import Engine
from wfengine.store.store import Store

pytestmark = pytest.mark.slow

ROUNDS = 60
CALLS = {
    "StartInstance": pb.CreateInstanceRequest,
    "GetInstance": pb.GetInstanceRequest,
    "RaiseEvent": pb.RaiseEventRequest,
    "TerminateInstance": pb.TerminateRequest,
    "SuspendInstance": pb.SuspendRequest,
    "ResumeInstance": pb.ResumeRequest,
    "PurgeInstances": pb.PurgeInstancesRequest,
    "RerunWorkflowFromEvent": pb.RerunWorkflowFromEventRequest,
    "ListInstanceIDs": pb.ListInstanceIDsRequest,
    "GetInstanceHistory": pb.GetInstanceHistoryRequest,
}
OUR_FAULT = {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL}
PATIENCE_SECONDS = 0.3  # what waits for a worker waits long


def scribble_an_answer(chance: Random, worker: raw.Worker, item: pb.WorkItem) -> None:
    """Answer an item: to whom is right, and what is anything."""
    if item.WhichOneof("request") == "workflowRequest":
        instance_id = item.workflowRequest.instanceId
        turn = scribbled(chance, pb.WorkflowResponse(), instance_id)
        turn.instanceId, turn.completionToken = instance_id, item.completionToken
        for number, action in enumerate(turn.actions):
            action.id = number if chance.random() < 0.7 else action.id
        raw.call(worker.channel, "CompleteOrchestratorTask", turn, pb.CompleteTaskResponse)
    else:
        request = item.activityRequest
        instance_id = request.workflowInstance.instanceId
        done = scribbled(chance, pb.ActivityResponse(), instance_id)
        done.instanceId, done.taskId, done.completionToken = instance_id, request.taskId, item.completionToken
        raw.call(worker.channel, "CompleteActivityTask", done, pb.CompleteTaskResponse)


def scribble_a_call(chance: Random, worker: raw.Worker, instance_id: str) -> None:
    """Ask anything of the service: it may refuse, and may take its time."""
    name = chance.choice(list(CALLS))
    request = scribbled(chance, CALLS[name](), instance_id)
    code = None
    try:
        raw.call(worker.channel, name, request, Empty, seconds=PATIENCE_SECONDS)
    except grpc.RpcError as error:
        code = error.code()
    assert code not in OUR_FAULT, (name, request)


def statuses(engine: Engine) -> dict[str, Status]:
    with engine.store.cursor() as cursor:
        return {found: Status(status) for found, status in cursor.execute("SELECT instance_id, status FROM instances").fetchall()}


def one_that_is_served(engine: Engine, worker: raw.Worker) -> None:
    """Somebody else's workflow, in between what is left of the others."""
    instance_id = engine.schedule_new_workflow_soon("served", app_id="orders", may_be_elsewhere=True)[0]
    while True:
        item = worker.take()
        if item.WhichOneof("request") == "activityRequest":
            worker.did(item, "1")
            continue
        worker.turned(item, raw.ends(1_000_000, '"served"'))
        if item.workflowRequest.instanceId == instance_id:
            break
    assert engine.wait_for_workflow_completion(instance_id, raw.LONGEST_SECONDS).output == '"served"'


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_workers_answer_and_clients_ask_others_are_served_and_the_record_can_be_opened_again(tmp_path: Path, seed: int) -> None:
    chance, path = Random(seed), tmp_path / "lab.duckdb"
    with Engine(Store.open(path)) as engine, Gateway(engine, Options(grpc_port=0, http_port=0)) as gateway:
        orders = gateway.add_app(App(app_id="orders"))
        with raw.Worker(orders, pb.WORKER_CAPABILITY_STATEFUL_HISTORY) as worker:
            for _ in range(ROUNDS):
                instance_id = engine.schedule_new_workflow_soon("step", input=1, app_id="orders", may_be_elsewhere=True)[0]
                scribble_an_answer(chance, worker, worker.take())
                while worker.has_more():
                    scribble_an_answer(chance, worker, worker.take())
                scribble_a_call(chance, worker, instance_id)
        with raw.Worker(orders) as worker:
            one_that_is_served(engine, worker)
        before = statuses(engine)
    with Engine(Store.open(path)) as engine:
        again = statuses(engine)
        assert again.keys() == before.keys()
        for instance_id, status in before.items():
            assert engine.history(instance_id)
            assert again[instance_id] == status or not status.is_terminal
