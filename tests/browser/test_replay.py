"""The replay in a notebook: JupyterLab and Chromium are real, and so are the keys."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenNotebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PROGRAM = """
%load_ext wflab
import wflab as wf
from datetime import timedelta
wfr = wf.WorkflowRuntime()
RAN = []
THRICE = wf.RetryPolicy(first_retry_interval=timedelta(milliseconds=5), max_number_of_attempts=3)

@wfr.activity
def reserve(ctx, o):
    RAN.append("reserve")
    return "rsv-991"

@wfr.activity
def charge_card(ctx, total):
    RAN.append("charge_card")
    if RAN.count("charge_card") % 3:
        raise ValueError("declined")
    return {"id": "p-3", "amount": total}

@wfr.activity
def ship(ctx, what):
    RAN.append("ship")
    return "shipped"
"""
ORDER = """
@wfr.workflow
def order(ctx, o):
    inv = yield ctx.call_activity(reserve, input=o)
    pay = yield ctx.call_activity(charge_card, input=o["total"], retry_policy=THRICE)
    lines = {"of": [1, 2]}
    yield ctx.create_timer(timedelta(milliseconds=10))
    del inv
    ok = yield ctx.call_activity(ship, input="a")
    lines["of"].append(3)
    yield ctx.call_activity(ship, input="b")
    return (yield ctx.call_activity(ship, input=[pay, ok]))
"""
EDITED = ORDER.replace("yield ctx.create_timer(timedelta(milliseconds=10))", 'yield ctx.call_activity(ship, input="early")')
CURRENT = "[aria-current=step]"
LOCALS = "[data-wf-locals]"
PATIENCE_MS = 30_000


def test_a_run_is_stepped_through_explained_and_forked_from(open_notebook: OpenNotebook) -> None:
    """VIEWS.md 7c, acceptance 1 and 2: nine steps, of which the fifth adds `pay` and the seventh has lost `inv`."""
    page = open_notebook(
        PROGRAM + ORDER,
        "run = lab.start(order, {'id': 'A17', 'total': 1800}, instance_id='seen')\nprint(run.result(60))",
        "before = list(RAN)\nrun.replay()",
        "print('untouched:', before == RAN, len(run.history()))",
    )
    for index in range(3):
        page.run(index)
    cell = page.cell(2)
    view = cell.locator("[data-wf-view=replay]")
    slider = view.locator("[data-wf-slider]")
    expect(slider).to_have_attribute("aria-valuemax", "9", timeout=PATIENCE_MS)
    slider.focus()
    page.page.keyboard.press("Home")
    for _ in range(4):
        page.page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuenow", "5")
    expect(view.locator(CURRENT)).to_have_count(1)
    expect(view.locator(CURRENT)).to_contain_text('pay = yield ctx.call_activity(charge_card, input=o["total"]')
    expect(view.locator(f"{LOCALS} [data-wf-variable=pay]")).to_have_attribute("data-wf-diff", "added")
    text = view.locator(LOCALS).inner_text()
    page.page.keyboard.press("ArrowRight")
    page.page.keyboard.press("ArrowLeft")
    assert view.locator(LOCALS).inner_text() == text

    view.locator(f"{LOCALS} [data-wf-variable=lines] > .wf-parts > summary").click()
    slider.focus()
    page.page.keyboard.press("ArrowRight")
    expect(view.locator(f"{LOCALS} [data-wf-variable=inv]")).to_have_attribute("data-wf-diff", "removed")
    page.page.keyboard.press("ArrowRight")
    for _ in range(10):
        page.page.keyboard.press("ArrowLeft")
        page.page.keyboard.press("ArrowRight")
    lines = view.locator(f"{LOCALS} [data-wf-variable=lines]")
    expect(lines).to_have_attribute("data-wf-diff", "changed")
    expect(lines.locator("> .wf-parts")).to_have_attribute("open", "")

    # What only the kernel knows: why, and where an expression holds.
    page.page.keyboard.press("d")
    view.locator(f"{LOCALS} [data-wf-variable=pay] .wf-varname").click()
    expect(view.locator("[data-wf-chain]")).to_contain_text("result of charge_card attempt 3", timeout=PATIENCE_MS)
    expect(view.locator("[data-wf-chain]")).to_contain_text("workflow input")
    view.locator("[data-wf-field=breakpoint]").fill("pay['amount'] > 1000")
    page.page.keyboard.press("Enter")
    expect(view.locator("[data-wf-hits] [data-wf-action=hit]")).to_have_count(5, timeout=PATIENCE_MS)
    cells = page.page.locator(".jp-Notebook .jp-Cell").count()
    slider.focus()
    for key in ("b", "Escape", "Shift+Enter"):
        page.page.keyboard.press(key)
    assert page.page.locator(".jp-Notebook .jp-Cell").count() == cells
    page.run(3)
    expect(page.cell(3)).to_contain_text("untouched: True", timeout=PATIENCE_MS)


def test_an_edited_workflow_parts_from_its_history_and_an_unchanged_one_does_not(open_notebook: OpenNotebook) -> None:
    """VIEWS.md 7c, acceptance 3."""
    page = open_notebook(
        PROGRAM + ORDER,
        "run = lab.start(order, {'id': 'A17', 'total': 1800}, instance_id='seen')\nprint(run.result(60))",
        "run.replay(code=order)",
        EDITED,
        "run.replay(code=order)",
        "run.replay()",
        "run.replay(code=order).freeze()\nrun.replay(code=order)",
    )
    for index in range(6):
        page.run(index)
    same, other, own = (page.cell(index).locator("[data-wf-view=replay]") for index in (2, 4, 5))
    expect(same.locator("[data-wf-slider]")).to_have_attribute("aria-valuemax", "9", timeout=PATIENCE_MS)
    expect(same.locator("[data-wf-divergence]")).to_have_count(0)
    parted = other.locator("[data-wf-divergence]")
    expect(parted.locator("[data-wf-expected]")).to_have_text("create_timer", timeout=PATIENCE_MS)
    expect(parted.locator("[data-wf-produced]")).to_have_text("call_activity('ship')")
    expect(parted.locator("[data-wf-sourceline]")).to_contain_text('yield ctx.call_activity(ship, input="early")')
    expect(other.locator("[data-wf-tick='9']")).to_have_attribute("data-wf-outcome", "X")
    expect(own.locator("[data-wf-divergence]")).to_have_count(0)
    expect(own.locator("[data-wf-banner]")).to_contain_text("was edited since")
    expect(own.locator(".wf-listing")).to_contain_text("create_timer")


CELLS = "() => window.jupyterapp.shell.currentWidget.content.widgets.map((cell) => [cell.model.type, cell.model.sharedModel.getSource()])"
WICKED = '<img src=x onerror="window.pwned=1"> **b** $m$ @@0@@ `c` [x](javascript:window.pwned=1)'


def test_notes_stay_with_the_run_and_lead_back_from_the_notebook(open_notebook: OpenNotebook) -> None:
    """VIEWS.md 7c, `Note`: pinned notes become a Markdown cell with links."""
    page = open_notebook(
        PROGRAM + ORDER,
        "run = lab.start(order, {'id': 'A17', 'total': 1800}, instance_id='seen')\nprint(run.result(60))",
        "run.replay()",
        "print(list(run.replay().notes['step']), len(run.history()))",
        "run.replay(1)",
    )
    for index in range(3):
        page.run(index)
    view = page.cell(2).locator("[data-wf-view=replay]")
    slider = view.locator("[data-wf-slider]")
    expect(slider).to_have_attribute("aria-valuemax", "9", timeout=PATIENCE_MS)
    slider.focus()
    for place, said in (("Home", "the beginning"), ("End", WICKED)):
        page.page.keyboard.press(place)
        page.page.keyboard.press("n")
        expect(view.locator("[data-wf-field=note]")).to_be_focused()
        page.page.keyboard.insert_text(said)
        page.page.keyboard.press("Enter")
        expect(view.locator("[data-wf-noteform]")).to_be_hidden(timeout=PATIENCE_MS)
        expect(slider).to_be_focused()
    expect(view.locator("[data-wf-note] .wf-notetext")).to_have_text(["the beginning", WICKED], timeout=PATIENCE_MS)
    expect(view.locator("[data-wf-notemark]")).to_have_count(2)
    page.run(3)
    expect(page.cell(3)).to_contain_text("[1, 9]", timeout=PATIENCE_MS)

    # The cell run again, and another replay of the run, have them, too.
    page.run(2)
    expect(view.locator("[data-wf-note]")).to_have_count(2, timeout=PATIENCE_MS)
    page.run(4)
    other = page.cell(4).locator("[data-wf-view=replay]")
    expect(other.locator("[data-wf-note]")).to_have_count(2, timeout=PATIENCE_MS)

    # One Markdown cell below, in which they are text with links back.
    before = page.page.evaluate(CELLS)
    view.locator("[data-wf-action=notes-insert]").click()
    expect(view.locator("[data-wf-notestold]")).to_have_text("Inserted below.")
    after = page.page.evaluate(CELLS)
    assert after == [*before[:3], after[3], *before[3:]]
    assert after[3][0] == "markdown"
    drawn = page.cell(3).locator(".jp-RenderedMarkdown")
    expect(drawn.locator("ul > li")).to_have_count(2, timeout=PATIENCE_MS)
    expect(drawn.locator("li").nth(1)).to_have_text(f"Step 9, line 11, ship completed: {WICKED}")
    assert drawn.locator(":is(img, script, li strong, li em, mjx-container, h1, h2)").count() == 0
    assert drawn.locator("a").evaluate_all("links => links.map((link) => link.getAttribute('href'))") == [
        "#wflab-replay/seen/1",
        "#wflab-replay/seen/9",
    ]
    assert page.page.evaluate("() => window.pwned") is None
    drawn.locator("a").first.click()
    expect(view.locator("[data-wf-position]")).to_have_text("step 1 of 9")
    assert page.page.evaluate("() => location.hash") == ""

    # The page loaded anew shows them from what the notebook holds; removed in one place they are gone in the other.
    page.save()
    page.page.reload()
    page.page.wait_for_selector(".jp-Notebook .jp-Cell")
    expect(page.cell(2).locator("[data-wf-note] .wf-notetext")).to_have_text(["the beginning", WICKED], timeout=PATIENCE_MS)


def test_the_replay_and_the_other_views_look_at_the_same_call(open_notebook: OpenNotebook) -> None:
    page = open_notebook(
        PROGRAM + ORDER,
        "run = lab.start(order, {'id': 'A17', 'total': 1800}, instance_id='seen')\nprint(run.result(60))",
        "run.replay()",
        "run.graph()",
        "run.timeline()",
        "print(lab.focus.df()[['name', 'attempt']].astype(str).values.tolist())",
        "lab.focus.set('seen', span_id=run.spans().query(\"name == 'reserve'\")['span_id'].iloc[0])",
    )
    for index in range(5):
        page.run(index)
    replay = page.cell(2).locator("[data-wf-view=replay]")
    graph = page.cell(3).locator("[data-wf-view=graph]")
    timeline = page.cell(4).locator("[data-wf-view=timeline]")
    place = replay.locator("[data-wf-position]")
    expect(timeline.locator("[data-wf-node=ship]").first).to_be_visible(timeout=PATIENCE_MS)
    replay.locator("[data-wf-slider]").focus()
    page.page.keyboard.press("Home")
    for _ in range(4):
        page.page.keyboard.press("ArrowRight")
    expect(graph.locator("[data-wf-focus=true]")).to_have_attribute("data-wf-node", "charge_card", timeout=PATIENCE_MS)
    expect(timeline.locator("[data-wf-node=charge_card]")).to_have_attribute("data-wf-focus", "true")
    expect(place).to_have_text("step 5 of 9")
    page.run(5)
    expect(page.cell(5)).to_contain_text("[['charge_card', '3']]", timeout=PATIENCE_MS)

    # From the graph, from Python, from the timeline: the replay follows, and says nothing that would turn them back.
    graph.locator("[data-wf-node*=timer]").first.click()
    expect(place).to_have_text("step 6 of 9", timeout=PATIENCE_MS)
    page.run(6)
    expect(place).to_have_text("step 2 of 9", timeout=PATIENCE_MS)
    expect(graph.locator("[data-wf-focus=true]")).to_have_attribute("data-wf-node", "reserve")
    timeline.locator("[data-wf-node=charge_card]").first.click()
    expect(place).to_have_text("step 5 of 9", timeout=PATIENCE_MS)
    expect(graph.locator("[data-wf-focus=true]")).to_have_attribute("data-wf-node", "charge_card")
