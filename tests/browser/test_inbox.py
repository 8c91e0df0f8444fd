"""The inbox in a real JupyterLab, and one answer per wait wherever it is given from."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import SEED, OpenNotebook
from tests.browser.jupyter_server import JupyterServer, NotebookPage, until

pytestmark = pytest.mark.browser

ASKS = """
SCHEMA = {"type": "object", "properties": {"approved": {"type": "boolean"}, "note": {"type": "string", "maxLength": 200}}, "required": ["approved"]}
@wfr.workflow
def asks(ctx, seconds):
    try:
        answer = yield ctx.wait_for_external_event("human_approval", timeout=timedelta(seconds=seconds), title="Ship it?", schema=SCHEMA)
    except TimeoutError:
        return "the timeout branch"
    return ["approved" if answer["approved"] else "rejected", answer.get("note")]
def count(run):
    return list(run.history()["type"]).count("EventRaised")
"""
BARE = """
@wfr.workflow
def bare(ctx, _):
    return (yield ctx.wait_for_external_event("human_approval"))
"""
DESK = "[data-wf-view=inbox] [data-wf-desk]"
APPROVE = "[data-wf-action=approve]"
ITEM = "[data-wf-view=inbox] [data-wf-item]"


def open_first(page: NotebookPage, cell: int) -> None:
    page.cell(cell).locator("[data-wf-view=inbox]").scroll_into_view_if_needed(timeout=30_000)  # unseen, it would be sent nothing
    page.cell(cell).locator(ITEM).first.click(timeout=30_000)
    expect(page.cell(cell).locator(DESK)).to_be_visible()


def test_a_question_is_answered_through_its_form_and_the_waiting_cell_goes_on(open_notebook: OpenNotebook) -> None:
    page = open_notebook(
        SEED + ASKS,
        "lab.inbox()",
        "run = lab.start(asks, 20)\nprint(run.result(60), count(run))",
        "lab.sql('select who, what, from_where, why from audit')",
    )
    page.run(0)
    page.run(1)
    expect(page.cell(1).locator(".wf-empty")).to_contain_text("Nothing is waiting on you")
    page.start(2)
    expect(page.cell(1).locator(ITEM)).to_have_count(1, timeout=20_000)
    open_first(page, 1)
    desk = page.cell(1).locator(DESK)
    desk.locator("[data-wf-field=note]").fill("x" * 201)
    desk.locator(APPROVE).click()
    expect(desk.locator(".wf-wrong", has_text="at most 200")).to_be_visible()
    desk.locator("[data-wf-field=note]").fill("go")
    desk.locator("[data-wf-field=comment]").fill("checked twice")
    desk.locator(APPROVE).click()
    expect(page.cell(2)).to_contain_text("['approved', 'go'] 1", timeout=30_000)
    expect(desk.locator(".wf-deskword")).to_contain_text("it is in the history", timeout=10_000)
    page.run(3)
    expect(page.cell(3)).to_contain_text("approve human_approval", timeout=20_000)
    expect(page.cell(3)).to_contain_text("checked twice")
    expect(page.cell(3)).to_contain_text("inbox")


def test_the_deadline_wins_over_an_open_form(open_notebook: OpenNotebook) -> None:
    page = open_notebook(
        SEED + ASKS,
        "lab.inbox()",
        "run = lab.start(asks, 6)",
        "print(run.result(60), count(run), 'TimerFired' in set(run.history()['type']))",
    )
    page.run(0)
    page.run(1)
    page.run(2)
    open_first(page, 1)
    desk = page.cell(1).locator(DESK)
    desk.locator("[data-wf-field=note]").fill("still thinking")
    expect(desk.locator(".wf-deskword")).to_contain_text("timed out at", timeout=30_000)
    assert desk.locator(f"{APPROVE}:enabled, [data-wf-action=reject]:enabled").count() == 0
    page.run(3)
    expect(page.cell(3)).to_contain_text("the timeout branch 0 True", timeout=30_000)


def test_of_two_browsers_one_wins_and_the_other_reads_who(
    open_notebook: OpenNotebook, browser: Browser, server: JupyterServer, folder: Path
) -> None:
    page = open_notebook(SEED + ASKS, "lab.inbox()", "run = lab.start(asks, 900)", "print(run.result(60), count(run))")
    page.run(0)
    page.run(1)
    page.run(2)
    page.save()
    other = open_notebook(browser=browser.new_context())  # one that shares nothing with the first
    other.run(1)  # a view of its own on the same kernel
    for one in (page, other):
        open_first(one, 1)
    page.cell(1).locator(f"{DESK} {APPROVE}").click(no_wait_after=True)
    other.cell(1).locator(f"{DESK} [data-wf-action=reject]").click(no_wait_after=True, timeout=5000)
    word = ".wf-deskword"

    def words() -> list[str]:
        found = [one.cell(1).locator(f"{DESK} {word}").inner_text() for one in (page, other)]
        return sorted(found) if any("already decided by" in text for text in found) else []

    said = until(words, "the loser reads who was first", 30)
    assert "already decided by" in said[0]
    page.run(3)
    expect(page.cell(3)).to_contain_text("1", timeout=30_000)
    assert page.output(3).strip().endswith(" 1")
    del server, folder


def test_each_way_to_answer_works_with_a_blocked_cell_and_with_an_idle_kernel(open_notebook: OpenNotebook) -> None:
    page = open_notebook(
        SEED + BARE,
        "run = lab.start(bare)\nrun",
        "print('got', run.result(60), list(run.history()['type']).count('EventRaised'))",
        "lab.inbox()",
        "later = lab.start(bare)\nimport threading\nthreading.Timer(1, later.approve).start()\nprint('got', later.result(60))",
        "run2 = lab.start(bare)\nrun2",
        "%wf approve last",
        "%wf approve last",
        "run3 = lab.start(bare)",
        "print('got', run3.result(60))",
        "print(lab.sql('select what, from_where, count(*) n from audit group by all order by all').to_string())",
    )
    page.run(0)
    page.run(1)
    page.start(2)
    page.cell(1).locator(APPROVE).click(timeout=30_000)  # the display, with a blocked cell
    expect(page.cell(2)).to_contain_text("got True 1", timeout=20_000)
    page.run(4)  # run.approve() from a thread, with a blocked cell
    expect(page.cell(4)).to_contain_text("got True", timeout=30_000)
    page.run(5)
    page.run(6)  # %wf approve with an idle kernel
    page.run(7)
    expect(page.cell(7)).to_contain_text("already decided by", timeout=20_000)
    page.run(3)
    page.run(8)
    open_first(page, 3)
    page.cell(3).locator(f"{DESK} {APPROVE}").click()  # the inbox, with an idle kernel
    expect(page.cell(3).locator(f"{DESK} .wf-deskword")).to_contain_text("it is in the history", timeout=20_000)
    page.run(9)
    expect(page.cell(9)).to_contain_text("got True", timeout=20_000)
    page.run(10)
    for told in ("display", "inbox", "run"):
        expect(page.cell(10)).to_contain_text(told, timeout=20_000)


def test_a_hundred_double_clicks_are_one_event(open_notebook: OpenNotebook) -> None:
    page = open_notebook(
        SEED + BARE, "run = lab.start(bare)\nrun", "print('events', list(run.history()['type']).count('EventRaised'), run.result(60))"
    )
    page.run(0)
    page.run(1)
    button = page.cell(1).locator(APPROVE)
    expect(button).to_be_visible(timeout=30_000)
    button.evaluate("button => { for (let n = 0; n < 200; n += 1) { button.disabled = false; button.click(); } }")
    page.run(2)
    expect(page.cell(2)).to_contain_text("events 1 True", timeout=30_000)
