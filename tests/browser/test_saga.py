"""The saga trace in a notebook: acceptance 1 to 3 of its specification, against real runs, and what a person does about what is left."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenNotebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PROGRAM = """
%load_ext wflab
import wflab as wf
from datetime import timedelta
wfr = wf.WorkflowRuntime()
broken = {"book_insurance", "cancel_hotel"}
keys = []

def desk(name):
    def activity(ctx, given):
        if name == "cancel_hotel":
            keys.append(ctx.task_execution_id)
        if name in broken:
            raise OSError(f"{name} is lost")
        return f"{name}-22"
    wfr.register_activity(activity, name=name)

for thing in ("hotel", "flight", "car", "insurance"):
    desk(f"book_{thing}")
    desk(f"cancel_{thing}")

@wfr.activity
def slow(ctx, given):
    import time
    time.sleep(30)

@wfr.workflow
def trip(ctx, things):
    saga = wf.Saga(ctx)
    try:
        yield saga.step("book_hotel", undo="cancel_hotel", input=things)
        yield saga.step("book_flight", undo="cancel_flight", input=things)
        yield saga.step("book_car", undo="cancel_car", input=things)
        yield saga.step("book_insurance", undo="cancel_insurance", input=things)
    except wf.TaskFailedError:
        yield from saga.compensate()
        raise
    return "booked"

@wfr.workflow
def late(ctx, things):
    saga = wf.Saga(ctx)
    try:
        yield saga.step("book_hotel", undo="cancel_flight", input=things)
        yield saga.step(slow, undo="cancel_car", input=things, timeout=timedelta(milliseconds=100))
        yield saga.step("book_car", undo="cancel_car", input=things)
    except wf.TaskFailedError:
        yield from saga.compensate()
        raise

def ended(run):
    try:
        return run.result(60)
    except wf.WorkflowFailed as error:
        return error

run = lab.start(trip, ["a"], instance_id="part")
print(ended(run))
doubtful = lab.start(late, ["a"], instance_id="late")
print(ended(doubtful), "end")
"""
VIEW = "[data-wf-view=saga]"
PATIENCE_MS = 30_000
SEEN = (
    """view => [...view.querySelectorAll("tr[data-wf-comp] [data-wf-badge]")].map((badge) => [badge.dataset.wfBadge, badge.textContent])"""
)


def centre(view: Locator, name: str) -> float:
    box = view.locator(f"[data-wf-node={name}]").bounding_box()
    assert box is not None
    return box["y"] + box["height"] / 2


def test_a_rollback_in_part_is_a_ladder_and_is_put_right_from_the_page(open_notebook: OpenNotebook) -> None:
    page = open_notebook(
        PROGRAM,
        "saga = run.saga(); saga",
        "broken.clear(); print('cells', len(keys), 'end')",
        "print(saga.verdict, '|', len(set(keys)), 'key', len(keys), 'calls |', list(lab.sql(\"select from_where from audit\").from_where), 'end')",
    )
    page.run(0)
    expect(page.cell(0)).to_contain_text("end", timeout=PATIENCE_MS)
    page.run(1)
    view = page.cell(1).locator(VIEW)
    expect(view).to_have_attribute("data-wf-mode", "live", timeout=PATIENCE_MS)

    # acceptance 1
    rows = view.locator("tr[data-wf-comp]")
    expect(rows).to_have_count(4)
    for thing in ("hotel", "flight", "car"):
        assert abs(centre(view, f"book_{thing}") - centre(view, f"cancel_{thing}")) <= 1
    orders = view.locator("[data-wf-order-badge]").evaluate_all("all => all.map((one) => [one.getBoundingClientRect().y, one.textContent])")
    assert [order for _, order in sorted(orders, reverse=True)] == ["1", "2", "3"]
    verdict = view.locator("[data-wf-verdict]").inner_text()
    assert "PARTIALLY ROLLED BACK" in verdict
    assert "1" in verdict

    # acceptance 2, its first half
    never = view.locator("tr[data-wf-row]", has=page.page.locator("[data-wf-node=book_insurance]"))
    expect(never).to_have_attribute("data-wf-comp", "not-needed")
    expect(view.locator(f"[data-wf-bridge='{never.get_attribute('data-wf-row')}']")).to_have_count(0)
    expect(view.locator("[data-wf-bridge]")).to_have_count(3)

    # acceptance 3
    view.evaluate("view => { view.style.filter = 'grayscale(1)'; }")
    told = dict(view.evaluate(SEEN))
    assert len({told["compensated"], told["failed"], told["not-needed"]}) == 3
    expect(view.get_by_role("table").locator("tbody tr")).to_have_count(4)
    view.locator("[data-wf-action=table]").click()
    expect(view.locator(".wf-tablebox tbody tr")).to_have_count(4)
    view.locator("[data-wf-action=table]").click()

    # a dry run: another step fails, and nothing runs
    view.locator("[data-wf-action=failing]").select_option(label="if book_flight had failed")
    expect(view.locator("[data-wf-dry]")).to_contain_text("No activity ran", timeout=PATIENCE_MS)
    expect(view.locator("[data-wf-verdict]")).to_have_text("ROLLED BACK")
    view.locator("[data-wf-action=failing]").select_option(label="what happened")

    # both payloads, and the undo once more: first press asks, second press names the count
    view.locator("[data-wf-node=cancel_hotel]").click()
    expect(view.locator("[data-wf-side-of=back]")).to_contain_text("book_hotel-22", timeout=PATIENCE_MS)
    expect(view.locator("[data-wf-side-of=forward]")).to_contain_text("book_hotel-22")
    page.run(2)
    expect(page.cell(2)).to_contain_text("cells 1 end", timeout=PATIENCE_MS)
    view.locator("[data-wf-action=retry]").click()
    sure = view.locator("[data-wf-action=sure]")
    expect(sure).to_have_text("Retry 1 compensation", timeout=PATIENCE_MS)
    expect(view.locator("[data-wf-verdict]")).to_contain_text("PARTIALLY ROLLED BACK")
    sure.click()
    expect(view.locator("[data-wf-verdict]")).to_have_text("ROLLED BACK", timeout=PATIENCE_MS)
    expect(view.locator("[data-wf-node=cancel_hotel]")).to_have_attribute("data-wf-saga", "compensated")
    page.run(3)
    expect(page.cell(3)).to_contain_text("ROLLED BACK | 1 key 2 calls | ['saga view'] end", timeout=PATIENCE_MS)


def test_a_step_that_timed_out_is_in_doubt_until_a_person_settles_it(open_notebook: OpenNotebook) -> None:
    page = open_notebook(
        PROGRAM, "doubtful.saga()", "proof = lab.saga_proof(trip, ['a']); proof", "print(proof.is_clean, len(lab.runs.df()), 'end')"
    )
    page.run(0)
    expect(page.cell(0)).to_contain_text("end", timeout=PATIENCE_MS)
    page.run(1)
    view = page.cell(1).locator(VIEW)
    expect(view).to_have_attribute("data-wf-mode", "live", timeout=PATIENCE_MS)
    expect(view.locator("[data-wf-node=slow]")).to_have_attribute("data-wf-saga", "in-doubt")
    expect(view.locator("[data-wf-verdict]")).to_contain_text("1 needs attention")
    cells = page.page.locator(".jp-Notebook .jp-Cell").count()
    view.locator("[data-wf-node=slow]").focus()
    for key in ("b", "Shift+Enter"):
        page.page.keyboard.press(key)
    assert page.page.locator(".jp-Notebook .jp-Cell").count() == cells
    view.locator("[data-wf-left=slow] [data-wf-action=resolve]").click()
    why = view.locator("[data-wf-why]")
    expect(why).to_be_visible(timeout=PATIENCE_MS)
    why.fill("asked the desk: nothing was booked")
    why.press("Enter")
    expect(view.locator("[data-wf-verdict]")).to_have_text("ROLLED BACK", timeout=PATIENCE_MS)
    expect(view.locator("[data-wf-left=slow]")).to_contain_text("nothing was booked")
    page.run(2)
    expect(page.cell(2).locator("[data-wf-view=saga-proof]")).to_contain_text("CLEAN", timeout=PATIENCE_MS)
    page.run(3)
    expect(page.cell(3)).to_contain_text("True 2 end", timeout=PATIENCE_MS)
