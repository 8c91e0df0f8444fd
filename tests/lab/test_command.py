"""A33: the verbs of `dapr workflow` in a shell, on a lab's file."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import wflab as wf
from wflab.__main__ import main

pytestmark = pytest.mark.slow

ORDERS = """
import wflab as wf

@wf.workflow
def order(ctx: wf.WorkflowContext, amount: int):
    return (yield ctx.call_activity(pay, input=amount))

@wf.workflow
def waits(ctx: wf.WorkflowContext, _):
    return (yield ctx.wait_for_external_event("go"))

@wf.activity
def pay(_ctx, amount: int):
    if amount < 0:
        raise ValueError("nothing to pay")
    return f"paid {amount}"
"""


def wflab(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "wflab", *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "orders.py").write_text(ORDERS)
    return tmp_path


@pytest.fixture
def waiting(tmp_path: Path) -> str:
    """A lab's file with an instance that waits, and whose code is not here."""
    path = tmp_path / "wflab.duckdb"
    with wf.Lab(path) as lab:

        @wf.WorkflowRuntime(lab=lab).workflow
        def waits(ctx: wf.WorkflowContext, _: object) -> object:
            return (yield ctx.wait_for_external_event("go"))

        lab.start(waits, instance_id="w-1")
        lab.engine.wait_for_workflow_start("w-1", 20)
    return str(path)


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(arguments) == 0
    return capsys.readouterr().out.strip()


def test_a33_run_starts_a_workflow_of_a_module_and_prints_its_result(folder: Path) -> None:
    ended = wflab(folder, "run", "orders:order", "--input", "5", "--instance-id", "o-1")
    assert (ended.returncode, ended.stdout.strip()) == (0, '"paid 5"'), ended.stderr
    listed = json.loads(wflab(folder, "list", "--filter-status", "completed", "-o", "json").stdout)
    assert [(one["instance_id"], one["name"]) for one in listed] == [("o-1", "order")]


def test_a33_list_filters_by_name_status_and_age(waiting: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "w-1" in answer(
        capsys, "--db", waiting, "list", "--filter-name", "waits", "--filter-status", "RUNNING", "--filter-max-age", "1h"
    )
    assert answer(capsys, "--db", waiting, "list", "--filter-name", "order") == "none"


def test_a33_suspend_resume_raise_event_terminate_history_and_purge_act_on_the_file(
    waiting: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for verb, status in (("suspend", "SUSPENDED"), ("resume", "RUNNING")):
        answer(capsys, "--db", waiting, verb, "w-1")
        assert status in answer(capsys, "--db", waiting, "list")
    answer(capsys, "--db", waiting, "raise-event", "last", "go", "--data", '{"by": "ann"}')
    events = json.loads(answer(capsys, "--db", waiting, "history", "w-1", "-o", "json"))
    assert [event["type"] for event in events][-1] == "EventRaised"
    answer(capsys, "--db", waiting, "terminate", "w-1", "--output", "1")
    assert "TERMINATED" in answer(capsys, "--db", waiting, "list", "-o", "wide")
    answer(capsys, "--db", waiting, "purge", "w-1")
    assert answer(capsys, "--db", waiting, "list") == "none"


def test_a33_rerun_makes_a_new_instance_of_an_ended_one(folder: Path) -> None:
    failed = wflab(folder, "run", "orders:order", "--input", "-1", "--instance-id", "o-1")
    assert failed.returncode == 1
    assert "nothing to pay" in failed.stderr
    assert wflab(folder, "rerun", "o-1", "0", "--new-instance-id", "o-2").stdout.strip() == "o-2"
    assert "o-2" in wflab(folder, "list").stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["run", "nothing:at_all"], "'nothing' cannot be imported"),
        (["run", "json"], "write module:function"),
        (["history", "nobody"], "InstanceNotFound"),
        (["raise-event", "w-1", "go", "--data", "{"], "is not JSON"),
    ],
)
def test_a33_what_cannot_be_done_is_one_line_that_says_why(
    waiting: str, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--db", waiting, *arguments]) == 1
    error = capsys.readouterr().err
    assert told in error
    assert len(error.splitlines()) == 1


@pytest.fixture
def ordered(folder: Path) -> Path:
    """A lab's file with what the module's code has recorded."""
    assert wflab(folder, "run", "orders:order", "--input", "7").returncode == 0
    return folder


def test_check_exits_with_0_where_all_agree_and_neither_runs_nor_changes_anything(ordered: Path) -> None:
    file = ordered / "wflab.duckdb"
    before = file.read_bytes()
    done = wflab(ordered, "check", "--db", "wflab.duckdb", "orders:order")
    assert (done.returncode, done.stdout.strip()) == (0, "order: 1 recorded history replayed on this code: it agrees, 0 incompatible.")
    assert file.read_bytes() == before


def test_check_exits_with_1_where_one_does_not_agree(ordered: Path) -> None:
    (ordered / "orders.py").write_text(ORDERS.replace("call_activity(pay", 'call_activity("refund"'))
    done = wflab(ordered, "check", "--db", "wflab.duckdb", "orders:order", "--json")
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert (told["replayed"], told["agree"], told["disagree"]) == (1, 0, 1)
    assert told["disagreements"][0]["recorded"] == "call_activity('pay')"
    assert told["disagreements"][0]["line"] == "line 6 of order"


def test_check_exits_with_2_where_nothing_can_be_checked(ordered: Path) -> None:
    for words, said in (
        (("--db", "nothing.duckdb", "orders:order"), "There is no lab's file"),
        (("--db", "wflab.duckdb", "orders:nobody"), "names no workflow"),
        (("--db", "wflab.duckdb", "orders:order", "--limit", "0"), "limit is how many"),
        ((), "required"),
    ):
        done = wflab(ordered, "check", *words)
        assert done.returncode == 2, done
        assert said in done.stderr
    with wf.Lab(ordered / "wflab.duckdb"):
        done = wflab(ordered, "check", "--db", "wflab.duckdb", "orders:order")
    assert done.returncode == 2
    assert "is in use by" in done.stderr
