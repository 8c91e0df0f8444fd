"""One JupyterLab and one Chromium for all browser tests of a process; each test has a folder, and so a database, of its own."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Playwright

from tests.browser.jupyter_server import JupyterServer, NotebookPage
from tests.conftest import CHROMIUM_ARGUMENTS, chromium

SEED = """
%load_ext wflab
import wflab as wf
from datetime import timedelta

wfr = wf.WorkflowRuntime()

@wfr.activity
def auto_approve(ctx, order):
    return "auto"

@wfr.activity
def handle_timeout(ctx, order):
    return "timed out"

@wfr.activity
def process_approval(ctx, approved):
    return ["processed", approved]

@wfr.workflow(name="request_escalation")
def request_escalation(ctx: wf.DaprWorkflowContext, order: dict):
    if order["amount"] < 1000:
        yield ctx.call_activity(auto_approve, input=order)
        return "auto-approved"
    approval = ctx.wait_for_external_event("human_approval")
    timeout = ctx.create_timer(timedelta(days=7))
    if (yield wf.when_any([approval, timeout])) == timeout:
        return (yield ctx.call_activity(handle_timeout, input=order))
    return (yield ctx.call_activity(process_approval, input=approval.get_result()))
"""

ONLY_THIS_MACHINE = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"

OpenNotebook = Callable[..., NotebookPage]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    with JupyterServer(tmp_path_factory.mktemp("jupyter")) as running:
        yield running


@pytest.fixture(scope="session")
def window(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A Chromium with a profile, which keeps JupyterLab's programs as they were compiled: every page but the first ones opens in half the time."""
    profile = tmp_path_factory.mktemp("chromium")
    arguments = [*CHROMIUM_ARGUMENTS, ONLY_THIS_MACHINE]
    with playwright.chromium.launch_persistent_context(profile, executable_path=chromium(), args=arguments) as opened:
        yield opened


@pytest.fixture
def folder(server: JupyterServer, request: pytest.FixtureRequest) -> Path:
    place: Path = server.folder / request.node.name.replace("[", "_").replace("]", "")
    place.mkdir()
    return place


@pytest.fixture
def open_notebook(server: JupyterServer, window: BrowserContext, folder: Path) -> Iterator[OpenNotebook]:
    """Write a notebook of these cells and open it. No page may raise an error or ask for anything outside this machine.

    `browser` is another one than that of all tests. No kernel outlives its test: fifty idle ones keep a core busy.
    """
    pages: list[NotebookPage] = []

    def open_cells(*cells: str, theme: str = "light", width: int = 1400, browser: BrowserContext = window) -> NotebookPage:
        name = f"{folder.name}/notebook.ipynb"
        if cells:
            server.write(name, cells)
        pages.append(NotebookPage(browser, server, name, theme=theme, width=width))
        return pages[-1]

    yield open_cells
    for page in pages:
        page.close()
    server.shut_down_kernels()
    for page in pages:
        assert page.errors == []
        assert page.external == []
