"""Spans on the wire. extension/tests/columns.test.ts reads the same sample."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.conftest import BEGIN, Story
from wfengine.model import history as h
from wfengine.model.instance import Status
from wflab.analytics.span import KINDS, OUTCOMES, PHASES, Span, SpanState
from wflab.analytics.spans import spans_of
from wflab.views.columns import Columns, Delta, delta, encode, unpack
from wflab.views.packing import Packed, Packing

SAMPLE = Path(__file__).parents[2] / "protocol" / "columns.json"


def told(*, is_over: bool = True) -> Story:
    """A run with something in every column: a retry, a wait of years, a late end, an undo, a suspension, an event nobody asked for."""
    story = Story()
    first = story.call("book", identity="b")
    story.later(seconds=1, microseconds=7).turn().fails(first, "ActivityTimeoutError", "took 3 s")
    pause = story.backs_off("book", "b", 1, seconds=2)
    story.tell(h.TaskEndedLate(occurred_at=story.now + timedelta(seconds=1), task_scheduled_id=first), seen=False)
    story.later(seconds=2).turn().fires(pause)
    second = story.call("book", identity="b", attempt=2)
    story.waits("paid", title="Paid?", days=4000)
    story.child("ship", instance_id="ship-1")
    if is_over:
        story.tell(h.TaskRestarted(occurred_at=story.now, task_scheduled_id=second, deaths=1), seen=False)
        story.later(milliseconds=40).turn().returns(second)
        story.tell(
            h.TaskScheduled(occurred_at=story.now, event_id=story._number(), name="cancel", task_execution_id="u", compensates=first)
        )
        story.tell(h.ExecutionSuspended(occurred_at=story.now, reason="für heute"), seen=False)
        story.later(days=2).raised("note", seen=False)
        story.ends(Status.TERMINATED)
    return story


def spans(story: Story) -> list[Span]:
    return spans_of(story.instance, story.rows)


def milliseconds(time: datetime | None) -> float | None:
    return None if time is None else round(time.timestamp() * 1e6) / 1000


def as_told(one: Span) -> dict[str, Any]:
    """What a page is to read of a span."""
    times = {"queued": one.queued_at, "started": one.started_at, "ended": one.ended_at, "fire": one.fire_at, "late": one.late_at}
    return {
        "id": one.span_id, "call": one.call_id, "undoes": one.compensates, "kind": one.kind, "state": str(one.state), "phase": one.phase,
        "outcome": one.outcome, "name": one.name, "group": one.group_key, "error": one.error_fp or "", "worker": one.worker or "",
        "by": one.raised_by or "", "child": one.child_id or "", "note": one.note, "attempt": one.attempt, "attempts": one.attempts,
        "index": one.index, "restarts": one.restarts, **{name: milliseconds(time) for name, time in times.items()},
    }  # fmt: skip


def sample() -> dict[str, Any]:
    before = encode(spans(told(is_over=False)), BEGIN)
    after = encode(spans(told()), BEGIN + timedelta(days=2), like=before)
    return {
        "columns": msgspec.to_builtins(before),
        "told": [as_told(one) for one in spans(told(is_over=False))],
        "delta": msgspec.to_builtins(delta(before, after)),
        "told_then": [as_told(one) for one in spans(told())],
    }


def test_columns_are_sent_as_in_the_sample() -> None:
    """After a change that is meant, print `sample()` as JSON (indent 1) into the sample and mend columns.ts."""
    assert sample() == json.loads(SAMPLE.read_text())


def test_every_kind_of_column_is_in_the_sample() -> None:
    columns = encode(spans(told()), BEGIN)
    assert {name.rpartition(".")[2] for name in columns.rows.data} >= {"queued", "far", "rows"}
    for name, values in unpack(columns.rows).items():
        if name not in {"run", "line"}:
            assert len({value for value in values if value > 0}) > 0, name


def read(columns: Columns, name: str) -> list[Any]:
    values = unpack(columns.rows)[name]
    if name in columns.tables:
        return [columns.tables[name][int(place)] for place in values]
    return [None if np.isnan(value) else value for value in values]


def test_what_is_encoded_is_what_is_read() -> None:
    whole = spans(told())
    columns = encode(whole, BEGIN)
    assert columns.now == BEGIN.timestamp() * 1000
    for name, field in (
        ("name", "name"),
        ("state", "state"),
        ("kind", "kind"),
        ("phase", "phase"),
        ("outcome", "outcome"),
        ("note", "note"),
    ):
        assert read(columns, name) == [getattr(one, field) for one in whole]
    for name, field in (
        ("queued", "queued_at"),
        ("started", "started_at"),
        ("ended", "ended_at"),
        ("fire", "fire_at"),
        ("late", "late_at"),
    ):
        expected = [getattr(one, field) for one in whole]
        assert read(columns, name) == [None if time is None else round(time.timestamp() * 1e6) for time in expected]
    assert read(columns, "event") == [one.event_id for one in whole]
    assert read(columns, "seq") == [one.sequence for one in whole]
    ids = [one.span_id for one in whole]
    assert [ids[row - int(back)] for row, back in enumerate(read(columns, "call"))] == [one.call_id for one in whole]


def applied(before: Columns, change: Delta) -> tuple[dict[str, list[float]], dict[str, list[str]]]:
    """The twin of `applyDelta`."""
    old, tail, changed = unpack(before.rows), unpack(change.tail), unpack(change.changed)
    values = {name: np.concatenate((column[: change.start], tail[name])) for name, column in old.items()}
    rows = np.frombuffer(change.changed_rows, "<u4")
    for name, column in values.items():
        column[rows] = changed[name]
    names = before.tables.keys() | change.tables.keys()
    tables = {name: [*before.tables.get(name, []), *change.tables.get(name, [])] for name in names}
    return {name: np.nan_to_num(column, nan=-1).tolist() for name, column in values.items()}, tables


def as_lists(columns: Columns) -> dict[str, list[float]]:
    return {name: np.nan_to_num(column, nan=-1).tolist() for name, column in unpack(columns.rows).items()}


@given(st.integers(0, 20), st.integers(0, 20), st.sampled_from([Status.RUNNING, Status.STALLED]))
def test_columns_and_what_changed_make_the_columns_of_then(one: int, other: int, status: Status) -> None:
    """Also where there are fewer rows than before: a stall is over."""
    stories = [told().retold(count) for count in sorted((one, other))]
    stories[0].status = status
    before = encode(spans(stories[0]), BEGIN)
    after = encode(spans(stories[1]), BEGIN, like=before)
    assert applied(before, delta(before, after)) == (as_lists(after), after.tables)


def test_a_delta_holds_only_what_changed() -> None:
    story = Story()
    for _ in range(1000):
        story.call("score")
    before = encode(spans(story), BEGIN)
    story.later(seconds=1).turn().returns(17)
    after = encode(spans(story), BEGIN, like=before)
    change = delta(before, after)
    assert (change.start, change.tail.count, change.changed.count) == (1001, 0, 1)
    assert np.frombuffer(change.changed_rows, "<u4").tolist() == [18]
    assert sum(len(data) for data in change.changed.data.values()) < 150


def test_words_keep_their_places_whatever_comes_before_them() -> None:
    story = Story()
    story.call("b")
    before = encode(spans(story)[1:], BEGIN)
    other = Story()
    other.call("a")
    other.call("b")
    after = encode(spans(other)[1:], BEGIN, like=before)
    assert after.tables["name"] == ["b", "a"]


def test_a_hundred_thousand_spans_take_less_than_two_and_a_half_megabytes() -> None:
    columns = encode(many(100_000), BEGIN)
    assert sum(len(data) for data in columns.rows.data.values()) < 2_500_000


def many(count: int) -> Sequence[Span]:
    """Calls of forty activities with nothing in them that repeats."""
    made = []
    for number in range(count):
        at = BEGIN + timedelta(microseconds=1237 * number + number * number % 1009)
        made.append(
            Span(
                span_id=f"1:a{number}",
                instance_id="order-1",
                execution=1,
                call_id=f"1:a{number}",
                kind=("activity", "child", "timer")[number % 3],
                name=f"act{number % 40}",
                group_key=f"workflow order/activity act{number % 40}@{number % 7}",
                attempt=1 + number % 3,
                sequence=2 * number + number % 2,
                event_id=number,
                queued_at=at,
                started_at=at + timedelta(microseconds=number % 100_003),
                ended_at=at + timedelta(microseconds=100_003 + number * 31 % 7_000_003) if number % 9 else None,
                state=list(SpanState)[number % 10],
                phase=PHASES[number % 5],  # type: ignore[arg-type]  # one of its words
                outcome=OUTCOMES[number % 14],  # type: ignore[arg-type]  # likewise
                error_fp=f"E{number % 20}" if number % 2 else None,
                worker=f"w{number % 8}",
            )
        )
    return made


WHOLE = st.integers(0, 2**53).map(float)
SOMETIMES = st.lists(st.one_of(WHOLE, st.integers(0, 300).map(float), st.just(float("nan"))), max_size=40)


@given(SOMETIMES)
def test_steps_come_back_as_they_were_whatever_they_are(values: list[float]) -> None:
    packing = Packing()
    packing.steps("x", np.array(values, dtype=np.float64))
    back = Packed(len(values), packing.types, packing.data).steps("x")
    np.testing.assert_array_equal(back, values)


@given(SOMETIMES, st.floats(0, 2**52).map(float))
def test_offsets_come_back_as_they_were_whatever_they_are(values: list[float], beside: float) -> None:
    packing, base = Packing(), np.full(len(values), np.floor(beside))
    packing.offsets("x", np.array(values, dtype=np.float64), base)
    np.testing.assert_array_equal(Packed(len(values), packing.types, packing.data).offsets("x", base), values)


@given(st.lists(st.integers(0, 2**32 - 1), max_size=20))
def test_codes_come_back_as_they_were(values: list[int]) -> None:
    packing = Packing()
    packing.codes("x", np.array(values, dtype=np.int64))
    assert Packed(len(values), packing.types, packing.data).codes("x").tolist() == values


@pytest.mark.parametrize(("table", "words"), [("kind", KINDS), ("state", tuple(SpanState)), ("phase", PHASES), ("outcome", OUTCOMES)])
def test_the_fixed_tables_stand_on_the_wire_as_well(table: str, words: Sequence[str]) -> None:
    assert encode([], BEGIN).tables[table] == list(words)
