"""What changed from one picture to the next, where that is much less than the whole: for pictures with many rows."""

from typing import Any

from msgspec.structs import replace

from wflab import protocol
from wflab.views.columns import Columns, Delta, delta


def change_between(older: Any, newer: Any) -> tuple[Any, Delta] | None:
    """The newer picture without its rows, and what makes its rows of the older one's; None where the whole is as good."""
    if not (isinstance(older, protocol.TimelinePicture) and isinstance(newer, protocol.TimelinePicture)):
        return None
    before, after = older.spans, newer.spans
    if any(after.tables.get(name, [])[: len(words)] != words for name, words in before.tables.items()):
        return None
    found = delta(before, after)
    if 2 * (found.changed.count + found.tail.count) > after.rows.count:
        return None
    rows = replace(after.rows, count=0, types={}, data={})
    return replace(newer, spans=Columns(rows=rows, now=after.now, tables={})), found
