"""The corpus: workflows that differ between replays and say where, and such as only look so."""

import importlib
import inspect
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

Workflow = Callable[..., Any]


class Entry(NamedTuple):
    """One function of the corpus. `faults` are (line, rule) as its comments say; `is_replayed`: always-replay finds it, too."""

    function: Workflow
    faults: set[tuple[int, str]]
    is_replayed: bool


def corpus(name: str) -> list[Entry]:
    module = importlib.import_module(f"tests.lab.linting.corpus.{name}")
    return [_entry(one, module) for one in vars(module).values() if _is_workflow(one, module)]


def _is_workflow(one: object, module: ModuleType) -> bool:
    if not isinstance(one, FunctionType) or one.__module__ != module.__name__:
        return False
    parameters = list(inspect.signature(one).parameters)
    return len(parameters) == 2 and parameters[0] == "ctx"


def _entry(function: FunctionType, module: ModuleType) -> Entry:
    lines, first = inspect.getsourcelines(function)
    told = _faults(lines, first)
    for name in function.__code__.co_names:  # a fault may stand in a function that it calls
        called = vars(module).get(name)
        if isinstance(called, FunctionType) and called.__module__ == module.__name__:
            told |= _faults(*inspect.getsourcelines(called))
    return Entry(function, told, any("# replay" in line for line in lines))


def _faults(lines: list[str], first: int) -> set[tuple[int, str]]:
    return {(first + place, line.split("# bad: ")[1].split()[0]) for place, line in enumerate(lines) if "# bad: " in line}
