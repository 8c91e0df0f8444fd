"""Run All on the first tutorial, as a newcomer does."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.jupyter_server import JupyterServer, NotebookPage

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
TUTORIAL = Path(__file__).parents[2] / "notebooks" / "01_first_workflow.ipynb"


def test_run_all_of_the_first_tutorial_succeeds(server: JupyterServer, browser: Browser, folder: Path) -> None:
    shutil.copy(TUTORIAL, folder)
    with NotebookPage(browser, server, f"{folder.name}/{TUTORIAL.name}") as page:
        page.run_all()
        page.wait_for_kernel()
        errors = page.page.locator("[data-mime-type='application/vnd.jupyter.stderr'], .jp-RenderedError")
        expect(errors).to_have_count(0)
        expect(page.page.locator(".jp-Notebook")).to_contain_text("nobody answered: order of 7000 is cancelled")
        pending = page.page.locator(".jp-InputPrompt", has_text="[ ]:")
        expect(pending).to_have_count(0)
        assert page.errors == []
        assert page.external == []
