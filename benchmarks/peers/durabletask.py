"""durabletask (Microsoft's SDK) on its in-memory testing backend, over gRPC on the loopback: the shape of Dapr's programming model, kept nowhere."""

import socket
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from durabletask import task
from durabletask.client import TaskHubGrpcClient
from durabletask.testing import create_test_backend
from durabletask.worker import TaskHubGrpcWorker

from benchmarks.peers import peer

WAIT_SECONDS = 600

Steps = Generator[Any, Any, int]


def add_one(ctx: Any, number: int) -> int:
    """The activity."""
    del ctx
    return peer.add_one(number)


def chain(ctx: Any, length: int) -> Steps:
    """Activities in a row."""
    number = 0
    for _ in range(length):
        number = yield ctx.call_activity(add_one, input=number)
    return number


def fan(ctx: Any, width: int) -> Steps:
    """Activities at once."""
    results = yield task.when_all([ctx.call_activity(add_one, input=number) for number in range(width)])
    return sum(results)


def sleeper(ctx: Any, number: int) -> Steps:
    """Sleep for a day."""
    yield ctx.create_timer(timedelta(days=1))
    return number


class DurableTask:
    """A `Peer`, but for what needs a memory."""

    starters = 16

    def __init__(self, client: TaskHubGrpcClient) -> None:
        self._client = client

    def start(self, workflow: str, argument: int, instance_id: str) -> str:
        """Returns when the backend has it."""
        return str(self._client.schedule_new_orchestration(workflow, input=argument, instance_id=instance_id))

    def result(self, started: str) -> int:
        """Wait for its end."""
        ended = self._client.wait_for_orchestration_completion(started, timeout=WAIT_SECONDS)
        assert ended is not None
        return int(ended.serialized_output)

    def waiting(self, instance_ids: list[str]) -> None:
        """An instance counts as started once its first turn is done."""
        for each in instance_ids:
            self._client.wait_for_orchestration_start(each, timeout=WAIT_SECONDS)

    def found(self, instance_id: str) -> str:
        """Nothing outlives the process."""
        raise NotImplementedError

    def approve(self, instance_id: str) -> None:
        """Only recovery needs it."""
        raise NotImplementedError

    def durability(self) -> str:
        """None."""
        return "none: kept in memory, lost with the process"


@contextmanager
def opened(_: Path) -> Iterator[DurableTask]:
    """A backend, a worker and a client."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    create_test_backend(port=port, max_history_size=1_000_000)
    address = f"localhost:{port}"
    with TaskHubGrpcWorker(host_address=address) as worker:
        for workflow in (chain, fan, sleeper):
            worker.add_orchestrator(workflow)
        worker.add_activity(add_one)
        worker.start()
        yield DurableTask(TaskHubGrpcClient(host_address=address))
