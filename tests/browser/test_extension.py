"""The JupyterLab extension, as its user sees it: sidebar, status bar, inspector, views beside the notebook, saved notebooks, exported histories."""

import json
import os
import signal
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import SEED, OpenNotebook
from tests.browser.jupyter_server import JupyterServer, NotebookPage, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

START = 'run = lab.start(request_escalation, {"amount": 5000}, instance_id="big")\nrun'
MIME = "application/vnd.wflab.view+json"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
PATIENCE_MS = 20_000


def sidebar(page: NotebookPage) -> Locator:
    """Shown, as by a click on its tab."""
    page.command("wflab:show-sidebar")
    return page.page.locator("[data-wf-panel=sidebar]")


def run_row(page: NotebookPage, instance_id: str, state: str) -> Locator:
    return page.page.locator(f"[data-wf-panel=sidebar] [data-wf-run='{instance_id}'][data-wf-state={state}]")


def part(page: NotebookPage, name: str) -> Locator:
    return page.page.locator(f"[data-wf-panel=status] [data-wf-part={name}]")


def approve(page: NotebookPage, instance_id: str = "big") -> Locator:
    return page.page.locator(f"[data-wf-panel=sidebar] [data-wf-instance='{instance_id}'] [data-wf-action=approve]")


def test_the_sidebar_lists_runs_and_approves_while_the_kernel_is_idle(open_notebook: OpenNotebook) -> None:
    page = open_notebook(SEED, START, "run.status, list(lab.sql('select who, from_where from audit')['from_where'])")
    panel = sidebar(page)
    expect(panel).to_contain_text("%load_ext wflab", timeout=PATIENCE_MS)
    page.run(0)
    expect(panel).to_contain_text("No runs yet", timeout=PATIENCE_MS)
    page.run(1)
    expect(run_row(page, "big", "RUNNING")).to_contain_text("event human_approval", timeout=PATIENCE_MS)
    expect(panel.locator("[data-wf-wait=human_approval]")).to_contain_text("request_escalation · big")
    expect(part(page, "running")).to_have_text("1")
    expect(part(page, "waiting")).to_have_text("1")
    expect(part(page, "stuck")).to_be_hidden()
    expect(page.page.locator(".lm-TabBar-tab[data-wf-approvals='1']")).to_be_visible()
    approve(page).click()
    expect(run_row(page, "big", "COMPLETED")).to_be_visible(timeout=PATIENCE_MS)
    expect(approve(page)).to_have_count(0)
    expect(part(page, "waiting")).to_have_text("0")
    expect(page.page.locator(".lm-TabBar-tab[data-wf-approvals]")).to_have_count(0)
    page.run(2)
    expect(page.cell(2)).to_contain_text("sidebar", timeout=PATIENCE_MS)


def test_approve_in_the_sidebar_finishes_the_run_that_a_blocked_cell_waits_for(open_notebook: OpenNotebook) -> None:
    page = open_notebook(SEED, START, "run.result(60)")
    sidebar(page)
    page.run(0)
    page.run(1)
    expect(approve(page)).to_be_visible(timeout=PATIENCE_MS)
    page.start(2)
    page.page.wait_for_function("() => document.querySelectorAll('.jp-Cell')[2].innerText.includes('[*]')")
    approve(page).click()
    expect(page.cell(2)).to_contain_text("['processed', True]", timeout=10_000)


def test_what_was_answered_elsewhere_cannot_be_answered_in_the_sidebar_again(open_notebook: OpenNotebook) -> None:
    """The second one is told who was first; the run gets one event."""
    page = open_notebook(SEED, START, "print(list(run.history()['type']).count('EventRaised'), 'event')")
    sidebar(page)
    page.run(0)
    page.run(1)
    expect(approve(page)).to_be_visible(timeout=PATIENCE_MS)
    # both presses are under way before either is in the history
    page.page.evaluate("""() => {
        document.querySelector('[data-wf-panel=sidebar] [data-wf-action=reject]').click();
        document.querySelector('.jp-Cell-outputArea [data-wf-action=approve]').click();
    }""")
    expect(run_row(page, "big", "COMPLETED")).to_be_visible(timeout=PATIENCE_MS)
    page.run(2)
    expect(page.cell(2).locator(".jp-Cell-outputArea")).to_contain_text("1 event", timeout=PATIENCE_MS)


def test_a_page_that_was_loaded_anew_finds_the_lab_again(open_notebook: OpenNotebook) -> None:
    page = open_notebook(SEED, START, "run.result(60)")
    sidebar(page)
    page.run(0)
    page.run(1)
    expect(approve(page)).to_be_visible(timeout=PATIENCE_MS)
    page.save()
    page.page.reload()
    page.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=60_000)
    page.page.wait_for_function("window.jupyterapp !== undefined")
    page.wait_for_kernel()
    panel = sidebar(page)
    expect(panel.locator("[data-wf-run=big]")).to_be_visible(timeout=PATIENCE_MS)
    page.start(2)
    page.page.wait_for_function("() => document.querySelectorAll('.jp-Cell')[2].innerText.includes('[*]')")
    approve(page).click()
    expect(page.cell(2)).to_contain_text("['processed', True]", timeout=10_000)


def test_a_killed_kernel_is_said_to_be_gone_and_its_next_hello_brings_everything_back(open_notebook: OpenNotebook) -> None:
    page = open_notebook(SEED, START, "import os; print('kernel', os.getpid(), 'end')")
    panel = sidebar(page)
    page.run(0)
    page.run(1)
    expect(approve(page)).to_be_visible(timeout=PATIENCE_MS)
    page.command("wflab:open", view="run", instance_id="big")
    beside = page.page.locator("[data-wf-panel=beside]")
    expect(beside.locator("[data-wf-view=run]")).to_be_visible(timeout=PATIENCE_MS)
    page.run(2)
    expect(page.cell(2)).to_contain_text("end", timeout=PATIENCE_MS)
    os.kill(int(page.output(2).split("kernel")[1].split()[0]), signal.SIGKILL)
    expect(panel).to_contain_text("The kernel is gone", timeout=PATIENCE_MS)
    expect(panel).to_contain_text("as of")
    expect(beside).to_contain_text("The kernel is gone")
    expect(approve(page)).to_be_disabled()
    page.dismiss_restart_note()
    page.wait_for_kernel()
    page.run(0)
    expect(panel).not_to_contain_text("The kernel is gone", timeout=60_000)
    expect(beside).not_to_contain_text("The kernel is gone")
    approve(page).click()
    expect(run_row(page, "big", "COMPLETED")).to_be_visible(timeout=PATIENCE_MS)
    expect(beside).to_contain_text("COMPLETED", timeout=PATIENCE_MS)


def test_after_a_deliberate_shutdown_of_the_kernel_panels_say_so_and_views_keep_their_last_picture(open_notebook: OpenNotebook) -> None:
    page, panel, beside, card = shown_everywhere(open_notebook)
    page.shut_down_kernel()
    expect(panel).to_contain_text("The kernel is gone", timeout=PATIENCE_MS)
    expect(panel).to_contain_text("as of")
    expect(beside).to_contain_text("The kernel is gone")
    expect(part(page, "waiting")).to_have_text("1")
    expect(approve(page)).to_be_disabled()
    for view in (beside.locator("[data-wf-view=run]"), card):
        expect(view.locator("[data-wf-node=human_approval]")).to_be_visible()
        expect(view.locator("[data-wf-action=approve]")).to_be_disabled(timeout=PATIENCE_MS)


def test_a_closed_lab_is_told_from_a_lost_kernel_and_its_views_keep_their_last_picture(open_notebook: OpenNotebook) -> None:
    page, panel, beside, card = shown_everywhere(open_notebook)
    page.run(2)
    expect(page.cell(2)).to_contain_text("closed it", timeout=PATIENCE_MS)
    expect(panel).to_contain_text("The lab is closed", timeout=PATIENCE_MS)
    expect(panel).not_to_contain_text("The kernel is gone")
    expect(panel).to_contain_text("as of")
    expect(beside).to_contain_text("The lab is closed")
    expect(approve(page)).to_be_disabled()
    for view in (beside.locator("[data-wf-view=run]"), card):
        expect(view.locator("[data-wf-node=human_approval]")).to_be_visible()
    page.run(0)
    expect(panel).not_to_contain_text("The lab is closed", timeout=60_000)
    approve(page).click()
    expect(run_row(page, "big", "COMPLETED")).to_be_visible(timeout=PATIENCE_MS)


def shown_everywhere(open_notebook: OpenNotebook) -> tuple[NotebookPage, Locator, Locator, Locator]:
    """A run that waits, in the sidebar, in a view beside the notebook, and in its cell."""
    page = open_notebook(SEED, START, "lab.close()\nprint('closed', 'it')")
    panel = sidebar(page)
    page.run(0)
    page.run(1)
    expect(approve(page)).to_be_visible(timeout=PATIENCE_MS)
    page.command("wflab:open", view="run", instance_id="big")
    beside = page.page.locator("[data-wf-panel=beside]")
    expect(beside.locator("[data-wf-view=run]")).to_be_visible(timeout=PATIENCE_MS)
    card = page.cell(1).locator("[data-wf-view=run]")
    expect(card.locator("[data-wf-node=human_approval]")).to_be_visible(timeout=PATIENCE_MS)
    return page, panel, beside, card


def test_a_view_beside_the_notebook_is_live_and_the_second_joins_the_first(open_notebook: OpenNotebook) -> None:
    page = open_notebook(SEED, START)
    sidebar(page)
    page.run(0)
    page.run(1)
    run_row(page, "big", "RUNNING").locator("[data-wf-action=beside]").click()
    beside = page.page.locator("[data-wf-panel=beside]:visible")
    expect(beside.locator("[data-wf-view=run][data-wf-mode=live]")).to_be_visible(timeout=PATIENCE_MS)
    page.command("wflab:open", view="inbox")
    expect(beside.locator("[data-wf-view=inbox][data-wf-mode=live]")).to_be_visible(timeout=PATIENCE_MS)
    page.command("wflab:open", view="graph")
    expect(beside.locator("[data-wf-view=graph]")).to_be_visible(timeout=PATIENCE_MS)
    expect(beside).to_have_count(1)
    page.command("wflab:open", view="run")
    beside.locator("[data-wf-action=approve]").click()
    expect(run_row(page, "big", "COMPLETED")).to_be_visible(timeout=PATIENCE_MS)
    expect(beside).to_contain_text("COMPLETED", timeout=PATIENCE_MS)


def test_the_panels_follow_the_current_notebook(open_notebook: OpenNotebook, server: JupyterServer, folder: Path) -> None:
    (folder / "other").mkdir()
    server.write(f"{folder.name}/other/second.ipynb", ["%load_ext wflab"])
    page = open_notebook(SEED, START)
    panel = sidebar(page)
    page.run(0)
    page.run(1)
    expect(run_row(page, "big", "RUNNING")).to_be_visible(timeout=PATIENCE_MS)
    page.command("docmanager:open", path=f"{folder.name}/other/second.ipynb")
    expect(panel).to_contain_text("This notebook's kernel has no lab", timeout=PATIENCE_MS)
    page.command("docmanager:open", path=f"{folder.name}/notebook.ipynb")
    expect(run_row(page, "big", "RUNNING")).to_be_visible(timeout=PATIENCE_MS)


def test_the_inspector_follows_the_focus_and_goes_to_the_source(open_notebook: OpenNotebook) -> None:
    page = open_notebook(SEED, START, "run.reject(); lab.focus.set('big')")
    sidebar(page)
    page.run(0)
    page.run(1)
    expect(run_row(page, "big", "RUNNING")).to_be_visible(timeout=PATIENCE_MS)
    page.command("wflab:show-inspector")
    inspector = page.page.locator("[data-wf-panel=inspector]")
    expect(inspector).to_contain_text("Choose a run")
    run_row(page, "big", "RUNNING").locator("button").first.click()
    expect(inspector).to_contain_text("request_escalation", timeout=PATIENCE_MS)
    expect(inspector).to_contain_text("big")
    inspector.locator("[data-wf-action=source]").click()
    page.page.wait_for_function("() => document.querySelectorAll('.jp-Cell')[0].classList.contains('jp-mod-active')")
    page.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.content.activeCell.editor.getLine("
        "window.jupyterapp.shell.currentWidget.content.activeCell.editor.getCursorPosition().line).includes('def request_escalation')"
    )


def test_the_sidebar_works_by_keyboard_at_300_pixels(open_notebook: OpenNotebook) -> None:
    page = open_notebook(SEED, "runs = [lab.start(request_escalation, {'amount': amount}) for amount in (1, 2000, 3000)]")
    panel = sidebar(page)
    page.run(0)
    page.run(1)
    chip = panel.locator("[data-wf-state=COMPLETED].wf-state")
    expect(chip).to_contain_text("1", timeout=PATIENCE_MS)
    expect(panel.locator("[data-wf-run]")).to_have_count(3)
    box = panel.evaluate("element => [element.clientWidth, element.scrollWidth]")
    assert box[0] <= 300, "as wide as JupyterLab makes it"
    assert box[1] <= box[0], "nothing sticks out"
    chip.focus()
    page.page.keyboard.press("Enter")
    expect(panel.locator("[data-wf-run]")).to_have_count(1)
    expect(chip).to_have_attribute("aria-pressed", "true")
    page.page.keyboard.press("Enter")
    expect(panel.locator("[data-wf-run]")).to_have_count(3)
    panel.locator(".wf-row-main").first.focus()
    page.page.keyboard.press("ArrowDown")
    page.page.keyboard.press("Enter")
    expect(panel.locator("[data-wf-run]").nth(1)).to_have_attribute("data-wf-focus", "true", timeout=PATIENCE_MS)


def test_what_a_user_names_is_text_in_every_panel(open_notebook: OpenNotebook) -> None:
    hostile = """
evil = '<img src=x onerror="window.pwned=1">'
@wfr.workflow(name=evil)
def wicked(ctx, payload):
    yield ctx.wait_for_external_event(evil, title=evil)
wicked_run = lab.start(evil, {"text": evil}, instance_id=evil)
lab.focus.set(evil)
"""
    page = open_notebook(SEED + hostile)
    panel = sidebar(page)
    page.command("wflab:show-inspector")
    page.run(0)
    expect(panel.locator("[data-wf-run]")).to_contain_text("onerror", timeout=PATIENCE_MS)
    expect(page.page.locator("[data-wf-panel=inspector]")).to_contain_text("onerror")
    panel.locator("[data-wf-action=beside]").click()
    expect(page.page.locator("[data-wf-panel=beside]")).to_contain_text("onerror", timeout=PATIENCE_MS)
    assert page.page.evaluate("() => window.pwned") is None


@pytest.mark.parametrize("trusted", [True, False])
def test_a_saved_notebook_opened_without_a_kernel_shows_the_snapshot(
    open_notebook: OpenNotebook, server: JupyterServer, folder: Path, *, trusted: bool
) -> None:
    """Also where the stored bundle still has the widget's view, whose own renderer could only say that it is not found."""
    page = open_notebook(SEED, START)
    page.run(0)
    page.run(1)
    expect(page.cell(1).locator("[data-wf-view=run]")).to_be_visible(timeout=PATIENCE_MS)
    page.save()
    path = folder / "notebook.ipynb"
    saved = until(lambda: path.read_text() if MIME in path.read_text() else "", "the notebook is saved")
    assert WIDGET_VIEW in saved, "a run that goes on is stored with both"
    if not trusted:  # another place, another signature: the Lab does not trust what it did not make
        notebook = nbformat.reads(saved, as_version=4)
        notebook.cells[1].outputs[0]["data"]["text/plain"] += "\n"
        nbformat.write(notebook, path)
    page.shut_down_kernel()
    again = open_notebook()
    view = again.cell(1).locator("[data-wf-view=run]")
    expect(view).to_be_visible(timeout=PATIENCE_MS)
    expect(view).to_have_attribute("data-wf-mode", "snapshot")
    expect(again.cell(1)).to_contain_text("request_escalation")
    assert "Error displaying widget" not in again.page.content()
    expect(again.cell(1).get_by_text("model not found")).to_have_count(0)
    del server


def test_the_live_view_stays_as_it_is_while_the_stored_bundle_is_refreshed(open_notebook: OpenNotebook) -> None:
    slow = """
import threading, time
gate = threading.Event()
@wfr.activity
def wait(ctx, _):
    gate.wait(60)
@wfr.workflow
def waiting(ctx, _):
    for number in range(60):
        ctx.set_custom_status(str(number))
        yield ctx.create_timer(timedelta(milliseconds=200))
"""
    page = open_notebook(SEED + slow, "moving = lab.start(waiting)\nmoving", "moving.terminate()")
    page.run(0)
    page.page.wait_for_timeout(500)
    page.run(1)
    view = page.cell(1).locator("[data-wf-view=run][data-wf-mode=live]")
    expect(view).to_be_visible(timeout=PATIENCE_MS)
    element = view.element_handle()
    assert element is not None
    page.page.wait_for_timeout(6_500)  # the stored bundle is refreshed every five seconds: this is what is waited for
    assert element.is_visible(), "the same element, not one drawn anew"
    page.run(2)
    expect(page.cell(1)).to_contain_text("TERMINATED", timeout=PATIENCE_MS)


def test_an_exported_history_opens_without_a_kernel(open_notebook: OpenNotebook, folder: Path) -> None:
    export = "from wflab.display.handle import ViewHandle; ViewHandle(lab.displays, lab.source('run', 'big')).save('big.wfhistory.json'); print('written')"
    page = open_notebook(SEED, START, export)
    page.run(0)
    page.run(1)
    page.run(2)
    expect(page.cell(2)).to_contain_text("written", timeout=PATIENCE_MS)
    page.shut_down_kernel()
    assert json.loads((folder / "big.wfhistory.json").read_text())["views"]
    page.command("docmanager:open", path=f"{folder.name}/big.wfhistory.json")
    document = page.page.locator("[data-wf-panel=history]")
    expect(document.locator("[data-wf-view=run]")).to_be_visible(timeout=PATIENCE_MS)
    expect(document).to_contain_text("request_escalation")
    (folder / "broken.wfhistory.json").write_text("{")
    page.command("docmanager:open", path=f"{folder.name}/broken.wfhistory.json")
    expect(page.page.locator("[data-wf-panel=history]", has_text="is no JSON")).to_be_visible(timeout=PATIENCE_MS)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_panels_follow_the_theme(open_notebook: OpenNotebook, theme: str) -> None:
    page = open_notebook(SEED, START, theme=theme)
    panel = sidebar(page)
    page.run(0)
    page.run(1)
    expect(approve(page)).to_be_visible(timeout=PATIENCE_MS)
    expect(panel).to_have_attribute("data-wf-theme", theme)
