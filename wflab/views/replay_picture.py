"""The picture of a replay from its steps. What a page cannot hold is left out in order of use: the last steps, those about failures, then evenly spaced ones."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate, pairwise
from typing import Any

import msgspec

from wfengine.model.instance import Instance
from wfengine.model.work import HistoryRow
from wfengine.testing.stepping.isolating import Source
from wfengine.testing.stepping.showing import Value
from wfengine.testing.stepping.step import Outcome, Step, changes, changes_within, frame_before
from wflab import protocol
from wflab.analytics.step_calls import StepCall, StepCalls
from wflab.analytics.step_notes import StepNote
from wflab.views.head import head_of, milliseconds

LETTERS: Mapping[Outcome, str] = {
    Outcome.STARTED: "S",
    Outcome.COMPLETED: "C",
    Outcome.FAILED: "F",
    Outcome.FIRED: "T",
    Outcome.RAISED: "E",
    Outcome.RESUMED: "R",
}
BEYOND = "X"
LARGEST_DETAILS = 150_000
MOST_DETAILED = 500
MOST_AT_ONCE = 400
_LAST = 100
_AROUND = 5
_LARGEST_NOTES = 40_000
_MOST_FAILURES = 2_000
_MOST_TAKEN = 40
_MOST_LINES = 400
_LONGEST_SOURCE = 40_000
NO_CALLS = StepCalls((), (), ())
_EDITABLE = {"TaskCompleted", "ChildWorkflowInstanceCompleted", "EventRaised"}


class _Values:
    """Each value once."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self._places: dict[Value, int] = {}

    def place(self, value: Value) -> int:
        """Where it stands among those that are sent."""
        found = self._places.get(value)
        if found is None:
            found = self._places[value] = len(self.told)
            self.told.append(_told(value))
        return found


def replay_picture(  # noqa: PLR0913  # all that there is to say about a replay
    instance: Instance,
    rows: Sequence[HistoryRow],
    steps: Sequence[Step],
    *,
    sources: Sequence[Source],
    hits: Mapping[tuple[int, int], int],
    now: datetime,
    ticks: bool,
    why: str,
    level: str,
    is_reading: bool,
    position: int,
    label: str,
    banners: Sequence[str],
    diff: str,
    divergence: protocol.Divergence | None,
    code_steps: int,
    calls: StepCalls = NO_CALLS,
    notes: Sequence[StepNote] = (),
) -> protocol.ReplayPicture:
    """`code_steps` is how many of the steps were run; the rest come after a divergence and are known from history alone."""
    failures = [step.number for step in steps if step.outcome is Outcome.FAILED]
    wanted = chosen(len(steps), failures, position)
    details = detailed(steps, wanted, LARGEST_DETAILS, calls)
    count = len(details.steps)
    left_out = (
        [] if count == len(steps) else [f"{len(steps) - count:,} of {len(steps):,} steps come from the kernel when they are looked at"]
    )
    return protocol.ReplayPicture(
        **head_of(instance, rows, now=now, ticks=ticks),
        why=why,
        level="code" if level == "code" else "events",
        is_reading=is_reading,
        position=position,
        label=label,
        banners=list(banners),
        diff=diff,
        sources=_sources(sources, hits),
        steps_total=len(steps),
        outcomes="".join(LETTERS[step.outcome] for step in steps[:code_steps]) + BEYOND * (len(steps) - code_steps),
        sizes=sizes(steps),
        marks="".join(_mark(step) for step in steps),
        failures=failures[:_MOST_FAILURES],
        details=details,
        divergence=divergence,
        notes=noted(notes, steps),
        left_out=left_out,
    )


def chosen(total: int, failures: Iterable[int], position: int) -> list[int]:
    """The numbers of the steps to send, the most wanted first."""
    first = range(max(1, position - 2), min(total, position + 2) + 1)
    last = range(total, max(0, total - _LAST), -1)
    around = [number for failure in failures for number in range(failure - _AROUND, failure + _AROUND + 1) if 1 <= number <= total]
    wanted = list(dict.fromkeys([*first, *last, *around]))[:MOST_DETAILED]
    left = MOST_DETAILED - len(wanted)
    evenly = range(1, total + 1) if total <= MOST_DETAILED else [1 + place * total // left for place in range(left)]
    return list(dict.fromkeys([*wanted, *evenly]))


def noted(notes: Iterable[StepNote], steps: Sequence[Step]) -> list[protocol.StepNote]:
    """The notes, each with the step that took up its event: with other code, or as far as it is read, perhaps only the next one that did."""
    places = [step.sequence for step in steps]
    found = [(note, min(bisect_left(places, note.sequence), len(steps) - 1)) for note in notes] if steps else []
    return [
        protocol.StepNote(
            id=note.id,
            step=steps[place].number,
            seq=note.sequence,
            line=steps[place].line,
            event=steps[place].event,
            text=note.text,
            who=note.who,
            at=milliseconds(note.at),
        )
        for note, place in found
    ]


def detailed(steps: Sequence[Step], numbers: Iterable[int], room: int, calls: StepCalls = NO_CALLS) -> protocol.Details:
    """These steps in all detail, as many of the first as there is room for (in characters of JSON, about), in their order."""
    values = _Values()
    found: list[protocol.StepDetail] = []
    size = told = 0
    for number in numbers:
        detail = _detail(steps[number - 2] if number > 1 else None, steps[number - 1], values, calls.of(steps[number - 1]))
        size += len(msgspec.json.encode(detail)) + sum(len(msgspec.json.encode(value)) for value in values.told[told:])
        told = len(values.told)
        if size > room and found:
            break
        found.append(detail)
    return protocol.Details(steps=sorted(found, key=lambda one: one.number), values=values.told)


def cut(picture: protocol.ReplayPicture) -> protocol.ReplayPicture:
    """For a notebook: strings of a letter a step are what is large when there are very many, and many long notes."""
    sizes_of_notes = accumulate(len(note.text) for note in picture.notes)
    notes = [note for note, size in zip(picture.notes, sizes_of_notes, strict=True) if size <= _LARGEST_NOTES]
    if len(notes) < len(picture.notes):
        said = f"{len(notes):,} of {len(picture.notes):,} notes are kept; the others need a kernel"
        picture = msgspec.structs.replace(picture, notes=notes, left_out=[*picture.left_out, said])
    if picture.steps_total <= 20_000:  # noqa: PLR2004  # 60 KB
        return picture
    said = f"{len(picture.details.steps):,} of {picture.steps_total:,} steps are kept with their variables; the others need a kernel"
    return msgspec.structs.replace(picture, sizes="", marks="", outcomes=picture.outcomes[:60_000], left_out=[said, *picture.left_out[1:]])


def sizes(steps: Sequence[Step]) -> str:
    """A digit per step: the rank of the time that was waited for it, in tenths."""
    waits = [0.0, *((later.at - earlier.at).total_seconds() for earlier, later in pairwise(steps))][: len(steps)]
    order = sorted(range(len(waits)), key=waits.__getitem__)
    ranks = [0] * len(waits)
    for place, which in enumerate(order):
        ranks[which] = min(9, 10 * place // max(1, len(order)))
    return "".join(map(str, ranks))


def _mark(step: Step) -> str:
    if not step.code_ran and step.outcome is Outcome.FAILED:
        return "R"
    if any(one.text.startswith("continue_as_new") for one in step.asked):
        return "N"
    return "E" if step.outcome is Outcome.RAISED else " "


def _sources(sources: Sequence[Source], hits: Mapping[tuple[int, int], int]) -> list[protocol.SourceText]:
    ran = {place for place, _ in hits}
    return [
        protocol.SourceText(
            name=source.name,
            text=source.text[:_LONGEST_SOURCE] if number == 0 or number in ran else "",
            first=source.first,
            hits=sorted((line, count) for (place, line), count in hits.items() if place == number),
        )
        for number, source in enumerate(sources)
    ]


def _detail(before: Step | None, step: Step, values: _Values, call: StepCall | None) -> protocol.StepDetail:
    return protocol.StepDetail(
        number=step.number,
        seq=step.sequence,
        turn=step.turn,
        event=step.event,
        outcome=step.outcome.value,
        at=milliseconds(step.at),
        clock=milliseconds(step.now),
        line=step.line,
        waits=step.waits,
        lines=list(step.lines[:_MOST_LINES]),
        changed=[name for name, change in changes(before, step).items() if change],
        frames=[_frame(before, step, place, values) for place in range(len(step.frames))],
        call=None if call is None else protocol.StepCall(*call),
        taken=[
            protocol.TakenLine(seq=one.sequence, type=one.type, text=one.text, payload=one.type in _EDITABLE)
            for one in step.taken[-_MOST_TAKEN:]
        ],
        asked=[protocol.AskedLine(text=one.text, line=one.line) for one in step.asked[:_MOST_TAKEN]],
        open=[
            protocol.OpenLine(
                kind=one.kind,
                name=one.name,
                attempt=one.attempt,
                since=milliseconds(one.since),
                until=None if one.until is None else milliseconds(one.until),
            )
            for one in step.open
        ],
        open_total=step.open_total,
        heard=[protocol.HeardLine(level=one.level, text=one.text) for one in step.heard],
        is_replaying=step.is_replaying,
        code_ran=step.code_ran,
        ends=step.ends,
    )


def _frame(before: Step | None, step: Step, place: int, values: _Values) -> protocol.FrameView:
    frame = step.frames[place]
    earlier = frame_before(before, step, place)
    changed = changes_within(earlier, frame)
    old = {} if earlier is None else earlier.variables
    variables = []
    for name in dict.fromkeys([*frame.variables, *changed]):
        change = changed.get(name)
        now, then = frame.variables.get(name), old.get(name)
        variables.append(
            protocol.Variable(
                name,
                change or "same",
                -1 if now is None else values.place(now),
                values.place(then) if then is not None and change in {"changed", "removed"} else -1,
            )
        )
    return protocol.FrameView(name=frame.name, source=frame.source, line=frame.line, variables=variables)


def _told(value: Value) -> list[Any]:
    return [value.text, [[name, _told(inner)] for name, inner in value.inner]] if value.inner else [value.text]
