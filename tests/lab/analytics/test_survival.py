"""Kaplan and Meier's estimate against published figures, and against what a person would say of a few runs."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import wflab as wf
from tests.lab import fleet
from wfengine.errors import InvalidArgument
from wfengine.model.instance import Status
from wflab.analytics.fleet.survival import kaplan_meier, time_until

# Weeks in remission of 21 patients on 6-MP (Freireich and others, Blood 21, 1963), the example of most textbooks; + is censored.
REMISSION = [
    "6",
    "6",
    "6",
    "6+",
    "7",
    "9+",
    "10",
    "10+",
    "11+",
    "13",
    "16",
    "17+",
    "19+",
    "20+",
    "22",
    "23",
    "25+",
    "32+",
    "32+",
    "34+",
    "35+",
]
# time: at risk, events, survival, standard error of survival (Cox and Oakes, 1984), log-log interval (R's survfit, conf.type = "log-log")
PUBLISHED = {
    6: (21, 3, 0.857, 0.0764, 0.620, 0.952),
    7: (17, 1, 0.807, 0.0869, 0.563, 0.923),
    10: (15, 1, 0.753, 0.0963, 0.503, 0.889),
    13: (12, 1, 0.690, 0.1068, 0.432, 0.849),
    16: (11, 1, 0.627, 0.1141, 0.368, 0.805),
    22: (7, 1, 0.538, 0.1282, 0.268, 0.747),
    23: (6, 1, 0.448, 0.1346, 0.188, 0.680),
}


def curve(times: list[str]) -> pd.DataFrame:
    return kaplan_meier(
        np.array([float(time.rstrip("+")) for time in times]), np.array([not time.endswith("+") for time in times], dtype=bool)
    )


def test_the_estimate_and_its_interval_are_the_published_ones() -> None:
    found = curve(REMISSION).set_index("time")
    assert list(found.index[found["events"] > 0]) == list(PUBLISHED)
    for time, (at_risk, events, survival, _, low, high) in PUBLISHED.items():
        row = found.loc[float(time)].to_dict()
        assert (row["at_risk"], row["events"]) == (at_risk, events)
        assert row["survival"] == pytest.approx(survival, abs=0.0006)
        assert row["low"] == pytest.approx(low, abs=0.0006)
        assert row["high"] == pytest.approx(high, abs=0.0006)
    assert int(found["censored"].sum()) == 12
    assert time_until(found.reset_index(), 0.5) == 23  # the published median


def test_by_hand_without_censoring_it_is_the_share_that_is_left() -> None:
    found = curve(["1", "2", "2", "5"])
    assert found.to_dict("list")["survival"] == [1, 0.75, 0.25, 0]
    assert found.to_dict("list")["at_risk"] == [4, 4, 3, 1]
    assert found["low"].isna().tolist() == [False, False, False, True]


def test_by_hand_what_is_censored_at_a_tie_was_still_at_risk() -> None:
    """3 runs; one completes at 1 s, where another is censored: 2/3 are left; the last completes of one at risk."""
    found = curve(["1", "1+", "4"]).set_index("time")
    assert found["survival"].tolist() == [1, pytest.approx(2 / 3), 0]
    assert found["at_risk"].tolist() == [3, 3, 1]


def test_a_run_that_took_no_time_and_none_at_all() -> None:
    assert curve(["0", "3"])["time"].tolist() == [0, 3]
    assert curve(["0", "3"])["survival"].tolist() == [0.5, 0]
    assert curve([]).empty
    assert curve(["5+"])[["survival", "low", "high"]].to_numpy().tolist() == [[1, 1, 1], [1, 1, 1]]


@pytest.fixture
def lab(tmp_path: Path) -> Any:
    now = datetime.now(UTC)

    def run(key: int, name: str, status: Status, seconds: float) -> Any:
        begun = now - timedelta(hours=2) if status is not Status.RUNNING else now - timedelta(seconds=seconds)
        return fleet.run(key, name=name, status=status, created=begun, seconds=seconds)

    fleet.record(
        tmp_path / "s.duckdb",
        [
            run(1, "order", Status.COMPLETED, 10),
            run(2, "order", Status.COMPLETED, 20),
            run(3, "order", Status.FAILED, 15),
            run(4, "order", Status.RUNNING, 600),
            run(5, "refund", Status.COMPLETED, 1),
        ],
    )
    with wf.Lab(tmp_path / "s.duckdb") as lab:
        yield lab


def test_runs_under_way_are_censored_now_and_failed_ones_when_they_failed(lab: wf.Lab) -> None:
    found = lab.survival(name="order")
    assert list(found.columns) == ["name", "time", "at_risk", "events", "censored", "survival", "low", "high"]
    assert found["time"].dtype.kind == "m"
    ended = found[found["time"] < "1min"]
    assert ended["time"].dt.total_seconds().tolist() == [0, 10, 15, 20]
    assert ended["survival"].tolist() == [1, 0.75, 0.75, pytest.approx(0.375)]
    assert ended["censored"].tolist() == [0, 0, 1, 0]
    last = found.iloc[-1]
    assert (last["censored"], last["at_risk"]) == (1, 1)
    assert last["time"] >= timedelta(seconds=600)
    assert "Runs under way count as censored" in repr(found)
    assert not lab.sql(found.attrs["sql"], **found.attrs["parameters"]).empty


def test_any_end_may_be_the_event_and_groups_have_curves_of_their_own(lab: wf.Lab) -> None:
    found = lab.survival(name="order", event="ended")
    assert found["survival"].tolist() == [1, 0.75, 0.5, 0.25, 0.25]
    by = lab.survival()
    assert by.groupby("name")["at_risk"].first().to_dict() == {"order": 4, "refund": 1}
    assert lab.survival(by=None)["at_risk"].iloc[0] == 5
    assert lab.survival(since="30m")["at_risk"].iloc[0] == 1
    assert lab.survival(name="nobody").empty
    assert list(lab.survival(by=["name", "version"], name="nobody").columns)[:2] == ["name", "version"]


def test_what_makes_no_sense_is_refused(lab: wf.Lab) -> None:
    with pytest.raises(InvalidArgument, match="'completed' or 'ended'"):
        lab.survival(event="died")  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="between 0 and 1"):
        lab.survival(confidence=95)
