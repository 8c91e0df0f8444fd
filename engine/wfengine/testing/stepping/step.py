"""What there is to see of a replayed workflow: its steps. Step k is the k-th time its code went on and ran to where it waits next.

An attempt that failed and that the retry policy takes is a step, too: the code stays where it is, and asks for the next attempt.

Nothing here can form a cycle, so the garbage collector need not look at it (`gc=False`): a long replay keeps so much that whoever looks at it would wait.
"""

from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from wfengine.testing.stepping.showing import Value


class Outcome(StrEnum):
    """What a step took up, for its colour."""

    STARTED = "started"
    COMPLETED = "completed"
    FAILED = "failed"
    FIRED = "fired"
    RAISED = "raised"
    RESUMED = "resumed"


class Taken(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """An event that a step took up; `sequence` is its place in history, `text` what it says in a line. `event_id` is the action that it answers."""

    sequence: int
    type: str
    text: str
    event_id: int | None = None


class Asked(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """What the code asked for: `id` is the action's number (None for what has none, such as its end), `line` where, within the workflow's source."""

    id: int | None
    text: str
    line: int | None = None


class Open(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """What is under way after a step. `until` is when a timer fires or a wait ends by itself."""

    id: int
    kind: Literal["activity", "child", "timer", "wait", "backoff"]
    name: str
    since: datetime
    attempt: int = 1
    until: datetime | None = None


class Frame(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """One function that waits. `line` counts within `source`, a place in the list of sources; None: its source is not known, and `line` is its file's."""

    source: int | None
    name: str
    line: int
    variables: dict[str, Value]


class Heard(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """What the code printed or logged as it ran first. `level` is `print` or a logger's method."""

    level: str
    text: str


class Step(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """One step. `number` counts from 1, `sequence` is the place in history of the event that set the code going.

    `at` is when that was recorded, `now` what the workflow's clock said. `frames` are innermost first; empty where no code ran. `ends`: the code
    returned, raised, or goes on as new. `code_ran` is False where only a retry policy went on.
    """

    number: int
    sequence: int
    turn: int
    at: datetime
    now: datetime
    event: str
    outcome: Outcome
    taken: tuple[Taken, ...] = ()
    lines: tuple[tuple[int, int], ...] = ()
    frames: tuple[Frame, ...] = ()
    asked: tuple[Asked, ...] = ()
    open: tuple[Open, ...] = ()
    open_total: int = 0
    heard: tuple[Heard, ...] = ()
    is_replaying: bool = True
    code_ran: bool = True
    ends: bool = False

    @property
    def variables(self) -> dict[str, Value]:
        """All variables at the end of the step; an inner function's hide those of the same name further out."""
        found: dict[str, Value] = {}
        for frame in reversed(self.frames):
            found |= frame.variables
        return found

    @property
    def waits(self) -> int | None:
        """Where the workflow's own function waits after the step, within its source; None where it has ended."""
        return None if self.ends else self._stands

    @property
    def line(self) -> int | None:
        """Where the workflow's own function went on: the line that had waited, or its first one."""
        return next((line for source, line in self.lines if source == 0), self._stands)

    @property
    def _stands(self) -> int | None:
        return next((frame.line for frame in reversed(self.frames) if frame.source == 0), None)


Change = Literal["added", "changed", "removed"]


def frame_before(before: Step | None, after: Step, place: int) -> Frame | None:
    """The frame of the step before that goes on as `after.frames[place]`: at the same depth, of the same function."""
    frame = after.frames[place]
    depth = len(after.frames) - place
    if before is None or len(before.frames) < depth:
        return None
    same = before.frames[len(before.frames) - depth]
    return same if (same.name, same.source) == (frame.name, frame.source) else None


def changes_within(before: Frame | None, after: Frame) -> dict[str, Change]:
    """Which variables of a function were added, changed and removed, in the function's own order."""
    old = {} if before is None else before.variables
    found: dict[str, Change] = {}
    for name, value in after.variables.items():
        if name not in old:
            found[name] = "added"
        elif old[name] != value:
            found[name] = "changed"
    return found | dict.fromkeys((name for name in old if name not in after.variables), "removed")


def changes(before: Step | None, after: Step) -> dict[str, Change]:
    """Which variables the step added, changed and removed, in all functions that wait, the workflow's own first."""
    found: dict[str, Change] = {}
    for place in reversed(range(len(after.frames))):
        for name, change in changes_within(frame_before(before, after, place), after.frames[place]).items():
            found.setdefault(name, change)
    return found
