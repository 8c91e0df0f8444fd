"""What happens to an instance while its turn is with a worker, and what a worker may say of its code: versions, patches, passed-on history, sizes."""

import threading

from tests.gateway import raw
from tests.waiting import eventually
from wfengine.gateway.sidecar import Sidecar
from wfengine.gateway.taskhub.hub import MOST_BYTES
from wfengine.gateway.wire import taskhub_pb2 as pb
from wfengine.model.history import ActivityRetry, TaskScheduled, TimerCreated
from wfengine.model.instance import Status
from wfengine.model.propagation import PropagationScope
from wfengine.runtime.engine import Engine

LONGEST_SECONDS = 30


def scheduled(engine: Engine, name: str = "steps", given: object = 1) -> str:
    return engine.schedule_new_workflow_soon(name, input=given, app_id="orders", may_be_elsewhere=True)[0]


def status_of(engine: Engine, instance_id: str) -> Status | None:
    state = engine.get_workflow_state(instance_id)
    return None if state is None else state.status


def versions(item: pb.WorkItem) -> list[tuple[str, list[str]]]:
    """What the turns of a history say of their code."""
    request = item.workflowRequest
    started = [event.workflowStarted.version for event in (*request.pastEvents, *request.newEvents) if event.HasField("workflowStarted")]
    return [(version.name, list(version.patches)) for version in started if version.name or version.patches]


def test_a_terminated_instance_waits_for_no_worker_and_hears_none(engine: Engine, orders: Sidecar) -> None:
    with raw.Worker(orders) as worker:
        instance_id = scheduled(engine)
        turn = worker.take()
        engine.terminate_workflow(instance_id, output="stopped")
        assert engine.wait_for_workflow_completion(instance_id, LONGEST_SECONDS).output == '"stopped"'
        worker.turned(turn, raw.ends(0, '"too late"'))
        assert status_of(engine, instance_id) is Status.TERMINATED
        scheduled(engine)  # and the worker is none the worse for it
        worker.turned(worker.take(), raw.ends(0, "1"))


def test_a_purged_instance_is_forgotten_while_its_turn_is_away(engine: Engine, orders: Sidecar) -> None:
    with raw.Worker(orders) as worker:
        instance_id = scheduled(engine)
        turn = worker.take()
        engine.purge_workflow(instance_id, force=True)
        worker.turned(turn, raw.ends(0, "1"))
        assert engine.get_workflow_state(instance_id) is None


def test_what_is_raised_during_the_last_turn_of_a_generation_comes_to_the_next(engine: Engine, orders: Sidecar) -> None:
    with raw.Worker(orders) as worker:
        instance_id = scheduled(engine)
        turn = worker.take()
        raising = threading.Thread(target=lambda: engine.raise_workflow_event(instance_id, "go", data="now"))
        raising.start()
        eventually(lambda: engine.awaited(instance_id) == [])  # asked after the event, so it has arrived
        worker.turned(turn, raw.ends(0, "2", pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW))
        seen: list[str] = []
        while "eventRaised" not in seen:
            turn = worker.take()
            request = turn.workflowRequest
            seen = [str(event.WhichOneof("eventType")) for event in (*request.pastEvents, *request.newEvents)]
            worker.turned(turn, *([raw.ends(0, "3")] if "eventRaised" in seen else []))
        raising.join(LONGEST_SECONDS)  # answered once a turn has seen it, and not before
        assert not raising.is_alive()
        assert engine.wait_for_workflow_completion(instance_id, LONGEST_SECONDS).output == "3"


def test_patches_are_told_again_and_code_without_them_makes_its_workflow_wait(engine: Engine, orders: Sidecar) -> None:
    patched = pb.WorkflowVersion(patches=["faster"])
    with raw.Worker(orders) as worker:
        instance_id = scheduled(engine)
        worker.turned(worker.take(), raw.asks(0), version=patched)
        worker.did(worker.take(), "1")
        turn = worker.take()
        assert versions(turn) == [("", ["faster"])]
        worker.turned(turn, raw.ends(1, "1"))
        eventually(lambda: status_of(engine, instance_id) is Status.STALLED)
        assert "faster" in str(engine.lacking(instance_id))
    with raw.Worker(orders) as worker:
        turn = worker.take()
        assert versions(turn) == [("", ["faster"])]
        worker.turned(turn, raw.ends(1, "1"), version=patched)
        assert engine.wait_for_workflow_completion(instance_id, LONGEST_SECONDS).status is Status.COMPLETED


def test_an_instance_keeps_the_version_it_started_with_and_waits_for_a_program_that_has_it(engine: Engine, orders: Sidecar) -> None:
    second = pb.WorkflowVersion(name="v2")
    with raw.Worker(orders) as worker:
        instance_id = scheduled(engine)
        worker.turned(worker.take(), raw.asks(0), version=second)
        worker.did(worker.take(), "1")
        turn = worker.take()
        assert versions(turn) == [("v2", [])]
        worker.turned(turn, pb.WorkflowAction(id=1, workflowVersionNotAvailable=pb.WorkflowVersionNotAvailableAction()))
        eventually(lambda: status_of(engine, instance_id) is Status.STALLED)
        assert "'v2'" in str(engine.lacking(instance_id))
    with raw.Worker(orders) as worker:
        worker.turned(worker.take(), raw.ends(1, "1"), version=second)
        end = engine.wait_for_workflow_completion(instance_id, LONGEST_SECONDS)
    assert (end.status, end.version) == (Status.COMPLETED, "v2")


def test_a_version_is_told_again_where_the_first_worker_was_lost_before_it_could_answer(engine: Engine, orders: Sidecar) -> None:
    second = pb.WorkflowVersion(name="v2")
    with raw.Worker(orders) as worker:
        instance_id = scheduled(engine)
        worker.take()
    with raw.Worker(orders) as worker:
        worker.turned(worker.take(), raw.asks(0), version=second)
        worker.did(worker.take(), "1")
        turn = worker.take()
        assert versions(turn) == [("v2", [])]
        worker.turned(turn, raw.ends(1, "1"), version=second)
        assert engine.wait_for_workflow_completion(instance_id, LONGEST_SECONDS).version == "v2"


def test_an_activity_is_told_the_history_that_its_caller_passes_on(engine: Engine, orders: Sidecar) -> None:
    action = raw.asks(0)
    action.scheduleTask.historyPropagationScope = pb.HISTORY_PROPAGATION_SCOPE_LINEAGE
    with raw.Worker(orders) as worker:
        instance_id = scheduled(engine)
        worker.turned(worker.take(), action)
        passed_on = worker.take().activityRequest.propagatedHistory
    (chunk,) = passed_on.chunks
    assert (passed_on.scope, chunk.appId, chunk.instanceId, chunk.workflowName) == (
        PropagationScope.LINEAGE.value, "orders", instance_id, "steps",
    )  # fmt: skip
    kinds = [pb.HistoryEvent.FromString(event).WhichOneof("eventType") for event in chunk.rawEvents]
    assert kinds[:2] == ["workflowStarted", "executionStarted"]


def test_what_is_too_large_for_a_worker_is_told_and_not_sent(engine: Engine, orders: Sidecar) -> None:
    with raw.Worker(orders) as worker:
        large = scheduled(engine, given="x" * MOST_BYTES)
        eventually(lambda: status_of(engine, large) is Status.STALLED)
        assert "at most" in str(engine.lacking(large))
        small = scheduled(engine)
        worker.turned(worker.take(), raw.ends(0, "1"))
        assert engine.wait_for_workflow_completion(small, LONGEST_SECONDS).status is Status.COMPLETED


def test_code_that_is_here_calls_activities_of_a_program_and_a_program_those_that_are_here(engine: Engine, orders: Sidecar) -> None:
    engine.register_activity(lambda _ctx, number: number * 10, "tenfold", app_id="orders")
    with raw.Worker(orders) as worker:
        instance_id = scheduled(engine)
        action = raw.asks(0, "tenfold")
        action.scheduleTask.input.value = "4"
        worker.turned(worker.take(), action)
        turn = worker.take()
        assert turn.workflowRequest.newEvents[-1].taskCompleted.result.value == "40"
        worker.turned(turn, raw.ends(1, "40"))
        assert engine.wait_for_workflow_completion(instance_id, LONGEST_SECONDS).output == "40"


def test_a_pause_of_a_program_is_the_one_after_the_attempt_that_failed(engine: Engine, orders: Sidecar) -> None:
    def asks_again(number: int) -> pb.WorkflowAction:
        action = raw.asks(number)
        action.scheduleTask.taskExecutionId = "one-call"
        return action

    pause = pb.WorkflowAction(id=1, createTimer=pb.CreateTimerAction(activityRetry=pb.TimerOriginActivityRetry(taskExecutionId="one-call")))
    with raw.Worker(orders) as worker:
        instance_id = scheduled(engine)
        worker.turned(worker.take(), asks_again(0))
        worker.failed(worker.take(), "not yet")
        turn = worker.take()
        pause.createTimer.fireAt.CopyFrom(turn.workflowRequest.newEvents[-1].timestamp)
        worker.turned(turn, pause)
        worker.turned(worker.take(), asks_again(2))
        worker.did(worker.take(), "1")
        worker.turned(worker.take(), raw.ends(3, "1"))
        engine.wait_for_workflow_completion(instance_id, LONGEST_SECONDS)
    told: list[tuple[str, int]] = []
    for row in engine.history(instance_id):
        match row.event:
            case TaskScheduled(attempt=attempt):
                told.append(("attempt", attempt))
            case TimerCreated(origin=ActivityRetry(attempt=attempt)):
                told.append(("pause", attempt))
            case _:
                pass
    assert told == [("attempt", 1), ("pause", 1), ("attempt", 2)]
