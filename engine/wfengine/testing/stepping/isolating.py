"""A workflow's function for one replay alone: its code, its module's variables and the functions beside it are copies.

So lines can be counted without a look at the live worker, which runs other code objects; what the replayed code binds, prints, logs or puts into a
list of its module reaches nobody; and what it reads is what it would read now. Objects of other kinds are shared: they are the user's, and
workflow code that changes those changes them at every replay.
"""

import builtins
import inspect
import logging
from collections.abc import Callable
from types import CellType, CodeType, FunctionType, MethodType
from typing import Any

import msgspec

from wfengine.core.arguments import NAME_ATTRIBUTE

_MOST_COPIED = 10_000
_CONTAINERS = (dict, list, set, bytearray)
_LEVELS = frozenset({"debug", "info", "warning", "error", "critical", "exception", "log"})
Hear = Callable[[str, Any], None]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """The text of one function. `first` is the number of its first line in its file, or in its cell."""

    name: str
    text: str
    first: int


class Isolation:
    """Copies functions. `sources` are the texts of what is copied, the workflow's own first; `source_of` says which of them a code object is of."""

    def __init__(self, hear: Hear) -> None:
        self.sources: list[Source] = []
        self.codes: list[CodeType] = []
        self._sources: dict[int, int] = {}  # by the identity of a code object: one that looks the same is equal, and is not ours
        self._hear = hear
        self._globals: dict[int, dict[str, Any]] = {}
        self._copies: dict[int, tuple[FunctionType, FunctionType]] = {}
        self._read: set[tuple[int, str]] = set()

    def own(self, function: Any, text: str | None = None, name: str = "") -> Any:
        """A copy; what is no plain function or method is given back as it is, and no lines are known of it. `text` is its source, if it is known."""
        if isinstance(function, MethodType):
            return MethodType(self.own(function.__func__, text, name), function.__self__)
        if not isinstance(function, FunctionType):
            return function
        known = self._copies.get(id(function))
        if known is not None:
            return known[1]
        code = self._code(function.__code__, self._source(function, text, name))
        variables = self._globals.setdefault(id(function.__globals__), dict(function.__globals__))
        closure = tuple(CellType() for _ in function.__closure__ or ())
        copy = FunctionType(code, variables, function.__name__, function.__defaults__, closure or None)
        self._copies[id(function)] = (function, copy)
        copy.__kwdefaults__ = function.__kwdefaults__
        copy.__annotations__ = function.__annotations__
        copy.__qualname__, copy.__module__, copy.__doc__ = function.__qualname__, function.__module__, function.__doc__
        copy.__dict__.update({key: value for key, value in function.__dict__.items() if key != "__wrapped__"})
        for mine, theirs in zip(closure, function.__closure__ or (), strict=True):
            try:
                mine.cell_contents = self._value(theirs.cell_contents, function)
            except ValueError:  # not bound yet
                continue
        for read in sorted(_names_in(function.__code__)):
            if (id(function.__globals__), read) not in self._read:
                self._read.add((id(function.__globals__), read))
                self._bind(variables, read, function)
        return copy

    def _bind(self, variables: dict[str, Any], name: str, function: FunctionType) -> None:
        if name in function.__globals__:
            variables[name] = self._value(function.__globals__[name], function)
        elif name == "print":
            variables[name] = self._print

    def _value(self, value: Any, reader: FunctionType) -> Any:
        if isinstance(value, FunctionType) and value.__globals__ is reader.__globals__ and NAME_ATTRIBUTE not in value.__dict__:
            return self.own(value)
        if type(value) in _CONTAINERS:
            return _copied(value, 0)
        if isinstance(value, logging.Logger | logging.LoggerAdapter):
            return _Overheard(value, self._hear)
        return self._print if value is builtins.print else value

    def _print(self, *values: Any, sep: str | None = None, **how: Any) -> None:
        if how.get("file") is None:  # to a file it is an effect like any other, and nobody has asked for it again
            self._hear("print", (" " if sep is None else sep).join(map(str, values)))

    def _source(self, function: FunctionType, text: str | None, name: str) -> int:
        code = function.__code__
        if text is None:
            try:
                text = inspect.getsource(code)
            except (OSError, TypeError):
                text = ""
        self.sources.append(Source(name=name or function.__name__, text=text, first=code.co_firstlineno))
        return len(self.sources) - 1

    def _code(self, code: CodeType, source: int) -> CodeType:
        inner = tuple(self._code(one, source) if isinstance(one, CodeType) else one for one in code.co_consts)
        copy = code.replace(co_consts=inner)
        self.codes.append(copy)
        self._sources[id(copy)] = source
        return copy

    def source_of(self, code: CodeType) -> int | None:
        """The place in `sources` of a copied code object; None for any other code."""
        return self._sources.get(id(code))


class _Overheard:
    """A logger that is listened to instead of one that writes."""

    def __init__(self, logger: Any, hear: Hear) -> None:
        self._logger = logger
        self._hear_out = hear

    def __getattr__(self, name: str) -> Any:
        if name in _LEVELS:
            return lambda *args, **_: self._hear_out(name, args)
        return getattr(self._logger, name)


def _copied(value: Any, depth: int) -> Any:
    """Python's own containers in one another; what else is in them is shared."""
    if type(value) not in _CONTAINERS or len(value) > _MOST_COPIED or depth > 8:  # noqa: PLR2004  # deeper than any state of a module
        return value
    if type(value) is dict:
        return {key: _copied(item, depth + 1) for key, item in value.items()}
    return type(value)(_copied(item, depth + 1) for item in value)


def _names_in(code: CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names_in(constant)
    return names
