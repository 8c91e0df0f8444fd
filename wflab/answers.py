"""Answers to event waits as data: whether one fits the JSON Schema that the wait was declared with, and what a plain yes or no is in its terms."""

import json
from functools import lru_cache
from typing import Any

from wfengine.errors import InvalidArgument

FLAGS = ("approved", "approve", "accepted", "ok")
_MOST_COMPLAINTS = 5
_LONGEST_COMPLAINT = 200
_LONGEST_VALUE = 40


def complaints(schema: str | None, data: Any) -> list[tuple[str, str]]:
    """What is wrong with an answer: pairs of a place, such as `note` or `items.3.price` (empty: the whole), and a sentence. None: it fits."""
    validator = _validator(schema)
    if validator is None:
        return []
    from referencing.exceptions import Unresolvable  # noqa: PLC0415  # as in `_validator`

    try:
        found = sorted(validator.iter_errors(data), key=lambda error: [str(part) for part in error.absolute_path])
    except Unresolvable:  # it refers to something elsewhere, which nobody fetches for a schema
        return []
    return [(".".join(str(part) for part in error.absolute_path), _sentence(error)) for error in found[:_MOST_COMPLAINTS]]


def check(schema: str | None, data: Any, event: str) -> None:
    """Raises InvalidArgument where an answer does not fit."""
    wrong = complaints(schema, data)
    if wrong:
        listed = "; ".join(f"{place}: {what}" if place else what for place, what in wrong)
        raise InvalidArgument(f"The answer to {event!r} does not fit its schema: {listed}.")


def plain_answer(schema: str | None, *, is_yes: bool) -> Any:
    """A bare yes or no: the boolean itself, or the defaults of an object with its flag (`approved`, ...) set; the boolean where neither fits."""
    if not complaints(schema, is_yes):
        return is_yes
    declared = json.loads(schema or "{}")
    properties = declared.get("properties", {}) if isinstance(declared, dict) else {}
    defaults = {name: part["default"] for name, part in properties.items() if isinstance(part, dict) and "default" in part}
    for flag in FLAGS:
        if flag in properties and not complaints(schema, {**defaults, flag: is_yes}):
            return {**defaults, flag: is_yes}
    return is_yes


def _sentence(error: Any) -> str:
    """Long values would hide what is said of them."""
    whole = repr(error.instance)
    shown = whole if len(whole) <= _LONGEST_VALUE else f"{whole[:_LONGEST_VALUE]}…"
    return str(error.message).replace(whole, shown)[:_LONGEST_COMPLAINT]


@lru_cache(maxsize=256)
def _validator(schema: str | None) -> Any:
    """None where nothing was declared, or what was is no JSON Schema: then every answer fits."""
    if schema is None:
        return None
    import jsonschema  # noqa: PLC0415  # it is slow to load, and most kernels never see a schema
    from referencing import Registry  # noqa: PLC0415

    try:
        declared = json.loads(schema)
        if not isinstance(declared, dict):
            return None
        kind = jsonschema.validators.validator_for(declared, default=jsonschema.Draft202012Validator)
        kind.check_schema(declared)
    except (ValueError, jsonschema.SchemaError):
        return None
    return kind(declared, format_checker=kind.FORMAT_CHECKER, registry=Registry())  # an empty one: jsonschema's own would ask the network
