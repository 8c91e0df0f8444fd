"""Spans that are kept and fed only what is new are those of the whole history laid out at once.

Histories are drawn from every kind of event, in any order and any number, since a record may be damaged; between two portions the run may stand in
any way, and any attempts may be held up.
"""

from collections.abc import Sequence

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.analytics.test_spans import every_event
from tests.lab.conftest import Story
from tests.lab.views.timeline_stories import fan
from wfengine.model import history as h
from wfengine.model.instance import Instance, Status
from wfengine.model.work import HistoryRow
from wflab.analytics.span_fold import SpanFold
from wflab.analytics.spans import spans_of
from wflab.analytics.steps import steps_of


def more_events() -> list[HistoryRow]:
    """Races won by either side, some of them in loops; attempts held up, restarted and ended late; a second suspension."""
    story = Story()
    for round_of in range(3):
        story.waits("go")
        timer = story.timer(seconds=5)
        story.later(seconds=1).turn()
        (story.raised("go") if round_of % 2 else story.fires(timer))
    number = story.call("slow")
    story.tell(h.TaskEndedLate(occurred_at=story.now, task_scheduled_id=number))
    story.tell(h.ExecutionSuspended(occurred_at=story.now)).turn().returns(number).fires(timer)
    story.tell(h.ContinuedAsNew(occurred_at=story.now, input="1"))
    return story.rows


ROWS = st.lists(st.sampled_from([*every_event(), *more_events()]), max_size=40)
STANDINGS = st.lists(st.tuples(st.integers(0, 40), st.sampled_from(list(Status)), st.sets(st.integers(0, 8))), max_size=5)


def numbered(rows: Sequence[HistoryRow]) -> list[HistoryRow]:
    return [HistoryRow(1, place, row.turn, row.event) for place, row in enumerate(rows)]


def standing(status: Status) -> Instance:
    return msgspec.structs.replace(Story().instance, status=status)


@given(ROWS, STANDINGS, st.sampled_from(list(Status)), st.sets(st.integers(0, 8)))
def test_spans_read_in_portions_are_those_of_the_whole_history(
    rows: list[HistoryRow], standings: list[tuple[int, Status, set[int]]], status: Status, held_up: set[int]
) -> None:
    told = numbered(rows)
    fold = SpanFold(standing(status))
    read = 0
    for until, between, held in sorted(standings, key=lambda one: one[0]):
        fold.take(told[read:until])
        read = max(read, min(until, len(told)))
        assert fold.spans(standing(between), held_up=held) == spans_of(standing(between), told[:read], held_up=held)
    fold.take(told[read:])
    assert fold.spans(standing(status), held_up=held_up) == spans_of(standing(status), told, held_up=held_up)


@given(ROWS, st.integers(0, 40))
def test_what_is_open_is_what_the_steps_say(rows: list[HistoryRow], until: int) -> None:
    told = numbered(rows)
    fold = SpanFold(standing(Status.RUNNING))
    fold.take(told[:until])
    fold.spans(standing(Status.RUNNING))
    fold.take(told[until:])
    fold.spans(standing(Status.RUNNING))
    still_open = [step.id for step in steps_of(standing(Status.RUNNING), told) if step.phase != "done"]
    found = fold.open_steps(1000)
    assert found is not None
    assert sorted(step.id for step in found) == sorted(still_open)


def test_what_has_not_changed_stays_the_very_same() -> None:
    """Whoever keeps what is worked out from spans needs to look only at those that are new objects."""
    story = fan(300, done=0.5)
    fold = SpanFold(story.instance)
    fold.take(story.rows)
    before = fold.spans(story.instance)
    still_open = next(span.event_id for span in before if span.name == "score_chunk" and span.ended_at is None)
    fold.take([HistoryRow(1, len(story.rows), 3, story.turn().returns(still_open or 0).rows[-1].event)])
    after = fold.spans(story.instance)
    assert [one.event_id for one, other in zip(after[1:], before[1:], strict=True) if one is not other] == [still_open]


def test_of_very_many_open_steps_none_are_told() -> None:
    story = fan(300, done=0.5)
    fold = SpanFold(story.instance)
    fold.take(story.rows)
    fold.spans(story.instance)
    assert fold.open_steps(100) is None
    assert len(fold.open_steps(200) or []) == 150
