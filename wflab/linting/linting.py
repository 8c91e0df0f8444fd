"""lint: a workflow → what in it, and in your functions that it calls, is not the same at every replay."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Collection
from types import FunctionType
from typing import Any

from wfengine.core.arguments import name_of
from wfengine.errors import InvalidArgument
from wflab.linting.finding import Finding
from wflab.linting.linted import Linted
from wflab.linting.walking import Walk

_ALLOWED = re.compile(r"#\s*wf:\s*allow\s+([\w\s,-]+)")


def lint(workflow: Callable[..., Any]) -> Linted:
    """Find what is not deterministic. Only the source is read. Raises InvalidArgument where there is none to be had."""
    function = _plain(workflow)
    source = _Source.of(function)
    if source is None:
        raise InvalidArgument(f"There is no source of {function.__name__!r} to read. Define it in a cell or a file.")
    found: set[Finding] = set()
    for called, call in _walked(source, found, is_workflow=True).called:
        other = None if called is function else _Source.of(called)
        if other is not None:
            via = source.first + call.lineno - 1
            _walked(other, found, is_workflow=False, via=via, allowed=source.allowed_at(call))
    return Linted(name_of(workflow), sorted(found))


class _Source:
    """A function and its source: the lines, the number of the first, how far they are indented, and the tree."""

    def __init__(self, function: FunctionType, lines: list[str], first: int, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.function = function
        self.lines = lines
        self.first = first
        self.indent = len(lines[0]) - len(lines[0].lstrip())
        self.node = node

    @classmethod
    def of(cls, function: FunctionType) -> "_Source | None":
        """None where there is none, or where it is a lambda's."""
        try:
            lines, first = inspect.getsourcelines(function)
            node = ast.parse(textwrap.dedent("".join(lines))).body[0]
        except (OSError, TypeError, SyntaxError, ValueError, IndexError):
            return None
        return cls(function, lines, max(first, 1), node) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else None

    def allowed_at(self, at: ast.AST) -> set[str]:
        """The rules that comments on its lines allow, or on the first line of the statement that it is part of."""
        line = getattr(at, "lineno", 1)
        until = getattr(at, "end_lineno", line) or line
        lines = [*self.lines[line - 1 : until], *self.lines[_statement(self.node, line) - 1 : line]]
        found = (_ALLOWED.search(one) for one in lines)
        return {rule for one in found if one for rule in re.split(r"[\s,]+", one[1].strip())}

    def text_at(self, line: int) -> str:
        """A line without its comment."""
        return self.lines[line - 1].strip().partition("  #")[0].rstrip() if line <= len(self.lines) else ""


def _walked(source: _Source, found: set[Finding], *, is_workflow: bool, via: int | None = None, allowed: Collection[str] = ()) -> Walk:
    def report(rule: str, at: ast.AST, message: str) -> None:
        if rule in allowed or rule in source.allowed_at(at):
            return
        line = getattr(at, "lineno", 1)
        found.add(
            Finding(
                line=source.first + line - 1,
                column=getattr(at, "col_offset", 0) + source.indent + 1,
                rule=rule,
                message=message,
                function=source.function.__name__,
                via=via,
                source=source.text_at(line),
            )
        )

    return Walk(source.function, source.node, report, is_workflow=is_workflow)


def _statement(function: ast.AST, line: int) -> int:
    """The first line of the innermost statement that holds this line."""
    begins = [
        node.lineno
        for node in ast.walk(function)
        if isinstance(node, ast.stmt)
        and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.If | ast.For | ast.While | ast.With | ast.Try)
        and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    return max(begins, default=line)


def _plain(workflow: Any) -> FunctionType:
    function = inspect.unwrap(workflow) if callable(workflow) else workflow
    function = getattr(function, "func", getattr(function, "__func__", function))
    if not isinstance(function, FunctionType):
        raise InvalidArgument(f"lint takes a workflow: its function, or the name of a registered one, not {workflow!r:.80}.")
    return function
