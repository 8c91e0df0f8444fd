"""axe-core has nothing grave to say about any view or panel, in light and in dark: live, opened up, as table, and as what nbconvert makes of it."""

import os
import signal
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.axe import AXE, Audit, audit, tell
from tests.browser.conftest import OpenNotebook
from tests.browser.jupyter_server import NotebookPage, until

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: make setup"),
]

PROGRAM = """
%load_ext wflab
import wflab as wf
from datetime import timedelta
wfr = wf.WorkflowRuntime()
SCHEMA = {"type": "object", "description": "All is packed.", "required": ["approved"], "properties": {
    "approved": {"type": "boolean"}, "note": {"type": "string", "maxLength": 200, "description": "who is to know why"},
    "level": {"enum": ["low", "high"]}, "share": {"type": "number", "minimum": 0, "maximum": 1}}}

@wfr.activity
def charge_card(ctx, amount):
    if amount < 0:
        raise ValueError("declined")
    return {"paid": amount}

@wfr.activity
def score(ctx, place):
    if place % 83 == 7:
        raise ValueError(f"chunk {place} cannot be scored")
    return place

@wfr.workflow
def ship(ctx, item):
    yield ctx.call_activity(charge_card, input=1)
    yield ctx.wait_for_external_event("go")

@wfr.workflow
def order(ctx, width):
    policy = wf.RetryPolicy(first_retry_interval=timedelta(milliseconds=20), max_number_of_attempts=3)
    try:
        yield ctx.call_activity(charge_card, input=-1, retry_policy=policy)
    except wf.TaskFailedError:
        pass
    for one in [ctx.call_activity(score, input=place) for place in range(width)]:
        try:
            yield one
        except wf.TaskFailedError:
            pass
    ctx.set_custom_status("packing")
    child = ctx.call_child_workflow(ship, input="book")
    approval = ctx.wait_for_external_event("human_approval", title="Ship it?", schema=SCHEMA, timeout=timedelta(days=1))
    yield wf.when_any([approval, child, ctx.create_timer(timedelta(days=7))])
    return "shipped"

@wfr.activity
def cannot(ctx, given):
    raise ValueError("declined")

@wfr.workflow
def trip(ctx, width):
    saga = wf.Saga(ctx)
    try:
        yield saga.step(charge_card, undo=cannot, input=1)
        yield wf.when_all([saga.step(score, undo=score, input=1) for _ in range(width)])
        yield saga.step(cannot, undo=score)
    except wf.TaskFailedError:
        yield from saga.compensate()
        raise

undone = lab.start(trip, 12, instance_id="undone")
try:
    undone.result(60)
except wf.WorkflowFailed:
    pass
"""
WIDTH = 1000
CELLS = [
    PROGRAM,
    f"run = lab.start(order, {WIDTH}, instance_id='wide')\nrun",
    "run.graph()",
    "run.timeline()",
    "lab.inbox()",
    "undone.saga()",
    "replay = run.replay()\nreplay.note(1, 'here it began')\nreplay.note(-1, 'and here it waits')\nreplay",
    "lab.dashboard(name='order')",
    "lab.focus.set('wide'); run.graph().save('wide.wfhistory.json')\nimport os; print('kernel', os.getpid(), 'end')",
]
VIEWS = {1: "run", 2: "graph", 3: "timeline", 4: "inbox", 5: "saga", 6: "replay", 7: "dashboard"}
LAST = len(CELLS) - 1
OURS = "[data-wf-view], [data-wf-panel]"
PATIENCE_MS = 30_000


def show_all(page: NotebookPage) -> None:
    """Every view and panel, with the run waiting."""
    page.run(0)
    page.run(1)
    expect(page.cell(1).locator("[data-wf-action=approve]")).to_be_visible(timeout=PATIENCE_MS)
    for index in range(2, len(CELLS)):
        page.run(index)
        if index in VIEWS:
            expect(view(page, index)).to_have_attribute("data-wf-mode", "live", timeout=PATIENCE_MS)
    page.command("wflab:show-sidebar")
    page.command("wflab:show-inspector")
    expect(page.page.locator("[data-wf-panel=inspector]")).to_contain_text("order", timeout=PATIENCE_MS)
    expect(page.page.locator("[data-wf-panel=sidebar] [data-wf-run=wide]")).to_be_visible(timeout=PATIENCE_MS)
    page.cell(4).locator("[data-wf-item]").first.click(timeout=PATIENCE_MS)
    expect(page.cell(4).locator("[data-wf-field=note]")).to_be_visible()
    expect(page.cell(4).locator(".wf-about")).to_contain_text("The run is", timeout=PATIENCE_MS)
    expect(page.cell(LAST)).to_contain_text("end", timeout=PATIENCE_MS)


def view(page: NotebookPage, index: int) -> Locator:
    """The view in a cell."""
    return page.cell(index).locator(f"[data-wf-view={VIEWS[index]}]")


def open_up(page: NotebookPage) -> None:
    """The calls of the fan-out, the details of one and of the other view, the marks for many answers, the payloads of the run."""
    graph, timeline = view(page, 2), view(page, 3)
    graph.locator("[data-wf-node=score]").click()
    graph.locator("[data-wf-action=calls]").click()
    expect(graph.locator("[data-wf-row='0']")).to_be_visible(timeout=PATIENCE_MS)
    graph.locator("[data-wf-row='0']").click()
    expect(graph.locator("[data-wf-drawer]")).to_be_visible(timeout=PATIENCE_MS)
    row, details = timeline.locator("[data-wf-node=charge_card]").first, timeline.locator("[data-wf-drawer]")

    def is_open() -> bool:
        row.click(position={"x": 90, "y": 12})
        return details.is_visible()

    until(is_open, "the details of a row are shown")  # pressed again where what opened above has pushed the row away under the pointer
    inbox = view(page, 4)
    inbox.locator("[data-wf-field=note]").fill("x" * 201)
    inbox.locator("[data-wf-desk] [data-wf-action=approve]").click()
    expect(inbox.locator("[aria-invalid]")).to_be_visible()
    inbox.locator("[data-wf-action=bulk]").click()
    saga = view(page, 5)
    saga.locator("[data-wf-node=cannot]").first.click()
    expect(saga.locator("[data-wf-side-of=back]")).to_be_visible(timeout=PATIENCE_MS)
    saga.locator("[data-wf-action=skip]").first.click()
    expect(saga.locator("[data-wf-why]")).to_be_visible(timeout=PATIENCE_MS)
    replay = view(page, 6)
    replay.locator("[data-wf-action=note]").click()
    expect(replay.locator("[data-wf-field=note]")).to_be_focused()
    replay.locator("[data-wf-action=note-keep]").click()
    page.command("wflab:open", view="run")
    expect(page.page.locator("[data-wf-panel=beside] [data-wf-view=run]")).to_be_visible(timeout=PATIENCE_MS)
    page.page.evaluate("() => document.querySelectorAll('[data-wf-view=run] details').forEach((one) => { one.open = true; })")


def press_in_each(page: NotebookPage, action: str) -> None:
    """The same button of each view that has the shell."""
    for index in (2, 3, 4, 5):
        view(page, index).locator(f"[data-wf-action={action}]").click()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_grave_in_any_view_or_panel(open_notebook: OpenNotebook, folder: Path, theme: str) -> None:
    page = open_notebook(*CELLS, theme=theme)
    show_all(page)
    audits: dict[str, Audit] = {"live": audit(page.page, OURS)}
    open_up(page)
    audits["opened up"] = audit(page.page, OURS)
    press_in_each(page, "table")
    expect(view(page, 2).locator(".wf-tablebox")).to_be_visible()
    audits["as table"] = audit(page.page, "[data-wf-view]")
    press_in_each(page, "help")
    audits["with the keys"] = audit(page.page, "[data-wf-view]")
    press_in_each(page, "close-help")
    press_in_each(page, "table")
    said = page.cell(LAST).locator(".jp-Cell-outputArea").text_content() or ""  # also where it is far out of sight
    os.kill(int(said.split("kernel")[1].split()[0]), signal.SIGKILL)
    page.dismiss_restart_note()
    expect(page.page.locator("[data-wf-panel=sidebar]")).to_contain_text("The kernel is gone", timeout=PATIENCE_MS)
    expect(view(page, 2)).to_have_attribute("data-wf-mode", "snapshot", timeout=PATIENCE_MS)
    audits["without a kernel"] = audit(page.page, OURS)
    page.command("docmanager:open", path=f"{folder.name}/wide.wfhistory.json")
    expect(page.page.locator("[data-wf-panel=history] [data-wf-view=graph]")).to_be_visible(timeout=PATIENCE_MS)
    audits["a file"] = audit(page.page, "[data-wf-panel=history]")
    tell(theme, list(audits.values()))
    assert set(audits["live"].roots) >= {*VIEWS.values(), "panel sidebar", "panel inspector", "panel status"}
    assert min(audits["live"].roots.values()) > 0, "axe-core compares the colours of each"
    assert [f"{name}: {finding}" for name, one in audits.items() for finding in one.grave] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_grave_in_the_gallery_of_recipes(open_notebook: OpenNotebook, browser: Browser, folder: Path, theme: str) -> None:
    page = open_notebook("%load_ext wflab", "lab.recipes()", theme=theme)
    page.run(0)
    page.run(1)
    shown = page.cell(1).locator("[data-wf-view=recipes]")
    expect(shown.locator("[data-wf-recipe]").first).to_be_visible(timeout=PATIENCE_MS)
    audits: dict[str, Audit] = {"cards": audit(page.page, "[data-wf-view]")}
    shown.locator("[data-wf-recipe=chaining] [data-wf-action=open-recipe]").click()
    shown.locator("[data-wf-action=failure]").check()
    shown.locator("[data-wf-action=run]").click()
    expect(shown.locator("[data-wf-trial][data-wf-over=true]")).to_be_attached(timeout=PATIENCE_MS)
    audits["a recipe that failed"] = audit(page.page, "[data-wf-view]")
    shown.locator("[data-wf-action=tab-code]").click()
    shown.locator("[data-wf-knob=MAX_ATTEMPTS]").fill("99")
    audits["its code, and a knob that does not fit"] = audit(page.page, "[data-wf-view]")
    shown.locator("[data-wf-action=table]").click()
    audits["as table"] = audit(page.page, "[data-wf-view]")
    page.save()
    path = folder / "notebook.ipynb"
    saved = until(lambda: text if "image/svg+xml" in (text := path.read_text()) else "", "the notebook is saved")
    body, _ = HTMLExporter(theme=theme).from_notebook_node(nbformat.reads(saved, as_version=4))  # type: ignore[no-untyped-call]
    with browser.new_context(color_scheme="dark" if theme == "dark" else "light", viewport={"width": 1200, "height": 900}) as context:
        other: Page = context.new_page()
        other.route("**/*", lambda route: route.abort())
        other.set_content(body, wait_until="commit")
        other.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        audits["static"] = audit(other, "[data-wf-view]")
    tell(theme, list(audits.values()))
    assert all(set(one.roots) == {"recipes"} for one in audits.values())
    assert [f"{name}: {finding}" for name, one in audits.items() for finding in one.grave] == []


def test_axe_finds_nothing_grave_in_what_nbconvert_makes(open_notebook: OpenNotebook, browser: Browser, folder: Path) -> None:
    page = open_notebook(*CELLS[:LAST])
    show_all_still(page)
    path = folder / "notebook.ipynb"
    page.save()
    saved = until(lambda: text if (text := path.read_text()).count("image/svg+xml") >= len(VIEWS) else "", "the notebook is saved")
    for theme in ("light", "dark"):
        exporter = HTMLExporter(theme=theme)  # type: ignore[no-untyped-call]
        body, _ = exporter.from_notebook_node(nbformat.reads(saved, as_version=4))
        with browser.new_context(color_scheme=theme, viewport={"width": 1200, "height": 900}) as context:
            other: Page = context.new_page()
            other.route("**/*", lambda route: route.abort())
            other.set_content(body, wait_until="commit")
            other.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            found = audit(other, "[data-wf-view]")
        tell(f"static, {theme}", [found])
        assert set(found.roots) == set(VIEWS.values())
        assert min(found.roots.values()) > 0
        assert [str(finding) for finding in found.grave] == []


def show_all_still(page: NotebookPage) -> None:
    for index in range(LAST):
        page.run(index)
    for index in VIEWS:
        expect(view(page, index)).to_be_visible(timeout=PATIENCE_MS)
