"""Stories with a shape in time, for everything that a timeline draws."""

import random
from datetime import datetime
from typing import Any

from tests.lab.conftest import Story
from wfengine.model import history as h
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import Status
from wflab import protocol
from wflab.analytics.race_rounds import races_in
from wflab.analytics.spans import spans_of
from wflab.views.timeline_picture import timeline_of

RACE = """\
def order(ctx, order):
    yield ctx.call_activity(charge_card, retry_policy=RETRY)
    approved, limit = ctx.wait_for_external_event("human_approval"), ctx.create_timer(timedelta(days=7))
    yield wf.when_any([approved, limit])
    yield ctx.call_activity(ship)
"""


def race() -> Story:
    """Two failed attempts and one that succeeds; then a timer of seven days that an event cancels nearly seven days later; then a shipment."""
    story = Story()
    story.source = RACE
    number = story.call("charge_card", identity="c")
    for attempt, pause in ((1, 0.8), (2, 1.1)):
        story.later(seconds=0.5).turn().fails(number)
        backoff = story.backs_off("charge_card", "c", attempt, seconds=pause)
        story.later(seconds=pause).turn().fires(backoff)
        number = story.call("charge_card", identity="c", attempt=attempt + 1)
    story.later(seconds=0.6).turn().returns(number)
    story.waits("human_approval")
    story.timer(days=7)
    story.later(days=6, hours=23, minutes=12).turn().raised("human_approval")
    number = story.call("ship")
    return story.later(seconds=1.2).turn().returns(number).ends()


def fan(count: int = 1000, *, done: float = 1.0, seed: int = 1) -> Story:
    """One step, then `count` calls of one call-site in parallel, one in a hundred of which fails; `done` is the share that has ended."""
    chance = random.Random(seed)
    story = Story("order_batch")
    first = story.call("validate")
    story.later(seconds=0.2).turn().returns(first)
    calls = [story.call("score_chunk") for _ in range(count)]
    chance.shuffle(calls)
    story.turn()
    for number in calls[: round(count * done)]:
        story.later(milliseconds=chance.random() * 12)
        (story.fails if chance.random() < 0.01 else story.returns)(number)
    return story.ends() if done == 1 else story


def chatty(count: int = 37) -> Story:
    """An order with many small calls around it, which fail now and then."""
    story = Story("order")
    charge = story.call("charge_card")
    for number in range(count):
        small = story.call(("log_line", "count_metric")[number % 2])
        story.later(milliseconds=100).turn()
        (story.fails if number == 30 else story.returns)(small)
    return story.later(seconds=1).turn().returns(charge).ends()


MINOR = ("log_line", "count_metric")


def stalled() -> Story:
    """Its code has changed under it: it stands, and somebody has to say what to do."""
    story = Story("nightly")
    story.call("fetch")
    story.later(seconds=3)
    story.status = Status.STALLED
    story.failure = FailureDetails(error_type="NonDeterminismError", message="The code asks for load where history has fetch.")
    return story


def suspended() -> Story:
    """A suspension in the middle, then a timer, a wait and a call that is open."""
    story = Story("nightly")
    first = story.call("fetch")
    story.later(seconds=3).tell(h.ExecutionSuspended(occurred_at=story.now))
    story.later(seconds=4).tell(h.ExecutionResumed(occurred_at=story.now))
    story.turn().returns(first)
    story.call("load")
    story.timer(hours=3)
    story.waits("go", hours=1)
    return story.later(seconds=2)


def picture(
    story: Story, *, now: datetime | None = None, like: protocol.TimelinePicture | None = None, **options: Any
) -> protocol.TimelinePicture:
    spans = spans_of(story.instance, story.rows, races=races_in(story.source))
    return timeline_of(story.instance, story.rows, spans, now=now or story.now, ticks=False, like=like, **options)
