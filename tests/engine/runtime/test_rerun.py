"""A32: rerun from an event. A new instance shares the past of an ended one and does one of its actions again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_all, when_any
from wfengine.errors import InstanceAlreadyExists, InstanceNotFound, InvalidArgument, TaskFailedError
from wfengine.model.history import TaskScheduled
from wfengine.model.instance import Status
from wfengine.model.work import AuditRow
from wfengine.runtime.engine import Engine
from wfengine.testing.rehearsal import Steps

Opener = Callable[..., Engine]
Advance = Callable[[timedelta], None]


class Shop:
    """Activities that count how often they run; `ship` fails until the road is free."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.keys: list[str] = []
        self.road_is_free = False

    def register(self, engine: Engine) -> None:
        for activity in (self.reserve, self.charge, self.ship):
            engine.register_activity(activity, activity.__name__)
        engine.register_workflow(order)

    def reserve(self, _ctx: Any, item: str) -> str:
        self.ran.append("reserve")
        return f"{item} reserved"

    def charge(self, _ctx: Any, amount: int) -> int:
        self.ran.append("charge")
        return amount

    def ship(self, ctx: Any, what: Any) -> str:
        self.ran.append("ship")
        self.keys.append(ctx.task_execution_id)
        if not self.road_is_free:
            raise ValueError("the road is closed")
        return f"shipped {what}"


def order(ctx: WorkflowContext, item: str) -> Steps:
    number = str(ctx.new_guid())
    reserved, paid = yield when_all([ctx.call_activity("reserve", input=item), ctx.call_activity("charge", input=10)])
    shipped = yield ctx.call_activity("ship", input=[reserved, paid])
    return [number, shipped]


@pytest.fixture
def shop(engine: Engine) -> Shop:
    shop = Shop()
    shop.register(engine)
    engine.schedule_new_workflow("order", input="book", instance_id="source")
    assert engine.wait_for_workflow_completion("source", 20).status is Status.FAILED
    shop.road_is_free = True
    return shop


def done(engine: Engine, instance_id: str) -> str | None:
    return engine.wait_for_workflow_completion(instance_id, 20).output


def test_a_rerun_does_the_chosen_activity_again_and_goes_on_from_there(engine: Engine, shop: Shop) -> None:
    before = engine.history("source")
    assert engine.rerun_workflow_from_event("source", 2, new_instance_id="again") == "again"
    output = done(engine, "again") or ""
    assert "shipped ['book reserved', 10]" in output
    assert shop.ran == ["reserve", "charge", "ship", "ship"]
    assert len(set(shop.keys)) == 2, "the rerun has an idempotency key of its own"
    assert engine.history("source") == before


def test_a_rerun_makes_again_all_that_was_open_with_the_chosen_action(engine: Engine, shop: Shop) -> None:
    engine.rerun_workflow_from_event("source", 1, new_instance_id="again", input=99)
    assert "99" in (done(engine, "again") or "")
    assert sorted(shop.ran[3:]) == ["charge", "reserve", "ship"]


def test_a_rerun_survives_a_restart_and_replays(opened: Opener, engine: Engine, shop: Shop) -> None:
    shop.road_is_free = False
    engine.rerun_workflow_from_event("source", 2, new_instance_id="again")
    assert engine.wait_for_workflow_completion("again", 20).status is Status.FAILED
    engine.close()
    shop.road_is_free = True
    engine = opened()
    shop.register(engine)
    engine.rerun_workflow_from_event("again", 2, new_instance_id="third")
    assert "shipped" in (done(engine, "third") or "")


def test_a_rerun_draws_the_random_numbers_of_its_source_in_the_shared_past(engine: Engine, shop: Shop) -> None:
    del shop
    first = engine.rerun_workflow_from_event("source", 2)
    second = engine.rerun_workflow_from_event("source", 2)
    assert first != second
    assert done(engine, first) == done(engine, second)


def test_a_rerun_from_a_timer_runs_its_whole_span_again(engine: Engine, advance: Advance) -> None:
    def waits(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.create_timer(timedelta(hours=1))
        return "rested"

    engine.register_workflow(waits)
    engine.schedule_new_workflow("waits", instance_id="source")
    advance(timedelta(hours=2))
    done(engine, "source")
    engine.rerun_workflow_from_event("source", 0, new_instance_id="again")
    advance(timedelta(minutes=59))
    state = engine.get_workflow_state("again")
    assert state is not None
    assert state.status is Status.RUNNING
    advance(timedelta(minutes=1))
    assert done(engine, "again") == '"rested"'
    with pytest.raises(InvalidArgument, match="is a timer and takes no input"):
        engine.rerun_workflow_from_event("source", 0, input=1)


def test_a_rerun_from_a_child_starts_it_anew_under_an_id_of_its_own(engine: Engine) -> None:
    def parent(ctx: WorkflowContext, _: Any) -> Steps:
        return (yield ctx.call_child_workflow(child, input=1, instance_id="kid"))

    def child(ctx: WorkflowContext, number: int) -> list[Any]:
        return [ctx.instance_id, number]

    engine.register_workflow(parent)
    engine.register_workflow(child)
    engine.schedule_new_workflow("parent", instance_id="source")
    assert done(engine, "source") == '["kid", 1]'
    engine.rerun_workflow_from_event("source", 0, new_instance_id="again", new_child_workflow_instance_id="kid-2", input=2)
    assert done(engine, "again") == '["kid-2", 2]'
    engine.rerun_workflow_from_event("source", 0, new_instance_id="third")
    assert done(engine, "third") == '["third:0000", 1]'


def test_a_wait_for_an_event_that_is_shared_waits_again_and_consumed_events_stay_consumed(engine: Engine) -> None:
    def waits(ctx: WorkflowContext, _: Any) -> Steps:
        first = yield ctx.wait_for_external_event("e")
        got = yield ctx.call_activity("echo", input=first)
        second = yield ctx.wait_for_external_event("e")
        return [got, second]

    engine.register_workflow(waits)
    engine.register_activity(lambda _ctx, value: value, "echo")
    engine.schedule_new_workflow("waits", instance_id="source")
    for number in (1, 2):
        engine.raise_workflow_event("source", "e", data=number)
    done(engine, "source")
    echo = next(row.event.event_id for row in engine.history("source") if isinstance(row.event, TaskScheduled))
    engine.rerun_workflow_from_event("source", echo, new_instance_id="again", input=7)
    engine.raise_workflow_event("again", "e", data=3)
    assert done(engine, "again") in {"[7, 3]", "[7, 2]"}


def test_what_cannot_be_rerun_is_refused(engine: Engine, shop: Shop) -> None:
    del shop
    with pytest.raises(InstanceNotFound):
        engine.rerun_workflow_from_event("nobody", 0)
    with pytest.raises(InvalidArgument, match=r"has the event id 77 in this history \(those that have one: 0, 1, 2\)"):
        engine.rerun_workflow_from_event("source", 77)
    with pytest.raises(InvalidArgument, match="An instance id is"):
        engine.rerun_workflow_from_event("source", 0, new_instance_id="")

    def waits(ctx: WorkflowContext, _: Any) -> Steps:
        yield when_any([ctx.wait_for_external_event("never"), ctx.call_child_workflow("order", input="x", instance_id="kid")])
        yield ctx.wait_for_external_event("never")

    engine.register_workflow(waits)
    engine.schedule_new_workflow("waits", instance_id="live")
    done(engine, "kid")
    with pytest.raises(InvalidArgument, match="only an ended one can be rerun"):
        engine.rerun_workflow_from_event("live", 0)
    with pytest.raises(InvalidArgument, match="is a child of 'live'"):
        engine.rerun_workflow_from_event("kid", 0)
    with pytest.raises(InstanceAlreadyExists):
        engine.rerun_workflow_from_event("source", 0, new_instance_id="live")


def test_only_activities_timers_and_children_can_be_rerun(engine: Engine) -> None:
    def starts(ctx: WorkflowContext, _: Any) -> Steps:
        ctx.schedule_new_workflow("starts_nothing", instance_id="other")
        yield ctx.create_timer(timedelta(0))

    def starts_nothing(_ctx: WorkflowContext, _: Any) -> None:
        return None

    engine.register_workflow(starts)
    engine.register_workflow(starts_nothing)
    engine.schedule_new_workflow("starts", instance_id="source")
    done(engine, "source")
    with pytest.raises(InvalidArgument, match=r"those that have one: 1"):
        engine.rerun_workflow_from_event("source", 0)


def test_a_rerun_is_audited(engine: Engine, shop: Shop) -> None:
    del shop
    row = AuditRow(at=engine.now(), who="ann", what="rerun")
    engine.rerun_workflow_from_event("source", 2, new_instance_id="again", audit=row)
    with engine.store.cursor() as cursor:
        assert cursor.execute("SELECT who, what FROM audit").fetchall() == [("ann", "rerun")]


def test_a_failed_source_may_be_rerun_on_mended_code(engine: Engine) -> None:
    def flow(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity("one")
        raise TaskFailedError("broken", None)  # type: ignore[arg-type]

    engine.register_workflow(flow)
    engine.register_activity(lambda _ctx: 1, "one")
    engine.schedule_new_workflow("flow", instance_id="source")
    engine.wait_for_workflow_completion("source", 20)

    def mended(ctx: WorkflowContext, _: Any) -> Steps:
        return (yield ctx.call_activity("one"))

    engine.register_workflow(mended, "flow")
    engine.rerun_workflow_from_event("source", 0, new_instance_id="again")
    assert done(engine, "again") == "1"
