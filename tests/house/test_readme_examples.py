"""The README's Python runs, one block after the other as cells of a notebook, and gives what its `# →` comments say.

The first block begins with a magic and waits for a person; the notebooks' tests run its like.
"""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

import wflab as wf
from tests.lab.seed import run_cell

README = Path(__file__).resolve().parents[2] / "README.md"
MAGIC = "%load_ext wflab\n"


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", README.read_text("utf-8"), flags=re.DOTALL)


def promises(block: str) -> list[tuple[str, str]]:
    """(statement, the result that its comment says), for each that says one."""
    lines = block.splitlines()
    ends = [(node, lines[node.end_lineno - 1]) for node in ast.parse(block).body if node.end_lineno is not None]
    return [(ast.unparse(node), line.partition("# → ")[2]) for node, line in ends if "# → " in line]


def test_the_examples_run_and_give_what_they_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    first, *others = blocks()
    assert first.startswith(MAGIC)
    definitions = first.removeprefix(MAGIC).partition("\nrun = ")[0]
    kept = 0
    with wf.Lab("wflab.duckdb") as lab:
        names: dict[str, Any] = run_cell(definitions, {"lab": lab})
        for block in others:
            told = promises(block)
            results = "\n".join(f"results.append({statement})" for statement, _ in told)
            stem = "\n".join(line for line in block.splitlines() if "# → " not in line)
            names["results"] = []
            run_cell(f"{stem}\n{results}\n", names)
            assert [repr(result) for result in names["results"]] == [result for _, result in told]
            kept += len(told)
    assert kept, "there are examples, and they say what they give"
