"""`run.graph()` on runs of a real lab: read on as they go on, children opened in place, calls looked at closely."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

import wflab as wf
from tests.lab.seed import run_cell
from tests.waiting import eventually
from wfengine.errors import InvalidArgument
from wflab import protocol
from wflab.analytics.sources import source_of
from wflab.display import graph_reading
from wflab.display.graph_source import GraphSource
from wflab.run import Run
from wflab.views.graph_picture import NO_PLAN

PROGRAM = """\
import wflab as wf

wfr = wf.WorkflowRuntime()

@wfr.activity
def reserve(ctx, item):
    return {"item": item, "card_token": "t-4242"}

@wfr.activity
def score(ctx, place):
    if place % 7 == 3:
        raise ValueError(f"no score for {place}")
    return place

@wfr.workflow
def ship(ctx, item):
    yield ctx.call_activity(reserve, input=item)
    yield ctx.wait_for_external_event("go")

@wfr.workflow
def order(ctx, width):
    yield ctx.call_activity(reserve, input={"name": "ana", "password": "p-17"})
    scores = [ctx.call_activity(score, input=place) for place in range(width)]
    for one in scores:
        try:
            yield one
        except wf.TaskFailedError:
            pass
    yield ctx.call_child_workflow(ship, input="book")
    yield ctx.call_activity(reserve, input="another")

@wfr.workflow
def countdown(ctx, number):
    yield ctx.call_activity(reserve, input=number)
    if number:
        ctx.continue_as_new(number - 1)
    else:
        yield ctx.wait_for_external_event("go")
"""


@pytest.fixture
def program(lab: wf.Lab) -> wf.Lab:
    """A lab in which the program is defined."""
    run_cell(PROGRAM)
    return lab


@pytest.fixture
def waiting(program: wf.Lab) -> Run:
    """An order of 40 whose child waits for `go`."""
    lab = program
    run = lab.start("order", 40)
    eventually(lambda: "event_wait" in set(lab.sql("SELECT kind FROM spans WHERE workflow = 'ship' AND phase = 'waiting'")["kind"]))
    return run


def ask(source: GraphSource, what: str, **arguments: Any) -> Any:
    return source.answer(protocol.Request(id="q", what=what, arguments=arguments))


def group(source: GraphSource, name: str) -> protocol.GraphGroup:
    return next(found for found in source.picture().groups if found.name == name and found.kind != "workflow")


def test_the_text_of_a_graph_counts_what_happened(waiting: Run) -> None:
    assert repr(waiting.graph()).splitlines() == [
        "order RUNNING",
        "  reserve    COMPLETED",
        "  score x40  34 COMPLETED, 6 FAILED",
        "  ship       RUNNING",
    ]


def test_a_picture_reads_on_from_where_the_last_one_ended(lab: wf.Lab, waiting: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    source = waiting.graph().source
    before = source.picture()
    begins: list[int] = []
    read: Callable[..., Any] = lab.engine.store.history

    def noted(key: int, begin: int = 0) -> Any:
        if key == before.key:
            begins.append(begin)
        return read(key, begin)

    monkeypatch.setattr(lab.engine.store, "history", noted)
    assert msgspec.structs.replace(source.picture(), now=0.0, why="") == msgspec.structs.replace(before, now=0.0, why="")
    assert begins == [before.events_total]


def test_a_child_is_opened_in_place_and_followed_and_closed_again(lab: wf.Lab, waiting: Run) -> None:
    source = waiting.graph().source
    child = group(source, "ship")
    assert not source.concerns([child.child_id or ""])
    ask(source, "expand", group=child.id, open=True)
    assert (group(source, "go").frame, group(source, "go").state) == (child.id, "SUSPENDED")
    assert source.concerns([child.child_id or ""])
    lab.get(child.child_id or "").raise_event("go")
    waiting.result(20)
    assert group(source, "go").state == "COMPLETED"
    ask(source, "expand", group=child.id, open=False)
    assert all(found.frame is None for found in source.picture().groups)


def test_calls_come_the_worst_first_and_can_be_narrowed(waiting: Run) -> None:
    source = waiting.graph().source
    scores = group(source, "score").id
    page = ask(source, "calls", group=scores, count=3)
    assert (page["total"], [(row["index"], row["state"], row["input"]) for row in page["rows"]]) == (
        40,
        [(3, "FAILED", "3"), (10, "FAILED", "10"), (17, "FAILED", "17")],
    )
    assert "no score for 3" in page["rows"][0]["error"]
    assert ask(source, "calls", group=scores, states=["FAILED"])["total"] == 6
    assert [row["index"] for row in ask(source, "calls", group=scores, places=[9, 11])["rows"]] == [10, 9, 11]
    found = group(source, "score").durations
    assert found is not None
    assert ask(source, "calls", group=scores, took=[found.low, found.high])["total"] == 40
    assert ask(source, "calls", group=scores, took=[1e9, 2e9])["total"] == 0


def test_one_call_is_told_whole_but_for_what_is_called_a_secret(waiting: Run) -> None:
    source = waiting.graph().source
    reserved = group(source, "reserve")
    detail = ask(source, "call", span_id=reserved.span_id)
    told = str(detail)
    assert "p-17" not in told
    assert "t-4242" not in told
    assert "ana" in detail["input"]["text"]
    assert "item" in detail["output"]["text"]
    failed = ask(source, "call", span_id=group(source, "score").worst[0].span_id)
    assert (failed["failure"]["error_type"], failed["title"], len(failed["attempts"])) == ("ValueError", "score 3", 1)


def test_what_a_page_asks_wrongly_is_refused_in_words(waiting: Run) -> None:
    source = waiting.graph().source
    for what, arguments in (("calls", {"group": "nowhere"}), ("calls", {"group": 3}), ("call", {"span_id": "1:a999"}), ("dance", {})):
        with pytest.raises(InvalidArgument):
            ask(source, what, **arguments)


def test_the_focus_on_a_group_gives_its_rows(lab: wf.Lab, waiting: Run) -> None:
    scores = group(waiting.graph().source, "score")
    lab.focus.set(waiting.id, group=scores.id)
    assert len(lab.focus.df()) == 40
    lab.focus.set(waiting.id, group=scores.id, span_id=scores.worst[0].span_id)
    assert list(lab.focus.df()["error_type"]) == ["ValueError"]


def test_generations_are_a_ribbon_and_the_graph_is_of_the_newest(program: wf.Lab) -> None:
    run = program.start("countdown", 30)
    eventually(lambda: "human" not in run.why() and "go" in run.why())
    shown = run.graph().source.picture()
    assert (shown.generations_total, len(shown.generations), shown.generation) == (31, 24, 30)
    assert [one.state for one in shown.generations[-2:]] == ["CONTINUED_AS_NEW", "RUNNING"]
    assert group(run.graph().source, "reserve").count == 1


def test_a_run_without_its_code_shows_the_plan_and_whom_it_waits_for(program: wf.Lab) -> None:
    path = program.path
    run = program.start("order", 3, start_at=program.engine.now().replace(year=2090))
    program.close()
    with wf.Lab(path) as again:
        shown = again.get(run.id).graph().source.picture()
        assert shown.strips == ["waiting for a worker: none registered for `order`"]
        assert {found.planned for found in shown.groups if found.kind != "workflow"} == {"planned"}
        assert [found.name for found in shown.groups if found.planned][:3] == ["reserve", "score", "ship"]


def test_the_graph_is_a_frame_and_a_networkx_graph(waiting: Run) -> None:
    graph = waiting.graph()
    assert list(graph.df()["name"]) == ["reserve", "score", "ship"]
    assert sorted(data["name"] for _, data in graph.networkx().nodes(data=True)) == ["reserve", "score", "ship"]


def test_runs_that_reached_a_node_are_found_in_the_state_it_had(lab: wf.Lab, waiting: Run) -> None:
    assert [run.instance_id for run in lab.runs.reached("score", status="FAILED")] == [waiting.id]
    assert lab.runs.reached("reserve", status="FAILED").count() == 0
    assert lab.runs.reached("reserve").count() == 2
    assert lab.runs.where(name="ship").reached("go", status="suspended").count() == 1
    assert lab.runs.reached("nowhere").count() == 0
    assert lab.runs.reached("'; DROP TABLE history; --").count() == 0
    with pytest.raises(InvalidArgument, match="There is no state"):
        lab.runs.reached("score", status="BROKEN")


@pytest.mark.parametrize("known", ["source", "nothing"])
def test_a_run_is_asked_for_its_source_once_even_where_there_is_none(lab: wf.Lab, known: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run_cell(PROGRAM)
    if known == "nothing":  # a function that was made of a string has no source
        bare: dict[str, Any] = {"wfr": wf.WorkflowRuntime()}
        exec("@wfr.workflow\ndef ship(ctx, item):\n    yield ctx.wait_for_external_event('go')", bare)  # noqa: S102  # our own text
    run = lab.start("ship", "book")
    eventually(lambda: "go" in run.why())
    asked: list[int] = []

    def noted(engine: Any, key: int) -> Any:
        asked.append(key)
        return source_of(engine, key)

    monkeypatch.setattr(graph_reading, "source_of", noted)
    source = run.graph().source
    for _ in range(5):
        source.picture()
    assert len(asked) == 1
    assert (NO_PLAN in source.picture().strips) == (known == "nothing")


def test_a_quicker_activity_wins_the_race_that_the_recorded_source_tells_of(lab: wf.Lab) -> None:
    run_cell("""\
from datetime import timedelta
import wflab as wf

wfr = wf.WorkflowRuntime()

@wfr.activity
def ask_fast(ctx, item):
    return item

@wfr.activity
def ask_again(ctx, item):
    return item

@wfr.workflow
def quote(ctx, item):
    fast = ctx.call_activity(ask_fast, input=item)
    limit = ctx.create_timer(timedelta(hours=1))
    if (yield wf.when_any([fast, limit])) == fast:
        yield ctx.call_activity(ask_again, input=item)
""")
    run = lab.start("quote", "book")
    run.result(20)
    graph = run.graph()
    edges = {(edge.source.rpartition("/")[2], edge.kind) for edge in graph.source.picture().levels[3].edges}
    assert edges == {("activity ask_fast@3", "won"), ("timer @4", "lost"), ("race activity ask_fast@3 | timer @4", "flow")}


def test_a_page_that_asks_for_it_gets_the_places_anew(program: wf.Lab) -> None:
    run_cell("""\
import wflab as wf

wfr = wf.WorkflowRuntime()

@wfr.activity
def poll(ctx, number):
    return number

@wfr.activity
def rest(ctx, number):
    return number

@wfr.workflow
def twice(ctx, number):
    yield ctx.call_activity(poll, input=number)
    yield ctx.call_activity(rest, input=number)
    yield ctx.call_activity(poll, input=number)
""")
    run = program.start("twice", 1)
    run.result(20)
    source = run.graph().source
    poll = group(source, "poll").id
    assert source.picture().levels[3].places[poll][3] < 60
    assert ask(source, "tidy") is None
    assert source.picture().levels[3].places[poll][3] > 100
