"""Rows A41–A46: the six patterns do on a real engine what their rows say, written as generators and as coroutines."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.patterns.patterns import (
    A_WEEK,
    ASYNC_API,
    CHAINING,
    COMPENSATION,
    EXTERNAL,
    FAN_OUT,
    FORMS,
    MONITOR,
    UP_AT_CHECK,
    Form,
    Pattern,
    register,
    until,
    waits_for,
)
from wfengine.model.history import ExecutionCompleted, TaskFailed, TaskScheduled, TimerFired
from wfengine.model.instance import Instance, Status
from wfengine.model.payload import from_json
from wfengine.runtime.engine import Engine
from wfengine.runtime.worker import WorkflowActivityContext
from wfengine.store.store import Store

both_forms = pytest.mark.parametrize("form", FORMS)


class Bench:
    """An engine that knows the patterns, and what their activities did."""

    def __init__(self, engine: Engine, form: Form) -> None:
        self.engine = engine
        self.ran: list[tuple[str, Any]] = []
        register(engine, form, self._note)

    def _note(self, _ctx: WorkflowActivityContext, name: str, given: Any) -> None:
        self.ran.append((name, given))

    def start(self, pattern: Pattern) -> None:
        self.engine.schedule_new_workflow(pattern.name, input=pattern.input, instance_id=pattern.name)

    def end_of(self, pattern: Pattern) -> Instance:
        """Its end, which is as the pattern says."""
        ended = self.engine.wait_for_workflow_completion(pattern.name, 20)
        assert (ended.status, from_json(ended.output)) == (Status.COMPLETED, pattern.output)
        assert Counter(name for name, _ in self.ran) == pattern.ran
        return ended


@pytest.fixture
def bench(tmp_path: Path, form: Form) -> Iterator[Bench]:
    with Engine(Store.open(tmp_path / "lab.duckdb")) as engine:
        yield Bench(engine, form)


@both_forms
def test_a41_task_chaining_hands_each_output_on_as_the_next_input(bench: Bench) -> None:
    bench.start(CHAINING)
    bench.end_of(CHAINING)
    assert bench.ran == [("double", 3), ("square", 6), ("describe", 36)]


@both_forms
def test_a42_fan_out_fan_in_runs_as_many_tasks_as_the_data_says_and_gathers_them_in_their_order(bench: Bench) -> None:
    bench.start(FAN_OUT)
    bench.end_of(FAN_OUT)
    rows = bench.engine.history(FAN_OUT.name)
    assert len({row.turn for row in rows if isinstance(row.event, TaskScheduled) and row.event.name == "double"}) == 1


@both_forms
def test_a42_fan_out_over_nothing_is_an_empty_list(bench: Bench) -> None:
    bench.engine.schedule_new_workflow(FAN_OUT.name, input=0, instance_id="none")
    ended = bench.engine.wait_for_workflow_completion("none", 20)
    assert from_json(ended.output) == {"doubled": [], "squared": []}


@both_forms
def test_a43_an_asynchronous_call_answers_with_an_id_whose_state_is_polled_until_it_is_done(bench: Bench) -> None:
    """Start, poll, result; the HTTP around it is another matter."""
    seen: list[tuple[str | None, Status]] = []

    def poll(changed: list[Instance]) -> None:
        seen.extend((one.custom_status, one.status) for one in changed)

    bench.engine.listen(poll)
    instance_id = bench.engine.schedule_new_workflow(ASYNC_API.name, input=ASYNC_API.input, instance_id=ASYNC_API.name)
    first = bench.engine.get_workflow_state(instance_id)
    assert first is not None
    assert first.input == '"sales"'
    until(bench.engine, lambda: _is_done(bench.engine, instance_id))
    bench.end_of(ASYNC_API)
    assert list(dict.fromkeys(seen)) == [
        ("collecting", Status.RUNNING),
        ("waiting for the printer", Status.RUNNING),
        ("writing", Status.RUNNING),
        ("writing", Status.COMPLETED),
    ]


@both_forms
def test_a44_a_monitor_checks_sleeps_and_continues_as_new_until_all_is_well(bench: Bench) -> None:
    bench.start(MONITOR)
    ended = bench.end_of(MONITOR)
    assert ended.generation == UP_AT_CHECK - 1
    assert [given for name, given in bench.ran if name == "check"] == [1, 2, 3]
    assert len(bench.engine.history(MONITOR.name)) == 6  # a generation's history holds its own check and nothing of the ones before


@both_forms
def test_a45_external_system_interaction_goes_on_with_the_event_and_after_the_time_for_one(bench: Bench) -> None:
    bench.start(EXTERNAL)
    for name, data in EXTERNAL.raised:
        until(bench.engine, lambda name=name: waits_for(bench.engine, EXTERNAL.name, name))  # type: ignore[misc]
        bench.engine.raise_workflow_event(EXTERNAL.name, name.upper(), data=data)
    bench.end_of(EXTERNAL)
    fired = [row.event for row in bench.engine.history(EXTERNAL.name) if isinstance(row.event, TimerFired)]
    assert len(fired) == 1  # the objection's; the timers of a week are still out and hold up nothing


@both_forms
def test_a45_without_the_event_the_timer_wins(bench: Bench) -> None:
    engine = bench.engine
    bench.start(EXTERNAL)
    until(engine, lambda: waits_for(engine, EXTERNAL.name, "approval"))
    engine.in_engine(engine.virtual_time.switch_on, 20)
    engine.in_engine(lambda ack: engine.virtual_time.advance(ack, A_WEEK + timedelta(seconds=1)), 20)
    assert engine.wait_for_workflow_completion(EXTERNAL.name, 20).output == '"expired"'
    assert bench.ran == []


@both_forms
def test_a46_compensation_undoes_in_reverse_order_and_every_statement_of_the_except_block_runs(bench: Bench) -> None:
    bench.start(COMPENSATION)
    ended = bench.end_of(COMPENSATION)
    assert bench.ran == [
        ("book", "flight"),
        ("book", "hotel"),
        ("book", "car"),
        ("charge", None),
        ("cancel", "car"),
        ("cancel", "hotel"),
        ("cancel", "flight"),
        ("apologize", "card declined"),
    ]
    assert ended.custom_status == "compensating"
    events = [row.event for row in bench.engine.history(COMPENSATION.name)]
    assert sum(isinstance(event, TaskFailed) for event in events) == 1
    assert isinstance(events[-1], ExecutionCompleted)


def _is_done(engine: Engine, instance_id: str) -> bool:
    state = engine.get_workflow_state(instance_id)
    assert state is not None
    return state.status.is_terminal
