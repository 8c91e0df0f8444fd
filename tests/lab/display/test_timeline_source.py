"""`run.timeline()` on a real engine: children, questions of a page, comparison, and what Python has of it."""

import threading
from base64 import b64decode
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wflab as wf
from tests.waiting import eventually
from wfengine.errors import InvalidArgument
from wflab import protocol
from wflab.display.timeline_handle import TimelineHandle


@pytest.fixture
def define(lab: wf.Lab) -> Callable[[], wf.Run]:
    """Define a workflow with a retry, a child, a fan-out and a wait; gives what starts it."""
    runtime = wf.WorkflowRuntime()
    tries: list[int] = []

    @runtime.activity
    def charge_card(_ctx: Any, _given: Any) -> dict[str, Any]:
        tries.append(1)
        if len(tries) % 3:
            raise ValueError("declined")
        return {"ok": True, "password": "hidden"}

    @runtime.activity
    def work(_ctx: Any, given: int) -> int:
        if given == 7:
            raise KeyError("seven")
        return given

    @runtime.workflow
    def part(ctx: Any, given: int) -> Any:
        return (yield ctx.call_activity(work, input=given))

    @runtime.workflow
    def order(ctx: Any, given: Any) -> Any:
        policy = wf.RetryPolicy(first_retry_interval=timedelta(milliseconds=5), max_number_of_attempts=3)
        yield ctx.call_activity(charge_card, input=given, retry_policy=policy)
        yield ctx.call_child_workflow(part, input=2)
        answers = [ctx.call_activity(work, input=number) for number in range(30) if number != 7]
        yield wf.when_all(answers)
        return 1

    return lambda: lab.start(order, {"amount": 1})


@pytest.fixture
def timeline(define: Callable[[], wf.Run]) -> TimelineHandle:
    run = define()
    run.result(20)
    return run.timeline()


def ask(timeline: TimelineHandle, what: str, **arguments: Any) -> Any:
    return timeline.source.answer(protocol.Request(id="q", what=what, arguments=arguments))


def test_its_text_tells_attempts_children_and_groups(timeline: TimelineHandle) -> None:
    assert repr(timeline).splitlines() == [
        "order COMPLETED",
        "  charge_card  COMPLETED (FAILED, FAILED, COMPLETED)",
        "  part         COMPLETED",
        "    work       COMPLETED",
        "  work x29     29 COMPLETED",
    ]


def test_a_page_asks_for_payloads_and_secrets_stay_hidden(timeline: TimelineHandle) -> None:
    first, *_, last = (span for span in timeline.source.spans() if span.name == "charge_card")
    assert "ValueError: declined" in ask(timeline, "detail", span_id=first.span_id)["error"]
    assert ask(timeline, "detail", span_id=last.span_id)["output"]["text"] == '{"ok": true, "password": "(hidden)"}'
    with pytest.raises(InvalidArgument, match="not in the record"):
        ask(timeline, "detail", span_id="nothing")


def test_a_page_asks_for_finer_bins_of_groups(timeline: TimelineHandle) -> None:
    drawn = timeline.source.picture()
    [group] = drawn.groups
    stretches = [[drawn.begin, drawn.end, 300], [drawn.end, drawn.end + 1, 10]]
    worst, many = ask(timeline, "bins", stretches=stretches, groups=[group.key, "unknown"])["groups"][group.key]
    assert (len(b64decode(worst)), len(b64decode(many))) == (310, 620)
    with pytest.raises(InvalidArgument, match="at most"):
        ask(timeline, "bins", stretches=[[0, 1, 100_000]], groups=[])


def test_a_selected_area_is_a_dataframe_in_python(timeline: TimelineHandle) -> None:
    assert len(timeline.selection) == 0
    drawn = timeline.source.picture()
    calls = [span.call_id for span in timeline.source.spans() if span.name == "charge_card"]
    assert ask(timeline, "select", since=drawn.begin, until=drawn.end, calls=calls, groups=[]) == {"count": 3}
    assert list(timeline.selection["state"]) == ["FAILED", "FAILED", "COMPLETED"]
    with pytest.raises(InvalidArgument, match="begin and an end"):
        ask(timeline, "select", since="yesterday")


def test_it_is_compared_with_runs_of_the_same_version_or_with_one(define: Callable[[], wf.Run], timeline: TimelineHandle) -> None:
    with pytest.raises(InvalidArgument, match="no other completed run"):
        ask(timeline, "baseline")
    other = define()
    other.result(20)
    usual = ask(timeline, "baseline")
    assert (usual["runs"], usual["label"]) == (1, "p50 of 1 run")
    assert set(usual["usual"]) == {"activity charge_card", "activity work", "child part"}
    median, p95 = usual["usual"]["activity charge_card"]
    assert 0 < median <= p95


def test_it_is_compared_with_one_run_that_is_named(define: Callable[[], wf.Run]) -> None:
    other = define()
    other.result(20)
    one = define()
    one.result(20)
    assert ask(one.timeline(against=other), "baseline")["label"] == other.id[:8]


def test_an_unknown_question_says_so(timeline: TimelineHandle) -> None:
    with pytest.raises(InvalidArgument, match="no answer to 'weather'"):
        ask(timeline, "weather")


def test_it_is_exported_in_every_form(timeline: TimelineHandle) -> None:
    assert len(timeline.df()) == 1 + 3 + 1 + 2 + 29
    assert timeline.html().startswith('<div data-wf-view="timeline"')
    assert timeline.json()["view"] == "timeline"


def test_a_timeline_of_generations_has_seams(lab: wf.Lab) -> None:
    runtime = wf.WorkflowRuntime()

    @runtime.workflow
    def counting(ctx: Any, given: int) -> Any:
        yield ctx.create_timer(timedelta(milliseconds=1))
        if given < 3:
            ctx.continue_as_new(given + 1)
        return given

    run = lab.start(counting, 0)
    run.result(20)
    kinds = [span.kind for span in run.timeline().source.spans()]
    assert kinds.count("can") == 3
    assert kinds.count("workflow") == 4


def test_limits_and_importance_come_from_the_lab_as_far_as_they_concern_what_is_shown(tmp_path: Path) -> None:
    limits = wf.Limits(most_activities=2, activities={"score": 1, "never_called": 1})
    with wf.Lab(tmp_path / "limited.duckdb", limits=limits) as lab:

        @wf.activity(importance="low")
        def log_line(_ctx: Any, given: int) -> int:
            return given

        @wf.activity
        def score(_ctx: Any, given: int) -> int:
            return given

        @wf.activity(importance="low")
        def never_called(_ctx: Any, given: int) -> int:
            return given

        @wf.workflow
        def order(ctx: Any, _given: Any) -> Any:
            yield ctx.call_activity(log_line, input=1)
            yield ctx.call_activity(score, input=2)
            yield ctx.call_activity(log_line, input=3)

        run = lab.start(order)
        run.result(20)
        timeline = run.timeline()
        drawn = timeline.source.picture()
        assert [(limit.name, limit.most) for limit in drawn.limits] == [("", 2), ("score", 1)]
        assert drawn.minor == ["log_line"]
        assert repr(timeline).splitlines() == ["order COMPLETED", "  +2 minor  2 COMPLETED", "  score     COMPLETED"]


def test_calls_of_high_importance_have_each_its_row(tmp_path: Path) -> None:
    with wf.Lab(tmp_path / "important.duckdb") as lab:

        @wf.activity(importance="high")
        def pay(_ctx: Any, given: int) -> int:
            return given

        @wf.activity
        def score(_ctx: Any, given: int) -> int:
            return given

        @wf.workflow
        def order(ctx: Any, _given: Any) -> Any:
            yield wf.when_all([ctx.call_activity(what, input=number) for number in range(30) for what in (pay, score)])

        run = lab.start(order)
        run.result(20)
        timeline = run.timeline()
        drawn = timeline.source.picture()
        assert drawn.major == ["pay"]
        assert [(group.name, group.count) for group in drawn.groups] == [("score", 30)]
        lines = repr(timeline).splitlines()
        assert [sum(name in line for line in lines) for name in ("pay", "score x30")] == [30, 1]


def test_what_waits_for_its_turn_is_queued_and_not_at_work(tmp_path: Path) -> None:
    hold = threading.Event()
    with wf.Lab(tmp_path / "limited.duckdb", limits=wf.Limits(most_activities=1)) as lab:

        @wf.activity
        def score(_ctx: Any, given: int) -> int:
            assert hold.wait(60)
            return given

        @wf.workflow
        def order(ctx: Any, _given: Any) -> Any:
            yield wf.when_all([ctx.call_activity(score, input=number) for number in range(5)])

        run = lab.start(order)
        try:
            source = run.timeline().source

            def most() -> list[int]:
                strip = source.picture().strip
                return [round(float(np.frombuffer(one, "<f4").max(initial=0))) for one in (strip.running, strip.queued)]

            eventually(lambda: most() == [1, 4])
        finally:
            hold.set()
        run.result(20)
