"""A history laid out in time: one span per attempt, timer, wait, child and band."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.conftest import BEGIN, Story, approval
from wfengine.model import history as h
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import ParentInstance, Status
from wfengine.model.work import HistoryRow
from wflab.analytics.call_sites import call_sites
from wflab.analytics.fingerprints import fingerprint
from wflab.analytics.race_rounds import races_in
from wflab.analytics.span import Span, SpanState
from wflab.analytics.spans import spans_of


def laid(story: Story, **options: Any) -> list[Span]:
    return spans_of(story.instance, story.rows, races=races_in(story.source), **options)


def told(spans: Sequence[Span], *fields: str) -> list[tuple[Any, ...]]:
    return [tuple(getattr(span, field) for field in fields) for span in spans]


def after(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def retried() -> Story:
    """Two failures with a pause behind each, then a success."""
    story = Story()
    first = story.call("charge_card", identity="c", payload="[1]")
    story.later(seconds=1).turn().fails(first, message="card 4711 declined")
    story.backs_off("charge_card", "c", 1, seconds=2)
    story.later(seconds=2).turn().fires(1)
    second = story.call("charge_card", identity="c", attempt=2, payload="[1]")
    story.later(seconds=1).turn().fails(second, message="card 4712 declined")
    story.backs_off("charge_card", "c", 2, seconds=4)
    story.later(seconds=4).turn().fires(3)
    third = story.call("charge_card", identity="c", attempt=3, payload="[1]")
    story.later(seconds=1).turn().returns(third, '"paid"')
    return story


def test_the_run_comes_first_and_holds_the_others() -> None:
    story = Story()
    story.call("charge_card")
    run, call = laid(story)
    assert (run.span_id, run.kind, run.name, run.state, run.phase) == ("1", "workflow", "order", "RUNNING", "executing")
    assert (call.span_id, call.parent_id, call.kind, call.state, call.phase) == ("1:a0", "1", "activity", "RUNNING", "executing")
    assert run.bytes_in == len('{"amount": 5000}')
    assert run.started_at == BEGIN


def test_attempts_of_a_call_are_spans_of_one_call_and_a_retry_timer_is_none() -> None:
    _, *attempts = laid(retried())
    assert told(attempts, "kind", "call_id", "attempt", "attempts", "state", "outcome", "phase") == [
        ("activity", "1:a0", 1, 3, "FAILED", "failed", "done"),
        ("activity", "1:a0", 2, 3, "FAILED", "failed", "done"),
        ("activity", "1:a0", 3, 3, "COMPLETED", "returned", "done"),
    ]
    assert told(attempts, "queued_at", "ended_at", "fire_at") == [
        (after(0), after(1), after(3)),
        (after(3), after(4), after(8)),
        (after(8), after(9), None),
    ]
    assert told(attempts, "bytes_in", "bytes_out", "worker") == [(3, None, None), (3, None, None), (3, 6, "w1")]
    assert {span.index for span in attempts} == {0}
    assert {span.error_fp for span in attempts[:2]} == {"ValueError: card # declined"}


def test_between_two_attempts_the_failed_one_stands_in_backoff() -> None:
    told_so_far = retried().retold(4)
    _, attempt = laid(told_so_far)
    assert (attempt.state, attempt.phase, attempt.fire_at) == ("FAILED", "backoff", after(3))


def test_an_attempt_that_nobody_makes_is_queued() -> None:
    story = Story()
    number = story.call("charge_card")
    _, attempt = laid(story, held_up=[number])
    assert (attempt.state, attempt.phase, attempt.started_at) == ("PENDING", "queued", None)


def test_a_race_won_by_the_event_cancels_the_timer_at_that_moment() -> None:
    story = approval().later(hours=2).turn().raised("human_approval")
    story.call("process_approval")
    _, wait, timer, _ = laid(story)
    assert (wait.kind, wait.outcome, wait.raised_by, wait.ended_at) == ("event_wait", "raised", "ana", after(7200))
    assert (timer.kind, timer.outcome, timer.state, timer.ended_at) == ("timer", "cancelled", "CANCELED", after(7200))
    assert timer.fire_at == BEGIN + timedelta(days=7)


def test_a_race_won_by_the_timer_cancels_the_wait_at_that_moment() -> None:
    story = approval().later(days=7).turn().fires(1)
    story.call("handle_timeout")
    _, wait, timer, _ = laid(story)
    assert (timer.outcome, timer.state) == ("fired", "COMPLETED")
    assert (wait.outcome, wait.ended_at, wait.note) == ("cancelled", timer.ended_at, "lost the race")


def test_an_open_wait_has_its_deadline_and_one_whose_deadline_passed_timed_out() -> None:
    story = Story()
    story.waits("paid", title="Paid?", hours=1)
    _, wait = laid(story)
    assert (wait.state, wait.phase, wait.outcome, wait.fire_at, wait.note) == ("SUSPENDED", "waiting", "", after(3600), "Paid?")
    _, wait = laid(story.later(hours=1).turn().fires(0))
    assert (wait.state, wait.outcome, wait.ended_at) == ("CANCELED", "timed_out", after(3600))


def test_an_event_that_nobody_waited_for_is_a_point_in_time() -> None:
    story = Story().later(seconds=3).raised("note", '"hello"')
    _, point = laid(story)
    assert (point.span_id, point.kind, point.outcome, point.raised_by, point.bytes_out) == ("1:e1", "event_wait", "buffered", "ana", 7)
    assert point.queued_at == point.ended_at == after(3)


def test_a_suspension_is_a_band_until_it_is_resumed() -> None:
    story = Story()
    story.later(seconds=1).tell(h.ExecutionSuspended(occurred_at=story.now, reason="lunch"), seen=False)
    _, band = laid(story)
    assert (band.kind, band.state, band.phase, band.queued_at, band.ended_at, band.note) == (
        "suspend", "SUSPENDED", "waiting", after(1), None, "lunch",
    )  # fmt: skip
    story.later(seconds=5).tell(h.ExecutionResumed(occurred_at=story.now), seen=False)
    _, band = laid(story)
    assert (band.state, band.outcome, band.ended_at) == ("COMPLETED", "resumed", after(6))


def test_a_stalled_run_has_a_band_that_tells_why_and_stands_last() -> None:
    story = Story()
    story.status, story.failure = Status.STALLED, FailureDetails("history expected charge_card", "NonDeterminism")
    story.call("charge_card")
    run, _, stall = laid(story)
    assert (stall.span_id, stall.kind, stall.state, stall.error_message) == ("1:stall", "stall", "STALLED", "history expected charge_card")
    assert (run.state, run.phase, run.error_type) == ("STALLED", "waiting", None)


def test_a_generation_ends_in_a_seam() -> None:
    story = Story()
    story.later(seconds=4).turn().tell(h.ContinuedAsNew(occurred_at=story.now, input="[2]"))
    story.status = Status.CONTINUED_AS_NEW
    run, seam = laid(story)
    assert (run.state, run.outcome, run.ended_at, run.bytes_out) == ("CONTINUED_AS_NEW", "continued", after(4), 3)
    assert (seam.kind, seam.queued_at, seam.ended_at, seam.state) == ("can", after(4), after(4), "CONTINUED_AS_NEW")


def test_what_the_end_of_a_run_left_open_ends_with_it() -> None:
    story = Story()
    for _ in range(2):
        story.call("charge_card")
    story.waits("paid")
    story.timer(days=1)
    story.later(seconds=9).turn().ends(Status.TERMINATED)
    run, *others = laid(story)
    assert (run.state, run.outcome) == ("TERMINATED", "terminated")
    assert told(others, "outcome", "state", "ended_at") == [
        ("abandoned", "CANCELED", after(9)),
        ("abandoned", "CANCELED", after(9)),
        ("cancelled", "CANCELED", after(9)),
        ("cancelled", "CANCELED", after(9)),
    ]


def test_a_failed_run_and_its_failed_child_have_an_error_and_a_fingerprint() -> None:
    story = Story()
    number = story.child("ship", instance_id="ship-7")
    failure = FailureDetails("parcel 7f3a9c1d is lost", "KeyError")
    story.later(seconds=1).turn()
    story.tell(h.ChildWorkflowInstanceFailed(occurred_at=story.now, task_scheduled_id=number, failure=failure))
    story.ends(Status.FAILED, failure=failure)
    run, child = laid(story)
    assert (child.kind, child.child_id, child.outcome, child.error_fp) == ("child", "ship-7", "failed", "KeyError: parcel # is lost")
    assert (run.outcome, run.error_type, run.error_fp) == ("failed", "KeyError", "KeyError: parcel # is lost")


def test_a_childs_run_hangs_below_the_span_of_its_parent() -> None:
    story = Story()
    instance = msgspec.structs.replace(story.instance, parent=ParentInstance(key=17, instance_id="p", name="orders", task_id=4))
    [run] = spans_of(instance, story.rows, parent_group="workflow orders/child order@3")
    assert (run.parent_id, run.group_key) == ("17:a4", "workflow orders/child order@3/workflow order")


def test_a_detached_workflow_was_started_or_refused_and_takes_no_time() -> None:
    story = Story()
    for number, execution in enumerate((7, None)):
        story.tell(
            h.DetachedWorkflowInstanceCreated(
                occurred_at=story.now, event_id=number, name="report", instance_id=f"r{number}", execution=execution
            )
        )
    _, *started = laid(story)
    assert told(started, "kind", "outcome", "state", "child_id") == [
        ("child", "detached", "COMPLETED", "r0"),
        ("child", "refused", "CANCELED", "r1"),
    ]


def test_deaths_of_the_process_and_a_late_end_are_told_of_the_attempt() -> None:
    story = Story()
    number = story.call("charge_card")
    for deaths in (1, 2):
        story.tell(h.TaskRestarted(occurred_at=story.now, task_scheduled_id=number, deaths=deaths), seen=False)
    story.later(seconds=5).turn().fails(number, "ActivityTimeoutError", "took longer than 5 s")
    story.later(seconds=2).tell(h.TaskEndedLate(occurred_at=story.now, task_scheduled_id=number), seen=False)
    _, attempt = laid(story)
    assert (attempt.outcome, attempt.restarts, attempt.ended_at, attempt.late_at) == ("timed_out", 2, after(5), after(7))


def test_a_compensation_names_the_call_it_undoes() -> None:
    story = Story()
    done = story.call("book")
    story.turn().returns(done)
    story.tell(h.TaskScheduled(occurred_at=story.now, event_id=story._number(), name="cancel", task_execution_id="u", compensates=done))
    _, book, cancel = laid(story)
    assert cancel.compensates == book.call_id
    assert cancel.note == "undoes book"


def test_a_rerun_tells_whose_past_it_shares() -> None:
    story = Story()
    begun = h.ExecutionStarted(occurred_at=BEGIN, name="order", instance_id="again", seed=f"eu/order-1/{BEGIN.isoformat()}/12")
    [run] = spans_of(story.instance, [HistoryRow(1, 0, 1, begun)])
    assert run.rerun_of == "eu/order-1"


def test_calls_of_one_site_are_a_group_and_numbered_in_it() -> None:
    source = "def order(ctx, given):\n    yield wf.when_all([ctx.call_activity(score) for _ in given])\n    yield ctx.create_timer(given)\n"
    story = Story()
    for _ in range(3):
        story.call("score")
    story.timer(minutes=3)
    _, *calls, timer = laid(story, sites=call_sites(source), file="In[4]")
    assert told(calls, "group_key", "index", "line", "file") == [("workflow order/activity score@2", n, 2, "In[4]") for n in range(3)]
    assert (timer.name, timer.group_key, timer.line) == ("timer 3 min", "workflow order/timer @3", 3)


def test_without_a_certain_line_a_group_is_the_kind_and_the_name() -> None:
    story = Story()
    story.call("score")
    _, call = laid(story)
    assert (call.group_key, call.line, call.file) == ("workflow order/activity score", None, None)


def test_a_state_of_a_later_version_is_unknown() -> None:
    story = Story()
    instance = msgspec.structs.replace(story.instance, status="PONDERING")
    [run] = spans_of(instance, story.rows)
    assert run.state is SpanState.UNKNOWN


@pytest.mark.parametrize(
    ("message", "masked"),
    [
        ("order 17 has no card", "E: order # has no card"),
        ("order-17 at 10.0.0.1:5432, 3.5 s", "E: order-# at #, # s"),
        ("id 7f3a9c1d-aaaa-bbbb-cccc-abcdefabcdef", "E: id #"),
        ("first\nsecond 2", "E: first"),
        ("", "E"),
        (None, "E"),
    ],
)
def test_a_fingerprint_masks_what_differs_from_run_to_run(message: str | None, masked: str) -> None:
    assert fingerprint("E", message) == masked


def every_event() -> list[HistoryRow]:
    """One history with everything in it."""
    story = retried()
    story.waits("paid", hours=1)
    story.timer(hours=2)
    story.child("ship")
    story.turn().raised("paid").raised("nobody asked")
    story.tell(h.ExecutionSuspended(occurred_at=story.now)).tell(h.ExecutionResumed(occurred_at=story.now))
    story.tell(h.ChildWorkflowInstanceCompleted(occurred_at=story.now, task_scheduled_id=story.next_id - 1))
    story.tell(h.TaskRestarted(occurred_at=story.now, task_scheduled_id=0, deaths=1))
    return story.ends().rows


@given(st.lists(st.sampled_from(every_event()), max_size=30), st.sampled_from(list(Status)))
def test_no_history_however_damaged_makes_it_fail_and_every_span_can_be_told_from_the_others(
    rows: list[HistoryRow], status: Status
) -> None:
    numbered = [HistoryRow(1, place, row.turn, row.event) for place, row in enumerate(rows)]
    instance = msgspec.structs.replace(Story().instance, status=status)
    spans = spans_of(instance, numbered)
    assert len({span.span_id for span in spans}) == len(spans)
    sequences = [span.sequence for span in spans if span.sequence is not None and span.kind != "workflow"]
    assert sequences == sorted(sequences)


@given(st.integers(0, len(every_event())))
def test_more_history_only_adds_spans_behind_those_that_are_there(count: int) -> None:
    whole = every_event()
    known = [span.span_id for span in spans_of(Story().instance, whole)]
    told_so_far = [span.span_id for span in spans_of(Story().instance, whole[:count])]
    assert told_so_far == known[: len(told_so_far)]


def test_an_event_of_a_later_version_is_left_out() -> None:
    class Pondered(msgspec.Struct, frozen=True):
        occurred_at: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    row = HistoryRow(1, 1, 1, Pondered())  # type: ignore[arg-type]  # a later version may send anything
    assert len(spans_of(Story().instance, [*Story().rows, row])) == 1
