"""wf.testing.run: children, generations, and what a play proves."""

import json
import random
import threading
from datetime import timedelta
from typing import Any

import msgspec
import pytest

import wflab as wf
from tests.lab.played import DAY, POLICY, calculate, double, triple
from wfengine.errors import InvalidArgument
from wfengine.model import history as h
from wfengine.model.instance import Status
from wflab.testing import Event, NeverEnds, Takes, run

# Children and generations.


def test_a_child_given_as_a_function_is_played() -> None:
    def child(ctx: wf.WorkflowContext, number: int) -> Any:
        yield ctx.create_timer(DAY)
        return (yield ctx.call_activity(double, input=number))

    def parent(ctx: wf.WorkflowContext, _: Any) -> Any:
        return (yield wf.when_all([ctx.call_child_workflow(child, input=n) for n in range(3)]))

    outcome = run(parent)
    assert (outcome.result(), outcome.elapsed) == ([0, 2, 4], DAY)
    assert [(call.kind, call.name, call.outcome) for call in outcome.calls] == [
        *(("workflow", "child", n) for n in (0, 2, 4)),
        *(("activity", "double", n) for n in (0, 2, 4)),
    ]


@pytest.mark.parametrize("answer", [7, lambda number: number + 6, Takes(DAY, 7)])
def test_a_child_can_be_mocked(answer: Any) -> None:
    def parent(ctx: wf.WorkflowContext, _: Any) -> Any:
        return (yield ctx.call_child_workflow("child", input=1))

    assert run(parent, mocks={"child": answer}).result() == 7
    assert run(parent, mocks={"child": LookupError("gone")}).status is Status.FAILED
    with pytest.raises(InvalidArgument, match="calls child workflow 'child' by its name only"):
        run(parent)


def test_a_mock_that_is_a_workflow_is_played_in_its_place() -> None:
    def stand_in(ctx: wf.WorkflowContext, number: int) -> Any:
        got = yield ctx.wait_for_external_event("x")
        return number + got

    def parent(ctx: wf.WorkflowContext, _: Any) -> Any:
        return (yield ctx.call_child_workflow("child", input=1, instance_id="kid"))

    assert run(parent, mocks={"child": stand_in}, events=[("x", 4)]).result() == 5
    assert run(parent, mocks={"child": stand_in}, events=[Event("x", 4, after=DAY, instance_id="kid")]).result() == 5


def test_a_retried_child_is_played_again() -> None:
    def child(ctx: wf.WorkflowContext, _: Any) -> Any:
        return (yield ctx.call_activity("flaky"))

    def parent(ctx: wf.WorkflowContext, _: Any) -> Any:
        return (yield ctx.call_child_workflow(child, retry_policy=POLICY))

    outcome = run(parent, mocks={"flaky": [OSError("a"), OSError("b"), "c"]})
    assert (outcome.result(), outcome.elapsed) == ("c", timedelta(hours=3))


def test_a_child_whose_id_is_taken_fails() -> None:
    def child(ctx: wf.WorkflowContext, _: Any) -> Any:
        yield ctx.create_timer(DAY)

    def parent(ctx: wf.WorkflowContext, _: Any) -> Any:
        first = ctx.call_child_workflow(child, instance_id="kid")
        try:
            yield ctx.call_child_workflow(child, instance_id="kid")
        except wf.TaskFailedError as error:
            yield first
            return error.details.error_type

    assert run(parent).result() == "InstanceAlreadyExists"


def test_a_workflow_may_call_itself_by_name() -> None:
    def factorial(ctx: wf.WorkflowContext, n: int) -> Any:
        return 1 if n < 2 else n * (yield ctx.call_child_workflow("factorial", input=n - 1))

    assert run(factorial, 5).result() == 120


def test_a_detached_workflow_is_recorded_and_not_played() -> None:
    def starts(ctx: wf.WorkflowContext, _: Any) -> Any:
        ctx.schedule_new_workflow("report", input=1, instance_id="r")
        return (yield ctx.call_activity(double, input=1))

    history = run(starts).history
    assert [event.name for event in history if isinstance(event, h.DetachedWorkflowInstanceCreated)] == ["report"]


def test_continue_as_new_is_followed_up_to_a_limit() -> None:
    def monitor(ctx: wf.WorkflowContext, state: dict[str, Any]) -> Any:
        state["seen"].append((yield ctx.wait_for_external_event("x")))
        if len(state["seen"]) == 3:
            return state["seen"]
        yield ctx.create_timer(DAY)
        ctx.continue_as_new(state, save_events=True)
        return None

    outcome = run(monitor, {"seen": []}, events=[("x", 1), ("x", 2, timedelta(hours=1)), ("x", 3, timedelta(hours=2))])
    assert (outcome.result(), outcome.elapsed) == ([1, 2, 3], timedelta(days=2))
    assert next(event for event in outcome.history if isinstance(event, h.ContinuedAsNew)).carried_events == 2

    def for_ever(ctx: wf.WorkflowContext, _: Any) -> None:
        ctx.continue_as_new(None)

    with pytest.raises(NeverEnds, match=r"'for_ever' has not ended after continuing as new 5 times"):
        run(for_ever, most_generations=5)


def test_a_workflow_that_goes_on_and_on_is_found_out_unless_a_timeout_lets_it() -> None:
    def daily(ctx: wf.WorkflowContext, number: int) -> Any:
        ctx.set_custom_status(str(number))
        yield ctx.create_timer(DAY)
        ctx.continue_as_new(number + 1)

    outcome = run(daily, 0, timeout=timedelta(days=365))
    assert (outcome.status, outcome.custom_status) == (Status.RUNNING, "365")
    with pytest.raises(NeverEnds, match=r"continuing as new 100 times"):
        run(daily, 0)

    def spins(ctx: wf.WorkflowContext, _: Any) -> None:
        ctx.continue_as_new(None)

    with pytest.raises(NeverEnds, match=r"'spins' has not ended after 10000 turns"):
        run(spins, timeout=DAY)


# What it proves.


def test_the_history_is_the_one_that_an_engine_records(lab: wf.Lab) -> None:
    def whole(ctx: wf.WorkflowContext, number: int) -> Any:
        first = yield ctx.call_activity(double, input=number, retry_policy=POLICY)
        try:
            yield ctx.wait_for_external_event("x", timeout=DAY)
        except TimeoutError:
            ctx.set_custom_status("waited")
        second = yield ctx.call_child_workflow(calculate, input=first, instance_id="kid")
        return second + len((yield ctx.step(sorted, [3, 1, 2], name="sort")))

    lab.clock.virtual()
    for workflow in (whole, calculate):
        lab.engine.register_workflow(workflow)
    for activity in (double, triple):
        lab.engine.register_activity(activity)
    recorded = lab.start(whole, 7, "test")
    lab.clock.advance(2 * DAY)
    assert recorded.result(30) == 87
    played = run(whole, 7)
    assert (played.result(), played.custom_status) == (87, "waited")

    def plain(event: h.HistoryEvent) -> dict[str, Any]:
        """Without what is new at every run: moments, and the ids made from them."""
        fields = {"type": type(event).__name__, **msgspec.structs.asdict(event)}
        drawn = {"occurred_at", "fire_at", "started_at", "duration_ms", "worker", "task_execution_id", "origin", "execution", "child_key"}
        return {name: value for name, value in fields.items() if name not in drawn}

    assert [plain(event) for event in played.history] == [plain(row.event) for row in lab.engine.history("test")]


def test_a_workflow_that_reads_chance_fails_its_test() -> None:
    def chancy(ctx: wf.WorkflowContext, _: Any) -> Any:
        yield ctx.call_activity(double, input=random.random())

    with pytest.raises(
        wf.NonDeterminismError, match=r"'chancy' is not deterministic: it asked for call_activity\('double'\) with input '0\."
    ) as caught:
        run(chancy)
    assert "ctx" in str(caught.value)


def test_a_workflow_that_reads_what_changes_fails_its_test() -> None:
    seen: list[int] = []

    def growing(ctx: wf.WorkflowContext, _: Any) -> Any:
        seen.append(1)
        yield ctx.create_timer(DAY) if len(seen) > 1 else ctx.call_activity(double, input=1)

    with pytest.raises(wf.NonDeterminismError, match=r"asked for call_activity\('double'\), and .* again, for create_timer"):
        run(growing)


def test_an_end_that_changes_fails_its_test() -> None:
    numbers = iter(range(10))

    def counting(ctx: wf.WorkflowContext, _: Any) -> Any:
        yield ctx.create_timer(DAY)
        return next(numbers)

    with pytest.raises(wf.NonDeterminismError, match=r"asked for its end with output '0', and .* for its end with output '1'"):
        run(counting)


def test_the_ways_of_the_context_are_the_same_at_every_replay() -> None:
    def fine(ctx: wf.WorkflowContext, _: Any) -> Any:
        first = [str(ctx.new_guid()), ctx.random().random(), ctx.current_utc_datetime.isoformat()]
        yield ctx.create_timer(DAY)
        return [*first, (yield ctx.call_activity("echo", input=first))]

    outcome = run(fine, mocks={"echo": json.dumps})
    assert json.loads(outcome.result()[3]) == outcome.result()[:3]
    assert run(fine, mocks={"echo": json.dumps}).result() == outcome.result(), "every run of a test is the same"


def test_a_long_history_is_replayed_now_and_then_and_still_found_out() -> None:
    calls: list[int] = []

    def long(ctx: wf.WorkflowContext, n: int) -> Any:
        name = "double" if len(calls) < 700 else "other"
        for _turn in range(n):
            calls.append(1)
            yield ctx.call_activity("double")
        yield ctx.call_activity(name)

    with pytest.raises(wf.NonDeterminismError):
        run(long, 400, mocks={"double": 1, "other": 1})


def test_nothing_of_it_touches_a_thread_a_file_or_a_lab(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(threading.enumerate())
    closed: list[str] = []

    def tidy(ctx: wf.WorkflowContext, _: Any) -> Any:
        try:
            yield ctx.create_timer(DAY)
        finally:
            closed.append("closed")

    run(tidy, timeout=timedelta(hours=1))
    assert closed, "what is still suspended is closed, not left to the garbage collector"
    assert set(threading.enumerate()) == before
    assert list(tmp_path.iterdir()) == []


def test_an_outcome_reads_in_one_line() -> None:
    assert repr(run(calculate, 7)) == "Outcome('calculate': COMPLETED, output=42, calls=2, elapsed=0:00:00)"
