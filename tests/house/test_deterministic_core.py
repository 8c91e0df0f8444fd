"""The import contract keeps clocks and chance out of `model` and `core`; this reads the calls that imports do not show."""

import ast
from pathlib import Path

import pytest

ENGINE = Path(__file__).resolve().parents[2] / "engine" / "wfengine"
SOURCES = sorted([*(ENGINE / "model").glob("*.py"), *(ENGINE / "core").glob("*.py")])
FROM_OUTSIDE = {"now", "utcnow", "today", "uuid1", "uuid4", "uuid6", "uuid7", "getnode", "SystemRandom", "open", "input", "print"}
# Python's own hash of a text differs from process to process, and so does the order of a set of texts.
UNSTABLE = {"hash", "id"}


def called_name(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr=name, value=ast.Name(id="datetime" | "date" | "uuid" | "random")):
            return name
        case _:
            return ""


def calls_in(source: str) -> list[tuple[int, str]]:
    return [(node.lineno, called_name(node)) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_model_and_core_ask_neither_the_machine_nor_chance(path: Path) -> None:
    forbidden = FROM_OUTSIDE | UNSTABLE
    assert [(line, name) for line, name in calls_in(path.read_text("utf-8")) if name in forbidden] == []


def test_random_numbers_in_core_come_from_a_seed() -> None:
    """`random.Random()` without a seed, or the module's own functions, would draw from the machine."""
    nodes = [node for path in SOURCES for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    used = {node.attr for node in nodes if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "random"}
    seeds = {len(node.args) for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == "random.Random"}
    assert (used, seeds) == ({"Random"}, {1})


def test_the_reader_of_calls_sees_a_clock_and_an_unseeded_id() -> None:
    """The check would pass on anything if it saw nothing."""
    assert [name for _, name in calls_in("import uuid\nnow = datetime.now(UTC)\nkey = uuid.uuid4()\nrow = hash('a')")] == [
        "now",
        "uuid4",
        "hash",
    ]
