"""What makes two failures the same one: their error type and message, with whatever differs from run to run masked.

The SQL view `spans` masks with the same two expressions (engine/wfengine/store/views.sql, macro `fingerprint`), which are plain enough for
Python and for RE2. Change both or neither.
"""

import re

_ID = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}|[0-9A-Za-z_]*[0-9][0-9A-Za-z_]*")
_MASKS = re.compile(r"#([.,:/+-]#)+")
_LONGEST = 200


def fingerprint(error_type: str | None, message: str | None) -> str | None:
    """`ValueError: order # has no card`: the type and the message's first line, every word with a digit in it masked. None without a type."""
    if error_type is None:
        return None
    first_line = (message or "").split("\n", 1)[0][:_LONGEST]
    masked = _MASKS.sub("#", _ID.sub("#", first_line))
    return f"{error_type}: {masked}" if masked else error_type
