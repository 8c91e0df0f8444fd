"""The graph without a script: what saved notebooks, converters and terminals show."""

from xml.etree import ElementTree as ET

import msgspec
import pytest

from tests.lab.conftest import Story
from tests.lab.views.graph_stories import BATCH, batch, graph_of, picture, raced
from tests.lab.views.test_card import Tags, hostile, images
from tests.lab.views.test_picture import chain
from wfengine.model.instance import Status
from wflab import protocol
from wflab.views.bundles import bundle_of, snapshot_of
from wflab.views.graph_card import LARGEST, html_graph, text_graph
from wflab.views.graph_frames import digraph_of, groups_frame
from wflab.views.graph_picture import graph_picture


def noisy(groups: int) -> protocol.GraphPicture:
    """As many colours in the waffles as there can be."""
    story = Story("noisy")
    for number in range(groups):
        ids = [story.call(f"work_{number}") for _ in range(250)]
        for place, one in enumerate(ids):
            if place % 3 == 1:
                story.returns(one)
            elif place % 3 == 2:  # every third
                story.fails(one)
        story.turn()
    return picture(story)


@pytest.mark.parametrize("told", [raced, hostile, batch, lambda: chain([f"s{n}" for n in range(300)])])
def test_the_card_has_only_what_a_sanitiser_keeps(told: object) -> None:
    html = html_graph(picture(told()))  # type: ignore[operator]  # builders as above
    tags = Tags(html).found
    allowed = {"div", "b", "code", "span", "img", "details", "summary", "table", "thead", "tbody", "tr", "th", "td"}
    assert {tag for tag, _ in tags} <= allowed
    assert not any(name.startswith("on") for _, attributes in tags for name in attributes)
    for image in images(html):
        assert not {"script", "image", "foreignObject"} & {element.tag.rpartition("}")[2] for element in ET.fromstring(image).iter()}  # noqa: S314  # our own


def test_even_a_noisy_picture_stays_small() -> None:
    for image in images(html_graph(noisy(12))):
        assert len(image) < 40_000


def test_the_image_is_described_in_a_sentence() -> None:
    found = [attributes["alt"] for tag, attributes in Tags(html_graph(picture(raced(), BATCH))).found if tag == "img"]
    assert found[-1] == (
        "Execution graph of order_batch, RUNNING: validate COMPLETED; score_chunk x30 29 COMPLETED, 1 FAILED; approval COMPLETED (by ana); "
        "timer 1 d CANCELED (lost the race); publish RUNNING; 2 more in the plan."
    )


def test_the_text_is_stable_and_counts() -> None:
    assert text_graph(picture(raced(), BATCH)).splitlines() == [
        "order_batch RUNNING",
        "  validate         COMPLETED",
        "  score_chunk x30  29 COMPLETED, 1 FAILED",
        "  approval         COMPLETED (by ana)",
        "  timer 1 d        CANCELED (lost the race)",
        "  publish          RUNNING",
        "  refund_all       not taken",
        "  notify           planned",
    ]


def test_a_bundle_needs_no_kernel_and_fits_a_notebook() -> None:
    assert set(bundle_of(picture(raced(), BATCH))) == {"application/vnd.wflab.view+json", "text/html", "text/plain"}
    large = snapshot_of(picture(chain([f"a step with quite a long name {n}" for n in range(1500)])))
    assert len(msgspec.json.encode(large)) < LARGEST


def test_the_same_as_a_frame_and_as_a_networkx_graph() -> None:
    shown = picture(raced(), BATCH)
    frame = groups_frame(shown)
    row = frame[frame["name"] == "score_chunk"].iloc[0]
    assert (row["count"], row["FAILED"], row["COMPLETED"], row["state"], int(row["line"])) == (30, 1, 29, "FAILED", 3)
    graph = digraph_of(shown)
    names = {key: data["name"] for key, data in graph.nodes(data=True)}
    assert ("validate", "score_chunk", "flow") in {(names[a], names[b], kind) for a, b, kind in graph.edges(data="kind")}
    assert len(graph) == len(frame)


def test_a_run_that_ended_says_what_it_took() -> None:
    story = raced()
    story.later(seconds=2).turn().returns(33).ends(Status.COMPLETED)
    shown = graph_picture(graph_of(story), story.rows, now=story.now)
    assert "took" in html_graph(shown)
