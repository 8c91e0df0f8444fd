"""A user's colours for states: read, checked, and completed by what is readable on them."""

from collections.abc import Mapping
from enum import Enum
from itertools import combinations
from pathlib import Path
from typing import get_args

import msgspec

from wfengine.errors import InvalidArgument
from wflab.views.colour import SMALLEST_CONTRAST, SMALLEST_DIFFERENCE, Vision, contrast, difference, hex_colour, text_on, toned
from wflab.views.palette import PALETTE, Colours, StateLook, Theme

NAMED = ("default", "high-contrast")
_HIGH_CONTRAST = Path(__file__).with_name("palette_high_contrast.json")
_THEMES: tuple[Theme, ...] = get_args(Theme)


class PaletteWarning(UserWarning):
    """Two states got colours that some people cannot tell apart; the glyphs still can be."""


def colours_of(wanted: object) -> dict[str, Colours]:
    """The states that are to be drawn otherwise than by us: of a palette's name, or of a dict of states to colours.

    A colour is `"#b00020"`, which is made lighter for dark pages (or darker for light ones) as far as it must be, or
    `{"light": "#b00020", "dark": "#ff6b6b"}`. Raises InvalidArgument where a name or colour is unknown, or a colour that is given for a theme
    stands out too little from its pages.
    """
    if wanted is None or wanted == "default":
        return {}
    if wanted == "high-contrast":
        named = msgspec.json.decode(_HIGH_CONTRAST.read_bytes(), type=dict[str, dict[str, str]])
        return {state: _read(state, colour) for state, colour in named.items()}
    if not isinstance(wanted, Mapping):
        raise InvalidArgument(
            f"A palette is {' or '.join(map(repr, NAMED))}, or a dict such as {{'FAILED': '#b00020'}} "
            f"or {{'FAILED': {{'light': '#b00020', 'dark': '#ff6b6b'}}}}; not {wanted!r}."
        )
    return {_state(name): _read(_state(name), colour) for name, colour in wanted.items()}


def lookalikes(states: Mapping[str, StateLook]) -> list[str]:
    """Sentences about pairs of states that people with some vision can hardly tell apart by colour; none for our own palettes."""
    told = []
    named = [state for state in states if state != "UNKNOWN"]  # told by its dotted border and "?"
    for one, other in combinations(named, 2):
        found = [
            (difference(states[one].fill(theme), states[other].fill(theme), vision), theme, vision)
            for theme in _THEMES
            for vision in get_args(Vision)
        ]
        nearest, theme, vision = min(found)
        if nearest < SMALLEST_DIFFERENCE:
            whom = "anybody" if vision == "normal" else f"people with {vision}"
            told.append(
                f"{one} and {other} look alike to {whom} in the {theme} theme (difference {nearest:.0f}, at least {SMALLEST_DIFFERENCE:.0f} is safe)"
            )
    return told


def _state(name: object) -> str:
    state = (name.name if isinstance(name, Enum) else str(name)).upper()
    if state not in PALETTE.states:
        raise InvalidArgument(f"There is no state {name!r} to colour; there are {', '.join(PALETTE.states)}.")
    return state


def _read(state: str, colour: object) -> Colours:
    given = colour if isinstance(colour, Mapping) else {theme: toned(_hex(state, colour), PALETTE.surface[theme]) for theme in _THEMES}
    unknown = set(given) - set(_THEMES)
    if unknown or not given:
        raise InvalidArgument(
            f"The colours of {state} are given for 'light' and 'dark', not for {', '.join(map(repr, unknown)) or 'nothing'}."
        )
    ours = PALETTE.ours(state)
    light, dark = (_checked(state, theme, given.get(theme, ours.fill(theme))) for theme in _THEMES)
    return light, text_on(light), dark, text_on(dark)


def _hex(state: str, colour: object) -> str:
    read = hex_colour(colour)
    if read is None:
        raise InvalidArgument(f"A colour is text such as '#b00020'; the one of {state} is {colour!r}.")
    return read


def _checked(state: str, theme: Theme, colour: object) -> str:
    read = _hex(state, colour)
    surface = PALETTE.surface[theme]
    found = contrast(read, surface)
    if found < SMALLEST_CONTRAST:
        raise InvalidArgument(
            f"{read} for {state} can hardly be seen on {theme} pages: its contrast with {surface} is {found:.1f}:1, at least "
            f"{SMALLEST_CONTRAST:.0f}:1 is needed. Take a {'darker' if theme == 'light' else 'lighter'} one, such as {toned(read, surface)}."
        )
    return read
