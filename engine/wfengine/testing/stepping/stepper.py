"""A recorded execution taken through its code once more, step by step, for a person to look at. No activity runs: what they gave is recorded.

The code that is run is a copy (`isolating`), and nothing that it asks for goes anywhere. Histories of runs that still go on are read on from where they
were read last, since the replayed execution is kept suspended as a live one is.
"""

import copy
import threading
from collections.abc import Callable, Sequence
from itertools import takewhile
from types import FrameType
from typing import Any, TypeVar

from wfengine.condition import Answer
from wfengine.core.agenda import Agenda
from wfengine.core.replay import Execution
from wfengine.core.routines import Code, Routine
from wfengine.core.tasks import Task
from wfengine.errors import InvalidArgument, NonDeterminismError, WaitTimedOut
from wfengine.model import history as h
from wfengine.model.work import HistoryRow
from wfengine.runtime.registry import Definition
from wfengine.testing.stepping.isolating import Isolation, Source
from wfengine.testing.stepping.ledger import Ledger, asked_text, end_of, is_arrival, outcome_of
from wfengine.testing.stepping.showing import shown, shown_variables
from wfengine.testing.stepping.step import Asked, Frame, Heard, Step, Taken
from wfengine.testing.stepping.tracing import Lines

_OURS = ("wfengine.", "wflab.")
_DEEPEST = 20
_MOST_HEARD = 200
_MOST_TAKEN = 200
Condition = Callable[[Step, dict[str, Any], dict[str, Any]], bool]
T = TypeVar("T")


class Stepper:
    """Replays `definition`'s code. `steps` grows with `take`; `disagreement` says where the code asks for something else, which ends it.

    `condition` is asked after each step with the variables and the globals of the code, for breakpoints; `hits` has the numbers of the steps for which it
    said yes. `text` is the source where Python cannot find it.
    """

    def __init__(
        self, definition: Definition, *, text: str | None = None, condition: Condition | None = None, pictures: bool = True
    ) -> None:
        self.steps: list[Step] = []
        self.disagreement: NonDeterminismError | None = None
        self.hits: list[int] = []
        self.is_over = False
        isolation = Isolation(self._hear)
        own = copy.copy(definition)
        own.function = isolation.own(definition.function, text or definition.source, definition.name)
        self._isolation = isolation
        self._lines = Lines(isolation)
        self._ledger = Ledger()
        self._condition = condition
        self._has_pictures = pictures
        self._rows: dict[int, HistoryRow] = {}
        self._taken: list[Taken] = []
        self._heard: list[Heard] = []
        self._asked: list[Asked] = []
        self._next_id = 0
        self._routine: Routine | None = None
        self._was_waiting: Task[Any] | None = None
        self._code: Code | None = None
        self._execution = Execution(own, watcher=self)

    @property
    def sources(self) -> list[Source]:
        """The texts of the functions that the code consists of, the workflow's own first."""
        return self._isolation.sources

    def line_hits(self) -> dict[tuple[int, int], int]:
        """How often each line has run, as (source, line within it)."""
        return dict(self._lines.hits)

    def take(self, rows: Sequence[HistoryRow]) -> None:
        """Take up further rows, those of whole turns, in this thread. What comes after a disagreement is let pass."""
        if self.disagreement is not None or self.is_over:
            return
        events = [row.event for row in rows]
        self._rows = {id(row.event): row for row in rows}
        try:
            with self._lines.counted():
                self._execution.replay_whole(events)
        except NonDeterminismError as error:
            self.disagreement = error
        self._rows = {}
        ended = end_of(events)
        if ended is not None and self.steps and self.disagreement is None:
            self.is_over = True
            last = self.steps[-1]
            self.steps[-1] = Step(
                **{name: getattr(last, name) for name in last.__struct_fields__} | {"asked": (*last.asked, ended), "ends": True}
            )
            self._execution.close()

    def close(self) -> None:
        """Drop the suspended code; its `finally` blocks run here."""
        self._execution.close()

    # What the execution tells (core.replay.Watcher).

    def arrives(self, event: h.HistoryEvent, agenda: Agenda) -> None:
        """One more event for the code."""
        row = self._rows[id(event)]
        if len(self._taken) < _MOST_TAKEN or not isinstance(event, h.TaskCompleted):
            self._taken.append(self._ledger.taken(row))
        self._ledger.settle(event)
        self._was_waiting = None if self._routine is None else self._routine.awaited
        del agenda

    def ran(self, event: h.HistoryEvent, agenda: Agenda, code: Code | None) -> None:
        """Whether that was a step, and what there is to see of it."""
        if code is not None and self._code is None:
            self._code, self._routine = code, agenda.routine_of(code)
        self._note_asked(agenda)
        is_start = isinstance(event, h.ExecutionStarted)
        code_ran = is_start or (self._was_waiting is not None and self._was_waiting.is_complete)
        is_taken_failure = bool(self._asked) and isinstance(event, h.TaskFailed | h.ChildWorkflowInstanceFailed)
        if not code_ran and not is_taken_failure:
            return
        row = self._rows[id(event)]
        frames = self._frames(code) if code_ran or not self.steps else self.steps[-1].frames
        step = Step(
            number=len(self.steps) + 1,
            sequence=row.sequence,
            turn=row.turn,
            at=event.occurred_at,
            now=agenda.now,
            event=self._ledger.text(event),
            outcome=outcome_of(event),
            taken=tuple(self._taken),
            lines=tuple(dict.fromkeys([*(self._resumed_at() if code_ran and not is_start else ()), *self._lines.lines])),
            frames=frames,
            asked=tuple(self._asked),
            open=self._ledger.first_open(),
            open_total=len(self._ledger.open),
            heard=tuple(self._heard),
            is_replaying=agenda.is_replaying,
            code_ran=code_ran,
        )
        self.steps.append(step)
        self._taken, self._heard, self._asked = [], [], []
        self._lines.begin_step()
        if self._condition is not None and code_ran:
            self._ask_condition(step)

    def overhear(self, level: str, message: Any) -> None:
        """A replay-safe logger speaks."""
        self._hear(level, message)

    # The rest is its own.

    def _hear(self, level: str, message: Any) -> None:
        if len(self._heard) < _MOST_HEARD:
            self._heard.append(Heard(level=level, text=_said(message)))

    def _note_asked(self, agenda: Agenda) -> None:
        for action in agenda.asked():
            if action.id >= self._next_id:
                self._ledger.ask(action, agenda.now)
                self._asked.append(Asked(id=action.id, text=asked_text(action), line=self._line_in_source(agenda.line_asked_at(action.id))))
        self._next_id = agenda.next_id()

    def _line_in_source(self, told: str) -> int | None:
        """`line 12 of order`, as the agenda says it, within the workflow's source; None where a retry asked, or other code."""
        words = told.split(" ", 3)
        if len(words) < 4 or not self.sources or words[3] != getattr(self._code, "__name__", None):  # noqa: PLR2004  # its four words
            return None
        return int(words[1]) - self.sources[0].first + 1

    def _resumed_at(self) -> tuple[tuple[int, int], ...]:
        """The lines that the code waited at: they are gone on with, and do not count as run again."""
        if not self.steps:
            return ()
        found = [(frame.source, frame.line) for frame in self.steps[-1].frames if frame.source is not None]
        return tuple(reversed(found))

    def _frames(self, code: Code | None) -> tuple[Frame, ...]:
        found = [self._frame(frame) for frame in _chain(code)]
        if not found:
            found = [self._frame_at(line, variables) for line, variables in self._last_of()]
        return tuple(reversed(found))

    def _last_of(self) -> list[tuple[int, dict[str, Any]]]:
        """Where the workflow's own function ended, by returning or by raising, and its variables then."""
        code = getattr(self._code, "gi_code", None) or getattr(self._code, "cr_code", None)
        if code is None:  # a plain function, which is over by now
            code = next(
                (one for one in self._isolation.codes if self._isolation.source_of(one) == 0 and id(one) in self._lines.ended), None
            )
        if (ended := self._lines.ended.get(id(code))) is not None and self.sources:
            return [ended]
        if self._routine is not None and self._routine.outcome.is_failed:
            trace = self._routine.outcome.get_exception().__traceback__
            while trace is not None:
                if trace.tb_frame.f_code is code:
                    return [(trace.tb_lineno, dict(trace.tb_frame.f_locals))]
                trace = trace.tb_next
        return []

    def _frame(self, frame: FrameType) -> Frame:
        source = self._isolation.source_of(frame.f_code)
        name = frame.f_code.co_name
        variables = shown_variables(frame.f_locals) if self._has_pictures else {}
        line = frame.f_lineno if source is None else frame.f_lineno - self.sources[source].first + 1
        return Frame(source=source, name=name, line=line, variables=variables)

    def _frame_at(self, line: int, variables: dict[str, Any]) -> Frame:
        own = self.sources[0]
        name = getattr(self._code, "__name__", own.name)
        return Frame(source=0, name=name, line=line - own.first + 1, variables=shown_variables(variables) if self._has_pictures else {})

    def _ask_condition(self, step: Step) -> None:
        frames = _chain(self._code)
        variables: dict[str, Any] = {}
        for frame in frames:
            variables |= frame.f_locals
        if not frames:
            variables = next((found for _, found in self._last_of()), {})
        scope = frames[0].f_globals if frames else {}
        if self._condition is not None and self._condition(step, variables, scope):
            self.hits.append(step.number)


def event_steps(rows: Sequence[HistoryRow], *, first: int = 1, ledger: Ledger | None = None) -> list[Step]:
    """Steps without code: one for each turn that took something up."""
    book = ledger or Ledger()
    found: list[Step] = []
    waiting: list[HistoryRow] = []
    place = 0
    while place < len(rows):
        row = rows[place]
        if row.turn == 0:
            waiting.append(row)
            place += 1
            continue
        turn = list(takewhile(lambda one, number=row.turn: one.turn == number, rows[place:]))  # type: ignore[misc]
        place += len(turn)
        step = _event_step(book, [*waiting, *turn], number=first + len(found))
        waiting = []
        if step is not None:
            found.append(step)
    return found


def _event_step(book: Ledger, rows: Sequence[HistoryRow], *, number: int) -> Step | None:
    taken: list[Taken] = []
    asked: list[Asked] = []
    for row in rows:
        if is_arrival(row.event):
            taken.append(book.taken(row))
            book.settle(row.event)
        elif isinstance(row.event, h.ConfirmingEvent):
            asked.append(Asked(id=row.event.event_id, text=book.text(row.event)))
            book.confirmed(row.event)
    ended = end_of(row.event for row in rows)
    arrivals = [row for row in rows if is_arrival(row.event)]
    if not arrivals:
        return None
    failed = next((row for row in reversed(arrivals) if isinstance(row.event, h.TaskFailed | h.ChildWorkflowInstanceFailed)), None)
    last = failed or arrivals[-1]
    return Step(
        number=number,
        sequence=last.sequence,
        turn=rows[-1].turn,
        at=last.event.occurred_at,
        now=last.event.occurred_at,
        event=book.text(last.event),
        outcome=outcome_of(last.event),
        taken=tuple(taken[:_MOST_TAKEN]),
        asked=(*asked[:_MOST_TAKEN], *([ended] if ended else [])),
        open=book.first_open(),
        open_total=len(book.open),
        code_ran=False,
        ends=ended is not None,
    )


def seen_by_code(rows: Sequence[HistoryRow]) -> list[HistoryRow]:
    """The rows that code has taken up: what came in since the last turn waits for the next."""
    last = max((place for place, row in enumerate(rows) if row.turn), default=-1)
    return list(rows[: last + 1])


def condition_of(text: str) -> Condition:
    """A breakpoint: an expression over the variables. Where a variable is not there yet, it does not hold. Raises InvalidArgument for no expression."""
    try:
        code = compile(text.strip(), "<breakpoint>", "eval")
    except (SyntaxError, ValueError) as error:
        raise InvalidArgument(f"{text!r} is no expression: {error}. A breakpoint is a line's number or, for example, 'pay > 10'.") from None

    def holds(_step: Step, variables: dict[str, Any], scope: dict[str, Any]) -> bool:
        try:
            return bool(eval(code, scope, variables))  # noqa: S307  # the person at this kernel typed it, as they type cells
        except Exception:  # noqa: BLE001  # a name that is not bound yet, a None that has no attribute: not here
            return False

    return holds


def in_own_thread(job: Callable[[], T], *, seconds: float = 60.0) -> T:
    """What `job` gives, done by a thread of its own, so that no trace function meets another; Ctrl-C ends the waiting."""
    answer: Answer[T] = Answer()

    def work() -> None:
        try:
            answer.set_result(job())
        except BaseException as error:  # noqa: BLE001  # whoever waits is told
            answer.set_exception(error)

    threading.Thread(target=work, name="wflab-replay", daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError:
        if answer.done():
            raise
        raise WaitTimedOut(f"The replay has not come to its end within {seconds:g} s; the live run is not touched by it.") from None


def _chain(code: Any) -> list[FrameType]:
    """The frames that wait, outermost first: the workflow's own and those that it yields from or awaits, as far as they are the user's."""
    found: list[FrameType] = []
    while code is not None and len(found) < _DEEPEST:
        frame = getattr(code, "gi_frame", None) or getattr(code, "cr_frame", None)
        if frame is None:
            break
        if not str(frame.f_globals.get("__name__", "")).startswith(_OURS):
            found.append(frame)
        code = getattr(code, "gi_yieldfrom", None) or getattr(code, "cr_await", None)
    return found


def _said(message: Any) -> str:
    if isinstance(message, str):
        return message[:2000]
    if isinstance(message, tuple) and message:
        first, *rest = message
        if isinstance(first, str) and rest:
            try:
                return str(first % tuple(rest))[:2000]
            except (TypeError, ValueError):
                pass
        return " ".join(one if isinstance(one, str) else shown(one).text for one in message)[:2000]
    return shown(message).text
