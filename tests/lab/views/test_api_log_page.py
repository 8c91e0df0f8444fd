"""The built API log in a browser, without a kernel: what it shows, and what it asks when pressed."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.lab.views.api_log_pictures import TRACE, api_log, call, detail, failed
from tests.lab.views.pages import SHOW, marks_of, page_with
from tests.lab.views.test_card import HOSTILE
from wflab import protocol
from wflab.protocol.api_log import ApiLogFilter, ApiLogPicture, CallGroup

pytestmark = marks_of("api_log")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with page_with(browser, "api_log", width=1100) as page:
        yield page


def message(picture: ApiLogPicture, sequence: int = 1) -> Any:
    return msgspec.to_builtins(protocol.ShowPicture(seq=sequence, picture=picture))


def show(page: Page, picture: ApiLogPicture) -> None:
    page.evaluate(SHOW, message(picture))
    page.wait_for_selector("[data-wf-view=api_log]")


def push(page: Page, picture: ApiLogPicture, sequence: int) -> None:
    page.evaluate("message => model.push(message)", message(picture, sequence))


def asked(page: Page, what: str) -> dict[str, Any]:
    """The last question of this name."""
    page.wait_for_function("what => model.sent.some((sent) => sent.type === 'request' && sent.what === what)", arg=what)
    found: dict[str, Any] = page.evaluate("what => model.sent.filter((sent) => sent.what === what).at(-1)", what)
    return found


def answer(page: Page, what: str, data: Any) -> None:
    page.evaluate("model.tell", msgspec.to_builtins(protocol.Reply(id=asked(page, what)["id"], data=msgspec.to_builtins(data))))


def test_the_calls_their_numbers_and_their_course_over_time(page: Page) -> None:
    show(page, api_log())
    rows = page.locator("[data-wf-calls] tbody tr")
    expect(rows).to_have_count(5)
    expect(rows.first).to_contain_text("InvokeService")
    expect(rows.first).to_contain_text("✕ UNAVAILABLE")
    expect(rows.first).to_contain_text("the lab")
    expect(rows.first).to_contain_text("nobody listens")
    expect(rows.nth(1)).to_contain_text("2.3 ms")
    expect(page.locator("[data-wf-number=calls]")).to_have_text("5 calls")
    expect(page.locator("[data-wf-number=failed]")).to_have_text("1 failed")
    expect(page.locator("[data-wf-served]")).to_contain_text("http://127.0.0.1:3500")
    expect(page.locator("[data-wf-bin]")).to_have_count(4)
    label = page.locator("[data-wf-view=api_log]").get_attribute("aria-label")
    assert label == "API log: 5 calls, 1 failed, half took up to 2.5 ms, 95% up to 1.23 s."


@pytest.mark.parametrize(
    ("press", "what", "arguments"),
    [
        ("[data-wf-chip=state]", "filter", {"api": "state"}),
        ("[data-wf-action=pause]", "pause", {"is_paused": True}),
        ("[data-wf-calls] thead th:has-text('Took') button", "page", {"order": "-took", "first": 0}),
        ("[data-wf-calls] thead th:has-text('Time') button", "page", {"order": "at", "first": 0}),
        ("[data-wf-action=next]", "page", {"first": 5}),
    ],
)
def test_what_is_pressed_is_asked_of_the_kernel(page: Page, press: str, what: str, arguments: dict[str, Any]) -> None:
    show(page, api_log(total=900))
    page.locator(press).click()
    assert asked(page, what)["arguments"] == arguments


@pytest.mark.parametrize(
    ("field", "value", "arguments"),
    [
        ("app", {"label": "the lab (1)"}, {"app": ""}),
        ("app", {"label": "orders (4)"}, {"app": "orders"}),
        ("api", {"value": "invoke"}, {"api": "invoke"}),
        ("outcome", {"value": "failed"}, {"outcome": "failed"}),
        ("since", {"value": "15m"}, {"since": "15m", "until": ""}),
    ],
)
def test_a_filter_is_asked_of_the_kernel(page: Page, field: str, value: dict[str, str], arguments: dict[str, Any]) -> None:
    show(page, api_log())
    page.locator(f"select[data-wf-field={field}]").select_option(**value)  # type: ignore[arg-type]
    assert asked(page, "filter")["arguments"] == arguments


def test_text_is_looked_for_once_typing_rests(page: Page) -> None:
    show(page, api_log())
    page.locator("input[data-wf-field=text]").fill(" order-1 ")
    assert asked(page, "filter")["arguments"] == {"text": "order-1"}


def test_keys_turn_to_the_text_to_failures_and_to_a_pause(page: Page) -> None:
    show(page, api_log())
    page.locator("[data-wf-action=refresh]").focus()
    page.keyboard.press("f")
    assert asked(page, "filter")["arguments"] == {"outcome": "failed"}
    page.keyboard.press("p")
    assert asked(page, "pause")["arguments"] == {"is_paused": True}
    page.keyboard.press("/")
    expect(page.locator("input[data-wf-field=text]")).to_be_focused()


def test_each_part_of_the_filter_can_be_dropped(page: Page) -> None:
    chosen = ApiLogFilter(app="", api="state", outcome="ok", since="15m", text="x", trace=TRACE)
    show(page, api_log(filter=chosen))
    state = page.locator(".wf-filterstate")
    assert state.get_attribute("data-wf-filter") == "app=the lab, api=state, ok, text=x, trace 4bf92f35…, last 15m"
    state.locator("button", has_text="app=the lab").click()
    assert asked(page, "filter")["arguments"] == {"app": None}


def test_a_stretch_of_time_is_chosen_by_its_bar(page: Page) -> None:
    show(page, api_log())
    page.locator("[data-wf-bin='2']").click()
    found = asked(page, "filter")["arguments"]
    assert (found["since"], found["until"]) == ("2026-11-27T11:59:30.000Z", "2026-11-27T11:59:45.000Z")


def test_a_call_opens_with_all_its_fields_its_run_and_its_trace(page: Page) -> None:
    show(page, api_log())
    page.locator("[data-wf-calls] tbody tr").nth(1).click()
    assert asked(page, "call")["arguments"] == {"place": 1, "at": call(1).at}
    answer(page, "call", detail())
    drawer = page.locator("[data-wf-drawer]")
    expect(drawer.locator("[data-wf-value=request]")).to_have_text("2.0 KiB")
    expect(drawer.locator("[data-wf-value=caller]")).to_have_text("dapr-sdk-python/1.19.0")
    expect(drawer.locator("[data-wf-value=run]")).to_have_text("place_order order-1")
    drawer.locator("[data-wf-tab='Trace (2)']").click()
    expect(drawer.locator("[data-wf-trace] tr")).to_have_count(2)
    drawer.locator("[data-wf-tab=Call]").click()
    drawer.locator("[data-wf-action=only-trace]").click()
    assert asked(page, "filter")["arguments"] == {"trace": TRACE}
    drawer.locator("[data-wf-action=open-run]").click()
    expect(drawer.locator("pre")).to_have_text('lab.get("order-1")')


def test_a_call_can_be_opened_with_the_keyboard(page: Page) -> None:
    show(page, api_log())
    page.locator("[data-wf-calls] [data-wf-action=open-call]").first.focus()
    page.keyboard.press("Enter")
    assert asked(page, "call")["arguments"]["place"] == 0


def test_rows_that_stay_are_not_drawn_anew(page: Page) -> None:
    """Else a row would go from under the pointer, and the focus with it, at every call that comes."""
    show(page, api_log())
    page.locator("[data-wf-call='1.1795780798999.5']").evaluate("row => { row.mine = true; row.querySelector('button').focus() }")
    push(page, api_log([call(9, at=api_log().now), *api_log().calls]), 2)
    expect(page.locator("[data-wf-calls] tbody tr")).to_have_count(6)
    assert page.locator("[data-wf-call='1.1795780798999.5']").evaluate("row => row.mine && row.contains(document.activeElement)")


def test_calls_that_came_while_the_table_stands_still_are_counted(page: Page) -> None:
    show(page, api_log(newer=1200, first=100))
    pill = page.locator("[data-wf-action=show-new]")
    expect(pill).to_have_text("1,200 new · show")
    pill.click()
    assert asked(page, "page")["arguments"] == {"first": 0}
    push(page, api_log(newer=1300, is_paused=True), 2)
    expect(pill).to_have_text("1,300 new")
    expect(pill).to_be_disabled()
    expect(page.locator("[data-wf-action=pause]")).to_have_attribute("aria-pressed", "true")


def test_a_refusal_of_the_kernel_and_its_trouble_are_said(page: Page) -> None:
    show(page, api_log())
    page.locator("[data-wf-chip=state]").click()
    question = asked(page, "filter")
    page.evaluate("model.tell", msgspec.to_builtins(protocol.Reply(id=question["id"], error="it cannot be meant")))
    expect(page.locator(".wf-strip", has_text="it cannot be meant")).to_be_visible()
    push(page, api_log(trouble="the disk is full"), 2)
    expect(page.locator(".wf-strip", has_text="the disk is full")).to_be_visible()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"everything": 5}, "No call fits the filter."),
        ({"everything": 0, "served": ""}, "lab.serve() opens the lab"),
        ({"everything": 0}, "Programs reach the lab at http://127.0.0.1:3500"),
    ],
)
def test_an_empty_log_says_why_and_what_to_do(page: Page, more: dict[str, Any], words: str) -> None:
    show(page, api_log([], apps=[], apis=[], bins=[], p50=None, p95=None, **more))
    expect(page.locator(".wf-empty")).to_contain_text(words)
    assert not page.locator("[data-wf-calls]").is_visible()


def test_what_programs_say_of_themselves_is_text_and_never_markup(page: Page) -> None:
    said = ("app", "api", "method", "target", "status", "caller", "error")
    row = failed(0, **dict.fromkeys(said, HOSTILE))
    group = CallGroup(name=HOSTILE, count=1, failed=1)
    show(page, api_log([row], apps=[group], apis=[group], filter=ApiLogFilter(app=HOSTILE, text=HOSTILE), served=HOSTILE, code=HOSTILE))
    page.locator("[data-wf-calls] tbody tr").click()
    answer(page, "call", detail(call=row, workflow=HOSTILE, instance_id=HOSTILE, others=[row], others_total=1))
    expect(page.locator("[data-wf-value=error]")).to_contain_text("<img src=x")
    page.locator("[data-wf-tab^=Trace]").click()
    page.locator("[data-wf-action=table]").click()
    assert page.locator("[data-wf-view] :is(img, script)").count() == 0


def test_five_hundred_rows_are_as_many_as_a_page_ever_has(page: Page) -> None:
    show(page, api_log([call(place) for place in range(500)], total=100_000, page=500))
    expect(page.locator("[data-wf-calls] tbody tr")).to_have_count(500)
    expect(page.locator(".wf-pager")).to_contain_text("1–500 of 100,000")


@pytest.mark.parametrize("width", [320, 720, 1400])
def test_it_fits_its_width(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    show(page, api_log())
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "only the table scrolls, within itself"
