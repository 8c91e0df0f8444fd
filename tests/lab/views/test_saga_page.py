"""The built saga view in a browser, without a kernel: what stands where, how Tab walks, and that no act is done at the first press."""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.lab.views.pages import SHOW, marks_of, page_with
from tests.lab.views.saga_pictures import empty, fan_out, in_doubt, in_part, long, past_the_pivot, under_way
from tests.lab.views.test_saga_picture import hostile
from wflab import protocol

VIEW = "[data-wf-view=saga]"
Show = Callable[..., None]
FOCUSED = "document.activeElement.dataset.wfNode ?? document.activeElement.dataset.wfAction ?? document.activeElement.tagName"

pytestmark = marks_of("saga")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with page_with(browser, "saga", width=1100) as page:
        yield page


def message(shown: protocol.SagaPicture, sequence: int = 1) -> dict[str, Any]:
    return protocol.as_data(protocol.ShowPicture(seq=sequence, picture=shown))


@pytest.fixture
def show(page: Page) -> Show:
    def show_it(shown: protocol.SagaPicture) -> None:
        page.evaluate(SHOW, message(shown))
        page.wait_for_selector(f"{VIEW}[data-wf-seq='1']")

    return show_it


def asked(page: Page, what: str) -> dict[str, Any]:
    """The last question of this kind, once it is asked."""
    told: dict[str, Any] = page.wait_for_function(
        f"() => model.sent.findLast((sent) => sent.type === 'request' && sent.what === '{what}' && !sent.done)"
    ).json_value()
    page.evaluate("(id) => { model.sent.find((sent) => sent.id === id).done = true; }", told["id"])
    return told


def answer(page: Page, question: dict[str, Any], data: Any = None, error: str | None = None) -> None:
    page.evaluate("model.tell", protocol.as_data(protocol.Reply(id=question["id"], data=data, error=error)))


def centre(page: Page, name: str) -> float:
    box = page.locator(f"[data-wf-node={name}]").bounding_box()
    assert box is not None
    return box["y"] + box["height"] / 2


@pytest.mark.parametrize("width", [320, 700, 1400])
def test_a_step_and_its_undo_are_level_at_every_width(page: Page, show: Show, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    show(in_part())
    for step, undo in (("book_hotel", "cancel_hotel"), ("book_flight", "cancel_flight"), ("charge_card", "refund_card")):
        assert abs(centre(page, step) - centre(page, undo)) <= 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    rows = page.locator(f"{VIEW} tbody tr")
    assert rows.count() == 4
    lines = page.locator("[data-wf-bridge]").evaluate_all("all => all.map((one) => one.getBoundingClientRect().y)")
    assert [
        abs(line - centre(page, step)) <= 1.5 for line, step in zip(lines, ("book_hotel", "book_flight", "charge_card"), strict=True)
    ] == [True] * 3


def test_the_table_is_a_real_one_whose_caption_is_the_verdict(page: Page, show: Show) -> None:
    show(in_part())
    table = page.get_by_role("table")
    expect(table).to_have_count(1)
    expect(table.get_by_role("columnheader")).to_have_text(["Forward", "Carried across", "Compensation", "Residual"])
    assert "PARTIALLY ROLLED BACK - 1 needs attention" in table.locator("caption").inner_text()
    expect(table.get_by_role("row")).to_have_count(1 + 4)
    expect(table.get_by_role("rowheader")).to_have_count(4)
    assert "stays done" in table.get_by_role("row").nth(1).get_by_role("cell").last.inner_text()


def test_what_never_committed_needs_no_undo_and_what_timed_out_is_in_doubt(page: Page, show: Show) -> None:
    show(in_doubt())
    never = page.locator("tr[data-wf-forward=not-reached]")
    expect(never).to_have_attribute("data-wf-comp", "not-needed")
    expect(page.locator(f"[data-wf-bridge='{never.get_attribute('data-wf-row')}']")).to_have_count(0)
    expect(page.locator("[data-wf-node=charge_card]")).to_have_attribute("data-wf-saga", "in-doubt")
    expect(page.locator("[data-wf-turn]")).to_have_count(1)


def test_tab_walks_down_the_steps_then_from_undo_to_undo_and_out(page: Page, show: Show) -> None:
    show(in_part())
    page.locator("[data-wf-node=book_hotel]").focus()
    walked = [page.evaluate(FOCUSED)]
    for _ in range(7):
        page.keyboard.press("Tab")
        walked.append(page.evaluate(FOCUSED))
    assert walked[:7] == ["book_hotel", "book_flight", "charge_card", "ship", "refund_card", "cancel_flight", "cancel_hotel"]
    assert walked[7] == "BUTTON"  # the first of what is left, beside the table
    page.locator("[data-wf-node=cancel_flight]").focus()
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(FOCUSED) == "refund_card"
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(FOCUSED) == "charge_card"
    page.keyboard.press("ArrowUp")
    assert page.evaluate(FOCUSED) == "book_flight"
    page.keyboard.press("]")
    assert page.evaluate(FOCUSED) == "cancel_hotel"


def test_an_act_is_done_at_the_second_press_which_names_the_count(page: Page, show: Show) -> None:
    show(in_part())
    page.locator("[data-wf-action=retry]").click()
    first = asked(page, "act")
    assert first["arguments"] == {"verb": "retry", "pairs": ["a0"]}
    answer(page, first, {"count": 1, "pairs": ["cancel_hotel"], "done": False, "told": ""})
    sure = page.locator("[data-wf-action=sure]")
    expect(sure).to_have_text("Retry 1 compensation")
    expect(sure).to_be_focused()
    sure.click()
    second = asked(page, "act")
    assert second["arguments"] == {"verb": "retry", "pairs": ["a0"], "count": 1, "why": ""}
    answer(page, second, {"count": 1, "pairs": ["a0"], "done": True, "told": "cancel_hotel is called again"})
    expect(page.locator(".wf-actsaid")).to_have_text("cancel_hotel is called again")
    expect(sure).to_have_count(0)


def test_to_skip_needs_a_reason_and_an_error_is_told(page: Page, show: Show) -> None:
    show(in_part())
    page.locator("[data-wf-action=skip]").click()
    answer(page, asked(page, "act"), {"count": 1, "pairs": ["cancel_hotel"], "done": False, "told": ""})
    why = page.locator("[data-wf-why]")
    expect(why).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".wf-actsaid")).to_have_text("Say why it is skipped.")
    assert len(page.evaluate("model.sent.filter((sent) => sent.type === 'request')")) == 1
    why.press_sequentially("it expires mus")  # letters are text here, and no keys of the view
    page.keyboard.press("Enter")
    question = asked(page, "act")
    assert question["arguments"]["why"] == "it expires mus"
    answer(page, question, error="It is 0 now, not 1. Nothing was done; look again.")
    expect(page.locator(".wf-actsaid")).to_contain_text("Nothing was done")


def test_a_dry_run_takes_the_ladders_place_and_offers_no_acts(page: Page, show: Show) -> None:
    show(in_part())
    page.locator("[data-wf-action=failing]").select_option(label="if book_flight had failed")
    question = asked(page, "rehearsal")
    assert question["arguments"] == {"place": 1}
    answer(page, question, msgspec.to_builtins(in_doubt().story))
    expect(page.locator("[data-wf-dry]")).to_contain_text("if book_flight had failed. No activity ran.")
    expect(page.locator("[data-wf-saga=in-doubt]")).to_have_count(1)
    expect(page.locator("[data-wf-action=retry]")).to_have_count(0)
    page.locator("[data-wf-action=failing]").select_option(label="what happened")
    expect(page.locator("[data-wf-saga=in-doubt]")).to_have_count(0)
    expect(page.locator("[data-wf-action=retry]")).to_have_count(1)


def test_a_dry_run_that_cannot_be_says_why(page: Page, show: Show) -> None:
    show(in_part())
    page.locator("[data-wf-action=failing]").select_option(label="if book_hotel had failed")
    answer(page, asked(page, "rehearsal"), error="Workflow 'trip' is not defined in this kernel.")
    expect(page.locator("[data-wf-drawer]")).to_contain_text("is not defined in this kernel")
    expect(page.locator("[data-wf-action=failing]")).to_have_value("")


def test_the_drawer_has_both_payloads_side_by_side(page: Page, show: Show) -> None:
    show(in_part())
    page.locator("[data-wf-node=cancel_hotel]").click()
    question = asked(page, "pair")
    side = {
        "title": "x",
        "facts": [["state", "committed"]],
        "input": None,
        "output": {"text": '"H-22"', "size": 6, "cut": False},
        "error": "",
    }
    answer(page, question, {"title": "t", "forward": side, "back": {**side, "title": "y"}, "acts": []})
    expect(page.locator("[data-wf-side-of]")).to_have_count(2)
    left = page.locator("[data-wf-side-of=forward]").bounding_box()
    right = page.locator("[data-wf-side-of=back]").bounding_box()
    assert left is not None
    assert right is not None
    assert abs(left["y"] - right["y"]) <= 1
    assert right["x"] > left["x"] + 100
    focus = page.evaluate("model.sent.findLast((sent) => sent.type === 'set_focus').focus")
    assert focus["span_id"] == "1:a6"


def test_time_mode_puts_both_columns_on_one_axis(page: Page, show: Show) -> None:
    show(in_part())
    page.locator("[data-wf-action=time-mode]").click()
    tops = page.locator("[data-wf-node]").evaluate_all("all => all.map((one) => [one.dataset.wfNode, one.getBoundingClientRect().y])")
    assert [name for name, _ in sorted(tops, key=lambda item: item[1])] == [
        "book_hotel", "book_flight", "charge_card", "ship", "refund_card", "cancel_flight", "cancel_hotel",
    ]  # fmt: skip
    expect(page.locator(".wf-at").nth(4)).to_have_text("+900 ms")


def test_clean_pairs_are_folded_until_somebody_wants_them(page: Page, show: Show) -> None:
    show(long(60))
    expect(page.locator("[data-wf-fold]")).to_have_text(["20 clean pairs", "39 clean pairs"])
    page.locator("[data-wf-fold]").first.click()
    expect(page.locator("tr[data-wf-comp]")).to_have_count(61)
    expect(page.locator("[data-wf-action=unfold-all]")).to_have_attribute("aria-pressed", "true")


def test_a_fan_out_has_two_waffles_of_the_same_cells(page: Page, show: Show) -> None:
    show(fan_out(200))
    expect(page.locator("[data-wf-count='200']")).to_have_count(2)
    grids = page.locator("[data-wf-count='200'] .wf-waffle").evaluate_all("all => all.map((one) => one.getAttribute('viewBox'))")
    assert len(grids) == 2
    assert grids[0] == grids[1]
    assert page.locator(f"{VIEW} *").count() < 600


def test_a_pivot_is_a_line_across_both_columns(page: Page, show: Show) -> None:
    show(past_the_pivot())
    row = page.locator("[data-wf-pivot]")
    expect(row).to_have_attribute("data-wf-comp", "pivot")
    expect(row).to_contain_text("point of no return")


def test_an_undo_that_runs_ticks_and_a_change_keeps_the_focus(page: Page, show: Show) -> None:
    show(under_way())
    undo = page.locator("[data-wf-node=cancel_flight]")
    expect(undo).to_contain_text("being undone")
    page.locator("[data-wf-node=refund_card]").focus()
    page.evaluate("model.push", message(in_part(), 2))
    expect(undo).to_have_attribute("data-wf-saga", "compensated")
    assert page.evaluate(FOCUSED) == "refund_card"


def test_a_run_without_a_saga_shows_four_lines_that_make_one(page: Page, show: Show) -> None:
    show(empty())
    expect(page.locator("[data-wf-empty]")).to_contain_text("No compensations registered")
    expect(page.locator("[data-wf-empty]")).to_contain_text("saga.step(book_hotel, undo=cancel_hotel")
    expect(page.locator("[data-wf-action=failing]")).to_be_hidden()


def test_whatever_a_name_holds_is_text(page: Page, show: Show) -> None:
    show(hostile())
    page.locator("[data-wf-action=table]").click()
    assert page.locator(f"{VIEW} script, {VIEW} img").count() == 0
    assert "<script>" in page.locator(VIEW).inner_text()
