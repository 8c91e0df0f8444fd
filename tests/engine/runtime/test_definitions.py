"""Code that is missing, changed, or does not agree with what was recorded."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest

from wfengine.core.context import WorkflowContext
from wfengine.model.instance import Instance, Status
from wfengine.runtime.engine import Engine
from wfengine.runtime.executor import LocalExecutor
from wfengine.runtime.registry import Registry
from wfengine.testing.rehearsal import Steps

Opener = Callable[..., Engine]


def first_version() -> Any:
    def flow(ctx: WorkflowContext, _: Any) -> Steps:
        got = yield ctx.wait_for_external_event("go")
        return ["first", got]

    return flow


def second_version() -> Any:
    def flow(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity("something else")
        return "second"

    return flow


def third_version() -> Any:
    def flow(ctx: WorkflowContext, _: Any) -> Steps:
        got = yield ctx.wait_for_external_event("go")
        return ["third", got]

    return flow


def calls_missing(ctx: WorkflowContext, _: Any) -> Steps:
    return (yield ctx.call_activity("missing", input=20))


def double(_ctx: Any, number: int) -> int:
    return number * 2


def done(engine: Engine, instance_id: str) -> Instance:
    return engine.wait_for_workflow_completion(instance_id, 20)


def waiting_instance(opened: Opener) -> None:
    """An instance of the first version that waits, in a lab that was closed."""
    engine = opened()
    engine.register_workflow(first_version())
    engine.schedule_new_workflow("flow", instance_id="w")
    engine.wait_for_workflow_start("w", 20)
    engine.close()


def until_stalled(engine: Engine) -> Instance:
    stalled = threading.Event()
    engine.listen(lambda changed: stalled.set() if any(run.status is Status.STALLED for run in changed) else None)
    engine.raise_workflow_event("w", "go", data=1)
    assert stalled.wait(20)
    state = engine.get_workflow_state("w")
    assert state is not None
    return state


def test_an_activity_that_is_not_registered_is_waited_for(engine: Engine) -> None:
    engine.register_workflow(calls_missing)
    engine.schedule_new_workflow(calls_missing, instance_id="w")
    engine.wait_for_workflow_start("w", 20)
    assert "activity 'missing' is not registered: run the cell" in str(engine.lacking("w"))
    engine.register_activity(double, name="missing")
    assert done(engine, "w").output == "40"
    assert engine.lacking("w") is None


def test_a_child_workflow_that_is_not_registered_is_waited_for(engine: Engine) -> None:
    def parent(ctx: WorkflowContext, _: Any) -> Steps:
        return (yield ctx.call_child_workflow("flow", instance_id="w"))

    engine.register_workflow(parent)
    engine.schedule_new_workflow(parent, instance_id="p")
    engine.wait_for_workflow_start("p", 20)
    engine.raise_workflow_event("w", "go", data=0)
    assert "workflow 'flow' is not registered" in str(engine.lacking("w"))
    engine.register_workflow(first_version())
    assert done(engine, "p").output == '["first", 0]'


def test_after_reopening_instances_wait_for_their_code_and_go_on_when_it_comes(opened: Opener) -> None:
    waiting_instance(opened)
    engine = opened()
    engine.raise_workflow_event("w", "go", data=1)
    assert "not registered" in str(engine.lacking("w"))
    engine.register_workflow(first_version())
    assert done(engine, "w").output == '["first", 1]'


def test_an_instance_that_was_terminated_while_its_code_was_missing_stays_ended_when_it_comes(opened: Opener) -> None:
    waiting_instance(opened)
    engine = opened()
    engine.raise_workflow_event("w", "go", data=1)
    engine.terminate_workflow("w")
    rows = engine.history(done(engine, "w").instance_id)
    engine.register_workflow(first_version())
    engine.register_workflow(calls_missing)
    engine.schedule_new_workflow(calls_missing, instance_id="another turn")
    engine.wait_for_workflow_start("another turn", 20)
    assert engine.history("w") == rows
    assert engine.lacking("w") is None


def test_an_instance_in_flight_finishes_with_the_code_it_started_with(engine: Engine) -> None:
    engine.register_workflow(first_version())
    engine.schedule_new_workflow("flow", instance_id="w")
    engine.wait_for_workflow_start("w", 20)
    engine.register_workflow(third_version())
    engine.raise_workflow_event("w", "go", data=1)
    assert done(engine, "w").output == '["first", 1]'
    engine.schedule_new_workflow("flow", instance_id="n")
    engine.raise_workflow_event("n", "go", data=1)
    assert done(engine, "n").output == '["third", 1]'


def test_after_reopening_changed_code_that_agrees_with_history_goes_on_and_is_recorded(opened: Opener) -> None:
    waiting_instance(opened)
    engine = opened()
    version = engine.register_workflow(third_version())
    engine.raise_workflow_event("w", "go", data=1)
    final = done(engine, "w")
    assert (final.output, final.code_hash) == ('["third", 1]', version.code_hash)


def test_code_that_disagrees_stalls_the_instance_and_adds_nothing_to_its_history(opened: Opener) -> None:
    waiting_instance(opened)
    engine = opened()
    engine.register_workflow(second_version())
    state = until_stalled(engine)
    assert state.failure is not None
    assert "wait_for_external_event('go')" in state.failure.message
    assert "call_activity('something else')" in state.failure.message
    assert [type(row.event).__name__ for row in engine.history("w")] == ["ExecutionStarted", "TimerCreated", "EventRaised"]
    assert engine.lacking("w") == state.failure.message


@pytest.mark.parametrize("reopens", [False, True])
@pytest.mark.parametrize(("mended", "output"), [(first_version, '["first", 1]'), (third_version, '["third", 1]')])
def test_a_stalled_instance_goes_on_once_matching_code_is_registered(
    opened: Opener, mended: Callable[[], Any], output: str, *, reopens: bool
) -> None:
    waiting_instance(opened)
    engine = opened()
    engine.register_workflow(second_version())
    until_stalled(engine)
    if reopens:
        engine.close()
        engine = opened()
        state = engine.get_workflow_state("w")
        assert state is not None
        assert state.status is Status.STALLED
    engine.register_workflow(mended())
    final = done(engine, "w")
    assert (final.status, final.output, final.failure) == (Status.COMPLETED, output, None)


def test_registering_an_older_version_again_makes_it_the_newest_and_wakes_who_waits_for_it(opened: Opener) -> None:
    waiting_instance(opened)
    engine = opened(registry=Registry())
    engine.register_workflow(third_version())
    engine.register_workflow(second_version())
    until_stalled(engine)
    engine.register_workflow(third_version())
    assert done(engine, "w").output == '["third", 1]'


def test_code_that_is_not_deterministic_is_found_when_it_is_replayed(opened: Opener) -> None:
    flips = iter(range(100))

    def flips_a_coin(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity(f"side {next(flips)}")

    engine = opened()
    engine.register_workflow(flips_a_coin)
    engine.schedule_new_workflow(flips_a_coin, instance_id="w")
    engine.wait_for_workflow_start("w", 20)

    def evict(ack: "Future[None]") -> None:
        engine._turns.code.drop(1)
        ack.set_result(None)

    engine.in_engine(evict, 20)
    state = until_stalled(engine)
    assert state.failure is not None
    assert "recorded is call_activity('side 0'), the code now asks for call_activity('side 1')" in state.failure.message


def test_evicted_executions_give_the_same_results(opened: Opener) -> None:
    registry = Registry()
    engine = opened(registry=registry, executor=LocalExecutor(registry, most_kept=2))

    def interleaved(ctx: WorkflowContext, number: int) -> Steps:
        for _ in range(4):
            number = yield ctx.call_activity(double, input=number)
            number += yield ctx.wait_for_external_event("go")
        return number

    engine.register_workflow(interleaved)
    engine.register_activity(double)
    ids = [engine.schedule_new_workflow(interleaved, input=n, instance_id=f"w{n}") for n in range(6)]
    for _ in range(4):
        for id_ in ids:
            engine.raise_workflow_event(id_, "go", data=1)
    assert [done(engine, id_).output for id_ in ids] == [str(16 * n + 15) for n in range(6)]


def test_a_second_mismatch_replaces_the_first_in_the_state(opened: Opener) -> None:
    def other_version() -> Any:
        def flow(ctx: WorkflowContext, _: Any) -> Steps:
            yield ctx.call_activity("yet another")

        return flow

    waiting_instance(opened)
    engine = opened()
    for version, asked in ((second_version, "something else"), (other_version, "yet another")):
        told: Future[Instance] = Future()

        def tell(changed: list[Instance], asked: str = asked, told: Future[Instance] = told) -> None:
            for one in changed:
                if one.failure is not None and asked in one.failure.message and not told.done():
                    told.set_result(one)

        engine.listen(tell)
        engine.register_workflow(version())
        engine.raise_workflow_event("w", "nudge")
        assert told.result(20).status is Status.STALLED
    state = engine.get_workflow_state("w")
    assert state is not None
    assert state.failure is not None
    assert "yet another" in state.failure.message


def test_a_stalled_instance_is_stalled_again_after_a_suspension(opened: Opener) -> None:
    waiting_instance(opened)
    engine = opened()
    engine.register_workflow(second_version())
    engine.raise_workflow_event("w", "nudge")
    engine.pause_workflow("w")
    engine.resume_workflow("w")
    state = engine.get_workflow_state("w")
    assert state is not None
    assert state.status is Status.STALLED
    engine.register_workflow(first_version())
    engine.raise_workflow_event("w", "go")
    assert done(engine, "w").status is Status.COMPLETED
