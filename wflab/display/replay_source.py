"""The replay of a run, as a view: its picture, and what a page asks while somebody steps through it."""

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from wfengine.errors import EnginePaused, InstanceNotFound, InvalidArgument
from wfengine.model.instance import TERMINAL
from wfengine.model.payload import to_json
from wfengine.runtime.engine import Engine
from wfengine.testing.stepping.step import Step
from wflab import protocol
from wflab.analytics.asking import sentence, standing_of, steps_now
from wflab.analytics.explaining import Cause, explain
from wflab.analytics.provenance import provenance
from wflab.analytics.step_notes import StepNote
from wflab.display.replay_calls import CallsRead
from wflab.display.replay_code import Code
from wflab.display.replay_export import test_file
from wflab.display.replay_reader import Read, ReplayReader
from wflab.display.source import no_such_question
from wflab.noting import Noting
from wflab.views.replay_forks import fork_plan
from wflab.views.replay_picture import MOST_AT_ONCE, detailed, noted, replay_picture

_AT_FIRST_S = 3.0
_LARGEST_REPLY = 400_000
Fork = Callable[[int, dict[int | str, Any] | None, Any], str]


class ReplaySource:
    """A source (see `source.Source`). `fork(at, edit, code)` starts a fork and gives its id; `position` is where a page begins (None: at the end)."""

    freezes = False

    def __init__(
        self,
        engine: Engine,
        instance_id: str,
        *,
        noting: Noting,
        fork: Fork,
        position: int | None = None,
        code: Code = None,
        source: bool = False,
    ) -> None:
        self.instance_id = instance_id
        self.reader = ReplayReader(engine, instance_id, code=code, source=source)
        self._engine = engine
        self._fork = fork
        self._noting = noting
        self._notes = _KeptNotes(noting)
        self._calls = CallsRead(engine)
        self._code = code
        self._position = position
        self._latest: protocol.ReplayPicture | None = None
        self._drawn_from: tuple[Any, ...] = ()

    def concerns(self, instance_ids: Collection[str]) -> bool:
        """Its own run alone."""
        return self.instance_id in instance_ids

    def picture(self) -> protocol.ReplayPicture:
        """The steps read so far; while the record cannot be read, or once it is purged, as it stood."""
        try:
            self._latest = self._drawn()
        except (EnginePaused, InstanceNotFound) as error:
            if self._latest is None:
                raise
            return msgspec.structs.replace(self._latest, why=str(error), ticks=False)
        return self._latest

    def answer(self, request: protocol.Request) -> Any:
        """`steps` in all detail, `step_of` a call, `hits` of a breakpoint, `explain` a value, `note`, `remove_note`, `fork_plan`, `fork`, `export_test`."""
        given = request.arguments
        match request.what:
            case "steps":
                return msgspec.to_builtins(self.details(_number(given, "first"), _number(given, "last"), given.get("at")))
            case "step_of":
                return msgspec.to_builtins(protocol.StepFound(step=self.step_of(msgspec.convert(given, _Call))))
            case "note" | "remove_note":
                return msgspec.to_builtins(self._noted(request))
            case "hits":
                return msgspec.to_builtins(protocol.StepHits(steps=self.reader.hits(str(given.get("text", "")))))
            case "explain":
                chain = self.explain(str(given.get("name", "")), _number(given, "step"))
                return msgspec.to_builtins(
                    protocol.Explanation(chain=[protocol.Link(text=one.text, step=one.step, line=one.line) for one in chain])
                )
            case "fork_plan":
                return msgspec.to_builtins(self._plan(_number(given, "step")))
            case "fork":
                return msgspec.to_builtins(self._forked(_number(given, "step"), given.get("edit")))
            case "export_test":
                return msgspec.to_builtins(protocol.Exported(path=str(self.export_test(Path(str(given.get("path") or self._test_name()))))))
        raise no_such_question(request)

    def details(self, first: int, last: int, at: int | None = None) -> protocol.Details:
        """The steps from `first` to `last`, at most 400 of them; where there is no room for all, those nearest to `at`."""
        found = self.reader.so_far()
        if last > len(found.steps):
            found = self.reader.read_on(_AT_FIRST_S)
        until = min(len(found.steps), last, first + MOST_AT_ONCE)
        numbers = sorted(range(max(1, first), until + 1), key=lambda number: abs(number - at) if isinstance(at, int) else number)
        return detailed(found.steps, numbers, _LARGEST_REPLY, self._calls.of(found))

    def step_of(self, call: "_Call") -> int | None:
        """The step that took up the end of a call, as a focus names it."""
        return self._calls.of(self.reader.read_on(_AT_FIRST_S)).step_of(call.span_id, call.group, call.attempt)

    def step(self, number: int) -> Step:
        """One step; a negative number counts from the end. Raises InvalidArgument where there is none."""
        steps = self.reader.whole().steps
        place = number - 1 if number > 0 else len(steps) + number
        if number == 0 or not 0 <= place < len(steps):
            raise InvalidArgument(f"There is no step {number}; the replay has {len(steps)}, counted from 1.")
        return steps[place]

    def notes(self) -> list[protocol.StepNote]:
        """The notes that stand, each with its step."""
        return noted(self._notes.of(self.reader.key), self.reader.whole().steps)

    def write_note(self, step: int, text: str, *, where: str) -> str:
        """Note something about a step; see `Noting.write`."""
        return self._noting.write(self.reader.read_on(0).instance, self.step(step).sequence, text, where=where)

    def remove_note(self, note_id: str, *, where: str) -> None:
        """Take a note away; see `Noting.remove`."""
        self._noting.remove(self.reader.read_on(0).instance, note_id, where=where)

    def explain(self, name: str, step: int) -> list[Cause]:
        """Where a variable's value came from; see `analytics.explaining`."""
        found = self.reader.whole()
        sources = self.reader.sources()
        return explain(name, step, found.steps, sources[0].text if sources else None, found.rows)

    def divergence(self) -> protocol.Divergence | None:
        """Where history and the code part; None where they do not."""
        return _divergence(self.reader.whole())

    def provenance(self) -> pd.DataFrame:
        """Which source ran for each event; see `analytics.provenance`."""
        return provenance(self._engine, self.reader.key)

    def export_test(self, path: Path) -> Path:
        """Write a pytest that replays this history and asserts how it ended."""
        found = self.reader.whole()
        path.write_text(test_file(found.instance, found.rows, self.reader.choice), encoding="utf-8")
        return path.resolve()

    def _noted(self, request: protocol.Request) -> protocol.Noted:
        given = request.arguments
        if request.what == "note":
            self.write_note(_number(given, "step"), str(given.get("text", "")), where="replay")
        else:
            self.remove_note(str(given.get("id", "")), where="replay")
        return protocol.Noted(notes=self.notes())

    def _test_name(self) -> str:
        name = "".join(letter if letter.isalnum() else "_" for letter in self.reader.read_on(0).instance.name).lower()
        return f"test_replay_{name}.py"

    def _plan(self, step: int) -> protocol.ForkPlan:
        found = self.reader.whole()
        return fork_plan(found.steps, found.rows, step)

    def _forked(self, step: int, edit: Any) -> protocol.Forked:
        plan = self._plan(step)
        changed: dict[int | str, Any] | None = None
        if edit is not None:
            if plan.edits is None:
                raise InvalidArgument("This step took up no result that could be edited.")
            try:
                value = json.loads(str(edit))
            except ValueError as error:
                raise InvalidArgument(f"The result must be JSON: {error}.") from None
            to_json(value, "the edited result")
            changed = {plan.at: value}
        return protocol.Forked(instance_id=self._fork(plan.at, changed, self._code if callable(self._code) else None))

    def _drawn(self) -> protocol.ReplayPicture:
        reader, engine = self.reader, self._engine
        found = reader.read_on(_AT_FIRST_S if self._latest is None else 0.5)
        instance = found.instance
        why = "" if instance.status in TERMINAL else self._why(found)
        banners = list(reader.choice.banners) + ([found.error] if found.error else [])
        notes = self._notes.of(instance.key)
        drawn_from = (len(found.steps), len(found.rows), instance, reader.is_reading, why, tuple(banners), found.parting, notes)
        if self._latest is not None and drawn_from == self._drawn_from:
            return msgspec.structs.replace(self._latest, now=round(engine.now().timestamp() * 1000, 3))
        self._drawn_from = drawn_from
        position = len(found.steps) if self._position is None else max(1, min(self._position, len(found.steps)))
        return replay_picture(
            instance,
            found.rows or engine.store.history(instance.key)[:1],
            found.steps,
            sources=reader.sources(),
            hits=reader.line_hits(),
            now=engine.now(),
            ticks=not engine.virtual_time.is_on,
            why=why,
            level="events" if reader.choice.definition is None else "code",
            is_reading=reader.is_reading,
            position=position,
            label=reader.choice.label,
            banners=banners,
            diff=reader.choice.diff,
            divergence=_divergence(found),
            code_steps=len(found.steps) if reader.choice.definition is None else found.code_steps,
            calls=self._calls.of(found),
            notes=notes,
        )

    def _why(self, found: Read) -> str:
        standing = standing_of(self._engine, found.instance)
        return sentence(self._engine, found.instance, steps_now(self._engine, found.instance, list(found.rows), standing), standing)


class _Call(msgspec.Struct, frozen=True):
    """A call as a page asks for it."""

    span_id: str | None = None
    group: str | None = None
    attempt: int | None = None


class _KeptNotes:
    """The notes of an execution, read again only when one was written or removed."""

    def __init__(self, noting: Noting) -> None:
        self._noting = noting
        self._read_at = -1
        self._notes: list[StepNote] = []

    def of(self, key: int) -> list[StepNote]:
        if (changes := self._noting.changes) != self._read_at:
            self._notes, self._read_at = self._noting.notes(key), changes
        return self._notes


def _divergence(found: Read) -> protocol.Divergence | None:
    parted = found.parting
    if parted is None:
        return None
    return protocol.Divergence(step=max(1, found.code_steps), **msgspec.structs.asdict(parted))


def _number(given: Any, name: str) -> int:
    value = given.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidArgument(f"{name} is the number of a step, not {value!r}.")
    return value
