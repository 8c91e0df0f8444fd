"""An event that is to answer one very wait: delivered while that is open, and else not at all."""

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest

from wfengine.condition import Answer
from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_all, when_any
from wfengine.core.waits import WaitKey, no_races
from wfengine.errors import InvalidArgument, PayloadError, WaitOver
from wfengine.model.history import EventRaised, TimerCreated, TimerFired
from wfengine.model.payload import from_json
from wfengine.model.work import AuditRow
from wfengine.runtime import operations
from wfengine.runtime.clock import VirtualClock
from wfengine.runtime.engine import Engine
from wfengine.runtime.turns import Turns
from wfengine.testing.rehearsal import Steps

Opener = Callable[..., Engine]
Advance = Callable[[timedelta], None]


def asks(ctx: WorkflowContext, _: Any) -> Steps:
    try:
        answer = yield ctx.wait_for_external_event("approval", timeout=timedelta(hours=1), title="May we?")
    except TimeoutError:
        answer = "timeout"
    yield ctx.wait_for_external_event("go")
    return answer


def races(ctx: WorkflowContext, _: Any) -> Steps:
    answer, deadline = ctx.wait_for_external_event("approval"), ctx.create_timer(timedelta(hours=1))
    winner = yield when_any([answer, deadline])
    yield ctx.wait_for_external_event("go")
    return "answered" if winner is answer else "timeout"


def holds(ctx: WorkflowContext, _: Any) -> Steps:
    answer = ctx.wait_for_external_event("approval")
    yield ctx.create_timer(timedelta(hours=1))
    yield ctx.wait_for_external_event("go")
    return (yield answer)


def asks_two(ctx: WorkflowContext, _: Any) -> Steps:
    return (yield when_all([ctx.wait_for_external_event("approval", title=title) for title in ("Ana?", "Bob?")]))


def rolls(ctx: WorkflowContext, number: int) -> Steps:
    answer = yield ctx.wait_for_external_event("approval")
    if number:
        ctx.continue_as_new(number - 1)
    return answer


def racing(source: str | None, asked: Sequence[TimerCreated]) -> dict[int, list[int]]:
    """Of the workflows here one alone has a race."""
    if source is None or "when_any" not in source:
        return {}
    wait, timer = (event.event_id for event in asked)
    return {wait: [timer]}


@pytest.fixture
def engine(opened: Opener) -> Engine:
    return opened(racing=racing)


def register(engine: Engine) -> Engine:
    for workflow in (asks, races, holds, asks_two, rolls):
        engine.register_workflow(workflow)
    return engine


def started(engine: Engine, workflow: Any, instance_id: str = "w", **options: Any) -> WaitKey:
    """Start it, and the first wait that it is at."""
    engine.schedule_new_workflow(workflow, instance_id=instance_id, **options)
    engine.wait_for_workflow_start(instance_id, 20)
    return keys(engine, instance_id)[0]


def keys(engine: Engine, instance_id: str = "w") -> list[WaitKey]:
    return [WaitKey(one.instance.key, one.event.event_id) for one in engine.awaited(instance_id)]


def answer(engine: Engine, key: WaitKey, data: Any = "yes", who: str = "ana", *, name: str = "approval", instance_id: str = "w") -> None:
    audit = AuditRow(at=engine.now(), who=who, what="approve", where="test")
    engine.raise_workflow_event_soon(instance_id, name, data=data, audit=audit, if_waiting=key).result(20)


def raised(engine: Engine, instance_id: str = "w") -> list[EventRaised]:
    return [row.event for row in engine.history(instance_id) if isinstance(row.event, EventRaised)]


def test_of_a_hundred_answers_from_ten_threads_one_is_delivered_and_the_others_are_told_whose(opened: Opener) -> None:
    engine = register(opened())
    key = started(engine, asks)
    won: list[str] = []
    lost: list[WaitOver] = []

    def knock(who: str) -> None:
        for _ in range(10):
            try:
                answer(engine, key, who=who)
                won.append(who)
            except WaitOver as over:
                lost.append(over)

    threads = [threading.Thread(target=knock, args=(f"p{number}",), daemon=True) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(won), len(lost)) == (1, 99)
    (event,) = raised(engine)
    assert event.raised_by == won[0]
    assert {over.who for over in lost} <= {won[0], None}, "None where only history knows"
    with engine.store.cursor() as cursor:
        assert cursor.execute("SELECT who, what, instance_id FROM audit").fetchall() == [(won[0], "approve", "w")]


@pytest.mark.parametrize("workflow", [asks, races])
def test_once_its_deadline_has_passed_nothing_is_delivered(engine: Engine, advance: Advance, workflow: Any) -> None:
    register(engine)
    key = started(engine, workflow)
    advance(timedelta(hours=1))
    with pytest.raises(WaitOver):
        answer(engine, key)
    assert raised(engine) == []
    assert [type(row.event) for row in engine.history("w")].count(TimerFired) == 1
    engine.raise_workflow_event("w", "go")
    assert from_json(engine.wait_for_workflow_completion("w", 20).output) == "timeout"


@pytest.mark.parametrize("told", [racing, no_races])
def test_a_wait_that_the_code_still_holds_is_answered_though_a_timer_of_the_same_turn_has_fired(
    opened: Opener, told: Callable[..., Any]
) -> None:
    engine = register(opened(racing=told))
    engine.in_engine(engine.virtual_time.switch_on, 10)
    key = started(engine, holds)
    assert [one.deadline for one in engine.awaited("w")] == [None]
    engine.in_engine(lambda ack: engine.virtual_time.advance(ack, timedelta(hours=1)), 20)
    assert key in keys(engine)
    answer(engine, key)
    engine.raise_workflow_event("w", "go")
    assert from_json(engine.wait_for_workflow_completion("w", 20).output) == "yes"


def test_a_race_of_code_that_is_not_known_refuses_nobody(opened: Opener) -> None:
    engine = register(opened())
    engine.in_engine(engine.virtual_time.switch_on, 10)
    key = started(engine, races)
    engine.in_engine(lambda ack: engine.virtual_time.advance(ack, timedelta(hours=1)), 20)
    answer(engine, key)
    engine.raise_workflow_event("w", "go")
    assert from_json(engine.wait_for_workflow_completion("w", 20).output) == "timeout"


@pytest.mark.parametrize("workflow", [asks, races])
def test_a_deadline_that_passed_while_nobody_could_decide_counts_although_its_timer_has_not_fired(
    engine: Engine, advance: Advance, workflow: Any
) -> None:
    register(engine)
    key = started(engine, workflow)
    advance(timedelta(0))
    refused: list[BaseException | None] = []

    def at_the_very_moment(ack: Any) -> None:
        """On the engine's thread: the clock has moved and no timer has fired yet."""
        turns: Turns = engine.virtual_time._turns  # between two rounds is nowhere to stand
        clock = turns.clock
        assert isinstance(clock, VirtualClock)
        clock.set(clock.now() + timedelta(hours=2))
        given: Any = Answer()
        try:
            operations.answer_wait(
                turns,
                "w",
                key,
                lambda now: EventRaised(occurred_at=now, name="approval"),
                given,
            )
        except WaitOver as over:
            refused.append(over)
        ack.set_result(None)

    engine.in_engine(at_the_very_moment, 20)
    (over,) = refused
    assert isinstance(over, WaitOver)
    assert over.how == "timed out"
    assert raised(engine) == []


def test_an_older_wait_for_the_same_event_is_answered_first(engine: Engine) -> None:
    register(engine)
    started(engine, asks_two)
    first, second = keys(engine)
    with pytest.raises(InvalidArgument, match="oldest wait is answered first"):
        answer(engine, second)
    answer(engine, first, "yes")
    answer(engine, second, "no")
    assert from_json(engine.wait_for_workflow_completion("w", 20).output) == ["yes", "no"]


def test_what_was_asked_by_an_earlier_use_of_the_id_or_an_earlier_generation_is_not_answered(engine: Engine) -> None:
    register(engine)
    key = started(engine, rolls, input=1)
    answer(engine, key)
    with pytest.raises(WaitOver):
        answer(engine, key)
    engine.raise_workflow_event("w", "approval")
    engine.wait_for_workflow_completion("w", 20)
    engine.purge_workflow("w")
    again = started(engine, asks)
    assert again.event_id == key.event_id
    with pytest.raises(WaitOver):
        answer(engine, key)
    assert raised(engine) == []
    with pytest.raises(WaitOver):
        answer(engine, again, instance_id="another")


def test_answers_to_a_suspended_one_count_in_their_order(engine: Engine) -> None:
    register(engine)
    key = started(engine, asks)
    engine.pause_workflow("w")
    answer(engine, key, "first")
    with pytest.raises(WaitOver) as over:
        answer(engine, key, "second", who="bob")
    assert (over.value.how, over.value.who) == ("answered", "ana")
    assert keys(engine) == []
    engine.resume_workflow("w")
    engine.raise_workflow_event("w", "go")
    assert from_json(engine.wait_for_workflow_completion("w", 20).output) == "first"


def test_what_cannot_be_delivered_to_it_leaves_it_open(engine: Engine) -> None:
    register(engine)
    key = started(engine, asks)
    with pytest.raises(InvalidArgument, match="for 'approval', not for 'go'"):
        answer(engine, key, name="go")
    with pytest.raises(PayloadError):
        answer(engine, key, object())
    assert keys(engine) == [key]


def test_waits_are_known_after_reopening_also_while_their_workflow_is_not_defined(opened: Opener) -> None:
    engine = register(opened())
    started(engine, asks)
    started(engine, asks_two, "two")
    engine.close()
    engine = opened()
    found = {(one.instance.instance_id, one.wait.title) for one in engine.awaited()}
    assert found == {("w", "May we?"), ("two", "Ana?"), ("two", "Bob?")}
    (key,) = keys(engine)
    answer(engine, key, "early")
    with pytest.raises(WaitOver):
        answer(engine, key)
    register(engine)
    engine.raise_workflow_event("w", "go")
    assert from_json(engine.wait_for_workflow_completion("w", 20).output) == "early"


def test_the_deadline_of_a_wait_is_its_own_timeout_or_that_of_the_timer_it_races(engine: Engine) -> None:
    register(engine)
    for workflow, instance_id in ((asks, "own"), (races, "rival"), (asks_two, "none")):
        started(engine, workflow, instance_id)
    left = {one.instance.instance_id: None if one.deadline is None else one.deadline - one.event.occurred_at for one in engine.awaited()}
    about = timedelta(minutes=1)  # the deadline counts from the turn's time, which is a little earlier
    assert left.pop("none") is None
    assert all(span is not None and abs(span - timedelta(hours=1)) < about for span in left.values())
    assert set(left) == {"own", "rival"}


def test_an_act_that_changes_nothing_is_recorded(engine: Engine) -> None:
    register(engine)
    started(engine, asks)
    engine.record_act_soon(AuditRow(at=engine.now(), who="ana", what="delegate", instance_id="w", why="to bob")).result(20)
    with engine.store.cursor() as cursor:
        assert cursor.execute("SELECT who, what, why, instance IS NOT NULL FROM audit").fetchall() == [("ana", "delegate", "to bob", True)]
