"""Recipes at work in a lab: what a trial tells while it goes on, what it refuses, and recipes of one's own."""

import queue
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import wflab as wf
from tests.lab.recipes.test_reading import FILE, written
from tests.lab.seed import run_cell
from wfengine.errors import InvalidArgument
from wflab import protocol
from wflab.display import displays, recipes_handle
from wflab.display.recipes_handle import RecipesHandle
from wflab.views.bundles import MIME

PATIENCE_S = 60.0


def asked(handle: RecipesHandle, what: str, **arguments: Any) -> Any:
    return handle.source.answer(protocol.Request(id="q", what=what, arguments=arguments))


def ended(handle: RecipesHandle, name: str) -> protocol.RecipeTrial:
    """The trial of a recipe once it is over, as a page that is told of changes would see it."""
    over = threading.Event()

    def look() -> None:
        if any(one.recipe == name and one.is_over for one in handle.source.picture().trials):
            over.set()

    stop = handle.source.listen(look)
    look()
    assert over.wait(PATIENCE_S)
    stop()
    return next(one for one in handle.source.picture().trials if one.recipe == name)


def test_a_page_is_told_of_a_run_until_its_evidence_is_there(lab: wf.Lab) -> None:
    handle = lab.recipes()
    assert asked(handle, "run", recipe="chaining", knobs={"FAILURES_BEFORE_SUCCESS": 1}) is None
    (first,) = handle.source.picture().trials
    assert {one.verdict for one in first.statements} <= {"pending", "pass"}
    trial = ended(handle, "chaining")
    assert (trial.status, trial.knobs["FAILURES_BEFORE_SUCCESS"]) == ("COMPLETED", 1)
    assert {one.verdict for one in trial.statements} == {"pass"}
    assert lab.get(trial.instance_id or "").name == trial.workflow == "weather_report"
    assert not handle.source.concerns({trial.instance_id or ""}), "what is over changes no more"


def test_what_the_code_prints_is_told_in_the_gallery(lab: wf.Lab, capsys: pytest.CaptureFixture[str]) -> None:
    trial = lab.recipes().run("async_api", PAGES=1, PAGE_SECONDS=0.05).wait(PATIENCE_S)
    assert trial.said[0].startswith("202 Accepted: /reports/")
    assert capsys.readouterr().out == ""


def test_a_run_from_a_cell_waits_for_its_end_and_gives_the_evidence(lab: wf.Lab) -> None:
    trial = lab.recipes().run("external", ANSWER="reject").wait(PATIENCE_S)
    evidence = trial.evidence().set_index("name")
    assert evidence.loc["the_answer_was_heard", "found"] == "it came to: declined"
    assert repr(trial).splitlines()[0] == "External system interaction: COMPLETED"
    assert isinstance(trial.run, wf.Run)
    with pytest.raises(TimeoutError, match="has not ended after 0 s"):
        lab.recipes().run("escalation").wait(0)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"recipe": "fan_out", "knobs": {}}, "did you mean 'fanout'"),
        ({"recipe": "fanout", "knobs": {"ITEMS": 0}}, "a whole number from 1 to 1000, not 0"),
        ({"recipe": "fanout", "knobs": {"SIZE": 3}}, "has no knob 'SIZE'"),
        ({"recipe": "fanout", "knobs": [1]}, "names and values"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_runs(lab: wf.Lab, arguments: dict[str, Any], told: str) -> None:
    handle = lab.recipes()
    with pytest.raises(InvalidArgument, match=told):
        asked(handle, "run", **arguments)
    assert handle.source.picture().trials == []
    assert lab.runs.count() == 0


def test_names_that_a_cell_has_defined_are_not_given_other_code(lab: wf.Lab) -> None:
    run_cell("import wflab as wf\n@wf.activity\ndef average_of(ctx, numbers):\n    return 'mine'\n")
    with pytest.raises(InvalidArgument, match="an activity 'average_of' of its own"):
        lab.recipes().run("chaining")
    found = lab.engine.registry.find("activity", "average_of")
    assert found is not None
    assert found(None, [1, 2]) == "mine"


def test_a_recipe_that_stands_in_a_cell_may_run_in_the_gallery_too(lab: wf.Lab) -> None:
    handle = lab.recipes()
    run: wf.Run = run_cell(handle.code("poison", ROWS=3, POISON_ROW=1), {"lab": lab})["run"]
    assert run.result(PATIENCE_S) == {"imported": [0, 2], "aside": [1]}
    assert handle.run("poison").wait(PATIENCE_S).status == "COMPLETED"


def test_a_gallery_of_a_lab_that_is_not_the_current_one_says_so(lab: wf.Lab, tmp_path: Path) -> None:
    handle = lab.recipes()
    with wf.Lab(tmp_path / "other.duckdb"), pytest.raises(InvalidArgument, match="runs in the current lab"):
        handle.run("chaining")


def test_the_code_with_knobs_is_the_same_in_the_page_in_python_and_in_a_new_cell(lab: wf.Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    cells: list[tuple[str, bool]] = []
    shell = SimpleNamespace(set_next_input=lambda code, *, replace: cells.append((code, replace)))
    monkeypatch.setattr(recipes_handle, "get_ipython", lambda: shell)
    handle = lab.recipes()
    code = asked(handle, "source", recipe="fanout", knobs={"ITEMS": 100})
    assert code == handle.code("fanout", ITEMS=100) == handle.insert("fanout", ITEMS=100)
    assert cells == [(code, False)]
    assert "\nITEMS = 100\n" in code
    monkeypatch.setattr(recipes_handle, "get_ipython", lambda: None)
    with pytest.raises(InvalidArgument, match="no notebook to insert into"):
        handle.insert("fanout")


def test_recipes_of_ones_own_run_beside_ours(lab: wf.Lab, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    written(folder, FILE)
    handle = wf.recipes(folder=folder)
    card = handle.source.picture().recipes[-1]
    assert (card.id, card.experimental, card.origin) == ("greeting", "", str(folder / "greeting.py"))
    assert set(handle.run("greeting", NAME="Bob").wait(PATIENCE_S).evidence()["verdict"]) == {"pass"}
    assert handle.run("greeting", failure=True).wait(PATIENCE_S).status == "FAILED"
    assert handle.df().loc["greeting", "knobs"] == {"NAME": "Ada", "TIMES": 2}
    assert "## Greeting" in handle.markdown()
    assert lab.recipes("greeting", folder=folder, TIMES=3).source.picture().opened_knobs == {"NAME": "Ada", "TIMES": 3}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('ends = "COMPLETED"', 'ends = "FAILED"', "it ended COMPLETED, and declares FAILED"),
        ("TIMES = 2\n", "TIMES = 2\nraise RuntimeError('not today')\n", "RuntimeError: not today"),
        ("    yield\n", "    yield ctx.wait_for_external_event('never')\n", ""),
    ],
)
def test_one_whose_rehearsal_fails_is_experimental_and_says_why(lab: wf.Lab, tmp_path: Path, old: str, new: str, told: str) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    written(folder, FILE.replace(old, new, 1).replace('    return f"hello {name}"\n' if not told else "\x00", ""))
    card = lab.recipes(folder=folder).source.picture().recipes[-1]
    assert card.experimental
    assert told in card.experimental


def test_code_that_raises_is_told_and_ends_the_trial(lab: wf.Lab, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    written(folder, FILE.replace("run = lab.start(greeting, NAME)", "run = lab.start('nobody', NAME)"))
    trial = lab.recipes(folder=folder).run("greeting").wait(PATIENCE_S)
    assert "nobody" in trial.error
    assert set(trial.evidence()["verdict"]) == {"pending"}


def test_a_check_that_raises_has_failed_and_the_others_are_told(lab: wf.Lab, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    written(folder, FILE + '\ndef second(run):\n    """it adds up"""\n    return 1 / 0, ""\n')
    evidence = lab.recipes(folder=folder).run("greeting").wait(PATIENCE_S).evidence().set_index("name")
    assert evidence.loc["they_were_greeted", "verdict"] == "pass"
    assert evidence.loc["second", "verdict"] == "fail"
    assert "ZeroDivisionError" in str(evidence.loc["second", "found"])


def test_the_view_of_a_run_takes_the_gallerys_place_where_no_page_can_open_it_beside(lab: wf.Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    updates: queue.Queue[dict[str, Any]] = queue.Queue()
    place = SimpleNamespace(update=lambda data, **_: updates.put(data))
    monkeypatch.setattr(displays, "display", lambda *_, **__: place)
    handle = lab.recipes()
    lab.displays.show(handle.source)
    (view,) = lab.displays._live
    trial = handle.run("children").wait(PATIENCE_S)
    lab.displays._hear(view, protocol.Switch(view="timeline", instance_id=trial.run.id))
    shown = updates.get(timeout=PATIENCE_S)
    assert (shown[MIME]["view"], shown[MIME]["picture"]["name"]) == ("timeline", "close_month")
    assert view not in lab.displays._live
    assert handle.source.trials._listeners == [], "nobody hears of the gallery that is gone"


def test_closing_the_lab_ends_a_trial_that_waits(tmp_path: Path) -> None:
    with wf.Lab(tmp_path / "closed.duckdb") as lab:
        trial = lab.recipes().run("external", ANSWER="nobody", DEADLINE_SECONDS=3600)
    trial.wait(PATIENCE_S)
    assert trial.status != "COMPLETED"
