"""Many spans as strips of pixels: worst state and count for each."""

from collections import Counter
from datetime import timedelta
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.conftest import BEGIN, Story
from tests.lab.views.test_columns import many
from wflab.analytics.span import SpanState
from wflab.analytics.spans import spans_of
from wflab.views.bins import Strips, bins
from wflab.views.columns import encode, unpack
from wflab.views.palette import worst

STATES = list(SpanState)
SECOND = 1e6
T0 = BEGIN.timestamp() * SECOND


def shown(strips: Strips) -> list[list[str]]:
    """The states of each strip's pixels, "" for none."""
    letters = ["" if not byte else str(STATES[byte - 1]) for byte in strips.worst]
    return [letters[row * strips.width : (row + 1) * strips.width] for row in range(strips.rows)]


def counts(strips: Strips) -> list[list[int]]:
    found: list[list[int]] = np.frombuffer(strips.counts, "<u2").reshape(strips.rows, strips.width).tolist()
    return found


def columns_of(*spans: tuple[float, float, str]) -> dict[str, Any]:
    begun, ended, states = zip(*spans, strict=True)
    none = np.full(len(spans), np.nan)
    places = [STATES.index(SpanState(state)) for state in states]
    return {"queued": np.array(begun), "started": none, "ended": np.array(ended), "state": np.array(places, dtype=np.float64)}


def test_a_pixel_shows_the_worst_state_and_how_many_pass_through_it() -> None:
    columns = columns_of((0.0, 40.0, "COMPLETED"), (20.0, 25.0, "FAILED"), (60.0, float("nan"), "RUNNING"))
    strips = bins(columns, 0.0, 100.0, 10, 1, now=80.0)
    done, bad, live = "COMPLETED", "FAILED", "RUNNING"
    assert shown(strips) == [[done, done, bad, done, done, "", live, live, live, ""]]
    assert counts(strips) == [[1, 1, 2, 1, 1, 0, 1, 1, 1, 0]]


def test_each_span_is_in_its_row_and_one_without_a_row_in_none() -> None:
    columns = columns_of((0.0, 10.0, "FAILED"), (0.0, 99.0, "COMPLETED"), (0.0, 99.0, "STALLED"))
    strips = bins(columns, 0.0, 100.0, 2, 2, row_of=np.array([0, 1, -1]), now=100.0)
    assert shown(strips) == [["FAILED", ""], ["COMPLETED", "COMPLETED"]]


def test_a_point_in_time_fills_a_pixel_and_what_is_outside_fills_none() -> None:
    columns = columns_of((50.0, 50.0, "COMPLETED"), (-9.0, -1.0, "FAILED"), (100.0, 120.0, "FAILED"), (-50.0, 5.0, "FAILED"))
    assert shown(bins(columns, 0.0, 100.0, 4, 1, now=0.0)) == [["FAILED", "", "COMPLETED", ""]]


def test_no_spans_and_no_time_make_empty_strips() -> None:
    columns = unpack(encode([], BEGIN).rows)
    assert shown(bins(columns, 0.0, 0.0, 3, 2, now=0.0)) == [["", "", ""], ["", "", ""]]


def test_a_run_is_drawn_from_its_columns() -> None:
    story = Story()
    first = story.call("charge")
    story.later(seconds=5).turn().fails(first)
    story.later(seconds=5)
    columns = unpack(encode(spans_of(story.instance, story.rows), story.now).rows)
    strips = bins(columns, T0, T0 + 10 * SECOND, 10, 2, row_of=np.arange(2), now=T0 + 10 * SECOND)
    assert shown(strips) == [["RUNNING"] * 10, ["FAILED"] * 6 + [""] * 4]


INTERVALS = st.tuples(st.integers(-20, 120), st.integers(0, 60), st.sampled_from(STATES), st.integers(-1, 2))


@given(st.lists(INTERVALS, min_size=1, max_size=30))
def test_strips_say_what_counting_pixel_by_pixel_says(spans: list[tuple[int, int, SpanState, int]]) -> None:
    columns = columns_of(*((float(begin), float(begin + length), str(state)) for begin, length, state, _ in spans))
    strips = bins(columns, 0.0, 100.0, 20, 3, row_of=np.array([row for *_, row in spans]), now=0.0)
    for row in range(3):
        for pixel in range(20):
            here = [
                state
                for begin, length, state, own in spans
                if own == row and begin < 100 and begin + length >= 0 and begin // 5 <= pixel <= (begin + length) // 5
            ]
            assert counts(strips)[row][pixel] == len(here)
            assert shown(strips)[row][pixel] == (worst(here) if here else "")


def test_a_hundred_thousand_spans_are_all_counted() -> None:
    spans = many(100_000)
    columns = unpack(encode(spans, BEGIN + timedelta(hours=1)).rows)
    strips = bins(columns, T0, T0 + 3600 * SECOND, 1, 10, row_of=np.arange(100_000) % 10, now=T0 + 3600 * SECOND)
    assert Counter(count for row in counts(strips) for count in row) == {10_000: 10}
