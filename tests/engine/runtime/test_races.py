"""Row 16 of the faults: every pair of operations at every position of a small history comes out as the table says.

Three ways to meet: one after the other; both in the engine's mailbox before it looks; the second while the first one's commit is under way. Then
everything is brought to its end, so that whatever was lost or taken up twice shows, and the histories are checked (`invariants` B, C, D).
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count, product
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runtime.race_stage import ONE_BY_ONE, WAYS, Stage
from tests.engine.runtime.race_table import CONTROLS, LIVE, TERMINAL, Machine, Operation
from wfengine.core.context import WorkflowContext
from wfengine.model.payload import from_json
from wfengine.testing.rehearsal import Steps

AN_HOUR = timedelta(hours=1)

REACHED_BY: dict[str, tuple[Operation, ...]] = {
    "pending": (),
    "activity": ("start",),
    "event": ("start", "complete"),
    "timer": ("start", "complete", "raise_go"),
    "child": ("start", "complete", "raise_go", "fire"),
    "completed": ("start", "complete", "raise_go", "fire", "kid_done"),
    "failed": ("start", "fail"),
    "terminated": ("start", "terminate"),
    "absent": (),
}
KID_OPERATIONS: tuple[Operation, ...] = ("kid_suspend", "kid_resume", "kid_terminate", "kid_done", "kid_fail", "kid_purge")
WHAT_ELSE_MAY_COME: dict[str, tuple[Operation, ...]] = {
    "pending": ("fire",),
    "activity": ("complete", "fail"),
    "timer": ("fire",),
    "child": ("terminate_alone", *KID_OPERATIONS),
    "terminated": ("complete",),
}
NEXT_NEWS: dict[str, Operation] = {"pending": "fire", "activity": "complete", "event": "raise_go", "timer": "fire", "child": "kid_done"}
KEEPING_THEIR_ORDER = frozenset({"suspend", "resume", "terminate", "raise_go", "complete", "fail"})
Pair = tuple[Operation, Operation]
STATES = [*((position, False) for position in REACHED_BY), *((position, True) for position in list(REACHED_BY)[:5])]


def flow(ctx: WorkflowContext, _: Any) -> Steps:
    ctx.set_custom_status("activity")
    first = yield ctx.call_activity("held")
    ctx.set_custom_status("event")
    second = yield ctx.wait_for_external_event("go")
    ctx.set_custom_status("timer")
    yield ctx.create_timer(AN_HOUR)
    ctx.set_custom_status("child")
    third = yield ctx.call_child_workflow("kid", instance_id=f"{ctx.instance_id}-kid")
    return [first, second, third]


def kid(ctx: WorkflowContext, _: Any) -> Steps:
    outcome = yield ctx.wait_for_external_event("outcome")
    if outcome == "kid_fail":
        raise ValueError(outcome)
    return outcome


class Scene(Stage):
    """The flow on its stage."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, flow, kid)
        self.numbers = count()

    def act(self, operation: Operation, to: str) -> Callable[[], object]:
        engine, kid_id = self.engine, f"{to}-kid"
        acts: dict[Operation, Callable[[], object]] = {
            "suspend": lambda: engine.pause_workflow(to),
            "resume": lambda: engine.resume_workflow(to),
            "terminate": lambda: engine.terminate_workflow(to),
            "terminate_alone": lambda: engine.terminate_workflow(to, recursive=False),
            "raise_go": lambda: engine.raise_workflow_event(to, "go", data="go"),
            "purge": lambda: engine.purge_workflow(to),
            "start": lambda: engine.schedule_new_workflow(flow, instance_id=to),
            "fire": lambda: self.let_pass(AN_HOUR),
            "complete": lambda: self.tell(to, "complete"),
            "fail": lambda: self.tell(to, "fail"),
            "kid_suspend": lambda: engine.pause_workflow(kid_id),
            "kid_resume": lambda: engine.resume_workflow(kid_id),
            "kid_terminate": lambda: engine.terminate_workflow(kid_id),
            "kid_done": lambda: engine.raise_workflow_event(kid_id, "outcome", data="kid_done"),
            "kid_fail": lambda: engine.raise_workflow_event(kid_id, "outcome", data="kid_fail"),
            "kid_purge": lambda: engine.purge_workflow(kid_id),
        }
        return acts[operation]

    def do(self, operation: Operation, to: str) -> str:
        """Gives "ok" or the name of the refusal, when all is quiet again."""
        return self.meet(ONE_BY_ONE, [self.act(operation, to)])[0]

    def shown(self, instance_id: str) -> tuple[str, str, str]:
        state, of_kid = self.state(instance_id), self.state(f"{instance_id}-kid")
        kid_state = "absent" if of_kid is None else str(of_kid.status)
        if state is None:
            return "absent", "", kid_state
        return str(state.status), "" if state.status.is_terminal else (state.custom_status or "pending"), kid_state

    def start_in_an_hour(self, instance_id: str) -> None:
        self.engine.schedule_new_workflow(flow, instance_id=instance_id, start_at=self.engine.now() + AN_HOUR)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    stage = Scene(tmp_path_factory.mktemp("races") / "lab.duckdb")
    yield stage
    stage.close()


def operations_at(position: str) -> list[Operation]:
    return [*CONTROLS, *WHAT_ELSE_MAY_COME.get(position, ())]


def reach(stage: Scene, instance_id: str, position: str, *, suspended: bool) -> Machine:
    """An instance at its position, and the machine beside it."""
    machine = Machine()
    if position == "pending":
        stage.start_in_an_hour(instance_id)
        machine.begin(later=True)
    for operation in (*REACHED_BY[position], *(("suspend",) if suspended else ())):
        assert (stage.do(operation, instance_id), machine.do(operation)) == ("ok", "ok")
    assert stage.shown(instance_id) == machine.shown
    return machine


def outcomes(machine: Machine, way: str, pair: Pair) -> list[tuple[tuple[str, ...], Machine]]:
    """What the table allows: the answers, and where all stands then.

    Some operations may be overtaken when they meet; a termination overtakes whatever is in the same turn. Two purges may both find what they delete.
    """
    orders: list[Pair] = [pair]
    if way != ONE_BY_ONE and (pair[1] == "terminate" or not KEEPING_THEIR_ORDER.issuperset(pair)):
        orders.append((pair[1], pair[0]))
    allowed = []
    for order in orders:
        after = machine.copy()
        answers = [after.do(operation) for operation in order]
        allowed.append((tuple(answers if order is pair else reversed(answers)), after))
        if len(orders) > 1 and set(pair) == {"purge"}:
            allowed.append((("ok", "ok"), after))
    return allowed


def meet(stage: Scene, instance_id: str, machine: Machine, way: str, pair: Pair) -> Machine:
    """Do both, and find out which of the allowed outcomes it was."""
    answers = stage.meet(way, [stage.act(operation, instance_id) for operation in pair])
    shown = stage.shown(instance_id)
    allowed = outcomes(machine, way, pair)
    for expected, after in allowed:
        if way != ONE_BY_ONE and after.shown[0] == shown[0] == "TERMINATED" and {after.kid, shown[2]} <= TERMINAL:
            after.kid = shown[2]  # type: ignore[assignment]  # it ended by itself, or with its parent: whichever came first
        if (answers, shown) == (expected, after.shown):
            return after
    told = " or ".join(f"{expected} {after.shown}" for expected, after in allowed)
    raise AssertionError(f"{pair} {way}: {answers} {shown}; the table says {told}")


def bring_to_the_end(stage: Scene, instance_id: str, machine: Machine) -> None:
    """Give everybody what they wait for, late attempts first; the engine and the machine must agree all the way."""
    while (operation := what_is_next(machine)) is not None:
        told = f"{operation} at {machine.shown}"
        assert stage.do(operation, instance_id) == machine.do(operation), told
        assert stage.shown(instance_id) == machine.shown, told
    ended = stage.state(instance_id)
    if machine.state == "COMPLETED":
        assert ended is not None
        assert from_json(ended.output) == ["complete", "go", "kid_done"]


def what_is_next(machine: Machine) -> Operation | None:
    if machine.has_open_attempts:
        return "complete"
    if machine.kid == "SUSPENDED":
        return "kid_resume"
    if machine.state == "SUSPENDED":
        return "resume"
    if machine.state in LIVE:
        return NEXT_NEWS[machine.position]
    return "kid_done" if machine.kid == "RUNNING" else None


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("position", "suspended"), STATES, ids=[f"{position}{', suspended' * suspended}" for position, suspended in STATES]
)
def test_two_operations_that_meet_come_out_as_the_table_says(stage: Scene, position: str, *, suspended: bool, way: str) -> None:
    operations = operations_at(position)
    pairs = list(product(operations, operations))
    for pair in pairs:
        instance_id = f"i-{next(stage.numbers)}"
        machine = reach(stage, instance_id, position, suspended=suspended)
        bring_to_the_end(stage, instance_id, meet(stage, instance_id, machine, way, pair))
    assert stage.check_records() >= 2 * len(CONTROLS), "too few executions to mean anything"
