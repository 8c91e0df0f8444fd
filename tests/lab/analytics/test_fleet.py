"""The questions about the whole fleet: what they count, what they leave out, and that the query they show is the one they asked."""

from datetime import timedelta
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import wflab as wf
from tests.lab import fleet
from tests.lab.seed import run_cell
from wfengine.errors import InvalidArgument
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import ParentInstance, Status
from wflab.analytics.fleet.population import Scope
from wflab.analytics.fleet.slo import error_budget
from wflab.analytics.fleet.success import wilson

WITHIN_SECONDS = 60.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fleet.duckdb"


def test_the_rate_is_the_printed_definition_s(path: Path) -> None:
    fleet.record(path, fleet.issue_mix())
    with wf.Lab(path) as lab:
        rates = lab.success_rates()
    row = rates.iloc[0].to_dict()
    assert (row["completed"], row["failed"], row["terminated"], row["canceled"], row["continued"], row["running"]) == (960, 20, 10, 5, 5, 0)
    assert (row["numerator"], row["denominator"]) == (960, 990)
    assert row["rate"] == pytest.approx(960 / 990)
    assert row["low"] < row["rate"] < row["high"]
    assert "success = COMPLETED / (COMPLETED + FAILED + TERMINATED)" in repr(rates)
    assert "CANCELED excluded" in rates._repr_html_()


def test_chains_count_once_and_children_not_unless_asked_for(path: Path) -> None:
    parent = ParentInstance(key=1, instance_id="order-1", name="order", task_id=0)
    again = [
        fleet.run(
            10 + n,
            name="poll",
            instance_id="poll",
            generation=n,
            status=Status.CONTINUED_AS_NEW,
            created=fleet.NOW + n * fleet.SECOND,
            seconds=1,
        )
        for n in range(5)
    ]
    last = fleet.run(15, name="poll", instance_id="poll", generation=5, created=fleet.NOW + 5 * fleet.SECOND, seconds=1)
    child = fleet.run(2, name="charge", status=Status.FAILED, parent=parent)
    fleet.record(path, [fleet.run(1, status=Status.FAILED), child, *again, last])
    with wf.Lab(path) as lab:
        rates = lab.success_rates().set_index("name")
        assert list(rates.index) == ["order", "poll"]
        assert list(rates.loc["poll", ["completed", "denominator"]]) == [1, 1]
        assert rates.loc["poll", "continued"] == 0
        assert lab.success_rates(by=None, children=True)["denominator"][0] == 3
        assert lab.durations().set_index("name").loc["poll", "p50"] == timedelta(seconds=6), "from the first generation's beginning"


def test_an_id_that_is_used_again_is_another_run(path: Path) -> None:
    fleet.record(path, [fleet.run(1, instance_id="nightly"), fleet.run(2, instance_id="nightly", status=Status.FAILED)])
    with wf.Lab(path) as lab:
        assert list(lab.success_rates()[["numerator", "denominator"]].iloc[0]) == [1, 2]


def test_nothing_of_nothing_is_a_dash(path: Path) -> None:
    fleet.record(path, [fleet.run(1, status=Status.CANCELED)])
    with wf.Lab(path) as lab:
        rates = lab.success_rates()
        assert isnan(rates["rate"][0])
        assert "–" in repr(rates)
        assert "<td>–</td>" in rates._repr_html_()
        assert "0.0" not in repr(rates)
        assert lab.success_rates(canceled=True)["rate"][0] == 0.0


def test_an_empty_lab_answers_with_empty_frames(lab: wf.Lab) -> None:
    for frame in (lab.success_rates(), lab.durations(), lab.failures(), lab.stuck()):
        assert frame.empty
    assert lab.success_rates(by=None)["denominator"][0] == 0
    assert list(lab.error_budget()["good"]) == [0, 0, 0]
    assert lab.error_budget()["burn"].isna().all()


def test_runs_are_in_the_window_in_which_they_ended(path: Path) -> None:
    late = fleet.NOW - timedelta(hours=1)
    fleet.record(path, [fleet.run(1, created=late, seconds=2 * 3600), fleet.run(2, created=late - timedelta(days=1), seconds=1)])
    with wf.Lab(path) as lab:
        assert lab.success_rates(by=None, since=fleet.NOW)["completed"][0] == 1
        assert lab.success_rates(by=None, until=fleet.NOW)["completed"][0] == 1
        by_day = lab.success_rates(by="day")
        assert list(by_day["completed"]) == [1, 1]
        assert str(by_day["day"].dtype).endswith("UTC]")


def test_groups_are_columns_times_and_tags(path: Path) -> None:
    fleet.record(path, fleet.mixed(200))
    with wf.Lab(path) as lab:
        shops = lab.success_rates(by=["tag:shop", "version"])
        assert list(shops.columns[:2]) == ["shop", "version"]
        assert set(shops["shop"]) == {"berlin", "oslo", "lima"}
        assert shops["completed"].sum() == lab.success_rates(by=None)["completed"][0]
        assert lab.success_rates(by='tag:no"such')['no"such'].isna().all()
        with pytest.raises(InvalidArgument, match="there are name, version"):
            lab.success_rates(by="nmae")
        with pytest.raises(InvalidArgument, match="such as '24h'"):
            lab.success_rates(since="yesterday")


def test_every_answer_s_query_gives_its_numbers_again(path: Path) -> None:
    fleet.record(path, fleet.mixed(300))
    with wf.Lab(path) as lab:
        for answer, column in (
            (lab.success_rates(since="3650d", name="order"), "numerator"),
            (lab.durations(by=["name", "tag:shop"]), "count"),
            (lab.failures(), "count"),
            (lab.error_budget(), "good"),
        ):
            again = lab.sql(answer.attrs["sql"], **answer.attrs["parameters"])
            assert list(again[column]) == list(answer[column])
        assert lab.sql(lab.stuck().attrs["sql"], **lab.stuck().attrs["parameters"]).empty


def test_durations_are_spans_one_can_compute_with(path: Path) -> None:
    fleet.record(path, [fleet.run(n, seconds=n) for n in range(1, 101)])
    with wf.Lab(path) as lab:
        row = lab.durations().iloc[0]
    assert row["count"] == 100
    assert row["p50"] == timedelta(seconds=50.5)
    assert row["p95"] == timedelta(seconds=95.05)
    assert row["max"] == timedelta(seconds=100)
    assert isinstance(row["mean"], pd.Timedelta)


def test_failures_are_told_apart_by_what_failed_first(path: Path) -> None:
    ended = [fleet.run(n, status=Status.FAILED, error=("ValueError", f"card {n} declined"), seconds=n) for n in range(1, 6)]
    others = [fleet.run(n, status=Status.FAILED, error=("TimeoutError", "no answer"), activity="notify") for n in range(6, 8)]
    fleet.record(path, [*ended, *others, fleet.run(8)])
    with wf.Lab(path) as lab:
        found = lab.failures()
    assert list(found["fingerprint"]) == ["ValueError: card # declined", "TimeoutError: no answer"]
    assert list(found["count"]) == [5, 2]
    assert found["share"].sum() == pytest.approx(1)
    assert list(found["activity"]) == ["charge_card", "notify"]
    assert found["sample"][0] == "order-5"
    assert found["message"][0] == "card 5 declined"
    assert found["frame"][0] == 'File "<cell 3>", line 12, in charge_card'
    assert list(found["workflows"][0]) == ["order"]


FAILING = """\
import wflab as wf
from datetime import timedelta

wfr = wf.WorkflowRuntime()

@wfr.activity(name="pay")
def pay(ctx, order):
    raise ValueError(f"card {order} declined")

@wfr.activity(name="undo")
def undo(ctx, order):
    raise RuntimeError("nothing to undo")

@wfr.workflow(name="payment")
def payment(ctx, order):
    yield ctx.call_activity(pay, input=order)

@wfr.workflow(name="checkout")
def checkout(ctx, order):
    try:
        yield ctx.call_child_workflow(payment, input=order)
    except wf.TaskFailedError as error:
        try:
            yield ctx.call_activity(undo, input=order)
        except wf.TaskFailedError:
            pass
        raise error

@wfr.workflow(name="clumsy")
def clumsy(ctx, order):
    raise KeyError(f"sku {order}")
    yield
"""


def test_a_run_that_failed_of_its_child_failed_of_what_the_child_did(lab: wf.Lab) -> None:
    names = run_cell(FAILING)
    for workflow in ("checkout", "clumsy"):
        for n in range(2):
            with pytest.raises(wf.WorkflowFailed):
                lab.start(names[workflow], n).result(WITHIN_SECONDS)
    found = lab.failures().set_index("fingerprint")
    paid = found.loc["ValueError: card # declined"]
    assert (paid["count"], paid["activity"], list(paid["workflows"])) == (2, "pay", ["checkout"])
    assert paid["frame"].endswith("in pay")
    mine = found.loc["KeyError: 'sku #'"]
    assert (mine["count"], mine["activity"]) == (2, "")
    assert mine["frame"].endswith("in clumsy")


def test_an_error_budget_burns_by_the_windows(path: Path) -> None:
    recent = [
        fleet.run(n, status=Status.FAILED if n <= 5 else Status.COMPLETED, created=fleet.NOW - timedelta(minutes=10)) for n in range(1, 101)
    ]
    older = [fleet.run(n, created=fleet.NOW - timedelta(hours=5)) for n in range(101, 501)]
    fleet.record(path, [*recent, *older])
    with wf.Lab(path) as lab, lab.engine.store.cursor() as cursor:
        budget = error_budget(cursor, Scope(), wf.SLO(success=0.99), fleet.NOW)
    assert list(budget["bad"]) == [5, 5, 5]
    assert list(budget["good"]) == [95, 495, 495]
    assert budget["burn"][0] == pytest.approx(5)
    assert budget["burn"][1] == pytest.approx(1)


@pytest.mark.parametrize("wrong", [{"success": 1.0}, {"success": 0}, {"p95": "fast"}, {"window": timedelta(0)}])
def test_an_slo_that_cannot_be_held_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        wf.SLO(**wrong)


@pytest.mark.parametrize(
    ("good", "total", "low", "high"), [(960, 990, 0.9572, 0.9787), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (1, 1, 0.2065, 1.0)]
)
def test_the_interval_is_wilson_s(good: int, total: int, low: float, high: float) -> None:
    """The figures are statsmodels' proportion_confint(method="wilson")."""
    assert wilson(good, total) == pytest.approx((low, high), abs=2e-4)
    assert isnan(wilson(0, 0)[0])


def test_a_failure_is_what_a_test_s_builder_says(path: Path) -> None:
    fleet.record(path, [fleet.run(1, status=Status.FAILED)])
    with wf.Lab(path) as lab:
        failure = lab.get("order-1").failure
    assert isinstance(failure, FailureDetails)
    assert failure.message == "Activity 'charge' (task #0) failed: card 17 declined"
