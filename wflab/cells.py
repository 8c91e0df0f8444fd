"""What `%%workflow` and `%%activity` make of a cell: a function that is defined in the notebook and registered under the magic's name.

The cell holds either one function with whatever it needs around it, or only what would stand in the function's body.
"""

import ast
import io
import re
import tokenize
from typing import Literal, NamedTuple

from IPython.core.error import UsageError

_HEAD = re.compile(r"\s*(?P<name>[^\s()]+)\s*(?:\((?P<parameters>[^()]*)\))?\s*$")
_BODY = (ast.Yield, ast.YieldFrom, ast.Return, ast.Await)
_APART = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


class Written(NamedTuple):
    """A cell that can be run: `function` is the name under which Python knows what is to be registered as `name`."""

    source: str
    function: str
    name: str


def written(kind: Literal["workflow", "activity"], line: str, cell: str) -> Written:
    """The cell of `%%workflow NAME` or `%%activity NAME`. Raises UsageError where no function can be made of it."""
    head = _HEAD.match(line)
    if head is None:
        raise UsageError(f"%%{kind} takes the {kind}'s name, and its parameters if they are not `ctx, input`: %%{kind} order(ctx, order)")
    try:
        tree = ast.parse(cell)  # a `return` outside a function is refused only by the compiler
    except SyntaxError as error:
        raise UsageError(f"%%{kind} {head['name']}: line {error.lineno}: {error.msg}.") from None
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    is_body = not functions or any(_belongs_in_a_body(node) for node in tree.body)
    if not is_body:
        if head["parameters"] is not None:
            raise UsageError(f"%%{kind} {head['name']}: the cell has a function of its own; its parameters stand there.")
        return Written(cell, functions[-1].name, head["name"])
    if not cell.strip():
        raise UsageError(f"%%{kind} {head['name']}: the cell is empty. Write what the {kind} does below the first line.")
    function = head["name"] if head["name"].isidentifier() else re.sub(r"\W", "_", f"_{head['name']}")
    begin = "async def" if any(_awaits(node) for node in tree.body) else "def"
    parameters = "ctx, input" if head["parameters"] is None else head["parameters"]
    return Written(f"{begin} {function}({parameters}):\n{_indented(cell)}", function, head["name"])


def _belongs_in_a_body(node: ast.AST) -> bool:
    return isinstance(node, _BODY) or (not isinstance(node, _APART) and any(map(_belongs_in_a_body, ast.iter_child_nodes(node))))


def _awaits(node: ast.AST) -> bool:
    if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith):
        return True
    return not isinstance(node, _APART) and any(map(_awaits, ast.iter_child_nodes(node)))


def _indented(cell: str) -> str:
    """The cell, four places to the right; what stands in a text of several lines stays as it is."""
    inside: set[int] = set()
    opened = 0
    for token in tokenize.generate_tokens(io.StringIO(cell).readline):
        kind = tokenize.tok_name[token.type]
        if kind == "STRING":
            inside.update(range(token.start[0] + 1, token.end[0] + 1))
        elif kind.endswith("STRING_START"):
            opened = token.start[0]
        elif kind.endswith("STRING_END"):
            inside.update(range(opened + 1, token.end[0] + 1))
    return "".join(
        line if number in inside or not line.strip() else f"    {line}" for number, line in enumerate(cell.splitlines(keepends=True), 1)
    )
