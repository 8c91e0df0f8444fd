"""apply: which rows a turn writes, in which order, and what is to be done once they are durable."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from wfengine.core.transitions import Transition, apply, new_instance
from wfengine.model.actions import Action, CompleteWorkflow, ContinueAsNew, CreateChildWorkflow, CreateTimer, ExecutionResult, ScheduleTask
from wfengine.model.failure import FailureDetails
from wfengine.model.history import (
    ChildWorkflowInstanceCompleted,
    ChildWorkflowInstanceFailed,
    EventRaised,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    ExecutionTerminated,
    HistoryEvent,
    TaskCompleted,
)
from wfengine.model.instance import Instance, ParentInstance, Status
from wfengine.testing.rehearsal import BEGINNING

NOW = BEGINNING + timedelta(seconds=5)
FAILURE = FailureDetails(message="broken", error_type="ValueError")
MISMATCH = FailureDetails(message="edited", error_type="NonDeterminismError")
STARTED = ExecutionStarted(occurred_at=BEGINNING, name="w", instance_id="i", tags={"team": "a"}, app_id="app", execution=7)
RAISED = EventRaised(occurred_at=BEGINNING, name="x", input="0")
SUSPENDED, RESUMED = ExecutionSuspended(occurred_at=BEGINNING), ExecutionResumed(occurred_at=BEGINNING)
TERMINATED = ExecutionTerminated(occurred_at=BEGINNING, output='"why"')
ASKED: list[Action] = [
    ScheduleTask(id=3, name="a", task_execution_id="-"),
    CreateTimer(id=4, fire_at=NOW),
    CreateChildWorkflow(id=5, name="kid", instance_id="c", input="1"),
]
PARENT = ParentInstance(key=2, instance_id="p", name="parent", task_id=9)


def instance(status: Status = Status.RUNNING, **changes: Any) -> Instance:
    made, _ = new_instance(7, STARTED)
    usual: dict[str, Any] = {"status": status, "next_sequence": 10, "turn": 4}
    return msgspec.structs.replace(made, **{**usual, **changes})


def turn(
    of: Instance, arrived: list[HistoryEvent], actions: list[Action] | FailureDetails | None = None, *, taken: str | None = None
) -> Transition:
    keys = iter(range(50, 60))
    result = ExecutionResult(actions=actions, custom_status=of.custom_status) if isinstance(actions, list) else actions
    return apply(of, arrived, result, now=NOW, claim_key=lambda wanted: None if wanted == taken and taken else next(keys))


def told(transition: Transition) -> list[tuple[int, int, int, str]]:
    return [(row.key, row.sequence, row.turn, type(row.event).__name__) for row in transition.commit.history]


def test_rows_are_what_arrived_then_what_was_asked_for_then_what_begins_numbered_on() -> None:
    transition = turn(instance(), [RAISED, TaskCompleted(occurred_at=BEGINNING, task_scheduled_id=1)], ASKED)
    assert told(transition) == [
        (7, 10, 5, "EventRaised"),
        (7, 11, 5, "TaskCompleted"),
        (7, 12, 5, "TaskScheduled"),
        (7, 13, 5, "TimerCreated"),
        (7, 14, 5, "ChildWorkflowInstanceCreated"),
        (50, 0, 0, "ExecutionStarted"),
    ]
    assert transition.instance.next_sequence == 15
    assert transition.instance.turn == 5
    assert [task.event_id for task in transition.activities] == [3]
    assert [timer.event_id for timer in transition.timers] == [4]


def test_what_no_code_has_seen_has_turn_zero() -> None:
    transition = turn(instance(), [RAISED])
    assert told(transition) == [(7, 10, 0, "EventRaised")]
    assert transition.instance.turn == 4
    assert not transition.commit.runs


def test_a_status_row_is_written_only_when_something_of_it_changes() -> None:
    assert turn(instance(), [RAISED], []).commit.runs == []
    assert [run.status for run in turn(instance(Status.PENDING), [RAISED], []).commit.runs] == [Status.RUNNING]
    changed = apply(instance(), [], ExecutionResult(actions=[], custom_status="half"), now=NOW, claim_key=lambda _: None)
    assert [run.custom_status for run in changed.commit.runs] == ["half"]


def test_times_in_rows_never_decrease() -> None:
    transition = turn(instance(), [RAISED], [*ASKED, CompleteWorkflow(status=Status.COMPLETED)])
    times = [row.event.occurred_at for row in transition.commit.history]
    assert times == sorted(times)
    assert transition.instance.updated_at == NOW


@pytest.mark.parametrize(
    ("before", "arrived", "ran", "after"),
    [
        (Status.PENDING, [STARTED], True, Status.RUNNING),
        (Status.PENDING, [STARTED], False, Status.PENDING),
        (Status.RUNNING, [SUSPENDED], True, Status.SUSPENDED),
        (Status.SUSPENDED, [RAISED], False, Status.SUSPENDED),
        (Status.SUSPENDED, [RESUMED], True, Status.RUNNING),
        (Status.SUSPENDED, [RESUMED, SUSPENDED], True, Status.SUSPENDED),
        (Status.STALLED, [], True, Status.RUNNING),
        (Status.STALLED, [RAISED], False, Status.STALLED),
        (Status.RUNNING, [TERMINATED], False, Status.TERMINATED),
        (Status.SUSPENDED, [TERMINATED], False, Status.TERMINATED),
        (Status.PENDING, [STARTED, TERMINATED], False, Status.TERMINATED),
    ],
)
def test_the_status_follows_what_arrives(before: Status, arrived: list[HistoryEvent], *, ran: bool, after: Status) -> None:
    assert turn(instance(before), arrived, [] if ran else None).instance.status is after


def test_an_instance_that_is_resumed_before_its_code_ever_ran_is_pending_again() -> None:
    assert turn(instance(Status.SUSPENDED, turn=0), [RESUMED]).instance.status is Status.PENDING


def test_the_end_is_the_last_row_and_holds_output_or_failure() -> None:
    done = turn(instance(), [RAISED], [CompleteWorkflow(status=Status.COMPLETED, output="1")])
    assert told(done)[-1] == (7, 11, 5, "ExecutionCompleted")
    assert (done.instance.status, done.instance.output, done.instance.failure) == (Status.COMPLETED, "1", None)
    failed = turn(instance(), [RAISED], [CompleteWorkflow(status=Status.FAILED, failure=FAILURE)])
    assert (failed.instance.status, failed.instance.output, failed.instance.failure) == (Status.FAILED, None, FAILURE)


def test_termination_drops_what_arrives_behind_it_and_needs_no_code() -> None:
    transition = turn(instance(), [RAISED, TERMINATED, RAISED])
    assert told(transition) == [(7, 10, 0, "EventRaised"), (7, 11, 0, "ExecutionTerminated"), (7, 12, 0, "ExecutionCompleted")]
    assert transition.instance.output == '"why"'


def test_a_disagreement_stalls_the_instance_and_what_arrived_is_kept_for_matching_code() -> None:
    stalled = turn(instance(), [RAISED], MISMATCH)
    assert told(stalled) == [(7, 10, 0, "EventRaised")]
    assert (stalled.instance.status, stalled.instance.failure) == (Status.STALLED, MISMATCH)
    later = turn(stalled.instance, [RAISED])
    assert later.instance.failure == MISMATCH, "it is still stalled for the same reason"
    mended = turn(later.instance, [], [])
    assert (mended.instance.status, mended.instance.failure) == (Status.RUNNING, None)


def test_a_disagreement_does_not_lift_a_suspension() -> None:
    assert turn(instance(), [RAISED, SUSPENDED], MISMATCH).instance.status is Status.SUSPENDED


def test_a_child_begins_in_the_same_commit_with_its_parents_tags_and_root() -> None:
    transition = turn(instance(root=1), [], ASKED[2:])
    [(child, rows)] = transition.started
    assert (child.key, child.instance_id, child.status, child.root, child.tags) == (50, "c", Status.PENDING, 1, {"team": "a"})
    assert child.parent == ParentInstance(key=7, instance_id="i", name="w", task_id=5)
    assert transition.commit.history[-1] is rows[0]
    assert transition.commit.runs == [child]


def test_a_child_whose_id_is_taken_is_recorded_as_not_started_and_fails_in_its_parent() -> None:
    transition = turn(instance(), [], ASKED[2:], taken="c")
    assert told(transition) == [(7, 10, 5, "ChildWorkflowInstanceCreated")]
    assert transition.started == []
    [failed] = transition.unstartable
    assert (failed.task_scheduled_id, failed.failure.error_type) == (5, "InstanceAlreadyExists")


def test_the_next_generation_begins_in_the_same_commit_with_the_carried_events() -> None:
    transition = turn(instance(generation=2), [RAISED], [ContinueAsNew(input="9", carried=(RAISED, RAISED))])
    assert told(transition) == [
        (7, 10, 5, "EventRaised"),
        (7, 11, 5, "ContinuedAsNew"),
        (50, 0, 0, "ExecutionStarted"),
        (50, 1, 0, "EventRaised"),
        (50, 2, 0, "EventRaised"),
    ]
    [(successor, rows)] = transition.started
    assert transition.instance.status is Status.CONTINUED_AS_NEW
    assert (successor.instance_id, successor.input, successor.generation, successor.next_sequence) == ("i", "9", 3, 3)
    assert (successor.tags, successor.app_id, successor.code_hash) == ({"team": "a"}, "app", None)
    assert {row.event.occurred_at for row in rows} == {NOW}
    assert [run.key for run in transition.commit.runs] == [7, 50]


def test_the_parent_of_a_generation_is_the_next_ones_and_hears_nothing_yet() -> None:
    transition = turn(instance(parent=PARENT, root=1), [], [ContinueAsNew(input=None)])
    [(successor, _)] = transition.started
    assert (successor.parent, successor.root) == (PARENT, 1)
    assert transition.to_parent is None


def test_a_suspension_that_comes_with_the_end_of_a_generation_holds_for_the_next() -> None:
    """Otherwise a pause that was acknowledged would be forgotten."""
    [(successor, rows)] = turn(instance(), [RAISED, SUSPENDED], [ContinueAsNew(input=None, carried=(RAISED,))]).started
    assert successor.status is Status.SUSPENDED
    assert [type(row.event) for row in rows] == [ExecutionStarted, ExecutionSuspended, EventRaised]


@pytest.mark.parametrize(
    ("end", "heard"),
    [
        (CompleteWorkflow(status=Status.COMPLETED, output="1"), ChildWorkflowInstanceCompleted),
        (CompleteWorkflow(status=Status.FAILED, failure=FAILURE), ChildWorkflowInstanceFailed),
    ],
)
def test_a_parent_hears_of_its_childs_end(end: CompleteWorkflow, heard: type) -> None:
    told_parent = turn(instance(parent=PARENT), [], [end]).to_parent
    assert told_parent is not None
    assert type(told_parent) is heard
    assert told_parent.task_scheduled_id == 9


def test_a_parent_hears_that_its_child_was_terminated() -> None:
    told_parent = turn(instance(parent=PARENT), [TERMINATED]).to_parent
    assert isinstance(told_parent, ChildWorkflowInstanceFailed)
    assert told_parent.failure.error_type == "WorkflowTerminated"


def test_no_two_executions_draw_the_same_ids_even_at_the_same_moment() -> None:
    _, [first] = new_instance(1, STARTED)
    _, [second] = new_instance(2, STARTED)
    assert isinstance(first.event, ExecutionStarted)
    assert isinstance(second.event, ExecutionStarted)
    assert first.event.execution != second.event.execution
