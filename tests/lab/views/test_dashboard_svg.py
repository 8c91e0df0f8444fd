"""The dashboard's picture: one SVG that stands alone, the same from Python and from the page, small and with nothing in it but shapes and text."""

import json
from base64 import b64decode
from html import unescape
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from tests.lab.views.dashboard_pictures import crowded, dashboard, line
from wflab import protocol
from wflab.protocol.dashboard import DashboardPicture
from wflab.views.dashboard_card import dashboard_html
from wflab.views.dashboard_svg import segments, svg_dashboard

SAMPLES = Path(__file__).parents[2] / "protocol"
SVG = "{http://www.w3.org/2000/svg}"


def drawn(picture: DashboardPicture, *, alone: bool = True) -> tuple[list[str], list[ET.Element]]:
    """All texts in their order, and all elements."""
    root = ET.fromstring(svg_dashboard(picture, alone=alone))  # noqa: S314  # our own
    elements = list(root.iter())
    return [element.text or "" for element in elements if element.tag == f"{SVG}text"], elements


def test_it_has_the_tiles_the_bars_with_their_rates_and_the_failures() -> None:
    texts, elements = drawn(dashboard())
    for told in ("Dashboard of lab.duckdb", "80.0% ✕\ufe0e", "8/10", "order", "75.0%", "6/8", "p95 4 s", "refund@v1", "100%", "idle", "–"):
        assert told in texts
    assert "ValueError: card # declined" in texts
    assert "new since v14 · charge · order" in texts
    widths = [float(part.get("width", "")) for part in elements if part.get("class") in {"fC", "fF"} and part.tag == f"{SVG}rect"]
    assert widths == [201.9, 66.9, 269.4], "6 and 2 of 8 runs of a bar of 270, and 2 of 2; a hair between parts"


def test_in_a_card_it_has_neither_ground_nor_what_stands_around_it() -> None:
    texts, elements = drawn(dashboard(), alone=False)
    assert "Dashboard of lab.duckdb" not in texts
    assert "80.0% ✕\ufe0e" not in texts
    assert "75.0%" in texts
    assert "new since v14 · charge · order" in texts
    assert not [part for part in elements if part.get("width") == "100%"]


def test_a_static_card_holds_this_very_picture() -> None:
    html = dashboard_html(crowded())
    image = html.split("data:image/svg+xml;base64,")[1].split('"')[0]
    assert b64decode(unescape(image)).decode() == svg_dashboard(crowded())
    assert html.count("<img ") == 1


@pytest.mark.parametrize("picture", [dashboard(), crowded()])
def test_it_is_small_and_nothing_in_it_is_loaded_run_or_named(picture: DashboardPicture) -> None:
    text = svg_dashboard(picture, alone=True)
    assert len(text.encode()) < 40_000
    _, elements = drawn(picture)
    assert {element.tag.removeprefix(SVG) for element in elements} <= {"svg", "style", "rect", "text", "path"}
    assert not [element for element in elements if element.get("id") or element.get("href")]
    assert "url(" not in text
    assert "\u202e" not in text


def test_what_is_not_drawn_is_said_and_one_failure_in_a_hundred_thousand_is_seen() -> None:
    texts, _ = drawn(crowded())
    assert "Workflows (16 of 17)" in texts
    assert "Top failures (8 of 1,009)" in texts
    assert "99.9%" in texts
    widths = dict(segments({"COMPLETED": 99_999, "FAILED": 1}, 300))
    assert widths == {"COMPLETED": 297, "FAILED": 3}


def test_every_state_that_has_room_shows_its_sign() -> None:
    counts = {"COMPLETED": 5, "RUNNING": 5, "SUSPENDED": 5, "FAILED": 5}
    texts, _ = drawn(dashboard(workflows=[line("order", 5, 5, counts=counts)]))
    assert {"✓\ufe0e", "▶\ufe0e", "‖\ufe0e", "✕\ufe0e"} <= set(texts)


def test_a_page_draws_the_same() -> None:
    """After a change that is meant, write both files anew and mend extension/src/views/dashboard/svg.ts, whose test reads them, too."""
    sample = json.loads((SAMPLES / "dashboard_drawn.json").read_text("utf-8"))
    sent = msgspec.json.encode(protocol.as_data(protocol.ShowPicture(seq=1, picture=crowded())))
    assert json.loads(sent) == sample
    assert svg_dashboard(crowded(), alone=True) == (SAMPLES / "dashboard.svg").read_text("utf-8").rstrip("\n")
