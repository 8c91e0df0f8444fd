"""The shape of a simulated workflow: a small program as plain data, which travels as the workflow's own input.

`interpreter` runs it as workflow code, `foretelling` says what must come of it; the two share this file and nothing else.
"""

from typing import Any, Literal

import msgspec


class _Node(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """A part of a program; as JSON a list that begins with the name of its kind."""


class Call(_Node, frozen=True, array_like=True, tag=True):
    """An activity, tried up to `attempts` times, ten seconds apart."""

    name: str
    input: Any
    attempts: int


class Step(_Node, frozen=True, array_like=True, tag=True):
    """An activity without a name of its own (`ctx.step`), tried up to `attempts` times."""

    attempts: int


class Sleep(_Node, frozen=True, array_like=True, tag=True):
    """A durable timer."""

    seconds: int


class Hear(_Node, frozen=True, array_like=True, tag=True):
    """A wait for an external event; without `seconds`, or with fewer than none, for ever."""

    event: str
    seconds: int | None


class Spawn(_Node, frozen=True, array_like=True, tag=True):
    """A child workflow, tried up to `attempts` times; without an id it gets one that is derived."""

    program: "Program"
    instance_id: str | None
    attempts: int


class Every(_Node, frozen=True, array_like=True, tag=True):
    """when_all."""

    parts: list["Waitable"]


class First(_Node, frozen=True, array_like=True, tag=True):
    """when_any."""

    parts: list["Waitable"]


Waitable = Call | Step | Sleep | Hear | Spawn | Every | First


class Await(_Node, frozen=True, array_like=True, tag=True):
    """Ask for something and wait until it is there."""

    wanted: Waitable


class Ask(_Node, frozen=True, array_like=True, tag=True):
    """Ask for something and go on without it."""

    wanted: Waitable


class Tell(_Node, frozen=True, array_like=True, tag=True):
    """Set the custom status."""

    text: str


class Look(_Node, frozen=True, array_like=True, tag=True):
    """Look at the clock, and draw a number and a UUID."""


class Check(_Node, frozen=True, array_like=True, tag=True):
    """Ask whether it is patched."""

    patch: str


class Launch(_Node, frozen=True, array_like=True, tag=True):
    """Start a workflow that is nobody's child; without an id it draws one."""

    program: "Program"
    instance_id: str | None


Statement = Await | Ask | Tell | Look | Check | Launch


class Program(msgspec.Struct, frozen=True, array_like=True):
    """What a workflow does: its statements, then either its end or `generations` times everything anew."""

    body: list[Statement]
    ending: Literal["return", "raise"] = "return"
    generations: int = 0
    saves_events: bool = False
    is_async: bool = False

    @property
    def workflow(self) -> str:
        """The name of the workflow that runs it."""
        return ASYNC if self.is_async else PLAIN


class Part(msgspec.Struct, frozen=True):
    """The input of one generation: the program, how many generations follow, and the results of those before."""

    program: Program
    left: int
    results: list[Any] = []


PLAIN = "play"
ASYNC = "play_async"
INLINE = "inline"
RETRY_SECONDS = 10

_encode = msgspec.json.Encoder().encode


def as_input(part: Part) -> str:
    """The part as a workflow's input."""
    return _encode(part).decode()
