"""Which call a step took up the end of, and back: where several ended in one turn, and where one ended that nobody had waited for yet."""

from typing import Any

from tests.lab.conftest import Story
from tests.lab.views.replay_stories import turns_of
from wfengine.core.tasks import when_all
from wfengine.model.work import HistoryRow
from wfengine.runtime.registry import Definition
from wfengine.testing.rehearsal import Rehearsal
from wfengine.testing.stepping.stepper import Stepper, in_own_thread
from wflab.analytics.spans import spans_of
from wflab.analytics.step_calls import StepCalls


def fan(ctx: Any, count: int) -> Any:
    parts = [ctx.call_activity("part", input=place) for place in range(count)]
    yield ctx.wait_for_external_event("Go")
    got = yield when_all(parts)
    return sum(got)


def history() -> list[HistoryRow]:
    told = Rehearsal(fan, 3)
    told.start()
    told.turn(told.completed(1, 10))  # while the code waits for the event
    told.turn(told.raised("go", data=1))
    told.turn(told.completed(2, 20), told.completed(0, 0))
    return turns_of(told)


def calls() -> tuple[StepCalls, list[Any]]:
    rows = history()
    story = Story("fan", "3", "f")
    story.rows, story.now = rows, rows[-1].event.occurred_at
    stepper = Stepper(Definition("workflow", "fan", fan))
    in_own_thread(lambda: stepper.take(rows))
    return StepCalls(spans_of(story.instance, rows), rows, stepper.steps), stepper.steps


def test_a_step_that_took_up_many_ends_names_the_last_and_each_of_them_leads_to_it() -> None:
    found, steps = calls()
    assert [step.event for step in steps] == ["started", "event go raised", "part completed"]
    assert [None if call is None else (call.span_id, call.attempt) for call in map(found.of, steps)] == [None, ("1:a3", None), ("1:a0", 1)]
    assert [found.step_of(f"1:a{number}", None, None) for number in (0, 2)] == [3, 3]
    assert found.step_of(None, "workflow fan/activity part", None) == 3


def test_an_end_that_nobody_waited_for_leads_to_the_next_step() -> None:
    found, _ = calls()
    assert found.step_of("1:a1", None, 1) == 2
    assert found.step_of("1:a1", None, 2) is None
