"""The kernel of a notebook dies or is restarted; the next one loads wflab, runs the defining cell again, and everything goes on."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.kernel import PATIENCE_SECONDS, Kernel
from tests.lab.seed import PROGRAM

pytestmark = pytest.mark.faults

SLOW = """\
import os, time
import wflab as wf
from pathlib import Path

def note(line):
    file = os.open("ran", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, f"{line}\\n".encode())
    os.close(file)

wfr = wf.WorkflowRuntime()

@wfr.activity(name="first")
def first(ctx, _):
    note(f"first {ctx.task_execution_id}")
    return 1

@wfr.activity(name="second")
def second(ctx, _):
    note(f"second {ctx.task_execution_id}")
    while not Path("let go").exists():
        time.sleep(0.01)
    return 2

@wfr.workflow(name="slow")
def slow(ctx):
    one = yield ctx.call_activity(first)
    two = yield ctx.call_activity(second)
    return [one, two]
"""


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    with Kernel(tmp_path) as kernel:
        assert kernel.run("%load_ext wflab").printed == ""
        yield kernel


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_a_workflow_that_waits_for_approval_survives_its_kernel_and_is_approved_in_the_next(kernel: Kernel) -> None:
    kernel.run(PROGRAM)
    kernel.run(
        "run = lab.start(request_escalation, {'amount': 5000}, 'order-1'); done = lab.start(request_escalation, {'amount': 500}, 'order-2').result(30)"
    )
    before = kernel.pid
    kernel.kill()
    assert kernel.pid != before
    opened = kernel.run("%load_ext wflab")
    assert "1 workflow goes on from where it was. Run the cells that define request_escalation." in opened.printed
    why = kernel.run("lab.get('order-1').why()").text
    assert (
        "waits for a definition: workflow 'request_escalation' is not registered: run the cell that defines it. It also waits for the event"
        in why
    )
    assert kernel.run(PROGRAM).status == "ok"
    assert kernel.run("run = lab.get('last'); run.id").text == "'order-2'"
    assert kernel.run("run = lab.get('order-1'); run.approve(); run.result(30)").text == "'processed True'"
    assert kernel.run("lab.get('order-2').output").text == "'auto-approved'"
    types = kernel.run("print(*run.history().type)").printed.split()
    assert types.count("ExecutionStarted") == 1
    assert types.count("TaskCompleted") == 1
    assert types[-1] == "ExecutionCompleted"


def test_an_approval_given_before_the_definition_is_back_is_kept(kernel: Kernel) -> None:
    kernel.run(PROGRAM)
    kernel.run("lab.start(request_escalation, {'amount': 5000}, 'order-1').status")
    kernel.kill()
    kernel.run("%load_ext wflab")
    kernel.run("lab.get('order-1').raise_event('human_approval', 'by phone')")
    kernel.kill()
    kernel.run("%load_ext wflab")
    kernel.run(PROGRAM)
    assert kernel.run("lab.get('order-1').result(30)").text == "'processed by phone'"


def test_an_activity_that_was_under_way_runs_again_and_one_with_a_recorded_result_does_not(kernel: Kernel, tmp_path: Path) -> None:
    kernel.run(SLOW)
    kernel.run("run = lab.start(slow, instance_id='s')")
    ran = tmp_path / "ran"
    eventually(lambda: ran.exists() and "second" in ran.read_text())
    kernel.kill()
    kernel.run("%load_ext wflab")
    kernel.run(SLOW)
    eventually(lambda: ran.read_text().count("second") == 2)
    (tmp_path / "let go").touch()
    assert kernel.run("lab.get('s').result(30)").text == "[1, 2]"
    lines = ran.read_text().split("\n")[:-1]
    assert [line.split()[0] for line in lines] == ["first", "second", "second"]
    assert lines[1] == lines[2], "the idempotency key is the same after a crash"
    assert kernel.run("lab.get('s').history().type.value_counts().TaskCompleted").text == "np.int64(2)"


def test_percent_wf_crash_kills_this_very_kernel_and_nothing_recorded_is_lost(kernel: Kernel) -> None:
    kernel.run(PROGRAM)
    kernel.run("lab.start(request_escalation, {'amount': 5000}, 'order-1').status")
    kernel.begin("%wf crash --yes")
    eventually(lambda: not Path(f"/proc/{kernel.pid}").exists() or "Z (zombie)" in Path(f"/proc/{kernel.pid}/status").read_text())
    kernel.restart()
    kernel.run("%load_ext wflab")
    kernel.run(PROGRAM)
    kernel.run("%wf approve order-1")
    assert kernel.run("lab.get('order-1').result(30)").text == "'processed True'"


def test_a_restarted_kernel_runs_all_cells_again_and_goes_on(kernel: Kernel) -> None:
    kernel.run(PROGRAM)
    kernel.run("run = lab.start(request_escalation, {'amount': 5000}, 'order-1'); run")
    kernel.restart()
    assert "1 workflow goes on" in kernel.run("%load_ext wflab").printed
    shown = kernel.run(PROGRAM)
    assert (shown.status, shown.complained, shown.printed) == ("ok", "", "")
    again = kernel.run("run = lab.start(request_escalation, {'amount': 5000}, 'order-1')")
    assert again.mishap.startswith("InstanceAlreadyExists: The id 'order-1' is in use")
    assert kernel.run("run = lab.get('order-1'); run.approve(); run.result(30)").text == "'processed True'"
    assert kernel.run("lab.sql(\"select count(*) n from definitions where name = 'request_escalation'\").n[0]").text == "np.int64(1)"


def test_a_restart_does_not_wait_for_an_activity_that_is_busy(kernel: Kernel) -> None:
    kernel.run(SLOW)
    kernel.run("run = lab.start(slow, instance_id='s')")
    began = time.monotonic()
    kernel.restart()
    assert time.monotonic() - began < 10
    assert kernel.run("%load_ext wflab").mishap == ""


def test_killed_while_duckdb_is_behind_the_journal_nothing_is_lost(kernel: Kernel) -> None:
    """With the applier held back everything acknowledged is in the journal alone."""
    kernel.run("%unload_ext wflab")
    kernel.run(
        "from functools import partial; from wfengine.store import applier, store; store.Applier = partial(applier.Applier, linger_seconds=3600.0)"
    )
    kernel.run("%load_ext wflab")
    kernel.run(PROGRAM)
    kernel.run("for n in range(50): lab.start(request_escalation, {'amount': 5000}, f'order-{n}')")
    kernel.run("for n in range(0, 50, 2): lab.engine.raise_workflow_event(f'order-{n}', 'human_approval', data=n)")
    kernel.kill()
    opened = kernel.run("%load_ext wflab")
    assert "commits from the journal" in opened.printed
    kernel.run(PROGRAM)
    assert (
        kernel.run("[lab.get(f'order-{n}').result(30) for n in range(0, 50, 2)] == [f'processed {n}' for n in range(0, 50, 2)]").text
        == "True"
    )
    assert kernel.run("lab.runs.where(status='RUNNING').count()").text == "25"
