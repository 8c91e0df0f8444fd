"""The stages of `make test`: every test is in one of them, and what they say is told whole and truthfully."""

import importlib.util
import sys
from itertools import chain, combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "run_tests.py"
MARKS = ("binder", "browser", "faults", "gateway", "measured", "notebook", "slow")
MEETS = """
import pathlib, sys, time
mine, other = map(pathlib.Path, sys.argv[1:])
print("begins", flush=True)
mine.touch()
deadline = time.monotonic() + 30
while not other.exists() and time.monotonic() < deadline:
    time.sleep(0.01)
print("has met the other:", other.exists())
"""


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The program, on two cores, with a folder of its own for what it writes."""
    spec = importlib.util.spec_from_file_location("run_tests", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "run_tests", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "REPORTS", tmp_path)
    monkeypatch.setattr(module, "CORES", 2)
    return module


def script(tool: ModuleType, name: str, text: str, *arguments: object, **options: Any) -> Any:
    return tool.Stage(name=name, command=(sys.executable, "-c", text, *map(str, arguments)), **options)


def test_a_test_with_any_marks_is_in_just_one_stage(tool: ModuleType) -> None:
    chosen = [stage.command[stage.command.index("-m", 2) + 1] for stage in tool.stages() if "-m" in stage.command[2:]]
    assert len(chosen) == len(MARKS) + 1
    for marks in chain.from_iterable(combinations(MARKS, count) for count in range(len(MARKS) + 1)):
        named = {mark: mark in marks for mark in MARKS}
        assert sum(eval(expression, {}, named) for expression in chosen) == 1, marks  # noqa: S307  # pytest's `and` and `not` are Python's


def test_neighbours_of_one_core_each_run_side_by_side_and_their_output_stays_whole(
    tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    stages = [script(tool, "one", MEETS, here, there, beside=True), script(tool, "two", MEETS, there, here, beside=True)]
    outcomes = tool.run(stages)
    assert [outcome.complaint for outcome in outcomes.values()] == ["", ""]
    said = capsys.readouterr().out
    for name in ("one", "two"):
        assert f"━━ {name} ━━\nbegins\nhas met the other: True\n" in said


def test_what_wants_the_machine_for_itself_runs_alone(tool: ModuleType) -> None:
    beside, alone = (script(tool, "any", "", beside=is_beside) for is_beside in (True, False))
    assert tool.may_start(alone, [])
    assert not tool.may_start(alone, [beside])
    assert not tool.may_start(beside, [alone])
    assert tool.may_start(beside, [beside])
    assert not tool.may_start(beside, [beside, beside]), "there are two cores"


def test_a_stage_that_fails_is_told_and_the_others_run_all_the_same(tool: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    endless = "import threading; threading.Event().wait()"
    outcomes = tool.run(
        [
            script(tool, "wrong", "raise SystemExit(3)", beside=True),
            script(tool, "endless", endless, limit_minutes=0.01),
            script(tool, "silent", "", reports=True),
            script(tool, "good", "", beside=True),
        ]
    )
    assert {name: outcome.complaint for name, outcome in outcomes.items()} == {
        "wrong": "exit code 3",
        "endless": "was stopped after 0.01 minutes",
        "silent": "left no test report",
        "good": "",
    }
    assert not tool.summarise(outcomes, 12.0)
    said = capsys.readouterr().out
    assert "total             12.0 s" in said
    assert said.endswith("0 passed, 3 failed, 0 skipped\n")
