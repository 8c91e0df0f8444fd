"""The built graph in a browser, without a kernel: what stays in place, what keys and clicks do, and how little of it there is."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.lab.conftest import Story
from tests.lab.views.graph_stories import BATCH, QUOTES, batch, graph_of, node, patched, picture, quotes, raced
from tests.lab.views.pages import SHOW, marks_of, page_with
from tests.lab.views.test_card import HOSTILE, hostile
from tests.lab.views.test_picture import chain
from wflab import protocol
from wflab.views.bundles import snapshot_of
from wflab.views.graph_calls import Wanted, detail_of, find_call, find_group, page_of
from wflab.views.graph_picture import graph_picture

VIEW = "[data-wf-view=graph]"
PLACES = "() => [...document.querySelectorAll('[data-wf-node]')].map((n) => [n.dataset.wfId, n.getBoundingClientRect().x, n.getBoundingClientRect().y])"
WATCH = """() => {
  window.longest = 0; window.spoken = [];
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) longest = Math.max(longest, entry.duration); }).observe({ type: "longtask" });
  const region = document.querySelector("[data-wf-view=graph] [role=status]");
  new MutationObserver(() => { if (region.textContent) spoken.push(region.textContent); }).observe(region, { childList: true, characterData: true, subtree: true });
}"""
MOST_NODES = 600

pytestmark = marks_of("graph")
Show = Callable[..., None]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with page_with(browser, "graph", width=1200) as page:
        yield page


def message(shown: protocol.GraphPicture, sequence: int = 1) -> dict[str, Any]:
    return protocol.as_data(protocol.ShowPicture(seq=sequence, picture=shown))


@pytest.fixture
def show(page: Page) -> Show:
    def show_it(shown: protocol.GraphPicture) -> None:
        page.evaluate(SHOW, message(shown))
        page.wait_for_selector(f"{VIEW} [data-wf-node]", state="attached")

    return show_it


def answer(page: Page, story: Story, source: str | None = None) -> None:
    """Answer what the page has asked for last, as the kernel would."""
    asked = page.wait_for_function("() => model.sent.findLast((sent) => sent.type === 'request' && !sent.done)").json_value()
    page.evaluate("(id) => { model.sent.find((sent) => sent.id === id).done = true; }", asked["id"])
    run = graph_of(story, source)

    def recorded(_key: int, numbers: Any) -> Any:
        wanted = set(numbers)
        return [
            row
            for row in story.rows
            if {getattr(row.event, "event_id", None), getattr(row.event, "task_scheduled_id", None)}
            & wanted  # what confirms and what answers
        ]

    given = asked["arguments"]
    if asked["what"] == "calls":
        wanted = Wanted(**given)
        data: Any = page_of(*find_group(run, wanted.group), wanted, recorded)
    else:
        data = detail_of(*find_call(run, given["span_id"]), recorded)
    page.evaluate("model.tell", protocol.as_data(protocol.Reply(id=asked["id"], data=data)))


def elements(page: Page) -> int:
    return page.locator(f"{VIEW} *").count()


def test_a_thousand_way_fan_out_is_few_elements_and_one_failure_is_seen(page: Page, show: Show) -> None:
    story = batch().turn()
    for number in range(1, 1001):
        (story.fails if number == 500 else story.returns)(number)  # one of them
    show(picture(story, BATCH))
    assert page.locator("[data-wf-node]").count() <= 20
    scores = page.locator("[data-wf-node=score_chunk]")
    assert scores.get_attribute("data-wf-count") == "1000"
    assert elements(page) < MOST_NODES
    widths = scores.locator(".wf-part").evaluate_all("parts => parts.map((part) => part.getBoundingClientRect().width)")
    whole = scores.locator(".wf-bar").evaluate("bar => bar.getBoundingClientRect().width")
    assert abs(sum(widths) - whole) <= 1
    failed = scores.locator(".wf-part[data-wf-state=FAILED]").evaluate("part => part.getBoundingClientRect().width")
    assert failed >= 2


def test_fifty_changes_of_state_move_nothing_and_say_little(page: Page, show: Show) -> None:
    story = batch().turn()
    run = graph_of(story, BATCH)
    show(graph_picture(run, story.rows, now=story.now))
    page.evaluate(WATCH)
    before = page.evaluate(PLACES)
    read = len(story.rows)
    for sequence in range(2, 52):
        for number in range((sequence - 2) * 20 + 1, (sequence - 1) * 20 + 1):
            (story.fails if number % 97 == 0 else story.returns)(number)
        run.fold.take(story.rows[read:])
        read = len(story.rows)
        page.evaluate("model.push", message(graph_picture(run, story.rows, now=story.now), sequence))
    expect(page.locator("[data-wf-node=score_chunk] [data-wf-state=COMPLETED]")).to_have_count(1)
    assert page.locator(VIEW).get_attribute("data-wf-seq") == "51"
    assert page.evaluate(PLACES) == before
    assert len(page.evaluate("spoken")) <= 3
    print(f"longest task over 50 updates: {page.evaluate('longest'):.0f} ms (0: none over 50)")  # noqa: T201  # a figure for whoever reads the run


def test_keys_lead_to_the_worst_call_and_its_details_and_leak_nothing(page: Page, show: Show) -> None:
    story = batch(300).turn()
    story.fails(120, "TimeoutError", "too slow").returns(1)
    show(picture(story, BATCH))
    page.evaluate("window.leaked = []; document.addEventListener('keydown', (event) => leaked.push(event.key))")
    page.locator("[data-wf-node=validate]").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.wfNode") == "score_chunk"
    page.keyboard.press("e")
    answer(page, story, BATCH)
    row = page.locator("[data-wf-panel] [data-wf-row='0']")
    expect(row).to_have_attribute("data-wf-state", "FAILED")
    expect(row).to_be_focused()
    page.keyboard.press("Enter")
    answer(page, story, BATCH)
    expect(page.locator("[data-wf-drawer]")).to_contain_text("score_chunk 119")
    focus = page.evaluate("model.sent.findLast((sent) => sent.type === 'set_focus').focus")
    assert (focus["instance_id"], focus["span_id"], focus["group"]) == ("7f3a9c", "1:a120", "workflow order_batch/activity score_chunk@3")
    page.click("[data-wf-tab=Error]")
    expect(page.locator("[data-wf-drawer]")).to_contain_text("too slow")
    page.click("[data-wf-tab=Input]")
    expect(page.locator("[data-wf-drawer]")).to_contain_text("(hidden)")
    assert "t-17" not in page.content()
    for key in ("b", "Shift+Enter"):
        page.keyboard.press(key)
    assert page.evaluate("leaked") == []
    for _ in range(3):  # the panel, the drawer, the view
        page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.className") == "jp-Cell"


def test_the_list_of_calls_is_narrowed_by_dragging_over_cells_and_histogram(page: Page, show: Show) -> None:
    story = batch(1000).turn()
    for number in range(1, 1001):
        story.later(milliseconds=number).returns(number)
    show(picture(story, BATCH))
    page.locator("[data-wf-node=score_chunk]").dblclick()
    answer(page, story, BATCH)
    for place, what in ((0, "places"), (1, "took")):
        box = page.locator("[data-wf-panel] .wf-brush").nth(place).bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 2, box["y"] + 5)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 5, steps=3)
        page.mouse.up()
        asked = page.evaluate("model.sent.findLast((sent) => sent.type === 'request').arguments")
        assert len(asked[what]) == 2
        answer(page, story, BATCH)
    assert asked["places"][0] == 0
    assert 400 < asked["places"][1] < 600  # half of a thousand
    expect(page.locator("[data-wf-panel]")).to_contain_text("showing ")
    page.click("[data-wf-action=panel-clear]")
    assert "places" not in page.evaluate("model.sent.findLast((sent) => sent.type === 'request').arguments")


def drag(page: Page, figure: str, begin: tuple[float, float], end: tuple[float, float]) -> None:
    """Over a figure in a node, from and to shares of its width and height."""
    box = page.locator(f"[data-wf-node=score_chunk] {figure}").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + begin[0] * box["width"], box["y"] + begin[1] * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + end[0] * box["width"], box["y"] + end[1] * box["height"], steps=4)
    assert page.locator("[data-wf-node=score_chunk] .wf-brushedpart").count() == 1
    page.mouse.up()
    assert page.locator(".wf-brushedpart").count() == 0


def arguments(page: Page) -> dict[str, Any]:
    return page.evaluate("model.sent.findLast((sent) => sent.type === 'request').arguments")  # type: ignore[no-any-return]  # as sent


@pytest.mark.parametrize("zoomed", [False, True])
def test_dragging_over_a_nodes_cells_or_histogram_lists_those_calls(page: Page, show: Show, *, zoomed: bool) -> None:
    story = batch(1000).turn()
    for number in range(1, 1001):
        story.later(milliseconds=number).returns(number)
    shown = picture(story, BATCH)
    show(shown)
    if zoomed:
        page.click("[aria-label^=smaller]")
    drag(page, ".wf-cells", (0.011, 0.1), (0.031, 0.3))  # the first cell of the first row to the second of the second, of 50 by 5
    assert (arguments(page)["places"], "took" in arguments(page)) == ([0, 207], False)
    answer(page, story, BATCH)
    expect(page.locator("[data-wf-panel] [data-wf-row='0']")).to_be_focused()
    expect(page.locator("[data-wf-panel]")).to_contain_text("showing 208 of 1,000")
    durations = node(shown, "score_chunk").durations
    assert durations is not None
    drag(page, ".wf-histogram", (0.5, 0.5), (1.0, 0.5))
    assert "places" not in arguments(page)
    low, high = arguments(page)["took"]
    assert low == pytest.approx((durations.low * durations.high) ** 0.5, rel=0.1)
    assert high == pytest.approx(durations.high, rel=0.1)
    assert page.evaluate("model.sent.filter((sent) => sent.type === 'set_focus').length") == 0, "a drag is no click"
    page.locator("[data-wf-node=score_chunk] .wf-cells").click()
    assert page.evaluate("model.sent.filter((sent) => sent.type === 'set_focus').length") == 1


def test_tidy_asks_for_new_places_by_button_and_key(page: Page, show: Show) -> None:
    show(picture(raced(), BATCH))
    button = page.locator("[data-wf-action=tidy]")
    expect(button).to_have_accessible_name("Tidy: lay all out anew")
    button.click()
    page.locator("[data-wf-node=validate]").focus()
    page.keyboard.press("l")
    assert page.evaluate("model.sent.filter((sent) => sent.what === 'tidy').length") == 2


def test_raced_calls_and_what_happened_beside_the_calls_are_drawn(page: Page, show: Show) -> None:
    story = quotes().later(seconds=2).turn().returns(0)
    story.call("offer")
    show(picture(story, QUOTES))
    assert page.locator("[data-wf-edges=won]").count() == 1
    assert page.locator("[data-wf-edges=lost]").count() == 1
    assert page.locator(".wf-struck").count() == 1
    expect(page.locator("[data-wf-node=ask_cheap]")).to_contain_text("lost the race, goes on")
    page.evaluate("model.push", message(picture(patched()), 2))
    assert page.locator("[data-wf-edges=mark]").count() == 1
    expect(page.locator("[data-wf-node=suspended]")).to_have_attribute("data-wf-state", "SUSPENDED")
    expect(page.locator("[data-wf-node=suspended]")).to_contain_text("audit")
    expect(page.locator("[data-wf-node=ask-first]")).to_have_attribute("aria-label", "patch ask-first")
    page.locator("[data-wf-action=detail]").fill("2")
    assert page.locator("[data-wf-kind=patch]").count() == 0


def test_detail_goes_from_the_workflow_alone_to_waits_and_timers(page: Page, show: Show) -> None:
    show(picture(raced(), BATCH))
    counts = []
    for level in range(4):
        page.locator("[data-wf-action=detail]").fill(str(level))
        counts.append(page.locator("[data-wf-node]").count())
    assert counts == [1, 4, 5, 8]
    assert page.locator("[data-wf-edges=lost]").count() == 1


def test_shift_and_two_clicks_tell_the_critical_path(page: Page, show: Show) -> None:
    show(picture(raced(), BATCH))
    page.locator("[data-wf-node=validate]").click(modifiers=["Shift"])
    page.locator("[data-wf-node=publish]").click(modifiers=["Shift"])
    expect(page.locator("[data-wf-said]")).to_contain_text("validate → score_chunk → approval → first of → publish · critical path 18 min")


def test_the_runs_that_reached_a_node_are_code_to_copy(page: Page, show: Show) -> None:
    show(picture(raced(), BATCH))
    page.locator("[data-wf-node=score_chunk]").click(button="right")
    expect(page.locator("[data-wf-said]")).to_have_text('lab.runs.reached("score_chunk", status="FAILED")')


def test_a_focus_set_elsewhere_is_marked_here(page: Page, show: Show) -> None:
    shown = picture(raced(), BATCH)
    show(shown)
    focus = protocol.Focus(instance_id="7f3a9c", group=node(shown, "publish").id, span_id="1:a33")
    page.evaluate("model.tell", protocol.as_data(protocol.FocusMoved(focus=focus)))
    expect(page.locator("[data-wf-focus=true]")).to_have_attribute("data-wf-node", "publish")


def test_what_was_not_taken_fades_and_what_is_planned_is_dashed(page: Page, show: Show) -> None:
    show(picture(raced(), BATCH))
    faded = page.locator("[data-wf-node=refund_all] .wf-badge")
    assert faded.evaluate("badge => getComputedStyle(badge).opacity") == "0.3", "what is drawn fades, words stay legible"
    expect(page.locator("[data-wf-node=refund_all]")).to_contain_text("not taken")
    assert page.locator("[data-wf-node=notify]").evaluate("node => getComputedStyle(node).borderStyle") == "dashed"


@pytest.mark.parametrize(
    "told", [lambda: picture(chain([f"s{n}" for n in range(60)])), lambda: picture(chain([f"s{n}" for n in range(300)]))]
)
def test_however_many_groups_there_are_the_elements_are_few(page: Page, show: Show, told: Callable[[], protocol.GraphPicture]) -> None:
    show(told())
    assert elements(page) <= MOST_NODES


def test_sixty_fan_outs_are_few_elements_too(page: Page, show: Show) -> None:
    story = Story("wide")
    for number in range(60):
        ids = [story.call(f"work_{number}") for _ in range(30)]
        story.turn()
        for place, one in enumerate(ids):
            (story.fails if place % 7 == 0 else story.returns)(one)
    show(picture(story))
    assert elements(page) <= MOST_NODES


def test_folded_groups_are_opened_by_their_scope_and_left_by_the_breadcrumb(page: Page, show: Show) -> None:
    story = chain([f"s{n}" for n in range(100)])
    folded = picture(story)
    show(folded)
    page.locator("[data-wf-kind=scope]").nth(1).dblclick()
    asked = page.evaluate("model.sent.findLast((sent) => sent.type === 'request')")
    assert (asked["what"], asked["arguments"]) == ("scope", {"path": [folded.groups[2].id]})
    page.evaluate("model.push", message(picture(story, path=asked["arguments"]["path"]), 2))
    expect(page.locator("[data-wf-node=s20]")).to_be_visible()
    page.click("[data-wf-crumb='']")
    assert page.evaluate("model.sent.findLast((sent) => sent.type === 'request').arguments") == {"path": []}


def test_a_child_is_asked_to_be_opened_in_place(page: Page, show: Show) -> None:
    story = Story("order")
    story.child("ship")
    show(picture(story))
    page.locator("[data-wf-node=ship]").focus()
    page.keyboard.press("o")
    asked = page.evaluate("model.sent.findLast((sent) => sent.type === 'request')")
    assert (asked["what"], asked["arguments"]["open"]) == ("expand", True)


def test_a_snapshot_shows_the_worst_calls_and_says_what_the_rest_needs(page: Page) -> None:
    story = batch(100).turn()
    story.fails(50)
    mount = """async (message) => { const { default: widget } = await import("/widget.js"); const died = { isDisposed: true };
      await widget.render({ model: { get: () => message, on: (event, slot) => event === "comm_live_update" && setTimeout(slot), off() {}, send() {}, widget_manager: { kernel: died } }, el: document.getElementById("cell") }); }"""
    snapshot = snapshot_of(picture(story, BATCH))["picture"]
    page.evaluate(mount, {"type": "picture", "seq": 1, "picture": snapshot})
    expect(page.locator(f"{VIEW}[data-wf-mode=snapshot]")).to_be_visible()
    page.locator("[data-wf-node=score_chunk]").dblclick()
    expect(page.locator("[data-wf-panel] [data-wf-row='0']")).to_have_attribute("data-wf-state", "FAILED")
    expect(page.locator("[data-wf-panel]")).to_contain_text("needs a running kernel")
    tidy = page.locator("[data-wf-action=tidy]")
    expect(tidy).to_be_disabled()
    assert "needs a running kernel" in (tidy.get_attribute("title") or "")
    drag(page, ".wf-cells", (0.1, 0.1), (0.3, 0.1))  # narrows nothing, and breaks nothing
    expect(page.locator(f"{VIEW} [role=status]")).to_contain_text("needs a running kernel")


def test_hostile_names_are_text(page: Page, show: Show) -> None:
    page.on("dialog", lambda _: pytest.fail("a name was run as a script"))
    show(picture(hostile()))
    page.locator("[data-wf-node]").first.hover()
    assert page.locator(f"{VIEW} :is(script, img)").count() == 0
    assert HOSTILE[:20] in page.locator("[data-wf-node] .wf-name").first.inner_text()


@pytest.mark.parametrize("width", [320, 700, 1400])
def test_nothing_sticks_out_at_any_width_and_buttons_can_be_hit(page: Page, show: Show, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for shown in (picture(raced(), BATCH), picture(hostile()), picture(chain([f"s{n}" for n in range(300)]))):
        show(shown)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    for button in page.locator(f"{VIEW} :is(button, summary)").all():
        box = button.bounding_box()
        assert box is None or box["height"] >= 24 or "wf-grip" in (button.get_attribute("class") or "")


def test_the_tree_is_a_tree_to_a_screen_reader(page: Page, show: Show) -> None:
    show(picture(raced(), BATCH))
    expect(page.locator(f"{VIEW}")).to_have_attribute(
        "aria-label", "Execution graph of order_batch 7f3a9c, running, 30 score_chunk calls, 1 failed"
    )
    assert page.locator("[role=tree] [role=treeitem]").count() == 8
    assert page.locator("[role=treeitem][tabindex='0']").count() == 1
    expect(page.locator("[data-wf-node=score_chunk]")).to_have_attribute("aria-label", "score_chunk, group of 30: 29 completed, 1 failed")


def test_the_same_is_a_table_on_demand(page: Page, show: Show) -> None:
    show(picture(raced(), BATCH))
    page.click("[data-wf-action=table]")
    expect(page.locator(f"{VIEW} table caption")).to_have_text("Groups of order_batch")
    assert page.locator(f"{VIEW} tbody tr").count() == 8
