"""What a run did and what it took back, read from its history."""

from datetime import timedelta

import pytest

from tests.lab.analytics.saga_stories import STEPS, Trip, rolled_back_in_part, sites
from tests.lab.conftest import BEGIN, Story
from wfengine.model import history as h
from wfengine.model.instance import Status
from wflab.analytics.saga_acts import UndoAct, UndoActs, acts_of, wording
from wflab.analytics.saga_frames import saga_frame
from wflab.analytics.saga_trace import Trace, trace_of
from wflab.analytics.saga_verdict import residual_of, verdict_of


def read(story: Story, *, source: bool = True, acts: dict[str, UndoActs] | None = None) -> Trace:
    return trace_of(story.instance, story.rows, sites=sites() if source else (), acts=acts)


def states(trace: Trace) -> list[tuple[str, str, str, int | None]]:
    return [(pair.step, pair.forward, pair.backward, pair.order) for pair in trace.pairs]


def test_each_step_stands_beside_what_undid_it_in_the_order_of_compensation() -> None:
    trace = read(rolled_back_in_part())
    assert states(trace) == [
        ("book_hotel", "committed", "failed", 3),
        ("book_flight", "committed", "compensated", 2),
        ("charge_card", "committed", "compensated", 1),
        ("ship", "failed", "not-needed", None),
    ]
    assert [pair.link for pair in trace.pairs] == ["explicit"] * 3 + ["declared"]
    assert [pair.undo for pair in trace.pairs] == ["cancel_hotel", "cancel_flight", "refund_card", "recall"]
    assert trace.turned_at == 3
    verdict = verdict_of(trace)
    assert (verdict.word, verdict.to_undo, verdict.undone) == ("PARTIALLY ROLLED BACK - 1 needs attention", 3, 2)
    assert verdict.sentence == "ship failed (CarrierDown: 503); 2 of 3 completed steps are undone; undo failed: cancel_hotel."
    assert [residual_of(pair) for pair in trace.pairs if pair.is_left] == ["book_hotel stays done: cancel_hotel failed"]


def test_a_saga_that_went_through_needs_no_undo() -> None:
    trace = read(Trip().books(*STEPS).ends())
    assert {pair.backward for pair in trace.pairs} == {"not-needed"}
    assert verdict_of(trace).word == "COMMITTED"
    assert trace.turned_at is None


def test_a_clean_rollback_says_so() -> None:
    trace = read(Trip().books("book_hotel").fails_at("book_flight").takes_back("book_hotel").broken())
    assert verdict_of(trace).word == "ROLLED BACK"
    assert states(trace)[2:] == [("charge_card", "not-reached", "not-needed", None), ("ship", "not-reached", "not-needed", None)]


def test_a_rollback_under_way_counts_what_is_done_of_what_there_is_to_do() -> None:
    trip = Trip().books(*STEPS[:3]).fails_at("ship").takes_back("charge_card")
    trip.undo("book_flight")
    trace = read(trip)
    assert [pair.backward for pair in trace.pairs] == ["planned", "running", "compensated", "not-needed"]
    assert verdict_of(trace).word == "ROLLING BACK 1/3"


def test_a_history_that_ends_in_the_middle_of_a_rollback_is_still_rolling_back() -> None:
    """Without a source nobody knows what the first step's undo would have been."""
    trace = read(Trip().books(*STEPS[:2]).fails_at("ship").takes_back("book_flight"), source=False)
    assert [(pair.undo, pair.backward) for pair in trace.pairs] == [
        (None, "planned"),
        ("cancel_flight", "compensated"),
        (None, "not-needed"),
    ]
    assert verdict_of(trace).word == "ROLLING BACK 1/2"


def test_a_saga_going_forward_plans_its_undos() -> None:
    trip = Trip().books("book_hotel")
    trip.call("book_flight")
    trace = read(trip)
    assert [pair.backward for pair in trace.pairs] == ["planned", "not-needed", "not-needed", "not-needed"]
    assert [pair.forward for pair in trace.pairs] == ["committed", "running", "not-reached", "not-reached"]
    assert verdict_of(trace).word == "GOING FORWARD 1/4"


@pytest.mark.parametrize("kind", ["ActivityTimeoutError", "PoisonActivityError", "ReadTimeout", "TimeoutError"])
def test_a_step_that_may_have_happened_is_in_doubt_and_needs_attention(kind: str) -> None:
    trace = read(Trip().books("book_hotel").fails_at("book_flight", kind).takes_back("book_hotel").broken())
    doubtful = trace.pairs[1]
    assert (doubtful.forward, doubtful.backward) == ("in-doubt", "missing")
    assert verdict_of(trace).word == "PARTIALLY ROLLED BACK - 1 needs attention"
    assert "may have happened" in residual_of(doubtful)


@pytest.mark.parametrize("kind", ["ConnectTimeout", "ValueError"])
def test_a_step_that_certainly_failed_is_not_in_doubt(kind: str) -> None:
    assert read(Trip().fails_at("book_hotel", kind).broken()).pairs[0].forward == "failed"


def test_an_attempt_that_timed_out_leaves_doubt_though_the_last_one_failed_plainly() -> None:
    trip = Trip()
    first = trip.call("book_hotel", identity="h")
    trip.later(seconds=1).turn().fails(first, "ActivityTimeoutError", "late")
    trip.fires(trip.backs_off("book_hotel", "h", 1, seconds=1))
    second = trip.call("book_hotel", identity="h", attempt=2)
    trip.later(seconds=1).turn().fails(second).broken()
    assert read(trip).pairs[0].forward == "in-doubt"


def test_an_attempt_whose_end_came_late_is_in_doubt_no_more_where_it_failed() -> None:
    trip = Trip()
    number = trip.call("book_hotel")
    trip.later(seconds=1).turn().fails(number, "ActivityTimeoutError", "late")
    late = h.TaskEndedLate(occurred_at=trip.now, task_scheduled_id=number, error_type="ValueError")
    trip.tell(late).broken()
    assert read(trip).pairs[0].forward == "failed"


def test_an_attempt_that_returned_late_did_happen() -> None:
    trip = Trip()
    number = trip.call("book_hotel")
    trip.later(seconds=1).turn().fails(number, "ActivityTimeoutError", "late")
    trip.tell(h.TaskEndedLate(occurred_at=trip.now, task_scheduled_id=number)).broken()
    pair = read(trip).pairs[0]
    assert (pair.forward, pair.doubt) == ("in-doubt", "it timed out, and did return later")


def test_what_was_under_way_when_the_run_was_terminated_is_in_doubt() -> None:
    trip = Trip().books("book_hotel")
    trip.call("book_flight")
    trace = read(trip.ends(Status.TERMINATED))
    assert states(trace)[:2] == [("book_hotel", "committed", "missing", None), ("book_flight", "in-doubt", "missing", None)]
    assert verdict_of(trace).word == "ROLLBACK FAILED - 2 need attention"


def test_an_undo_that_was_declared_and_never_asked_for_is_missed() -> None:
    trace = read(Trip().books(*STEPS[:2]).fails_at("charge_card").takes_back("book_flight").broken())
    assert [pair.backward for pair in trace.pairs] == ["missing", "compensated", "not-needed", "not-needed"]
    assert "never asked for: cancel_hotel" in verdict_of(trace).sentence


def test_nothing_before_a_pivot_that_committed_is_undone() -> None:
    source = sites(SOURCE_WITH_PIVOT)
    trip = Trip().books("book_hotel", "charge_card").fails_at("ship").broken()
    trace = trace_of(trip.instance, trip.rows, sites=source)
    assert [(pair.backward, pair.is_pivot) for pair in trace.pairs] == [("pivot", False), ("pivot", True), ("not-needed", False)]
    assert verdict_of(trace).attention == 0


SOURCE_WITH_PIVOT = """
def trip(ctx, order):
    saga = wf.Saga(ctx)
    yield saga.step(book_hotel, undo=cancel_hotel)
    yield saga.step(charge_card, pivot=True)
    yield saga.step(ship)
"""


# Histories that do not say who undoes whom.


def test_pairs_of_a_foreign_history_are_inferred_from_names_and_say_so() -> None:
    trip = Trip().books("book_hotel", "charge_card").fails_at("ship")
    trace = read(trip.takes_back("charge_card", "book_hotel", explicit=False).broken(), source=False)
    assert [(pair.link, pair.order) for pair in trace.pairs] == [("inferred", 2), ("inferred", 1), ("", None)]
    assert trace.is_inferred
    assert verdict_of(trace).word == "ROLLED BACK"
    assert "inferred from their names" in verdict_of(trace).sentence


def test_who_locks_also_unlocks_which_is_no_rollback() -> None:
    story = Story()
    for name in ("acquire_lock", "work", "release_lock"):
        story.returns(story.call(name)).turn()
    trace = read(story.ends(), source=False)
    assert not trace.is_saga
    assert verdict_of(trace).word == "NO SAGA"


def test_a_run_without_compensations_is_no_saga() -> None:
    story = Story()
    story.returns(story.call("charge")).ends()
    assert not read(story, source=False).is_saga


# What people did about it.


def act(verb: str, **more: str) -> dict[str, UndoActs]:
    made = UndoAct(verb=verb, undo="cancel_hotel", who="ana", at=BEGIN, **more)  # type: ignore[arg-type]  # one of the verbs
    return {"a0": UndoActs(acts=(made,))}


@pytest.mark.parametrize(
    ("acts", "backward", "word"),
    [
        (act("retry", run="u1", state="COMPLETED"), "compensated", "ROLLED BACK"),
        (act("retry", run="u1", state="RUNNING"), "running", "ROLLING BACK 2/3"),
        (act("retry", run="u1", state="FAILED"), "failed", "PARTIALLY ROLLED BACK - 1 needs attention"),
        (act("retry", run="u1"), "failed", "PARTIALLY ROLLED BACK - 1 needs attention"),
        (act("skip", why="it expires"), "skipped", "PARTIALLY ROLLED BACK - 1 skipped"),
        (act("resolve", why="by phone"), "resolved", "ROLLED BACK"),
    ],
)
def test_what_a_person_did_counts(acts: dict[str, UndoActs], backward: str, word: str) -> None:
    trace = read(rolled_back_in_part(), acts=acts)
    assert trace.pairs[0].backward == backward
    assert verdict_of(trace).word == word


def test_acts_are_read_back_as_they_were_written() -> None:
    rows = [
        ("ana", wording("skip", "cancel as usual", "a0"), "later", BEGIN),
        ("ben", wording("retry", "cancel as usual", "a0", "u 1"), None, BEGIN + timedelta(hours=1)),
        ("ana", "skip", None, BEGIN),
        ("ana", "raise_event skip x", None, BEGIN),
        ("ana", "skip nothing", None, BEGIN),
    ]
    found = acts_of(rows, lambda run: ("FAILED", f"{run}: no"))
    assert list(found) == ["a0"]
    first, second = found["a0"].acts
    assert (first.verb, first.undo, first.why, first.run) == ("skip", "cancel as usual", "later", "")
    assert (second.verb, second.undo, second.run, second.state, second.error) == ("retry", "cancel as usual", "u 1", "FAILED", "u 1: no")


def test_a_retry_that_succeeded_counts_whatever_was_decided_later() -> None:
    acts = UndoActs(acts=(*act("retry", run="u", state="COMPLETED")["a0"].acts, *act("skip")["a0"].acts))
    assert read(rolled_back_in_part(), acts={"a0": acts}).pairs[0].backward == "compensated"


# As a frame.


def test_the_frame_has_a_row_for_each_pair() -> None:
    frame = saga_frame(read(rolled_back_in_part()))
    assert list(frame.step) == list(STEPS)
    assert list(frame.undo_state) == ["failed", "compensated", "compensated", "not-needed"]
    assert list(frame.order[:3]) == [3, 2, 1]
    assert frame.effect[0] == "BOO-22"
    assert frame.key[0] == "call-6"
    assert list(frame.attention) == [True, False, False, False]
    assert frame.undo_error[0] == "OSError: hotel is lost"
    assert str(frame.began.dtype) == "datetime64[us, UTC]"


def test_the_frame_of_nothing_has_all_columns() -> None:
    frame = saga_frame(read(Story().ends(), source=False))
    assert len(frame) == 0
    assert {"step", "undo_state", "key"} <= set(frame.columns)
