"""The timeline in a notebook: a real run with retries, a fan-out and a wait, as its user sees it live and saved."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenNotebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PROGRAM = """
%load_ext wflab
import wflab as wf
from datetime import timedelta
wfr = wf.WorkflowRuntime()
tries = []
@wfr.activity
def charge_card(ctx, amount):
    tries.append(amount)
    if len(tries) < 3:
        raise ValueError("declined")
    return {"paid": amount}
@wfr.activity
def score(ctx, number):
    return number
@wfr.workflow
def order(ctx, amount):
    policy = wf.RetryPolicy(first_retry_interval=timedelta(milliseconds=50), max_number_of_attempts=3)
    yield ctx.call_activity(charge_card, input=amount, retry_policy=policy)
    yield wf.when_all([ctx.call_activity(score, input=n) for n in range(40)])
    approval = ctx.wait_for_external_event("human_approval")
    timeout = ctx.create_timer(timedelta(days=7))
    yield wf.when_any([approval, timeout])
    return amount
run = lab.start(order, 500)
"""
VIEW = "[data-wf-view=timeline]"


def test_a_timeline_is_live_answers_its_page_and_stays_when_the_run_is_over(open_notebook: OpenNotebook) -> None:
    page = open_notebook(
        PROGRAM,
        "tl = run.timeline()\ntl",
        "print('looks at', lab.focus.value.span_id, len(tl.selection))",
        "run.approve(); run.result(30)",
    )
    page.run(0)
    page.run(1)
    cell = page.cell(1)
    card = cell.locator("[data-wf-node=charge_card]")
    expect(card).to_be_visible(timeout=20_000)
    expect(card.locator("[data-wf-attempt]")).to_have_count(3)
    expect(card.locator("[data-wf-phase=backoff]")).to_have_count(2)
    expect(cell.locator("[data-wf-node=score]")).to_have_attribute("data-wf-count", "40")
    expect(cell.locator("[data-wf-node=human_approval]")).to_have_attribute("data-wf-state", "SUSPENDED", timeout=20_000)
    cells = page.page.locator(".jp-Notebook .jp-Cell").count()
    card.click(position={"x": 90, "y": 12})
    cell.locator("[data-wf-tab=Output]").click()
    expect(cell.locator("[data-wf-drawer]")).to_contain_text('"paid"', timeout=10_000)
    for key in ("b", "Shift+Enter", "w", "0"):  # `b` compares, and inserts no cell
        card.press(key)
    assert page.page.locator(".jp-Notebook .jp-Cell").count() == cells
    last = cell.locator("[data-wf-node=human_approval]").bounding_box()
    first = card.bounding_box()
    assert first is not None
    assert last is not None
    page.page.keyboard.down("Shift")
    page.page.mouse.move(first["x"] + first["width"] - 90, first["y"] + 14)
    page.page.mouse.down()
    page.page.mouse.move(first["x"] + 150, first["y"] + 4, steps=4)  # past the beginning: the first attempt took a millisecond of seconds
    page.page.mouse.up()
    page.page.keyboard.up("Shift")
    expect(cell.locator(".wf-card")).to_contain_text("3 spans in `.selection`", timeout=10_000)
    page.run(2)
    expect(page.cell(2)).to_contain_text("3", timeout=10_000)
    assert "looks at 1:a0 3" in page.output(2)
    page.run(3)
    expect(cell.locator("[data-wf-mode=static], [data-wf-state=COMPLETED]").first).to_be_visible(timeout=20_000)
