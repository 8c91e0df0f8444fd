"""The dashboard in a real JupyterLab: the figure that the definition gives, what a click chooses, what is stuck, and its way to other views."""

from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenNotebook
from tests.browser.jupyter_server import NotebookPage
from tests.lab import fleet
from wfengine.model.history import TaskCompleted, TaskScheduled
from wfengine.model.instance import Status

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
LOAD = "%load_ext wflab\nimport wflab as wf\nfrom datetime import timedelta\nwfr = wf.WorkflowRuntime()"
WORKFLOWS = """
@wfr.workflow(name="changed")
def changed(ctx, _):
    yield ctx.call_activity("another", input=1)

@wfr.workflow(name="sleeper")
def sleeper(ctx, _):
    yield ctx.create_timer(timedelta(days=3))

run = lab.start(sleeper, instance_id="healthy")
lab.engine.wait_for_workflow_start("healthy", 30)
"""
OVERDUE = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from tests.lab import fleet
from wfengine.model.history import TimerCreated
now = lab.engine.now()
late = TimerCreated(occurred_at=now - timedelta(hours=1), event_id=0, fire_at=now - timedelta(minutes=1))
fleet.record_into(lab, [fleet.under_way(900, late, name="sleeper", since=now - timedelta(hours=1))])
print("recorded")
"""
PATIENCE_MS = 30_000


def view(page: NotebookPage, cell: int) -> Locator:
    """The dashboard of a cell, in sight: unseen, it would be sent nothing."""
    found = page.cell(cell).locator("[data-wf-view=dashboard]")
    found.scroll_into_view_if_needed(timeout=PATIENCE_MS)
    return found


def test_a_thousand_runs_give_the_definition_s_figure_and_a_click_chooses_those_it_counts(
    open_notebook: OpenNotebook, folder: Path
) -> None:
    fleet.record(folder / "wflab.duckdb", fleet.issue_mix())
    page = open_notebook(
        LOAD,
        "dash = lab.dashboard()\ndash",
        "print('selected', len(dash.selection), set(dash.selection['status'].astype(str)), dash.filter.name)",
        "print(lab.success_rates(by=None)[['numerator', 'denominator']].iloc[0].to_list())",
    )
    page.run(0)
    page.run(1)
    dash = view(page, 1)
    success = dash.locator("[data-wf-kpi=success]")
    expect(success).to_contain_text("97.0%", timeout=PATIENCE_MS)
    expect(success).to_contain_text("960/990")
    tip = success.get_attribute("title") or ""
    assert "numerator 960" in tip
    assert "denominator 990" in tip
    assert sum(int(chip.get_attribute("data-wf-count") or 0) for chip in dash.locator("[data-wf-chip]").all()) == 1_000
    segment = dash.locator("[data-wf-workflow=order] [data-wf-segment=FAILED]")
    count = segment.get_attribute("data-wf-count")
    assert count == "20"
    segment.click()
    expect(dash.locator("[data-wf-filter]")).to_have_attribute("data-wf-filter", "state=FAILED, name=order", timeout=PATIENCE_MS)
    expect(dash.locator("[data-wf-instances]")).to_have_attribute("data-wf-count", count, timeout=PATIENCE_MS)
    expect(dash.locator("[data-wf-instance]")).to_have_count(20)
    expect(success).to_contain_text("97.0%")
    page.run(2)
    expect(page.cell(2)).to_contain_text("selected 20 {'FAILED'} order", timeout=PATIENCE_MS)
    page.run(3)
    expect(page.cell(3)).to_contain_text("[960, 990]", timeout=PATIENCE_MS)
    dash.locator("[data-wf-explain=success]").click()
    expect(dash.locator("[data-wf-sql]")).to_contain_text("count(*) FILTER (status = 'COMPLETED')", timeout=PATIENCE_MS)
    dash.locator("[data-wf-instance] input").first.check()
    page.cell(2).scroll_into_view_if_needed()
    page.run(2)
    expect(page.cell(2)).to_contain_text("selected 1 ", timeout=PATIENCE_MS)


def test_what_is_stuck_is_told_with_its_reason_and_a_healthy_timer_is_not(open_notebook: OpenNotebook, folder: Path) -> None:
    scheduled = TaskScheduled(occurred_at=fleet.NOW, event_id=0, name="charge", task_execution_id="t")
    fleet.record(
        folder / "wflab.duckdb",
        [fleet.under_way(1, scheduled, TaskCompleted(occurred_at=fleet.NOW, task_scheduled_id=0, result="1"), name="changed")],
    )
    wake = "lab.get('changed-1').raise_event('wake')  # its next turn reads the code that does not agree\n"
    page = open_notebook(LOAD + WORKFLOWS + wake, "lab.dashboard()", OVERDUE)
    page.run(0)
    page.run(1)
    dash = view(page, 1)
    stalled = dash.locator("[data-wf-stuck=changed-1]")
    expect(stalled).to_have_attribute("data-wf-reason", "stalled", timeout=PATIENCE_MS)
    page.run(2)
    expect(page.cell(2)).to_contain_text("recorded", timeout=PATIENCE_MS)
    view(page, 1)
    dash.locator("[data-wf-action=refresh]").click()
    overdue = dash.locator("[data-wf-stuck=sleeper-900]")
    expect(overdue).to_contain_text("overdue by 1 min", timeout=PATIENCE_MS)
    expect(dash.locator("[data-wf-kpi=stuck]")).to_contain_text("2")
    assert stalled.inner_text() != overdue.inner_text()
    assert "charge" in stalled.inner_text()
    expect(dash.locator("[data-wf-instance=healthy]")).to_have_count(1)
    expect(dash.locator("[data-wf-stuck=healthy]")).to_have_count(0)


def test_it_follows_the_lab_opens_beside_it_and_leads_to_a_run_s_views(open_notebook: OpenNotebook) -> None:
    page = open_notebook(
        LOAD + WORKFLOWS,
        "lab.dashboard()",
        "more = lab.start_many('sleeper', range(4))",
        "print(lab.sql(\"SELECT what, count(*) AS n FROM audit WHERE from_where = 'dashboard' GROUP BY what\").values.tolist())",
    )
    page.run(0)
    page.run(1)
    dash = view(page, 1)
    expect(dash.locator("[data-wf-instance]")).to_have_count(1, timeout=PATIENCE_MS)
    page.run(2)
    view(page, 1)
    expect(dash.locator("[data-wf-kpi=running]")).to_contain_text("5", timeout=PATIENCE_MS)
    expect(dash.locator("[data-wf-instance]")).to_have_count(1)
    dash.locator("[data-wf-action=show-new]").click(timeout=PATIENCE_MS)
    expect(dash.locator("[data-wf-instance]")).to_have_count(5)

    page.command("wflab:open", view="dashboard")
    beside = page.page.locator("[data-wf-panel=beside]:visible")
    other = beside.locator("[data-wf-view=dashboard][data-wf-mode=live]")
    expect(other.locator("[data-wf-instance]")).to_have_count(5, timeout=PATIENCE_MS)
    other.locator("[data-wf-action=bulk-suspend]").click()
    expect(other.locator("[data-wf-dry-run]")).to_have_attribute("data-wf-dry-run", "5", timeout=PATIENCE_MS)
    other.locator("[data-wf-action=bulk-confirm]").click()
    expect(other.locator(".wf-dryrun")).to_contain_text("Done to 5", timeout=PATIENCE_MS)
    expect(other.locator("[data-wf-chip=SUSPENDED]")).to_have_attribute("data-wf-count", "5", timeout=PATIENCE_MS)
    other.locator("[data-wf-instance=healthy] [data-wf-open=graph]").click()
    expect(page.page.locator("[data-wf-panel=beside]:visible [data-wf-view=graph]")).to_be_visible(timeout=PATIENCE_MS)
    page.cell(3).locator(".jp-Cell-inputWrapper").click()  # the notebook is the current one again
    page.run(3)
    expect(page.cell(3)).to_contain_text("[['suspend', 5]]", timeout=PATIENCE_MS)


def test_what_a_deploy_broke_is_marked_durations_are_a_map_and_the_picture_leaves_as_a_file(
    open_notebook: OpenNotebook, folder: Path
) -> None:
    hour = fleet.SECOND * 3600
    old = ("ValueError", "card 17 declined")
    runs = [
        fleet.run(1, version="v1", status=Status.FAILED, error=old, created=fleet.NOW - 9 * hour, seconds=2),
        fleet.run(2, version="v2", status=Status.FAILED, error=old, created=fleet.NOW - 2 * hour, seconds=2),
        fleet.run(3, version="v2", status=Status.FAILED, error=("KeyError", "sku 4711"), created=fleet.NOW - 1 * hour, seconds=2),
        *(fleet.run(n, version="v2", created=fleet.NOW - 2 * hour, seconds=200) for n in range(4, 9)),
    ]
    fleet.record(folder / "wflab.duckdb", runs)
    page = open_notebook(
        LOAD,
        "dash = lab.dashboard()\ndash",
        "print(dash.heat_map()[['count', 'badly']].values.tolist(), lab.failures()['new_since'].tolist())",
    )
    page.run(0)
    page.run(1)
    dash = view(page, 1)
    expect(dash.locator("[data-wf-new]")).to_have_count(1, timeout=PATIENCE_MS)
    expect(dash.locator("[data-wf-failure='KeyError: sku #'] [data-wf-new]")).to_have_text("new since v2")
    dash.locator("[data-wf-explain=failures]").click()
    expect(dash.locator("[data-wf-sql]")).to_contain_text("new_since", timeout=PATIENCE_MS)
    page.page.keyboard.press("Escape")
    dash.locator("[data-wf-action=heat]").click()
    heat = dash.locator("[data-wf-heat]")
    expect(heat).to_have_attribute("data-wf-heat", "4")
    heat.focus()
    page.page.keyboard.press("ArrowLeft")
    expect(dash.locator(".wf-heattold")).to_contain_text("1 run, all FAILED or TERMINATED")
    dash.locator("[data-wf-explain=heat]").click()
    expect(dash.locator("[data-wf-sql]")).to_contain_text("per_decade", timeout=PATIENCE_MS)
    with page.page.expect_download() as found:
        dash.locator("[data-wf-action=svg]").click()
    assert "new since v2 · charge_card · order" in Path(found.value.path()).read_text("utf-8")
    page.run(2)
    expect(page.cell(2)).to_contain_text("[[1, 1], [1, 1], [5, 0], [1, 1]] ['', 'v2']", timeout=PATIENCE_MS)
