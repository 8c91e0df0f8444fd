"""Which edit explains a disagreement best, where more than history and what was asked for is known: the text of the code that disagrees.

Replay sees only that another call stands in a recorded one's place. If the recorded call still comes further down in the text, it was not
replaced: something was put in before it.
"""

import ast
import re
from textwrap import dedent

from wfengine.errors import NonDeterminismError

_CALL = re.compile(r"^(\w+)(?:\('(.*)'\))?$")


def likeliest_edit(error: NonDeterminismError, text: str | None, line: int | None) -> tuple[str, str]:
    """The edit in a word, and as a clause, as in NonDeterminismError; `line` is that of `text` (from 1 on) which asks for what is not recorded."""
    if error.kind != "replaced" or line is None or not _comes_after(error.recorded, text, line):
        return error.kind, error.cause
    return "added", f"{error.attempted} was added before {error.recorded}"


def _comes_after(recorded: str, text: str | None, line: int) -> bool:
    """Whether the text has this call below the line: by the verb, and the name of what is called or waited for."""
    found = _CALL.match(recorded)
    if found is None or text is None:
        return False
    try:
        nodes = [node for node in ast.walk(ast.parse(dedent(text))) if isinstance(node, ast.Call)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    name = (found[2] or "").casefold()  # events are told in lower case
    return any(node.lineno > line and _verb(node) == found[1] and (not name or _callee(node) == name) for node in nodes)


def _verb(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _callee(call: ast.Call) -> str:
    given = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg in {"activity", "workflow", "name"})]
    match given[:1]:
        case [ast.Constant(value=str(name))] | [ast.Name(id=name)] | [ast.Attribute(attr=name)]:
            return name.casefold()
    return ""
