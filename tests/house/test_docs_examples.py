"""The examples of docs/*.md run, one block after the other as cells of a notebook, and give what their `# →` comments say."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import wflab as wf
from tests.house.test_readme_examples import promises
from tests.lab.seed import run_cell

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(autouse=True)
def _options() -> Iterator[None]:
    yield
    wf.options.palette = "default"
    wf.options.display.mode = "auto"


@pytest.mark.parametrize("page", ["analytics.md"])
def test_the_examples_run_and_give_what_they_say(page: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = 0
    with wf.Lab(tmp_path / "docs.duckdb") as lab:
        names: dict[str, Any] = {"lab": lab, "results": []}
        for block in re.findall(r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), flags=re.DOTALL):
            told = promises(block)
            run_cell("\n".join(_kept(line) for line in block.splitlines()), names)
            assert [str(result) if not isinstance(result, str) else repr(result) for result in names["results"]] == [
                text for _, text in told
            ]
            names["results"].clear()
            kept += len(told)
    assert kept
    assert "Nothing has been done yet" in capsys.readouterr().out


def _kept(line: str) -> str:
    """A line that says what it gives keeps that; it stands on a line of its own."""
    statement, arrow, _ = line.partition("  # → ")
    return f"results.append(({statement}))" if arrow else line
