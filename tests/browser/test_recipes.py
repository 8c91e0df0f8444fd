"""The gallery in a real JupyterLab: every recipe runs and bears itself out, goes into the notebook, and fails as it says."""

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenNotebook
from tests.browser.jupyter_server import NotebookPage
from wflab.recipes.gallery import ORDER, gallery

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

LOAD = "%load_ext wflab\nimport wflab as wf"
SEED = ORDER[:6]
RECIPES = gallery()
PATIENCE_MS = 60_000
SOURCES = "() => window.jupyterapp.shell.currentWidget.content.widgets.map((cell) => [cell.model.type, cell.model.sharedModel.getSource()])"


def view(page: NotebookPage, cell: int = 1) -> Locator:
    found = page.cell(cell).locator("[data-wf-view=recipes]")
    found.scroll_into_view_if_needed(timeout=PATIENCE_MS)
    return found


def opened(shown: Locator, name: str) -> Locator:
    shown.locator(f"[data-wf-recipe={name}] [data-wf-action=open-recipe]").click(timeout=PATIENCE_MS)
    return shown.locator(f"[data-wf-detail={name}]")


def ran(detail: Locator) -> None:
    detail.locator("[data-wf-action=run]").click()
    expect(detail.locator("[data-wf-trial][data-wf-over=true]")).to_be_attached(timeout=PATIENCE_MS)


def gallery_of(open_notebook: OpenNotebook, *more: str, **how: str) -> NotebookPage:
    page = open_notebook(LOAD, "lab.recipes()", *more, **how)
    page.run(0)
    page.run(1)
    expect(page.cell(1).locator("[data-wf-recipe]")).to_have_count(len(RECIPES), timeout=PATIENCE_MS)
    return page


def test_every_recipe_ends_as_it_declares_and_all_its_evidence_passes(open_notebook: OpenNotebook) -> None:
    page = gallery_of(open_notebook)
    shown = view(page)
    assert set(SEED) <= {card.get_attribute("data-wf-recipe") for card in shown.locator("[data-wf-recipe]").all()}
    for name, recipe in RECIPES.items():
        detail = opened(shown, name)
        ran(detail)
        expect(detail.locator("[data-wf-trial]")).to_have_attribute("data-wf-state", recipe.ends)
        expect(detail.locator("[data-wf-evidence=pass]")).to_have_count(len(recipe.claims) + 1)
        expect(detail.locator("[data-wf-evidence=fail], [data-wf-evidence=pending]")).to_have_count(0)
        shown.locator("[data-wf-action=all-recipes]").click()


def test_insert_adds_one_cell_below_that_runs_and_the_magics_call_gives_the_same(open_notebook: OpenNotebook) -> None:
    page = gallery_of(
        open_notebook, "'the cell below'", "_ = lab.recipes().insert('fanout')", "_ = lab.recipes().insert('fanout', ITEMS=7)"
    )
    before = page.page.evaluate(SOURCES)
    detail = opened(view(page), "fanout")
    detail.locator("[data-wf-action=insert]").click()
    expect(detail.locator(".wf-recipetold")).to_contain_text("Inserted below")
    after = page.page.evaluate(SOURCES)
    assert after == [*before[:2], ["code", RECIPES["fanout"].code], *before[2:]]
    page.run(2)
    expect(page.cell(2).locator("[data-wf-view=run][data-wf-state=COMPLETED]")).to_be_visible(timeout=PATIENCE_MS)
    page.run(4)  # what `%wf recipe fanout --insert` calls
    expect(page.page.locator(".jp-Notebook .jp-Cell")).to_have_count(7)
    assert page.page.evaluate(SOURCES)[5] == ["code", RECIPES["fanout"].code]

    detail = view(page).locator("[data-wf-detail=fanout]")
    detail.locator("[data-wf-knob=ITEMS]").fill("7")
    detail.locator("[data-wf-action=insert]").click()
    expect(page.page.locator(".jp-Notebook .jp-Cell")).to_have_count(8)
    with_a_knob = page.page.evaluate(SOURCES)[2]
    assert with_a_knob[1].splitlines()[3] == "ITEMS = 7"
    page.run(7)
    expect(page.page.locator(".jp-Notebook .jp-Cell")).to_have_count(9)
    assert page.page.evaluate(SOURCES)[8] == with_a_knob


def test_more_failures_than_attempts_fail_the_run_and_the_evidence_says_where(open_notebook: OpenNotebook) -> None:
    page = gallery_of(open_notebook, "print(lab.runs.df()[['name', 'status']].to_string())")
    detail = opened(view(page), "chaining")
    detail.locator("[data-wf-knob=FAILURES_BEFORE_SUCCESS]").fill("4")
    expect(detail.locator("[data-wf-action=run]")).to_have_text("Run task chaining with 4 failures before success")
    ran(detail)
    expect(detail.locator("[data-wf-trial]")).to_have_attribute("data-wf-state", "FAILED")
    failed = detail.locator("[data-wf-statement=succeeded_within_the_policy]")
    expect(failed).to_have_attribute("data-wf-evidence", "fail")
    expect(failed).to_contain_text("3 of 3 attempts failed; the policy allows 3")
    page.run(2)
    expect(page.cell(2)).to_contain_text("FAILED", timeout=PATIENCE_MS)
    detail.locator("[data-wf-knob=FAILURES_BEFORE_SUCCESS]").fill("1")
    ran(detail)
    expect(failed).to_have_attribute("data-wf-evidence", "pass", timeout=PATIENCE_MS)
    detail.locator("[data-wf-action=after-timeline]").click()
    beside = page.page.locator("[data-wf-panel=beside] [data-wf-view=timeline]")
    expect(beside).to_have_attribute("data-wf-state", "COMPLETED", timeout=PATIENCE_MS)
    page.command("wflab:open", view="recipes")
    other = page.page.locator("[data-wf-panel=beside] [data-wf-view=recipes]")
    expect(other.locator("[data-wf-recipe]")).to_have_count(len(RECIPES), timeout=PATIENCE_MS)
    detail = opened(other, "monitor")
    detail.locator("[data-wf-action=failure]").check()
    ran(detail)
    expect(detail.locator("[data-wf-trial]")).to_have_attribute("data-wf-state", "FAILED")
