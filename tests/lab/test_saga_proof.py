"""lab.saga_proof: a failure at every step in turn, and what is left undone after each."""

from datetime import timedelta
from typing import Any

import pytest

import wflab as wf
from tests.lab.trips import WITHIN_SECONDS, World, register, trip
from wfengine.errors import InvalidArgument
from wflab.views.saga_proof import SagaProof


def careful(ctx: Any, order: Any) -> Any:
    saga = wf.Saga(ctx)
    try:
        yield saga.step("book_flight", undo="cancel_flight", undo_input=order, undo_if_failed=True)
        yield saga.step("book_hotel", undo="cancel_hotel", undo_input=order, undo_if_failed=True)
        yield saga.step("book_car", undo="cancel_car", undo_input=order, undo_if_failed=True)
    except wf.TaskFailedError:
        yield from saga.compensate()
        raise
    return "booked"


def forgetful(ctx: Any, _: Any) -> Any:
    saga = wf.Saga(ctx)
    try:
        yield saga.step("book_flight", undo="cancel_flight")
        yield saga.step("book_hotel")
        yield saga.step("book_car", undo="cancel_car")
    except wf.TaskFailedError:
        yield from saga.compensate()
        return "undone"


def told(proof: SagaProof) -> list[tuple[str, str, tuple[str, ...], tuple[str, ...], str]]:
    return [(case.fails, case.how, case.compensations, case.left, case.verdict) for case in proof.cases]


def test_a_saga_that_undoes_whatever_may_have_happened_proves_clean(lab: wf.Lab) -> None:
    proof = lab.saga_proof(careful, "o1")
    assert proof.is_clean
    assert proof.in_doubt == []
    assert told(proof)[:4] == [
        ("nothing", "-", (), (), "clean"),
        ("book_flight", "fails", ("cancel_flight",), (), "clean"),
        ("book_flight", "times out", ("cancel_flight",), (), "clean"),
        ("book_hotel", "fails", ("cancel_hotel", "cancel_flight"), (), "clean"),
    ]
    last = [case for case in proof.cases if case.how == "undo fails"]
    assert [(case.fails, case.after, case.compensations) for case in last] == [
        (undo, "book_car", ("cancel_car", "cancel_hotel", "cancel_flight")) for undo in ("cancel_car", "cancel_hotel", "cancel_flight")
    ]
    assert {case.verdict for case in last} == {"unavoidable"}


def test_a_usual_saga_proves_clean_and_says_what_a_timeout_leaves_in_doubt(lab: wf.Lab) -> None:
    proof = lab.saga_proof(trip, mocks={"book_flight": {"booking": "flight"}})
    assert proof.is_clean
    assert [case.in_doubt for case in proof.in_doubt] == [("book_flight",), ("book_hotel",), ("book_car",)]
    assert "somebody must check" in proof.sentence


def test_a_forgotten_undo_is_found(lab: wf.Lab) -> None:
    proof = lab.saga_proof(forgetful)
    assert not proof.is_clean
    assert proof.left == ["book_hotel"]
    assert ("book_car", "fails", ("cancel_flight",), ("book_hotel",), "left") in told(proof)
    assert proof.sentence.startswith("NOT CLEAN: book_hotel left undone (3 of 8 cases).")


def test_a_forgotten_undo_is_found_also_where_nothing_at_all_is_undone(lab: wf.Lab) -> None:
    def alone(ctx: Any, _: Any) -> Any:
        try:
            yield ctx.call_activity("book_flight")
            yield ctx.call_activity("book_hotel")
        except wf.TaskFailedError:
            return "sorry"

    assert lab.saga_proof(alone).left == ["book_flight"]


def test_a_step_that_leaves_nothing_is_named(lab: wf.Lab) -> None:
    assert lab.saga_proof(forgetful, without_effect={"book_hotel"}).is_clean
    with pytest.raises(InvalidArgument, match="never calls 'book_train'"):
        lab.saga_proof(forgetful, without_effect={"book_train"})


def test_an_undo_whose_failure_stops_the_others_is_found(lab: wf.Lab) -> None:
    """By names, since the undos are written by hand."""

    def by_hand(ctx: Any, _: Any) -> Any:
        yield ctx.call_activity("book_flight")
        yield ctx.call_activity("book_hotel")
        try:
            yield ctx.call_activity("book_car")
        except wf.TaskFailedError:
            yield ctx.call_activity("cancel_hotel")
            yield ctx.call_activity("cancel_flight")
            raise

    proof = lab.saga_proof(by_hand)
    assert proof.is_inferred
    [case] = [case for case in proof.problems if case.how == "undo fails"]
    assert (case.fails, case.left, case.undo_failed) == ("cancel_hotel", ("book_flight",), ("book_hotel",))


def test_undoing_what_went_well_is_found(lab: wf.Lab) -> None:
    def hasty(ctx: Any, _: Any) -> Any:
        saga = wf.Saga(ctx)
        yield saga.step("book_flight", undo="cancel_flight")
        yield from saga.compensate()

    assert [case.verdict for case in lab.saga_proof(hasty).problems] == ["undone for nothing"]


def test_nothing_before_a_pivot_has_to_be_undone(lab: wf.Lab) -> None:
    def pivoted(ctx: Any, _: Any) -> Any:
        saga = wf.Saga(ctx)
        try:
            yield saga.step("book_flight", undo="cancel_flight")
            yield saga.step("charge", pivot=True)
            yield saga.step("ship", undo="recall")
        except wf.TaskFailedError:
            yield from saga.compensate()

    proof = lab.saga_proof(pivoted)
    assert proof.is_clean
    assert ("charge", "fails", ("cancel_flight",), (), "clean") in told(proof)
    assert ("ship", "fails", (), (), "clean") in told(proof)


def test_of_a_wide_fan_out_some_calls_are_tried_and_the_proof_says_which(lab: wf.Lab) -> None:
    def wide(ctx: Any, _: Any) -> Any:
        saga = wf.Saga(ctx)
        try:
            yield wf.when_all([saga.step("reserve", undo="release", undo_input=n, input=n) for n in range(20)])
        except wf.TaskFailedError:
            yield from saga.compensate()
            raise

    proof = lab.saga_proof(wide)
    assert [case.fails for case in proof.cases if case.how == "fails"] == ["reserve #1", "reserve #10", "reserve #20"]
    assert proof.passed_over == ("3 of 20 calls of reserve",)
    assert proof.is_clean


def test_children_events_and_timers_are_played(lab: wf.Lab) -> None:
    def packing(ctx: Any, _: Any) -> Any:
        yield ctx.call_activity("wrap")
        return "packed"

    def order(ctx: Any, _: Any) -> Any:
        saga = wf.Saga(ctx)
        try:
            yield saga.step("book_flight", undo="cancel_flight")
            yield ctx.wait_for_external_event("approval")
            yield ctx.create_timer(timedelta(days=7))
            yield ctx.call_child_workflow(packing)
        except wf.TaskFailedError:
            yield from saga.compensate()
            raise

    proof = lab.saga_proof(order, events={"approval": True})
    assert ("packing", "fails", ("cancel_flight",), (), "clean") in told(proof)
    with pytest.raises(InvalidArgument, match="events="):
        lab.saga_proof(order)


def test_no_activity_runs_unless_it_is_given_and_nothing_is_recorded(lab: wf.Lab) -> None:
    world = World()
    register(lab, world.answers)
    lab.engine.register_workflow(trip, "trip")
    before = lab.sql("select count(*) as n from history").n[0]
    with pytest.raises(InvalidArgument, match="say what an activity returns"):
        lab.saga_proof("trip")
    ran: list[str] = []

    def book_flight(_ctx: Any, who: str) -> dict[str, str]:
        ran.append(who)
        return {"booking": f"for {who}"}

    assert lab.saga_proof("trip", activities=[book_flight]).is_clean
    assert set(ran) == {"ana"}
    assert (world.done, world.undone) == ([], [])
    assert lab.sql("select count(*) as n from history").n[0] == before
    assert len(lab.runs.df()) == 0


def test_results_are_taken_from_the_last_run_that_went_well(lab: wf.Lab) -> None:
    register(lab, World().answers)
    lab.engine.register_workflow(trip, "trip")
    lab.start("trip").result(WITHIN_SECONDS)
    assert lab.saga_proof("trip").is_clean


def test_a_name_that_is_not_registered_is_told(lab: wf.Lab) -> None:
    with pytest.raises(InvalidArgument, match="No workflow is registered as 'trap'"):
        lab.saga_proof("trap")


def test_the_proof_is_a_frame_text_and_a_table(lab: wf.Lab) -> None:
    proof = lab.saga_proof(forgetful)
    frame = proof.df()
    assert list(frame.columns) == [
        "fails",
        "how",
        "after",
        "status",
        "compensations",
        "left",
        "in_doubt",
        "undo_failed",
        "verdict",
        "error",
    ]
    assert frame.compensations[5] == ["cancel_flight"]
    assert "  ✕  book_car fails                      cancel_flight  book_hotel" in repr(proof).splitlines()
    html = proof._repr_html_()
    assert html.count("<tr") == len(proof.cases) + 1
    assert "<script" not in html


def test_hostile_names_stay_text(lab: wf.Lab) -> None:
    def rude(ctx: Any, _: Any) -> Any:
        yield ctx.call_activity("<img src=x onerror=alert(1)>")
        yield ctx.call_activity("b")

    html = lab.saga_proof(rude)._repr_html_()
    assert "<img" not in html
    assert "&lt;img" in html
