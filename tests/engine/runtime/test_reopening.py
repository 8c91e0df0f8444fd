"""What a new engine makes of what the last one left, closed in order or gone without a word."""

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from wfengine.core.context import WorkflowContext
from wfengine.model.instance import Instance, Status
from wfengine.runtime.engine import Engine
from wfengine.testing.rehearsal import Steps

Opener = Callable[..., Engine]

LEAVES_WITHOUT_A_WORD = """
    import os, sys, threading
    from datetime import timedelta
    from wfengine.runtime.engine import Engine
    from wfengine.store.store import Store

    running = threading.Event()

    def slow(ctx, _):
        running.set()
        threading.Event().wait()

    def kid(ctx, _):
        return (yield ctx.wait_for_external_event("go"))

    def flow(ctx, _):
        timer = ctx.create_timer(timedelta(days=3))
        child = ctx.call_child_workflow(kid, instance_id="kid")
        result = yield ctx.call_activity(slow)
        first = yield ctx.wait_for_external_event("x")
        second = yield ctx.wait_for_external_event("x")
        kids = yield child
        yield timer
        return [result, first, second, kids]

    engine = Engine(Store.open(sys.argv[1]))
    engine.start()
    engine.register_workflow(flow)
    engine.register_workflow(kid)
    engine.register_activity(slow)
    engine.schedule_new_workflow(flow, instance_id="w")
    assert running.wait(20)
    engine.raise_workflow_event("w", "x", data=0)
    engine.raise_workflow_event("w", "x", data="")
    engine.schedule_new_workflow(flow, instance_id="paused")
    engine.pause_workflow("paused")
    print("acknowledged", flush=True)
    os._exit(9)
"""


def slow(_ctx: Any, _: Any) -> str:
    return "again"


def kid(ctx: WorkflowContext, _: Any) -> Steps:
    return (yield ctx.wait_for_external_event("go"))


def flow(ctx: WorkflowContext, _: Any) -> Steps:
    timer = ctx.create_timer(timedelta(days=3))
    child = ctx.call_child_workflow(kid, instance_id="kid")
    result = yield ctx.call_activity(slow)
    first = yield ctx.wait_for_external_event("x")
    second = yield ctx.wait_for_external_event("x")
    kids = yield child
    yield timer
    return [result, first, second, kids]


def rolls(ctx: WorkflowContext, left: int) -> Steps:
    yield ctx.wait_for_external_event("go")
    if left:
        ctx.continue_as_new(left - 1)
        return None
    return "rolled out"


def parent(ctx: WorkflowContext, _: Any) -> Steps:
    return (yield ctx.call_child_workflow(rolls, input=1, instance_id="kid"))


def reopened(opened: Opener, *workflows: Callable[..., Any]) -> Engine:
    engine = opened()
    for workflow in workflows:
        engine.register_workflow(workflow)
    engine.register_activity(slow)
    return engine


def done(engine: Engine, instance_id: str) -> Instance:
    return engine.wait_for_workflow_completion(instance_id, 20)


def advance(engine: Engine, span: timedelta) -> None:
    engine.in_engine(engine.virtual_time.switch_on, 20)
    engine.in_engine(lambda ack: engine.virtual_time.advance(ack, span), 20)


def test_an_engine_that_is_gone_without_a_word_is_taken_over_with_all_it_acknowledged(opened: Opener, path: Path) -> None:
    """Pending timers, activities under way, events, children and suspensions."""
    left = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LEAVES_WITHOUT_A_WORD), str(path)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (left.returncode, left.stdout) == (9, "acknowledged\n"), left.stderr
    engine = reopened(opened, flow, kid)
    engine.raise_workflow_event("kid", "go", data="kid's")
    advance(engine, timedelta(days=4))
    assert done(engine, "w").output == '["again", 0, "", "kid\'s"]'
    paused = engine.get_workflow_state("paused")
    assert paused is not None
    assert paused.status is Status.SUSPENDED


def test_a_scheduled_start_survives(opened: Opener) -> None:
    engine = reopened(opened, kid)
    start = engine._turns.clock.now() + timedelta(hours=5)
    engine.schedule_new_workflow(kid, instance_id="later", start_at=start)
    engine.close()
    engine = reopened(opened, kid)
    advance(engine, timedelta(hours=4))
    state = engine.get_workflow_state("later")
    assert state is not None
    assert state.turn == 0
    advance(engine, timedelta(hours=2))
    assert engine.wait_for_workflow_start("later", 20).status is Status.RUNNING


@pytest.mark.parametrize("after", ["before its end", "after its end"])
def test_a_parent_gets_the_outcome_of_a_child_that_continued_as_new(opened: Opener, after: str) -> None:
    """The parent's code is missing while its child ends, so its outcome is recorded but not taken up."""
    engine = reopened(opened, parent, rolls)
    engine.schedule_new_workflow(parent, instance_id="p")
    engine.wait_for_workflow_start("p", 20)
    engine.raise_workflow_event("kid", "go")
    if after == "after its end":
        engine.close()
        engine = reopened(opened, rolls)
        engine.raise_workflow_event("kid", "go")
        done(engine, "kid")
    engine.close()
    engine = reopened(opened, parent, rolls)
    if after == "before its end":
        engine.raise_workflow_event("kid", "go")
    assert done(engine, "p").output == '"rolled out"'


def test_a_parent_gets_the_outcome_that_its_child_could_not_tell_it(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the process had died between the child's last commit and the parent's next."""
    engine = reopened(opened, parent, rolls)
    engine.schedule_new_workflow(parent, instance_id="p")
    engine.wait_for_workflow_start("p", 20)
    engine.raise_workflow_event("kid", "go")
    monkeypatch.setattr(engine._turns, "arrive", _deaf_to_children(engine._turns.arrive))
    engine.raise_workflow_event("kid", "go")
    done(engine, "kid")
    engine.close()
    assert done(reopened(opened, parent, rolls), "p").output == '"rolled out"'


def test_a_child_is_terminated_with_its_parent_even_if_it_could_not_be_told(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = reopened(opened, parent, rolls)
    engine.schedule_new_workflow(parent, instance_id="p")
    engine.wait_for_workflow_start("p", 20)
    engine.wait_for_workflow_start("kid", 20)
    monkeypatch.setattr(engine._turns, "arrive", _deaf_to_children(engine._turns.arrive, to="kid"))
    engine.terminate_workflow("p")
    done(engine, "p")
    engine.close()
    assert done(reopened(opened), "kid").status is Status.TERMINATED


def _deaf_to_children(arrive: Callable[..., None], to: str = "") -> Callable[..., None]:
    def heard(resident: Any, event: Any, *rest: Any) -> None:
        if not type(event).__name__.startswith("ChildWorkflow") and resident.instance.instance_id != to:
            arrive(resident, event, *rest)

    return heard


def test_closing_and_opening_many_times_loses_nothing_and_runs_nothing_twice(opened: Opener) -> None:
    ran: list[int] = []
    ready = threading.Event()

    def count(_ctx: Any, number: int) -> int:
        ran.append(number)
        ready.set()
        return number + 1

    def counts(ctx: WorkflowContext, _: Any) -> Steps:
        number = 0
        while number < 6:
            number = yield ctx.call_activity(count, input=number)
            yield ctx.wait_for_external_event("next")
        return number

    for number in range(6):
        ready.clear()
        engine = opened()
        engine.register_workflow(counts)
        engine.register_activity(count)
        if number == 0:
            engine.schedule_new_workflow(counts, instance_id="w")
        else:
            engine.raise_workflow_event("w", "next")
        assert ready.wait(20)
        if number < 5:
            engine.close()
    engine.raise_workflow_event("w", "next")
    assert done(engine, "w").output == "6"
    assert sorted(set(ran)) == list(range(6))
