"""The end of a run: everybody has ended, and every history is the one that its program had to have, given what arrived."""

from typing import Any

import msgspec

from wfengine.model.history import (
    ChildWorkflowInstanceCompleted,
    ChildWorkflowInstanceCreated,
    ChildWorkflowInstanceFailed,
    ContinuedAsNew,
    DetachedWorkflowInstanceCreated,
    EventRaised,
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    HistoryEvent,
    PatchRecorded,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from wfengine.model.instance import Status
from wfengine.testing.simulation.chronicle import Chapter, Chronicle, Outside
from wfengine.testing.simulation.foretelling import Foretelling
from wfengine.testing.simulation.violation import insist
from wfengine.testing.simulation.world import World

_ARRIVING = (
    ExecutionStarted
    | TaskCompleted
    | TaskFailed
    | TimerFired
    | ChildWorkflowInstanceCompleted
    | ChildWorkflowInstanceFailed
    | EventRaised
    | ExecutionSuspended
    | ExecutionResumed
)


def check_fulfilment(world: World) -> None:
    """Raise a Violation where a history is not as foretold, or where the store holds something else than what became durable."""
    for chapter in world.chronicle.chapters.values():
        _check_history(chapter, world.chronicle, world.outside, is_rerun=chapter.key in world.outside.copied)
    world.crash(0)
    insist(not list(world.turns.population.all()), "nobody lives after the last end")
    for key, chapter in world.chronicle.chapters.items():
        insist(world.store.history(key) == ([] if chapter.is_purged else chapter.rows), "the store holds what became durable", key)
        insist(world.store.instance(key) == (None if chapter.is_purged else chapter.instance), "the store holds the last state", key)


def _check_history(chapter: Chapter, chronicle: Chronicle, outside: Outside, *, is_rerun: bool) -> None:
    foretold = Foretelling()
    for row in chapter.rows:
        if isinstance(row.event, _ARRIVING):
            foretold.take(row.event)
    for token, served in foretold.heard.items():
        key, number = outside.meant.get(token, (chapter.key, served))
        insist(
            key != chapter.key or number == served, "an answer serves the wait that it was meant for", chapter.key, token, number, served
        )
    confirmed = [asked for row in chapter.rows if (asked := _asked(row.event)) is not None]
    if is_rerun:  # its timers run their whole span again
        confirmed = list(map(_timeless, confirmed))
        foretold.asked = list(map(_timeless, foretold.asked))
    end = chapter.end
    expected = _recorded_of(foretold.asked, confirmed) if isinstance(end, ContinuedAsNew | ExecutionCompleted) else foretold.asked
    is_cut = chapter.is_terminating or chapter.is_purged
    insist(
        confirmed == (expected[: len(confirmed)] if is_cut else expected),
        "the code asks for what its program says",
        chapter.key,
        confirmed,
        foretold.asked,
    )
    patches = [row.event.name for row in chapter.rows if isinstance(row.event, PatchRecorded)]
    asked_for = foretold.patches[: len(patches)] if is_cut else foretold.patches
    insist(patches == asked_for, "patches are recorded as they are asked for", chapter.key, patches, foretold.patches)
    match end:
        case ContinuedAsNew():
            insist(foretold.ending is not None and foretold.ending[0] == "again", "it goes on as its program says", foretold.ending)
            _check_successor(chapter, foretold, chronicle)
        case ExecutionCompleted(status=Status.COMPLETED):
            insist(foretold.ending is not None and foretold.ending[0] == "return", "it ends as its program says", end, foretold.ending)
            if foretold.ending is not None:
                insist(
                    _blurred(_value(end.output)) == _blurred(foretold.ending[1]), "it returns what its program says", end, foretold.ending
                )
        case ExecutionCompleted(status=Status.FAILED):
            insist(foretold.ending == ("raise",), "it fails as its program says", end, foretold.ending)
        case _:
            insist(end is not None or chapter.is_purged, "everybody ends", chapter.key)
            return  # it was terminated, or purged by force
    if chapter.instance is not None:
        insist(
            chapter.instance.custom_status == foretold.status, "the custom status is the last one set", chapter.instance, foretold.status
        )


def _check_successor(chapter: Chapter, foretold: Foretelling, chronicle: Chronicle) -> None:
    following = None if chapter.successor is None else chronicle.chapters.get(chapter.successor)
    insist(following is not None, "a generation is followed by the next", chapter.key)
    if following is None or foretold.ending is None:
        return
    part = foretold.ending[1]
    insist(_blurred(_value(following.started.input)) == _blurred(part), "the next generation gets its input", following.started.input, part)
    carried = [event.raised_by for event in foretold.buffered] if part["program"][3] else []
    insist(following.tokens[: len(carried)] == carried, "events nobody consumed are carried over", carried, following.tokens)
    late = [token for token in following.tokens[len(carried) :] if token in chapter.tokens]
    insist(not late, "no event is carried over that was consumed", chapter.key, late)


def _recorded_of(asked: list[tuple[int, str, str]], confirmed: list[tuple[int, str, str]]) -> list[tuple[int, str, str]]:
    """What an execution that has ended must have recorded: all but what its last turn asked for, and of that only what nobody waits for."""
    before = next((place for place, one in enumerate(asked) if confirmed[place : place + 1] != [one]), len(asked))
    return [*asked[:before], *(one for one in asked[before:] if one[1] == "launch")]


def _timeless(asked: tuple[int, str, str]) -> tuple[int, str, str]:
    return (asked[0], "timer", "") if asked[1] == "timer" else asked


def _asked(event: HistoryEvent) -> tuple[int, str, str] | None:
    match event:
        case TaskScheduled():
            return event.event_id, "activity", event.name
        case TimerCreated():
            return event.event_id, "timer", "never" if event.fire_at is None else event.fire_at.isoformat()
        case ChildWorkflowInstanceCreated():
            return event.event_id, "child", event.name
        case DetachedWorkflowInstanceCreated():
            return event.event_id, "launch", event.name
        case _:
            return None


def _value(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)


def _blurred(value: Any) -> Any:
    """Without the numbers and UUIDs that were drawn: that they are the same at every replay is checked elsewhere."""
    if isinstance(value, dict):
        seen = value.get("seen")
        return {"seen": seen[:1]} if isinstance(seen, list) else {key: _blurred(one) for key, one in value.items()}
    return [_blurred(one) for one in value] if isinstance(value, list) else value
