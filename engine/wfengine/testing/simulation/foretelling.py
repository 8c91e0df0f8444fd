"""What must come of a program, foretold from what arrived: a model of workflow code that shares nothing with the core but history.

It is written the plainest way there is: no generators, no tasks that tell each other. After each arrival it asks of the whole tree that
the program waits for whether that has come to anything, and goes on from there.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from wfengine.model.history import (
    ChildWorkflowInstanceCompleted,
    ChildWorkflowInstanceFailed,
    EventRaised,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    HistoryEvent,
    TaskCompleted,
    TaskFailed,
    TimerFired,
)
from wfengine.testing.simulation.shapes import (
    INLINE,
    RETRY_SECONDS,
    Ask,
    Await,
    Call,
    Check,
    Every,
    First,
    Hear,
    Launch,
    Look,
    Part,
    Program,
    Sleep,
    Spawn,
    Statement,
    Step,
    Tell,
    Waitable,
)


class Leaf:
    """One thing asked for. `settled` is the number of the arrival that settled it; `value` or `failed` say how."""

    def __init__(self, wanted: Call | Step | Sleep | Hear | Spawn) -> None:
        self.wanted = wanted
        self.attempt = 1
        self.settled: int | None = None
        self.value: Any = None
        self.failed: str | None = None


class Branch:
    """when_all or when_any over others."""

    def __init__(self, wanted: Every | First, parts: "list[Leaf | Branch]", made: int) -> None:
        self.wanted = wanted
        self.parts = parts
        self.made = made


class Came(msgspec.Struct):
    """What a leaf or branch has come to, and with which arrival."""

    when: int
    value: Any = None
    failed: str | None = None


class Foretelling:
    """Feed it what arrived, in order; `asked` and `patches` are then what the code must have asked for, `ending` how it must have ended."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, str, str]] = []
        self.patches: list[str] = []
        self.status: str | None = None
        self.ending: tuple[Any, ...] | None = None
        self.buffered: list[EventRaised] = []
        self.heard: dict[str, int | None] = {}  # by an event's token the wait that it served when it came, None where nobody waited
        self._part = Part(program=Program(body=[]), left=0)
        self._results: list[Any] = []
        self._place = 0
        self._waiting_for: Leaf | Branch | None = None
        self._open: dict[int, Leaf] = {}
        self._listening: list[tuple[str, Leaf]] = []
        self._arrivals = 0
        self._now: datetime | None = None
        self._suspended = False
        self._put_aside: list[HistoryEvent] = []

    def take(self, event: HistoryEvent) -> None:
        """The next arrival."""
        match event:
            case ExecutionSuspended():
                self._suspended = True
            case ExecutionResumed():
                self._suspended = False
                self._pass_time(event.occurred_at)
                waiting, self._put_aside = self._put_aside, []
                for one in waiting:
                    self._arrive(one)
            case _ if self._suspended and self.ending is None:
                self._put_aside.append(event)
            case _:
                self._arrive(event)

    def _pass_time(self, moment: datetime) -> None:
        self._now = moment if self._now is None else max(self._now, moment)

    def _arrive(self, event: HistoryEvent) -> None:
        self._pass_time(event.occurred_at)
        self._arrivals += 1
        if self.ending is not None:
            if isinstance(event, EventRaised):
                self.buffered.append(event)
            return
        match event:
            case ExecutionStarted():
                self._pass_time(event.scheduled_start or event.occurred_at)
                self._part = msgspec.json.decode(event.input or "", type=Part)
                self._results = list(self._part.results)
            case TaskCompleted() | ChildWorkflowInstanceCompleted():
                self._completed(event.task_scheduled_id, event.result)
            case TaskFailed() | ChildWorkflowInstanceFailed():
                self._attempt_failed(event.task_scheduled_id, is_final=event.failure.non_retryable)
            case TimerFired():
                self._fired(event.timer_id)
            case EventRaised():
                self._hear(event)
            case _:
                return
        self._go_on()

    def _completed(self, number: int, result: str | None) -> None:
        leaf = self._open.pop(number, None)
        if leaf is not None:
            leaf.settled, leaf.value = self._arrivals, _value(result)

    def _attempt_failed(self, number: int, *, is_final: bool) -> None:
        leaf = self._open.pop(number, None)
        if leaf is None:
            return
        if not is_final and isinstance(leaf.wanted, Call | Step | Spawn) and leaf.attempt < leaf.wanted.attempts:
            self._ask("timer", self._after(RETRY_SECONDS), leaf)
        else:
            leaf.settled, leaf.failed = self._arrivals, "TaskFailedError"

    def _fired(self, number: int) -> None:
        leaf = self._open.pop(number, None)
        if leaf is None or leaf.settled is not None:
            return
        match leaf.wanted:
            case Sleep():
                leaf.settled = self._arrivals
            case Hear():
                self._listening = [(name, one) for name, one in self._listening if one is not leaf]
                leaf.settled, leaf.failed = self._arrivals, "TimeoutError"
            case Call(name=name):
                leaf.attempt += 1
                self._ask("activity", name, leaf)
            case Step():
                leaf.attempt += 1
                self._ask("activity", INLINE, leaf)
            case Spawn(program=program):
                leaf.attempt += 1
                self._ask("child", program.workflow, leaf)

    def _hear(self, event: EventRaised) -> None:
        for place, (name, leaf) in enumerate(self._listening):
            if name == event.name.casefold():
                del self._listening[place]
                leaf.settled, leaf.value = self._arrivals, _value(event.input)
                self.heard[event.raised_by or ""] = next(number for number, one in self._open.items() if one is leaf)
                return
        self.heard[event.raised_by or ""] = None
        self.buffered.append(event)

    def _go_on(self) -> None:
        while self.ending is None:
            if self._waiting_for is not None:
                came = _came(self._waiting_for)
                if came is None:
                    return
                self._waiting_for = None
                self._results.append(came.value if came.failed is None else {"failed": came.failed})
            elif self._place < len(self._part.program.body):
                statement = self._part.program.body[self._place]
                self._place += 1
                self._do(statement)
            else:
                self._end()

    def _do(self, statement: Statement) -> None:
        match statement:
            case Await(wanted):
                self._waiting_for = self._made(wanted)
            case Ask(wanted):
                self._made(wanted)
            case Tell(text):
                self.status = text
            case Look():
                self._results.append({"seen": [self._after(0).removesuffix("+00:00"), None, None]})
            case Check(patch):
                if patch not in self.patches:
                    self.patches.append(patch)
                self._results.append(True)
            case Launch(program=program):
                self.asked.append((len(self.asked), "launch", program.workflow))

    def _end(self) -> None:
        if self._part.left:
            following = Part(program=self._part.program, left=self._part.left - 1, results=self._results)
            self.ending = ("again", msgspec.to_builtins(following))
        elif self._part.program.ending == "raise":
            self.ending = ("raise",)
        else:
            self.ending = ("return", self._results)

    def _made(self, wanted: Waitable) -> Leaf | Branch:
        if isinstance(wanted, Every | First):
            return Branch(wanted, [self._made(part) for part in wanted.parts], self._arrivals)
        leaf = Leaf(wanted)
        match wanted:
            case Call(name=name):
                self._ask("activity", name, leaf)
            case Step():
                self._ask("activity", INLINE, leaf)
            case Spawn(program=program):
                self._ask("child", program.workflow, leaf)
            case Sleep(seconds):
                self._ask("timer", self._after(seconds), leaf)
            case Hear():
                self._listen(wanted, leaf)
        return leaf

    def _listen(self, wanted: Hear, leaf: Leaf) -> None:
        name = wanted.event.casefold()
        for place, event in enumerate(self.buffered):
            if event.name.casefold() == name:
                del self.buffered[place]
                leaf.settled, leaf.value = self._arrivals, _value(event.input)
                return
        if wanted.seconds == 0:
            leaf.settled, leaf.failed = self._arrivals, "TimeoutError"
            return
        self._listening.append((name, leaf))
        for_ever = wanted.seconds is None or wanted.seconds < 0
        self._ask("timer", "never" if for_ever else self._after(wanted.seconds or 0), leaf)

    def _ask(self, kind: str, what: str, leaf: Leaf) -> None:
        number = len(self.asked)
        self.asked.append((number, kind, what))
        self._open[number] = leaf

    def _after(self, seconds: int) -> str:
        if self._now is None:
            raise AssertionError(self._part)  # nothing is asked for before the start
        return (self._now + timedelta(seconds=seconds)).isoformat()


def _value(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)


def _came(tree: Leaf | Branch) -> Came | None:
    if isinstance(tree, Leaf):
        return None if tree.settled is None else Came(tree.settled, tree.value, tree.failed)
    parts = [_came(part) for part in tree.parts]
    there = [part for part in parts if part is not None]
    if isinstance(tree.wanted, First):
        if not tree.parts:
            return Came(tree.made, [])
        winner = min(there, key=lambda part: part.when, default=None)
        if winner is None:
            return None
        return Came(winner.when, {"first": winner.value} if winner.failed is None else {"failed": winner.failed})
    if len(there) < len(parts):
        return None
    when = max((part.when for part in there), default=tree.made)
    first_failed = min((part for part in there if part.failed is not None), key=lambda part: part.when, default=None)
    return Came(when, None, first_failed.failed) if first_failed is not None else Came(when, [part.value for part in there])
