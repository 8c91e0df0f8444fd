"""Histories of programs elsewhere in every view: all that was told and asked for is there; what such a program does not tell, the views say so."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import wflab as wf
from wflab.protocol import Request
from wflab.views.graph_picture import ELSEWHERE, NO_PLAN

pytestmark = pytest.mark.gateway
SCENARIOS = Path(__file__).parent / "programs" / "python" / "scenarios.py"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[wf.Lab]:
    """A lab in which a program with Dapr's SDK has run all that it has."""
    folder = tmp_path_factory.mktemp("foreign")
    with wf.Lab(folder / "lab.duckdb") as lab:
        app = lab.run_app("python", [sys.executable, str(SCENARIOS)], directory=folder)
        assert app.wait(240)
        assert app.exit_code == 0, repr(app.output)
        yield lab


def run_of(lab: wf.Lab, name: str) -> wf.Run:
    return lab.get(lab.runs.where(name=name).list()[0].instance_id)


def test_spans_leave_out_when_an_attempt_began_and_nothing_else(lab: wf.Lab) -> None:
    spans = run_of(lab, "retries").spans()
    attempts = spans[spans["kind"] == "activity"]
    assert attempts["state"].tolist() == ["FAILED", "FAILED", "COMPLETED"]
    assert attempts["attempt"].tolist() == [1, 2, 3]
    assert attempts["started_at"].isna().all()
    assert attempts["queued"].isna().all()
    assert (attempts["duration"] == attempts["ended_at"] - attempts["queued_at"]).all()
    assert attempts["worker"].notna().all()
    assert spans[spans["kind"] == "workflow"]["started_at"].notna().all()


def test_a_timeline_says_that_the_queue_time_is_unknown_and_has_no_false_gaps(lab: wf.Lab) -> None:
    timeline = run_of(lab, "retries").timeline()
    assert "queue time unknown for 3 attempts: the bars include it" in timeline.html()
    assert timeline.source.picture().gaps == []
    assert "FAILED, FAILED, COMPLETED" in timeline.text()
    assert "queue time unknown" not in run_of(lab, "event").timeline().html()


def test_a_graph_says_where_the_code_is(lab: wf.Lab) -> None:
    strips = run_of(lab, "fan_out").graph().source.picture().strips
    assert ELSEWHERE in strips
    assert NO_PLAN not in strips
    assert "square x10" in run_of(lab, "fan_out").graph().text()


def test_a_replay_steps_through_events_and_says_why_there_are_no_variables(lab: wf.Lab) -> None:
    replay = run_of(lab, "chaining").replay()
    picture = replay.source.picture()
    assert picture.level == "events"
    assert picture.steps_total == 4
    assert len(picture.banners) == 1
    assert "ran in a program elsewhere" in picture.banners[0]
    steps = replay.source.answer(Request(id="q", what="steps", arguments={"first": 1, "last": 4}))
    assert [step["event"] for step in steps["steps"]] == ["started", "add_one completed", "add_one completed", "add_one completed"]


def test_code_that_is_here_can_be_held_against_the_history_of_a_program(lab: wf.Lab) -> None:
    """The same workflow in this kernel, variables and all: a foreign history is a history."""

    def chaining(ctx: wf.WorkflowContext, number: Any) -> Any:
        for _ in range(3):
            number = yield ctx.call_activity("add_one", input=number)
        return number

    picture = run_of(lab, "chaining").replay(code=chaining).source.picture()
    assert (picture.level, picture.steps_total) == ("code", 4)


def test_the_other_views_have_nothing_to_apologise_for(lab: wf.Lab) -> None:
    run = run_of(lab, "parent")
    assert run.steps()["child_id"].notna().any()
    assert "COMPLETED" in run.saga().text()
    assert run.why() == "parent completed; it waits for nothing."
    assert run.source() is None
    assert "retries: success 100%" in lab.dashboard().text()
    assert set(lab.api_log(api="taskhub").df()["app_id"]) == {"python"}
