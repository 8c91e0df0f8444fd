"""What a timeline knows of a run: gaps, blame, the strip, groups, the critical path; and what a notebook may hold of it."""

import msgspec
import numpy as np
import pytest

from tests.lab.conftest import BEGIN, Story
from tests.lab.views.timeline_stories import MINOR, chatty, fan, picture, race, stalled, suspended
from wfengine.model.instance import Status
from wflab import protocol
from wflab.analytics.race_rounds import races_in
from wflab.analytics.spans import spans_of
from wflab.views.bundles import snapshot_of
from wflab.views.changes import change_between
from wflab.views.head import milliseconds
from wflab.views.span_table import STATES, SpanTable
from wflab.views.timeline_bins import binned
from wflab.views.timeline_calls import calls_in, folds_of, times_of_group
from wflab.views.timeline_columns import spans_from
from wflab.views.timeline_picture import cut, stretches_of, timeline_of
from wflab.views.timeline_rows import bands_of, rows_of, spoken
from wflab.views.timeline_times import mean_open

ORIGIN = milliseconds(BEGIN)


def state(name: str) -> int:
    return 1 + STATES.index(name)


def test_the_wait_of_days_is_a_gap_and_the_rest_is_not() -> None:
    drawn = picture(race())
    [(since, until)] = drawn.gaps
    assert since - ORIGIN == pytest.approx(3500)
    assert until - since == (6 * 24 + 23) * 3_600_000 + 12 * 60_000
    assert [stretch.since for stretch in drawn.stretches] == [drawn.begin, until]


def test_what_is_worked_on_is_no_gap_however_long_it_takes() -> None:
    story = Story()
    number = story.call("long")
    story.later(hours=3).turn().returns(number).ends()
    assert picture(story).gaps == []


@pytest.mark.parametrize(("pause", "gaps"), [(1.9, 0), (2.1, 1)])
def test_a_gap_has_two_seconds_at_least(pause: float, gaps: int) -> None:
    story = Story()
    for _ in range(2):
        number = story.call("step")
        story.later(seconds=0.1).turn().returns(number)
        story.waits("next")
        story.later(seconds=pause).turn().raised("next")
        pause = 0.1
    assert len(picture(story.ends()).gaps) == gaps


def test_a_gap_has_a_tenth_of_the_time_that_longer_gaps_leave() -> None:
    story = Story()
    for pause in (100_000.0, 5.0):  # the second is nothing beside the first, and much beside what is left without it
        number = story.call("step")
        story.later(seconds=10).turn().returns(number)
        story.waits("next")
        story.later(seconds=pause).turn().raised("next")
    assert [round((until - since) / 1000) for since, until in picture(story.ends()).gaps] == [100_000, 5]


def test_where_all_time_is_idle_as_on_a_virtual_clock_nothing_is_broken_out() -> None:
    story = Story()
    for _ in range(3):
        story.waits("next")
        story.later(days=30).turn().raised("next")
    assert picture(story.ends()).gaps == []


def test_every_moment_is_blamed_once() -> None:
    drawn = picture(race())
    assert sum(drawn.blame.values()) == pytest.approx(drawn.end - drawn.begin)
    assert drawn.blame["backoff"] == pytest.approx(1900)
    assert drawn.blame["waiting on people"] == pytest.approx((6 * 24 + 23) * 3_600_000 + 12 * 60_000)
    assert drawn.blame["executing"] == pytest.approx(500 + 500 + 20 + 20)


def test_the_critical_path_leads_from_the_end_to_the_begin() -> None:
    assert picture(race()).critical == ["1:a7", "1:a5", "1:a0"]


def test_calls_of_one_site_fold_from_25_on() -> None:
    assert [group.count for group in picture(fan(25)).groups] == [25]
    assert picture(fan(24)).groups == []


def test_a_group_shows_each_failure_where_it_ended_and_counts_all() -> None:
    drawn = picture(fan(1000))
    [group] = drawn.groups
    worst = np.frombuffer(group.worst, np.uint8)
    failed = group.counts["FAILED"]
    assert group.count == group.sent == 1000
    assert 0 < (worst == state("FAILED")).sum() <= 2 * failed
    assert (worst == state("COMPLETED")).sum() > 300
    assert np.frombuffer(drawn.strip.failed, "<u4").sum() == failed


def test_the_strip_shows_how_many_ran_on_the_average() -> None:
    edges = np.array([0.0, 10, 20, 30])
    assert mean_open(np.array([0.0, 5]), np.array([10.0, 25]), edges).tolist() == pytest.approx([1.5, 1.0, 0.5])


def test_bins_have_the_worst_state_and_the_number_in_each_column() -> None:
    stretches = [protocol.Stretch(since=0, until=10, columns=2), protocol.Stretch(since=20, until=30, columns=1)]
    states = np.array([state("COMPLETED"), state("FAILED"), state("RUNNING")], np.float64) - 1
    worst, many = binned(np.array([0.0, 6, 12]), np.array([9.0, 7, 19]), states, stretches)
    assert list(worst) == [state("COMPLETED"), state("FAILED"), 0]
    assert np.frombuffer(many, "<u2").tolist() == [1, 2, 0]


def test_finer_bins_of_a_part_are_those_of_the_whole_come_closer() -> None:
    story = fan(500)
    table = SpanTable().follow(spans_of(story.instance, story.rows))
    calls = calls_in(table)
    [fold] = folds_of(table, calls)
    group = times_of_group(table, calls, fold.key, 0)
    assert group is not None
    worst, many = group.bins(stretches_of(ORIGIN + 1000, ORIGIN + 1100, [], 400))
    assert len(worst) == 400
    assert np.frombuffer(many, "<u2").max() < 30


def test_spans_come_out_of_a_picture_as_they_went_in() -> None:
    story = race()
    spans = spans_of(story.instance, story.rows, races=races_in(story.source))
    drawn = picture(story)
    again = spans_from(drawn.spans, drawn.parents, story.instance_id)
    for field in (
        "span_id",
        "call_id",
        "parent_id",
        "kind",
        "name",
        "group_key",
        "attempt",
        "state",
        "phase",
        "outcome",
        "raised_by",
        "note",
    ):
        assert [getattr(span, field) for span in again] == [getattr(span, field) for span in spans], field
    assert [span.ended_at for span in again] == [span.ended_at for span in spans]


def test_a_change_has_only_the_rows_that_differ() -> None:
    story = fan(300, done=0.5)
    before = picture(story)
    still_open = next(
        span.event_id for span in spans_of(story.instance, story.rows) if span.name == "score_chunk" and span.ended_at is None
    )
    story.turn().returns(still_open or 0)
    story.call("more")
    found = change_between(before, picture(story, like=before))
    assert found is not None
    part, delta = found
    assert (delta.changed.count, delta.tail.count) == (1, 1)
    assert len(msgspec.msgpack.encode(delta)) < 1500
    assert part.spans.rows.count == 0


def test_a_change_of_nearly_everything_is_sent_whole() -> None:
    story = fan(100, done=0.0)
    before = picture(story)
    story.ends(Status.TERMINATED)
    assert change_between(before, picture(story, like=before)) is None


def test_of_very_many_spans_the_worst_are_sent_and_all_are_counted() -> None:
    drawn = picture(fan(3000), most_spans=2500)
    [group] = drawn.groups
    sent = spans_from(drawn.spans)
    assert group.count == 3000
    assert group.sent == 2000
    assert sum(span.state == "FAILED" for span in sent) == group.counts["FAILED"]
    assert {span.name for span in sent} == {"order_batch", "validate", "score_chunk"}
    assert any("in groups only" in note for note in drawn.left_out)


@pytest.mark.slow
def test_a_notebook_holds_a_quarter_of_a_megabyte_at_most() -> None:
    whole = picture(fan(16_000))
    held = cut(whole)
    assert len(msgspec.json.encode(snapshot_of(whole))) <= 260_000
    assert whole.spans.rows.count > held.spans.rows.count > 500
    assert held.groups[0].count == 16_000
    assert sum(span.state == "FAILED" for span in spans_from(held.spans)) == whole.groups[0].counts["FAILED"]


def test_a_scheduled_run_says_for_when() -> None:
    story = Story()
    story.rows.clear()
    instance = msgspec.structs.replace(story.instance, status=Status.PENDING, scheduled_start=BEGIN.replace(hour=14))
    drawn = timeline_of(instance, [], spans_of(instance, []), now=BEGIN)
    assert drawn.scheduled == milliseconds(BEGIN.replace(hour=14))
    assert drawn.spans.rows.count == 1


def test_a_suspension_is_time_in_which_nothing_is_blamed_on_people() -> None:
    drawn = picture(suspended())
    assert drawn.blame["waiting on people"] == 0  # something was queued or ran all the time
    assert drawn.gaps == []


def test_a_stall_is_a_band_with_its_reason_from_when_it_began() -> None:
    drawn = picture(stalled().later(seconds=2))
    [band] = bands_of(spans_from(drawn.spans, drawn.parents))
    assert (band.kind, band.state, band.ended_at) == ("stall", "STALLED", None)
    assert band.error_fp
    assert "NonDeterminismError" in band.error_fp
    assert "stall" not in {row.kind for row in rows_of(spans_from(drawn.spans, drawn.parents))}


def test_of_limits_and_minor_names_those_that_concern_it_are_told() -> None:
    drawn = picture(race(), limits={"": 4, "charge_card": 2, "another": 1}, minor={"ship", "another"})
    assert drawn.limits == [protocol.Limit(name="", most=4), protocol.Limit(name="charge_card", most=2)]
    assert drawn.minor == ["ship"]
    waiting = Story()
    waiting.waits("go")
    assert picture(waiting, limits={"": 4}).limits == [], "it calls no activity"


def test_minor_calls_are_one_row_with_the_worst_of_their_states() -> None:
    drawn = picture(chatty(), minor=MINOR)
    spans = spans_from(drawn.spans, drawn.parents)
    assert len(rows_of(spans)) == 2 + 37
    _, charge, minor = rows_of(spans, minor=MINOR)
    assert (charge.name, minor.name, minor.count, minor.state) == ("charge_card", "+37 minor", 37, "FAILED")
    assert minor.counts == {"COMPLETED": 36, "FAILED": 1}
    assert spoken(minor, drawn.now).startswith("37 minor calls, 36 completed, 1 failed, total ")
    one = picture(chatty(1), minor=MINOR)
    assert [row.name for row in rows_of(spans_from(one.spans, one.parents), minor=MINOR)] == ["order", "charge_card", "log_line"]


def test_calls_of_a_group_that_is_sent_in_part_keep_their_places() -> None:
    whole = picture(fan(200))
    in_part = picture(fan(200), most_spans=100)
    assert whole.groups[0].members == b""
    for drawn in (whole, in_part, cut(whole, 20_000), cut(in_part, 20_000)):
        [group] = drawn.groups
        places = np.frombuffer(group.members, "<u4").tolist() or list(range(200))
        calls = [span for span in spans_from(drawn.spans, drawn.parents) if span.group_key == group.key]
        assert len(places) == group.sent == len(calls)
        assert [span.event_id for span in calls] == [1 + place for place in places]
    assert len(np.frombuffer(cut(whole, 20_000).groups[0].members, "<u4")) < 200
