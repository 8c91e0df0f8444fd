"""The built gallery in a browser, without a kernel: search, knobs, the failure, a run, evidence, and the two doors out of it."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.lab.views.pages import SHOW, marks_of, page_with
from tests.lab.views.test_recipes_picture import EVIL, cards, gallery_picture, trial
from wflab import protocol

ASKED = "(what) => model.sent.filter((one) => one.type === 'request' && one.what === what).map((one) => one.arguments)"

pytestmark = marks_of("recipes")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with page_with(browser, "recipes", width=1100) as page:
        yield page


def shown(page: Page, picture: protocol.RecipesPicture) -> None:
    page.evaluate("window.given = {}")
    page.evaluate(SHOW, message(picture, 1))
    expect(page.locator("[data-wf-recipe]").first).to_be_visible()


def message(picture: protocol.RecipesPicture, sequence: int) -> dict[str, Any]:
    return protocol.as_data(protocol.ShowPicture(seq=sequence, picture=picture))


def opened(page: Page, name: str) -> None:
    page.locator(f"[data-wf-recipe={name}] [data-wf-action=open-recipe]").click()
    expect(page.locator(f"[data-wf-detail={name}]")).to_be_visible()


def ids(page: Page) -> list[str]:
    return [str(one.get_attribute("data-wf-recipe")) for one in page.locator("[data-wf-recipe]").all()]


def test_a_problem_in_ones_own_words_finds_its_recipe(page: Page) -> None:
    shown(page, gallery_picture())
    assert len(ids(page)) == 12
    search = page.locator("[data-wf-field=search]")
    search.fill("my activity is flaky")
    assert ids(page)[0] == "chaining"
    search.fill("429")
    assert ids(page) == ["rate_limited"]
    search.fill("quantum")
    expect(page.locator(".wf-norecipe")).to_contain_text("No recipe is about “quantum”")
    search.fill("")
    page.locator("[data-wf-field=level]").select_option("advanced")
    assert set(ids(page)) == {"rate_limited", "versioning"}


def test_each_card_is_an_article_with_its_graph_and_a_heading(page: Page) -> None:
    shown(page, gallery_picture())
    for card in page.locator("[data-wf-recipe]").all():
        assert card.evaluate("card => card.tagName") == "ARTICLE"
        assert card.locator("h3").count() == 1
        assert card.locator("img").evaluate("async image => { await image.decode(); return image.naturalWidth; }") > 100


def test_a_knob_is_checked_before_anything_is_sent_and_the_button_says_what_will_run(page: Page) -> None:
    shown(page, gallery_picture("fanout"))
    opened(page, "fanout")
    run, knob = page.locator("[data-wf-action=run]"), page.locator("[data-wf-knob=ITEMS]")
    expect(run).to_have_text("Run fan-out with 10 items")
    knob.fill("100")
    expect(run).to_have_text("Run fan-out with 100 items")
    for wrong in ("0", "1001", "2.5", ""):
        knob.fill(wrong)
        run.click()
        expect(page.locator(f"[id='{(knob.get_attribute('aria-describedby') or '').split()[1]}']")).to_have_text(
            "must be a whole number from 1 to 1000"
        )
        expect(knob).to_be_focused()
        expect(knob).to_have_attribute("aria-invalid", "true")
    assert page.evaluate(ASKED, "run") == []
    knob.fill("20")
    page.evaluate("window.given.run = null")
    run.click()
    expect(run).to_be_disabled()
    assert page.evaluate(ASKED, "run") == [
        {"recipe": "fanout", "knobs": {"ITEMS": 20, "WORK_SECONDS": 0.5, "BROKEN_ITEM": -1}, "failure": False}
    ]


def test_the_evidence_is_pending_until_the_run_has_ended(page: Page) -> None:
    picture = gallery_picture("chaining")
    (card,) = picture.recipes
    shown(page, picture)
    opened(page, "chaining")
    count = len(card.statements)
    expect(page.locator("[data-wf-evidence=pending]")).to_have_count(count)
    expect(page.locator("[data-wf-statement=succeeded_within_the_policy]")).to_contain_text("2 failed attempts, then success")
    under_way = trial(card, is_over=False, status="RUNNING", statements=card.statements, took_ms=None)
    page.evaluate("(next) => model.push(next)", message(msgspec.structs.replace(picture, trials=[under_way]), 2))
    expect(page.locator("[data-wf-action=run]")).to_be_disabled()
    expect(page.locator(".wf-verdict")).to_contain_text("is RUNNING")
    page.evaluate("(next) => model.push(next)", message(msgspec.structs.replace(picture, trials=[trial(card)]), 3))
    expect(page.locator("[data-wf-evidence=pass]")).to_have_count(count)
    expect(page.locator(".wf-verdict")).to_contain_text(f"all {count} statements hold")
    expect(page.locator("[data-wf-action=run]")).to_be_enabled()
    page.locator("[data-wf-action=all-recipes]").click()
    expect(page.locator("[data-wf-recipe=chaining] .wf-last")).to_contain_text(f"{count} of {count} hold")
    expect(page.locator("[data-wf-recipe=chaining] [data-wf-action=open-recipe]")).to_be_focused()


def test_the_failure_turns_its_knobs_and_turns_them_back(page: Page) -> None:
    shown(page, gallery_picture("chaining"))
    opened(page, "chaining")
    knob = page.locator("[data-wf-knob=FAILURES_BEFORE_SUCCESS]")
    knob.fill("1")
    page.locator("[data-wf-action=failure]").check()
    expect(knob).to_have_value("5")
    page.evaluate("window.given.run = null")
    page.locator("[data-wf-action=run]").click()
    (asked,) = page.evaluate(ASKED, "run")
    assert (asked["failure"], asked["knobs"]["FAILURES_BEFORE_SUCCESS"]) == (True, 5)
    page.locator("[data-wf-action=failure]").uncheck()
    expect(knob).to_have_value("1")


def test_a_refusal_of_the_kernel_is_told_where_the_button_is(page: Page) -> None:
    shown(page, gallery_picture("chaining"))
    opened(page, "chaining")
    page.locator("[data-wf-action=run]").click()
    expect(page.locator(".wf-recipetold[data-level=error]")).to_have_text("not asked for in this test")
    expect(page.locator("[data-wf-action=run]")).to_be_enabled()


def test_insert_hands_the_code_to_whoever_listens_and_copies_it_where_nobody_does(page: Page) -> None:
    picture = gallery_picture("fanout")
    shown(page, picture)
    opened(page, "fanout")
    page.evaluate(
        "() => { window.inserted = []; window.hear = (event) => { event.preventDefault(); inserted.push(event.detail.source); };"
        " document.addEventListener('wflab:insert', hear); }"
    )
    page.locator("[data-wf-action=insert]").click()
    expect(page.locator(".wf-recipetold")).to_contain_text("Inserted below")
    page.evaluate("window.given.source = 'ITEMS = 7'")
    page.locator("[data-wf-knob=ITEMS]").fill("7")
    page.locator("[data-wf-action=insert]").click()
    page.wait_for_function("inserted.length === 2")
    assert page.evaluate("inserted") == [picture.recipes[0].code, "ITEMS = 7"]
    assert page.evaluate(ASKED, "source")[-1] == {"recipe": "fanout", "knobs": {"ITEMS": 7}}
    page.evaluate("document.removeEventListener('wflab:insert', hear)")
    page.locator("[data-wf-action=insert]").click()
    expect(page.locator(".wf-recipetold")).to_contain_text("%wf recipe fanout --insert")


def test_the_views_of_a_run_open_beside_where_somebody_listens_and_in_place_where_nobody_does(page: Page) -> None:
    picture = gallery_picture("compensation")
    shown(page, msgspec.structs.replace(picture, trials=[trial(picture.recipes[0])]))
    opened(page, "compensation")
    page.evaluate(
        "() => { window.asked = []; window.hear = (event) => { event.preventDefault(); asked.push(event.detail); };"
        " document.addEventListener('wflab:open-view', hear); }"
    )
    page.locator("[data-wf-action=after-graph]").click()
    assert page.evaluate("asked") == [{"view": "graph", "instance_id": "run-1", "name": "a_workflow"}]
    page.evaluate("document.removeEventListener('wflab:open-view', hear)")
    page.locator("[data-wf-action=after-timeline]").click()
    assert page.evaluate("model.sent.filter((one) => one.type === 'switch')") == [
        {"type": "switch", "view": "timeline", "instance_id": "run-1"}
    ]


def test_keys_find_open_and_leave(page: Page) -> None:
    shown(page, gallery_picture())
    page.locator("[data-wf-view=recipes]").focus()
    page.keyboard.press("/")
    expect(page.locator("[data-wf-field=search]")).to_be_focused()
    page.locator("[data-wf-recipe=monitor] [data-wf-action=open-recipe]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-wf-detail=monitor] h3")).to_be_focused()
    page.locator("[data-wf-action=tab-diagram]").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("[data-wf-action=tab-code]")).to_be_focused()
    expect(page.locator(".wf-source")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[data-wf-recipe=monitor] [data-wf-action=open-recipe]")).to_be_focused()


def test_code_is_coloured_and_what_is_copied_or_read_is_the_code(page: Page) -> None:
    picture = gallery_picture("chaining")
    shown(page, picture)
    opened(page, "chaining")
    page.locator("[data-wf-action=tab-code]").click()
    code = page.locator(".wf-source code")
    assert code.evaluate("code => code.textContent") == picture.recipes[0].code
    for kind, text in {"keyword": "yield", "string": '"Vienna"', "number": "0.1"}.items():
        piece = code.locator(f".wf-py{kind}", has_text=text).first
        assert piece.evaluate("(piece) => getComputedStyle(piece).color !== getComputedStyle(piece.parentElement).color")


def test_a_gallery_may_begin_with_one_recipe_and_its_knobs(page: Page) -> None:
    page.evaluate(SHOW, message(gallery_picture(opened="fanout", knobs={"ITEMS": 33}), 1))
    expect(page.locator("[data-wf-action=run]")).to_have_text("Run fan-out with 33 items")


def test_what_is_experimental_is_shown_only_when_asked_for(page: Page) -> None:
    picture = gallery_picture("chaining", "fanout")
    odd = msgspec.structs.replace(picture.recipes[1], experimental="it ended FAILED, and declares COMPLETED")
    shown(page, msgspec.structs.replace(picture, recipes=[picture.recipes[0], odd]))
    assert ids(page) == ["chaining"]
    page.locator("[data-wf-field=experimental]").check()
    assert ids(page) == ["chaining", "fanout"]
    opened(page, "fanout")
    expect(page.locator(".wf-recipe")).to_contain_text("Experimental: it ended FAILED")


def test_whatever_a_recipe_says_is_text(page: Page) -> None:
    (card,) = cards("chaining")
    knob = msgspec.structs.replace(card.knobs[0], label=EVIL)
    failure = msgspec.structs.replace(card.failure, says=EVIL)
    statement = msgspec.structs.replace(card.statements[0], text=EVIL, found=EVIL)
    wicked = msgspec.structs.replace(
        card, title=EVIL, use_when=EVIL, not_when=EVIL, code=EVIL, tags=[EVIL], verbs=[EVIL], run=EVIL, knobs=[knob], failure=failure,
        statements=[statement], pattern=EVIL, svg=f'<svg xmlns="http://www.w3.org/2000/svg"><script>{EVIL}</script></svg>',
    )  # fmt: skip
    picture = msgspec.structs.replace(gallery_picture("chaining"), recipes=[wicked], trials=[trial(wicked, error=EVIL, said=[EVIL])])
    shown(page, picture)
    opened(page, "chaining")
    page.locator("[data-wf-action=tab-code]").click()
    assert page.evaluate("window.pwned") is None
    assert page.locator("[data-wf-view] :is(script, iframe, img[onerror])").count() == 0
    expect(page.locator(".wf-source")).to_contain_text(EVIL)


@pytest.mark.parametrize("width", [320, 1400])
def test_nothing_is_wider_than_the_page(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    picture = gallery_picture()
    shown(page, msgspec.structs.replace(picture, trials=[trial(card, place) for place, card in enumerate(picture.recipes, 1)]))
    for name in ids(page):
        opened(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        page.locator("[data-wf-action=all-recipes]").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
