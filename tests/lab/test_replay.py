"""`run.replay()`: a recorded run step by step, without an activity run or the live run touched."""

import json
import linecache
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

import wflab as wf
from tests.waiting import eventually
from wfengine.errors import InvalidArgument
from wfengine.model.history import EventRaised
from wflab import protocol

RAN: list[str] = []
RETRY = wf.RetryPolicy(first_retry_interval=timedelta(milliseconds=5), max_number_of_attempts=3)
TRIES = 0


def reserve(_ctx: Any, _order: Any) -> str:
    RAN.append("reserve")
    return "rsv-991"


def charge_card(_ctx: Any, total: int) -> dict[str, Any]:
    global TRIES  # noqa: PLW0603  # it fails twice
    RAN.append("charge_card")
    TRIES += 1
    if TRIES % 3:
        raise ValueError("declined")
    return {"id": "p-3", "amount": total}


def ship(_ctx: Any, _what: Any) -> str:
    RAN.append("ship")
    return "shipped"


def order(ctx: Any, o: dict[str, Any]) -> Any:
    inv = yield ctx.call_activity("reserve", input=o)
    pay = yield ctx.call_activity("charge_card", input=o["total"], retry_policy=RETRY)
    ok = yield ctx.wait_for_external_event("approval")
    del inv
    done = yield ctx.call_activity("ship", input=[pay, ok])
    return {"done": done}


@pytest.fixture
def started(lab: wf.Lab) -> wf.Run:
    for activity in (reserve, charge_card, ship):
        lab.engine.register_activity(activity)
    lab.engine.register_workflow(order)
    RAN.clear()
    run = lab.start("order", {"id": "A17", "total": 1800})
    eventually(lambda: "approval" in run.why())
    return run


@pytest.fixture
def ended(started: wf.Run) -> wf.Run:
    started.approve()
    started.result(30)
    return started


def asked(run_replay: Any, what: str, **arguments: Any) -> Any:
    return run_replay.source.answer(protocol.Request(id="1", what=what, arguments=arguments))


def test_the_steps_of_a_run_and_the_variables_at_each(ended: wf.Run) -> None:
    ran = list(RAN)
    replay = ended.replay()
    steps = replay.steps()
    assert list(steps["event"]) == [
        "started",
        "reserve completed",
        "charge_card failed: ValueError: declined",
        "charge_card (attempt 2) failed: ValueError: declined",
        "charge_card (attempt 3) completed",
        "event approval raised",
        "ship completed",
    ]
    assert list(steps["changed"])[1:] == [["inv"], [], [], ["pay"], ["ok", "inv"], ["done"]]
    assert replay.locals(5) == {"o": "{'id': 'A17', 'total': 1800}", "inv": "'rsv-991'", "pay": "{'id': 'p-3', 'amount': 1800}"}
    assert replay.locals(-1)["done"] == "'shipped'"
    lines = (ended.source() or "").splitlines()
    assert lines[steps["line"][4] - 1].strip().startswith("pay = yield")
    assert ran == RAN
    with pytest.raises(InvalidArgument, match="There is no step 99"):
        replay.locals(99)


def test_a_run_that_goes_on_is_followed_and_not_touched(started: wf.Run) -> None:
    replay = started.replay()
    before = started.history()
    assert len(replay.steps()) == 5
    assert replay.step(5).open[0].name == "approval"
    assert started.history().equals(before)
    started.approve()
    assert started.result(30) == {"done": "shipped"}
    assert len(replay.steps()) == 7
    assert RAN.count("ship") == 1


def test_where_a_value_came_from(ended: wf.Run) -> None:
    replay = ended.replay()
    assert replay.explain("pay", step=5) == "pay <- result of charge_card attempt 3 (step 5) <- args o['total'] <- workflow input"
    assert replay.explain("ok") == f"ok <- event approval raised by {_who(ended)} (step 6)"
    with pytest.raises(InvalidArgument, match=r"No variable 'pay' at step 2\. There: ctx, o, inv"):
        replay.explain("pay", step=2)


def _who(run: wf.Run) -> str:
    return str(next(row.event.raised_by for row in run._lab.engine.history(run.id) if isinstance(row.event, EventRaised)))


def test_breakpoints_by_expression_and_by_line(ended: wf.Run) -> None:
    replay = ended.replay()
    assert replay.hits("pay['amount'] > 10") == [5, 6, 7]
    assert replay.hits("pay['amount'] > 1e6") == []
    assert replay.hits(line=2) == [1, 2]
    assert asked(replay, "hits", text="ok") == {"steps": [6, 7]}
    with pytest.raises(InvalidArgument, match="no expression"):
        replay.hits("pay >")


def test_other_code_shows_where_it_and_history_part(ended: wf.Run) -> None:
    def edited(ctx: Any, o: dict[str, Any]) -> Any:
        inv = yield ctx.call_activity("reserve", input=o)
        yield ctx.create_timer(timedelta(seconds=1))
        return inv

    assert ended.replay(code=order).divergence is None
    parted = ended.replay(code=edited)
    found = parted.divergence
    assert found is not None
    assert (found.expected, found.produced, found.line) == ("call_activity('charge_card')", "create_timer", 3)
    assert found.source_line == "yield ctx.create_timer(timedelta(seconds=1))"
    assert ended.history().loc[found.seq, "type"] == "TaskScheduled"
    assert "create_timer" in found.edit
    assert 'ctx.is_patched("' in found.recipe
    picture = parted.source.picture()
    assert picture.outcomes == "SC" + "X" * (picture.steps_total - 2)
    assert "data-wf-divergence" in parted.html()
    with pytest.raises(InvalidArgument, match="code is a workflow function"):
        ended.replay(code=17)  # type: ignore[arg-type]  # the mistake


def test_each_event_knows_the_source_that_ran_though_the_cell_was_edited(lab: wf.Lab, ended: wf.Run) -> None:
    first = ended.source()

    def order(ctx: Any, o: dict[str, Any]) -> Any:
        inv = yield ctx.call_activity("reserve", input=o)
        return inv

    def reserve(_ctx: Any, _order: Any) -> str:
        return "rsv-992"

    lab.engine.register_workflow(order)
    lab.engine.register_activity(reserve)
    newer = lab.start("order", {"total": 1})
    assert newer.result(30) == "rsv-992"
    assert newer.replay().sources()["activity_source"].iloc[-2].strip().endswith('return "rsv-992"')
    replay = ended.replay()
    told = replay.sources()
    assert list(told["source"]) == [first] * len(ended.history())
    assert list(newer.replay().sources()["source"].unique()) == [newer.source()] != [first]
    activities = told.dropna(subset=["activity_source"])
    assert {
        name: text.strip().splitlines()[-1].strip() for name, text in zip(activities["name"], activities["activity_source"], strict=True)
    } == {
        "reserve": 'return "rsv-991"',
        "charge_card": 'return {"id": "p-3", "amount": total}',
        "ship": 'return "shipped"',
    }
    (banner,) = replay.source.picture().banners
    assert "was edited since" in banner
    assert "-    pay = yield" in replay.source.picture().diff
    assert replay.locals(5)["pay"] == "{'id': 'p-3', 'amount': 1800}"


def vanishing(text: str) -> Any:
    """A function that no module has, as of a kernel that is gone."""
    linecache.cache["<gone>"] = (len(text), None, text.splitlines(keepends=True), "<gone>")
    scope: dict[str, Any] = {"__name__": "gone"}
    exec(compile(text, "<gone>", "exec"), scope)  # noqa: S102  # the text is above
    return scope["short"]


def test_code_that_is_not_in_memory_is_not_run_unless_somebody_says_so(tmp_path: Path) -> None:
    with wf.Lab(tmp_path / "a.duckdb") as lab:
        lab.engine.register_activity(reserve)
        short = vanishing("def short(ctx, o):\n    got = yield ctx.call_activity('reserve', input=o)\n    return got\n")
        lab.engine.register_workflow(short)
        run_id = lab.start("short", 1).id
        lab.get(run_id).result(30)
    with wf.Lab(tmp_path / "a.duckdb") as lab:
        run = lab.get(run_id)
        replay = run.replay()
        assert "is not in memory" in replay.source.picture().banners[0]
        assert "run.replay(source=True)" in replay.source.picture().banners[0]
        assert replay.source.picture().level == "events"
        assert list(replay.steps()["event"]) == ["started", "reserve completed"]
        assert replay.locals(2) == {}
        assert "def short" in replay.source.picture().sources[0].text
        with pytest.raises(InvalidArgument, match="no expression can be looked at"):
            replay.hits("got")
        recorded = run.replay(source=True)
        assert recorded.locals(2) == {"o": "1", "got": "'rsv-991'"}
        assert "as you said" in recorded.source.picture().banners[0]


def pytest_of(path: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # ours are none of its business, and take seconds to load
    )


def defined_in(module: str) -> Any:
    return FunctionType(order.__code__, {**globals(), "__name__": module}, "order")


@pytest.mark.slow
def test_an_exported_test_passes_and_fails_once_the_code_is_changed(ended: wf.Run, tmp_path: Path) -> None:
    path = ended.replay(code=defined_in("__main__")).export_test(tmp_path / "test_order.py")  # as a notebook's
    text = path.read_text()
    assert "RETRY" in text
    calls, output = tmp_path / "test_calls.py", tmp_path / "test_output.py"
    calls.write_text(text.replace('ctx.call_activity("charge_card"', 'ctx.call_activity("charge"'))
    output.write_text(text.replace('return {"done": done}', 'return {"done": 2}'))
    good = pytest_of(path)
    assert "1 passed" in good.stdout, good.stdout
    assert "NonDeterminismError" in pytest_of(calls).stdout
    assert "assert {'done': 2} == {'done': 'shipped'}" in pytest_of(output).stdout
    with pytest.raises(InvalidArgument, match="is a Python file"):
        ended.replay().export_test(tmp_path / "order.txt")


def test_a_workflow_of_a_module_is_imported_by_its_test(ended: wf.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "orders", ModuleType("orders"))
    sys.modules["orders"].order = order  # type: ignore[attr-defined]
    text = ended.replay(code=defined_in("orders")).export_test(tmp_path / "test_order.py").read_text()
    assert "from orders import order" in text
    assert "def order" not in text


def test_the_page_asks_for_steps_and_is_told_what_a_fork_means(ended: wf.Run) -> None:
    replay = ended.replay()
    details = asked(replay, "steps", first=2, last=3)
    assert [step["number"] for step in details["steps"]] == [2, 3]
    plan = asked(replay, "fork_plan", step=5)
    assert plan["reused"] == ["reserve", "charge_card", "charge_card (attempt 2)", "charge_card (attempt 3)"]
    assert plan["again"] == ["ship"]
    assert json.loads(plan["payload"]) == {"id": "p-3", "amount": 1800}
    assert asked(replay, "fork_plan", step=4)["payload"] is None
    with pytest.raises(InvalidArgument, match="There is no step 9"):
        asked(replay, "fork_plan", step=9)


def test_a_fork_from_the_page_shares_what_was_done_and_takes_the_edited_result(lab: wf.Lab, ended: wf.Run) -> None:
    replay = ended.replay()
    recorded = ended.history()
    RAN.clear()
    forked = lab.get(asked(replay, "fork", step=5, edit='{"id": "p-4", "amount": 7}')["instance_id"])
    eventually(lambda: "approval" in forked.why())
    forked.approve()
    assert forked.result(30) == {"done": "shipped"}
    assert RAN == ["ship"]
    assert forked.replay().locals(-1)["pay"] == "{'id': 'p-4', 'amount': 7}"
    assert ended.history().equals(recorded)
    assert f"fork of {ended.id} at event 12" in list(lab.sql("SELECT what FROM audit").what)
    with pytest.raises(InvalidArgument, match="no result that could be edited"):
        asked(replay, "fork", step=3, edit="1")
    with pytest.raises(InvalidArgument, match="must be JSON"):
        asked(replay, "fork", step=5, edit="{")


def test_the_page_is_told_what_it_cannot_ask(ended: wf.Run) -> None:
    replay = ended.replay()
    with pytest.raises(InvalidArgument, match="no answer"):
        asked(replay, "dance")


def test_notes_stand_by_their_steps_and_in_every_replay_of_the_run(lab: wf.Lab, ended: wf.Run) -> None:
    replay = ended.replay()
    replay.note(5, "  charged *once*?  ")
    second = replay.note(3, "declined\nagain")
    notes = ended.replay(code=order).notes
    assert list(notes["step"]) == [3, 5]
    assert list(notes["text"]) == ["declined\nagain", "charged *once*?"]
    assert list(notes["event"]) == ["charge_card failed: ValueError: declined", "charge_card (attempt 3) completed"]
    assert list(notes["line"]) == [3, 3]
    assert str(notes["at"].dtype).endswith("UTC]")
    assert list(ended.history().loc[notes["sequence"], "type"]) == ["TaskFailed", "TaskCompleted"]
    replay.remove_note(second)
    assert list(replay.notes["step"]) == [5]
    told = lab.sql("SELECT what, why, from_where FROM audit WHERE what LIKE '%note%' ORDER BY position")
    assert [what.split()[0] for what in told.what] == ["note_step", "note_step", "remove_note"]
    assert list(told.from_where) == ["run"] * 3
    assert "note at step 5: charged *once*?" in replay.text()
    assert "charged *once*?" in replay.html()


def test_a_note_needs_a_step_and_a_text_of_bearable_length(ended: wf.Run) -> None:
    replay = ended.replay()
    with pytest.raises(InvalidArgument, match="There is no step 9"):
        replay.note(9, "what")
    with pytest.raises(InvalidArgument, match="The note is empty"):
        replay.note(1, " \n")
    with pytest.raises(InvalidArgument, match=r"2,001 characters, and 2,000 is the most"):
        replay.note(1, "x" * 2001)
    with pytest.raises(InvalidArgument, match="no note 'n0'"):
        replay.remove_note("n0")
    assert replay.notes.empty
    replay.note(1, "half a \ud83d and a \0")
    assert list(replay.notes["text"]) == ["half a ? and a \0"]


def test_notes_outlive_the_lab(tmp_path: Path) -> None:
    with wf.Lab(tmp_path / "a.duckdb") as lab:
        lab.engine.register_activity(reserve)
        lab.engine.register_workflow(
            vanishing("def short(ctx, o):\n    got = yield ctx.call_activity('reserve', input=o)\n    return got\n")
        )
        run = lab.start("short", 1)
        run.result(30)
        run.replay().note(-1, "seen")
    with wf.Lab(tmp_path / "a.duckdb") as lab:
        (note,) = lab.get(run.id).replay().source.picture().notes
        assert (note.step, note.event, note.text) == (2, "reserve completed", "seen")


def test_the_page_writes_notes_and_takes_them_away(ended: wf.Run) -> None:
    replay = ended.replay()
    assert replay.source.picture().notes == []
    (note,) = asked(replay, "note", step=2, text="<b>here</b>")["notes"]
    assert (note["step"], note["text"], note["event"]) == (2, "<b>here</b>", "reserve completed")
    assert [one.id for one in replay.source.picture().notes] == [note["id"]]
    assert asked(replay, "remove_note", id=note["id"]) == {"notes": []}
    assert replay.source.picture().notes == []
    with pytest.raises(InvalidArgument, match="number of a step"):
        asked(replay, "note", step="2", text="x")


def test_a_step_names_the_call_whose_end_it_took_up_and_the_call_its_step(lab: wf.Lab, ended: wf.Run) -> None:
    replay = ended.replay()
    spans = ended.spans()
    calls = {step.number: step.call for step in replay.source.picture().details.steps}
    names = {number: None if call is None else spans.loc[spans["span_id"] == call.span_id, "name"].item() for number, call in calls.items()}
    assert names == {1: None, 2: "reserve", 3: "charge_card", 4: "charge_card", 5: "charge_card", 6: "approval", 7: "ship"}
    assert [call.attempt for call in calls.values() if call is not None] == [1, 1, 2, 3, None, 1]
    for number, call in calls.items():
        if call is not None:
            assert asked(replay, "step_of", span_id=call.span_id, attempt=call.attempt) == {"step": number}
            assert call.group == spans.loc[spans["span_id"] == call.span_id, "group_key"].item()
    charge = calls[3]
    assert charge is not None
    assert asked(replay, "step_of", span_id=charge.span_id) == {"step": 5}
    assert asked(replay, "step_of", group=charge.group) == {"step": 5}
    assert asked(replay, "step_of", span_id="nobody") == {"step": None}
    assert asked(replay, "step_of") == {"step": None}
    lab.focus.set(ended.id, group=charge.group, span_id=charge.span_id)
    assert list(lab.focus.df()["attempt"]) == [1, 2, 3]
    lab.focus.set(ended.id, span_id=charge.span_id, attempt=2)
    assert list(lab.focus.df()["attempt"]) == [2]


def test_of_steps_that_are_too_large_to_be_sent_the_one_that_is_looked_at_comes(lab: wf.Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def many(ctx: Any, _given: Any) -> Any:
        kept: list[str] = []
        for place in range(10):
            got = yield ctx.call_activity("long", input=place)
            kept = [*kept, got]
        return len(kept)

    def long(_ctx: Any, place: int) -> str:
        return str(place) * 3000

    lab.engine.register_workflow(many)
    lab.engine.register_activity(long)
    run = lab.start("many")
    run.result(30)
    replay = run.replay()
    monkeypatch.setattr("wflab.display.replay_source._LARGEST_REPLY", 100)
    assert [step["number"] for step in asked(replay, "steps", first=1, last=9, at=6)["steps"]] == [6]
    assert [step["number"] for step in asked(replay, "steps", first=1, last=9)["steps"]] == [1]
