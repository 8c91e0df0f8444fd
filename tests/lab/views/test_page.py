"""The built widget in a browser, without a kernel: what stays in place, what a click does, and that names are never markup."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.lab.conftest import Story
from tests.lab.views.pages import SHOW, marks_of, page_with
from tests.lab.views.test_card import HOSTILE, hostile
from tests.lab.views.test_picture import chain, fan_out
from wfengine.model.history import ExecutionStarted, ForkedFrom
from wflab import protocol

PLACES = "() => [...document.querySelectorAll('[data-wf-node]')].map((n) => [n.dataset.wfId, n.offsetLeft, n.offsetTop])"

pytestmark = marks_of("run")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with page_with(browser, "run", width=700, height=800) as page:
        yield page


def message(story: Story, sequence: int = 1) -> dict[str, Any]:
    return protocol.as_data(protocol.ShowPicture(seq=sequence, picture=story.picture()))


def test_a_click_is_sent_once_and_counts_only_when_history_has_it(page: Page, escalation: Story) -> None:
    page.evaluate(SHOW, message(escalation))
    page.click("[data-wf-wait=human_approval] [data-wf-action=approve]")
    (act,) = [sent for sent in page.evaluate("model.sent") if sent["type"] == "act"]
    assert (act["event"], act["data"]) == ("human_approval", True)
    assert page.locator("[data-wf-action]:enabled").count() == 0
    assert "sent" in page.inner_text("[data-wf-wait]")
    assert "pproved" not in page.inner_text("[data-wf-view=run]")
    escalation.turn().raised("human_approval")
    escalation.call("process_approval")
    page.evaluate("model.push", message(escalation, 2))
    assert page.locator("[data-wf-wait]").count() == 0
    assert page.evaluate("document.activeElement.dataset.wfView") == "run"


def test_a_refused_click_says_why_and_may_be_tried_again(page: Page, escalation: Story) -> None:
    page.evaluate(SHOW, message(escalation))
    page.click("[data-wf-action=reject]")
    token = page.evaluate("model.sent.at(-1).token")
    page.evaluate("model.tell", protocol.as_data(protocol.Notice(text="The disk is full.", token=token, level="error")))
    assert "The disk is full." in page.inner_text("[data-wf-wait]")
    assert page.locator("[data-wf-action]:enabled").count() == 2


def test_changes_of_state_move_nothing(page: Page) -> None:
    story = fan_out(1000)
    page.evaluate(SHOW, message(story))
    before = page.evaluate(PLACES)
    for sequence in range(2, 30):
        story.turn().returns(sequence)
        page.evaluate("model.push", message(story, sequence))
    assert page.evaluate(PLACES) == before
    node = page.locator("[data-wf-node=score_chunk]")
    assert (node.get_attribute("data-wf-count"), node.get_attribute("data-wf-state")) == ("1000", "RUNNING")
    assert page.locator("[data-wf-view=run] *").count() < 1500


def test_keys_stay_inside_and_escape_gives_the_focus_back_to_the_cell(page: Page, escalation: Story) -> None:
    page.evaluate(SHOW, message(escalation))
    page.evaluate("window.leaked = []; document.addEventListener('keydown', (event) => leaked.push(event.key))")
    page.focus("[data-wf-action=approve]")
    for key in ("b", "ArrowDown", "Shift+Enter", "Control+s"):
        page.keyboard.press(key)
    assert page.evaluate("leaked.filter((key) => key.length > 1 && key !== 'Control' && key !== 'Shift' || key === 'b')") == []
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className") == "jp-Cell"


def test_hostile_names_are_text(page: Page) -> None:
    page.on("dialog", lambda _: pytest.fail("a name was run as a script"))
    page.evaluate(SHOW, message(hostile()))
    assert page.locator("[data-wf-view=run] :is(script, img)").count() == 0
    assert HOSTILE[:20] in page.inner_text(".wf-workflow")


@pytest.mark.parametrize("width", [300, 700, 1400])
def test_nothing_sticks_out_at_any_width(page: Page, escalation: Story, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for story in (escalation, chain([f"step_{number}" for number in range(30)]), hostile()):
        page.evaluate(SHOW, message(story))
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for button in page.locator("[data-wf-view=run] :is(button, summary)").all():
        box = button.bounding_box()
        assert box is None or box["height"] >= 24


def test_a_change_of_theme_repaints(page: Page, escalation: Story) -> None:
    page.evaluate(SHOW, message(escalation))
    page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    page.wait_for_selector("[data-wf-view=run][data-wf-theme=dark]")
    told = [sent["theme"] for sent in page.evaluate("model.sent") if sent["type"] == "ready"]
    assert told == ["light", "dark"]


def test_a_forked_run_says_at_its_head_whose_past_it_shares(page: Page) -> None:
    story = Story()
    story.rows.clear()
    source = ForkedFrom(key=1, instance_id="<b>a run with a long id</b>", at=12)
    story.tell(ExecutionStarted(occurred_at=story.now, name="order", instance_id="7f3a9c", forked_from=source))
    page.evaluate(SHOW, message(story))
    chip = page.locator("[data-wf-forked]")
    assert chip.inner_text() == "forked from <b>a run… at event 12"
    assert "<b>a run with a long id</b> up to event 12" in (chip.get_attribute("title") or "")
    page.evaluate("unmount()")
    page.evaluate(SHOW, message(Story()))
    assert page.locator("[data-wf-forked]").is_hidden()
