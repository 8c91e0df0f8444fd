"""A worker that dies in the middle of turns and activities, and a lab that does: others, or the same ones, go on, and nothing is lost or recorded twice."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import grpc
import pytest
from dapr.ext.workflow import DaprWorkflowClient

from tests.gateway import running
from tests.waiting import eventually
from wfengine.gateway.sidecar import Sidecar
from wfengine.model.instance import Status
from wfengine.runtime.engine import Engine
from wfengine.store.store import Store

STEADY = (sys.executable, str(running.HERE / "python" / "steady.py"))
HELD = (sys.executable, str(running.HERE / "python" / "held.py"))
WORKFLOWS = 30
LONGEST_SECONDS = 120


@pytest.fixture
def kept() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def started(kept: ExitStack, command: tuple[str, ...], environment: dict[str, str]) -> "subprocess.Popen[str]":
    """A program that is killed at the end of the test, if it is there then."""
    program = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    kept.callback(program.__exit__, None, None, None)
    kept.callback(program.kill)
    return program


def kill(program: "subprocess.Popen[str]") -> None:
    program.send_signal(signal.SIGKILL)
    program.wait(30)


def completions(engine: Engine) -> list[tuple[str, int, int]]:
    """Of each instance: how many attempts were asked for, and how many are recorded as completed."""
    with engine.store.cursor() as cursor:
        return cursor.execute(
            "SELECT instance_id, count(*) FILTER (type = 'TaskScheduled'), count(*) FILTER (type = 'TaskCompleted') FROM events GROUP BY instance_id"
        ).fetchall()


@pytest.mark.gateway
@pytest.mark.timeout(300)
def test_when_workers_are_killed_in_the_middle_others_go_on_and_each_outcome_is_recorded_once(
    engine: Engine, orders: Sidecar, kept: ExitStack
) -> None:
    first, second = (started(kept, STEADY, running.environment(orders)) for _ in range(2))
    ids = [
        engine.schedule_new_workflow_soon("steady", input=number, app_id="orders", may_be_elsewhere=True)[0] for number in range(WORKFLOWS)
    ]
    eventually(lambda: sum(done for _, _, done in completions(engine)) > WORKFLOWS // 2, LONGEST_SECONDS)
    kill(first)
    eventually(lambda: sum(done for _, _, done in completions(engine)) > WORKFLOWS, LONGEST_SECONDS)
    kill(second)
    eventually(lambda: engine.lacking(ids[-1]) is not None, LONGEST_SECONDS)
    assert any(not state.status.is_terminal for one in ids if (state := engine.get_workflow_state(one)) is not None)
    started(kept, STEADY, running.environment(orders))
    ends = [engine.wait_for_workflow_completion(instance_id, LONGEST_SECONDS) for instance_id in ids]
    assert [(end.status, end.output) for end in ends] == [(Status.COMPLETED, str(number + 5)) for number in range(WORKFLOWS)]
    assert {(asked, done) for _, asked, done in completions(engine)} == {(5, 5)}


@pytest.mark.gateway
@pytest.mark.timeout(300)
def test_when_the_lab_is_killed_under_load_workers_and_clients_connect_again_and_go_on(tmp_path: Path, kept: ExitStack) -> None:
    path, (grpc_port, http_port) = tmp_path / "lab.duckdb", running.free_ports(2)
    serve = (
        sys.executable, "-m", "wfengine.gateway", "--db", str(path), "--grpc-port", str(grpc_port), "--http-port", str(http_port),
    )  # fmt: skip
    environment = {**running.plain_environment(), "DAPR_GRPC_PORT": str(grpc_port), "DAPR_HTTP_PORT": str(http_port)}
    lab = started(kept, serve, environment)
    started(kept, STEADY, environment)
    client = DaprWorkflowClient(host="127.0.0.1", port=str(grpc_port))
    eventually(lambda: answers(grpc_port), LONGEST_SECONDS)
    ids = [client.schedule_new_workflow(workflow="steady", input=number) for number in range(WORKFLOWS)]
    for _ in range(2):
        time.sleep(0.3)  # the moment itself is arbitrary: somewhere in the work
        kill(lab)
        lab = started(kept, serve, environment)
        eventually(lambda: answers(grpc_port), LONGEST_SECONDS)
    ends = [client.wait_for_workflow_completion(instance_id, timeout_in_seconds=LONGEST_SECONDS) for instance_id in ids]
    assert [end and end.serialized_output for end in ends] == [str(number + 5) for number in range(WORKFLOWS)]
    kill(lab)
    with Engine(Store.open(path)) as engine:
        assert {(asked, done) for _, asked, done in completions(engine)} == {(5, 5)}


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=1)
        except grpc.FutureTimeoutError:
            return False
        return True


@pytest.mark.gateway
@pytest.mark.timeout(300)
def test_all_that_a_killed_worker_had_begun_another_begins_anew_and_each_outcome_is_recorded_once(
    engine: Engine, orders: Sidecar, kept: ExitStack, tmp_path: Path
) -> None:
    numbers, thinkers = list(range(1, 51)), 10
    environment = {**running.environment(orders), "HELD": str(tmp_path)}

    def begun() -> Counter[str]:
        return Counter(path.name.split("-")[0] for path in tmp_path.iterdir() if "-" in path.name)

    first = started(kept, HELD, environment)
    ids = [
        engine.schedule_new_workflow_soon(name, input=given, app_id="orders", may_be_elsewhere=True)[0]
        for name, given in [("wide", numbers), *(("thinking", number) for number in range(thinkers))]
    ]
    eventually(lambda: begun() == {"activity": len(numbers), "turn": thinkers}, LONGEST_SECONDS)
    kill(first)
    (tmp_path / "gate").touch()
    started(kept, HELD, environment)
    ends = [engine.wait_for_workflow_completion(instance_id, LONGEST_SECONDS) for instance_id in ids]
    assert {end.status for end in ends} == {Status.COMPLETED}
    assert [end.output for end in ends] == [
        str(sum(number * number for number in numbers)),
        *(str(number * number) for number in range(thinkers)),
    ]
    assert begun()["activity"] >= 2 * len(numbers)  # at least once each: the first worker's beginnings came to nothing
    assert {one: (asked, done) for one, asked, done in completions(engine)} == {ids[0]: (50, 50), **dict.fromkeys(ids[1:], (1, 1))}
