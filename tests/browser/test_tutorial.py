"""Run All on each tutorial, as a newcomer does."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.jupyter_server import JupyterServer, NotebookPage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
LAST_WORDS = {
    "01_first_workflow.ipynb": "nobody answered: order of 7000 is cancelled",
    "02_kill_the_kernel.ipynb": "ExecutionCompleted",
    "03_approvals.ipynb": "refused: a steel one will do",
    "04_retries_timeouts_circuits.ipynb": "lamp reserved",
    "05_fan_out.ipynb": "the slowest was picture 7",
    "06_children_and_apps.ipynb": "lamp from shelf 9",
    "07_monitor.ipynb": "full 7",
    "08_saga.ipynb": "NOT CLEAN: book_flight left undone",
    "09_replay.ipynb": "invoice over 233.60",
    "10_changing_code.ipynb": "sofa shipped",
    "11_time.ipynb": "236 days ahead",
    "12_analytics.ipynb": "real clock",
    "13_sidecar.ipynb": "stopped",
}


def test_every_tutorial_is_tried() -> None:
    assert set(LAST_WORDS) | {"00_index.ipynb"} == {path.name for path in NOTEBOOKS.glob("*.ipynb")}


def test_run_all_succeeds_on_one_tutorial_after_the_other_with_their_kernels_left_open(
    server: JupyterServer, window: BrowserContext, folder: Path
) -> None:
    for name, words in LAST_WORDS.items():
        shutil.copy(NOTEBOOKS / name, folder)
        with NotebookPage(window, server, f"{folder.name}/{name}") as page:
            page.command("notebook:clear-all-cell-outputs")
            page.run_all()
            page.wait_for_kernel()
            expect(page.page.locator("[data-mime-type='application/vnd.jupyter.stderr'], .jp-RenderedError")).to_have_count(0)
            expect(page.page.locator(".jp-InputPrompt", has_text="[ ]:")).to_have_count(0)
            expect(page.page.locator(".jp-Notebook")).to_contain_text(words)
            assert page.errors == []
            assert page.external == []
