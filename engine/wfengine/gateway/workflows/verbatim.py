"""Payloads as callers send them: bytes that are JSON most often, and mean themselves where they are not."""

import json
from typing import Any

from wfengine.errors import PayloadError

_DEEPEST = "The payload is nested too deeply. Flatten it."


def value_of(data: bytes) -> Any:
    """The value of JSON text; other text as it stands; None where there is nothing. Raises PayloadError for bytes that are no text."""
    if not data:
        return None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise PayloadError("The payload is no text in UTF-8. Send JSON, or the bytes in base64.") from None
    try:
        return json.loads(text)
    except RecursionError:
        raise PayloadError(_DEEPEST) from None
    except ValueError:
        return text
