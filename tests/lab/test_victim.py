"""`%%victim`: a cell in a real child kernel that may be killed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.lab.kernel import Kernel
from tests.lab.seed import PROGRAM

pytestmark = pytest.mark.notebook


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with Kernel(tmp_path_factory.mktemp("bench")) as kernel:
        kernel.run("import os; os.environ['WFLAB_DB'] = 'parent.duckdb'")
        assert kernel.run("%load_ext wflab").mishap == ""
        kernel.run("os.environ['WFLAB_DB'] = 'child.duckdb'")
        yield kernel


def victim(kernel: Kernel, code: str) -> Any:
    return kernel.run(f"%%victim\n{code}")


def test_the_output_of_the_child_is_the_output_of_the_cell(kernel: Kernel) -> None:
    shown = victim(kernel, "import os, sys\nprint('hello')\nprint('oops', file=sys.stderr)\nos.getpid()")
    assert shown.printed.replace("oops\n", "") == "hello\n"
    assert int(shown.text) != kernel.pid


def test_names_stay_from_one_victim_cell_to_the_next(kernel: Kernel) -> None:
    victim(kernel, "kept = 42")
    assert victim(kernel, "kept").text == "42"
    assert kernel.run("'kept' in globals()").text == "False"


def test_an_error_in_the_child_is_one_line(kernel: Kernel) -> None:
    shown = victim(kernel, "print('before')\n1 / 0")
    assert (shown.status, shown.printed) == ("error", "before\n")
    assert shown.mishap == "InvalidArgument: in the child kernel: ZeroDivisionError: division by zero"
    assert victim(kernel, "1 + 1").text == "2", "the cell after it is not confused by what was left"


def test_arguments_are_refused(kernel: Kernel) -> None:
    assert kernel.run("%%victim now\n1").mishap == "UsageError: %%victim takes no arguments; the code goes into the lines below it."


def test_killed_in_the_middle_nothing_recorded_is_lost(kernel: Kernel) -> None:
    assert victim(kernel, "%load_ext wflab").mishap == ""
    assert victim(kernel, PROGRAM).mishap == ""
    victim(kernel, "run = lab.start(request_escalation, {'amount': 5000}, 'order-1')")
    before = int(victim(kernel, "import os; os.getpid()").text)
    assert kernel.run("%wf crash").printed == "killed -9\n"
    assert not Path(f"/proc/{before}").exists()
    assert kernel.run("%wf crash").mishap.startswith("UsageError: There is no %%victim kernel to kill.")
    assert "1 workflow goes on from where it was." in victim(kernel, "%load_ext wflab").printed
    victim(kernel, PROGRAM)
    assert victim(kernel, "run = lab.get('order-1'); run.approve(); run.result(30)").text == "'processed True'"
    assert kernel.run("lab.path.name, lab.status").text == "('parent.duckdb', 'running on parent.duckdb')"


def test_a_cell_that_kills_its_own_kernel_is_told_of(kernel: Kernel) -> None:
    shown = victim(kernel, "import os, signal\nprint('last words', flush=True)\nos.kill(os.getpid(), signal.SIGKILL)")
    assert shown.printed.endswith("The child kernel was killed. The next %%victim cell starts a new one.\n")
    assert shown.status == "ok"
    assert victim(kernel, "6 * 7").text == "42"


def test_ctrl_c_interrupts_the_child_and_not_more(kernel: Kernel) -> None:
    victim(kernel, "kept = 7")
    request = kernel.begin("%%victim\nprint('here', flush=True)\nimport threading\nthreading.Event().wait()")
    kernel.said(request, "here")
    shown = kernel.stop(request)
    assert "KeyboardInterrupt" in shown.mishap
    assert victim(kernel, "kept").text == "7"


def test_unloading_leaves_no_child_behind(kernel: Kernel) -> None:
    child = int(victim(kernel, "import os; os.getpid()").text)
    kernel.run("%unload_ext wflab")
    assert not Path(f"/proc/{child}").exists()
    kernel.run("os.environ['WFLAB_DB'] = 'parent.duckdb'")
    assert kernel.run("%load_ext wflab").mishap == ""
