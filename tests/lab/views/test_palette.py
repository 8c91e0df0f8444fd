"""Colours that people can tell apart: the checks of the palette, under normal vision and three simulated ones."""

from itertools import combinations
from typing import get_args

import pytest

from wfengine.model.instance import Status
from wflab.analytics.steps import StepState
from wflab.views.colour import SMALLEST_CONTRAST, SMALLEST_DIFFERENCE, Vision, ciede2000, contrast, difference
from wflab.views.palette import BADNESS, PALETTE, Theme, worst

SMALLEST_TEXT_CONTRAST = 4.5
# UNKNOWN is told by its dotted border and "?" and belongs to no run of this engine
NAMED = [state for state in PALETTE.states if state != "UNKNOWN"]


def test_the_difference_of_colours_is_measured_as_published() -> None:
    """Two pairs of the table that Sharma, Wu and Dalal published for checking implementations."""
    assert ciede2000((50, 2.6772, -79.7751), (50, 0, -82.7485)) == pytest.approx(2.0425, abs=1e-4)
    assert ciede2000((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619)) == pytest.approx(2.0373, abs=1e-4)


@pytest.mark.parametrize("vision", get_args(Vision))
@pytest.mark.parametrize("theme", get_args(Theme))
def test_any_two_states_can_be_told_apart(theme: Theme, vision: Vision) -> None:
    near = {
        (one, other): round(found, 1)
        for one, other in combinations(NAMED, 2)
        if (found := difference(PALETTE.states[one].fill(theme), PALETTE.states[other].fill(theme), vision)) < SMALLEST_DIFFERENCE
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
