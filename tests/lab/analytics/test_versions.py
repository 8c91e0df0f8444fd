"""Versions beside each other: published intervals, and what is told of each."""

from datetime import timedelta
from math import isnan
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wflab as wf
from tests.lab import fleet
from wfengine.errors import InvalidArgument
from wfengine.model.instance import Status
from wflab.analytics.fleet.versions import difference, median_interval

WITHIN_SECONDS = 60.0


def test_newcombe_s_interval_is_the_published_one() -> None:
    """Newcombe (1998), table II, case (a): 56/70 and 48/80, method 10: 0.0524 to 0.3339; and (h): 10/10 and 0/10: 0.6075 to 1."""
    assert list(difference((48, 80), (56, 70))) == pytest.approx([0.2, 0.0524, 0.3339], abs=5e-5)
    change, low, high = difference((0, 10), (10, 10))
    assert [change, high] == pytest.approx([1, 1])
    assert low == pytest.approx(0.6075, abs=5e-5)
    assert all(isnan(one) for one in difference(None, (1, 2)) + difference((0, 0), (1, 2)))


@pytest.mark.parametrize(("count", "rank"), [(6, 1), (8, 1), (10, 2), (15, 4), (20, 6), (25, 8), (50, 18), (100, 40)])
def test_the_median_lies_between_the_order_statistics_of_the_published_table(count: int, rank: int) -> None:
    """The ranks of the sign test's table at 95 % (Conover, Practical Nonparametric Statistics, table A3, and its normal approximation at 100)."""
    low, high = median_interval(np.arange(1, count + 1, dtype=float))
    assert (low, high) == (rank, count + 1 - rank)


def test_of_few_values_nothing_is_sure() -> None:
    assert all(isnan(one) for one in median_interval(np.arange(5, dtype=float)))


def test_a_row_for_each_version_with_what_changed(tmp_path: Path) -> None:
    def many(first: int, version: str, good: int, bad: int, seconds: float, hours: int) -> Any:
        for n in range(good + bad):
            status = Status.COMPLETED if n < good else Status.FAILED
            created = fleet.NOW - timedelta(hours=hours) + timedelta(seconds=n)
            yield fleet.run(first + n, status=status, version=version, created=created, seconds=seconds + n / 1000)

    fleet.record(tmp_path / "v.duckdb", [*many(100, "v1", 48, 32, 4, 9), *many(200, "v2", 56, 14, 2, 3), fleet.run(1, name="other")])
    with wf.Lab(tmp_path / "v.duckdb") as lab:
        found = lab.compare_versions("order")
        assert lab.compare_versions("nobody").empty
        assert lab.compare_versions("order", since=fleet.NOW - timedelta(hours=4))["version"].tolist() == ["v2"]
    assert found[["version", "count", "completed", "failed", "running"]].to_numpy().tolist() == [
        ["v1", 80, 48, 32, 0],
        ["v2", 70, 56, 14, 0],
    ]
    assert found["rate"].tolist() == [pytest.approx(0.6), pytest.approx(0.8)]
    assert isnan(found["change"][0])
    assert [found[column][1] for column in ("change", "change_low", "change_high")] == [
        pytest.approx(0.2),
        pytest.approx(0.0524, abs=5e-5),
        pytest.approx(0.3339, abs=5e-5),
    ]
    assert found["p50"].dt.total_seconds().tolist() == [pytest.approx(4.0235), pytest.approx(2.0275)]
    assert (found["p50_low"] < found["p50"]).all()
    assert (found["p50"] < found["p50_high"]).all()
    assert found[["top_failure", "top_failures"]].to_numpy().tolist() == [
        ["ValueError: card # declined", 32],
        ["ValueError: card # declined", 14],
    ]
    assert "Newcombe" in repr(found)


def test_code_without_a_name_goes_by_its_hash(lab: wf.Lab) -> None:
    def greeting(_: wf.WorkflowContext, name: str) -> str:
        return f"hello {name}"

    def other(_: wf.WorkflowContext, name: str) -> str:
        return f"good morning {name}"

    for function in (greeting, other):
        lab.engine.register_workflow(function, "greeting")
        lab.start("greeting", "Ana").result(WITHIN_SECONDS)
    found = lab.compare_versions("greeting")
    assert found["count"].tolist() == [1, 1]
    assert [version == code[:8] for version, code in zip(found["version"], found["code_hash"], strict=True)] == [True, True]
    assert lab.runs.where(name="greeting", version=found["version"][1]).count() == 1


def test_throughput_has_bins_that_one_can_read_or_those_asked_for(tmp_path: Path) -> None:
    fleet.record(tmp_path / "t.duckdb", fleet.issue_mix())
    with wf.Lab(tmp_path / "t.duckdb") as lab:
        found = lab.throughput()
        assert found.attrs["every"] == timedelta(minutes=15)
        assert int(found["count"].sum()) == 1000
        assert str(found["time"].dtype).endswith("UTC]")
        assert found["status"].cat.ordered
        assert lab.throughput("1h")["time"].nunique() < found["time"].nunique()
        for wrong in ("0s", timedelta(milliseconds=5), "soon"):
            with pytest.raises(InvalidArgument):
                lab.throughput(wrong)
        assert lab.throughput(name="nobody").empty
