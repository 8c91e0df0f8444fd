"""`lab.dashboard()`: what it shows of a lab's runs, how its filter narrows them, what can be done to many, and that it is still while nothing happens."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

import wflab as wf
from tests.lab import fleet
from tests.lab.seed import run_cell
from tests.lab.views.dashboard_pictures import dashboard
from tests.lab.views.test_card import HOSTILE
from wfengine.errors import InvalidArgument
from wfengine.model.instance import Status
from wflab import protocol
from wflab.display.dashboard_handle import DashboardHandle
from wflab.display.source import reply_of

pytestmark = pytest.mark.slow

WITHIN_SECONDS = 60.0
STEPS = """\
import wflab as wf

wfr = wf.WorkflowRuntime()

@wfr.activity
def reserve(ctx, n):
    return n

@wfr.activity
def charge(ctx, n):
    if n % 3 == 0 and not mended:
        raise ValueError(f"card {n} declined")
    return n

@wfr.workflow
def checkout(ctx, n):
    yield ctx.call_activity(reserve, input=n)
    yield ctx.call_activity(charge, input=n)
    yield ctx.wait_for_external_event("approval")

mended = False
"""


@pytest.fixture
def issue(tmp_path: Path) -> Any:
    fleet.record(tmp_path / "fleet.duckdb", fleet.issue_mix())
    with wf.Lab(tmp_path / "fleet.duckdb") as lab:
        yield lab


def ask(dash: DashboardHandle, what: str, **arguments: Any) -> Any:
    return dash.source.answer(protocol.Request(id="1", what=what, arguments=arguments))


def tile(dash: DashboardHandle, key: str) -> protocol.Kpi:
    return next(kpi for kpi in dash.source.picture().kpis if kpi.key == key)


def test_the_tile_says_the_rate_and_what_it_is_made_of(issue: wf.Lab) -> None:
    dash = issue.dashboard()
    success = tile(dash, "success")
    assert (success.value, success.note) == ("97.0%", "960/990")
    assert "numerator 960" in success.tip
    assert "denominator 990" in success.tip
    assert sum(dash.source.picture().states.values()) == 1_000
    assert repr(dash).startswith("1,000 runs: success 97.0% (960/990)")


def test_a_filter_chooses_instances_and_leaves_the_rate_alone(issue: wf.Lab) -> None:
    dash = issue.dashboard()
    ask(dash, "filter", name="order", status="failed")
    picture = dash.source.picture()
    assert (picture.total, len(picture.instances)) == (20, 20)
    assert {row.status for row in picture.instances} == {"FAILED"}
    assert tile(dash, "success").value == "97.0%"
    assert picture.code == "lab.dashboard(name='order', status='FAILED')"
    assert len(dash.selection) == 20
    assert issue.dashboard(name="order", status=Status.FAILED).source.picture().total == 20
    ask(dash, "filter", status="", error="ValueError: card # declined")
    assert dash.source.picture().total == 20
    ask(dash, "filter", error="", reached="charge_card", reached_state="FAILED")
    assert dash.source.picture().total == 20


def test_what_is_marked_is_the_selection(issue: wf.Lab) -> None:
    dash = issue.dashboard()
    assert len(dash.selection) == 1_000
    ask(dash, "select", ids=["order-3", "order-970"])
    assert list(dash.selection["instance_id"]) == ["order-970", "order-3"]
    assert dash.source.picture().chosen == ["order-3", "order-970"]
    ask(dash, "filter", status="FAILED")
    assert dash.source.picture().chosen == [], "what was marked may be out of sight"


def test_instances_come_in_pages_of_at_most_five_hundred(issue: wf.Lab) -> None:
    dash = issue.dashboard()
    assert len(dash.source.picture().instances) == 50
    ask(dash, "page", first=0, page=100_000, order="took")
    rows = dash.source.picture().instances
    assert len(rows) == 500
    lengths = [row.ended - row.created for row in rows if row.ended is not None]
    assert lengths == sorted(lengths)
    ask(dash, "page", first=990)
    assert len(dash.source.picture().instances) == 10
    with pytest.raises(InvalidArgument, match="instance_id, name, status"):
        ask(dash, "page", order="1; DROP TABLE runs")


@pytest.mark.parametrize("wrong", [{"status": "DONE"}, {"since": "soon"}, {"colour": "red"}])
def test_a_filter_that_there_is_not_is_refused_and_changes_nothing(issue: wf.Lab, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        issue.dashboard(**wrong)
    dash = issue.dashboard(name="order")
    if "colour" not in wrong:
        with pytest.raises(InvalidArgument):
            ask(dash, "filter", **wrong)
    assert dash.filter == protocol.DashboardFilter(name="order")


@pytest.mark.parametrize("what", ["success", "p95", "heat", "running", "stuck", "burn", "failures", "workflows"])
def test_every_number_is_explained_by_a_query_that_runs(issue: wf.Lab, what: str) -> None:
    told = issue.dashboard(name="order").explain(what)
    values = {name: eval(value, {"datetime": __import__("datetime").datetime}) for name, value in told.parameters.items()}  # noqa: S307  # our own text
    assert issue.sql(told.sql, **values) is not None
    assert told.definition in repr(told)
    assert eval(told.code, {"lab": issue}) is not None  # noqa: S307  # likewise
    with pytest.raises(InvalidArgument, match="there are success"):
        issue.dashboard().explain("love")


def test_an_empty_lab_says_how_to_begin_and_nothing_of_nothing_is_a_dash(lab: wf.Lab) -> None:
    assert "lab.recipes()" in repr(lab.dashboard())
    fleet.record_into(lab, [fleet.run(1, status=Status.CANCELED)])
    dash = lab.dashboard()
    assert tile(dash, "success").value == "–"
    assert tile(dash, "success").note == "0/0"
    assert tile(dash, "burn").value == "–"
    assert dash.source.picture().workflows[0].rate is None
    assert lab.dashboard(name="nobody").text() == "No run fits the filter."


def test_it_is_the_same_picture_until_something_changes(issue: wf.Lab) -> None:
    """Twenty idle dashboards ask nothing; what a page does not see as new is not sent."""
    dash = issue.dashboard()
    first = dash.source.picture()
    assert dash.source.picture() is first
    reply_of(dash.source, protocol.Request(id="2", what="refresh"))
    renewed = dash.source.picture()
    assert renewed is not first, "who presses refresh means it"
    assert dash.source.concerns(["order-1"])
    again = dash.source.picture()
    assert again is not first
    assert msgspec.structs.replace(again, now=first.now) == first


def test_one_graph_over_many_runs_counts_those_that_reached_each_call(lab: wf.Lab) -> None:
    names = run_cell(STEPS)
    runs = lab.start_many(names["checkout"], range(9))
    for n in (0, 3, 6):
        with pytest.raises(wf.WorkflowFailed):
            runs[n].result(WITHIN_SECONDS)
    for n in (1, 2, 4, 5, 7, 8):
        lab.engine.wait_for_workflow_start(runs[n].id, WITHIN_SECONDS)
        while not runs[n].why().count("approval"):
            pass
    dash = lab.dashboard(name="checkout")
    graph = dash.source.picture().graph
    assert graph is not None
    assert [(node.name, node.counts) for node in graph.nodes] == [
        ("reserve", {"COMPLETED": 9}),
        ("charge", {"COMPLETED": 6, "FAILED": 3}),
        ("approval", {"SUSPENDED": 6}),
    ]
    assert graph.edges == [(0, 1, 9), (1, 2, 6)]
    ask(dash, "filter", reached="approval")
    assert dash.source.picture().total == 6
    ask(dash, "filter", reached="charge", reached_state="FAILED")
    assert {row.status for row in dash.source.picture().instances} == {"FAILED"}


def test_an_act_on_many_is_looked_at_first_named_by_its_count_and_written_down(lab: wf.Lab) -> None:
    names = run_cell(STEPS)
    runs = lab.start_many(names["checkout"], range(6))
    for n in (0, 3):
        with pytest.raises(wf.WorkflowFailed):
            runs[n].result(WITHIN_SECONDS)
    dash = lab.dashboard(name="checkout")
    dry = ask(dash, "bulk", verb="suspend")
    assert (dry["count"], dry["unfit"], dry["done"]) == (4, 2, 0)
    assert lab.runs.where(status="SUSPENDED").count() == 0
    with pytest.raises(InvalidArgument, match="4 can be acted on now, not 3"):
        ask(dash, "bulk", verb="suspend", count=3)
    assert ask(dash, "bulk", verb="suspend", count=4)["done"] == 4
    assert lab.runs.where(status="SUSPENDED").count() == 4
    assert ask(dash, "bulk", verb="resume", count=4)["done"] == 4
    ask(dash, "select", ids=[runs[1].id])
    assert ask(dash, "bulk", verb="terminate", count=1)["done"] == 1
    assert lab.get(runs[1].id).status == "TERMINATED"
    names["mended"] = True
    ask(dash, "select", ids=[])
    assert ask(dash, "bulk", verb="rerun", count=2)["done"] == 2
    assert lab.runs.count() == 8
    audit = lab.sql(
        "SELECT split_part(what, ' ', 1) AS verb, why, count(*) AS count FROM audit WHERE from_where = 'dashboard' GROUP BY ALL"
    )
    assert set(audit.itertuples(index=False, name=None)) == {
        ("rerun", "one of 2: dashboard.rerun()", 2),
        ("resume", "one of 4: dashboard.resume()", 4),
        ("suspend", "one of 4: dashboard.suspend()", 4),
        ("terminate", "one of 1: dashboard.terminate()", 1),
    }
    with pytest.raises(InvalidArgument, match="terminate, suspend, resume, rerun"):
        ask(dash, "bulk", verb="purge")


def test_its_frame_has_a_row_for_each_workflow(issue: wf.Lab) -> None:
    frame = issue.dashboard().df()
    assert list(frame["name"]) == ["order"]
    assert frame["p95"][0].total_seconds() == 9.0


def test_hostile_names_are_text_in_the_card(lab: wf.Lab) -> None:
    fleet.record_into(
        lab,
        [fleet.run(n, name=name, instance_id=f"{name}{n}", status=Status.FAILED, error=(name, name)) for n, name in enumerate(HOSTILE, 1)],
    )
    html = lab.dashboard().html()
    for raw in ("<script", "<img src=x", "onerror=alert(1)>"):
        assert raw not in html
    assert len(html) < 256_000


def test_a_picture_is_sent_as_in_the_sample() -> None:
    """After a change that is meant, print this message as JSON (indent 1) into the sample and mend dashboard.ts."""
    sample = json.loads((Path(__file__).parent.parent / "protocol" / "dashboard.json").read_text())
    sent = json.loads(json.dumps(protocol.as_data(protocol.ShowPicture(seq=2, picture=dashboard()))))  # tuples are lists there
    assert sent == sample
