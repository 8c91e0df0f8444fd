"""The gallery as data, as a still page and as text."""

import json
import re
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec

from wflab import protocol
from wflab.recipes.gallery import gallery
from wflab.recipes.recipe import Recipe
from wflab.recipes.rehearsal import rehearsed
from wflab.views.bundles import bundle_of, snapshot_of
from wflab.views.recipes_picture import LARGEST, card_of, recipes_picture

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
SAMPLES = Path(__file__).parents[2] / "protocol"
EVIL = '<img src=x onerror="window.pwned=1">'


def cards(*names: str) -> list[protocol.RecipeCard]:
    chosen: list[Recipe] = [recipe for recipe in gallery().values() if not names or recipe.id in names]
    return [card_of(one, rehearsed(one.source(), one.filename, one.ends)) for one in chosen]


def gallery_picture(*names: str, **changes: Any) -> protocol.RecipesPicture:
    return recipes_picture(cards(*names), changes.pop("trials", []), lab="orders.duckdb", now=NOW, ticks=True, **changes)


def trial(card: protocol.RecipeCard, number: int = 1, **changes: Any) -> protocol.RecipeTrial:
    """One that ended, and bears out what is claimed."""
    statements = [msgspec.structs.replace(one, verdict="pass", found="so it is") for one in card.statements]
    told: dict[str, Any] = {
        "knobs": {knob.name: knob.default for knob in card.knobs},
        "wants_failure": False,
        "instance_id": f"run-{number}",
        "workflow": "a_workflow",
        "status": card.ends,
        "is_over": True,
        "took_ms": 700.0,
        "statements": statements,
    }
    return protocol.RecipeTrial(recipe=card.id, number=number, **{**told, **changes})


def sample_picture() -> protocol.RecipesPicture:
    """A small gallery with something in every field that a page reads."""
    (card,) = cards("chaining")
    small = msgspec.structs.replace(
        card, statements=card.statements[:2], svg="<svg/>", code="run = 1", experimental="not yet", origin="mine.py"
    )
    statements = [
        msgspec.structs.replace(small.statements[0], verdict="fail", found="FAILED after 0.5 s"),
        msgspec.structs.replace(small.statements[1], verdict="pass"),
    ]
    ended = trial(small, statements=statements, status="FAILED", wants_failure=True, said=["hello"], error="")
    return protocol.RecipesPicture(
        lab="orders.duckdb", now=1000.0, ticks=True, recipes=[small], trials=[ended], opened="chaining", opened_knobs={"MAX_ATTEMPTS": 4}
    )


def test_a_gallery_is_sent_as_in_the_sample() -> None:
    """After a change that is meant, print this message as JSON (indent 1) into the sample and mend extension/src/protocol/recipes.ts."""
    assert protocol.as_data(protocol.ShowPicture(seq=1, picture=sample_picture())) == json.loads((SAMPLES / "recipes.json").read_text())


def test_every_card_has_the_graph_of_its_rehearsal() -> None:
    for card in cards():
        drawn = ET.fromstring(card.svg)  # noqa: S314  # our own drawing
        assert drawn.tag.endswith("svg"), card.id
        assert len(card.svg) < 40_000
        assert card.sentence.startswith("Execution graph of")
        assert card.ends in card.sentence.split(":")[0]
        assert card.views[:2] == ["graph", "timeline"]


def test_the_still_page_has_a_picture_a_table_and_no_script() -> None:
    shown = cards()
    html = bundle_of(gallery_picture(trials=[trial(shown[0]), trial(shown[5], 2)]))["text/html"]
    assert html.count("<img alt=") == len(shown)
    assert all(re.search(rf'data-wf-recipe="{card.id}"', html) for card in shown)
    assert "<table" in html
    assert "<script" not in html
    assert "<svg" not in html
    assert html.count("\u2713 pass") == len(shown[0].statements) + len(shown[5].statements)
    first = re.search(r'base64,([^"]+)"', html)
    assert first is not None
    assert b64decode(first[1]).decode() == shown[0].svg


def test_the_text_says_no_ids_and_no_times() -> None:
    (card,) = cards("fanout")
    text = bundle_of(gallery_picture("fanout", trials=[trial(card)]))["text/plain"]
    assert text.splitlines()[0] == "1 recipe to run and to put into a cell."
    assert "fanout  Fan-out/fan-in: Many pieces" in text
    assert "[COMPLETED, 5 of 5 statements hold]" in text
    assert "run-1" not in text


def test_a_snapshot_of_many_recipes_fits_into_a_notebook() -> None:
    shown = cards()
    many = [msgspec.structs.replace(card, id=f"{card.id}_{copy}") for copy in range(20) for card in shown]
    picture = recipes_picture(many, [], lab="x", now=NOW, ticks=True)
    assert len(msgspec.json.encode(snapshot_of(picture))) <= LARGEST + 200
    assert snapshot_of(gallery_picture())["picture"]["recipes"][-1]["svg"], "all of ours are whole"


def test_what_a_recipe_says_is_text_on_the_still_page() -> None:
    (card,) = cards("chaining")
    wicked = msgspec.structs.replace(
        card, title=EVIL, use_when=EVIL, not_when=EVIL, code=EVIL, tags=[EVIL], verbs=[EVIL], experimental=EVIL
    )
    picture = recipes_picture([wicked], [trial(wicked, error=EVIL, said=[EVIL])], lab=EVIL, now=NOW, ticks=True)
    assert "<img src=x" not in bundle_of(picture)["text/html"]
