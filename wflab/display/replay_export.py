"""A run's history and its code as one file with a pytest in it: the code must still do what history says, and end as the run ended.

The workflow is imported where it lives in a module; one from a notebook is written into the file, with what it reads around itself.
"""

import ast
import builtins
import importlib
import json
import re
import sys
import textwrap
from collections.abc import Sequence
from datetime import date, timedelta
from types import CodeType, FunctionType, ModuleType
from typing import Any

import msgspec

from wfengine.core.arguments import NAME_ATTRIBUTE
from wfengine.errors import InvalidArgument
from wfengine.model.instance import Instance, Status
from wfengine.model.payload import from_json
from wfengine.model.retry import RetryPolicy
from wfengine.model.work import HistoryRow
from wfengine.runtime.registry import Definition
from wfengine.testing.stepping.isolating import Isolation
from wflab.display.replay_code import Chosen

_PLAIN = (str, int, float, bool, type(None))


def test_file(instance: Instance, rows: Sequence[HistoryRow], choice: Chosen) -> str:
    """The text of the file. Raises InvalidArgument where the code is not known, or reads what cannot be written down."""
    if choice.definition is None:
        raise InvalidArgument("There is no code to test: " + " ".join(choice.banners))
    name = re.sub(r"\W", "_", instance.name).lower()
    told, called = _code(choice.definition)
    history = msgspec.json.format(msgspec.json.encode([row.event for row in rows]), indent=1).decode()
    quoted = history.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return (
        f'"""A run of {_safe(instance.name)} that ended {instance.status.value}, replayed: no activity runs. Edit the code below, and see whether it still agrees."""\n\n'
        f"{told}\n\n"
        f"def test_{name}_does_what_history_says():\n"
        f"    ended = testing.replay({called}, HISTORY)  # raises NonDeterminismError where the code asks for something else\n"
        f"{_asserted(instance)}\n\n"
        f'HISTORY = """{quoted}"""\n'
    )


def _asserted(instance: Instance) -> str:
    status = instance.status if instance.status in {Status.COMPLETED, Status.FAILED, Status.CONTINUED_AS_NEW} else Status.RUNNING
    lines = [f'    assert ended.status == "{status.value}"']
    if status is Status.COMPLETED:
        lines.append(f"    assert ended.output == {_literal(from_json(instance.output))}")
    elif status is Status.FAILED and instance.failure is not None:
        lines.append(f"    assert ended.failure.error_type == {instance.failure.error_type!r}")
        lines.append(f"    assert ended.failure.message == {instance.failure.message!r}")
    return "\n".join(lines)


def _literal(value: Any) -> str:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        raise InvalidArgument("The run's output is of a class of its own, which a test cannot spell; assert it by hand.") from None
    return repr(value)


def _code(definition: Definition) -> tuple[str, str]:
    """Imports and definitions, and the name of the function in them."""
    function = definition.function
    if not isinstance(function, FunctionType):
        raise InvalidArgument(
            f"{definition.name} is a {type(function).__name__}, which cannot be written into a file; put it into a module."
        )
    if function.__module__ != "__main__" and _imported(function.__module__, function.__qualname__) is not None:
        return f"from {function.__module__} import {function.__qualname__}\n\nfrom wflab import testing\n", function.__qualname__
    writer = _Writer()
    writer.function(function, definition.source)
    imports = "\n".join(sorted(writer.imports))
    return f"{imports}\n\nfrom wflab import testing\n\n{''.join(writer.parts)}", function.__name__


class _Writer:
    """Writes functions, and before each what it reads of its module."""

    def __init__(self) -> None:
        self.imports: set[str] = set()
        self.parts: list[str] = []
        self._known: set[str] = {"testing"}

    def function(self, function: FunctionType, text: str | None) -> None:
        if function.__closure__:
            free = ", ".join(function.__code__.co_freevars)
            raise InvalidArgument(
                f"{function.__name__} uses {free} of the function around it, which a file cannot hold; make it a module's."
            )
        if not text:
            raise InvalidArgument(f"The source of {function.__name__} is not known, so it cannot be written into a file.")
        self._known.add(function.__name__)
        for name in sorted(_names_in(function.__code__) | _read_by_header(text)):
            if name in function.__globals__ and name not in self._known:
                self._known.add(name)
                self._value(name, function.__globals__[name])
        self.parts.append(f"{_undecorated(text)}\n\n")

    def _value(self, name: str, value: Any) -> None:
        if isinstance(value, ModuleType):
            self.imports.add(f"import {value.__name__}" + ("" if value.__name__ == name else f" as {name}"))
        elif isinstance(value, FunctionType) and NAME_ATTRIBUTE in value.__dict__:
            self.parts.append(f"{name} = {value.__dict__[NAME_ATTRIBUTE]!r}  # what it is registered as: no activity runs here\n\n")
        elif (found := _importable(value)) is not None:
            module, own = found
            self.imports.add(f"from {module} import {own}" + ("" if own == name else f" as {name}"))
        elif isinstance(value, FunctionType):
            heard = Isolation(lambda _level, _message: None)
            heard.own(value)
            self.function(value, heard.sources[0].text)
        elif (spelled := self._spelled(value)) is not None:
            self.parts.append(f"{name} = {spelled}\n\n")
        else:
            raise InvalidArgument(
                f"The workflow reads {name}, a {type(value).__name__} of this notebook, which cannot be written into a file. "
                "Put the workflow into a module, and the test will import it."
            )

    def _spelled(self, value: Any) -> str | None:
        """The value as Python text; None for what has none that is sure to make it again."""
        if isinstance(value, date | timedelta):
            self.imports.add("import datetime as dt")
            return repr(value).replace("datetime.", "dt.")
        if type(value) is RetryPolicy:
            self.imports.add("from wflab import RetryPolicy")
            self.imports.add("import datetime as dt")
            return repr(value).replace("datetime.", "dt.")
        return repr(value) if _is_plain(value) else None


def _importable(value: Any) -> tuple[str, str] | None:
    """Module and name of a class or function that other files can import; shortest way first."""
    module, name = getattr(value, "__module__", None), getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or module in {"__main__", "builtins"} or "." in name:
        return None
    if module.startswith("wfengine") and getattr(sys.modules.get("wflab"), name, None) is value:
        return "wflab", name
    return (module, name) if _imported(module, name) is value else None


def _imported(module: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None


def _is_plain(value: Any) -> bool:
    if type(value) in {list, tuple, set, frozenset}:
        return all(map(_is_plain, value))
    if type(value) is dict:
        return all(_is_plain(key) and _is_plain(item) for key, item in value.items())
    return type(value) in _PLAIN


def _names_in(code: CodeType) -> set[str]:
    names = {name for name in code.co_names if not hasattr(builtins, name)}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names_in(constant)
    return names


def _read_by_header(text: str) -> set[str]:
    """The names in annotations and defaults, which are read as the function is made."""
    tree = ast.parse(_undecorated(text))
    made = next(one for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
    parts = [made.args, *([made.returns] if made.returns else [])]
    return {one.id for part in parts for one in ast.walk(part) if isinstance(one, ast.Name)}


def _undecorated(text: str) -> str:
    """The text from its `def` on."""
    lines = textwrap.dedent(text).splitlines()
    begin = next((place for place, line in enumerate(lines) if line.startswith(("def ", "async def "))), 0)
    return "\n".join(lines[begin:]).rstrip() + "\n"


def _safe(text: str) -> str:
    return re.sub(r"[^\w .:-]", "_", text)
