"""The API log in a real JupyterLab: calls appear as they come, are filtered and opened, and stay in the saved notebook."""

import os

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenNotebook
from tests.browser.jupyter_server import NotebookPage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PATIENCE_MS = 30_000
LOAD = """
%load_ext wflab
import httpx
import wflab as wf

@wf.workflow
def hello(ctx, name):
    return f"hello {name}"
    yield

serving = lab.serve(grpc_port=0, http_port=0)
sidecar = httpx.Client(base_url=f"http://127.0.0.1:{serving.http_port}/v1.0")
"""


def view(page: NotebookPage, cell: int) -> Locator:
    found = page.cell(cell).locator("[data-wf-view=api_log]")
    found.scroll_into_view_if_needed(timeout=PATIENCE_MS)
    return found


def test_calls_appear_as_they_come_and_a_press_opens_one_with_its_run(open_notebook: OpenNotebook) -> None:
    page = open_notebook(
        LOAD,
        "lab.api_log()",
        "print([sidecar.post('/workflows/dapr/hello/start?instanceID=h-1', json='you').status_code, sidecar.get('/workflows/dapr/nobody').status_code])",
    )
    page.run(0)
    page.run(1)
    log = view(page, 1)
    expect(log.locator(".wf-empty")).to_contain_text("No calls yet. Programs reach the lab at http://127.0.0.1:", timeout=PATIENCE_MS)
    page.run(2)
    assert "[202, 404]" in page.output(2)
    rows = view(page, 1).locator("[data-wf-calls] tbody tr")
    expect(rows).to_have_count(2, timeout=PATIENCE_MS)
    expect(rows.first).to_contain_text("✕ 404")
    rows.nth(1).click()
    expect(log.locator("[data-wf-value=run]")).to_have_text("hello h-1", timeout=PATIENCE_MS)
    expect(log.locator("[data-wf-value=status]")).to_have_text("202")
    log.locator("select[data-wf-field=outcome]").select_option("failed")
    expect(rows).to_have_count(1, timeout=PATIENCE_MS)
    expect(log.locator(".wf-filterstate")).to_contain_text("lab.api_log(outcome='failed')")
    if shots := os.environ.get("WFLAB_SHOTS"):
        log.screenshot(path=f"{shots}/log_jupyter.png")
    assert page.errors == []
