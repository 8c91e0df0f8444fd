"""`run.replay()`: a run step by step, to display and step through, or as data."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from wfengine.errors import InvalidArgument
from wfengine.testing.stepping.step import Step, changes
from wflab import protocol
from wflab.analytics.explaining import chain_text
from wflab.display.displays import Displays
from wflab.display.handle import ViewHandle
from wflab.display.replay_source import ReplaySource


class Explained(str):
    """The chain in one line, and as `links`."""

    __slots__ = ("links",)
    links: list[protocol.Link]

    def __repr__(self) -> str:
        return str(self)


class ReplayHandle(ViewHandle):
    """The replay of one run. Steps count from 1; nothing here runs an activity or touches the live run."""

    source: ReplaySource

    def __init__(self, displays: Displays, source: ReplaySource) -> None:
        super().__init__(displays, source)

    def steps(self) -> pd.DataFrame:
        """One row per step.

        | column | is |
        |---|---|
        | step | its number, from 1 |
        | line, waits | where the workflow's function went on, and where it waits now, within `run.source()` |
        | event, outcome | what it took up, in words; started, completed, failed, fired, raised or resumed |
        | changed | names of the variables it added, changed or removed |
        | asked | what the code asked for |
        | in_flight | how much was under way after it |
        | occurred_at, workflow_time | when the event was recorded; what the workflow's clock said (aware UTC) |
        | sequence, turn | the event's place in `run.history()` |
        """
        steps = self.source.reader.whole().steps
        rows = [_row(steps[place - 1] if place else None, step) for place, step in enumerate(steps)]
        columns = [
            "step",
            "line",
            "waits",
            "event",
            "outcome",
            "changed",
            "asked",
            "in_flight",
            "occurred_at",
            "workflow_time",
            "sequence",
            "turn",
        ]
        frame = pd.DataFrame(rows, columns=columns)
        for column in ("line", "waits"):
            frame[column] = frame[column].astype("Int64")
        for column in ("occurred_at", "workflow_time"):
            frame[column] = pd.to_datetime(frame[column], utc=True)
        return frame

    def sources(self) -> pd.DataFrame:
        """One row per event of the history with the source that ran then, however the cell was edited since: sequence, type, name, code_hash, source,
        and for the end of an activity's attempt activity_hash and activity_source.
        """  # noqa: D205  # one sentence
        return self.source.provenance()

    def step(self, number: int) -> Step:
        """All about one step; a negative number counts from the end. Raises InvalidArgument where there is none."""
        return self.source.step(number)

    def locals(self, number: int) -> dict[str, str]:
        """The variables after a step as text, as `repr` gave it then; at most 200 of 4 KB each, secrets hidden. Without the context."""
        variables = self.step(number).variables
        return {name: value.text for name, value in variables.items() if value.text != "<the workflow's context>"}

    def explain(self, name: str, step: int | None = None) -> Explained:
        """Where the variable's value at this step (the last one) came from: `pay <- result of charge_card attempt 3 (step 5) <- args order.total <- workflow input`."""
        number = self.step(-1 if step is None else step).number
        chain = self.source.explain(name, number)
        told = Explained(chain_text(chain))
        told.links = [protocol.Link(text=one.text, step=one.step, line=one.line) for one in chain]
        return told

    def hits(self, predicate: str | None = None, *, line: int | None = None) -> list[int]:
        """The steps after which an expression over the variables held (`"pay > 10"`), or in which a line of the workflow ran."""
        if (predicate is None) == (line is None):
            raise InvalidArgument("Say either an expression, hits('pay > 10'), or a line, hits(line=12).")
        return self.source.reader.hits(line if predicate is None else predicate)  # type: ignore[arg-type]  # one of the two is given

    @property
    def notes(self) -> pd.DataFrame:
        """The notes about its steps, in their order, whoever wrote them: they belong to the run, and stay with its record.

        | column | is |
        |---|---|
        | note | its id, for `remove_note` |
        | step, line, event | the step that it is about, as in `steps()` |
        | text | what was written |
        | who, at | by whom and when (aware UTC) |
        | sequence | the event that the step took up: its place in `run.history()` |
        """
        columns = ["note", "step", "line", "event", "text", "who", "at", "sequence"]
        rows = [(one.id, one.step, one.line, one.event, one.text, one.who, one.at, one.seq) for one in self.source.notes()]
        frame = pd.DataFrame(rows, columns=columns)
        frame["line"] = frame["line"].astype("Int64")
        frame["at"] = pd.to_datetime(frame["at"], unit="ms", utc=True)
        return frame

    def note(self, step: int, text: str) -> str:
        """Write a note about a step (a negative number counts from the end); durable when it returns the note's id.

        It stands in every replay of this run, now and later, and is an act of `audit`. Raises InvalidArgument where there is no such step, and for a
        text that is empty or longer than 2,000 characters.
        """
        return self.source.write_note(step, text, where="run")

    def remove_note(self, note: str) -> None:
        """Take the note of this id away. Raises InvalidArgument where there is none."""
        self.source.remove_note(note, where="run")

    @property
    def divergence(self) -> protocol.Divergence | None:
        """With `code=`: the first place where history and that code disagree; None where they agree throughout."""
        return self.source.divergence()

    def export_test(self, path: str | Path) -> Path:
        """Write a pytest that replays this history on the code and asserts how it ended. Raises InvalidArgument where the code cannot be written down."""
        place = Path(path)
        if place.suffix != ".py":
            raise InvalidArgument(f"{place.name}: a test is a Python file, such as test_{place.stem or 'order'}.py.")
        return self.source.export_test(place)


def _row(before: Step | None, step: Step) -> dict[str, Any]:
    changed: Sequence[str] = list(changes(before, step))
    return {
        "step": step.number,
        "line": step.line,
        "waits": step.waits,
        "event": step.event,
        "outcome": str(step.outcome),
        "changed": changed,
        "asked": [one.text for one in step.asked],
        "in_flight": step.open_total,
        "occurred_at": step.at,
        "workflow_time": step.now,
        "sequence": step.sequence,
        "turn": step.turn,
    }
