"""What a review found: ids used again, starts that come due, trouble in reading, and spans that are no dates."""

from collections.abc import Callable
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from tests.waiting import eventually
from wfengine.core.context import WorkflowContext
from wfengine.errors import EnginePaused, EngineStopped, InvalidArgument
from wfengine.model.circuit import CircuitBreaker
from wfengine.model.instance import Status
from wfengine.runtime.engine import Engine
from wfengine.runtime.limits import Limits
from wfengine.runtime.retention import StateRetention
from wfengine.testing.rehearsal import Steps

Opener = Callable[..., Engine]
DAY = timedelta(days=1)


def ends(_ctx: WorkflowContext, how: str) -> str:
    if how == "fails":
        raise ValueError(how)
    return how


def waits(ctx: WorkflowContext, _: Any) -> Steps:
    return (yield ctx.wait_for_external_event("go"))


def loops(ctx: WorkflowContext, turn: int) -> Steps:
    yield ctx.call_activity("nothing")
    ctx.continue_as_new(turn + 1)


def starts_later(ctx: WorkflowContext, _: Any) -> str:
    return ctx.schedule_new_workflow("ends", input="well", instance_id="later", start_at=timedelta(hours=1))


def parent(ctx: WorkflowContext, _: Any) -> Steps:
    return (yield ctx.call_child_workflow("waits", instance_id="kid"))


def register(engine: Engine) -> None:
    for workflow in (ends, waits, loops, starts_later, parent):
        engine.register_workflow(workflow)
    engine.register_activity(lambda _ctx: None, "nothing")


def virtual(engine: Engine) -> Callable[[timedelta], None]:
    engine.in_engine(engine.virtual_time.switch_on, 10)
    return lambda span: engine.in_engine(lambda ack: engine.virtual_time.advance(ack, span), 20)


def status(engine: Engine, instance_id: str) -> Status | None:
    state = engine.get_workflow_state(instance_id)
    return None if state is None else state.status


def executions(engine: Engine) -> list[int]:
    with engine.store.cursor() as cursor:
        return [row[0] for row in cursor.execute("SELECT key FROM executions ORDER BY key").fetchall()]


def test_only_the_use_of_an_id_whose_time_is_up_is_deleted(opened: Opener) -> None:
    engine = opened(retention=StateRetention(completed=DAY))
    register(engine)
    advance = virtual(engine)
    for how in ("well", "fails"):
        engine.schedule_new_workflow("ends", input=how, instance_id="x")
        engine.wait_for_workflow_completion("x", 20)
    engine.schedule_new_workflow("ends", input="well", instance_id="y")
    engine.wait_for_workflow_completion("y", 20)
    engine.schedule_new_workflow("waits", instance_id="y")
    assert executions(engine) == [1, 2, 3, 4]
    advance(2 * DAY)
    eventually(lambda: executions(engine) == [2, 4])
    assert status(engine, "x") is Status.FAILED
    assert status(engine, "y") is Status.RUNNING


def test_a_detached_workflow_starts_at_its_time_without_a_restart(engine: Engine) -> None:
    register(engine)
    advance = virtual(engine)
    engine.schedule_new_workflow("starts_later", instance_id="w")
    engine.wait_for_workflow_completion("w", 20)
    advance(timedelta(minutes=59))
    assert status(engine, "later") is Status.PENDING
    advance(timedelta(minutes=1))
    assert engine.wait_for_workflow_completion("later", 20).output == '"well"'


def test_a_record_that_cannot_be_read_just_now_puts_a_deletion_off(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = opened(retention=StateRetention(completed=DAY))
    register(engine)
    advance = virtual(engine)
    engine.schedule_new_workflow("ends", input="well", instance_id="x")
    engine.wait_for_workflow_completion("x", 20)
    refused: list[int] = []

    @contextmanager
    def refusing() -> Any:
        refused.append(1)
        raise EnginePaused("not now")
        yield

    with monkeypatch.context() as patch:
        patch.setattr(engine.store, "cursor", refusing)
        advance(DAY)
        eventually(lambda: bool(refused))
    advance(timedelta(seconds=5))
    eventually(lambda: executions(engine) == [])
    assert engine.trouble is None


@pytest.mark.parametrize(
    "asked",
    [
        lambda: StateRetention(any_terminal=timedelta.max),
        lambda: CircuitBreaker(timeout=timedelta.max),
        lambda: CircuitBreaker(interval=timedelta.max),
    ],
)
def test_a_span_that_is_no_date_any_more_is_refused(asked: Callable[[], object]) -> None:
    with pytest.raises(InvalidArgument, match="a hundred years"):
        asked()


def test_a_timeout_that_is_no_date_any_more_is_refused_where_it_is_registered_and_called(engine: Engine) -> None:
    with pytest.raises(InvalidArgument, match="a hundred years"):
        engine.register_activity(lambda _ctx: None, "patient", timeout=timedelta.max)

    def calls(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity("nothing", timeout=timedelta.max)

    register(engine)
    engine.register_workflow(calls)
    engine.schedule_new_workflow("calls", instance_id="w")
    failure = engine.wait_for_workflow_completion("w", 20).failure
    assert failure is not None
    assert "a hundred years" in failure.message


def test_whoever_waits_for_a_start_is_told_when_the_engine_fails_in_that_very_turn(opened: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = opened()
    register(engine)
    engine.wait_for_workflow_completion(engine.schedule_new_workflow("ends", input="well"), 20)

    def broken(*_: Any, **__: Any) -> None:
        raise ArithmeticError("a fault of ours")

    monkeypatch.setattr(engine._turns.code, "advance", broken)
    _, durable = engine.schedule_new_workflow_soon("ends", input="well")
    with pytest.raises(EngineStopped, match="a fault of ours"):
        durable.result(20)
    engine.close()
    engine._loop._stopped = "The lab is closed."


def test_a_purge_by_force_reaches_a_loop_that_goes_on_meanwhile(engine: Engine) -> None:
    register(engine)
    for number in range(10):
        engine.schedule_new_workflow("loops", input=0, instance_id=f"loop-{number}")
        engine.wait_for_workflow_start(f"loop-{number}", 20)
        engine.purge_workflow(f"loop-{number}", force=True)
        assert engine.get_workflow_state(f"loop-{number}") is None
    with engine.store.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM runs").fetchone() == (0,)


def test_what_cannot_run_takes_nobodys_place(opened: Opener) -> None:
    engine = opened(limits=Limits(most_workflows=1))
    register(engine)
    engine.schedule_new_workflow("absent", instance_id="absent", app_id="nobody")
    engine.schedule_new_workflow("waits", instance_id="w")
    eventually(lambda: status(engine, "w") is Status.RUNNING)


def test_a_cell_that_is_run_again_unchanged_wakes_what_waits_for_something_it_reads(opened: Opener) -> None:
    asked = {"activity": "nothing"}

    def reads(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity(asked["activity"])
        return (yield ctx.wait_for_external_event("go"))

    engine = opened()
    register(engine)
    engine.register_workflow(reads)
    engine.schedule_new_workflow("reads", instance_id="w")
    engine.wait_for_workflow_start("w", 20)
    engine.close()
    asked["activity"] = "mistaken"
    engine = opened()
    register(engine)
    engine.register_workflow(reads)
    engine.raise_workflow_event("w", "go", data=1)
    eventually(lambda: status(engine, "w") is Status.STALLED)
    asked["activity"] = "nothing"
    engine.register_workflow(reads)
    assert engine.wait_for_workflow_completion("w", 20).output == "1"
