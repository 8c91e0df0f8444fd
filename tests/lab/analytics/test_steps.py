"""What a history says was done: one step for each thing the code asked for."""

from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.conftest import Story
from wfengine.model import history as h
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import Status
from wfengine.model.work import HistoryRow
from wflab.analytics.frames import steps_frame
from wflab.analytics.steps import Step, StepState, open_waits, steps_of


def steps(story: Story) -> list[Step]:
    return steps_of(story.instance, story.rows, source=story.source)


def by_name(story: Story) -> dict[str, Step]:
    return {step.name: step for step in steps(story)}


def test_an_activity_is_one_step_that_runs_and_then_has_its_result() -> None:
    story = Story()
    number = story.call("charge", payload="17")
    (step,) = steps(story)
    assert (step.kind, step.name, step.state, step.phase, step.after, step.input) == (
        "activity", "charge", StepState.RUNNING, "executing", ("start",), "17",
    )  # fmt: skip
    story.later(seconds=2).turn().returns(number, '"p-3"')
    (step,) = steps(story)
    assert (step.state, step.phase, step.result, step.done_turn) == (StepState.COMPLETED, "done", '"p-3"', 2)
    assert step.started_at is not None
    assert step.ended_at == story.now


def test_attempts_that_nobody_has_begun_are_pending() -> None:
    story = Story()
    first, second = story.call("a"), story.call("b")
    states = {step.name: step.state for step in steps_of(story.instance, story.rows, held_up={first})}
    assert states == {"a": StepState.PENDING, "b": StepState.RUNNING}
    assert first != second


def test_retries_are_attempts_of_one_step_and_their_timers_no_steps() -> None:
    story = Story()
    first = story.call("charge", identity="x")
    story.turn().fails(first, "Declined")
    pause = story.backs_off("charge", "x", 2, seconds=5)
    (step,) = steps(story)
    assert (step.state, step.phase, step.done_turn) == (StepState.RUNNING, "backoff", None)
    assert step.fire_at == step.attempts[0].retry_at
    story.later(seconds=5).turn().fires(pause)
    second = story.call("charge", identity="x", attempt=2)
    assert [step.phase for step in steps(story)] == ["executing"]
    story.turn().returns(second)
    story.call("ship")
    charge, ship = steps(story)
    assert [attempt.state for attempt in charge.attempts] == [StepState.FAILED, StepState.COMPLETED]
    assert (charge.state, charge.failure, ship.after) == (StepState.COMPLETED, None, (charge.id,))


def test_a_failure_without_another_attempt_is_final() -> None:
    story = Story()
    number = story.call("charge")
    story.turn().fails(number, "Declined", "no money")
    (step,) = steps(story)
    assert (step.state, step.failure and step.failure.error_type) == (StepState.FAILED, "Declined")


def test_a_failure_that_the_code_has_not_seen_may_still_be_tried_again() -> None:
    story = Story()
    story.fails(story.call("charge"), seen=False)
    (step,) = steps(story)
    assert (step.state, step.note) == (StepState.RUNNING, "attempt failed")


def test_a_child_tried_again_under_another_id_is_the_same_step() -> None:
    story = Story()
    first = story.child("ship", instance_id="c1")
    failure = FailureDetails(message="no", error_type="Down")
    story.turn().tell(h.ChildWorkflowInstanceFailed(occurred_at=story.now, task_scheduled_id=first, failure=failure))
    second = story.child("ship", instance_id="c2", attempt=2)
    story.turn().tell(h.ChildWorkflowInstanceCompleted(occurred_at=story.now, task_scheduled_id=second, result="1"))
    (step,) = steps(story)
    assert (step.kind, step.state, step.child_id, len(step.attempts)) == ("child", StepState.COMPLETED, "c2", 2)


def test_a_child_id_used_again_by_a_later_call_is_another_step() -> None:
    story = Story()
    first = story.child("ship", instance_id="c1")
    story.turn().tell(h.ChildWorkflowInstanceCompleted(occurred_at=story.now, task_scheduled_id=first))
    story.child("ship", instance_id="c1")
    assert [step.state for step in steps(story)] == [StepState.COMPLETED, StepState.RUNNING]


def test_a_wait_is_suspended_until_an_event_of_its_name_in_any_case_arrives() -> None:
    story = Story()
    story.waits("Human_Approval", title="Approve?", hours=1)
    (wait,) = open_waits(steps(story))
    assert (wait.state, wait.title, wait.phase) == (StepState.SUSPENDED, "Approve?", "waiting")
    assert wait.fire_at is not None
    story.raised("HUMAN_approval", "false", seen=False)
    assert open_waits(steps(story)) == []
    (wait,) = steps(story)
    assert (wait.state, wait.result, wait.raised_by, wait.done_turn) == (StepState.COMPLETED, "false", "ana", 0)


def test_one_event_answers_one_wait_the_oldest() -> None:
    story = Story()
    story.waits("go")
    story.waits("go")
    story.raised("go")
    assert [step.state for step in steps(story)] == [StepState.COMPLETED, StepState.SUSPENDED]


def test_an_event_that_nobody_waits_for_is_a_received_step_of_its_own() -> None:
    story = Story()
    story.raised("early")
    (step,) = steps(story)
    assert (step.kind, step.state, step.note, step.after) == ("event", StepState.COMPLETED, "received", ())


def test_a_wait_whose_deadline_came_is_canceled_and_a_late_event_is_not_its_own() -> None:
    story = Story()
    number = story.waits("go", hours=1)
    story.later(hours=1).turn().fires(number).raised("go")
    wait, late = steps(story)
    assert (wait.state, wait.note) == (StepState.CANCELED, "timed out")
    assert late.note == "received"


def test_the_timer_beside_an_answered_wait_lost_the_race(escalation: Story) -> None:
    escalation.later(days=1).turn().raised("human_approval")
    escalation.call("process_approval")
    found = by_name(escalation)
    assert (found["timer 7 d"].state, found["timer 7 d"].note) == (StepState.CANCELED, "lost the race")
    assert found["process_approval"].after == (found["human_approval"].id,)


def test_the_wait_beside_a_fired_timer_lost_the_race(escalation: Story) -> None:
    escalation.later(days=7).turn().fires(1)
    escalation.call("handle_timeout")
    found = by_name(escalation)
    assert (found["human_approval"].state, found["timer 7 d"].state) == (StepState.CANCELED, StepState.COMPLETED)
    assert open_waits(steps(escalation)) == []


def test_a_wait_beside_another_wait_stays_open_when_that_one_is_answered() -> None:
    story = Story()
    story.waits("legal")
    story.waits("finance")
    story.turn().raised("legal")
    story.call("note")
    assert [step.name for step in open_waits(steps(story))] == ["finance"]


def test_what_is_open_when_the_workflow_ends_is_canceled() -> None:
    story = Story()
    story.call("slow")
    story.waits("go")
    story.turn().ends(Status.TERMINATED)
    assert [(step.state, step.note) for step in steps(story)] == [(StepState.CANCELED, "the workflow ended")] * 2
    assert [attempt.state for attempt in steps(story)[0].attempts] == [StepState.CANCELED]


def test_a_step_follows_those_that_ended_in_the_turn_that_asked_for_it() -> None:
    story = Story()
    a, b = story.call("a"), story.call("b")
    story.turn().returns(a)
    story.turn().returns(b)
    story.call("c")
    found = by_name(story)
    assert found["c"].after == (found["b"].id,)


events = st.one_of(
    st.builds(h.TaskScheduled, occurred_at=st.just(Story().now), event_id=st.integers(0, 4), name=st.sampled_from("ab"),
              task_execution_id=st.sampled_from(["", "x", "y"]), attempt=st.integers(1, 3)),
    st.builds(h.ChildWorkflowInstanceCreated, occurred_at=st.just(Story().now), event_id=st.integers(0, 4), name=st.sampled_from("ab"),
              instance_id=st.sampled_from("xy"), attempt=st.integers(1, 3)),
    st.builds(h.TaskCompleted, occurred_at=st.just(Story().now), task_scheduled_id=st.integers(0, 5)),
    st.builds(h.TaskFailed, occurred_at=st.just(Story().now), task_scheduled_id=st.integers(0, 5),
              failure=st.just(FailureDetails(message="", error_type="E"))),
    st.builds(h.TimerCreated, occurred_at=st.just(Story().now), event_id=st.integers(0, 4), fire_at=st.sampled_from([None, Story().now]),
              origin=st.sampled_from([h.UserTimer(), h.EventWait(name="A"), h.ActivityRetry(name="a", task_execution_id="x", attempt=2),
                                      h.ChildWorkflowRetry(name="a", instance_id="y", attempt=2)])),
    st.builds(h.TimerFired, occurred_at=st.just(Story().now), timer_id=st.integers(0, 5), fire_at=st.just(Story().now)),
    st.builds(h.EventRaised, occurred_at=st.just(Story().now), name=st.sampled_from(["a", "A", "other"])),
)  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 4), events), max_size=25), st.sampled_from(Status))
def test_any_history_whatever_can_be_read_and_drawn(told: list[tuple[int, h.HistoryEvent]], status: Status) -> None:
    story = Story()
    story.status = status
    story.rows += [HistoryRow(1, number, turn, event) for number, (turn, event) in enumerate(told, 1)]
    found = steps(story)
    assert len({step.id for step in found}) == len(found)
    msgspec.json.encode(story.picture())


def test_what_was_recorded_while_the_code_could_not_run_is_final_when_a_later_turn_takes_it_up() -> None:
    story = Story()
    lost, won = story.call("charge"), story.call("pack")
    story.later(seconds=1).fails(lost, "Declined", seen=False).returns(won, seen=False)
    story.later(hours=1).turn().call("ship")
    found = by_name(story)
    assert (found["charge"].state, found["charge"].note, found["charge"].done_turn) == (StepState.FAILED, "", 2)
    assert found["charge"].ended_at == story.now - timedelta(hours=1)
    assert found["pack"].done_turn == 2
    assert found["ship"].after == (found["charge"].id, found["pack"].id)


def test_a_failure_recorded_unseen_and_tried_again_by_a_later_turn_is_not_final() -> None:
    story = Story()
    story.fails(story.call("charge", identity="c"), seen=False)
    story.turn().backs_off("charge", "c", 1, minutes=1)
    (step,) = steps(story)
    assert (step.state, step.phase, step.done_turn) == (StepState.RUNNING, "backoff", None)


def test_a_call_under_which_the_process_died_counts_that() -> None:
    story = Story()
    number = story.call("charge")
    for deaths in (1, 2):
        story.tell(h.TaskRestarted(occurred_at=story.now, task_scheduled_id=number, deaths=deaths))
    (step,) = steps(story)
    assert (step.restarts, step.label, len(step.attempts)) == (2, "restarted 2x", 1)


def test_a_detached_start_leads_to_nothing_and_is_no_completed_child() -> None:
    story = Story()
    number = story.call("charge")
    story.turn().returns(number)
    detached = h.DetachedWorkflowInstanceCreated(occurred_at=story.now, event_id=9, name="report", instance_id="r-1", execution=7)
    story.tell(detached).call("ship")
    found = by_name(story)
    assert (found["report"].is_detached, found["report"].note) == (True, "started, detached")
    assert found["ship"].after == (found["charge"].id,)
    frame = steps_frame(steps(story)).set_index("name")
    assert (frame.kind["report"], frame.child_id["report"], frame.note["report"]) == ("detached", "r-1", "started, detached")


def test_an_undo_names_what_it_undoes_and_a_step_of_the_workflow_s_own_is_called_so() -> None:
    story = Story()
    reserve = story.call("reserve")
    for event_id, more in ((7, {"compensates": reserve}), (8, {"is_inline": True})):
        name = f"call_{event_id}"
        story.tell(h.TaskScheduled(occurred_at=story.now, event_id=event_id, name=name, task_execution_id=name, **more))
    found = by_name(story)
    assert (found["call_7"].label, found["call_8"].label, found["reserve"].label) == ("undoes reserve", "step", "")
