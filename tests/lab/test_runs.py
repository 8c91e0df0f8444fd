"""`lab.runs`: narrowed down step by step, asked for at the end."""

from datetime import timedelta
from typing import Any

import pandas as pd
import pytest

import wflab as wf
from wfengine.errors import InvalidArgument
from wfengine.model.instance import Status

WITHIN_SECONDS = 30.0


@pytest.fixture
def busy(lab: wf.Lab, seed: dict[str, Any]) -> wf.Lab:
    for n, amount in enumerate((500, 500, 5000)):
        lab.start(seed["request_escalation"], {"amount": amount}, f"order-{n}")
        lab.engine.wait_for_workflow_start(f"order-{n}", WITHIN_SECONDS)
    for n in range(2):
        lab.get(f"order-{n}").result(WITHIN_SECONDS)
    return lab


def test_an_empty_lab_says_how_to_begin(lab: wf.Lab) -> None:
    assert repr(lab.runs) == "no runs yet"
    assert "lab.start(workflow, input)" in lab.runs._repr_html_()
    assert lab.runs.count() == len(lab.runs) == 0
    assert lab.runs.df().status.cat.ordered


def test_runs_are_narrowed_by_name_status_id_and_age(busy: wf.Lab) -> None:
    assert busy.runs.count() == 3
    assert list(busy.runs.df().instance_id) == ["order-2", "order-1", "order-0"]
    assert busy.runs.where(status="COMPLETED").count() == 2
    assert busy.runs.where(status=Status.RUNNING).df().instance_id[0] == "order-2"
    assert busy.runs.where(name="request_escalation", status="COMPLETED", instance_id="order-0").count() == 1
    assert busy.runs.where(name="x' OR 1=1 --").count() == 0
    assert busy.runs.since("24h").since(timedelta(minutes=90)).where(status="RUNNING").count() == 1
    assert busy.runs.since(timedelta(0)).count() == 0
    assert busy.sql(busy.runs.where(status="RUNNING").sql(), p0="RUNNING").instance_id[0] == "order-2"


def test_the_frame_has_types_one_can_compute_with(busy: wf.Lab) -> None:
    frame = busy.runs.df()
    assert list(frame.columns) == [
        "instance_id",
        "name",
        "status",
        "created_at",
        "updated_at",
        "duration",
        "input",
        "output",
        "error",
        "tags",
    ]
    assert str(frame.created_at.dtype).endswith("UTC]")
    assert str(frame.updated_at.dtype).endswith("UTC]")
    assert pd.api.types.is_timedelta64_dtype(frame.duration.dtype)
    assert frame.status.cat.ordered
    assert list(frame.status.cat.categories) == [str(status) for status in Status]
    assert list(frame.duration.notna()) == [False, True, True]
    assert frame.input[0] == {"amount": 5000}
    assert frame.output[1] == "auto-approved"


@pytest.mark.parametrize("status", ["run", "DONE", ""])
def test_an_unknown_status_is_refused_with_those_there_are(busy: wf.Lab, status: str) -> None:
    with pytest.raises(InvalidArgument, match="there are PENDING, RUNNING, COMPLETED"):
        busy.runs.where(status=status)


@pytest.mark.parametrize("span", ["", "h", "7", "7y", "-1h", "1e3h", "1.2.3h", "\u00b2h"])
def test_an_unknown_span_is_refused_with_an_example(busy: wf.Lab, span: str) -> None:
    with pytest.raises(InvalidArgument, match="such as '24h', '90m' or '7d'"):
        busy.runs.since(span)


def test_a_span_longer_than_the_calendar_is_refused(busy: wf.Lab) -> None:
    for span in ("9999999d", "9" * 40 + "w", timedelta.max):
        with pytest.raises(InvalidArgument, match="before the year 1"):
            busy.runs.since(span)


def test_long_lists_are_cut_with_a_word_on_how_to_see_all(busy: wf.Lab) -> None:
    for n in range(60):
        busy.start("request_escalation", {"amount": 500}, f"more-{n}")
    assert repr(busy.runs).endswith("showing 50 of 63; lab.runs.df() has all")
    assert "showing 50 of 63" in busy.runs._repr_html_()
    assert busy.runs._repr_html_().count("<tr") == 51


def test_hostile_names_are_shown_as_text(lab: wf.Lab) -> None:
    name = "<img src=x onerror=alert(1)>"
    lab.engine.register_workflow(lambda _: None, name)
    lab.start(name, "</script><script>alert(2)</script>", instance_id="<b>'\"&;--").result(WITHIN_SECONDS)
    html = lab.runs._repr_html_()
    for raw in ("<img", "<script", "</script", "<b>"):
        assert raw not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    assert lab.get("<b>'\"").id == "<b>'\"&;--"


@pytest.mark.parametrize("status", ["Completed", "completed", Status.COMPLETED, wf.WorkflowStatus.COMPLETED])
def test_a_status_is_text_in_any_case_or_a_member_of_either_set(busy: wf.Lab, status: Any) -> None:
    assert [run.status for run in busy.runs.where(status=status)] == [Status.COMPLETED] * busy.runs.where(status="COMPLETED").count()
