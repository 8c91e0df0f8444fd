"""The execution graph in a notebook: JupyterLab and Chromium are real, and so are the keys."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenNotebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PROGRAM = """
%load_ext wflab
import threading, time
import wflab as wf
wfr = wf.WorkflowRuntime()
gate = threading.Event()

@wfr.activity
def validate(ctx, width):
    return width

@wfr.activity
def score_chunk(ctx, place):
    gate.wait(60)
    time.sleep(0.3)
    if place % 83 == 7:
        raise ValueError(f"chunk {place} cannot be scored")
    return place

@wfr.workflow
def ship(ctx, item):
    yield ctx.call_activity(validate, input=1)
    yield ctx.wait_for_external_event("go")

@wfr.workflow
def order_batch(ctx, width):
    yield ctx.call_activity(validate, input=width)
    for one in [ctx.call_activity(score_chunk, input=place) for place in range(width)]:
        try:
            yield one
        except wf.TaskFailedError:
            pass
    yield ctx.call_child_workflow(ship, input="book")
"""
VIEW = "[data-wf-view=graph]"
SCORES = "[data-wf-node=score_chunk]"
WATCH = """() => {
  window.longest = 0; window.long = 0; window.seqs = [];
  new PerformanceObserver((list) => { for (const entry of list.getEntries()) { long += 1; longest = Math.max(longest, entry.duration); } }).observe({ type: "longtask" });
  const view = document.querySelector("[data-wf-view=graph]");
  new MutationObserver(() => seqs.push([performance.now(), Number(view.dataset.wfSeq)])).observe(view, { attributes: true, attributeFilter: ["data-wf-seq"] });
}"""
PLACES = "() => [...document.querySelectorAll('[data-wf-node]')].map((n) => [n.dataset.wfId, n.offsetLeft, n.offsetTop])"


@pytest.mark.measured
def test_a_live_graph_follows_a_thousand_calls_and_leads_to_the_worst(open_notebook: OpenNotebook) -> None:
    page = open_notebook(
        PROGRAM,
        "run = lab.start(order_batch, 1000, instance_id='wide'); graph = run.graph(); graph",
        "gate.set()",
        "print('looks at', list(lab.focus.df()['state']), lab.focus.value.instance_id, lab.focus.value.span_id)",
        "lab.get(graph.source.picture().groups[-1].child_id).raise_event('go'); run.result(60); print('over')",
    )
    page.run(0)
    page.run(1)
    cell = page.cell(1)
    expect(cell.locator(SCORES)).to_have_attribute("data-wf-count", "1000", timeout=30_000)
    assert cell.locator("[data-wf-node]").count() <= 20
    assert cell.locator(f"{VIEW} *").count() < 600
    before = page.page.evaluate(PLACES)
    page.run(2)
    page.page.evaluate(WATCH)  # not before: JupyterLab's own work on a cell is none of the view's
    expect(cell.locator("[data-wf-node=ship][data-wf-state=RUNNING]")).to_be_visible(timeout=90_000)
    seqs = page.page.evaluate("seqs")
    seconds = (seqs[-1][0] - seqs[0][0]) / 1000
    print(  # noqa: T201  # figures for whoever reads the run
        f"{len(seqs)} pictures in {seconds:.1f} s: {(len(seqs) - 1) / max(seconds, 0.1):.1f} a second; "
        f"{page.page.evaluate('long')} tasks over 50 ms, the longest {page.page.evaluate('longest'):.0f} ms"
    )
    after = {name: place for name, *place in page.page.evaluate(PLACES)}
    assert all(after[name] == place for name, *place in before if name in after and "ship" not in name)
    assert cell.locator(f"{SCORES} .wf-part[data-wf-state=FAILED]").evaluate("part => part.getBoundingClientRect().width") >= 2

    # The node, `e`, the first row, Enter: then Python looks at that call.
    cell.locator(SCORES).focus()
    page.page.keyboard.press("e")
    row = cell.locator("[data-wf-panel] [data-wf-row='0']")
    expect(row).to_have_attribute("data-wf-state", "FAILED", timeout=20_000)
    expect(row).to_be_focused()
    page.page.keyboard.press("Enter")
    expect(cell.locator("[data-wf-drawer]")).to_contain_text("score_chunk 7", timeout=20_000)
    cells = page.page.locator(".jp-Notebook .jp-Cell").count()
    for key in ("b", "Shift+Enter"):
        page.page.keyboard.press(key)
    assert page.page.locator(".jp-Notebook .jp-Cell").count() == cells
    expect(cell.locator(VIEW)).to_be_visible()
    page.run(3)
    expect(page.cell(3)).to_contain_text("looks at ['FAILED'] wide 1:a8", timeout=20_000)

    # A child is opened in place, and followed to the end.
    cell.locator("[data-wf-node=ship]").click()
    expect(cell.locator("[data-wf-node=ship]")).to_be_focused()
    page.page.keyboard.press("o")
    expect(cell.locator("[data-wf-node=go][data-wf-state=SUSPENDED]")).to_be_visible(timeout=20_000)
    page.run(4)
    expect(page.cell(4)).to_contain_text("over", timeout=60_000)


def test_a_graph_of_an_ended_run_is_still_there_without_a_kernel(open_notebook: OpenNotebook) -> None:
    page = open_notebook(
        PROGRAM,
        "gate.set(); run = lab.start(order_batch, 30)\nwf.current_lab().engine.wait_for_workflow_start(run.id, 20)\nrun.graph().freeze()\nrun.graph()",
        "%wf graph last",
        "run.terminate(); run.graph()",
    )
    for index in range(4):
        page.run(index)
    expect(page.cell(2).locator(VIEW)).to_be_visible(timeout=20_000)
    image = page.cell(3).locator("img[alt^='Execution graph of order_batch']")
    live = page.cell(3).locator(f"{VIEW}[data-wf-state=TERMINATED]")
    expect(image.or_(live).first).to_be_visible(timeout=20_000)
