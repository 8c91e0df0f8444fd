"""Any value as text and a small tree, so that it can be kept, compared and shown after the value itself has changed.

What is Python's own is written out here; of a user's class nothing is called but `__repr__`, and that only where the class wrote one. No length, no
equality, no property is asked for. Names that sound confidential are hidden before anything leaves this room.
"""

import re
import sys
from collections import deque
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from itertools import islice
from types import BuiltinFunctionType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

import msgspec

from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import Task

MOST_VARIABLES = 200
DEEPEST = 4
MOST_CHARACTERS = 4096
MOST_ITEMS = 50
FIRST_ROWS = 5
HIDDEN = "(hidden)"
_CONFIDENTIAL = re.compile(r"passw|secret|token|api_?key|credential", re.IGNORECASE)
_PAIR = re.compile(r"(\w*(?:passw|secret|token|api_?key|credential)\w*['\"]?\s*[:=]\s*)('[^']*'|\"[^\"]*\"|[^\s,)}\]]+)", re.IGNORECASE)
_PLAIN = frozenset({type(None), bool, float, complex})
_LARGE = 10**18
_PLACES = [str(place) for place in range(MOST_ITEMS)]


class Value(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True, gc=False):
    """`text` is what a person reads; `inner` are the parts of a container or object, by name."""

    text: str
    inner: "tuple[tuple[str, Value], ...]" = ()


class _Room:
    """How much text there is still room for."""

    def __init__(self) -> None:
        self.left = MOST_CHARACTERS

    def cut(self, text: str) -> str:
        """The text, or its beginning."""
        shown = text if len(text) <= self.left else f"{text[: max(0, self.left - 1)]}…"
        self.left -= len(shown)
        return shown


def shown(value: object, name: str = "") -> Value:
    """The value of a variable of this name: at most 4 KB of text, four levels deep."""
    return _value(value, name, 0, _Room(), ())


def shown_variables(variables: dict[str, Any]) -> dict[str, Value]:
    """The first 200 variables; a last one says how many are left out."""
    found = {str(name): shown(value, str(name)) for name, value in islice(variables.items(), MOST_VARIABLES)}
    if len(variables) > MOST_VARIABLES:
        found["…"] = Value(f"{len(variables) - MOST_VARIABLES:,} more variables")
    return found


def _value(value: object, name: str, depth: int, room: _Room, above: tuple[int, ...]) -> Value:
    kind = type(value)
    if (name and value is not None and _is_confidential(name)) or _is_confidential(kind.__name__):
        return Value(HIDDEN)
    if room.left <= 0:
        return Value("…")
    if kind in _PLAIN or (kind is int and -_LARGE < value < _LARGE):  # type: ignore[operator]  # an int
        told = repr(value)
        if len(told) <= room.left:
            room.left -= len(told)
            return Value(told)
        return Value(room.cut(told))
    if kind is str or kind is bytes:
        return Value(_text(value, room))
    if id(value) in above:
        return Value("<itself, again>")
    try:
        return _composed(value, kind, depth, room, (*above, id(value)))
    except BaseException as error:  # noqa: BLE001  # whatever a user's class does to be looked at, SystemExit included
        return Value(room.cut(f"<repr failed: {type(error).__name__}>"))


@lru_cache(4096)
def _is_confidential(name: str) -> bool:
    return _CONFIDENTIAL.search(name) is not None


def _text(value: Any, room: _Room) -> str:
    if len(value) <= room.left:
        return room.cut(repr(value))
    return f"{room.cut(repr(value[: room.left]))} ({len(value):,} in all)"


def _composed(value: Any, kind: type, depth: int, room: _Room, above: tuple[int, ...]) -> Value:  # noqa: PLR0911  # one short arm per kind of value
    if kind is int:
        return Value(room.cut(repr(value)))
    if issubclass(kind, Task):
        return _task(value, depth, room, above)
    if issubclass(kind, WorkflowContext):
        return Value("<the workflow's context>")
    if kind.__module__.partition(".")[0] in {"pandas", "polars"} and hasattr(kind, "head"):
        return _frame(value, kind, room)
    if issubclass(kind, FunctionType | BuiltinFunctionType | MethodType | type | ModuleType):
        what = "class" if issubclass(kind, type) else "module" if issubclass(kind, ModuleType) else "function"
        return Value(room.cut(f"<{what} {value.__name__}>"))
    if issubclass(kind, Enum):
        return Value(room.cut(f"{kind.__name__}.{object.__getattribute__(value, '_name_')}"))
    if depth >= DEEPEST and issubclass(kind, dict | list | tuple | set | frozenset | deque):
        return Value("…")
    for shape in (dict, list, tuple, set, frozenset, deque):
        if issubclass(kind, shape):
            return _container(value, kind, shape, depth, room, above)
    return _object(value, kind, depth, room, above)


def _container(value: Any, kind: type, shape: type, depth: int, room: _Room, above: tuple[int, ...]) -> Value:
    """By the methods of Python's own type, whatever a subclass has made of them."""
    size = shape.__len__(value)  # type: ignore[attr-defined]  # all six have it
    own = kind is shape
    if shape is dict:
        pairs = [(item, _key(key)) for key, item in islice(dict.items(value), MOST_ITEMS)]
        inner = [(label, _value(item, label, depth + 1, room, above)) for item, label in pairs]
        more = [f"… {size - len(inner):,} more"] if size > len(inner) else []
        text = "{" + ", ".join([*(f"{label}: {one.text}" for label, one in inner), *more]) + "}"
        return Value(_whole(text if own else f"{kind.__name__}({text})"), tuple(inner))
    items: Iterable[Any] = shape.__iter__(value)  # type: ignore[attr-defined]  # likewise
    fields = getattr(kind, "_fields", None) if shape is tuple and not own else None
    if isinstance(fields, tuple):
        inner = [(str(field), _value(item, str(field), depth + 1, room, above)) for field, item in zip(fields, items, strict=False)]
        return Value(_whole(f"{kind.__name__}({', '.join(f'{label}={one.text}' for label, one in inner)})"), tuple(inner))
    inner = [(_PLACES[place], _value(item, "", depth + 1, room, above)) for place, item in enumerate(islice(items, MOST_ITEMS))]
    if shape in {set, frozenset}:  # no two processes have one order
        inner = [(str(place), one) for place, one in enumerate(sorted((one for _, one in inner), key=lambda one: one.text))]
    more = [f"… {size - len(inner):,} more"] if size > len(inner) else []
    told = ", ".join([*(one.text for _, one in inner), *more])
    return Value(_whole(_bracketed(told, kind, shape, size)), tuple(inner))


def _bracketed(told: str, kind: type, shape: type, size: int) -> str:
    if shape is tuple:
        text = f"({told},)" if size == 1 else f"({told})"
    elif shape is set:
        text = f"{{{told}}}" if size else "set()"
    elif shape is frozenset:
        text = f"frozenset({{{told}}})" if size else "frozenset()"
    elif shape is deque:
        text = f"deque([{told}])"
    else:
        text = f"[{told}]"
    return text if kind is shape else f"{kind.__name__}({text})"


def _whole(text: str) -> str:
    """A container's text is put together of what its parts had room for."""
    return text if len(text) <= MOST_CHARACTERS else f"{text[: MOST_CHARACTERS - 1]}…"


def _key(key: object) -> str:
    return shown(key).text[:80]


def _task(task: Task[Any], depth: int, room: _Room, above: tuple[int, ...]) -> Value:
    if not task.is_complete:
        return Value("<task: pending>")
    if task.is_failed:
        return Value(room.cut(f"<task: failed with {type(task.get_exception()).__name__}>"))
    result = _value(task.get_result(), "", depth + 1, room, above)
    return Value(_whole(f"<task: completed with {result.text}>"), (("result", result),))


def _frame(value: Any, kind: type, room: _Room) -> Value:
    shape = getattr(value, "shape", ())
    size = " x ".join(f"{length:,}" for length in shape)
    first = value.head(FIRST_ROWS)
    told = first.to_string() if hasattr(first, "to_string") else str(first)
    return Value(f"<{kind.__name__} {size}>", (("head", Value(room.cut(told))),))


def _object(value: Any, kind: type, depth: int, room: _Room, above: tuple[int, ...]) -> Value:
    fields = _fields(value, kind)
    is_data = any(
        mark in vars(base) for base in kind.__mro__ for mark in ("__dataclass_fields__", "__struct_fields__", "__pydantic_fields__")
    )
    has_own = "__repr__" in {name for base in kind.__mro__[:-1] for name in vars(base)}
    if issubclass(kind, BaseException):
        arguments = ", ".join(_value(item, "", depth + 1, room, above).text for item in vars(BaseException)["args"].__get__(value)[:5])
        return Value(room.cut(f"{kind.__name__}({arguments})"))
    if depth >= DEEPEST and fields:
        return Value(f"<{kind.__name__} …>")
    if is_data or not has_own:
        inner = tuple((name, _value(item, name, depth + 1, room, above)) for name, item in islice(fields.items(), MOST_ITEMS))
        told = ", ".join(f"{name}={one.text}" for name, one in inner)
        return Value(_whole(f"{kind.__name__}({told})" if is_data else f"<{kind.__name__} object>"), inner)
    told = kind.__repr__(value)
    if type(told) is not str:
        return Value("<repr failed: it is no text>")
    text = room.cut(_PAIR.sub(rf"\1{HIDDEN}", told[: 2 * MOST_CHARACTERS]))
    inner = tuple((name, _value(item, name, depth + 1, room, above)) for name, item in islice(fields.items(), MOST_ITEMS))
    return Value(text, inner)


def _fields(value: Any, kind: type) -> dict[str, Any]:
    """What an object keeps of its own: its `__dict__` and slots, read past whatever its class does on access."""
    found: dict[str, Any] = {}
    for base in kind.__mro__:
        slots = vars(base).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else tuple(slots):
            member = vars(base).get(name)
            if isinstance(member, MemberDescriptorType):
                try:
                    found[name] = member.__get__(value)
                except AttributeError:
                    continue
    for name in vars(kind).get("__struct_fields__", ()):
        found.setdefault(name, object.__getattribute__(value, name))
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return found
    if type(own) is dict and kind.__module__ != "builtins" and sys.modules.get(kind.__module__) is not None:
        found |= {str(name): item for name, item in own.items() if not str(name).startswith("__")}
    return found
