"""What workers are sent, how their answers are known again, and what becomes of work whose worker is gone."""

from itertools import pairwise

import pytest
from google.protobuf.empty_pb2 import Empty

from tests.gateway import raw
from tests.waiting import eventually
from wfengine.gateway.sidecar import Sidecar
from wfengine.gateway.taskhub.streams import MOST_OF_OLD
from wfengine.gateway.wire import taskhub_pb2 as pb
from wfengine.model.instance import Status
from wfengine.runtime.engine import Engine

pytestmark = pytest.mark.slow

KEEPS = pb.WORKER_CAPABILITY_STATEFUL_HISTORY
STEPS = 4


def scheduled(engine: Engine, name: str = "steps") -> str:
    return engine.schedule_new_workflow_soon(name, input=1, app_id="orders", may_be_elsewhere=True)[0]


def kinds(events: list[pb.HistoryEvent]) -> list[str]:
    return [str(event.WhichOneof("eventType")) for event in events]


def stepped(worker: raw.Worker, steps: int = STEPS) -> list[pb.WorkflowRequest]:
    """Make the turns of a workflow that calls one activity after the other, and give what came for each."""
    asked = []
    for number in range(steps + 1):
        turn = worker.take()
        asked.append(turn.workflowRequest)
        if number == steps:
            worker.turned(turn, raw.ends(number, '"done"'))
            break
        worker.turned(turn, raw.asks(number))
        worker.did(worker.take(), str(number))
    return asked


def test_a_worker_that_keeps_histories_is_sent_only_what_it_has_not(engine: Engine, orders: Sidecar) -> None:
    with raw.Worker(orders, KEEPS) as worker:
        instance_id = scheduled(engine)
        asked = stepped(worker)
        engine.wait_for_workflow_completion(instance_id, 30)
        whole = raw.call(
            worker.channel, "GetInstanceHistory", pb.GetInstanceHistoryRequest(instanceId=instance_id), pb.GetInstanceHistoryResponse
        )
    kept: list[pb.HistoryEvent] = []
    for turn in asked:
        assert turn.cachedHistory.eventCount in {0, len(kept)}
        kept = [*kept[: turn.cachedHistory.eventCount], *turn.pastEvents]  # as an SDK puts them together
    assert [turn.cachedHistory.eventCount > 0 for turn in asked] == [False, False, True, True, True]
    assert len({len(turn.pastEvents) for turn in asked[2:]}) == 1  # a turn costs the same however long the past
    assert [*kept, *asked[-1].newEvents] == list(whole.events)[:-1]  # the last is the end


def test_a_worker_that_keeps_none_is_sent_the_whole_history_each_turn(engine: Engine, orders: Sidecar) -> None:
    with raw.Worker(orders) as worker:
        scheduled(engine)
        asked = stepped(worker)
    assert [turn.HasField("cachedHistory") for turn in asked] == [False] * (STEPS + 1)
    for before, after in pairwise(asked):
        assert list(after.pastEvents[: len(before.pastEvents)]) == list(before.pastEvents)
        assert kinds(list(after.pastEvents)).count("taskScheduled") == kinds(list(before.pastEvents)).count("taskScheduled") + 1


def test_another_worker_is_sent_the_whole_history_and_the_answer_of_the_one_that_is_gone_comes_too_late(
    engine: Engine, orders: Sidecar
) -> None:
    with raw.Worker(orders, KEEPS) as first:
        instance_id = scheduled(engine)
        for number in range(3):
            first.turned(first.take(), raw.asks(number))
            first.did(first.take(), "1")
        lost = first.take()
        assert lost.workflowRequest.cachedHistory.eventCount > 0
    with raw.Worker(orders, KEEPS) as second:
        again = second.take()
        assert not again.workflowRequest.HasField("cachedHistory")
        assert kinds(list(again.workflowRequest.pastEvents)).count("taskScheduled") == 3
        assert again.workflowRequest.newEvents == lost.workflowRequest.newEvents
        assert again.completionToken != lost.completionToken
        second.turned(lost, raw.ends(9, '"too late"'))
        second.turned(again, raw.ends(9, '"in time"'))
        assert engine.wait_for_workflow_completion(instance_id, 30).output == '"in time"'


def test_an_activity_whose_worker_is_gone_is_done_by_another_and_recorded_once(engine: Engine, orders: Sidecar) -> None:
    with raw.Worker(orders) as first:
        instance_id = scheduled(engine)
        first.turned(first.take(), raw.asks(0))
        lost = first.take()
    with raw.Worker(orders) as second:
        again = second.take()
        assert again.activityRequest == lost.activityRequest
        second.did(lost, '"too late"')
        second.did(again, '"in time"')
        second.did(again, '"twice"')
        turn = second.take()
        second.turned(turn, raw.ends(1, turn.workflowRequest.newEvents[-1].taskCompleted.result.value))
        assert engine.wait_for_workflow_completion(instance_id, 30).output == '"in time"'


def test_after_it_continued_as_new_a_workflow_is_told_from_its_new_beginning(engine: Engine, orders: Sidecar) -> None:
    with raw.Worker(orders, KEEPS) as worker:
        instance_id = scheduled(engine)
        for number in range(2):
            worker.turned(worker.take(), raw.asks(number))
            worker.did(worker.take(), "1")
        worker.turned(worker.take(), raw.ends(2, "7", pb.ORCHESTRATION_STATUS_CONTINUED_AS_NEW))
        turn = worker.take().workflowRequest
        assert (list(turn.pastEvents), turn.HasField("cachedHistory")) == ([], False)
        assert kinds(list(turn.newEvents)) == ["workflowStarted", "executionStarted"]
        assert turn.newEvents[1].executionStarted.input.value == "7"
        engine.terminate_workflow(instance_id)


@pytest.mark.parametrize("has_token", [True, False])
def test_an_answer_counts_over_whichever_connection_it_comes_and_also_without_its_token(
    engine: Engine, orders: Sidecar, *, has_token: bool
) -> None:
    elsewhere = raw.Worker(orders)  # it has a connection, and takes no work
    with raw.Worker(orders) as worker:
        instance_id = scheduled(engine)
        turn = worker.take()
        elsewhere.turned(turn, raw.asks(0), token=turn.completionToken if has_token else "")
        item = worker.take()
        elsewhere.did(item, "2", token=item.completionToken if has_token else "")
        turn = worker.take()
        elsewhere.turned(turn, raw.ends(1, '"done"'), token=turn.completionToken if has_token else "")
        assert engine.wait_for_workflow_completion(instance_id, 30).status is Status.COMPLETED
    elsewhere.channel.close()


def test_an_answer_that_nobody_waits_for_is_taken_and_changes_nothing(engine: Engine, orders: Sidecar) -> None:
    with raw.Worker(orders) as worker:
        instance_id = scheduled(engine)
        turn = worker.take()
        for stranger in ("nobody", instance_id):
            forged = pb.WorkItem(workflowRequest=pb.WorkflowRequest(instanceId=stranger), completionToken="forged")
            worker.turned(forged, raw.ends(0, '"forged"'))
            instance = pb.WorkflowInstance(instanceId=stranger)
            request = pb.ActivityRequest(workflowInstance=instance, taskId=0)
            worker.did(pb.WorkItem(activityRequest=request, completionToken="forged"), '"forged"')
        worker.turned(turn, raw.ends(0, '"done"'))
        assert engine.wait_for_workflow_completion(instance_id, 30).output == '"done"'


def test_a_worker_that_says_nothing_of_itself_has_only_so_much_at_a_time(engine: Engine, orders: Sidecar) -> None:
    with raw.Worker(orders) as worker:
        instance_id = scheduled(engine)
        worker.turned(worker.take(), *(raw.asks(number) for number in range(MOST_OF_OLD + 10)))
        taken = [worker.take() for _ in range(MOST_OF_OLD)]
        raw.call(worker.channel, "Hello", Empty(), Empty)  # what was sent before this answer is there
        assert not worker.has_more()
        worker.did(taken[0], "1")
        assert {worker.take().WhichOneof("request") for _ in range(2)} == {
            "workflowRequest",
            "activityRequest",
        }  # turns have a room of their own
        assert not worker.has_more()
        engine.terminate_workflow(instance_id)


@pytest.mark.parametrize("child_id", ["x" * 300, "line\nbreak"])
def test_a_worker_that_asks_for_an_id_that_cannot_be_makes_its_workflow_wait_for_better_code(
    engine: Engine, orders: Sidecar, child_id: str
) -> None:
    with raw.Worker(orders) as worker:
        instance_id = scheduled(engine)
        child = pb.CreateChildWorkflowAction(name="child", instanceId=child_id)
        worker.turned(worker.take(), pb.WorkflowAction(id=0, createChildWorkflow=child))
        eventually(lambda: engine.lacking(instance_id) is not None)
    assert "An instance id is printable text" in str(engine.lacking(instance_id))
    with raw.Worker(orders) as better:
        better.turned(better.take(), raw.ends(0, '"done"'))
        assert engine.wait_for_workflow_completion(instance_id, 30).output == '"done"'


def test_a_detached_workflow_needs_an_id(engine: Engine, orders: Sidecar) -> None:
    with raw.Worker(orders) as worker:
        instance_id = scheduled(engine)
        nameless = pb.CreateDetachedWorkflowAction(name="other")
        worker.turned(worker.take(), pb.WorkflowAction(id=0, createDetachedWorkflow=nameless))
        eventually(lambda: engine.lacking(instance_id) is not None)
    assert engine.get_workflow_state("") is None
    engine.terminate_workflow(instance_id)


def test_a_result_that_is_nested_too_deeply_to_be_read_is_kept_as_text(engine: Engine, orders: Sidecar) -> None:
    deep = "[" * 5_000
    with raw.Worker(orders) as worker:
        instance_id = scheduled(engine)
        worker.turned(worker.take(), raw.asks(0))
        worker.did(worker.take(), deep)
        turn = worker.take()
        assert turn.workflowRequest.newEvents[-1].taskCompleted.result.value == deep
        worker.turned(turn, raw.ends(1, deep))
        assert engine.wait_for_workflow_completion(instance_id, 30).status is Status.COMPLETED


@pytest.mark.parametrize("keeps", [(), (KEEPS,)])
def test_an_outcome_is_told_with_the_id_of_its_call_so_that_a_worker_can_try_that_call_again(
    engine: Engine, orders: Sidecar, keeps: "tuple[pb.WorkerCapability, ...]"
) -> None:
    with raw.Worker(orders, *keeps) as worker:
        scheduled(engine)
        first = raw.asks(0)
        first.scheduleTask.taskExecutionId = "call-1"
        worker.turned(worker.take(), first)
        attempt = worker.take()
        assert attempt.activityRequest.taskExecutionId == "call-1"
        worker.failed(attempt, "not yet")
        turn = worker.take()
        assert turn.workflowRequest.newEvents[-1].taskFailed.taskExecutionId == "call-1"
        again = raw.asks(1)
        again.scheduleTask.taskExecutionId = "call-1"
        worker.turned(turn, again)
        worker.did(worker.take(), "1")
        turn = worker.take()
        assert turn.workflowRequest.newEvents[-1].taskCompleted.taskExecutionId == "call-1"
        told = [event.taskFailed.taskExecutionId for event in turn.workflowRequest.pastEvents if event.HasField("taskFailed")]
        assert told == ["call-1"]
        worker.turned(turn, raw.ends(2, "1"))
