"""The steps of one run, read by a thread of its own: the code is run there and nowhere else, and the engine is only asked for history.

Any thread may call; a reader of many steps goes on reading while others look at what it has. A run that goes on is read on from where it was read last.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from wfengine.condition import Condition
from wfengine.errors import InvalidArgument, NonDeterminismError, WaitTimedOut
from wfengine.model.instance import Instance
from wfengine.model.work import HistoryRow
from wfengine.runtime.engine import Engine
from wfengine.testing.stepping.isolating import Source
from wfengine.testing.stepping.ledger import Ledger
from wfengine.testing.stepping.step import Step
from wfengine.testing.stepping.stepper import Stepper, condition_of, event_steps, in_own_thread, seen_by_code
from wflab.analytics.asking import state_of
from wflab.analytics.divergence import Parting, parting
from wflab.display.replay_code import Chosen, Code, choose

_ROWS_AT_ONCE = 400
PATIENCE_S = 120.0


class Read(NamedTuple):
    """What has been read so far. `code_steps` of the steps were run; what is beyond is known from history alone."""

    instance: Instance
    rows: Sequence[HistoryRow]
    steps: Sequence[Step]
    code_steps: int
    parting: Parting | None
    error: str | None


class ReplayReader:
    """Reads the newest execution of `instance_id` with the chosen code. `choice` says which code that is; `tell` is called when more has been read."""

    def __init__(self, engine: Engine, instance_id: str, *, code: Code = None, source: bool = False) -> None:
        self.tell: Callable[[], None] = lambda: None
        self._engine = engine
        self._code, self._from_record = code, source
        self._instance = state_of(engine, instance_id)
        self.key = self._instance.key
        self._changed = Condition()  # guards everything below
        self._is_reading = False
        self._rows: list[HistoryRow] = []
        self._steps: list[Step] = []
        self._code_steps = 0
        self._parting: Parting | None = None
        self._error: str | None = None
        self.choice: Chosen = choose(engine, self._instance, code=code, source=source)
        self._stepper = self._made()

    @property
    def is_reading(self) -> bool:
        """Whether there is more to come by itself."""
        return self._is_reading

    def read_on(self, wait_s: float) -> Read:
        """Read what is new, waiting at most so long for it; what there is by then."""
        with self._changed.lock:
            if not self._is_reading:
                self._is_reading = True
                threading.Thread(target=self._read, name="wflab-replay", daemon=True).start()
        self._changed.wait_for(lambda: not self._is_reading, wait_s)
        return self.so_far()

    def so_far(self) -> Read:
        """What has been read, without reading on."""
        with self._changed.lock:
            steps = self._steps if not self._is_reading else list(self._steps)
            return Read(self._instance, self._rows, steps, self._code_steps, self._parting, self._error)

    def whole(self) -> Read:
        """All of it, however long it takes; Ctrl-C ends the waiting. Raises WaitTimedOut, and what the reading failed with."""
        found = self.read_on(PATIENCE_S)
        if self._is_reading:
            raise WaitTimedOut(
                f"The replay has not come to its end within {PATIENCE_S:g} s: {len(found.steps):,} steps are read. Ask again."
            )
        if found.error is not None:
            raise InvalidArgument(found.error)
        return found

    def sources(self) -> list[Source]:
        """The texts of the code, the workflow's own first; recorded text where no code is run."""
        if self._stepper is not None:
            return list(self._stepper.sources)
        return [Source(name=self._instance.name, text=self.choice.text, first=1)] if self.choice.text else []

    def line_hits(self) -> dict[tuple[int, int], int]:
        """How often each line has run."""
        return {} if self._stepper is None else self._stepper.line_hits()

    def hits(self, breakpoint: str | int) -> list[int]:
        """The steps in which a line ran, or after which an expression held. Raises InvalidArgument."""
        text = str(breakpoint).strip()
        if text.isdecimal():
            return [step.number for step in self.whole().steps if (0, int(text)) in step.lines]
        if self.choice.definition is None:
            raise InvalidArgument(
                "Only lines of events are known of this run, so no expression can be looked at: " + " ".join(self.choice.banners)
            )
        found = self.whole()
        other = Stepper(self.choice.definition, text=self.choice.text, condition=condition_of(text), pictures=False)

        def again() -> list[int]:
            other.take([row for row in found.rows if row.sequence <= self._last_read(found)])
            other.close()
            return other.hits

        return in_own_thread(again)

    def close(self) -> None:
        """Drop the suspended code."""
        if self._stepper is not None:
            self._stepper.close()

    @staticmethod
    def _last_read(found: Read) -> int:
        return found.rows[-1].sequence if found.rows else -1

    def _made(self) -> Stepper | None:
        definition = self.choice.definition
        return None if definition is None else Stepper(definition, text=self.choice.text)

    def _read(self) -> None:
        """On the own thread, until nothing is new."""
        try:
            self._read_new()
            error = None
        except Exception as found:  # noqa: BLE001  # whoever looks is told
            error = str(found) or type(found).__name__
        with self._changed.lock:
            self._error = error
            self._is_reading = False
            self._changed.notify_all()

    def _read_new(self) -> None:
        instance = self._engine.store.instance(self.key) or self._instance
        if self._stepper is None and not self._steps and instance.code_hash != self._instance.code_hash:
            self.choice = choose(self._engine, instance, code=self._code, source=self._from_record)  # its first turn has come
            self._stepper = self._made()
        self._instance = instance
        known = self._rows
        new = seen_by_code(
            self._engine.store.history(self.key, len(known))
        )  # of a long history only that: whoever jumps about in it asks often
        if not new:
            return
        rows = [*known, *new]
        if self._stepper is None or self._parting is not None:
            self._take_events(rows)
            return
        begin = len(self._rows)
        while begin < len(rows) and self._stepper.disagreement is None:
            end = _end_of_turn(rows, begin + _ROWS_AT_ONCE)
            self._stepper.take(rows[begin:end])
            begin = end
            with self._changed.lock:
                self._rows = rows[:end]
                self._steps = self._stepper.steps
                self._code_steps = len(self._steps)
            if begin < len(rows):
                self.tell()
        if self._stepper.disagreement is not None:
            self._part(self._stepper.disagreement, rows)

    def _part(self, error: NonDeterminismError, rows: list[HistoryRow]) -> None:
        """The code has come to its end here; the rest of the history is told without it."""
        sources = self.sources()
        recorded = choose(self._engine, self._instance).text
        found = parting(error, rows, recorded=recorded, text=sources[0].text, first=sources[0].first)
        steps = list(self._stepper.steps) if self._stepper else []
        last = steps[-1].sequence if steps else -1
        rest = [step for step in event_steps(rows, first=1) if step.sequence > last]
        renumbered = [_numbered(step, len(steps) + place) for place, step in enumerate(rest, start=1)]
        with self._changed.lock:
            self._parting, self._rows = found, rows
            self._code_steps, self._steps = len(steps), [*steps, *renumbered]

    def _take_events(self, rows: list[HistoryRow]) -> None:
        steps = event_steps(rows, ledger=Ledger())
        kept = self._steps[: self._code_steps]
        last = kept[-1].sequence if kept else -1
        rest = [step for step in steps if step.sequence > last]
        with self._changed.lock:
            self._rows = rows
            self._steps = [*kept, *(_numbered(step, len(kept) + place) for place, step in enumerate(rest, start=1))]


def _end_of_turn(rows: Sequence[HistoryRow], place: int) -> int:
    """The first place from `place` on at which a whole turn has ended."""
    while 0 < place < len(rows) and (rows[place].turn == rows[place - 1].turn or rows[place - 1].turn == 0):
        place += 1
    return min(place, len(rows))


def _numbered(step: Step, number: int) -> Step:
    fields: dict[str, Any] = {name: getattr(step, name) for name in step.__struct_fields__}
    return Step(**fields | {"number": number})
