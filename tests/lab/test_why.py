"""`run.why()`: one sentence for every state that an instance can be in."""

import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import pytest

import wflab as wf
from tests.lab.conftest import Story
from tests.lab.seed import PROGRAM, run_cell
from wfengine.model.instance import Status
from wfengine.runtime.standing import HeldUp, Standing
from wflab.analytics.steps import steps_of
from wflab.analytics.why import why

WITHIN_SECONDS = 30.0
WAITS = r"waits for the event 'human_approval' for 0 s \(run\.approve\(\), run\.reject\(\) or run\.raise_event\('human_approval', data\) answers it\)"


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
def still(lab: wf.Lab) -> wf.Lab:
    """A lab whose time stands still, so that the sentences are the same at every run."""
    lab.clock.virtual()
    return lab


def started(lab: wf.Lab, workflow: Callable[..., Any] | str, input: Any = None) -> wf.Run:
    run = lab.start(workflow, input, "one")
    lab.engine.wait_for_workflow_start("one", WITHIN_SECONDS)
    return run


def told(story: Story, **more: Any) -> str:
    return why(story.instance, steps_of(story.instance, story.rows, source=story.source), now=story.now, **more)


def test_it_runs_an_activity(still: wf.Lab, gate: threading.Event) -> None:
    began = threading.Event()

    @wf.activity
    def charge(_: wf.WorkflowActivityContext) -> None:
        began.set()
        gate.wait(WITHIN_SECONDS)

    @wf.workflow
    def order(ctx: wf.WorkflowContext) -> Any:
        yield ctx.call_activity(charge)

    run = started(still, order)
    assert began.wait(WITHIN_SECONDS)
    assert run.why() == "order runs charge for 0 s."


def test_it_runs_several_activities(still: wf.Lab, gate: threading.Event) -> None:
    for name in "abcde":
        wf.WorkflowRuntime().register_activity(lambda _: gate.wait(WITHIN_SECONDS), name=name)

    @wf.workflow
    def order(ctx: wf.WorkflowContext) -> Any:
        yield wf.when_all([ctx.call_activity(name) for name in "abcdea"])

    assert started(still, order).why() == "order runs 6 calls of a, b, c and 2 more for 0 s."


def test_it_waits_for_an_event_with_a_timer_beside_it(still: wf.Lab) -> None:
    run = started(still, run_cell(PROGRAM)["request_escalation"], {"amount": 5000})
    assert re.fullmatch(rf"request_escalation {WAITS} and has a timer that fires in 7 d\.", run.why())
    still.clock.advance(timedelta(days=1))
    assert "for 1 d" in run.why()
    assert "fires in 6 d" in run.why()


def test_it_waits_for_an_event_with_a_deadline(still: wf.Lab) -> None:
    @wf.workflow
    def order(ctx: wf.WorkflowContext) -> Any:
        yield ctx.wait_for_external_event("paid", timeout=timedelta(hours=2))

    run = started(still, order)
    assert run.why().startswith("order waits for the event 'paid' for 0 s, until it times out in 2 h (run.approve(), ")
    run.approve()
    assert run.result(WITHIN_SECONDS) is None
    assert run.why() == "order completed; it waits for nothing."


def test_it_has_a_timer(still: wf.Lab) -> None:
    @wf.workflow
    def order(ctx: wf.WorkflowContext) -> Any:
        yield ctx.create_timer(timedelta(minutes=90))

    assert started(still, order).why() == "order has a timer that fires in 1 h 30 min."


def test_it_waits_for_a_child(still: wf.Lab) -> None:
    @wf.workflow
    def packing(ctx: wf.WorkflowContext) -> Any:
        yield ctx.wait_for_external_event("packed")

    @wf.workflow
    def order(ctx: wf.WorkflowContext) -> Any:
        yield ctx.call_child_workflow(packing)

    run = started(still, order)
    child = still.get("one:").id
    assert run.why().startswith(f"order waits for child workflow packing ({child}) for 0 s. packing waits for the event 'packed' for 0 s (")
    assert still.get("one:").why().startswith("packing waits for the event 'packed'")


def test_it_backs_off_before_another_attempt(still: wf.Lab) -> None:
    @wf.activity
    def charge(_: wf.WorkflowActivityContext) -> None:
        raise ConnectionError("no line")

    @wf.workflow
    def order(ctx: wf.WorkflowContext) -> Any:
        policy = wf.RetryPolicy(first_retry_interval=timedelta(minutes=1), max_number_of_attempts=2)
        yield ctx.call_activity(charge, retry_policy=policy)

    run = started(still, order)
    still.clock.advance(timedelta(0))
    assert run.why() == "order tries charge again in 1 min (attempt 1 failed: ConnectionError: no line)."
    still.clock.advance(timedelta(minutes=1))
    with pytest.raises(wf.WorkflowFailed):
        run.result(WITHIN_SECONDS)
    assert run.why().startswith("order failed: TaskFailedError: ")
    assert "no line" in run.why()


def test_it_is_suspended(still: wf.Lab) -> None:
    run = started(still, run_cell(PROGRAM)["request_escalation"], {"amount": 5000})
    run.suspend()
    still.clock.advance(timedelta(minutes=5))
    assert run.why() == "request_escalation is suspended for 5 min; run.resume() lets it go on."


def test_it_starts_later(still: wf.Lab) -> None:
    run_cell(PROGRAM)
    run = still.start("request_escalation", {"amount": 1}, start_at=still.clock.now() + timedelta(days=1, hours=3))
    assert run.why() == "request_escalation starts in 1 d 3 h, as it was asked to."


def test_it_lacks_its_workflow(tmp_path: Path) -> None:
    with wf.Lab(tmp_path / "one.duckdb") as lab:
        started(lab, run_cell(PROGRAM)["request_escalation"], {"amount": 5000})
    with wf.Lab(tmp_path / "one.duckdb") as lab:
        assert re.fullmatch(
            "request_escalation waits for a definition: workflow 'request_escalation' is not registered: run the cell that defines it. "
            rf"It also {WAITS.replace('0 s', '.*')} and has a timer that fires in .*\.",
            lab.get("one").why(),
        )


def test_it_lacks_an_activity(still: wf.Lab) -> None:
    @wf.workflow
    def order(ctx: wf.WorkflowContext) -> Any:
        return (yield ctx.call_activity("charge"))

    run = started(still, order)
    assert run.why() == "order waits for a definition: activity 'charge' is not registered: run the cell that defines it."
    wf.WorkflowRuntime().register_activity(lambda _: 7, name="charge")
    assert run.result(WITHIN_SECONDS) == 7


def test_it_is_stalled_because_its_code_changed_over_a_restart(tmp_path: Path) -> None:
    cell = "import wflab as wf\n@wf.activity\ndef {0}(ctx): return 1\n@wf.workflow\ndef order(ctx):\n    yield ctx.call_activity('{0}')\n    yield ctx.wait_for_external_event('paid')\n"
    with wf.Lab(tmp_path / "one.duckdb") as lab:
        run_cell(cell.format("charge"))
        started(lab, "order")
        settled(lab, "one", "waits for the event")
    with wf.Lab(tmp_path / "one.duckdb") as lab:
        run_cell(cell.format("ship"))
        run = lab.get("one")
        run.raise_event("paid")
        sentence = settled(lab, "one", "is stalled")
        assert run.status is Status.STALLED
        assert sentence.startswith("order is stalled: ")
        assert ".." not in sentence.replace('("...")', "")
        assert sentence.endswith(" run.source() is the code it started with.")
        assert "call_activity('charge')" in str(run.source())
        assert "'charge'" in sentence
        assert "'ship'" in sentence
        run_cell(cell.format("charge"))
        assert run.result(WITHIN_SECONDS) is None


def settled(lab: wf.Lab, instance_id: str, words: str) -> str:
    """Wait until the sentence has these words."""
    changed = threading.Event()
    forget = lab.engine.listen(lambda _: changed.set())
    try:
        while words not in (sentence := lab.get(instance_id).why()):
            assert changed.wait(WITHIN_SECONDS), sentence
            changed.clear()
    finally:
        forget()
    return sentence


def test_it_ended(lab: wf.Lab) -> None:
    run = started(lab, run_cell(PROGRAM)["request_escalation"], {"amount": 5000})
    run.terminate()
    with pytest.raises(wf.WorkflowFailed):
        run.result(WITHIN_SECONDS)
    assert run.why() == "request_escalation was terminated; it waits for nothing."


def test_it_is_about_to_take_its_first_turn() -> None:
    assert told(Story()) == "order is about to take its next turn."


def test_a_paused_engine_comes_before_what_the_instance_waits_for(escalation: Story) -> None:
    assert told(escalation, trouble="Recording waits: the disk is full.") == (
        "request_escalation stands still because the engine is not recording. Recording waits: the disk is full."
    )


def test_three_waits_are_named_and_no_more() -> None:
    story = Story()
    for name in ("one", "two", "three", "four"):
        story.waits(name)
    assert told(story).count("waits for the event") == 3


def held(number: int, name: str, kind: Literal["definition", "turn"], reason: str) -> HeldUp:
    return HeldUp(event_id=number, name=name, kind=kind, reason=reason)


def test_calls_that_wait_for_their_turn_are_told_beside_those_that_run() -> None:
    story = Story()
    _, *later = [story.call("s") for _ in range(3)]
    standing = Standing(held_up=tuple(held(number, "s", "turn", "1 of 1 of this name are under way") for number in later))
    assert (
        told(story, standing=standing)
        == "order runs s for 0 s and waits for its turn to run 2 calls of s: 1 of 1 of this name are under way."
    )


def test_a_missing_definition_does_not_hide_what_else_is_waited_for() -> None:
    story = Story()
    missing = story.call("charge")
    story.call("pack")
    standing = Standing(
        held_up=(held(missing, "charge", "definition", "activity 'charge' is not registered: run the cell that defines it"),)
    )
    assert told(story, standing=standing) == (
        "order waits for a definition: activity 'charge' is not registered: run the cell that defines it. It also runs pack for 0 s."
    )


def test_suspended_comes_before_what_is_missing() -> None:
    story = Story()
    story.status = Status.SUSPENDED
    assert told(story, standing=Standing(lacks="workflow 'order' is not registered")).startswith("order is suspended for ")


def test_an_open_circuit_is_named_where_a_call_backs_off() -> None:
    story = Story()
    story.turn().fails(story.call("charge", identity="c"), "CircuitOpenError", "The circuit of activity 'charge' is open.")
    story.backs_off("charge", "c", 1, minutes=1)
    assert told(story) == (
        "order tries charge again in 1 min (attempt 1 failed: CircuitOpenError: The circuit of activity 'charge' is open)."
    )


def test_an_activity_that_nobody_has_is_shown_pending(still: wf.Lab) -> None:
    @wf.workflow
    def order(ctx: wf.WorkflowContext) -> Any:
        return (yield ctx.call_activity("charge"))

    run = started(still, order)
    settled(still, "one", "is not registered")
    assert list(run.steps().state) == ["PENDING"]
