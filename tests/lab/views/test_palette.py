"""Colours that people can tell apart: the checks of the palette, under normal vision and three simulated ones."""

from itertools import combinations
from math import atan2, cos, degrees, exp, hypot, radians, sin, sqrt
from typing import Literal, get_args

import pytest

from wfengine.model.instance import Status
from wflab.analytics.steps import StepState
from wflab.views.palette import BADNESS, PALETTE, Theme, worst

Rgb = tuple[float, float, float]
Vision = Literal["normal", "protanopia", "deuteranopia", "tritanopia"]
SMALLEST_DIFFERENCE = 12
SMALLEST_CONTRAST = 3
SMALLEST_TEXT_CONTRAST = 4.5

# Machado, Oliveira and Fernandes (2009), severity 1.0, applied to linear RGB
MACHADO: dict[Vision, tuple[Rgb, Rgb, Rgb]] = {
    "normal": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
# UNKNOWN is told by its dotted border and "?" and belongs to no run of this engine
NAMED = [state for state in PALETTE.states if state != "UNKNOWN"]


def linear(colour: str) -> Rgb:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return red, green, blue


def seen(rgb: Rgb, vision: Vision) -> Rgb:
    red, green, blue = (min(1.0, max(0.0, sum(k * c for k, c in zip(row, rgb, strict=True)))) for row in MACHADO[vision])
    return red, green, blue


def luminance(colour: str) -> float:
    red, green, blue = linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def lab(rgb: Rgb) -> Rgb:
    red, green, blue = rgb
    x = (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047
    y = 0.2126729 * red + 0.7151522 * green + 0.0721750 * blue
    z = (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883
    fx, fy, fz = (t ** (1 / 3) if t > (6 / 29) ** 3 else t / (3 * (6 / 29) ** 2) + 4 / 29 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def ciede2000(one: Rgb, other: Rgb) -> float:
    (l1, a1, b1), (l2, a2, b2) = one, other
    mean = (hypot(a1, b1) + hypot(a2, b2)) / 2
    g = 0.5 * (1 - sqrt(mean**7 / (mean**7 + 25**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = hypot(a1, b1), hypot(a2, b2)
    h1, h2 = degrees(atan2(b1, a1)) % 360, degrees(atan2(b2, a2)) % 360
    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    dl, dc, dh = l2 - l1, c2 - c1, 2 * sqrt(c1 * c2) * sin(radians(turn / 2))
    lm, cm = (l1 + l2) / 2, (c1 + c2) / 2
    hm = h1 + h2 if c1 * c2 == 0 else (h1 + turn / 2) % 360
    t = 1 - 0.17 * cos(radians(hm - 30)) + 0.24 * cos(radians(2 * hm)) + 0.32 * cos(radians(3 * hm + 6)) - 0.2 * cos(radians(4 * hm - 63))
    sl = 1 + 0.015 * (lm - 50) ** 2 / sqrt(20 + (lm - 50) ** 2)
    sc, sh = 1 + 0.045 * cm, 1 + 0.015 * cm * t
    rotation = -2 * sqrt(cm**7 / (cm**7 + 25**7)) * sin(radians(60 * exp(-(((hm - 275) / 25) ** 2))))
    return sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rotation * (dc / sc) * (dh / sh))


def test_the_difference_of_colours_is_measured_as_published() -> None:
    """Two pairs of the table that Sharma, Wu and Dalal published for checking implementations."""
    assert ciede2000((50, 2.6772, -79.7751), (50, 0, -82.7485)) == pytest.approx(2.0425, abs=1e-4)
    assert ciede2000((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619)) == pytest.approx(2.0373, abs=1e-4)


@pytest.mark.parametrize("vision", get_args(Vision))
@pytest.mark.parametrize("theme", get_args(Theme))
def test_any_two_states_can_be_told_apart(theme: Theme, vision: Vision) -> None:
    colours = {state: lab(seen(linear(PALETTE.states[state].fill(theme)), vision)) for state in NAMED}
    near = {
        (one, other): round(ciede2000(colours[one], colours[other]), 1)
        for one, other in combinations(NAMED, 2)
        if ciede2000(colours[one], colours[other]) < SMALLEST_DIFFERENCE
    }
    assert near == {}


@pytest.mark.parametrize("theme", get_args(Theme))
@pytest.mark.parametrize("state", PALETTE.states)
def test_every_state_stands_out_from_the_surface_and_its_glyph_from_the_state(state: str, theme: Theme) -> None:
    look = PALETTE.states[state]
    assert contrast(look.fill(theme), PALETTE.surface[theme]) >= SMALLEST_CONTRAST
    assert contrast(look.fill(theme), look.on(theme)) >= SMALLEST_TEXT_CONTRAST


def test_every_state_of_the_engine_and_of_steps_has_its_own_look_glyph_and_letter() -> None:
    assert {*Status, *StepState} <= {*PALETTE.states}
    assert len({look.glyph for look in PALETTE.states.values()}) == len({look.letter for look in PALETTE.states.values()}) == len(BADNESS)
    assert set(BADNESS) == set(PALETTE.states)


def test_a_state_of_a_newer_engine_is_shown_as_unknown() -> None:
    assert PALETTE.state("PAUSED_BY_MOON").glyph == "?"


def test_the_worst_state_is_the_one_that_needs_attention() -> None:
    assert worst({"COMPLETED": 999, "RUNNING": 3, "FAILED": 1}) == "FAILED"
    assert worst(["COMPLETED", "CANCELED", "SUSPENDED"]) == "SUSPENDED"
    assert worst([]) == "COMPLETED"
