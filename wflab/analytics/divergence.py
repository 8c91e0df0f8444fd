"""The place where a history and other code part, put so that a person can mend it: where, what most likely was edited, and code that keeps old runs going."""

import difflib
import re
from collections.abc import Sequence

import msgspec

from wfengine.core.edits import likeliest_edit
from wfengine.errors import NonDeterminismError
from wfengine.model import history as h
from wfengine.model.work import HistoryRow

_LINE = re.compile(r"line (\d+) of (\S+)")


class Parting(msgspec.Struct, frozen=True, kw_only=True):
    """See `protocol.Divergence`."""

    seq: int
    event_id: int
    expected: str
    produced: str
    line: int | None
    source_line: str
    cause: str
    edit: str
    recipe: str
    message: str


def parting(error: NonDeterminismError, rows: Sequence[HistoryRow], *, recorded: str | None, text: str | None, first: int) -> Parting:
    """`recorded` is the source that ran, `text` the other one and `first` the number of its first line in its file."""
    row = _row_of(error, rows)
    told = _LINE.search(error.line)
    line = None if told is None else int(told.group(1)) - first + 1
    lines = (text or "").splitlines()
    source_line = lines[line - 1].strip() if line is not None and 0 < line <= len(lines) else ""
    _, cause = likeliest_edit(error, text, line)
    return Parting(
        seq=-1 if row is None else row.sequence,
        event_id=error.event_id,
        expected=error.recorded,
        produced=error.attempted,
        line=line,
        source_line=source_line,
        cause=f"Most likely {cause}." if cause else "",
        edit=_edit(recorded, text, line),
        recipe=_recipe(error, source_line),
        message=str(error),
    )


def _row_of(error: NonDeterminismError, rows: Sequence[HistoryRow]) -> HistoryRow | None:
    for row in rows:
        if error.recorded != "nothing more" and isinstance(row.event, h.ConfirmingEvent) and row.event.event_id == error.event_id:
            return row
        if isinstance(row.event, h.PatchRecorded) and error.recorded == f"is_patched({row.event.name!r})":
            return row
    return rows[-1] if rows else None


def _edit(recorded: str | None, text: str | None, line: int | None) -> str:
    """The piece of the difference between the sources that is nearest to the line."""
    if recorded is None or text is None or recorded == text:
        return ""
    old, new = recorded.splitlines(), text.splitlines()
    edits = [code for code in difflib.SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes() if code[0] != "equal"]
    if not edits:
        return ""
    at = 0 if line is None else line - 1
    _, begin, end, first, last = min(
        edits, key=lambda code: 0 if code[3] <= at < max(code[4], code[3] + 1) else min(abs(code[3] - at), abs(code[4] - at))
    )
    return "\n".join([*(f"- {one}" for one in old[begin:end]), *(f"+ {one}" for one in new[first:last])][:20])


def _recipe(error: NonDeterminismError, source_line: str) -> str:
    """Both ways, behind a patch: what is new for new runs, what was for old ones."""
    new = source_line or f"... # {error.attempted}"
    old = f"... # as it was: {error.recorded}" if error.recorded not in {"nothing more", "a workflow that goes on"} else "... # as it was"
    name = (
        re.sub(r"\W+", "-", error.attempted if error.attempted not in {"nothing", "the end of the workflow"} else error.recorded)
        .strip("-")
        .lower()[:40]
    )
    return f'if ctx.is_patched("{name or "edit"}"):\n    {new}\nelse:\n    {old}\n\n# or keep both: wfr.register_versioned_workflow(..., version_name="v2", is_latest=True)'
