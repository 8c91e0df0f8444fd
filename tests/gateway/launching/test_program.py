"""Programs beside a sidecar: what they write is kept line by line, and nothing of them outlives its lab."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # it carries no types
import pytest

from tests.waiting import eventually
from wfengine.errors import InvalidArgument
from wfengine.gateway.launching.output import LineReader, Output, plain
from wfengine.gateway.launching.program import Program, prefixed
from wfengine.gateway.launching.spec import ProgramSpec


def program(folder: Path, code: str, *, grace_seconds: float = 5, **spec: Any) -> Program:
    (folder / "app.py").write_text(textwrap.dedent(code))
    settings: dict[str, Any] = {"app_id": "orders", "directory": folder, "command": (sys.executable, "-u", "app.py"), **spec}
    return Program(ProgramSpec(**settings), dict(os.environ), grace_seconds=grace_seconds)


def written(started: Program) -> list[tuple[str, str]]:
    return [(line.stream, line.text) for line in started.output]


FOREVER = """
    import signal, sys
    print("ready", flush=True)
    signal.pause()
"""


def test_what_a_program_writes_is_kept_by_line_and_stream(tmp_path: Path) -> None:
    one = program(tmp_path, "import sys\nprint('one\\ntwo')\nprint('aside', file=sys.stderr)\nsys.stdout.write('no end')")
    one.start()
    assert one.wait(30)
    assert sorted(written(one)) == [("err", "aside"), ("out", "no end"), ("out", "one"), ("out", "two")]
    assert (one.state, one.exit_code) == ("exited", 0)


def test_a_program_that_fails_says_so(tmp_path: Path) -> None:
    one = program(tmp_path, "raise SystemExit(3)")
    one.start()
    assert one.wait(30)
    assert (one.state, one.exit_code, written(one)) == ("failed", 3, [("lab", "ended with exit code 3")])


def test_a_program_that_is_killed_says_by_which_signal(tmp_path: Path) -> None:
    one = program(tmp_path, FOREVER)
    one.start()
    os.kill(one.pid or 0, signal.SIGKILL)
    assert one.wait(30)
    assert (one.state, one.exit_code) == ("failed", -9)


def test_stopping_lets_a_program_finish(tmp_path: Path) -> None:
    one = program(
        tmp_path,
        """
        import signal, sys
        signal.signal(signal.SIGTERM, lambda *_: (print("goodbye", flush=True), sys.exit(0)))
        print("ready", flush=True)
        while True: signal.pause()
        """,
    )
    one.start()
    eventually(lambda: ("out", "ready") in written(one))
    one.stop()
    assert (one.state, written(one)) == ("stopped", [("out", "ready"), ("out", "goodbye")])


def test_a_program_that_does_not_listen_is_killed_with_its_children(tmp_path: Path) -> None:
    one = program(
        tmp_path,
        """
        import signal, subprocess, sys
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.pause()"])
        print(child.pid, flush=True)
        while True: signal.pause()
        """,
        grace_seconds=0.3,
    )
    one.start()
    eventually(lambda: len(one.output) == 1)
    child = int(written(one)[0][1])
    one.stop()
    assert one.state == "stopped"
    eventually(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


def test_children_that_a_program_leaves_behind_end_with_it(tmp_path: Path) -> None:
    one = program(
        tmp_path,
        """
        import subprocess, sys
        print(subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"]).pid, flush=True)
        """,
    )
    one.start()
    assert one.wait(30)
    child = int(written(one)[0][1])
    eventually(lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE)


def test_a_program_is_restarted_on_demand_and_its_output_goes_on(tmp_path: Path) -> None:
    one = program(tmp_path, FOREVER)
    one.start()
    eventually(lambda: len(one.output) == 1)
    first = one.pid
    one.restart()
    eventually(lambda: written(one).count(("out", "ready")) == 2)
    assert one.pid != first
    assert one.starts == 2
    one.stop()
    one.stop()


def test_a_program_that_is_not_there_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    one = program(tmp_path, "", command=("no-such-program", "x"))
    with pytest.raises(InvalidArgument, match=r"orders: 'no-such-program' cannot be started: No such file.* on PATH\?"):
        one.start()
    assert one.state == "failed"
    with pytest.raises(InvalidArgument, match="has no command"):
        program(tmp_path, "", command=()).start()
    with pytest.raises(InvalidArgument, match="cannot be started in"):
        program(tmp_path, "", directory=tmp_path / "gone").start()


def test_a_program_ends_when_its_lab_is_killed(tmp_path: Path) -> None:
    """Nobody says goodbye after `kill -9`: the guard notices, and ends all of it."""
    (tmp_path / "app.py").write_text(textwrap.dedent(FOREVER))
    lab = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(
                """
                import os, signal, sys
                from pathlib import Path
                from wfengine.gateway.launching.program import Program
                from wfengine.gateway.launching.spec import ProgramSpec
                one = Program(ProgramSpec(app_id="orders", directory=Path.cwd(), command=(sys.executable, "app.py")), dict(os.environ))
                one.start()
                print(one.pid, flush=True)
                signal.pause()
                """
            ),
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    with lab:
        assert lab.stdout is not None
        pid = int(lab.stdout.readline())
        assert psutil.pid_exists(pid)
        lab.kill()
    eventually(lambda: not psutil.pid_exists(pid))


def test_output_also_goes_to_dapr_s_log_files_where_that_is_asked_for(tmp_path: Path) -> None:
    one = program(tmp_path, "print('hello')", log_destination="fileAndConsole")
    one.start()
    assert one.wait(30)
    (file,) = (tmp_path / ".dapr" / "logs").glob("orders_app_*.log")
    assert file.read_text() == "hello\n"


def test_a_line_is_printed_as_dapr_prints_it() -> None:
    output = Output("orders")
    output.add("out", "hello")
    assert prefixed(output.lines()[0]) == "== APP - orders == hello"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m and \x1b[38;5;12mblue\x1b[m", "red and blue"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\", "link"),
        (" 10%\r 50%\r100%", "100%"),
        ("ding\x07 a\tb", "ding a\tb"),
        ("\x1b(Bplain\x1b=", "plain"),
        ("\x1b]0;never ended", ""),
    ],
)
def test_a_page_shows_lines_without_what_only_a_terminal_understands(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_ring_keeps_the_newest_lines_and_cuts_very_long_ones() -> None:
    output = Output("orders", most=3)
    for number in range(5):
        output.add("out", str(number))
    assert [line.text for line in output] == ["2", "3", "4"]
    output.add("out", "x" * 40_000)
    assert [len(line.text) for line in output] == [16_384, 16_384, 7_232]


def test_who_listens_from_the_first_line_misses_none() -> None:
    output, heard = Output("orders"), list[str]()
    output.add("out", "one")
    forget = output.listen(lambda line: heard.append(line.text), from_the_first=True)
    output.add("out", "two")
    forget()
    output.add("out", "three")
    assert heard == ["one", "two"]


def test_bytes_are_cut_into_lines_wherever_they_were_torn() -> None:
    lines = list[str]()
    reader = LineReader(lines.append)
    for torn in (b"gr\xc3", b"\xbc\xc3\x9fe\r\nbad \xff", b"\n\nrest"):
        reader.feed(torn)
    reader.end()
    assert lines == ["gr\u00fc\u00dfe", "bad \ufffd", "", "rest"]
