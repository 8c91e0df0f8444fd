"""External events, suspension, termination and purge, on a running engine."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_all
from wfengine.errors import InstanceNotFound, InstanceNotTerminal
from wfengine.model.history import (
    ChildWorkflowInstanceCreated,
    EventRaised,
    ExecutionSuspended,
    ExecutionTerminated,
    TaskScheduled,
)
from wfengine.model.instance import Instance, Status
from wfengine.model.payload import from_json
from wfengine.runtime.engine import Engine
from wfengine.testing.rehearsal import Steps

Opener = Callable[..., Engine]


def waits(ctx: WorkflowContext, _: Any) -> Steps:
    return (yield ctx.wait_for_external_event("go"))


def collects(ctx: WorkflowContext, count: int) -> Steps:
    got: list[Any] = []
    for _ in range(count):
        got += [(yield ctx.wait_for_external_event("item"))]
    return got


def rolls(ctx: WorkflowContext, so_far: list[Any]) -> Steps:
    """Takes one item a generation, until it has 120."""
    item = yield ctx.wait_for_external_event("item")
    if len(so_far) == 119:
        return [*so_far, item]
    ctx.continue_as_new([*so_far, item], save_events=True)
    return None


def parent(ctx: WorkflowContext, ids: list[str]) -> Steps:
    return (yield when_all([ctx.call_child_workflow(parent if id_ == "middle" else waits, input=["leaf"], instance_id=id_) for id_ in ids]))


def collides(ctx: WorkflowContext, ids: list[str]) -> Steps:
    results = []
    for task in [ctx.call_child_workflow(waits, instance_id=id_) for id_ in ids]:
        try:
            results.append((yield task))
        except Exception as error:  # noqa: BLE001
            results.append(type(error).__name__)
    return results


@pytest.fixture(autouse=True)
def _registered(engine: Engine) -> None:
    for workflow in (waits, collects, rolls, parent, collides):
        engine.register_workflow(workflow)


def done(engine: Engine, instance_id: str) -> Instance:
    return engine.wait_for_workflow_completion(instance_id, 20)


def state(engine: Engine, instance_id: str) -> Instance:
    found = engine.get_workflow_state(instance_id)
    assert found is not None
    return found


@pytest.mark.parametrize("payload", [0, False, "", [], {}, None, {"n": 1}, "nul \0 and ünïcode 🎉"])
def test_an_event_arrives_as_it_was_raised_also_right_after_the_start(engine: Engine, payload: Any) -> None:
    engine.schedule_new_workflow(waits, instance_id="w")
    engine.raise_workflow_event("w", "GO", data=payload)
    assert from_json(done(engine, "w").output) == payload


def test_an_event_for_an_instance_that_has_ended_is_discarded(engine: Engine) -> None:
    engine.schedule_new_workflow(waits, instance_id="w")
    engine.raise_workflow_event("w", "go")
    rows = engine.history(done(engine, "w").instance_id)
    engine.raise_workflow_event("w", "go")
    assert engine.history("w") == rows


def raise_from_threads(engine: Engine, instance_id: str, *, threads: int, each: int) -> list[str]:
    def send(sender: int) -> None:
        for number in range(each):
            engine.raise_workflow_event(instance_id, "item", data=f"{sender}/{number}")

    senders = [threading.Thread(target=send, args=(sender,), daemon=True) for sender in range(threads)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(60)
    return [f"{sender}/{number}" for sender in range(threads) for number in range(each)]


@pytest.mark.parametrize(("workflow", "start"), [(collects, 120), (rolls, [])])
def test_no_event_is_lost_or_doubled_and_each_threads_order_is_kept(engine: Engine, workflow: Any, start: Any) -> None:
    engine.schedule_new_workflow(workflow, input=start, instance_id="w")
    sent = raise_from_threads(engine, "w", threads=4, each=30)
    received = from_json(done(engine, "w").output)
    assert sorted(received) == sorted(sent)
    for sender in "0123":
        mine = [int(item[2:]) for item in received if item[0] == sender]
        assert mine == sorted(mine)


def test_an_event_that_the_last_generation_did_not_want_is_there_for_the_next(engine: Engine) -> None:
    engine.schedule_new_workflow(rolls, input=list(range(118)), instance_id="w")
    engine.raise_workflow_event("w", "other", data="nobody wants this")
    for item in (0, ""):
        engine.raise_workflow_event("w", "item", data=item)
    final = done(engine, "w")
    assert from_json(final.output) == [*range(118), 0, ""]
    assert (final.generation, state(engine, "w").key) == (1, final.key)
    assert [row.event.name for row in engine.history("w") if isinstance(row.event, EventRaised)][:1] == ["other"]


def test_while_suspended_events_wait_and_are_delivered_in_order_on_resumption(engine: Engine) -> None:
    engine.schedule_new_workflow(collects, input=3, instance_id="w")
    engine.raise_workflow_event("w", "item", data=1)
    engine.pause_workflow("w")
    engine.pause_workflow("w")
    engine.raise_workflow_event("w", "item", data=2)
    engine.raise_workflow_event("w", "item", data=3)
    assert state(engine, "w").status is Status.SUSPENDED
    engine.resume_workflow("w")
    assert done(engine, "w").output == "[1, 2, 3]"
    assert sum(isinstance(row.event, ExecutionSuspended) for row in engine.history("w")) == 1


def test_resuming_what_is_not_suspended_changes_nothing(engine: Engine) -> None:
    engine.schedule_new_workflow(waits, instance_id="w")
    rows = len(engine.history(engine.wait_for_workflow_start("w", 20).instance_id))
    engine.resume_workflow("w")
    assert len(engine.history("w")) == rows


def test_an_instance_that_is_suspended_before_its_code_is_there_stays_so_when_it_comes(engine: Engine) -> None:
    engine.schedule_new_workflow(collides, input=[], instance_id="nothing")
    done(engine, "nothing")

    def late(ctx: WorkflowContext, _: Any) -> Steps:
        return (yield ctx.call_child_workflow("comes later", instance_id="kid"))

    engine.register_workflow(late)
    engine.schedule_new_workflow(late, instance_id="p")
    engine.wait_for_workflow_start("p", 20)
    engine.pause_workflow("kid")
    ran = threading.Event()

    def comes_later(_ctx: WorkflowContext, _: Any) -> str:
        ran.set()
        return "came"

    engine.register_workflow(comes_later, name="comes later")
    assert state(engine, "kid").status is Status.SUSPENDED
    engine.schedule_new_workflow(collides, input=[], instance_id="another turn")
    done(engine, "another turn")
    assert not ran.is_set()
    engine.resume_workflow("kid")
    assert done(engine, "p").output == '"came"'


def test_termination_ends_an_instance_with_the_given_output(engine: Engine) -> None:
    engine.schedule_new_workflow(waits, instance_id="w")
    engine.terminate_workflow("w", output={"why": "test"})
    final = done(engine, "w")
    assert (final.status, final.output) == (Status.TERMINATED, '{"why": "test"}')
    engine.terminate_workflow("w")  # again: nothing happens


def test_termination_reaches_children_and_theirs_unless_told_otherwise(engine: Engine) -> None:
    engine.schedule_new_workflow(parent, input=["middle", "aside"], instance_id="p")
    for id_ in ("p", "middle", "aside", "leaf"):
        wait_until_known(engine, id_)
    engine.terminate_workflow("p")
    assert {done(engine, id_).status for id_ in ("p", "middle", "aside", "leaf")} == {Status.TERMINATED}

    engine.schedule_new_workflow(parent, input=["middle", "aside"], instance_id="p")
    wait_until_known(engine, "leaf", "WAITING")
    engine.terminate_workflow("p", recursive=False)
    assert done(engine, "p").status is Status.TERMINATED
    assert {state(engine, id_).status for id_ in ("middle", "aside", "leaf")} <= {Status.RUNNING, Status.PENDING}
    engine.raise_workflow_event("aside", "go", data="goes on")
    assert done(engine, "aside").output == '"goes on"'


def wait_until_known(engine: Engine, instance_id: str, why: str = "") -> None:
    """Wait for an instance that another one starts."""
    changed = threading.Event()
    forget = engine.listen(lambda _: changed.set())
    for _ in range(200):
        found = engine.get_workflow_state(instance_id)
        if found is not None and found.turn and not found.status.is_terminal:
            break
        changed.wait(0.1)
        changed.clear()
    else:
        raise AssertionError(instance_id, why)
    forget()


def test_a_terminated_child_fails_in_its_parent(engine: Engine) -> None:
    engine.schedule_new_workflow(collides, input=["kid"], instance_id="p")
    wait_until_known(engine, "kid")
    engine.terminate_workflow("kid")
    assert done(engine, "p").output == '["TaskFailedError"]'


def test_a_child_id_in_use_fails_the_call_and_not_the_parent(engine: Engine) -> None:
    engine.schedule_new_workflow(waits, instance_id="taken")
    engine.schedule_new_workflow(collides, input=["taken", "p"], instance_id="p")
    assert done(engine, "p").output == '["TaskFailedError", "TaskFailedError"]'
    assert state(engine, "taken").parent is None


def test_of_two_children_with_one_id_in_one_turn_the_second_fails(engine: Engine) -> None:
    engine.schedule_new_workflow(collides, input=["twin", "twin"], instance_id="p")
    wait_until_known(engine, "twin")
    engine.raise_workflow_event("twin", "go", data=1)
    assert done(engine, "p").output == '[1, "TaskFailedError"]'
    created = [row.event for row in engine.history("p") if isinstance(row.event, ChildWorkflowInstanceCreated)]
    assert [event.child_key is None for event in created] == [False, True]


def test_purge_deletes_an_ended_instance_and_its_children_and_frees_the_id(engine: Engine) -> None:
    engine.schedule_new_workflow(collides, input=["kid"], instance_id="p")
    wait_until_known(engine, "kid")
    with pytest.raises(InstanceNotTerminal, match="'p' is RUNNING"):
        engine.purge_workflow("p")
    engine.raise_workflow_event("kid", "go")
    done(engine, "p")
    engine.purge_workflow("p")
    assert engine.get_workflow_state("p") is engine.get_workflow_state("kid") is None
    with pytest.raises(InstanceNotFound):
        engine.raise_workflow_event("p", "go")
    engine.schedule_new_workflow(waits, instance_id="p")
    assert len(engine.history("p")) >= 1


def test_purge_alone_leaves_the_children(engine: Engine) -> None:
    engine.schedule_new_workflow(collides, input=["kid"], instance_id="p")
    wait_until_known(engine, "kid")
    engine.raise_workflow_event("kid", "go")
    done(engine, "p")
    engine.purge_workflow("p", recursive=False)
    assert engine.get_workflow_state("p") is None
    assert state(engine, "kid").status is Status.COMPLETED


def test_purge_is_refused_while_a_child_is_alive(engine: Engine) -> None:
    engine.schedule_new_workflow(parent, input=["kid"], instance_id="p")
    wait_until_known(engine, "kid")
    engine.terminate_workflow("p", recursive=False)
    done(engine, "p")
    with pytest.raises(InstanceNotTerminal, match="'kid' is still alive"):
        engine.purge_workflow("p")
    assert state(engine, "p").status is Status.TERMINATED


def test_a_late_result_of_an_instance_that_has_ended_is_ignored(engine: Engine) -> None:
    release, running = threading.Event(), threading.Event()

    def slow(_ctx: Any, _: Any) -> str:
        running.set()
        release.wait(20)
        return "late"

    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity(slow)

    engine.register_workflow(workflow)
    engine.register_activity(slow)
    engine.schedule_new_workflow(workflow, instance_id="w")
    assert running.wait(20)
    engine.terminate_workflow("w")
    done(engine, "w")
    engine.schedule_new_workflow(waits, instance_id="w")
    release.set()
    engine.raise_workflow_event("w", "go", data="its own")
    assert done(engine, "w").output == '"its own"'


def test_termination_drops_what_the_same_turn_would_have_asked_for(opened: Opener, engine: Engine) -> None:
    """Events and a termination that are taken up together run no code."""
    engine.close()
    again = opened()
    again.register_workflow(collects)
    again.schedule_new_workflow(collects, input=1, instance_id="w")
    turned = threading.Event()

    def together(ack: Any) -> None:
        resident = again._turns.population.of_id("w")
        assert resident is not None
        now = again._turns.population.now_for(resident)
        again._turns.arrive(resident, EventRaised(occurred_at=now, name="item", input="1"))
        again._turns.arrive(resident, ExecutionTerminated(occurred_at=now), ack)
        turned.set()

    again.in_engine(together, 20)
    assert turned.is_set()
    assert done(again, "w").status is Status.TERMINATED
    assert not any(isinstance(row.event, TaskScheduled) for row in again.history("w"))
