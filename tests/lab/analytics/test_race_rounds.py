"""Who has lost a race is told from history and source together, and of nobody whom the code may still wait for."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

import wflab as wf
from tests.lab.conftest import ESCALATION, Story
from tests.lab.seed import run_cell
from tests.waiting import eventually
from wfengine.model import history as h
from wflab.analytics.race_rounds import rivals_of
from wflab.analytics.steps import StepState, open_waits, steps_of
from wflab.display.inbox_source import InboxSource

WITHIN_SECONDS = 30.0
ALONE = """\
def prepared(ctx, order):
    answer = ctx.wait_for_external_event("approval")
    yield ctx.create_timer(timedelta(hours=1))
    yield ctx.wait_for_external_event("ready")
    return (yield answer)
"""
REMINDED = """\
def reminded(ctx, order):
    answer = ctx.wait_for_external_event("approval")
    while True:
        again = ctx.create_timer(timedelta(hours=1))
        if (yield wf.when_any([answer, again])) == answer:
            return answer.get_result()
        yield ctx.wait_for_external_event("ready")
"""
RACED = """\
def raced(ctx, order):
    answer, limit = ctx.wait_for_external_event("approval"), ctx.create_timer(timedelta(hours=1))
    won = yield wf.when_any([answer, limit])
    yield ctx.wait_for_external_event("ready")
    return "late" if won == limit else answer.get_result()
"""


def beside(source: str | None) -> Story:
    story = Story("order")
    story.source = source
    story.waits("approval")
    timer = story.timer(hours=1)
    story.later(hours=1).turn().fires(timer)
    story.waits("ready")
    return story


@pytest.mark.parametrize("source", [None, "no python (", ALONE, REMINDED, RACED.replace("won = ", "yield answer\n    won = ")])
def test_a_wait_is_open_where_the_source_may_still_wait_for_it_or_is_not_known(source: str | None) -> None:
    story = beside(source)
    assert [step.name for step in open_waits(steps_of(story.instance, story.rows, source=source))] == ["approval", "ready"]


def test_a_wait_has_lost_where_the_source_leaves_it_behind() -> None:
    story = beside(RACED)
    steps = steps_of(story.instance, story.rows, source=RACED)
    assert [(step.name, step.state, step.note) for step in steps[:1]] == [("approval", StepState.CANCELED, "lost the race")]
    assert [step.name for step in open_waits(steps)] == ["ready"]


def test_a_timer_of_another_turn_is_not_the_one_of_the_race() -> None:
    story = Story("order")
    story.waits("approval")
    timer = story.turn().timer(hours=1)
    story.later(hours=1).turn().fires(timer)
    story.waits("ready")
    assert [step.name for step in open_waits(steps_of(story.instance, story.rows, source=RACED))] == ["approval", "ready"]


def timers_and_waits(*asked: str) -> list[h.TimerCreated]:
    at = Story().now
    return [
        h.TimerCreated(occurred_at=at, event_id=number, fire_at=at, origin=h.EventWait(name=name) if name else h.UserTimer())
        for number, name in enumerate(asked)
    ]


@pytest.mark.parametrize(
    ("source", "asked", "rivals"),
    [
        (ESCALATION, ["human_approval", ""], {0: {1}}),
        (ESCALATION, ["", "human_approval"], {1: {0}}),
        (ESCALATION, ["human_approval", "", ""], {}),  # which timer is it?
        (ESCALATION, ["human_approval", "human_approval", ""], {}),
        (ESCALATION, ["another", ""], {}),
        (ESCALATION, ["human_approval"], {}),
        (ESCALATION + "    yield helper(ctx)\n", ["human_approval", ""], {}),  # which may have asked for it as well
        (ESCALATION + "    yield ctx.create_timer(timedelta(days=1))\n", ["human_approval", ""], {0: {1}}),
        (ESCALATION + "    yield approval\n", ["human_approval", ""], {}),
        (ESCALATION.replace("[approval, timeout]", "[approval, ctx.call_activity(look), timeout]"), ["human_approval", ""], {0: {1}}),
        (ALONE, ["approval", ""], {}),
        (REMINDED, ["approval", ""], {}),
        (RACED, ["approval", ""], {0: {1}}),
        (None, ["approval", ""], {}),
    ],
)
def test_the_rivals_of_a_wait_are_the_timers_that_it_surely_races(
    source: str | None, asked: list[str], rivals: dict[int, set[int]]
) -> None:
    assert rivals_of(source, timers_and_waits(*asked)) == rivals


def started(lab: wf.Lab, source: str) -> wf.Run:
    """Its timer has fired, and it has gone on to wait for "ready"."""
    names = run_cell("from datetime import timedelta\nimport wflab as wf\n@wf.workflow\n" + source)
    workflow: Callable[..., Any] = next(value for name, value in names.items() if name in {"prepared", "reminded", "raced"})
    lab.clock.virtual()
    run = lab.start(workflow)
    eventually(lambda: "approval" in run.awaits())
    lab.clock.advance(timedelta(hours=1))
    eventually(lambda: "ready" in run.awaits())
    return run


def offered(lab: wf.Lab) -> list[str]:
    return [item.event for item in InboxSource(lab.engine, lab.decisions, lab="lab", user=lambda: "ana").picture().items]


@pytest.mark.parametrize("source", [ALONE, REMINDED])
def test_what_the_code_still_holds_is_offered_everywhere_and_takes_an_answer(lab: wf.Lab, source: str) -> None:
    run = started(lab, source)
    assert run.awaits() == ["approval", "ready"]
    assert "approval" in run.why()
    assert offered(lab) == ["approval", "ready"]
    steps = run.steps().set_index("name")
    assert steps.loc["approval", "state"] == "SUSPENDED"
    spans = run.spans().set_index("name")
    assert (spans.loc["approval", "state"], spans.loc["approval", "outcome"]) == ("SUSPENDED", "")
    run.approve("approval", "fine")
    run.raise_event("ready")
    assert run.result(WITHIN_SECONDS) == "fine"


def test_what_the_code_has_left_behind_is_offered_nowhere_and_an_answer_is_told_why(
    lab: wf.Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    run = started(lab, RACED)
    assert (run.awaits(), offered(lab)) == (["ready"], ["ready"])
    assert run.steps().set_index("name").loc["approval", "note"] == "lost the race"
    decided = lab.decisions.decide(run.id, "a0", "approval", "yes", verb="approve", where="test").result(WITHIN_SECONDS)
    assert not decided.won
    assert decided.reason.startswith("timed out at")
    run.raise_event("ready")
    assert run.result(WITHIN_SECONDS) == "late"
    assert capsys.readouterr().err == ""
