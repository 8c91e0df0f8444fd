"""Steps of recorded executions: what they are, what is seen of each, and that looking changes nothing."""

import logging
import sys
import threading
from datetime import timedelta
from typing import Any

import pytest

from wfengine.core.replay import WorkflowFunction
from wfengine.core.tasks import when_all
from wfengine.errors import InvalidArgument
from wfengine.model.retry import RetryPolicy
from wfengine.model.work import HistoryRow
from wfengine.runtime.registry import Definition
from wfengine.testing.rehearsal import Rehearsal
from wfengine.testing.stepping.step import Step, changes
from wfengine.testing.stepping.stepper import Stepper, condition_of, event_steps, in_own_thread, seen_by_code

RAN: list[str] = []
COUNT = 0
LOG = logging.getLogger("stepping")
THRICE = RetryPolicy(first_retry_interval=timedelta(seconds=2), max_number_of_attempts=3)


def charge(_ctx: Any, amount: int) -> int:
    RAN.append("charge")
    return amount


def inner(ctx: Any, start: int) -> Any:
    doubled = start * 2
    got = yield ctx.call_activity("inner", input=doubled)
    return got


def order(ctx: Any, o: dict[str, int]) -> Any:
    global COUNT  # noqa: PLW0603  # what a replay must not touch
    COUNT += 1
    RAN.append("order")
    if not ctx.is_replaying:
        print("began", o["total"])  # noqa: T201  # as a workflow does
    stock = yield ctx.call_activity("reserve", input=o)
    pay = yield ctx.call_activity(charge, input=o["total"], retry_policy=THRICE)
    LOG.info("paid %s", pay)
    del stock
    more = yield from inner(ctx, 4)
    return [pay, more]


def rows_of(rehearsal: Rehearsal) -> list[HistoryRow]:
    """As the store has them; a turn for each event that arrived."""
    rows, turn = [], 0
    for place, event in enumerate(rehearsal.history):
        turn += type(event).__name__ in {"ExecutionStarted", "TaskCompleted", "TaskFailed", "TimerFired", "EventRaised"}
        rows.append(HistoryRow(1, place, turn, event))
    return rows


def ordered() -> list[HistoryRow]:
    told = Rehearsal(order, {"total": 5})
    told.start()
    told.turn(told.completed(0, "r-1"))
    told.turn(told.failed(1))
    told.turn(told.fired(2))
    told.turn(told.completed(3, 5))
    told.turn(told.completed(4, 9))
    assert told.output == [5, 9]
    return rows_of(told)


def stepped(workflow: WorkflowFunction, rows: list[HistoryRow], **how: Any) -> Stepper:
    stepper = Stepper(Definition("workflow", "w", workflow), **how)
    in_own_thread(lambda: stepper.take(rows))
    return stepper


def changed(steps: list[Step]) -> list[dict[str, str]]:
    return [dict(changes(before, step)) for before, step in zip([None, *steps], steps, strict=False)]


def test_a_step_is_each_time_the_code_goes_on_and_each_attempt_that_failed() -> None:
    steps = stepped(order, ordered()).steps
    assert [(step.event, step.code_ran) for step in steps] == [
        ("started", True),
        ("reserve completed", True),
        ("charge failed: ValueError: broken", False),
        ("charge (attempt 2) completed", True),
        ("inner completed", True),
    ]
    assert changed(steps)[1:] == [
        {"stock": "added"},
        {},
        {"pay": "added", "stock": "removed", "ctx": "added", "start": "added", "doubled": "added"},
        {"more": "added"},
    ]
    assert [[one.text for one in step.asked] for step in steps] == [
        ["call_activity('reserve')"],
        ["call_activity('charge')"],
        ["pause before attempt 2 of charge"],
        ["call_activity('charge'), attempt 2", "call_activity('inner')"],
        ["return [5, 9]"],
    ]
    assert [[(one.kind, one.name) for one in step.open] for step in steps] == [
        [("activity", "reserve")],
        [("activity", "charge")],
        [("backoff", "charge")],
        [("activity", "inner")],
        [],
    ]
    assert steps[2].open[0].until is not None
    assert steps[-1].ends


def test_the_innermost_function_comes_first_and_each_line_is_counted() -> None:
    stepper = stepped(order, ordered())
    waiting = stepper.steps[3]
    assert [frame.name for frame in waiting.frames] == ["inner", "order"]
    assert [stepper.sources[frame.source or 0].name for frame in waiting.frames] == ["inner", "w"]
    assert waiting.frames[0].variables["doubled"].text == "8"
    text = stepper.sources[waiting.frames[0].source or 0].text.splitlines()
    assert text[waiting.frames[0].line - 1].strip().startswith("got = yield")
    hits = stepper.line_hits()
    lines = stepper.sources[0].text.splitlines()
    counted = {lines[line - 1].strip(): count for (source, line), count in hits.items() if source == 0}
    assert counted["del stock"] == 1
    assert counted['stock = yield ctx.call_activity("reserve", input=o)'] == 1
    resumed = stepper.steps[1]
    assert lines[(resumed.line or 0) - 1].strip().startswith("stock = yield")
    assert lines[(resumed.waits or 0) - 1].strip().startswith("pay = yield")


def test_nothing_runs_and_nothing_of_the_module_is_touched_and_what_was_said_is_heard(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    rows = ordered()
    before, count = list(RAN), COUNT
    capsys.readouterr()
    caplog.clear()
    caplog.set_level("INFO")
    steps = stepped(order, rows).steps
    assert (before, count) == (RAN, COUNT)
    assert "charge" not in RAN
    assert capsys.readouterr().out == ""
    assert caplog.messages == []
    assert [(one.level, one.text) for one in steps[0].heard] == [("print", "began 5")]
    assert [(one.level, one.text) for one in steps[3].heard] == [("info", "paid 5")]


def test_no_thread_but_its_own_is_traced() -> None:
    rows = ordered()
    before, seen = sys.gettrace(), set()

    def looks(*_: object) -> bool:
        seen.add(threading.current_thread().name)
        return False

    stepper = Stepper(Definition("workflow", "w", order), condition=looks)
    in_own_thread(lambda: stepper.take(rows))
    assert seen == {"wflab-replay"}
    assert sys.gettrace() is before
    assert len(stepper.line_hits()) > 5


def ten(ctx: Any, _input: None) -> Any:
    said: list[int] = []
    for number in range(10):
        got = yield ctx.call_activity("a", input=number)
        said = [*said, got * 2]
        ctx.set_custom_status(repr({"number": number, "got": got, "said": said}))
    return said


def test_ten_steps_have_the_locals_that_an_instrumented_run_prints() -> None:
    """The live code tells its variables after each of ten results; the replay of its history knows the same at each position."""
    told = Rehearsal(ten)
    printed = []
    told.start()
    for number in range(10):
        told.turn(told.completed(number, number + 100))
        printed.append(told.custom_status)
    steps = stepped(ten, rows_of(told)).steps
    assert len(steps) == 11
    for position, expected in enumerate(printed, start=2):
        variables = {name: value.text for name, value in steps[position - 1].variables.items()}
        # the loop has gone on to its next number where it waits; what it printed was before that
        passed = int(variables["number"]) - (0 if steps[position - 1].ends else 1)
        assert f"{{'number': {passed}, 'got': {variables['got']}, 'said': {variables['said']}}}" == expected


def test_in_a_loop_the_line_that_waited_is_the_one_that_goes_on() -> None:
    told = Rehearsal(ten)
    told.start()
    for number in range(3):
        told.turn(told.completed(number, number))
    stepper = stepped(ten, rows_of(told))
    lines = stepper.sources[0].text.splitlines()
    assert [lines[(step.line or 0) - 1].strip().startswith("got = yield") for step in stepper.steps] == [False, True, True, True]
    assert stepper.steps[2].line == stepper.steps[2].waits


def fan(ctx: Any, width: int) -> Any:
    got = yield when_all([ctx.call_activity("part", input=place) for place in range(width)])
    return sum(got)


def test_a_fan_out_is_one_step_that_takes_up_all_its_results() -> None:
    told = Rehearsal(fan, 30)
    told.start()
    for place in range(30):
        told.turn(told.completed(place, 1))
    steps = stepped(fan, rows_of(told)).steps
    assert [len(step.taken) for step in steps] == [1, 30]
    assert (steps[0].open_total, steps[1].open_total) == (30, 0)
    assert steps[1].variables["got"].text == repr([1] * 30)


async def awaits(ctx: Any, _input: None) -> Any:
    first = await ctx.call_activity("a")
    if first < 0:
        raise ValueError(first)
    return first


def test_async_code_and_code_that_raises_are_stepped_through_as_well() -> None:
    told = Rehearsal(awaits)
    told.start()
    told.turn(told.completed(0, -1))
    assert told.failure.error_type == "ValueError"
    steps = stepped(awaits, rows_of(told)).steps
    assert steps[-1].variables["first"].text == "-1"
    assert [one.text for one in steps[-1].asked] == ["raise ValueError: -1"]


def test_a_run_that_goes_on_is_read_on_from_where_it_was() -> None:
    rows = ordered()
    stepper = Stepper(Definition("workflow", "w", order))
    begun = len(RAN)
    for turn in range(1, rows[-1].turn + 1):
        in_own_thread(lambda turn=turn: stepper.take([row for row in rows if row.turn == turn]))  # type: ignore[misc]
    assert [step.event for step in stepper.steps] == [step.event for step in stepped(order, rows).steps]
    assert len(RAN) == begun


def test_code_that_asks_for_something_else_is_stepped_through_up_to_there() -> None:
    def other(ctx: Any, o: dict[str, int]) -> Any:
        stock = yield ctx.call_activity("reserve", input=o)
        yield ctx.create_timer(timedelta(seconds=1))
        return stock

    stepper = stepped(other, ordered())
    assert stepper.disagreement is not None
    assert (stepper.disagreement.recorded, stepper.disagreement.attempted) == ("call_activity('charge')", "create_timer")
    assert len(stepper.steps) == 2


def test_a_breakpoint_holds_where_its_expression_is_true() -> None:
    assert stepped(order, ordered(), condition=condition_of("pay > 3")).hits == [4, 5]
    assert stepped(order, ordered(), condition=condition_of("doubled == 8 and THRICE")).hits == [4]
    with pytest.raises(InvalidArgument, match="no expression"):
        condition_of("pay >")


def test_without_code_there_is_a_step_for_each_turn() -> None:
    steps = event_steps(ordered())
    assert [step.event for step in steps][:3] == ["started", "reserve completed", "charge failed: ValueError: broken"]
    assert all(not step.frames and not step.lines for step in steps)
    assert steps[-1].ends


def test_what_no_code_has_taken_up_is_no_step() -> None:
    rows = ordered()
    told = HistoryRow(1, len(rows), 0, rows[-2].event)
    assert seen_by_code([*rows, told]) == rows
