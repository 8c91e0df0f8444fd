"""How a live instance stands, as only the engine's thread knows: what holds it up beside the passage of time and the world's answers."""

from typing import Literal

import msgspec


class HeldUp(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """An attempt that is recorded and not being made: its activity's `definition` is missing, or it waits for its `turn`. `reason` says which."""

    event_id: int
    name: str
    kind: Literal["definition", "turn"]
    reason: str


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """`lacks` is why its code cannot run, `queued` which limit it has not begun for, as `2 of 2 in all`. All empty: nothing holds it up."""

    lacks: str | None = None
    queued: str | None = None
    held_up: tuple[HeldUp, ...] = ()
