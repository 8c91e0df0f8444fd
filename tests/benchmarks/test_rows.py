"""The benchmarks run and say what they promise to say. How fast anything is, no test can know."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.bench import Bench
from benchmarks.works import large, memory
from benchmarks.works.steps import add_one, chain

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[2]


def test_each_row_is_one_line_of_json_behind_one_about_the_machine(tmp_path: Path) -> None:
    command = [sys.executable, "benchmarks/run.py", "--only", "chain", "--only", "recovery", "--scale", "0.02", "--repeat", "2"]
    done = subprocess.run([*command, "--directory", str(tmp_path)], cwd=CHECKOUT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    machine, *rows = map(json.loads, done.stdout.splitlines())
    assert set(machine["environment"]) == {"cpus", "load", "python", "duckdb", "system", "filesystem"}
    assert [row["work"] for row in rows] == ["chain", "recovery"]
    for row in rows:
        assert set(row) == {"work", "value", "unit", "ratio_to_raw", "raw_ms", "target", "met", "runs", "also"}
        assert len(row["runs"]) == 2
        assert min(row["value"], row["raw_ms"], *row["runs"]) > 0
        assert row["met"] is None, "a target is for the full size"
    assert [row["ratio_to_raw"] is None for row in rows] == [False, True]
    assert "recovery" in done.stderr, "the table for people"
    assert not any(tmp_path.iterdir()), "nothing is left behind"


def test_the_memory_of_a_busy_lab_is_told_above_its_idle_engine(tmp_path: Path) -> None:
    figures = memory.measure(Bench(tmp_path, scale=0.01))
    assert set(figures) == {"value", "peak_mb", "share_mb", "sleepers_mb", "live_mb", "idle_mb", "events"}
    assert figures["value"] == pytest.approx(figures["sleepers_mb"] + figures["live_mb"])
    assert figures["events"] == 10 * 42, "ten live runs: start, twenty activities called and answered, the wait"
    assert figures["idle_mb"] > 1


def test_a_profile_tells_functions_and_threads(tmp_path: Path) -> None:
    command = [sys.executable, "benchmarks/run.py", "--profile", "one", "--scale", "0.02", "--directory", str(tmp_path)]
    done = subprocess.run(command, cwd=CHECKOUT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "wflab-engine" in done.stderr
    assert "turns.py" in done.stderr


def test_the_events_of_the_large_file_are_such_as_the_engine_writes(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    large.fill(bench, 150)
    with bench.engine([chain], [add_one]) as engine:
        engine.wait_for_workflow_completion(engine.schedule_new_workflow(chain, input=49, instance_id="real"), 60)
        told = []
        for instance_id in ("real", "made-117"):
            instance = engine.get_workflow_state(instance_id)
            assert instance is not None
            rows = engine.history(instance_id)
            told.append(
                (
                    (instance.status, instance.input, instance.output, instance.next_sequence, instance.turn),
                    [
                        (
                            row.sequence,
                            row.turn,
                            type(row.event),
                            getattr(row.event, "event_id", None) or getattr(row.event, "task_scheduled_id", None),
                        )
                        for row in rows
                    ],
                    [
                        getattr(row.event, "input", None) or getattr(row.event, "result", None) or getattr(row.event, "output", None)
                        for row in rows
                    ],
                )
            )
    assert told[0] == told[1]
