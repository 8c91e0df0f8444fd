"""W3C trace context: which trace a call belongs to, so that a publication and its deliveries can be told together."""

import re
import secrets
from typing import NamedTuple

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


class Trace(NamedTuple):
    """A trace as a call hands it on."""

    trace_id: str
    parent_id: str
    flags: str = "00"

    @property
    def traceparent(self) -> str:
        """The header's text."""
        return f"00-{self.trace_id}-{self.parent_id}-{self.flags}"


def trace_of(traceparent: str | None) -> Trace:
    """The caller's trace, or a new one where the caller has none or one that is not well-formed."""
    found = _TRACEPARENT.fullmatch(traceparent.strip().lower()) if traceparent else None
    if found is None or not int(found[1], 16) or not int(found[2], 16):
        return Trace(secrets.token_hex(16), secrets.token_hex(8))
    return Trace(found[1], found[2], found[3])
