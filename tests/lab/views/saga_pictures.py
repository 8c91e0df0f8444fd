"""Pictures of sagas, for cards and pages."""

from datetime import datetime

from tests.lab.analytics.saga_stories import SOURCE, STEPS, UNDOS, Trip, rolled_back_in_part, sites
from tests.lab.conftest import Story
from wfengine.model import history as h
from wfengine.model.instance import Status
from wflab import protocol
from wflab.analytics.saga_acts import UndoActs
from wflab.analytics.saga_trace import trace_of
from wflab.views.saga_picture import saga_picture


def picture(
    story: Story, *, source: str = SOURCE, acts: dict[str, UndoActs] | None = None, now: datetime | None = None
) -> protocol.SagaPicture:
    trace = trace_of(story.instance, story.rows, sites=sites(source), acts=acts)
    return saga_picture(story.instance, story.rows, trace, now=now or story.now, why=story.why)


def in_part() -> protocol.SagaPicture:
    return picture(rolled_back_in_part())


def in_doubt() -> protocol.SagaPicture:
    """The third step times out, the first undo fails, and the last step is never reached."""
    trip = Trip().books("book_hotel", "book_flight").fails_at("charge_card", "ActivityTimeoutError", "30 s")
    return picture(trip.takes_back("book_flight").cannot_take_back("book_hotel").broken())


def under_way() -> protocol.SagaPicture:
    trip = Trip().books(*STEPS[:3]).fails_at("ship").takes_back("charge_card")
    trip.undo("book_flight")
    trip.why = "cancel_flight is running"
    return picture(trip.later(seconds=4))


def long(count: int = 60) -> protocol.SagaPicture:
    """So many steps of different names, all done and undone but one."""
    trip = Trip()
    names = [f"book_{place:03}" for place in range(count)]
    trip.books(*names).fails_at("ship")
    for name in reversed(names):
        UNDOS[name] = name.replace("book", "cancel")
        if name == names[20]:
            trip.cannot_take_back(name)
        else:
            trip.takes_back(name)
    return picture(trip.broken(), source="")


def fan_out(count: int = 300) -> protocol.SagaPicture:
    """So many bookings of one kind, two of which stay."""
    trip = Trip()
    calls = [trip.call("book_room", payload=str(place)) for place in range(count)]
    trip.later(seconds=2).turn()
    for number in calls:
        trip.returns(number, f'"R{number}"')
    trip.fails_at("charge_card")
    for number in reversed(calls):
        trip.ids["book_room"] = number
        undo = trip.undo("book_room", "cancel_room")
        trip.turn()
        if number in {7, 40}:
            trip.fails(undo, "OSError", f"room {number} is lost")
        else:
            trip.returns(undo)
    return picture(trip.broken(), source="")


def empty() -> protocol.SagaPicture:
    story = Story()
    story.returns(story.call("charge")).ends(Status.COMPLETED)
    return picture(story, source="")


def terminated_late() -> protocol.SagaPicture:
    """An attempt that timed out and did return after all."""
    trip = Trip().books("book_hotel")
    number = trip.call("book_flight")
    trip.later(seconds=1).turn().fails(number, "ActivityTimeoutError", "late")
    trip.tell(h.TaskEndedLate(occurred_at=trip.now, task_scheduled_id=number))
    return picture(trip.takes_back("book_hotel").broken())


def past_the_pivot() -> protocol.SagaPicture:
    source = """
def trip(ctx, order):
    saga = wf.Saga(ctx)
    yield saga.step(book_hotel, undo=cancel_hotel)
    yield saga.step(charge_card, pivot=True)
    yield saga.step(ship, undo=recall)
    yield saga.step(notify)
"""
    return picture(Trip().books("book_hotel", "charge_card", "ship").fails_at("notify").takes_back("ship").broken(), source=source)
