"""Spans and events as DataFrames."""

from datetime import timedelta
from typing import Any

import msgspec
import pandas as pd

import wflab as wf
from tests.lab.conftest import BEGIN, Story, approval
from wfengine.model import history as h
from wflab.analytics.race_rounds import races_in
from wflab.analytics.span import KINDS, PHASES, Span, SpanState
from wflab.analytics.span_frames import events_frame, spans_frame
from wflab.analytics.spans import spans_of

WITHIN_SECONDS = 30.0


def approved() -> Story:
    story = approval().later(hours=1).turn().raised("human_approval")
    number = story.call("process_approval")
    return story.later(seconds=2).turn().returns(number, '"done"').ends(output='"done"')


def frame_of(story: Story) -> pd.DataFrame:
    return spans_frame(spans_of(story.instance, story.rows, races=races_in(story.source)))


def test_a_span_is_a_row_with_all_its_fields() -> None:
    frame = frame_of(approved())
    assert [*frame.columns.drop(["queued", "duration"])] == [field.name for field in msgspec.structs.fields(Span)]
    assert frame["kind"].tolist() == ["workflow", "event_wait", "timer", "activity"]
    assert frame["outcome"].tolist() == ["returned", "raised", "cancelled", "returned"]


def test_times_are_aware_and_durations_are_spans_of_time() -> None:
    frame = frame_of(approved())
    for column in ("queued_at", "started_at", "ended_at", "fire_at", "late_at"):
        assert str(frame[column].dtype).endswith("UTC]"), column
    assert frame["duration"].tolist()[1:] == [timedelta(hours=1), timedelta(hours=1), timedelta(milliseconds=20)]
    assert frame["queued"].tolist()[3] == timedelta(seconds=1, milliseconds=980)


def test_states_kinds_and_phases_are_in_order_and_numbers_may_be_missing() -> None:
    frame = frame_of(approved())
    for column, words in (("state", list(SpanState)), ("kind", KINDS), ("phase", PHASES)):
        assert frame[column].cat.ordered
        assert [*frame[column].cat.categories] == list(words)
    assert str(frame["bytes_out"].dtype) == "Int64"
    assert frame["bytes_out"].tolist() == [6, 4, pd.NA, 6]


def test_no_spans_make_an_empty_frame_with_the_same_columns() -> None:
    empty, full = spans_frame([]), frame_of(approved())
    assert [*empty.columns] == [*full.columns]
    typed = full.select_dtypes(exclude=["object", "str", "int", "bool"]).columns
    assert empty.dtypes[typed].map(str).tolist() == full.dtypes[typed].map(str).tolist()


def test_every_column_is_told_in_the_docstring() -> None:
    story = approved()
    for frame, told in ((frame_of(story), spans_frame.__doc__), (events_frame(story.instance, story.rows), events_frame.__doc__)):
        words = {word.strip() for line in (told or "").splitlines() if line.count("|") > 2 for word in line.split("|")[1].split(",")}
        assert set(frame.columns) <= words


def test_an_event_tells_what_it_is_about_and_what_it_answers() -> None:
    story = Story()
    number = story.call("charge", identity="c")
    story.later(seconds=1).turn().fails(number, message="no card")
    story.backs_off("charge", "c", 1, seconds=3)
    story.tell(h.PatchRecorded(occurred_at=story.now, name="v2"))
    child = story.child("ship", instance_id="ship-1")
    story.turn().tell(h.ChildWorkflowInstanceCompleted(occurred_at=story.now, task_scheduled_id=child, result="[1]"))
    frame = events_frame(story.instance, story.rows)
    assert frame["type"].tolist() == [
        "ExecutionStarted", "TaskScheduled", "TaskFailed", "TimerCreated", "PatchRecorded", "ChildWorkflowInstanceCreated",
        "ChildWorkflowInstanceCompleted",
    ]  # fmt: skip
    assert frame["name"].tolist() == ["order", "charge", "charge", "charge", "v2", "ship", "ship"]
    assert frame["event_id"].tolist() == [pd.NA, 0, pd.NA, 1, pd.NA, 2, pd.NA]
    assert frame["ref_event_id"].tolist() == [pd.NA, pd.NA, 0, pd.NA, pd.NA, pd.NA, 2]
    assert frame["task_execution_id"].tolist()[1:4] == ["c", "c", "c"]
    assert frame["child_id"].tolist()[5:] == ["ship-1", "ship-1"]
    assert frame["patches"].tolist() == ["", "", "", "", "v2", "v2", "v2"]
    assert (frame["error_type"][2], frame["error_message"][2], frame["bytes"][6]) == ("ValueError", "no card", 3)
    assert frame["ts"][0] == BEGIN


def test_a_run_gives_its_spans_and_events_with_the_lines_of_its_source(lab: wf.Lab, seed: dict[str, Any]) -> None:
    run = lab.start(seed["request_escalation"], {"amount": 5000}, "order-1")
    lab.engine.wait_for_workflow_start("order-1", WITHIN_SECONDS)
    run.approve()
    run.result(WITHIN_SECONDS)
    spans = run.spans()
    source = run.source()
    assert source is not None
    lines = source.splitlines()
    told = [lines[line - 1].strip() for line in spans["line"].dropna()]
    assert [text.split("ctx.")[1].split("(")[0] for text in told] == ["wait_for_external_event", "create_timer", "call_activity"]
    assert spans["file"].notna().all()
    assert spans["group_key"][3] == f"workflow request_escalation/activity process_approval@{spans['line'][3]}"
    assert len(run.events()) == len(run.history())
