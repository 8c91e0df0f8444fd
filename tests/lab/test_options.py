"""`wf.options` and `wf.palette`: a user's colours reach everything that is drawn, are checked, and go away again."""

import base64
import re
import warnings
from collections.abc import Iterator
from itertools import combinations
from typing import Any, get_args

import pytest

import wflab as wf
from tests.lab.conftest import Story, approval
from wfengine.errors import InvalidArgument
from wflab import lab as lab_module
from wflab.views.bundles import MIME, bundle_of
from wflab.views.colour import SMALLEST_CONTRAST, SMALLEST_DIFFERENCE, Vision, contrast, difference
from wflab.views.colouring import PaletteWarning
from wflab.views.palette import PALETTE, Theme

OURS = dict(PALETTE.states)
HIGHEST_CONTRAST_ASKED = 7  # WCAG's AAA


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    yield
    wf.options.palette = "default"
    wf.options.display.mode = "auto"
    wf.options.check_on_edit = True


def drawn(story: Story) -> str:
    """All that a notebook would keep of the story's picture, images decoded."""
    html = str(bundle_of(story.picture())["text/html"])
    images = "".join(base64.b64decode(found).decode() for found in re.findall(r"base64,([A-Za-z0-9+/=]+)", html))
    return html + images


def test_the_palette_is_a_dict_of_looks_that_plotly_can_use() -> None:
    assert wf.palette["FAILED"].light == "#bf0501"
    assert wf.palette["FAILED"].glyph == "✕"
    assert wf.palette.colours("dark")["FAILED"] == "#f06447"
    assert list(wf.palette) == list(OURS)
    assert "✕ FAILED" in repr(wf.palette)
    assert "#bf0501" in wf.palette._repr_html_()


def test_a_colour_of_ones_own_is_drawn_and_travels_with_the_picture() -> None:
    wf.options.palette = {"failed": {"light": "#c00000"}, wf.WorkflowStatus.RUNNING: {"light": "#0070F0"}}
    assert wf.options.palette == {"failed": {"light": "#c00000"}, wf.WorkflowStatus.RUNNING: {"light": "#0070F0"}}
    assert (wf.palette["RUNNING"].light, wf.palette["RUNNING"].light_on, wf.palette["RUNNING"].dark) == ("#0070f0", "#ffffff", "#2271f7")
    assert wf.palette["FAILED"].glyph == OURS["FAILED"].glyph
    bundle = bundle_of(approval().picture())
    assert bundle[MIME]["palette"] == {
        "FAILED": ["#c00000", "#ffffff", "#f06447", "#000000"],
        "RUNNING": ["#0070f0", "#ffffff", "#2271f7", "#000000"],
    }
    assert "#0070f0" in drawn(approval())


@pytest.mark.filterwarnings("ignore::wflab.views.colouring.PaletteWarning")
def test_a_single_colour_is_made_lighter_for_dark_pages_as_far_as_it_must_be() -> None:
    wf.options.palette = {"FAILED": "#c00000"}
    look = wf.palette["FAILED"]
    assert look.light == "#c00000"
    assert SMALLEST_CONTRAST <= contrast(look.dark, PALETTE.surface["dark"]) < SMALLEST_CONTRAST + 0.2
    assert contrast("#c00000", PALETTE.surface["dark"]) < SMALLEST_CONTRAST


def test_without_a_palette_of_ones_own_a_snapshot_says_nothing_of_colours() -> None:
    wf.options.palette = {"FAILED": {"light": "#c00000"}}
    wf.options.palette = None
    assert "palette" not in bundle_of(approval().picture())[MIME]
    assert dict(PALETTE.states) == OURS


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ("neon", "'default' or 'high-contrast', or a dict"),
        (7, "or a dict such as"),
        ({"BROKEN": "#c00000"}, "There is no state 'BROKEN' to colour; there are PENDING"),
        ({"FAILED": "red"}, "A colour is text such as '#b00020'; the one of FAILED is 'red'"),
        ({"FAILED": {"night": "#c00000"}}, "for 'light' and 'dark', not for 'night'"),
        ({"FAILED": {}}, "not for nothing"),
        ({"FAILED": {"light": "#ffdddd"}}, r"#ffdddd for FAILED can hardly be seen on light pages: .* Take a darker one, such as #"),
        ({"FAILED": {"dark": "#330000"}}, r"#330000 for FAILED can hardly be seen on dark pages: .* Take a lighter one"),
    ],
)
def test_a_palette_that_cannot_be_seen_is_refused_and_nothing_changes(wanted: Any, why: str) -> None:
    with pytest.raises(InvalidArgument, match=why):
        wf.options.palette = wanted
    assert dict(PALETTE.states) == OURS
    assert wf.options.palette == "default"


def test_states_that_look_alike_are_warned_of_with_whom_and_where() -> None:
    with pytest.warns(PaletteWarning, match=r"COMPLETED and FAILED look alike to .* The glyphs still tell them apart"):
        wf.options.palette = {"COMPLETED": "#a01010", "FAILED": "#b01010"}
    assert wf.palette["COMPLETED"].light == "#a01010"


@pytest.mark.parametrize("theme", get_args(Theme))
def test_high_contrast_is_what_it_says_and_can_be_told_apart_by_everybody(theme: Theme) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wf.options.palette = "high-contrast"
    assert wf.options.palette == "high-contrast"
    for look in wf.palette.values():
        assert contrast(look.fill(theme), PALETTE.surface[theme]) >= HIGHEST_CONTRAST_ASKED
    near = [
        (one, other)
        for one, other in combinations([state for state in wf.palette if state != "UNKNOWN"], 2)
        for vision in get_args(Vision)
        if difference(wf.palette[one].fill(theme), wf.palette[other].fill(theme), vision) < SMALLEST_DIFFERENCE
    ]
    assert near == []


def test_options_that_do_not_exist_or_make_no_sense_are_refused_with_those_that_do() -> None:
    with pytest.raises(InvalidArgument, match="has no 'pallete'; there are display, palette, check_on_edit"):
        wf.options.pallete = "default"
    with pytest.raises(InvalidArgument, match=r"wf.options.display has no 'mod'; there are mode"):
        wf.options.display.mod = "both"
    with pytest.raises(InvalidArgument, match=r"display\.mode is 'auto', 'both', 'static'; not 'live'"):
        wf.options.display.mode = "live"  # type: ignore[assignment]
    with pytest.raises(InvalidArgument, match="check_on_edit is True or False"):
        wf.options.check_on_edit = "no"  # type: ignore[assignment]
    assert repr(wf.options) == "palette = 'default'\ndisplay.mode = 'auto'\ncheck_on_edit = True\nlimits = None"


def test_listeners_hear_of_a_new_palette_until_they_stop() -> None:
    heard: list[str] = []
    stop = wf.options.listen(lambda: heard.append(wf.palette["FAILED"].light))
    wf.options.palette = {"FAILED": {"light": "#c00000"}}
    stop()
    wf.options.palette = None
    assert heard == ["#c00000"]


def test_check_on_edit_is_for_every_lab(lab: wf.Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    monkeypatch.setattr(lab_module, "check_on_edit", lambda _engine, definition, _before: checked.append(definition.name))
    definition = lab.engine.register_workflow(lambda _: None, "order")
    lab.defined(definition, "other")
    wf.options.check_on_edit = False
    lab.defined(definition, "other")
    assert checked == ["order"]
