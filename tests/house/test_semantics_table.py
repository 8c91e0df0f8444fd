"""The page that says what a workflow means names every row once, and tests that exist; every test named after a row is on it."""

import ast
import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PAGE = CHECKOUT / "docs/semantics.md"
LINK = re.compile(r"\[(test_\w+)\]\(\.\./(tests/[\w/]+\.py)\)")
UNCOVERED = "**Not covered**: "


def rows() -> list[list[str]]:
    """The cells of both tables' rows."""
    lines = [
        line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ") and not line.startswith(("| row |", "| subject |"))
    ]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def named() -> list[tuple[str, str]]:
    """(path, test) of every link, in order."""
    return [(path, test) for test, path in LINK.findall(PAGE.read_text("utf-8"))]


def defined_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")}


def test_every_row_is_there_once_and_in_order() -> None:
    numbered = [cells[0] for cells in rows() if re.fullmatch(r"A\d+", cells[0])]
    assert numbered == [f"A{number}" for number in range(1, 47)]


def test_every_row_says_what_it_means_and_has_its_tests_or_says_that_it_has_none() -> None:
    for name, *cells in rows():
        assert cells[0], name
        assert LINK.search(cells[-1]) or cells[-1].startswith(UNCOVERED), name


def test_every_link_reads_as_the_test_that_it_leads_to() -> None:
    links = re.findall(r"\[([^\]]+)\]\(([^)]+)\)", PAGE.read_text("utf-8"))
    assert [(target.removeprefix("../"), text) for text, target in links] == named()


def test_every_test_that_is_named_exists() -> None:
    missing = [f"{path}: {test}" for path, test in named() if not (CHECKOUT / path).exists() or test not in defined_in(CHECKOUT / path)]
    assert missing == []


def test_every_test_that_is_named_after_a_row_stands_in_that_row() -> None:
    in_row = {(cells[0], test) for cells in rows() for test, _ in LINK.findall(cells[-1])}
    anywhere = {test for _, test in in_row}
    for path in sorted((CHECKOUT / "tests/semantics").glob("test_*.py")):
        for test in sorted(defined_in(path)):
            row = re.match(r"test_a(\d\d)_", test)
            assert (f"A{int(row[1])}", test) in in_row if row else test in anywhere, f"{path.name}: {test}"
