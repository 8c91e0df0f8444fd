"""The end of an engine: whoever waits is told, nothing of it stays behind, and nobody from outside can bring it down."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from wfengine.core.context import WorkflowContext
from wfengine.errors import EngineStopped
from wfengine.model.instance import Instance, Status
from wfengine.runtime.engine import Engine
from wfengine.store.store import Store
from wfengine.testing.rehearsal import Steps

Opener = Callable[..., Engine]


def waits(ctx: WorkflowContext, _: Any) -> Steps:
    return (yield ctx.wait_for_external_event("go"))


def test_closing_fails_every_wait_with_engine_stopped(engine: Engine) -> None:
    engine.register_workflow(waits)
    engine.schedule_new_workflow(waits, instance_id="w")
    futures = [engine.when_finished("w"), engine.when_finished("w")]
    engine.close()
    for future in futures:
        with pytest.raises(EngineStopped, match="The lab is closed"):
            future.result(20)


def test_closing_ends_a_move_of_virtual_time(engine: Engine) -> None:
    def blocks(_ctx: Any, _: Any) -> None:
        threading.Event().wait()

    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity(blocks)

    engine.register_workflow(workflow)
    engine.register_activity(blocks)
    engine.in_engine(engine.virtual_time.switch_on, 20)
    engine.schedule_new_workflow(workflow, instance_id="w")
    engine.wait_for_workflow_start("w", 20)
    moved: Future[None] = Future()
    engine._loop.ask(moved, engine.virtual_time.advance, timedelta(days=1))
    engine.close()
    with pytest.raises(EngineStopped):
        moved.result(20)


def test_after_closing_every_call_says_so(engine: Engine) -> None:
    engine.register_workflow(waits)
    engine.close()
    engine.close()
    for call in (
        lambda: engine.schedule_new_workflow(waits),
        lambda: engine.get_workflow_state("w"),
        lambda: engine.raise_workflow_event("w", "go"),
    ):
        with pytest.raises(EngineStopped, match="The lab is closed"):
            call()


def test_an_engine_that_was_not_started_says_so(path: Path) -> None:
    idle = Engine(Store.open(path))
    with pytest.raises(EngineStopped, match="not been started"):
        idle.get_workflow_state("w")
    idle.close()


def test_callers_on_many_threads_are_all_answered_when_the_engine_closes_under_them(engine: Engine) -> None:
    """Acknowledged or refused, but nobody waits for ever."""
    engine.register_workflow(waits)
    outcomes: list[str] = []
    enough = threading.Event()

    def hammer() -> None:
        try:
            while True:
                engine.terminate_workflow(engine.schedule_new_workflow(waits))
                engine.purge_workflow(
                    engine.wait_for_workflow_completion(engine.schedule_new_workflow(waits, start_at=None), 0.001).instance_id
                )
        except TimeoutError:
            hammer()
        except EngineStopped as stopped:
            outcomes.append(type(stopped).__name__)
        finally:
            enough.set()

    threads = [threading.Thread(target=hammer, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    while engine._turns.population._next_key < 60:
        enough.wait(0.01)
    engine.close()
    for thread in threads:
        thread.join(20)
    assert outcomes == ["EngineStopped"] * 4


def test_listeners_are_told_of_every_change_and_no_more_once_they_have_had_enough(engine: Engine) -> None:
    told: list[Instance] = []
    ended = threading.Event()

    def listener(changed: list[Instance]) -> None:
        told.extend(changed)
        if any(run.status.is_terminal for run in changed):
            ended.set()

    stop = engine.listen(listener)
    engine.register_workflow(waits)
    engine.schedule_new_workflow(waits, instance_id="w")
    engine.raise_workflow_event("w", "go")
    assert ended.wait(20)
    assert [run.status for run in told][-1] is Status.COMPLETED
    stop()
    stop()
    count = len(told)
    engine.schedule_new_workflow(waits, instance_id="n")
    assert len(told) == count


def test_a_listener_that_raises_hurts_nobody(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    def broken(_changed: list[Instance]) -> None:
        raise ZeroDivisionError

    engine.listen(broken)
    engine.register_workflow(waits)
    engine.schedule_new_workflow(waits, instance_id="w")
    engine.raise_workflow_event("w", "go", data=1)
    assert engine.wait_for_workflow_completion("w", 20).output == "1"
    assert "A listener of the engine failed" in caplog.text


def test_an_engine_that_cannot_start_lets_go_of_the_file(opened: Opener, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    path = engine.store.path
    engine.close()
    broken = Engine(Store.open(path))
    with monkeypatch.context() as patched:
        patched.setattr(broken._turns, "recover", lambda: 1 / 0)
        with pytest.raises(ZeroDivisionError), broken:
            pass
    assert opened().trouble is None
