"""A34: how long ended instances are kept. The moment is recorded with the end, so a policy is not retroactive."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.waiting import eventually
from wfengine.core.context import WorkflowContext
from wfengine.errors import InvalidArgument
from wfengine.runtime.engine import Engine
from wfengine.runtime.retention import StateRetention
from wfengine.testing.rehearsal import Steps

Opener = Callable[..., Engine]
DAY = timedelta(days=1)


def ends(_ctx: WorkflowContext, how: str) -> str:
    if how == "fails":
        raise ValueError(how)
    return how


def waits(ctx: WorkflowContext, _: Any) -> Steps:
    yield ctx.wait_for_external_event("never")


def parent(ctx: WorkflowContext, left: int) -> Steps:
    yield ctx.call_child_workflow("ends", input="child", instance_id=f"child-{left}")
    if left:
        ctx.continue_as_new(left - 1)


def register(engine: Engine) -> None:
    for workflow in (ends, waits, parent):
        engine.register_workflow(workflow)


def advance(engine: Engine, span: timedelta) -> None:
    engine.in_engine(engine.virtual_time.switch_on, 10)
    engine.in_engine(lambda ack: engine.virtual_time.advance(ack, span), 20)


def run(engine: Engine, instance_id: str, how: str) -> None:
    engine.schedule_new_workflow("ends", input=how, instance_id=instance_id)
    engine.wait_for_workflow_completion(instance_id, 20)


def kept(engine: Engine) -> set[str]:
    with engine.store.cursor() as cursor:
        return {row[0] for row in cursor.execute("SELECT instance_id FROM instances").fetchall()}


def test_each_end_is_kept_as_long_as_the_policy_says_and_without_one_for_ever(opened: Opener) -> None:
    engine = opened(retention=StateRetention(any_terminal=10 * DAY, completed=DAY))
    register(engine)
    run(engine, "completed", "well")
    run(engine, "failed", "fails")
    engine.schedule_new_workflow("waits", instance_id="live")
    advance(engine, 2 * DAY)
    eventually(lambda: kept(engine) == {"failed", "live"})
    assert engine.get_workflow_state("completed") is None
    advance(engine, 9 * DAY)
    eventually(lambda: kept(engine) == {"live"})


def test_children_and_earlier_generations_go_with_their_instance(opened: Opener) -> None:
    engine = opened(retention=StateRetention(completed=DAY))
    register(engine)
    engine.schedule_new_workflow("parent", input=2, instance_id="p")
    engine.wait_for_workflow_completion("p", 20)
    advance(engine, 2 * DAY)
    eventually(lambda: not kept(engine))
    with engine.store.cursor() as cursor:
        assert cursor.execute("SELECT count(*) FROM history").fetchone() == (0,)


def test_a_policy_is_not_retroactive_and_its_moments_survive_a_restart(opened: Opener) -> None:
    engine = opened()
    register(engine)
    run(engine, "before", "well")
    engine.close()
    engine = opened(retention=StateRetention(completed=timedelta(0)))
    register(engine)
    engine.schedule_new_workflow("ends", input="well", instance_id="after")
    eventually(lambda: kept(engine) == {"before"})
    engine.close()
    engine = opened(retention=StateRetention(completed=DAY))
    register(engine)
    run(engine, "later", "well")
    engine.close()
    engine = opened()
    register(engine)
    advance(engine, 2 * DAY)
    eventually(lambda: kept(engine) == {"before"})


def test_virtual_time_does_not_skip_to_a_deletion(opened: Opener) -> None:
    engine = opened(retention=StateRetention(completed=DAY))
    register(engine)
    run(engine, "w", "well")
    engine.in_engine(engine.virtual_time.switch_on, 10)
    before = engine.now()
    engine.in_engine(engine.virtual_time.skip, 10)
    assert engine.now() == before
    assert kept(engine) == {"w"}


@pytest.mark.parametrize("span", [5, timedelta(days=-1)])
def test_a_policy_takes_spans_of_time(span: Any) -> None:
    with pytest.raises(InvalidArgument, match="completed is how long to keep"):
        StateRetention(completed=span)
