"""Trips that are booked and, when something fails, taken back: for everything that reads or draws a saga."""

import msgspec

from tests.lab.conftest import Story
from wfengine.model import history as h
from wfengine.model.instance import Status
from wflab.analytics.call_sites import CallSite, call_sites

SOURCE = """
def trip(ctx, order):
    saga = wf.Saga(ctx)
    try:
        yield saga.step(book_hotel, undo=cancel_hotel, input=order)
        yield saga.step(book_flight, undo=cancel_flight, input=order)
        yield saga.step(charge_card, undo=refund_card, input=order)
        yield saga.step(ship, undo=recall, input=order)
    except wf.TaskFailedError:
        yield from saga.compensate()
        raise
"""
STEPS = ("book_hotel", "book_flight", "charge_card", "ship")
UNDOS = {"book_hotel": "cancel_hotel", "book_flight": "cancel_flight", "charge_card": "refund_card", "ship": "recall"}


def sites(source: str = SOURCE) -> list[CallSite]:
    return call_sites(source)


class Trip(Story):
    """`books` and `takes_back` steps one after the other."""

    def __init__(self) -> None:
        super().__init__("trip")
        self.ids: dict[str, int] = {}

    def books(self, *names: str) -> "Trip":
        for name in names:
            self.ids[name] = self.call(name, payload='{"order": 7}')
            self.later(milliseconds=200).turn().returns(self.ids[name], f'"{name[:3].upper()}-22"')
        return self

    def fails_at(self, name: str, kind: str = "CarrierDown", message: str = "503") -> "Trip":
        self.ids[name] = self.call(name, payload='{"order": 7}')
        self.later(milliseconds=300).turn().fails(self.ids[name], kind, message)
        return self

    def undo(self, name: str, undo: str | None = None, *, explicit: bool = True) -> int:
        number = self.call(undo or UNDOS[name], payload=f'"{name[:3].upper()}-22"')
        if explicit:
            row = self.rows[-1]
            event = row.event
            assert isinstance(event, h.TaskScheduled)
            self.rows[-1] = msgspec.structs.replace(row, event=msgspec.structs.replace(event, compensates=self.ids[name]))
        return number

    def takes_back(self, *names: str, explicit: bool = True) -> "Trip":
        for name in names:
            number = self.undo(name, explicit=explicit)
            self.later(milliseconds=100).turn().returns(number)
        return self

    def cannot_take_back(self, name: str, *, explicit: bool = True) -> "Trip":
        number = self.undo(name, explicit=explicit)
        self.later(milliseconds=100).turn().fails(number, "OSError", "hotel is lost")
        return self

    def broken(self) -> "Trip":
        self.ends(Status.FAILED)
        return self


def rolled_back_in_part() -> Trip:
    """The picture of the specification: the last of four steps fails, and one of the three undos does."""
    return Trip().books(*STEPS[:3]).fails_at("ship").takes_back("charge_card", "book_flight").cannot_take_back("book_hotel").broken()
