"""continue_as_new: a new generation, and no event lost on the way."""

from typing import Any

import pytest

from wfengine.core.context import WorkflowContext
from wfengine.model.actions import Action, ContinueAsNew
from wfengine.model.payload import from_json
from wfengine.testing.rehearsal import Rehearsal, Steps


def looping(*, save_events: bool) -> Rehearsal:
    def workflow(ctx: WorkflowContext, count: int) -> Steps:
        yield ctx.call_activity("check")
        ctx.call_activity("dropped")
        ctx.continue_as_new(count + 1, save_events=save_events)

    return Rehearsal(workflow, 1)


def carried(actions: list[Action]) -> list[tuple[str, Any]]:
    [action] = actions
    assert isinstance(action, ContinueAsNew)
    return [(event.name, from_json(event.input)) for event in action.carried]


def test_the_generation_ends_with_the_next_ones_input_and_all_else_is_dropped() -> None:
    story = looping(save_events=False)
    story.start(story.raised("x", 1))
    assert story.turn(story.completed(0)) == [ContinueAsNew(input="2")]


def test_with_save_events_unconsumed_events_are_carried_over_in_arrival_order() -> None:
    story = looping(save_events=True)
    story.start(story.raised("b", 1), story.raised("a", 2))
    assert carried(story.turn(story.raised("B", 3), story.completed(0))) == [("b", 1), ("a", 2), ("B", 3)]


@pytest.mark.parametrize("payload", [0, False, "", [], {}, None])
def test_falsy_payloads_are_carried_over(payload: Any) -> None:
    story = looping(save_events=True)
    story.start(story.raised("x", payload))
    assert carried(story.turn(story.completed(0))) == [("x", payload)]


def test_an_event_that_arrives_in_the_turn_that_ends_the_generation_is_carried_over() -> None:
    story = looping(save_events=True)
    story.start(story.raised("before", 1))
    assert carried(story.turn(story.completed(0), story.raised("after", 2))) == [("before", 1), ("after", 2)]


def test_an_event_that_arrives_in_that_turn_behind_a_suspension_is_carried_over() -> None:
    story = looping(save_events=True)
    story.start()
    assert carried(story.turn(story.completed(0), story.suspended(), story.raised("after", 2))) == [("after", 2)]


def test_an_event_that_was_consumed_is_not_carried_over() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        got = yield ctx.wait_for_external_event("x")
        ctx.continue_as_new(got, save_events=True)

    story = Rehearsal(workflow)
    story.start()
    assert carried(story.turn(story.raised("x", 1), story.raised("x", 2))) == [("x", 2)]


def test_it_stands_whatever_the_code_does_afterwards() -> None:
    def workflow(ctx: WorkflowContext, what: str) -> Steps:
        ctx.continue_as_new("next")
        if what == "raise":
            raise ValueError(what)
        if what == "wait":
            yield ctx.call_activity("never")
        return "output"

    for what in ("raise", "wait", "return"):
        assert Rehearsal(workflow, what).start() == [ContinueAsNew(input='"next"')]
