"""What a verb of `%wf` is."""

from collections.abc import Callable
from typing import Any, Literal

import msgspec

Takes = Literal["id", "workflow", "event", "verb", "recipe", "clock", "status", "app"]


class Verb(msgspec.Struct, frozen=True, kw_only=True):
    """How it is written, what it does, the same in Python, and what carries it out, given the rest of the line.

    `takes` says for each word what may stand there, the last for all that follow; `options` may stand anywhere.
    """

    name: str
    usage: str
    purpose: str
    python: str
    action: Callable[[str], Any]
    takes: tuple[Takes, ...] = ()
    options: tuple[str, ...] = ()
