"""What people wrote about the steps of a run, kept in `audit` and read back from there: so it outlives the page, the cell and the process.

A row says `note_step 12 n5f0c81d2`, with the text as its `why`, or `remove_note n5f0c81d2`. 12 is the place in history of the event that the step
took up: a step's number may be another one with other code, its event is the same.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

WRITTEN, REMOVED = "note_step", "remove_note"
VERBS = (WRITTEN, REMOVED)


class StepNote(msgspec.Struct, frozen=True, kw_only=True):
    """A note about the step that took up the event `sequence`; `at` is aware UTC."""

    id: str
    sequence: int
    text: str
    who: str
    at: datetime


def written(sequence: int, note_id: str) -> str:
    """The `what` of a note's row."""
    return f"{WRITTEN} {sequence} {note_id}"


def removed(note_id: str) -> str:
    """The `what` of the row that takes a note away; the note's own stays in the record."""
    return f"{REMOVED} {note_id}"


def notes_of(rows: Iterable[tuple[str, str, str | None, datetime]]) -> list[StepNote]:
    """From rows of `audit` (who, what, why, at), oldest first, to the notes that stand, in the order of their steps."""
    found: dict[str, StepNote] = {}
    for who, what, why, at in rows:
        match what.split(" "):
            case ["note_step", sequence, note_id] if sequence.isdecimal():
                found[note_id] = StepNote(id=note_id, sequence=int(sequence), text=why or "", who=who, at=at)
            case ["remove_note", note_id]:
                found.pop(note_id, None)
            case _:
                pass
    return sorted(found.values(), key=lambda note: (note.sequence, note.at))
