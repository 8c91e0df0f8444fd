"""A cell that changes a workflow says at once how its recorded histories take that."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import wflab as wf
from tests.lab.checking.test_check import ORDER, RENAMED, WITHIN_SECONDS, until_it_asks
from tests.waiting import eventually
from wflab.checking import on_edit

Run = Callable[[str], str]


@pytest.fixture
def cell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run a cell in a shell with a lab, and give what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "wflab")

    def run(source: str) -> str:
        capsys.readouterr()
        shell.run_cell(source).raise_error()
        return capsys.readouterr().out.strip()

    yield run
    wf.unload_ipython_extension(shell)
    if shell.history_manager is not None:
        shell.history_manager.end_session()
    InteractiveShell.clear_instance()


def recorded(count: int = 3) -> None:
    lab = wf.current_lab()
    for number in range(count):
        lab.start("order", number, f"order-{number}")
        until_it_asks(lab, f"order-{number}")


def test_a_cell_that_defines_a_workflow_anew_or_unchanged_says_nothing(cell: Run) -> None:
    assert cell(ORDER) == ""
    assert cell(ORDER.replace(*RENAMED)) == "", "nothing is recorded yet"
    assert cell(ORDER) == ""
    recorded()
    assert cell(ORDER) == ""


def test_a_changed_comment_is_told_to_leave_nothing_incompatible(cell: Run) -> None:
    cell(ORDER)
    recorded()
    said = cell(ORDER.replace("    shipped =", "    # the last step\n    shipped ="))
    assert said == "order: 3 recorded histories replayed on this code: all agree, 0 incompatible."


def test_a_renamed_call_is_told_with_place_and_count(cell: Run) -> None:
    cell(ORDER)
    recorded()
    said = cell(ORDER.replace(*RENAMED))
    assert said == (
        "order: 3 recorded histories replayed on this code: 0 agree, 3 incompatible.\n"
        "  3 x at action 0 recorded is call_activity('charge'), now call_activity('charge_card') (line 15 of order); 3 still open\n"
        "lab.check('order') tells which, and what would mend it."
    )
    assert not re.search(r"order-\d", said), "no ids in a cell's output"


def test_code_that_was_changed_between_two_kernels_is_checked_where_it_is_first_defined(cell: Run) -> None:
    cell(ORDER)
    recorded()
    cell("%unload_ext wflab")
    assert cell("%load_ext wflab").startswith("3 workflows go on")
    assert cell(ORDER) == ""
    cell("%unload_ext wflab")
    cell("%load_ext wflab")
    assert "3 incompatible" in cell(ORDER.replace(*RENAMED))


def test_it_can_be_switched_off(cell: Run) -> None:
    cell(ORDER)
    recorded()
    cell("lab.check_on_edit = False")
    assert cell(ORDER.replace(*RENAMED)) == ""


def test_outside_of_a_notebook_nothing_is_said(lab: wf.Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert not InteractiveShell.initialized()

    def flow(ctx: wf.WorkflowContext, _: Any) -> Any:
        yield ctx.wait_for_external_event("go")

    wfr = wf.WorkflowRuntime(lab=lab)
    wfr.register_workflow(flow)
    lab.start(flow, instance_id="one")
    lab.engine.wait_for_workflow_start("one", WITHIN_SECONDS)

    def other(ctx: wf.WorkflowContext, _: Any) -> Any:
        yield ctx.call_activity("x")

    wfr.register_workflow(other, name="flow")
    assert capsys.readouterr().out == ""


class Shown:
    """What takes the place of a display: the texts that it showed, one after the other."""

    def __init__(self, text: object, **_: Any) -> None:
        self.texts = [repr(text)]

    def update(self, text: object) -> None:
        self.texts.append(repr(text))


def test_what_takes_longer_goes_on_in_the_background_and_the_line_is_exchanged(cell: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    cell(ORDER)
    recorded()
    shown: list[Shown] = []

    def show(text: object, **options: Any) -> Shown:
        shown.append(Shown(text, **options))
        return shown[-1]

    monkeypatch.setattr(on_edit, "display", show)
    monkeypatch.setattr(on_edit, "_AT_A_TIME", 1)
    lab = wf.current_lab()
    definition = lab.engine.registry.find("workflow", "order")
    assert definition is not None
    on_edit.check_on_edit(lab.engine, definition, "other", most_seconds=0.0)
    if shown:  # the check may be done before anybody could look
        eventually(lambda: len(shown[0].texts) == 2)
        assert "of 3 recorded histories" in shown[0].texts[0]
        assert shown[0].texts[1] == "order: 3 recorded histories replayed on this code: all agree, 0 incompatible."
