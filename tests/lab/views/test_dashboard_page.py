"""The built dashboard in a browser, without a kernel: what it shows, what it asks when pressed, and that nothing moves by itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import AXE, audit
from tests.lab.views.dashboard_pictures import dashboard, kpi, line, row
from tests.lab.views.pages import SHOW, marks_of, page_with
from tests.lab.views.test_card import HOSTILE
from wflab import protocol
from wflab.protocol.dashboard import DashboardBulk, DashboardFilter, DashboardPicture, ExplainedNumber
from wflab.views.dashboard_svg import svg_dashboard

pytestmark = marks_of("dashboard")


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with page_with(browser, "dashboard", width=1200) as page:
        yield page


def message(picture: DashboardPicture, sequence: int = 1) -> Any:
    return msgspec.to_builtins(protocol.ShowPicture(seq=sequence, picture=picture))


def show(page: Page, picture: DashboardPicture) -> None:
    page.evaluate(SHOW, message(picture))
    page.wait_for_selector("[data-wf-view=dashboard]")


def push(page: Page, picture: DashboardPicture, sequence: int) -> None:
    page.evaluate("message => model.push(message)", message(picture, sequence))


def asked(page: Page, what: str) -> dict[str, Any]:
    """The arguments of the last question of this name."""
    page.wait_for_function("what => model.sent.some((sent) => sent.type === 'request' && sent.what === what)", arg=what)
    found: dict[str, Any] = page.evaluate("what => model.sent.filter((sent) => sent.what === what).at(-1)", what)
    return found


def answer(page: Page, what: str, data: Any) -> dict[str, Any]:
    question = asked(page, what)
    page.evaluate("model.tell", msgspec.to_builtins(protocol.Reply(id=question["id"], data=msgspec.to_builtins(data))))
    arguments: dict[str, Any] = question["arguments"]
    return arguments


def test_tiles_chips_and_the_filter_in_words(page: Page) -> None:
    show(page, dashboard())
    success = page.locator("[data-wf-kpi=success]")
    expect(success).to_contain_text("80.0%")
    expect(success).to_contain_text("8/10")
    assert success.get_attribute("data-wf-standing") == "bad"
    assert page.locator("[data-wf-kpi]").count() == 5
    chips = page.locator("[data-wf-chip]")
    assert sum(int(chip.get_attribute("data-wf-count") or 0) for chip in chips.all()) == 11
    assert page.locator("[data-wf-filter]").get_attribute("data-wf-filter") == "state=FAILED, name=order"
    expect(page.locator("[data-wf-filter]")).to_contain_text("lab.dashboard(name='order', status='FAILED')")


def test_whatever_is_pressed_asks_for_a_filter(page: Page) -> None:
    show(page, dashboard(filter=DashboardFilter()))
    page.locator("[data-wf-workflow=order] [data-wf-segment=FAILED]").click()
    assert asked(page, "filter")["arguments"] == {"name": "order", "status": "FAILED"}
    page.locator("[data-wf-chip=RUNNING]").click()
    assert asked(page, "filter")["arguments"] == {"status": "RUNNING"}
    page.locator("[data-wf-failure] .wf-link").first.click()
    assert asked(page, "filter")["arguments"] == {"error": "ValueError: card # declined"}
    page.locator("[data-wf-node=charge] [data-wf-segment=FAILED]").click()
    assert asked(page, "filter")["arguments"] == {"reached": "charge", "reached_state": "FAILED"}
    page.locator("[data-wf-workflow=order] .wf-stretch").first.click()
    since = asked(page, "filter")["arguments"]
    assert since["name"] == "order"
    assert since["since"] < since["until"]
    page.locator("[data-wf-field=text]").fill("card")
    page.wait_for_function("model.sent.some((sent) => sent.what === 'filter' && sent.arguments.text === 'card')")


def test_a_new_failure_says_since_when_and_an_old_one_says_nothing(page: Page) -> None:
    new, old = dashboard().failures[0], msgspec.structs.replace(dashboard().failures[0], fingerprint="KeyError: sku #", new_since="")
    show(page, dashboard(failures=[new, old]))
    expect(page.locator("[data-wf-failure]").nth(0).locator("[data-wf-new]")).to_have_text("new since v14")
    expect(page.locator("[data-wf-failure]").nth(1)).not_to_contain_text("new since")


def cell_at(page: Page, column: int, row: int) -> None:
    """Put the pointer on a cell of the heat map, which is drawn to scale in 520 x 172."""
    box = page.locator("[data-wf-heat]").bounding_box()
    assert box is not None
    scale = box["width"] / 520
    page.mouse.move(box["x"] + scale * (74 + (column + 0.5) * 434 / 40), box["y"] + scale * (150 - (row + 0.5) * 144 / 3))


def test_durations_are_a_curve_or_a_heat_map_whose_cells_say_what_they_count(page: Page) -> None:
    show(page, dashboard())
    heat = page.locator("[data-wf-heat]")
    expect(heat).to_be_hidden()
    expect(page.locator("[data-wf-explain=heat]")).to_be_hidden()
    page.locator("[data-wf-action=heat]").click()
    expect(heat).to_be_visible()
    expect(page.locator(".wf-curveline")).to_be_hidden()
    expect(page.locator("[data-wf-action=heat]")).to_have_attribute("aria-pressed", "true")
    assert "10 ended runs by time and duration, 3 of them FAILED or TERMINATED" in (heat.get_attribute("aria-label") or "")
    told = page.locator(".wf-heattold")
    expect(told).to_contain_text("1 to 4 in a cell")
    heat.scroll_into_view_if_needed()
    cell_at(page, 20, 1)
    expect(told).to_contain_text("1 s – 10 s: 4 runs, 1 FAILED or TERMINATED")
    expect(heat.locator("title")).to_contain_text("4 runs")
    cell_at(page, 10, 0)
    expect(told).to_contain_text("100 ms – 1 s: 0 runs")
    page.mouse.move(0, 0)
    expect(told).to_contain_text("in a cell")
    heat.focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(told).to_contain_text("10 s – 1 min 40 s: 2 runs, all FAILED or TERMINATED")
    page.locator("[data-wf-explain=heat]").click()
    assert asked(page, "explain")["arguments"] == {"what": "heat"}


def test_the_heat_map_marks_what_ended_badly_by_more_than_colour_and_has_a_table(page: Page) -> None:
    show(page, dashboard())
    page.locator("[data-wf-action=heat]").click()
    crosses = page.locator(".wf-cross").get_attribute("d") or ""
    assert crosses.count("M") == 2 * 2, "two strokes for each of the two cells"
    shades = [(page.locator(f".wf-heat{n}").get_attribute("d") or "").count("M") for n in range(1, 6)]
    assert shades == [1, 0, 1, 1, 1], "1, 2, 3 and 4 runs"
    table = page.locator("[data-wf-heattable]")
    table.locator("summary").click()
    expect(table.locator("tbody tr")).to_have_count(4)
    expect(table.locator("tbody tr").first).to_contain_text("1 s – 10 s")
    assert table.locator("tbody tr").first.locator("td").all_inner_texts()[1:] == ["4", "1"]
    later = msgspec.structs.replace(dashboard().heat, cells=[(5, 2, 9, 9)])
    push(page, dashboard(heat=later), 2)
    expect(table.locator("tbody tr")).to_have_count(1)
    expect(page.locator("[data-wf-heat]")).to_be_visible()
    push(page, dashboard(heat=msgspec.structs.replace(later, edges=[], cells=[])), 3)
    expect(page.locator("[data-wf-heat]")).to_have_count(0)


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: make setup")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_grave_in_the_heat_map_and_its_table(page: Page, theme: str) -> None:
    turn = "(theme) => { document.body.dataset.jpThemeLight = String(theme === 'light'); document.body.style.background = theme === 'light' ? '#fff' : '#111'; }"
    page.evaluate(turn, theme)
    show(page, dashboard())
    page.locator("[data-wf-action=heat]").click()
    page.locator("[data-wf-heattable] summary").click()
    expect(page.locator("[data-wf-heattable] tbody tr")).to_have_count(4)
    found = audit(page, "[data-wf-view]")
    assert found.roots["dashboard"] > 0
    assert not found.grave, "\n".join(map(str, found.grave))


def test_nothing_of_nothing_is_a_dash_and_never_nought_or_all(page: Page) -> None:
    show(page, dashboard())
    idle = page.locator("[data-wf-workflow=idle]")
    expect(idle.locator(".wf-rate b")).to_have_text("–")
    assert "0%" not in idle.inner_text()
    assert "100%" not in idle.inner_text()


def test_rows_keep_their_places_until_a_person_asks(page: Page) -> None:
    show(page, dashboard())
    names = "() => [...document.querySelectorAll('[data-wf-workflow]')].map((row) => row.dataset.wfWorkflow)"
    rows = "() => [...document.querySelectorAll('[data-wf-instance]')].map((row) => row.dataset.wfInstance)"
    assert page.evaluate(names) == ["order", "refund@v1", "idle"]
    later = dashboard(
        workflows=[line("refund", 9, 0, version="v1"), line("order", 6, 2), line("new", 1, 0), line("idle", 0, 0)],
        instances=[row(7), row(1), row(2, status="RUNNING", ended=None)],
    )
    push(page, later, 2)
    assert page.evaluate(names) == ["order", "refund@v1", "idle", "new"]
    assert page.evaluate(rows) == ["r1", "r2", "r3"]
    expect(page.locator("[data-wf-instance=r2]")).to_contain_text("RUNNING")
    expect(page.locator("[data-wf-action=show-new]")).to_have_text("1 new · show")
    page.locator("[data-wf-action=show-new]").click()
    assert page.evaluate(rows) == ["r7", "r1", "r2"]
    expect(page.locator("[data-wf-action=reorder]")).to_contain_text("rows would move")
    page.locator("[data-wf-action=reorder]").click()
    assert page.evaluate(names) == ["refund@v1", "order", "new", "idle"]


def test_heads_sort_and_say_so(page: Page) -> None:
    show(page, dashboard())
    names = "() => [...document.querySelectorAll('[data-wf-workflow]')].map((row) => row.dataset.wfWorkflow)"
    head = page.locator("th", has=page.locator("button", has_text="Success"))
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert page.evaluate(names) == ["order", "refund@v1", "idle"], "what has no rate comes last"
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "descending"
    assert page.evaluate(names) == ["refund@v1", "order", "idle"]
    page.locator("[data-wf-instances] button", has_text="Took").click()
    assert asked(page, "page")["arguments"] == {"order": "-took", "first": 0}


def test_marking_is_told_to_the_kernel(page: Page) -> None:
    show(page, dashboard())
    assert page.locator("[data-wf-instance=r2] input").is_checked()
    page.locator("[data-wf-instance=r1] input").check()
    assert sorted(asked(page, "select")["arguments"]["ids"]) == ["r1", "r2"]
    expect(page.locator(".wf-manybar").first).to_contain_text("1 marked:")


def test_an_act_on_many_shows_the_list_and_then_names_the_count(page: Page) -> None:
    show(page, dashboard())
    page.locator("[data-wf-action=bulk-terminate]").click()
    assert answer(page, "bulk", DashboardBulk(verb="terminate", count=2, unfit=1, would=[("r1", "order", "RUNNING")])) == {
        "verb": "terminate"
    }
    panel = page.locator("[data-wf-dry-run]")
    expect(panel).to_contain_text("Dry run: terminate would be done to 2. 1 of those listed cannot be.")
    expect(panel).to_contain_text("and 1 more")
    go = page.locator("[data-wf-action=bulk-confirm]")
    expect(go).to_have_text("terminate 2 runs")
    go.click()
    page.wait_for_function("model.sent.some((sent) => sent.what === 'bulk' && sent.arguments.count === 2)")
    answer(page, "bulk", DashboardBulk(verb="terminate", count=2, unfit=1, done=1, failed=1, errors=[("r1", "it had ended")]))
    expect(page.locator(".wf-dryrun")).to_contain_text("Done to 1, not to 1")
    expect(page.locator(".wf-dryrun")).to_contain_text("it had ended")


def test_a_number_is_explained_by_its_sql(page: Page) -> None:
    show(page, dashboard())
    page.locator("[data-wf-explain=success]").click()
    told = ExplainedNumber(
        title="Success rate", definition="what it means", sql="SELECT 1", parameters={"name": "'order'"}, code="lab.success_rates()"
    )
    assert answer(page, "explain", told) == {"what": "success"}
    expect(page.locator("[data-wf-sql]")).to_contain_text("SELECT 1")
    expect(page.locator("[data-wf-sql]")).to_contain_text("$name = 'order'")


def test_the_footer_exports_the_picture_that_python_draws(page: Page) -> None:
    show(page, dashboard())
    with page.expect_download() as found:
        page.locator("[data-wf-action=svg]").click()
    assert found.value.suggested_filename == "dashboard-lab.svg"
    assert Path(found.value.path()).read_text("utf-8") == svg_dashboard(dashboard(), alone=True)
    with page.expect_download() as found:
        page.locator("[data-wf-action=html]").click()
    assert "data:image/svg+xml" in Path(found.value.path()).read_text("utf-8")


def test_a_run_is_opened_by_whoever_hears_it_or_else_its_code_is_told(page: Page) -> None:
    show(page, dashboard())
    page.locator("[data-wf-instance=r1] [data-wf-open=graph]").click()
    expect(page.locator("[data-wf-drawer]")).to_contain_text('lab.get("r1").graph()')
    page.evaluate(
        "() => document.addEventListener('wflab:open-view', (event) => { event.preventDefault(); window.opened = event.detail; })"
    )
    page.locator("[data-wf-instance=r2] [data-wf-open=timeline]").click()
    assert page.evaluate("() => opened") == {"view": "timeline", "instance_id": "r2", "name": "order"}


def test_an_empty_lab_points_to_the_recipes(page: Page) -> None:
    nothing: dict[str, Any] = {
        "states": {},
        "workflows": [],
        "failures": [],
        "stuck": [],
        "instances": [],
        "curve": [],
        "graph": None,
        "total": 0,
    }
    show(page, dashboard(**nothing, everything=0, filter=DashboardFilter(), kpis=[kpi("success", "–", "0/0")]))
    expect(page.locator(".wf-empty")).to_contain_text("lab.recipes()")
    expect(page.locator(".wf-dash")).to_be_hidden()
    push(page, dashboard(**nothing, everything=3, kpis=[kpi("success", "–", "0/0")]), 2)
    expect(page.locator(".wf-empty")).to_have_text("No run fits the filter.")


def test_hostile_names_are_text(page: Page) -> None:
    wicked = [line(name, 1, 1, failure=name) for name in dict.fromkeys(HOSTILE)]
    show(
        page,
        dashboard(
            workflows=wicked,
            names=list(HOSTILE),
            failures=[
                msgspec.structs.replace(dashboard().failures[0], fingerprint=f"{n} {name}", new_since=name)
                for n, name in enumerate(HOSTILE)
            ],
            instances=[row(n, name=name, instance_id=f"{name}{n}", note=name) for n, name in enumerate(HOSTILE)],
        ),
    )
    assert page.locator("[data-wf-workflow]").count() == len(wicked)
    assert page.locator("[data-wf-new]").count() == len(HOSTILE)
    assert page.evaluate("() => document.querySelectorAll('.wf-dash script, .wf-dash img').length") == 0


@pytest.mark.parametrize("width", [320, 720, 1400])
def test_it_fits_its_width(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    show(page, dashboard())
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "only tables scroll, within themselves"
