"""Two kernels, one file: the second is told in one line who has it, since when, and what to do; the first never notices."""

import os
import re
from pathlib import Path

import pytest

from tests.lab.kernel import Kernel
from tests.lab.seed import PROGRAM

pytestmark = pytest.mark.faults

IN_USE = (
    r"StoreInUse: \S*/wflab\.duckdb is in use by (?:the kernel of \S+|a Python process) on \S+ \(pid {pid}\) "
    r"since 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC\. Work in that kernel, shut it down \(Kernel > Shut Down\) and try again, "
    r"or open another file: wf\.Lab\('other\.duckdb'\)\."
)


def test_a_second_kernel_is_told_who_has_the_file_and_what_to_do(tmp_path: Path) -> None:
    with Kernel(tmp_path) as first, Kernel(tmp_path) as second:
        first.run("%load_ext wflab")
        first.run(PROGRAM)
        first.run("run = lab.start(request_escalation, {'amount': 5000}, 'order-1')")
        shown = second.run("%load_ext wflab")
        assert re.fullmatch(IN_USE.format(pid=first.pid), shown.mishap), shown.mishap
        assert "\n" not in shown.mishap
        assert second.run("lab").error.splitlines()[-1].startswith("NameError")
        # DuckDB's own lock is gone after this; ours is not
        first.run("open(lab.path, 'rb').close()")
        assert re.fullmatch(IN_USE.format(pid=first.pid), second.run("%load_ext wflab").mishap)
        assert re.fullmatch(IN_USE.format(pid=first.pid), second.run("import wflab as wf; wf.Lab('wflab.duckdb')").mishap)
        assert second.run("wf.Lab('other.duckdb')").text == "Lab('other.duckdb'): running on other.duckdb"
        assert first.run("run.approve(); run.result(30)").text == "'processed True'"
        # and once the first lets go, the second gets it by the very same line
        first.run("%unload_ext wflab")
        second.run("wf.current_lab().close()")
        assert second.run("%load_ext wflab").mishap == ""
        assert second.run("lab.get('order-1').output").text == "'processed True'"


def test_a_second_lab_of_the_same_kernel_is_told_to_use_the_first(tmp_path: Path) -> None:
    with Kernel(tmp_path) as kernel:
        kernel.run("%load_ext wflab")
        shown = kernel.run("import wflab as wf; wf.Lab('wflab.duckdb')")
        assert f"(pid {kernel.pid})" in shown.mishap
        assert shown.mishap.endswith(
            "It is open in this very process: use that lab (wf.current_lab()), or close it first with its close()."
        )
        assert kernel.run("lab").text == "Lab('wflab.duckdb'): running on wflab.duckdb"
        assert kernel.pid != os.getpid()
