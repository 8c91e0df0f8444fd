"""What a name in a function's source stands for: looked up in what the function sees, through aliases, modules and classes; nothing is called."""

import ast
import builtins
import os
import sys
from collections.abc import Mapping
from types import BuiltinFunctionType, BuiltinMethodType, FunctionType, MethodType, ModuleType
from typing import Any

UNKNOWN = object()
_GENERATORS = frozenset({"random.Random", "numpy.random.RandomState"})  # one that is made here draws what its seed says, if it has one


class Names:
    """The names of one function. `outer` is what it sees of its module and its closure; `locals_` are its own, which hide those."""

    def __init__(self, function: FunctionType, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.globals: Mapping[str, Any] = function.__globals__
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=False)
        self.closure = {name: _content(cell) for name, cell in cells}
        self._aliases: dict[str, ast.expr] = {}
        self._imported: dict[str, Any] = {}
        self.made: dict[str, ast.Call] = {}
        self.locals_: set[str] = set()
        self._gather(node)

    def _gather(self, function: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        arguments = function.args
        self.locals_ |= {one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)}
        self.locals_ |= {one.arg for one in (arguments.vararg, arguments.kwarg) if one is not None}
        shared = {name for node in ast.walk(function) if isinstance(node, ast.Global | ast.Nonlocal) for name in node.names}
        assigned: dict[str, list[ast.expr | None]] = {}
        for node in ast.walk(function):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) | ast.AnnAssign(target=ast.Name(id=name), value=value):
                    assigned.setdefault(name, []).append(value)
                case ast.NamedExpr(target=ast.Name(id=name), value=value):
                    assigned.setdefault(name, []).append(value)
                case ast.withitem(context_expr=value, optional_vars=ast.Name(id=name)):
                    assigned.setdefault(name, []).append(value)
                case ast.Import(names=names):
                    for one in names:
                        self._imported[one.asname or one.name.partition(".")[0]] = _module(
                            one.name if one.asname else one.name.partition(".")[0]
                        )
                case ast.ImportFrom(module=str(module), names=names, level=0):
                    for one in names:
                        self._imported[one.asname or one.name] = _of_module(module, one.name)
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if node is not function:
                    self.locals_.add(name)
                case ast.Name(id=name, ctx=ast.Store()):
                    self.locals_.add(name)
        self.locals_ -= shared | set(self._imported)
        for name, values in assigned.items():
            if len(values) == 1 and name in self.locals_:
                if isinstance(values[0], ast.Name | ast.Attribute):
                    self._aliases[name] = values[0]
                elif isinstance(values[0], ast.Call):
                    self.made[name] = values[0]

    def is_local(self, name: str) -> bool:
        """Whether the function has a variable of this name."""
        return name in self.locals_

    def find(self, node: ast.expr) -> Any:
        """The object that a dotted name stands for; UNKNOWN where only running the code would tell."""
        match node:
            case ast.Name(id=name) if name in self._imported:
                return self._imported[name]
            case ast.Name(id=name) if name in self._aliases:
                return self.find(self._aliases[name])
            case ast.Name(id=name) if name in self.locals_:
                return UNKNOWN
            case ast.Name(id=name):
                found = self.closure.get(name, UNKNOWN)
                return self.globals.get(name, getattr(builtins, name, UNKNOWN)) if found is UNKNOWN else found
            case ast.Attribute(value=value, attr=attribute):
                owner = self.find(value)
                # of other objects an attribute may be computed
                return getattr(owner, attribute, UNKNOWN) if isinstance(owner, ModuleType | type) else UNKNOWN
        return UNKNOWN

    def qualified(self, node: ast.expr) -> str | None:
        """The full name of what a dotted expression stands for, such as `datetime.datetime.now`."""
        match node:
            case ast.Attribute(value=value, attr=attribute):
                owner = self.find(value)
                if isinstance(owner, ModuleType | type):
                    return f"{_name_of(owner)}.{attribute}"
                made = value if isinstance(value, ast.Call) else self.made.get(value.id) if isinstance(value, ast.Name) else None
                if made is not None and isinstance(kind := self.find(made.func), type):  # Path(...).read_text
                    name = _name_of(kind)
                    return None if name in _GENERATORS else f"{name}.{attribute}"
                if owner is not UNKNOWN:
                    return f"{_name_of(type(owner))}.{attribute}"
                return None
            case ast.Name():
                found = self.find(node)
                return None if found is UNKNOWN else _name_of(found)
        return None


_OFFERED_AS = {
    "pathlib._local": "pathlib",
    "_io": "io",
    "posix": "os",
    "nt": "os",
    "posixpath": "os.path",
    "ntpath": "os.path",
    "genericpath": "os.path",
    "numpy.random.mtrand": "numpy.random",
}


def _offered(module: str | None) -> str:
    name = module or ""
    return "asyncio" if name.startswith("asyncio.") else _OFFERED_AS.get(name, name)


def _name_of(found: Any) -> str | None:
    """The name under which a library offers an object."""
    if found is os.environ:
        return "os.environ"
    match found:
        case ModuleType():
            return _offered(found.__name__)
        case type():
            name = f"{_offered(found.__module__)}.{found.__qualname__}"
            return name.replace("PosixPath", "Path").replace("WindowsPath", "Path")
        case BuiltinFunctionType() | BuiltinMethodType() | MethodType():
            return _of_bound(found)
        case FunctionType():
            return f"{_offered(found.__module__)}.{found.__qualname__}"
    return None


def _of_bound(found: Any) -> str | None:
    owner, name = getattr(found, "__self__", None), found.__name__
    if isinstance(owner, ModuleType):
        return "builtins.open" if owner.__name__ in {"io", "_io"} and name == "open" else f"{_offered(owner.__name__)}.{name}"
    if isinstance(owner, type):
        return f"{_name_of(owner)}.{name}"
    for module in ("random", "numpy.random", "secrets"):  # functions that are methods of a hidden generator
        if getattr(sys.modules.get(module), name, None) == found:
            return f"{module}.{name}"
    return None if owner is None else f"{_name_of(type(owner))}.{name}"


def _module(name: str) -> Any:
    return sys.modules.get(name, _Unloaded(name))


def _of_module(module: str, name: str) -> Any:
    loaded = sys.modules.get(module)
    return getattr(loaded, name, UNKNOWN) if loaded is not None else _Unloaded(f"{module}.{name}")


class _Unloaded(ModuleType):
    """A library that is imported where the workflow runs: known by its name alone."""

    def __getattr__(self, name: str) -> Any:
        return _Unloaded(f"{self.__name__}.{name}")


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return UNKNOWN
