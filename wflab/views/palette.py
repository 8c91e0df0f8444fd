"""The states' colours, glyphs and the kinds' icons. `palette.json` is the one source: the widget's bundle is built from it too.

Hue says the state and nothing else; the glyph says it again. Change a colour only with tests/lab/views/test_palette.py at hand.

`PALETTE` is what everything draws with. A user may put other colours in place of ours (`wf.options.palette`); glyphs, letters and icons
stay, so that only hues change. What was changed goes to the page with each picture, and into each snapshot (`PALETTE.changed`).
"""

from collections.abc import Iterable, Mapping
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


Colours = tuple[str, str, str, str]
"""Of a state: the fill in light pages, what is readable on it, and the two for dark pages."""


class _Drawn(msgspec.Struct, frozen=True, kw_only=True):
    surface: dict[Theme, str]
    states: dict[str, StateLook]
    kinds: dict[str, KindLook]


class Palette:
    """Everything that gives a state or a kind its looks. `colour` changes what is drawn from then on, on any thread."""

    def __init__(self, ours: _Drawn) -> None:
        self.surface = ours.surface
        self.kinds = ours.kinds
        self.states: Mapping[str, StateLook] = ours.states
        self.changed: Mapping[str, Colours] = {}
        self._ours = ours.states

    def colour(self, changed: Mapping[str, Colours]) -> None:
        """Draw these states in these colours, and all others in ours."""
        looks = {
            state: msgspec.structs.replace(self._ours[state], light=light, light_on=light_on, dark=dark, dark_on=dark_on)
            for state, (light, light_on, dark, dark_on) in changed.items()
        }
        self.states, self.changed = {**self._ours, **looks}, dict(changed)

    def ours(self, state: str) -> StateLook:
        """The look that we gave a state, whatever was put in its place."""
        return self._ours[state]

    def state(self, name: str) -> StateLook:
        """The look of a state; of UNKNOWN for one that a newer engine may have."""
        return self.states.get(name, self.states["UNKNOWN"])

    def kind(self, name: str) -> KindLook:
        """The look of a kind of step."""
        return self.kinds.get(name, self.kinds["activity"])


PALETTE = Palette(msgspec.json.decode(Path(__file__).with_name("palette.json").read_bytes(), type=_Drawn))
_RANK = {state: rank for rank, state in enumerate(BADNESS)}


def worst(states: Iterable[str]) -> str:
    """The state that most needs attention; COMPLETED for none at all."""
    return min(states, key=lambda state: _RANK.get(state, _RANK["UNKNOWN"]), default="COMPLETED")
