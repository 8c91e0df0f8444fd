"""wf.Saga: what was done is undone, last first, on each of the three hosts: the lab, wf.testing.run, and Dapr's own executor."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import dapr.ext.workflow as dapr
import pytest

import wflab as wf
from tests.lab.trips import FAILED, WITHIN_SECONDS, Ending, Host, World, in_testing, on_dapr, register, trip


@pytest.fixture(params=["lab", "testing", "dapr"])
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Host:
    def in_lab(workflow: Callable[..., Any], answers: dict[str, Callable[[Any], Any]]) -> Ending:
        with wf.Lab(tmp_path / "orders.duckdb") as lab:
            register(lab, answers)
            lab.engine.register_workflow(workflow, "trip")
            run = lab.start("trip")
            with suppress(wf.WorkflowFailed):
                return Ending(run.result(WITHIN_SECONDS))
            assert run.failure is not None
            return Ending(error=(run.failure.error_type, run.failure.message))

    hosts: dict[str, Host] = {"lab": in_lab, "testing": in_testing, "dapr": on_dapr}
    return hosts[request.param]


def test_a_saga_that_succeeds_undoes_nothing(host: Host) -> None:
    world = World()
    assert host(trip, world.answers) == Ending("booked")
    assert (world.done, world.undone) == (["flight", "hotel", "car"], [])


def test_completed_steps_are_undone_in_reverse_with_their_results(host: Host) -> None:
    world = World("book_car")
    ending = host(trip, world.answers)
    assert ending.output is not None
    assert "no car" in ending.output
    assert world.undone == [("hotel", {"booking": "hotel", "for": "flight"}), ("flight", {"booking": "flight", "for": "ana"})]


def test_all_of_an_except_block_runs(host: Host) -> None:
    """Dapr once ran only the first statement of it."""

    def workflow(ctx: Any, _: Any) -> Any:
        saga = wf.Saga(ctx)
        try:
            yield saga.step("book_flight", undo="cancel_flight")
            yield ctx.call_activity("book_car")
        except FAILED:
            first = yield ctx.call_activity("book_hotel")
            yield from saga.compensate()
            second = yield ctx.call_activity("book_hotel")
            return [first["booking"], second["booking"]]

    world = World("book_car")
    assert host(workflow, world.answers) == Ending(["hotel", "hotel"])
    assert [thing for thing, _ in world.undone] == ["flight"]


def test_an_undo_that_fails_stops_no_other_and_is_told_in_the_end(host: Host) -> None:
    world = World("book_car", "cancel_hotel")
    ending = host(trip, world.answers)
    assert [thing for thing, _ in world.undone] == ["hotel", "flight"]
    assert ending.error == (
        "SagaCompensationError",
        "1 completed step is not undone. cancel_hotel of book_hotel: OSError: hotel is lost",
    )


def test_what_is_left_can_be_looked_at(host: Host) -> None:
    def workflow(ctx: Any, _: Any) -> Any:
        saga = wf.Saga(ctx)
        yield saga.step("book_flight", undo="cancel_flight")
        yield saga.step("book_hotel", undo="cancel_hotel")
        try:
            yield from saga.compensate()
        except wf.SagaCompensationError as error:
            return [(one.step, one.undo, one.failure.error_type, one.failure.message) for one in error.left]

    assert host(workflow, World("cancel_hotel", "cancel_flight").answers) == Ending(
        [["book_hotel", "cancel_hotel", "OSError", "hotel is lost"], ["book_flight", "cancel_flight", "OSError", "flight is lost"]]
    )


def test_an_undo_is_tried_as_often_as_its_policy_says(host: Host, request: pytest.FixtureRequest) -> None:
    kind: Any = dapr.RetryPolicy if "dapr" in request.node.name else wf.RetryPolicy
    policy = kind(first_retry_interval=timedelta(milliseconds=1), max_number_of_attempts=3)

    def workflow(ctx: Any, _: Any) -> Any:
        saga = wf.Saga(ctx)
        yield saga.step("book_flight", undo="cancel_flight", retry_policy=policy, undo_retry_policy=policy)
        yield from saga.compensate()

    world = World("cancel_flight")
    ending = host(workflow, world.answers)
    assert ending.error is not None
    assert ending.error[0] == "SagaCompensationError"
    assert len(world.undone) == 3


@pytest.mark.parametrize(
    ("undo_input", "given"),
    [
        (None, None),
        (0, 0),
        ("b-7", "b-7"),
        (lambda result: result["booking"], "flight"),
    ],
)
def test_the_undos_input_may_be_a_value_or_made_from_the_result(host: Host, undo_input: Any, given: Any) -> None:
    def workflow(ctx: Any, _: Any) -> Any:
        saga = wf.Saga(ctx)
        yield saga.step("book_flight", undo="cancel_flight", undo_input=undo_input)
        yield from saga.compensate()

    world = World()
    assert host(workflow, world.answers) == Ending()
    assert world.undone == [("flight", given)]


def test_an_undo_whose_input_cannot_be_made_is_left(host: Host) -> None:
    def workflow(ctx: Any, _: Any) -> Any:
        saga = wf.Saga(ctx)
        yield saga.step("book_flight", undo="cancel_flight")
        yield saga.step("book_hotel", undo="cancel_hotel", undo_input=lambda result: result["number"])
        yield from saga.compensate()

    world = World()
    ending = host(workflow, world.answers)
    assert ending.error == ("SagaCompensationError", "1 completed step is not undone. cancel_hotel of book_hotel: KeyError: 'number'")
    assert [thing for thing, _ in world.undone] == ["flight"]


def test_a_step_without_an_undo_has_nothing_to_take_back(host: Host) -> None:
    def workflow(ctx: Any, _: Any) -> Any:
        saga = wf.Saga(ctx)
        yield saga.step("book_flight", undo="cancel_flight")
        yield saga.step("book_hotel")
        yield from saga.compensate()
        return "fine"

    world = World()
    assert host(workflow, world.answers) == Ending("fine")
    assert [thing for thing, _ in world.undone] == ["flight"]


def test_what_was_compensated_once_is_not_again(host: Host) -> None:
    def workflow(ctx: Any, _: Any) -> Any:
        saga = wf.Saga(ctx)
        yield saga.step("book_flight", undo="cancel_flight")
        yield from saga.compensate()
        yield from saga.compensate()
        yield saga.step("book_hotel", undo="cancel_hotel")
        yield from saga.compensate()
        return "fine"

    world = World()
    assert host(workflow, world.answers) == Ending("fine")
    assert [thing for thing, _ in world.undone] == ["flight", "hotel"]


def test_steps_of_a_fan_out_are_undone_whoever_looked_at_them(host: Host, request: pytest.FixtureRequest) -> None:
    when_all: Any = dapr.when_all if "dapr" in request.node.name else wf.when_all

    def workflow(ctx: Any, _: Any) -> Any:
        saga = wf.Saga(ctx)
        saga.step("book_flight", undo="cancel_flight")  # nobody waits for it
        try:
            yield when_all([saga.step(f"book_{one}", undo=f"cancel_{one}") for one in ("car", "hotel")])
        except FAILED:
            yield from saga.compensate()
            return "undone"

    world = World("book_car")
    assert host(workflow, world.answers) == Ending("undone")
    assert [thing for thing, _ in world.undone] == ["hotel", "flight"]


def test_a_step_still_under_way_is_waited_for_and_then_undone(host: Host) -> None:
    """It cannot be told yet whether it will have happened."""

    def workflow(ctx: Any, _: Any) -> Any:
        saga = wf.Saga(ctx)
        yield saga.step("book_flight", undo="cancel_flight")
        under_way = saga.step("book_hotel", undo="cancel_hotel")
        failing = saga.step("book_car", undo="cancel_car")
        assert not under_way.is_complete
        assert not failing.is_complete
        yield from saga.compensate()
        return "undone"

    world = World("book_car")
    assert host(workflow, world.answers) == Ending("undone")
    assert [thing for thing, _ in world.undone] == ["hotel", "flight"]


def test_a_step_that_failed_is_undone_too_where_it_may_have_happened_all_the_same(host: Host) -> None:
    def workflow(ctx: Any, _: Any) -> Any:
        saga = wf.Saga(ctx)
        try:
            yield saga.step("book_flight", undo="cancel_flight", undo_input="o1", undo_if_failed=True)
            yield saga.step("book_hotel", undo="cancel_hotel", undo_input="o1", undo_if_failed=True)
        except FAILED:
            yield from saga.compensate()
        return "undone"

    world = World("book_hotel")
    assert host(workflow, world.answers) == Ending("undone")
    assert world.undone == [("hotel", "o1"), ("flight", "o1")]


@pytest.mark.parametrize(("breaks", "undone"), [("book_car", []), ("book_hotel", ["flight"])])
def test_nothing_is_undone_beyond_a_pivot_that_completed(host: Host, breaks: str, undone: list[str]) -> None:
    def workflow(ctx: Any, _: Any) -> Any:
        saga = wf.Saga(ctx)
        try:
            yield saga.step("book_flight", undo="cancel_flight")
            yield saga.step("book_hotel", undo="cancel_hotel", pivot=True)
            yield saga.step("book_car", undo="cancel_car")
        except FAILED:
            yield from saga.compensate()
        return "over"

    world = World(breaks)
    assert host(workflow, world.answers) == Ending("over")
    assert [thing for thing, _ in world.undone] == undone
