"""Payloads as a display may hold them: pretty, cut, and without what is called a secret. They end up in saved notebooks."""

import json
import re
from typing import Any

from wfengine.model.payload import AUTO_SERIALIZED
from wflab.protocol import Payload

MOST_CHARACTERS = 4_000
LONGEST_LINE = 120
SHORT = 72
_MOST_PARSED = 100_000
_CONFIDENTIAL = r"passw|secret|token|api_?key|authorization|credential"
_NAME = re.compile(_CONFIDENTIAL, re.IGNORECASE)
_PAIR = re.compile(rf'("[^"]*(?:{_CONFIDENTIAL})[^"]*"\s*:\s*)"[^"]*"?', re.IGNORECASE)
_HIDDEN = "(hidden)"


def payload_of(text: str | None) -> Payload | None:
    """JSON text for a person; None for no payload."""
    if text is None:
        return None
    shown = _pretty(text)
    return Payload(text=shown[:MOST_CHARACTERS], size=len(text), cut=len(shown) > MOST_CHARACTERS)


def one_line(text: str) -> str:
    """The text on one line, cut with an ellipsis that says so."""
    flat = " ".join(text[: 4 * LONGEST_LINE].split())
    return flat if len(flat) <= LONGEST_LINE else f"{flat[: LONGEST_LINE - 1]}…"


def _pretty(text: str) -> str:
    if len(text) > _MOST_PARSED:  # parsing megabytes four times a second is not worth four thousand characters
        return _PAIR.sub(rf'\1"{_HIDDEN}"', text[: MOST_CHARACTERS + 1])
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    shown = _without_secrets(value)
    flat = json.dumps(shown, ensure_ascii=False)
    return flat if len(flat) <= SHORT else json.dumps(shown, indent=2, ensure_ascii=False)


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        shown = {key: item for key, item in value.items() if key != AUTO_SERIALIZED}
        return {key: _HIDDEN if item and _NAME.search(key) else _without_secrets(item) for key, item in shown.items()}
    if isinstance(value, list):
        return [_without_secrets(item) for item in value]
    return value
