"""run.saga(): what a run did and took back, and what people do about what is left; durable, and with the same idempotency key."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import wflab as wf
from tests.lab.trips import WITHIN_SECONDS, World, trip
from wfengine.errors import InvalidArgument
from wfengine.model.instance import Status
from wflab import protocol
from wflab.display.saga_handle import SagaHandle


class Desk(World):
    """A world whose activities tell with which idempotency key they were called."""

    def __init__(self, *breaks: str) -> None:
        super().__init__(*breaks)
        self.keys: dict[str, list[str]] = {}


def prepare(lab: wf.Lab, world: Desk, workflow: Callable[..., Any] = trip) -> None:
    for name, answer in world.answers.items():

        def activity(ctx: Any, given: Any, name: str = name, answer: Any = answer) -> Any:
            world.keys.setdefault(name, []).append(ctx.task_execution_id)
            return answer(given)

        lab.engine.register_activity(activity, name)
    lab.engine.register_workflow(workflow, "trip")


def strict(ctx: Any, _: Any) -> Any:
    saga = wf.Saga(ctx)
    try:
        flight = yield saga.step("book_flight", undo="cancel_flight", input="ana")
        yield saga.step("book_hotel", undo="cancel_hotel", input=flight["booking"])
        yield saga.step("book_car", undo="cancel_car")
    except wf.TaskFailedError:
        yield from saga.compensate()
        raise


def stuck(lab: wf.Lab, world: Desk) -> wf.Run:
    """A trip whose car cannot be had and whose flight cannot be cancelled."""
    prepare(lab, world, strict)
    run = lab.start("trip", instance_id="t")
    with pytest.raises(wf.WorkflowFailed):
        run.result(WITHIN_SECONDS)
    return run


def settled(lab: wf.Lab, run_id: str | list[str]) -> None:
    assert isinstance(run_id, str)
    lab.engine.wait_for_workflow_completion(run_id, WITHIN_SECONDS)


def states(saga: SagaHandle) -> dict[str, str]:
    frame = saga.df()
    return dict(zip(frame.step, frame.undo_state, strict=True))


def test_a_runs_saga_is_read_from_its_history(lab: wf.Lab) -> None:
    saga = stuck(lab, Desk("book_car", "cancel_flight")).saga()
    assert states(saga) == {"book_flight": "failed", "book_hotel": "compensated", "book_car": "not-needed"}
    assert saga.verdict == "PARTIALLY ROLLED BACK - 1 needs attention"
    assert saga.text().splitlines() == [
        "trip FAILED: PARTIALLY ROLLED BACK - 1 needs attention",
        "  book_flight  committed <- cancel_flight undo failed (2)",
        "  book_hotel   committed <- cancel_hotel undone (1)",
        "  book_car     failed <- cancel_car not needed",
        "  left: book_flight stays done: cancel_flight failed",
    ]


def test_a_retry_calls_the_undo_again_with_the_same_input_and_key_in_a_run_of_its_own(lab: wf.Lab) -> None:
    world = Desk("book_car", "cancel_flight")
    run = stuck(lab, world)
    before = lab.engine.history("t")
    world.breaks = ()
    settled(lab, run.saga().retry("cancel_flight"))
    assert world.undone[-1] == ("flight", {"booking": "flight", "for": "ana"})
    first, second = world.keys["cancel_flight"]
    assert first == second == run.saga().df().key[0]
    assert run.saga().verdict == "ROLLED BACK"
    assert (run.status, lab.engine.history("t")) == (Status.FAILED, before)
    acts = lab.sql("select who, what, instance_id, from_where from audit where starts_with(what, 'retry')")
    assert list(acts.instance_id) == ["t"]
    assert acts.what[0].startswith("retry cancel_flight a0 as undo-")


def test_a_retry_that_fails_again_is_seen_and_may_be_made_again(lab: wf.Lab) -> None:
    world = Desk("book_car", "cancel_flight")
    saga = stuck(lab, world).saga()
    settled(lab, saga.retry("book_flight"))
    assert states(saga)["book_flight"] == "failed"
    world.breaks = ()
    settled(lab, saga.retry("a0"))
    assert saga.verdict == "ROLLED BACK"
    with pytest.raises(InvalidArgument, match="There is nothing to be done about book_flight"):
        saga.retry("cancel_flight")


@pytest.mark.parametrize(("verb", "verdict"), [("skip", "PARTIALLY ROLLED BACK - 1 skipped"), ("resolve", "ROLLED BACK")])
def test_what_was_decided_is_known_when_the_lab_is_opened_again(tmp_path: Path, verb: str, verdict: str) -> None:
    path = tmp_path / "orders.duckdb"
    with wf.Lab(path) as lab:
        saga = stuck(lab, Desk("book_car", "cancel_flight")).saga()
        if verb == "skip":
            saga.skip("cancel_flight", reason="the ticket expires")
        else:
            saga.resolve("cancel_flight", note="by phone")
        assert saga.verdict == verdict
    with wf.Lab(path) as lab:
        saga = lab.get("t").saga()
        assert saga.verdict == verdict
        assert saga.df().why[0] in {"the ticket expires", "by phone"}


def test_a_retry_goes_on_when_the_lab_is_opened_again_and_no_cell_defines_its_code(tmp_path: Path) -> None:
    path = tmp_path / "orders.duckdb"
    world = Desk("book_car", "cancel_flight")
    with wf.Lab(path) as lab:
        run = stuck(lab, world)

        async def cancel(_ctx: Any, _given: Any) -> None:
            await asyncio.sleep(3600)

        lab.engine.register_activity(cancel, "cancel_flight")

        retried = run.saga().retry("cancel_flight")
        assert run.saga().verdict == "ROLLING BACK 1/2"
    with wf.Lab(path) as lab:
        world.breaks = ()
        prepare(lab, world, strict)
        settled(lab, retried)
        assert lab.get("t").saga().verdict == "ROLLED BACK"


def test_acts_say_what_is_missing(lab: wf.Lab) -> None:
    saga = stuck(lab, Desk("book_car", "cancel_flight")).saga()
    with pytest.raises(InvalidArgument, match="called 'cancel_train'; there are cancel_flight, cancel_hotel, cancel_car"):
        saga.retry("cancel_train")
    with pytest.raises(InvalidArgument, match="Say why"):
        saga.skip("cancel_flight", reason=" ")
    with pytest.raises(InvalidArgument, match="nothing to be done about book_hotel"):
        saga.resolve("cancel_hotel", note="x")
    assert len(lab.sql("select * from audit")) == 0


def test_what_the_workflow_itself_is_still_to_undo_is_left_to_it(lab: wf.Lab) -> None:
    def waiting(ctx: Any, _: Any) -> Any:
        saga = wf.Saga(ctx)
        yield saga.step("book_flight", undo="cancel_flight")
        yield ctx.wait_for_external_event("go")
        yield from saga.compensate()

    prepare(lab, Desk(), waiting)
    run = lab.start("trip")
    lab.clock.virtual()  # returns once nothing is to be done at this moment: it waits
    lab.clock.advance(timedelta(seconds=1))
    assert run.saga().verdict == "GOING FORWARD 1/1"
    with pytest.raises(InvalidArgument, match="itself is still to undo book_flight"):
        run.saga().retry("cancel_flight")


def test_an_undo_that_was_never_asked_for_needs_its_input(lab: wf.Lab) -> None:
    def forgetful(ctx: Any, _: Any) -> Any:
        saga = wf.Saga(ctx)
        yield saga.step("book_flight", undo="cancel_flight")
        yield saga.step("book_car", undo="cancel_car")

    world = Desk("book_car")
    prepare(lab, world, forgetful)
    run = lab.start("trip")
    with pytest.raises(wf.WorkflowFailed):
        run.result(WITHIN_SECONDS)
    saga = run.saga()
    assert saga.verdict == "ROLLBACK FAILED - 1 needs attention"
    with pytest.raises(InvalidArgument, match="never asked for"):
        saga.retry("cancel_flight")
    settled(lab, saga.retry("cancel_flight", input={"booking": "flight"}))
    assert world.undone == [("flight", {"booking": "flight"})]
    assert saga.verdict == "ROLLED BACK"


def test_a_page_acts_with_a_second_press_that_names_the_count(lab: wf.Lab) -> None:
    source = stuck(lab, Desk("book_car", "cancel_flight")).saga().source

    def ask(**arguments: Any) -> Any:
        return source.answer(protocol.Request(id="1", what="act", arguments=arguments))

    given = {"verb": "resolve", "pairs": ["a0"], "why": "by phone"}
    assert ask(**given) == {"count": 1, "pairs": ["cancel_flight"], "done": False, "told": ""}
    assert len(lab.sql("select * from audit")) == 0
    with pytest.raises(InvalidArgument, match="It is 1 now, not 2"):
        ask(**given, count=2)
    assert ask(**given, count=1)["done"]
    assert source.picture().story.word == "ROLLED BACK"
    assert list(lab.sql("select from_where from audit").from_where) == ["saga view"]


def test_a_page_is_told_all_about_a_pair(lab: wf.Lab) -> None:
    source = stuck(lab, Desk("book_car", "cancel_flight")).saga().source
    detail = source.answer(protocol.Request(id="1", what="pair", arguments={"pair": "a0"}))
    assert "flight" in detail["forward"]["output"]["text"]
    assert "flight" in detail["back"]["input"]["text"]
    assert "flight is lost" in detail["back"]["error"]


def test_a_dry_run_says_what_would_be_undone_and_runs_nothing(lab: wf.Lab) -> None:
    world = Desk()
    prepare(lab, world, strict)
    run = lab.start("trip")
    run.result(WITHIN_SECONDS)
    done = list(world.done)
    source = run.saga().source
    story = source.answer(protocol.Request(id="1", what="rehearsal", arguments={"place": 2}))
    assert story["word"] == "ROLLED BACK"
    assert [row["comp"] for row in story["ladder"]["rows"]] == ["compensated", "compensated", "not-needed"]
    assert story["ladder"]["rows"][0]["token"].startswith('{"booking": "flight"')
    assert (world.done, world.undone) == (done, [])
    assert len(lab.runs.df()) == 1


def test_a_run_without_a_saga_shows_how_to_write_one(lab: wf.Lab, seed: dict[str, Any]) -> None:
    run = lab.start(seed["request_escalation"], {"amount": 1})
    run.result(WITHIN_SECONDS)
    assert "No compensations are registered" in run.saga().text()
    assert "saga.step(book_hotel, undo=cancel_hotel" in run.saga().html()
    assert len(run.saga().df()) == 1
