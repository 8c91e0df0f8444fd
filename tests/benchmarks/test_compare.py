"""The comparison says what it promises to say. No peer is installed here, and how fast anything is, no test can know."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.compare import COMPARISONS
from benchmarks.peers.cell import Cell, Comparison, Found, Nothing, Place, beside, cell_of, measured
from benchmarks.peers.engines import ENGINES, OURS, Engine
from benchmarks.peers.environments import MARK, NotInstalled, python_of
from benchmarks.peers.report import LEGEND, report

CHECKOUT = Path(__file__).resolve().parents[2]
STEP = Comparison(name="step", what="a step", unit="ms", size=100)
RATE = Comparison(name="rate", what="as many as can be", unit="starts/s", size=100, more_is_better=True)
PEER = Engine(name="peer", sizes={"rate": 10}, why_less={"rate": "slow"})


def found(value: float) -> Found:
    return Found(value, "1.0", "none")


def cells(work: Comparison, ours: float, theirs: float) -> list[Cell]:
    row = [cell_of(work, engine, [found(value)], size=100) for engine, value in ((OURS, ours), (PEER, theirs))]
    return [beside(cell, row[0], work) for cell in row]


@pytest.mark.slow
def test_the_wflab_column_of_every_work_really_runs(tmp_path: Path) -> None:
    kept = tmp_path / "cells.json"
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = [
        sys.executable,
        "benchmarks/compare.py",
        "--engine",
        "wflab",
        "--scale",
        "0.01",
        "--json",
        str(kept),
        "--directory",
        str(scratch),
    ]
    done = subprocess.run(command, cwd=CHECKOUT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    machine, *lines = map(json.loads, kept.read_text("utf-8").splitlines())
    assert {"filesystem", "raw_ms", "scale"} < set(machine["environment"])
    assert [line["work"] for line in lines] == list(COMPARISONS)
    for line in lines:
        assert line["engine"] == "wflab"
        if line["note"] != "needs strace":
            assert line["value"] > 0, line
            assert line["version"], line
    assert "wflab: journal, fdatasync before each acknowledgement" in done.stdout
    assert not any(scratch.iterdir()), "nothing is left behind"


def test_a_ratio_says_how_many_times_as_fast_wflab_is_whichever_way_the_figure_points() -> None:
    assert [cell.times_as_fast for cell in cells(STEP, 0.5, 2.0)] == [1, 4]
    assert [cell.times_as_fast for cell in cells(RATE, 500, 2000)] == [1, 0.25]


def test_a_cell_is_the_median_of_the_repetitions_that_found_something_and_notes_the_others() -> None:
    cell = cell_of(STEP, PEER, [found(3), Nothing("more than 60 s"), found(1), found(2)], size=100)
    assert (cell.value, cell.runs, cell.note) == (2, [3, 1, 2], "more than 60 s")


def test_a_smaller_size_stands_beside_the_figure() -> None:
    size = PEER.size(RATE.name, RATE.size)
    assert cell_of(RATE, PEER, [found(7)], size=size).note == "10 instead of 100 (slow)"


def test_the_table_has_works_down_engines_across_and_what_each_promises_below() -> None:
    failed = cell_of(RATE, PEER, [Nothing("nothing outlives the process")], size=10)
    told = report([STEP, RATE], ["wflab", "peer"], [*cells(STEP, 0.5, 2.0), *cells(RATE, 1500, 1)[:1], failed])
    assert told.splitlines() == [
        "work               unit      wflab 1.0  peer 1.0",
        "a step             ms        0.5        2 (4 x)",
        "as many as can be  starts/s  1,500      n/a *",
        LEGEND,
        "* rate, peer: nothing outlives the process",
        "",
        "wflab: none",
        "peer: none",
    ]


def test_a_peer_that_lacks_something_is_not_even_asked(tmp_path: Path) -> None:
    place = Place(tmp_path / "no such python", tmp_path, 1)
    with pytest.raises(Nothing, match="nothing outlives the process"):
        measured(COMPARISONS["recovery"], ENGINES["durabletask"], place, size=2)


def test_a_cell_that_takes_too_long_is_ended_and_leaves_neither_process_nor_file(tmp_path: Path) -> None:
    # It waits to be killed, for ten minutes.
    endless = Comparison(name="left-behind", what="waits", unit="s", size=2)
    with pytest.raises(Nothing, match="more than 2 s"):
        measured(endless, OURS, Place(Path(sys.executable), tmp_path, 2), size=2)
    assert not any(tmp_path.iterdir())
    assert not [command for command in _commands() if str(tmp_path) in command]


def test_a_cell_that_fails_says_its_last_words(tmp_path: Path) -> None:
    with pytest.raises(Nothing, match=r"No module named 'benchmarks\.peers\.nobody'"):
        measured(COMPARISONS["chain"], Engine(name="nobody"), Place(Path(sys.executable), tmp_path, 30), size=2)


def test_an_environment_that_has_the_requirement_is_used_again(tmp_path: Path) -> None:
    (tmp_path / "peer").mkdir()
    (tmp_path / "peer" / MARK).write_text("peer==1.0", "utf-8")
    assert python_of(Engine(name="peer", requirement="peer==1.0"), tmp_path) == tmp_path / "peer" / "bin" / "python"


@pytest.mark.slow
def test_a_peer_that_cannot_be_installed_says_why(tmp_path: Path) -> None:
    missing = Engine(name="peer", requirement=str(tmp_path / "peer-1.0-py3-none-any.whl"))
    with pytest.raises(NotInstalled, match=r"not installed: .*peer-1\.0-py3-none-any\.whl"):
        python_of(missing, tmp_path)
    assert not (tmp_path / "peer" / MARK).exists(), "it will be tried again"


def test_our_own_column_runs_in_this_environment(tmp_path: Path) -> None:
    assert python_of(OURS, tmp_path) == Path(sys.executable)


def _commands() -> list[str]:
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            try:
                found.append((process / "cmdline").read_text("utf-8", "replace"))
            except OSError:  # it has ended meanwhile
                continue
    return found
