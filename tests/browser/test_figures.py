"""Figures in a real JupyterLab: drawn live and in a saved notebook with no kernel, in the page's theme; and a user's colours in a live view."""

import re
from pathlib import Path

import nbformat
import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import expect

from tests.browser.conftest import SEED, OpenNotebook
from tests.browser.jupyter_server import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PATIENCE_MS = 60_000
WIDE_ENOUGH_PX = 400
CELLS = [
    SEED,
    "for n in range(6):\n    lab.start(request_escalation, {'amount': n}).result(30)\nrun = lab.start(request_escalation, {'amount': 5000})\nrun",
    "lab.fig.success_rates()",
    "lab.fig.survival()",
    "wf.options.palette = {'RUNNING': {'dark': '#3a82ff'}}",
]
BACKGROUND = "(plot) => getComputedStyle(plot.querySelector('.main-svg')).backgroundColor"
RUNNING = "(view) => getComputedStyle(view).getPropertyValue('--wf-running').trim()"
PLOTLY = "application/vnd.plotly.v1+json"


def test_figures_are_drawn_live_and_from_the_saved_notebook_in_the_page_s_theme(open_notebook: OpenNotebook, folder: Path) -> None:
    page = open_notebook(*CELLS, theme="dark")
    page.run(0)
    page.run(1)
    view = page.cell(1).locator("[data-wf-view=run]")
    expect(view).to_be_visible(timeout=PATIENCE_MS)
    for index in (2, 3):
        page.run(index)
        plot = page.cell(index).locator(".js-plotly-plot")
        expect(plot.locator(".main-svg").first).to_be_visible(timeout=PATIENCE_MS)
        assert plot.evaluate(BACKGROUND) == "rgb(33, 33, 33)"
        assert plot.locator(".gtitle").text_content()
    page.run(4)
    until(lambda: view.evaluate(RUNNING) == "#3a82ff", "the live view has the new colour")
    page.save()
    path = folder / "notebook.ipynb"
    saved = until(lambda: text if PLOTLY in (text := path.read_text()) else "", "the notebook is saved")
    page.shut_down_kernel()
    page.page.close()

    again = open_notebook(theme="dark")
    picture = again.cell(2).locator("img[src^='data:image/png']")  # plotly's extension stored it when it drew the figure
    expect(picture).to_be_visible(timeout=PATIENCE_MS)
    assert picture.evaluate("(image) => image.naturalWidth") > WIDE_ENOUGH_PX
    assert again.external == page.external == []

    html, _ = HTMLExporter().from_notebook_node(nbformat.reads(saved, as_version=4))  # type: ignore[no-untyped-call]
    assert re.search(r"<b>Success rate with 95 % interval</b>.*?<table.*?request_escalation", html, flags=re.DOTALL)
