"""The heat map of durations: which cell a run is counted in, that it is bounded, and that its query gives the same."""

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

import wflab as wf
from tests.lab import fleet
from wfengine.errors import InvalidArgument
from wfengine.model.instance import Status
from wflab.analytics.fleet.heat import COLUMNS, ROWS
from wflab.protocol.dashboard import HeatGrid

SECOND = timedelta(seconds=1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fleet.duckdb"


def test_a_run_is_counted_where_it_ended_and_by_how_long_it_took(path: Path) -> None:
    """From the first end to the last are 40 s, so a column is one; from 1.0 to 1.9 s are rows enough for the finest cut, twenty to a factor of ten."""
    begin = fleet.NOW - timedelta(hours=1)
    ends = [
        (0, 1.0, Status.COMPLETED),
        (0, 1.01, Status.TERMINATED),
        (20, 1.0, Status.FAILED),
        (40, 1.9, Status.CANCELED),
        (40, 1.9, Status.COMPLETED),
    ]
    runs = [fleet.run(n, status=how, created=begin + (at - took) * SECOND, seconds=took) for n, (at, took, how) in enumerate(ends, 1)]
    fleet.record(path, [*runs, fleet.run(9, status=Status.RUNNING, created=begin)])
    with wf.Lab(path) as lab:
        grid = lab.dashboard().source.picture().heat
        assert grid.columns == 40
        assert grid.cells == [(0, 0, 2, 1), (20, 0, 1, 1), (39, 5, 2, 0)], (
            "the last moment is in the last column; what is under way in none"
        )
        assert grid.edges == pytest.approx([10 ** (row / 20) for row in range(7)])
        found = lab.dashboard().heat_map()
    assert found["count"].to_list() == [2, 1, 2]
    assert found["badly"].to_list() == [1, 1, 0]
    assert found["since"].to_list() == [pd.Timestamp(begin), pd.Timestamp(begin + 20 * SECOND), pd.Timestamp(begin + 39 * SECOND)]
    assert found["until"].to_list()[1] == pd.Timestamp(begin + 21 * SECOND)
    assert found["at_least"].dt.total_seconds().to_list() == pytest.approx([1, 1, 10**0.25])
    assert found["below"].dt.total_seconds().to_list() == pytest.approx([10**0.05, 10**0.05, 10**0.3])


def test_whatever_is_recorded_the_map_has_few_cells_and_counts_every_run_once(path: Path) -> None:
    """From a microsecond to a year: as many rows as decades, and what took less than a millisecond in the lowest."""
    lengths = [10.0**power for power in range(-6, 8)]
    runs = [fleet.run(n, seconds=took, created=fleet.NOW - timedelta(days=3 * (n % 50))) for n, took in enumerate(lengths * 40, 1)]
    fleet.record(path, runs)
    with wf.Lab(path) as lab:
        grid = lab.dashboard().source.picture().heat
    assert len(grid.cells) <= COLUMNS * ROWS
    assert len(grid.edges) == 12
    assert grid.edges[0] == pytest.approx(0.001)
    assert sum(runs for _, _, runs, _ in grid.cells) == 40 * len(lengths)
    assert all(0 <= column < COLUMNS and 0 <= row < len(grid.edges) - 1 for column, row, *_ in grid.cells)
    assert sum(runs for _, row, runs, _ in grid.cells if row == 0) == 40 * 4


def test_runs_that_ended_at_one_moment_and_took_the_same_are_one_cell(path: Path) -> None:
    fleet.record(path, [fleet.run(n, seconds=0) for n in range(1, 4)])
    with wf.Lab(path) as lab:
        grid = lab.dashboard().source.picture().heat
    assert [cell[1:] for cell in grid.cells] == [(0, 3, 0)]
    assert len(grid.edges) == 2


def test_the_map_follows_the_filter_and_what_is_chosen_and_its_query_says_what_it_leaves_out(path: Path) -> None:
    fleet.record(path, fleet.mixed(400))
    with wf.Lab(path) as lab:
        everything = lab.success_rates(by=None, children=True).iloc[0]
        dash = lab.dashboard(name="order", status="FAILED")
        found = dash.heat_map()
        assert found["count"].sum() == found["badly"].sum() == dash.source.picture().total
        again = lab.sql(found.attrs["sql"], **found.attrs["parameters"])
        assert again[["count", "badly"]].to_numpy().tolist() == found[["count", "badly"]].to_numpy().tolist()
        assert "this query counts" not in found.attrs["definition"]
        whole = lab.dashboard().heat_map()
        assert whole["count"].sum() == 400
        assert whole["badly"].sum() == everything["failed"] + everything["terminated"]
        chosen = lab.dashboard(error="ValueError: card # declined")
        assert 0 < chosen.heat_map()["count"].sum() < whole["count"].sum()
        assert "this query counts the others, too" in chosen.explain("heat").definition


def test_without_an_ended_run_there_is_nothing_to_draw(lab: wf.Lab) -> None:
    assert lab.dashboard().source.picture().heat == HeatGrid(columns=COLUMNS, edges=[], cells=[])
    assert lab.dashboard().heat_map().empty
    with pytest.raises(InvalidArgument, match="workflows"):
        lab.dashboard().explain("heat_map")
