"""Durable timers, and the time that workflow code sees."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from wfengine.core.context import WorkflowContext
from wfengine.model.actions import CreateTimer
from wfengine.model.history import UserTimer
from wfengine.testing.rehearsal import BEGINNING, Rehearsal, Steps

NAIVE = BEGINNING.replace(tzinfo=None)


def sleeper(fire_at: datetime | timedelta) -> Rehearsal:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.create_timer(fire_at)
        return ctx.current_utc_datetime.isoformat()

    return Rehearsal(workflow)


@pytest.mark.parametrize(
    ("fire_at", "moment"),
    [
        (timedelta(days=7), BEGINNING + timedelta(days=7)),
        (timedelta(0), BEGINNING),
        (timedelta(seconds=-5), BEGINNING - timedelta(seconds=5)),
        (datetime(2026, 3, 1, 12), datetime(2026, 3, 1, 12, tzinfo=UTC)),  # noqa: DTZ001  # naive means UTC
        (datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 3, 1, 10, tzinfo=UTC)),
    ],
)
def test_a_timer_is_set_for_a_moment_in_utc(fire_at: datetime | timedelta, moment: datetime) -> None:
    assert sleeper(fire_at).start() == [CreateTimer(id=0, fire_at=moment, origin=UserTimer())]


def test_the_code_goes_on_when_the_timer_fires_and_sees_that_time() -> None:
    story = sleeper(timedelta(days=7))
    story.start()
    story.turn(story.fired(0))
    assert story.output == "2026-01-08T00:00:00"


def test_time_in_workflow_code_is_that_of_the_event_it_handles_and_never_goes_back() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        seen = [ctx.current_utc_datetime]
        for _ in range(2):
            yield ctx.wait_for_external_event("tick")
            seen.append(ctx.now())
        return [(moment - NAIVE).total_seconds() for moment in seen]

    story = Rehearsal(workflow)
    story.start()
    late, early = story.raised("tick"), story.raised("tick")
    story.turn(early)
    story.turn(late)
    assert story.output == [0, 2, 2]


def test_a_workflow_that_is_to_start_later_sees_the_time_of_its_start() -> None:
    """A timer of five minutes in it is five minutes from its start, not from when it was scheduled."""

    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.create_timer(timedelta(minutes=5))

    later = BEGINNING + timedelta(hours=1)
    assert Rehearsal(workflow, scheduled_start=later).start() == [CreateTimer(id=0, fire_at=later + timedelta(minutes=5))]


def test_a_timer_set_after_a_suspension_is_reckoned_from_the_resumption() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        yield ctx.call_activity("slow")
        yield ctx.create_timer(timedelta(minutes=5))

    story = Rehearsal(workflow)
    story.start()
    story.turn(story.suspended())
    story.turn(story.completed(0))
    story.now += timedelta(hours=3)
    assert story.turn(story.resumed()) == [CreateTimer(id=1, fire_at=story.now + timedelta(minutes=5))]


def test_helpers_of_chance_are_the_same_at_every_replay_and_differ_between_executions() -> None:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        drawn = [str(ctx.new_guid()), str(ctx.uuid4()), ctx.random().random()]
        yield ctx.create_timer(timedelta(1))
        ctx.set_custom_status([*drawn, str(ctx.new_guid()), ctx.random().randint(1, 10**9)])
        yield ctx.create_timer(timedelta(1))

    def status(instance_id: str) -> str | None:
        story = Rehearsal(workflow, instance_id=instance_id)
        story.start()
        story.turn(story.fired(0))
        return story.custom_status

    assert status("i-1") == status("i-1") != status("i-2")
