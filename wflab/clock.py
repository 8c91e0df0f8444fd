"""The lab's clock: real, or virtual and moved by hand."""

from datetime import datetime, timedelta

from wfengine.errors import InvalidArgument
from wfengine.runtime.engine import Engine


class LabClock:
    """`lab.clock`. Virtual time stands still while anything can happen and jumps from timer to timer; a week takes no time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def is_virtual(self) -> bool:
        """Whether time moves only when told to."""
        return self._engine.virtual_time.is_on

    def now(self) -> datetime:
        """The lab's present, aware UTC."""
        return self._engine.now()

    def virtual(self) -> "LabClock":
        """Stop time here; `advance` and `skip` move it. Histories carry the virtual times."""
        self._engine.in_engine(self._engine.virtual_time.switch_on)
        return self

    def real(self) -> "LabClock":
        """Back to the machine's time."""
        self._engine.in_engine(self._engine.virtual_time.switch_off)
        return self

    def advance(self, span: timedelta) -> "LabClock":
        """Let `span` pass: each timer in it fires at its time, and what follows happens before the next. Needs virtual time."""
        if not isinstance(span, timedelta) or span < timedelta(0):
            raise InvalidArgument(f"clock.advance takes a span such as timedelta(days=7), not {span!r}.")
        self._engine.in_engine(lambda ack: self._engine.virtual_time.advance(ack, span))
        return self

    def skip(self) -> "LabClock":
        """Go to the next timer that somebody waits for. Needs virtual time."""
        self._engine.in_engine(self._engine.virtual_time.skip)
        return self

    def __repr__(self) -> str:
        if not self.is_virtual:
            return "real clock"  # what it shows is another time at every look
        return f"virtual clock at {self.now():%Y-%m-%d %H:%M:%S} UTC: lab.clock.advance(timedelta(...)) moves it"
