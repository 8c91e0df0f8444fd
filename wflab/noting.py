"""What people write about the steps of a run: notes, each a row of `audit` (see `analytics.step_notes`)."""

import uuid
from collections.abc import Callable
from datetime import UTC

import msgspec

from wfengine.errors import EnginePaused, InvalidArgument
from wfengine.model.instance import Instance
from wfengine.model.work import AuditRow
from wfengine.runtime.engine import Engine
from wflab.analytics.step_notes import VERBS, StepNote, notes_of, removed, written

LONGEST = 2_000
MOST = 200
PATIENCE_SECONDS = 30
_NOTES = """
    SELECT who, what, why, occurred_at FROM audit
    WHERE instance = $key AND split_part(what, ' ', 1) IN (SELECT unnest($verbs)) ORDER BY position
"""


class Noting:
    """One per lab. `audit` makes the row that a note is recorded with, `told` hears whose steps have other notes now.

    `changes` grows with each note that is written or removed: what was read at the same count still holds.
    """

    def __init__(self, engine: Engine, audit: Callable[[str, str], AuditRow], told: Callable[[str], None]) -> None:
        self._engine = engine
        self._audit = audit
        self._told = told
        self.changes = 0

    def notes(self, key: int) -> list[StepNote]:
        """The notes about an execution, in the order of its steps."""
        with self._engine.store.cursor() as cursor:
            rows = cursor.execute(_NOTES, {"key": key, "verbs": list(VERBS)}).fetchall()
        return notes_of([(who, what, why, at.replace(tzinfo=UTC)) for who, what, why, at in rows])

    def write(self, instance: Instance, sequence: int, text: str, *, where: str) -> str:
        """Note this about the step that took up the event `sequence`; durable when it returns the note's id.

        Raises InvalidArgument for a text that is empty or longer than 2,000 characters, and where a run has 200 notes.
        """
        said = text.strip().encode(errors="replace").decode()  # half a character, as a page may send it, cannot be written down
        if not said:
            raise InvalidArgument("The note is empty. Write what is to be known about this step.")
        if len(said) > LONGEST:
            raise InvalidArgument(
                f"The note has {len(said):,} characters, and {LONGEST:,} is the most. Write what is longer into a Markdown cell."
            )
        if len(self.notes(instance.key)) >= MOST:
            raise InvalidArgument(f"This run has {MOST} notes, which is the most. Remove some first.")
        note_id = f"n{uuid.uuid4().hex[:12]}"
        self._record(instance, written(sequence, note_id), where, why=said)
        return note_id

    def remove(self, instance: Instance, note_id: str, *, where: str) -> None:
        """Take a note away; durable when it returns. Raises InvalidArgument where there is none of this id."""
        if all(note.id != note_id for note in self.notes(instance.key)):
            raise InvalidArgument(f"There is no note {note_id!r} about {instance.name}. Those that stand: replay.notes.")
        self._record(instance, removed(note_id), where)

    def _record(self, instance: Instance, what: str, where: str, *, why: str | None = None) -> None:
        trouble = self._engine.trouble
        if trouble is not None:  # it would be recorded once there is room again, but nobody can wait for that
            raise EnginePaused(f"{trouble} No note is kept until then.")
        row = msgspec.structs.replace(self._audit(what, where), instance_id=instance.instance_id, key=instance.key, why=why)
        self._engine.record_act_soon(row).result(PATIENCE_SECONDS)
        self.changes += 1
        self._told(instance.instance_id)
