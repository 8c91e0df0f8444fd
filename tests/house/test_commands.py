"""The commands we tell people to type exist."""

import re
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


def commands_in(document: str) -> set[str]:
    text = (CHECKOUT / document).read_text("utf-8")
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, flags=re.DOTALL))
    return set(re.findall(r"\bmake ([a-z]+)", code))


def test_the_readme_tells_how_to_start_the_lab_and_how_to_test() -> None:
    assert {"lab", "test"} <= commands_in("README.md")


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_every_make_command_in_the_documents_is_a_target(document: str) -> None:
    shown = subprocess.run(["make", "--question", "--print-data-base", "help"], cwd=CHECKOUT, check=False, capture_output=True, text=True)
    targets = set(re.findall(r"^([a-z]+):", shown.stdout, flags=re.MULTILINE))
    assert commands_in(document) <= targets


def test_the_change_gate_runs_make_test() -> None:
    gate = CHECKOUT / ".ci/run"
    assert gate.stat().st_mode & 0o111
    assert "make --no-print-directory test" in gate.read_text("utf-8")
