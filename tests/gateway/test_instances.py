"""Instances of a program's workflows, managed with Dapr's own client: ids, pages, history, reruns, purges, and the errors it gets."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from dapr.ext.workflow import DaprWorkflowClient, WorkflowStatus

from tests.gateway import raw
from wfengine.gateway.sidecar import Sidecar
from wfengine.gateway.wire import taskhub_pb2 as pb

pytestmark = pytest.mark.slow

LONGEST_SECONDS = 30


@pytest.fixture
def client(orders: Sidecar) -> Iterator[DaprWorkflowClient]:
    opened = DaprWorkflowClient(host="127.0.0.1", port=str(orders.app.grpc_port))
    yield opened
    opened.close()


@pytest.fixture
def worker(orders: Sidecar) -> Iterator[raw.Worker]:
    with raw.Worker(orders) as connected:
        yield connected


def start(client: DaprWorkflowClient, worker: raw.Worker, instance_id: str, *actions: pb.WorkflowAction) -> str:
    """Start an instance whose first turn asks for this: the call returns once that turn is recorded."""
    worker.answer_next(*actions)
    return client.schedule_new_workflow(workflow="steps", instance_id=instance_id)


def end(client: DaprWorkflowClient, worker: raw.Worker, instance_id: str) -> None:
    """An instance of one activity, to its end."""
    start(client, worker, instance_id, raw.asks(0))
    worker.did(worker.take(), '"made"')
    worker.turned(worker.take(), raw.ends(1, '"all of it"'))
    state = client.wait_for_workflow_completion(instance_id, timeout_in_seconds=LONGEST_SECONDS)
    assert state is not None
    assert state.runtime_status is WorkflowStatus.COMPLETED


def code_of(error: pytest.ExceptionInfo[grpc.RpcError]) -> grpc.StatusCode:
    code = error.value.code()
    assert isinstance(code, grpc.StatusCode)
    return code


def test_ids_come_in_pages_and_only_of_the_callers_app(client: DaprWorkflowClient, worker: raw.Worker, shipping: Sidecar) -> None:
    ids = [f"order-{number}" for number in range(5)]
    for instance_id in ids:
        end(client, worker, instance_id)
    first = client.list_workflow_instance_ids(page_size=2)
    assert list(first.instance_ids) == ids[:2]
    assert list(client.iter_workflow_instance_ids(page_size=2)) == ids
    other = DaprWorkflowClient(host="127.0.0.1", port=str(shipping.app.grpc_port))
    assert list(other.iter_workflow_instance_ids()) == []
    other.close()


def test_a_token_that_was_never_given_is_refused(client: DaprWorkflowClient) -> None:
    with pytest.raises(grpc.RpcError) as refused:
        client.list_workflow_instance_ids(continuation_token="made up")  # noqa: S106  # a place in a list, no secret
    assert code_of(refused) is grpc.StatusCode.INVALID_ARGUMENT


def test_a_history_has_the_turns_of_the_code_and_the_end(client: DaprWorkflowClient, worker: raw.Worker) -> None:
    end(client, worker, "order-1")
    events = client.get_workflow_history("order-1")
    assert [event.event_type.value for event in events if event.is_rerunnable] == ["taskScheduled"]
    with pytest.raises(grpc.RpcError) as unknown:
        client.get_workflow_history("nobody")
    assert code_of(unknown) is grpc.StatusCode.NOT_FOUND


def test_a_rerun_makes_the_activity_again_with_another_input(client: DaprWorkflowClient, worker: raw.Worker) -> None:
    end(client, worker, "order-1")
    new_id = client.rerun_workflow_from_event("order-1", 0, new_instance_id="again", input={"other": 1})
    attempt = worker.take()
    assert json.loads(attempt.activityRequest.input.value) == {"other": 1}
    worker.did(attempt, '"made again"')
    worker.turned(worker.take(), raw.ends(1, '"again"'))
    state = client.wait_for_workflow_completion(new_id, timeout_in_seconds=LONGEST_SECONDS)
    assert state is not None
    assert state.serialized_output == '"again"'


@pytest.mark.parametrize(
    ("source", "event_id", "new_id", "code"),
    [
        ("nobody", 0, "new", grpc.StatusCode.NOT_FOUND),
        ("order-1", 7, "new", grpc.StatusCode.NOT_FOUND),
        ("order-1", 0, "order-2", grpc.StatusCode.ALREADY_EXISTS),
        ("order-2", 0, "new", grpc.StatusCode.INVALID_ARGUMENT),
    ],
    ids=["unknown instance", "unknown event", "id in use", "not ended"],
)
def test_a_rerun_that_cannot_be_is_refused_with_its_code(
    client: DaprWorkflowClient, worker: raw.Worker, source: str, event_id: int, new_id: str, code: grpc.StatusCode
) -> None:
    end(client, worker, "order-1")
    start(client, worker, "order-2", raw.asks(0))
    with pytest.raises(grpc.RpcError) as refused:
        client.rerun_workflow_from_event(source, event_id, new_instance_id=new_id)
    assert code_of(refused) is code


def test_an_id_is_free_again_after_its_end_and_not_before(client: DaprWorkflowClient, worker: raw.Worker) -> None:
    start(client, worker, "order-1", raw.asks(0))
    with pytest.raises(grpc.RpcError) as taken:
        client.schedule_new_workflow(workflow="steps", instance_id="order-1")
    assert code_of(taken) is grpc.StatusCode.ALREADY_EXISTS
    assert "an active workflow with ID 'order-1' already exists" in str(taken.value.details())
    client.terminate_workflow("order-1")
    worker.take()  # the attempt that nobody waits for any more
    end(client, worker, "order-1")


def test_what_is_unknown_is_said_to_be(client: DaprWorkflowClient) -> None:
    assert client.get_workflow_state("nobody") is None
    asks: tuple[Callable[[], object], ...] = (
        lambda: client.raise_workflow_event("nobody", "go"),
        lambda: client.terminate_workflow("nobody"),
        lambda: client.pause_workflow("nobody"),
        lambda: client.purge_workflow("nobody"),
    )
    for ask in asks:
        with pytest.raises(grpc.RpcError) as unknown:
            ask()
        assert "no such instance exists" in str(unknown.value.details())


def test_a_live_instance_is_purged_by_force_only(client: DaprWorkflowClient, worker: raw.Worker) -> None:
    start(client, worker, "order-1", raw.asks(0))
    with pytest.raises(grpc.RpcError) as alive:
        client.purge_workflow("order-1")
    assert "not yet completed" in str(alive.value.details())
    purged = raw.call(
        worker.channel, "PurgeInstances", pb.PurgeInstancesRequest(instanceId="order-1", force=True), pb.PurgeInstancesResponse
    )
    assert purged.deletedInstanceCount == 1
    assert client.get_workflow_state("order-1") is None


def test_a_filter_purges_all_that_have_ended_so(client: DaprWorkflowClient, worker: raw.Worker) -> None:
    for number in range(3):
        end(client, worker, f"order-{number}")
    start(client, worker, "order-3", raw.asks(0))
    wanted = pb.PurgeInstanceFilter(runtimeStatus=[pb.ORCHESTRATION_STATUS_COMPLETED])
    purged = raw.call(worker.channel, "PurgeInstances", pb.PurgeInstancesRequest(purgeInstanceFilter=wanted), pb.PurgeInstancesResponse)
    assert purged.deletedInstanceCount == 3
    assert list(client.iter_workflow_instance_ids()) == ["order-3"]


def test_who_starts_later_is_told_at_once_and_starts_then(client: DaprWorkflowClient, worker: raw.Worker) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=1)
    instance_id = client.schedule_new_workflow(workflow="steps", instance_id="later", start_at=soon)
    state = client.get_workflow_state(instance_id)
    assert state is not None
    assert state.runtime_status is WorkflowStatus.PENDING
    worker.turned(worker.take(), raw.ends(0, "1"))
    ended = client.wait_for_workflow_completion(instance_id, timeout_in_seconds=LONGEST_SECONDS)
    assert ended is not None
    assert ended.last_updated_at.replace(tzinfo=UTC) >= soon.replace(microsecond=0)
