"""Variables outside of a workflow: those it writes, and those it reads while other functions write them."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

from wflab.linting.naming import UNKNOWN, Names

_CHANGES = {
    "append", "extend", "insert", "remove", "pop", "popleft", "appendleft", "clear", "update", "add", "discard", "setdefault", "popitem", "sort", "reverse",
}  # fmt: skip
_MUTABLE = (list, dict, set, bytearray)
_CONSTANT = (str, bytes, int, float, complex, bool, tuple, frozenset, type(None), type, FunctionType, ModuleType)
_MOST_FUNCTIONS = 300


def writes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """The variables that one node changes: by assignment to them or into them, by deletion, or by a method that changes."""
    match node:
        case ast.Assign(targets=targets):
            for target in targets:
                yield from _written(target, node)
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target, value=ast.expr()):
            yield from _written(target, node)
        case ast.Delete(targets=targets):
            for target in targets:
                yield from _written(target, node)
        case ast.Call(func=ast.Attribute(value=value, attr=attribute)) if attribute in _CHANGES:
            if (name := _root(value)) is not None:
                yield name, node


def _written(target: ast.expr, node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    match target:
        case ast.Name(id=name):
            yield name, node
        case ast.Subscript() | ast.Attribute():
            if (root := _root(target)) is not None:
                yield root, node
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            for one in elements:
                yield from _written(one, node)
        case ast.Starred(value=value):
            yield from _written(value, node)


def _root(node: ast.expr) -> str | None:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None


class SharedState:
    """The variables of a function's module, and who among its functions writes them."""

    def __init__(self, function: FunctionType, names: Names) -> None:
        self._function = function
        self._names = names
        self._writers: dict[str, str] | None = None

    def value(self, name: str) -> Any:
        """What a variable outside of the function holds; UNKNOWN for its own, for builtins and for what is not there."""
        if self._names.is_local(name):
            return UNKNOWN
        found = self._names.closure.get(name, UNKNOWN)
        return self._names.globals.get(name, UNKNOWN) if found is UNKNOWN else found

    def may_be_written(self, name: str) -> bool:
        """Whether writing into it is seen outside: it is no function, class, module or constant."""
        found = self.value(name)
        return found is not UNKNOWN and (isinstance(found, _MUTABLE) or not isinstance(found, _CONSTANT))

    def writer(self, name: str) -> str | None:
        """Another function of the module that changes what this one reads; None where none is seen to."""
        found = self.value(name)
        if found is UNKNOWN or isinstance(found, FunctionType | type | ModuleType):
            return None
        if self._writers is None:
            self._writers = dict(self._all_writers())
        return self._writers.get(name)

    def _all_writers(self) -> Iterator[tuple[str, str]]:
        others = [one for one in self._function.__globals__.values() if isinstance(one, FunctionType)]
        for other in others[:_MOST_FUNCTIONS]:
            if other.__globals__ is not self._function.__globals__ or other.__code__ is self._function.__code__:
                continue
            tree = parsed(other)
            if tree is None or _encloses(other, tree, self._function):
                continue
            shared = {name for node in ast.walk(tree) if isinstance(node, ast.Global) for name in node.names}
            own = set(other.__code__.co_varnames) - shared
            for node in ast.walk(tree):
                for name, _ in writes(node):
                    if name not in own and (name in shared or name in self._function.__globals__):
                        yield name, other.__name__


def _encloses(other: FunctionType, tree: ast.AST, function: FunctionType) -> bool:
    """Whether a function stands in another, so that what it writes the other seems to write."""
    one, within = other.__code__, function.__code__
    lines = getattr(tree, "end_lineno", 0) or 0
    return one.co_filename == within.co_filename and 0 <= within.co_firstlineno - one.co_firstlineno < lines


def parsed(function: FunctionType) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """A function's source as a tree; None where it has none, or is a lambda."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    return tree.body[0] if tree.body and isinstance(tree.body[0], ast.FunctionDef | ast.AsyncFunctionDef) else None
