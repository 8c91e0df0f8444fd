"""The built inbox in a browser, without a kernel: the form, its checks, the race with the deadline, taking back, many at once, and keys."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.lab.conftest import Story
from tests.lab.views.pages import SHOW, marks_of, page_with
from tests.lab.views.test_inbox_picture import SCHEMAS, picture_with
from wflab import protocol
from wflab.analytics.steps import steps_of
from wflab.protocol.inbox import InboxPicture
from wflab.views.graph import execution_graph
from wflab.views.markdown import tree_of
from wflab.views.picture import drawn_graph

ACTS = "model.sent.filter((one) => one.type === 'act')"

pytestmark = marks_of("inbox")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with page_with(browser, "inbox", width=1000) as page:
        yield page


def shown(page: Page, picture: InboxPicture, sequence: int = 1, answers: dict[str, Any] | None = None, **more: Any) -> None:
    page.evaluate("(given) => { window.given = given; }", {**(answers or {}), **more})
    page.evaluate(SHOW, message(picture, sequence))


def message(picture: InboxPicture, sequence: int) -> dict[str, Any]:
    return protocol.as_data(protocol.ShowPicture(seq=sequence, picture=picture))


def push(page: Page, picture: InboxPicture, sequence: int) -> None:
    page.evaluate("(next) => model.push(next)", message(picture, sequence))


def told(page: Page, text: str, level: str = "info") -> None:
    page.evaluate(
        "([text, level]) => model.tell({type: 'notice', text, level, token: model.sent.findLast((one) => one.type === 'act').token})",
        [text, level],
    )


def choose(page: Page, place: int = 0) -> None:
    page.locator("[data-wf-item]").nth(place).locator(".wf-itemtext").click()


def later(picture: InboxPicture, seconds: float, *gone: str) -> InboxPicture:
    items = [item for item in picture.items if item.id not in gone]
    return msgspec.structs.replace(picture, now=picture.now + seconds * 1000, items=items, total=len(items))


def one(schema: str | None, *, until: float | None = 3600, title: str = "Ship it?") -> InboxPicture:
    """One question, on a clock that stands still until it is told."""
    return picture_with([(title, schema, until)], ticks=False)


def test_a_form_comes_from_the_schema_and_what_does_not_fit_is_not_sent(page: Page) -> None:
    shown(page, one(SCHEMAS["note"]))
    choose(page)
    note = page.locator("[data-wf-field=note]")
    note.fill("x" * 201)
    page.click("[data-wf-action=approve]")
    described = note.get_attribute("aria-describedby") or ""
    wrong = page.locator(f"[id='{described.split()[-1]}']")
    expect(wrong).to_contain_text("at most 200 characters")
    expect(note).to_be_focused()
    assert note.get_attribute("aria-invalid") == "true"
    assert page.evaluate(ACTS) == []
    note.fill("fine")
    expect(wrong).to_have_text("")
    page.click("[data-wf-action=approve]")
    expect(page.locator(".wf-desk .wf-deskword")).to_contain_text("sent in")
    page.wait_for_function(f"{ACTS}.length === 1", timeout=15_000)
    (act,) = page.evaluate(ACTS)
    assert (act["data"], act["verb"], act["key"], act["wait_id"]) == ({"note": "fine", "approved": True}, "approve", 1, "a0")
    told(page, "")
    expect(page.locator(".wf-desk .wf-deskword")).to_contain_text("it is in the history")


def test_every_kind_of_field_is_read_as_its_schema_says(page: Page) -> None:
    shown(page, one(SCHEMAS["all"], until=20))
    choose(page)
    desk = page.locator("[data-wf-desk]")
    assert desk.locator("[data-wf-field=size]").input_value() == "3"
    desk.locator("[data-wf-field=size]").fill("many")
    page.click("[data-wf-action=respond]")
    expect(desk.locator(".wf-wrong", has_text="whole number")).to_be_visible()
    desk.locator("[data-wf-field=size]").fill("7")
    page.click("[data-wf-action=respond]")
    expect(desk.locator(".wf-wrong", has_text="is required")).to_be_visible()
    desk.locator("[data-wf-field=colour]").select_option(label="blue")
    desk.locator("[data-wf-field=day]").fill("2026-12-24")
    desk.locator("[data-wf-field=tags]").fill("a\n\nb ")
    desk.locator("[data-wf-field='address.city']").fill("Bern")
    desk.locator("[data-wf-field=urgent]").check()
    desk.locator("[data-wf-field=price]").fill("1.5")
    desk.locator("[data-wf-field=code]").fill("abc")
    page.click("[data-wf-action=respond]")
    expect(desk.locator(".wf-wrong", has_text="must look like")).to_be_visible()
    desk.locator("[data-wf-field=code]").fill("A-1")
    page.click("[data-wf-action=respond]")
    page.wait_for_function(f"{ACTS}.length === 1")  # within 30 s of the deadline nothing rests
    assert page.evaluate(ACTS)[0]["data"] == {
        "size": 7, "colour": "blue", "day": "2026-12-24", "tags": ["a", "b"], "address": {"city": "Bern", "country": "CH"},
        "urgent": True, "price": 1.5, "code": "A-1",
    }  # fmt: skip
    assert desk.locator(".wf-diff").inner_text().splitlines()[:2] == ["- size: 3", "+ size: 7"]


def test_an_answer_rests_a_while_and_can_be_taken_back(page: Page) -> None:
    shown(page, one(None))
    choose(page)
    page.click("[data-wf-action=reject]")
    expect(page.locator("[data-wf-action=undo]")).to_be_focused()
    page.keyboard.press("u")
    expect(page.locator(".wf-desk .wf-deskword")).to_contain_text("taken back")
    expect(page.locator("[data-wf-action=approve]")).to_be_enabled()
    assert page.evaluate(ACTS) == []


def test_at_the_deadline_everything_locks_and_says_so(page: Page) -> None:
    picture = one(SCHEMAS["note"], until=90)
    shown(page, picture, outcome={"reason": "timed out at 12:01:30, the workflow took the timeout branch"})
    choose(page)
    expect(page.locator(".wf-deadline")).to_be_hidden()
    push(page, later(picture, 40), 2)
    expect(page.locator(".wf-deadline")).to_contain_text("Closes in 50 s")
    push(page, later(picture, 90), 3)
    expect(page.locator(".wf-desk .wf-deskword")).to_contain_text("timed out at")
    assert page.locator("[data-wf-desk] :is([data-wf-action=approve], [data-wf-action=reject]):enabled").count() == 0
    push(page, later(picture, 91, picture.items[0].id), 4)
    expect(page.locator(".wf-desk .wf-deskword")).to_contain_text("took the timeout branch")
    assert page.evaluate(ACTS) == []


def test_who_comes_too_late_reads_who_was_first(page: Page) -> None:
    picture = one(None, until=20)
    shown(page, picture, outcome={"reason": "already decided by ana at 11:58:03"})
    choose(page)
    page.click("[data-wf-action=approve]")
    push(page, later(picture, 1, picture.items[0].id), 2)
    told(page, "already decided by ana at 11:58:03")
    expect(page.locator(".wf-desk .wf-deskword")).to_have_text("already decided by ana at 11:58:03")
    other = one(None)
    shown(page, other, outcome={"reason": "already decided by bob at 11:59:00"})
    choose(page)
    push(page, later(other, 1, other.items[0].id), 2)
    expect(page.locator(".wf-desk .wf-deskword")).to_have_text("already decided by bob at 11:59:00")
    expect(page.locator("[data-wf-action=approve]")).to_be_disabled()


def test_what_is_new_comes_last_and_takes_nobody_s_focus(page: Page) -> None:
    picture = picture_with([("First?", None, 1000), ("Second?", None, 2000)])
    shown(page, picture)
    choose(page, 1)
    page.focus("[data-wf-field=comment]")
    more = picture_with([("First?", None, 1000), ("Second?", None, 2000), ("Urgent?", None, 50)])
    push(page, msgspec.structs.replace(more, items=sorted(more.items, key=lambda item: item.until or 0)), 2)
    expect(page.locator(".wf-asked").nth(2)).to_have_text("Urgent?")
    expect(page.locator("[data-wf-field=comment]")).to_be_focused()
    page.click("[data-wf-action=sort]")
    expect(page.locator("[data-wf-item][aria-posinset='1'] .wf-asked")).to_have_text("Urgent?")
    assert "Inbox (3)" in page.inner_text(".wf-head")


def test_the_keyboard_is_enough_and_keys_stay_inside(page: Page) -> None:
    shown(page, picture_with([("First?", None, None), ("Second?", SCHEMAS["note"], None)]))
    page.evaluate("window.leaked = []; document.addEventListener('keydown', (event) => leaked.push(event.key))")
    page.focus("[role=listbox]")
    for key in ("j", "j", "k", "j"):
        page.keyboard.press(key)
    expect(page.locator(".wf-desk h3")).to_have_text("Second?")
    page.keyboard.press("Enter")
    expect(page.locator("[data-wf-field=note]")).to_be_focused()
    page.keyboard.type("ajx")
    assert page.locator("[data-wf-field=note]").input_value() == "ajx"
    page.keyboard.press("Escape")
    expect(page.locator("[role=listbox]")).to_be_focused()
    page.keyboard.press("x")
    expect(page.locator("[data-wf-marked]")).to_have_count(1)
    page.keyboard.press("c")
    expect(page.locator("[data-wf-field=comment]")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+Enter")
    page.keyboard.press("b")
    assert page.evaluate("leaked") == []
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className") == "jp-Cell"


def test_many_are_answered_after_a_look_and_the_typed_count(page: Page) -> None:
    would = [["First?", "r0"], ["Second?", "r1"]]
    shown(
        page,
        picture_with([("First?", None, None), ("Second?", None, None)]),
        bulk={"count": 2, "would": would, "wrong": [], "won": 2, "lost": 0},
    )
    page.focus("[role=listbox]")
    page.keyboard.press("Shift+A")
    page.click("[data-wf-action=bulk-approve]")
    expect(page.locator("[data-wf-dry-run='2']")).to_contain_text("Second?")
    confirm = page.locator("[data-wf-action=bulk-confirm]")
    page.locator("[data-wf-field=count]").fill("3")
    expect(confirm).to_be_disabled()
    page.locator("[data-wf-field=count]").fill("2")
    confirm.click()
    expect(page.locator("[data-wf-bulk]")).to_contain_text("2 answered.")
    asked = [sent["arguments"] for sent in page.evaluate("model.sent") if sent.get("what") == "bulk"]
    assert [given.get("count") for given in asked] == [None, 2]
    assert asked[1]["ids"] == ["1.a0", "2.a1"]


def test_a_thousand_questions_are_a_few_rows_in_the_page(page: Page) -> None:
    shown(page, picture_with([(f"Question {number}?", None, number + 100) for number in range(1000)]))
    assert page.locator("[data-wf-item]").count() < 30
    assert page.locator("[data-wf-view=inbox] *").count() < 700
    page.focus("[role=listbox]")
    page.keyboard.press("End")
    expect(page.locator("[data-wf-focus] .wf-asked")).to_have_text("Question 999?")


def test_ten_thousand_are_groups_with_pages(page: Page) -> None:
    picture = picture_with([(None, None, 1000)] * 3)
    groups = [
        protocol.InboxGroup(workflow="order", event="approval", count=9_000),
        protocol.InboxGroup(workflow="trip", event="sign", count=1_000),
    ]
    page_of: dict[str, Any] = {"items": msgspec.to_builtins(picture.items), "schemas": [], "total": 1_000, "first": 0}
    shown(page, msgspec.structs.replace(picture, groups=groups, total=10_000), answers={"page": page_of})
    assert "999+" in page.inner_text(".wf-head")
    page.select_option("[data-wf-field=group]", label="trip · sign (1,000)")
    expect(page.locator(".wf-pager")).to_contain_text("1–3 of 1,000")
    expect(page.locator("[data-wf-action=bulk]")).to_have_text("Answer all 1,000 like this…")


def test_without_a_kernel_it_can_be_read_and_what_was_entered_stays(page: Page) -> None:
    picture = one(SCHEMAS["note"])
    shown(page, picture)
    choose(page)
    page.fill("[data-wf-field=note]", "half a thought")
    page.evaluate("""() => { document.getElementById('cell').classList.add('jupyter-widgets-disconnected'); }""")
    page.evaluate("unmount()")
    shown(page, picture)
    choose(page)
    expect(page.locator("[data-wf-field=note]")).to_have_value("half a thought")
    expect(page.locator("[data-wf-action=approve]")).to_be_enabled()


def test_nothing_to_do_is_one_sentence(page: Page) -> None:
    shown(page, picture_with([], others=4))
    expect(page.locator(".wf-empty")).to_have_text("Nothing is waiting on you. 4 workflows wait on timers or systems.")
    assert page.locator("[role=listbox]").is_hidden()


def test_hostile_text_is_text(page: Page) -> None:
    page.on("dialog", lambda _: pytest.fail("a name was run as a script"))
    evil = '<img src=x onerror="alert(1)"><script>alert(1)</script>'
    shown(page, picture_with([(evil, SCHEMAS["note"].replace("A remark", evil.replace('"', "'")), None)], event=evil))
    choose(page)
    assert page.locator("[data-wf-view=inbox] :is(script, img)").count() == 0
    assert "onerror" in page.inner_text(".wf-desk h3")


@pytest.mark.parametrize("width", [320, 1400])
def test_nothing_sticks_out_at_any_width(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    shown(page, picture_with([("Is this a rather long question that does not fit into any line of the list?", SCHEMAS["all"], 5000)]))
    choose(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for button in page.locator("[data-wf-view=inbox] :is(button, summary):visible").all():
        box = button.bounding_box()
        assert box is None or box["height"] >= 24


def test_risk_requester_and_description_are_told_and_a_description_is_no_markup(page: Page) -> None:
    picture = one(None)
    item = msgspec.structs.replace(picture.items[0], risk="high", requester="<b>ben</b>")
    described = tree_of("Pay **42** <img src=x onerror=window.pwned=1> [terms](https://a.example) [x](javascript:window.pwned=1)")
    detail = {
        "status": "RUNNING",
        "started": 0,
        "steps": [],
        "steps_total": 0,
        "recent": [],
        "next": [],
        "history": [],
        "description": described,
    }
    detail |= {"outputs": [["validate", '{"ok": true}']], "input": "", "on_timeout": ""}
    shown(page, msgspec.structs.replace(picture, items=[item]), answers={"detail": detail})
    expect(page.locator("[data-wf-item]")).to_contain_text("high risk · by <b>ben</b>")
    choose(page)
    expect(page.locator("p[data-wf-risk=high]")).to_contain_text("high risk requested by <b>ben</b>")
    description = page.locator(".wf-markdown")
    expect(description.locator("strong")).to_have_text("42")
    expect(description).to_contain_text("<img src=x onerror=window.pwned=1>")
    assert description.locator("img").count() == 0
    assert description.locator("a").evaluate_all("links => links.map((link) => link.href)") == ["https://a.example/"]
    assert page.evaluate("window.pwned") is None
    expect(page.locator(".wf-about")).to_contain_text('validate gave: {"ok": true}')


def test_a_filter_is_kept_under_a_name_and_is_there_when_the_page_is_loaded_anew(page: Page) -> None:
    picture = picture_with([("Ship it?", None, 100), ("Pay it?", None, 200), ("Pay <b>her</b>?", None, 300)])
    shown(page, picture)
    save = page.locator("[data-wf-action=save-filter]")
    expect(save).to_be_disabled()
    page.fill("[data-wf-field=filter]", "pay")
    expect(page.locator("[data-wf-item]")).to_have_count(2)
    save.click()
    page.fill("[data-wf-field=filter-name]", "what <i>costs</i>")
    page.keyboard.press("Enter")
    names = page.locator("[data-wf-field=saved]")
    expect(names).to_be_focused()
    expect(names).to_have_value("what <i>costs</i>")
    page.fill("[data-wf-field=filter]", "ship")
    expect(names).to_have_value("")
    page.evaluate("unmount()")
    shown(page, picture)
    expect(page.locator("[data-wf-item]")).to_have_count(3)
    page.select_option("[data-wf-field=saved]", "what <i>costs</i>")
    expect(page.locator("[data-wf-field=filter]")).to_have_value("pay")
    expect(page.locator("[data-wf-item]")).to_have_count(2)
    page.click("[data-wf-action=forget-filter]")
    expect(names).to_be_hidden()
    page.evaluate("unmount()")
    shown(page, picture)
    expect(page.locator("[data-wf-field=saved]")).to_be_hidden()


def test_a_saved_filter_of_another_lab_is_not_shown(page: Page) -> None:
    picture = picture_with([("Ship it?", None, 100)])
    shown(page, picture)
    page.fill("[data-wf-field=filter]", "ship")
    page.click("[data-wf-action=save-filter]")
    page.fill("[data-wf-field=filter-name]", "mine")
    page.keyboard.press("Enter")
    page.evaluate("unmount()")
    shown(page, msgspec.structs.replace(picture, lab="another.duckdb"))
    expect(page.locator("[data-wf-field=saved]")).to_be_hidden()


def test_the_context_shows_the_run_as_a_small_graph_with_you_are_here(page: Page) -> None:
    story = Story("order")
    first = story.call("validate")
    story.later(seconds=1).turn().returns(first)
    wait = story.waits("approval")
    steps = steps_of(story.instance, story.rows)
    graph = drawn_graph(story.instance, execution_graph(steps, ended=False), is_over=False)
    detail = protocol.InboxDetail(
        status="RUNNING", started=0, steps=[("approval", "event", "SUSPENDED")], steps_total=2, graph=graph, here=f"a{wait}"
    )
    shown(page, one(None), answers={"detail": msgspec.to_builtins(detail)})
    choose(page)
    mini = page.get_by_role("img", name="you are here")
    expect(mini).to_have_attribute("aria-label", "you are here: approval. The run so far: validate COMPLETED.")
    assert mini.locator("[data-wf-mini]").evaluate_all("all => all.map((one) => one.dataset.wfState)") == ["COMPLETED", "SUSPENDED"]
    here = mini.locator(".wf-here")
    assert here.evaluate("one => one.dataset.wfMini") == f"a{wait}"
    expect(here).to_contain_text("you are here")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
