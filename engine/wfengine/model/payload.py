"""Payloads: JSON text, made as Dapr's Python SDK makes it, and refused with the path of the offending value where it is not JSON.

Dataclasses, named tuples and SimpleNamespaces become objects that carry a marker and come back as SimpleNamespace; whatever has
`model_dump` and `model_validate` (pydantic, SQLModel) becomes a plain object and is made again where the receiver annotates it.
"""

import dataclasses
import json
import math
from types import GeneratorType, SimpleNamespace
from typing import Any

from msgspec import UNSET, UnsetType

from wfengine.errors import PayloadError

__all__ = ["AUTO_SERIALIZED", "UNSET", "JsonText", "UnsetType", "coerce_to_model", "from_json", "is_model_class", "to_json"]

AUTO_SERIALIZED = "__durabletask_autoobject__"
DEEPEST_NESTING = 500
# json.dumps and json.loads would make an encoder, and look for white space, with every call; `_plain` has made sure that nothing contains itself.
_ENCODE = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False).encode
_SCAN = json.JSONDecoder().scan_once  # type: ignore[attr-defined]  # typeshed leaves it out
LARGEST_INT_BITS = 14_000  # Python itself refuses to read numbers of more than 4300 digits
LARGEST_BYTES = 64 * 1024 * 1024


class JsonText(str):
    """A payload that is JSON text already: it is kept as it is."""

    __slots__ = ()


def to_json(value: Any, what: str = "the payload") -> str:
    """JSON text of `value`; `what` names it in errors ("the input of activity 'charge'").

    Raises PayloadError with the path of what is not JSON: NaN, infinities, lone surrogates, keys that are not strings, nesting
    beyond 500, more than 64 MiB, and any type that JSON has no word for.
    """
    plain: Any = ""
    try:
        if type(value) is JsonText:
            text = str.__str__(value)
        else:
            plain = value if _is_plain(value, 0) else _plain(value, "$", 0, what)
            text = _ENCODE(plain)
    except RecursionError:
        raise PayloadError(f"{what} is nested too deeply for the code that hands it over. Flatten it.") from None
    try:
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError:
        raise PayloadError(
            f"{what} holds text with a lone surrogate (half of a character) at {_surrogate_path(plain, '$')}; remove or replace it.",
            path=_surrogate_path(plain, "$"),
        ) from None
    if size > LARGEST_BYTES:
        raise PayloadError(
            f"{what} is {size / 2**20:.0f} MiB of JSON; at most {LARGEST_BYTES // 2**20} MiB can be kept. "
            "Store the data elsewhere (a file, a table) and pass its name."
        )
    return text


def from_json(text: str | None) -> Any:
    """The value of JSON text; None for None."""
    if text is None:
        return None
    if AUTO_SERIALIZED in text:
        return json.loads(text, object_hook=_revive)
    try:
        value, end = _SCAN(text, 0)
    except StopIteration:  # it begins with white space, or is no JSON
        return json.loads(text)
    return value if end == len(text) else json.loads(text)


def is_model_class(cls: Any) -> bool:
    """Whether `cls` is a class with pydantic's pair `model_dump` and `model_validate`."""
    return isinstance(cls, type) and callable(getattr(cls, "model_dump", None)) and callable(getattr(cls, "model_validate", None))


def coerce_to_model(value: Any, cls: Any) -> Any:
    """Make the annotated model from a decoded payload; raises TypeError where its shape does not fit."""
    if isinstance(value, cls):
        return value
    if isinstance(value, SimpleNamespace):
        value = vars(value)
    if not isinstance(value, dict):
        raise TypeError(f"expected an object to make a {cls.__name__} of, got {type(value).__name__}")
    return cls.model_validate(value)


def _revive(found: dict[str, Any]) -> Any:
    if found.pop(AUTO_SERIALIZED, False):
        return SimpleNamespace(**found)
    return found


def _is_plain(value: Any, depth: int) -> bool:
    """Whether it is JSON as it stands, which most payloads are: quicker than `_plain`, which knows where and why not."""
    kind = type(value)
    if kind is str or kind is bool or value is None:
        return True
    if kind is int:
        return bool(value.bit_length() <= LARGEST_INT_BITS)
    if kind is float:
        return math.isfinite(value)
    if depth >= DEEPEST_NESTING or not (kind is list or (kind is dict and all(type(key) is str for key in value))):
        return False
    for item in value if kind is list else value.values():  # noqa: SIM110  # no all(...): it would cost a second frame a level
        if not _is_plain(item, depth + 1):
            return False
    return True


def _plain(value: Any, path: str, depth: int, what: str) -> Any:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        if value.bit_length() <= LARGEST_INT_BITS:
            return value
        raise PayloadError(
            f"{what} is not JSON that all can read: a number of {value.bit_length()} bits at {path}. Pass hex(value).", path=path
        )
    if isinstance(value, float):
        if math.isfinite(value):
            return value
        raise PayloadError(f"{what} is not JSON: {value!r} at {path}. Pass None or a string instead.", path=path)
    if depth >= DEEPEST_NESTING:
        raise PayloadError(f"{what} is nested deeper than {DEEPEST_NESTING} levels (or contains itself). Flatten it.", path=path[:200])
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise PayloadError(
                    f"{what} is not JSON: the key {key!r} at {path} is {type(key).__name__}, keys must be strings. Use str(key).", path=path
                )
        made = {}
        for key, item in value.items():  # no comprehension: it would cost a second frame a level
            made[key] = _plain(item, f"{path}.{key}", depth + 1, what)
        return made
    if isinstance(value, list | tuple) and not hasattr(value, "_asdict"):
        items = []
        for index, item in enumerate(value):
            items.append(_plain(item, f"{path}[{index}]", depth + 1, what))  # likewise
        return items
    return _plain({**_fields(value, path, what)}, path, depth + 1, what)


def _fields(value: Any, path: str, what: str) -> dict[str, Any]:
    if is_model_class(type(value)):
        try:
            return dict(value.model_dump(mode="json"))
        except TypeError:  # follows the protocol without pydantic's `mode`
            return dict(value.model_dump())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {**{field.name: getattr(value, field.name) for field in dataclasses.fields(value)}, AUTO_SERIALIZED: True}
    if isinstance(value, SimpleNamespace):
        return {**vars(value), AUTO_SERIALIZED: True}
    if isinstance(value, tuple):
        return {**value._asdict(), AUTO_SERIALIZED: True}  # type: ignore[attr-defined]  # a named tuple
    raise PayloadError(f"{what} is not JSON: {type(value).__name__} at {path}. {_advice(value)}", path=path)


def _advice(value: Any) -> str:
    kind = type(value).__name__
    if hasattr(value, "isoformat"):
        return "Pass value.isoformat()."
    if isinstance(value, set | frozenset):
        return "Pass sorted(value)."
    if isinstance(value, bytes | bytearray):
        return "Pass text, for example base64.b64encode(value).decode()."
    if kind == "DataFrame":
        return "Pass value.to_dict('records'), or save it and pass its name."
    if kind == "ndarray" or hasattr(value, "item"):
        return "Pass value.tolist()."
    return _advice_on_code(value) or "Pass a dict, list, string, number, boolean, None, a dataclass or a pydantic model."


def _advice_on_code(value: Any) -> str:
    """What is missing where code stands instead of what it gives; empty for data."""
    if callable(getattr(value, "__await__", None)):
        return "It was not waited for: a `yield` (in `async def` code an `await`) is missing before the call that made it."
    if isinstance(value, GeneratorType):
        return "It was not run: `yield from` is missing before the call that made it."
    if type(value).__name__.endswith("Context"):
        return "The first parameter of a workflow or an activity is ctx, the input is the second: write `def name(ctx, input):`."
    if callable(value):
        return "Functions cannot be recorded; pass what they need as data."
    return ""


def _surrogate_path(value: Any, path: str) -> str:
    """Where the first lone surrogate stands in plain data."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not _encodes(key):
                return f"{path}.{key.encode('utf-8', 'backslashreplace').decode()}"
            if found := _surrogate_path(item, f"{path}.{key}"):
                return found
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if found := _surrogate_path(item, f"{path}[{index}]"):
                return found
    elif isinstance(value, str) and not _encodes(value):
        return path
    return ""


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
