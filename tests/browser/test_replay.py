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
