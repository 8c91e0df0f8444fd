"""The states' colours, glyphs and the kinds' icons. `palette.json` is the one source: the widget's bundle is built from it too.

Hue says the state and nothing else; the glyph says it again. Change a colour only with tests/lab/views/test_palette.py at hand.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

Theme = Literal["light", "dark"]
BADNESS = (
    "FAILED",
    "STALLED",
    "UNKNOWN",
    "SUSPENDED",
    "RUNNING",
    "PENDING",
    "TERMINATED",
    "CANCELED",
    "CONTINUED_AS_NEW",
    "COMPLETED",
)


class StateLook(msgspec.Struct, frozen=True, kw_only=True):
    """How a state is drawn: fill and the colour on it for both themes, its glyph as text and as a path in a 16 x 16 box.

    A `solid` glyph is filled, others are stroked; a `hollow` state's badge has a dotted border and no fill. `letter` stands for the
    state in a waffle's cells.
    """

    letter: str
    light: str
    light_on: str
    dark: str
    dark_on: str
    glyph: str
    path: str
    solid: bool = False
    hollow: bool = False

    def fill(self, theme: Theme) -> str:
        """The state's colour."""
        return self.light if theme == "light" else self.dark

    def on(self, theme: Theme) -> str:
        """What is readable on the state's colour."""
        return self.light_on if theme == "light" else self.dark_on


class KindLook(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of step: its name for people and its icon, stroked, in a 16 x 16 box."""

    label: str
    path: str


class Palette(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that gives a state or a kind its looks."""

    surface: dict[Theme, str]
    states: dict[str, StateLook]
    kinds: dict[str, KindLook]

    def state(self, name: str) -> StateLook:
        """The look of a state; of UNKNOWN for one that a newer engine may have."""
        return self.states.get(name, self.states["UNKNOWN"])

    def kind(self, name: str) -> KindLook:
        """The look of a kind of step."""
        return self.kinds.get(name, self.kinds["activity"])


PALETTE = msgspec.json.decode(Path(__file__).with_name("palette.json").read_bytes(), type=Palette)
_RANK = {state: rank for rank, state in enumerate(BADNESS)}


def worst(states: Iterable[str]) -> str:
    """The state that most needs attention; COMPLETED for none at all."""
    return min(states, key=lambda state: _RANK.get(state, _RANK["UNKNOWN"]), default="COMPLETED")
