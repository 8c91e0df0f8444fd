"""wait_for_external_event: buffered, first in first out, whatever the case, with a timeout."""

from datetime import timedelta
from typing import Any

import pytest

from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_all, when_any
from wfengine.model.actions import CreateTimer
from wfengine.model.history import EventWait
from wfengine.testing.rehearsal import BEGINNING, Rehearsal, Steps

HOUR = timedelta(hours=1)


def waiting(times: int, name: str = "approval") -> Rehearsal:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        received: list[Any] = []
        for _ in range(times):
            received += [(yield ctx.wait_for_external_event(name))]
        return received

    return Rehearsal(workflow)


def patient(timeout: timedelta) -> Rehearsal:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        try:
            first = yield ctx.wait_for_external_event("approval", timeout=timeout)
        except TimeoutError:
            first = "timed out"
        yield ctx.call_activity("between")
        return [first, (yield ctx.wait_for_external_event("approval"))]

    return Rehearsal(workflow)


def test_a_wait_is_recorded_so_that_others_can_see_what_is_waited_for() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.wait_for_external_event("approval", title="Pay?", schema={"type": "boolean"})

    origin = EventWait(name="approval", title="Pay?", schema='{"type": "boolean"}')
    assert Rehearsal(workflow).start() == [CreateTimer(id=0, fire_at=None, origin=origin)]


def test_an_event_wakes_the_one_who_waits_for_it() -> None:
    story = waiting(1)
    story.start()
    assert story.turn(story.raised("other", "x")) == []
    story.turn(story.raised("approval", {"by": "Ann"}))
    assert story.output == [{"by": "Ann"}]


def test_names_are_compared_without_regard_to_case() -> None:
    story = waiting(1, "Straße")
    story.start()
    story.turn(story.raised("STRASSE", 1))
    assert story.output == [1]


def test_events_that_come_early_are_kept_and_served_oldest_first() -> None:
    story = waiting(3)
    story.start(story.raised("APPROVAL", 1), story.raised("noise"), story.raised("approval", 2))
    story.turn(story.raised("Approval", 3))
    assert story.output == [1, 2, 3]


def test_an_event_that_was_kept_needs_no_recorded_wait() -> None:
    story = waiting(2)
    assert len(story.start(story.raised("approval", 1))) == 2, "the code ran up to its first wait before the event came"


def test_several_waiters_are_served_first_come_first_served_one_event_each() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        return (yield when_all([ctx.wait_for_external_event("x"), ctx.wait_for_external_event("X"), ctx.wait_for_external_event("x")]))

    story = Rehearsal(workflow)
    story.start()
    story.turn(story.raised("x", 1), story.raised("X", 2))
    story.turn(story.raised("x", 3))
    assert story.output == [1, 2, 3]


@pytest.mark.parametrize("payload", [0, False, "", [], {}, None])
def test_falsy_payloads_arrive_as_they_are(payload: Any) -> None:
    early, late = waiting(1), waiting(1)
    early.start(early.raised("approval", payload))
    late.start()
    late.turn(late.raised("approval", payload))
    assert early.output == late.output == [payload]


def test_with_a_timeout_the_deadline_is_a_durable_timer() -> None:
    assert patient(HOUR).start() == [CreateTimer(id=0, fire_at=BEGINNING + HOUR, origin=EventWait(name="approval"))]


def test_a_wait_that_runs_out_raises_timeout_error_and_a_late_event_is_kept_for_the_next() -> None:
    story = patient(HOUR)
    story.start()
    story.turn(story.fired(0))
    story.turn(story.raised("approval", "late"))
    story.turn(story.completed(1))
    assert story.output == ["timed out", "late"]


def test_an_event_that_arrives_with_the_timeout_but_after_it_is_kept_too() -> None:
    story = patient(HOUR)
    story.start()
    story.turn(story.fired(0), story.raised("approval", "late"))
    story.turn(story.completed(1))
    assert story.output == ["timed out", "late"]


def test_an_event_in_time_wins_and_the_timer_that_fires_later_does_nothing() -> None:
    story = patient(HOUR)
    story.start()
    story.turn(story.raised("approval", "yes"))
    assert story.turn(story.fired(0)) == []
    story.turn(story.completed(1))
    story.turn(story.raised("approval", "again"))
    assert story.output == ["yes", "again"]


def test_a_timeout_of_zero_takes_what_is_there_and_fails_at_once_where_nothing_is() -> None:
    empty = patient(timedelta(0))
    empty.start()
    empty.turn(empty.raised("approval", 1), empty.completed(0))
    assert empty.output == ["timed out", 1]

    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity("first")
        return (yield ctx.wait_for_external_event("approval", timeout=timedelta(0)))

    there = Rehearsal(workflow)
    there.start(there.raised("approval", 7))
    there.turn(there.completed(0))
    assert there.output == 7


def test_a_negative_timeout_waits_for_ever() -> None:
    [wait] = patient(timedelta(seconds=-1)).start()
    assert isinstance(wait, CreateTimer)
    assert wait.fire_at is None


def test_a_naive_deadline_is_utc() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.wait_for_external_event("x", timeout=(BEGINNING + HOUR).replace(tzinfo=None))

    [wait] = Rehearsal(workflow).start()
    assert isinstance(wait, CreateTimer)
    assert wait.fire_at == BEGINNING + HOUR


def test_a_long_wait_beside_many_short_ones_remembers_none_of_them() -> None:
    """A loop that waits for `cancel` or the next step would otherwise grow with every step."""
    waits = []

    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        cancel = ctx.wait_for_external_event("cancel")
        waits.append(cancel)
        for _ in range(50):
            yield when_any([cancel, ctx.call_activity("step")])

    story = Rehearsal(workflow)
    story.start()
    for number in range(1, 50):
        story.turn(story.completed(number))
    assert len(waits[0]._waiters or ()) == 1


def test_what_a_person_should_know_of_a_wait_is_recorded_with_it() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        return (yield ctx.wait_for_external_event("approval", title="Ship?", description="*Soon*", risk="high", requester="ben"))

    [asked] = Rehearsal(workflow).start()
    assert isinstance(asked, CreateTimer)
    assert asked.origin == EventWait(name="approval", title="Ship?", description="*Soon*", risk="high", requester="ben")


def test_a_risk_is_one_of_three_words() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        return (yield ctx.wait_for_external_event("approval", risk="enormous"))

    story = Rehearsal(workflow)
    story.start()
    assert "'low', 'medium' or 'high'" in story.failure.message
