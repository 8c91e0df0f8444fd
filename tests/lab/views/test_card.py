"""The static card: what saved notebooks, converters and terminals show."""

import re
from base64 import b64decode
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from tests.lab.conftest import Story, approval
from tests.lab.views.test_picture import chain, fan_out
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import Status
from wflab.views.bundles import bundle_of
from wflab.views.card import html_card, text_card

HOSTILE = '"><img src=x onerror=alert(1)></text><script>alert(1)</script>\x1b[31m\u202e\x00'


def hostile() -> Story:
    story = Story(HOSTILE, '{"<script>": "</pre><b>"}', instance_id=HOSTILE)
    number = story.call(HOSTILE)
    story.turn().fails(number, HOSTILE, HOSTILE)
    story.waits(HOSTILE, title=HOSTILE)
    story.why = HOSTILE
    story.ends(Status.FAILED, None, FailureDetails(message=HOSTILE, error_type=HOSTILE, stack_trace=HOSTILE))
    return story


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def images(html: str) -> list[str]:
    return [b64decode(data).decode() for data in re.findall(r"data:image/svg\+xml;base64,([^\"]+)", html)]


@pytest.mark.parametrize("told", [approval, hostile, lambda: fan_out(1000), lambda: chain([f"s{n}" for n in range(200)])])
def test_the_card_has_only_what_a_sanitiser_keeps(told: object) -> None:
    html = html_card(told().picture())  # type: ignore[operator]  # builders as above
    tags = Tags(html).found
    allowed = {"div", "b", "code", "span", "img", "details", "summary", "pre", "table", "thead", "tbody", "tr", "th", "td"}
    assert {tag for tag, _ in tags} <= allowed
    assert not any(name.startswith("on") for _, attributes in tags for name in attributes)
    for image in images(html):
        assert len(image) < 40_000
        assert not {"script", "image", "foreignObject"} & {element.tag.rpartition("}")[2] for element in ET.fromstring(image).iter()}  # noqa: S314  # our own


def test_the_image_is_described_in_a_sentence(escalation: Story) -> None:
    (graph,) = [
        attributes["alt"]
        for tag, attributes in Tags(html_card(escalation.picture())).found
        if tag == "img" and "graph" in str(attributes["alt"])
    ]
    assert graph == "Execution graph of request_escalation, RUNNING: human_approval SUSPENDED; timer 7 d RUNNING."


def test_the_text_is_the_same_at_every_run() -> None:
    def run(instance_id: str, hours: float) -> str:
        story = approval()
        story.instance_id = instance_id
        story.later(hours=hours).turn().raised("human_approval")
        number = story.call("process_approval")
        story.later(hours=hours).turn().returns(number, '"approved"').ends(Status.COMPLETED, '{"approved": true}')
        return text_card(story.picture())

    assert run("one", 1) == run("two", 2)
    assert run("one", 1).splitlines() == [
        "request_escalation COMPLETED",
        "  human_approval    COMPLETED",
        "  timer 7 d         CANCELED (lost the race)",
        "  process_approval  COMPLETED",
        'output: {"approved": true}',
    ]


def test_the_text_of_a_fan_out_counts_and_of_a_failure_says_why() -> None:
    story = fan_out(3)
    story.turn().fails(1, "Timeout", "too slow").returns(2).returns(3)
    story.ends(Status.FAILED, None, FailureDetails(message="too slow\nand more", error_type="Timeout"))
    assert text_card(story.picture()).splitlines() == [
        "order_batch FAILED",
        "  validate        COMPLETED",
        "  score_chunk x3  2 COMPLETED, 1 FAILED",
        "error: Timeout: too slow",
    ]


def test_text_holds_nothing_that_a_terminal_obeys() -> None:
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text_card(hostile().picture()))


def test_the_bundle_of_a_saved_notebook_needs_no_kernel(escalation: Story) -> None:
    assert set(bundle_of(escalation.picture())) == {"application/vnd.wflab.view+json", "text/html", "text/plain"}
