"""The messages between kernel and page. extension/tests/protocol.test.ts reads the same samples."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.lab.conftest import Story, approval
from wflab import protocol
from wflab.analytics.durations import nominal_text, span_text

SAMPLES = Path(__file__).parent.parent / "protocol"


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


def told() -> Story:
    """A run with something in every field that a page reads."""
    story = approval()
    story.custom_status = '"asked"'
    story.later(hours=1).turn().raised("human_approval", '{"approved": true}')
    for _ in range(3):
        story.call("notify")
    story.waits("second_signature", title="Sign?", days=1)
    return story


def test_a_picture_is_sent_as_in_the_sample() -> None:
    """After a change that is meant, print this message as JSON (indent 1) into the sample and mend protocol.ts."""
    assert protocol.as_data(protocol.ShowPicture(seq=3, picture=told().picture())) == sample("picture")


def test_a_notice_is_sent_as_in_the_sample() -> None:
    data = sample("notice")
    assert protocol.as_data(protocol.Notice(text=data["text"], token=data["token"], level="error")) == data


def test_a_click_is_read_as_in_the_sample() -> None:
    act = protocol.read_from_page(sample("act"))
    assert act == protocol.Act(act="raise", token=sample("act")["token"], wait_id="a0", event="human_approval", data=True, verb="approve")


def test_a_page_says_that_it_is_ready_as_in_the_sample() -> None:
    assert protocol.read_from_page(sample("ready")) == protocol.Ready(theme="dark", page="p1")


def test_what_else_a_page_says_is_read_as_in_the_samples() -> None:
    assert protocol.read_from_page(sample("sight")) == protocol.Sight(page="p1", is_seen=False)
    assert protocol.read_from_page(sample("switch")) == protocol.Switch(view="timeline")
    asked = protocol.Request(id="q1", what="instances", arguments={"group": "a1", "first": 0})
    assert protocol.read_from_page(sample("request")) == asked
    focus = protocol.Focus(instance_id="7f3a9c", span_id="a3", attempt=2)
    assert protocol.read_from_page(sample("set_focus")) == protocol.SetFocus(focus=focus)


def test_an_answer_and_a_move_of_the_focus_are_sent_as_in_the_samples() -> None:
    assert protocol.as_data(protocol.Reply(id="q1", data={"rows": [1, 2]})) == sample("reply")
    assert protocol.as_data(protocol.FocusMoved(focus=protocol.Focus(instance_id="7f3a9c", group="g"))) == sample("focus")


@pytest.mark.parametrize("data", [None, 17, "act", [], {}, {"type": "later"}, {"type": "act"}, {"type": "ready", "theme": 3}])
def test_what_is_no_message_is_let_pass(data: object) -> None:
    assert protocol.read_from_page(data) is None


def test_a_field_of_a_newer_page_does_no_harm() -> None:
    assert protocol.read_from_page({**sample("ready"), "zoom": 2}) == protocol.Ready(theme="dark", page="p1")


@pytest.mark.parametrize(("seconds", "text"), sample("durations"))
def test_a_span_is_put_in_the_same_words_on_both_sides(seconds: float, text: str) -> None:
    assert span_text(seconds) == text


def test_a_timer_is_named_after_the_span_that_was_meant() -> None:
    assert [nominal_text(s) for s in (604_799.99, 1.99, 90, 0.25, 86_400 * 1.5)] == ["7 d", "2 s", "90 s", "250 ms", "36 h"]
