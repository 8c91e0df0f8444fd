"""Run what a change must pass, stage by stage, and add up the results.

    python tools/run_tests.py            every stage
    python tools/run_tests.py --quick    the stages without processes to kill, notebooks, browsers or downloads
    python tools/run_tests.py unit ...   the named stages

A failing stage does not stop the others. A stage fails if its command fails, if it outlives its limit, or if it should have run tests
and ran none. The last line counts the tests of all stages.

All cores have work: most tests are shared out among processes (pytest-xdist), and neighbouring stages of one process each run side by
side, their output shown when they end. What measures time has the machine to itself.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter, deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
REPORTS = HERE / "reports"
NOTEBOOK_COPIES = REPORTS / "notebooks"

# Notebooks whose saved outputs are not compared, only their errors (and the cells that ask with NBVAL_CHECK_OUTPUT), and why.
LAX_NOTEBOOKS: dict[str, str] = {}

# The kinds of tests that have a stage of their own; a test with several of these marks belongs to the first.
KINDS = ("binder", "measured", "browser", "notebook", "faults", "gateway")

CORES = len(os.sched_getaffinity(0))
LOOK_SECONDS = 0.1
MOST_WORKERS = 8  # each has its own Chromium and JupyterLab, in some stages
SHARED_OUT = ("-p", "no:nbval", "-n", str(min(CORES, MOST_WORKERS)), "--dist", "worksteal")  # nbval takes seconds to load


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One command.

    `reports` says that it writes test results; `skips_whole` that it may skip them all, with a reason; `beside` that it needs one core and
    measures nothing, so that neighbours of its kind may run at the same time.
    """

    name: str
    command: tuple[str, ...]
    folder: Path = HERE
    limit_minutes: float = 10
    quick: bool = True
    reports: bool = False
    skips_whole: bool = False
    beside: bool = False

    @property
    def report(self) -> Path:
        """Where its results go, in JUnit's XML."""
        return REPORTS / f"{self.name}.xml"

    @property
    def log(self) -> Path:
        """Where its output waits for its end, if it runs beside others."""
        return REPORTS / f"{self.name}.log"


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What became of one stage."""

    seconds: float
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    complaint: str = ""


def python(*arguments: str) -> tuple[str, ...]:
    """A command of this environment's Python."""
    return (sys.executable, *arguments)


def pytest(name: str, *arguments: str) -> tuple[str, ...]:
    """A pytest run that leaves a report."""
    return python("-m", "pytest", f"--junit-xml={REPORTS / f'{name}.xml'}", "-o", "junit_family=xunit1", *arguments)


def marks(kind: str | None) -> str:
    """The mark expression of a stage: each test is in exactly one."""
    place = KINDS.index(kind) if kind else len(KINDS)
    return " and ".join([*([kind] if kind else []), *(f"not {earlier}" for earlier in KINDS[:place])])


def nbval(name: str, mode: str, names: list[str]) -> tuple[str, ...]:
    """Run notebooks as tests, in their clean copies."""
    options = ("--nbval-current-env", "--nbval-cell-timeout=120", f"--nbval-sanitize-with={HERE / 'tests/notebooks/sanitize.cfg'}")
    files = [str(NOTEBOOK_COPIES / file) for file in names]
    return pytest(name, mode, *options, "-o", "timeout=300", *files)


def stages() -> list[Stage]:
    """All of them; those that may run side by side stand together, the longest first."""
    notebooks = sorted(path.name for path in (HERE / "notebooks").glob("*.ipynb"))
    lax = [name for name in notebooks if name in LAX_NOTEBOOKS]
    strict = [name for name in notebooks if name not in LAX_NOTEBOOKS]
    extension = HERE / "extension"
    found = [
        Stage(name="types", command=python("-m", "mypy"), beside=True),
        Stage(name="format", command=python("-m", "ruff", "format", "--check", "."), beside=True),
        Stage(name="lint", command=python("-m", "ruff", "check", "."), beside=True),
        Stage(name="imports", command=(str(Path(sys.executable).with_name("lint-imports")), "--no-cache"), beside=True),
        Stage(name="ts-types", command=("npm", "run", "--silent", "types"), folder=extension, beside=True),
        Stage(name="ts-tests", command=("npm", "test", "--silent"), folder=extension, reports=True, beside=True),
        Stage(name="unit", command=pytest("unit", *SHARED_OUT, "-m", f"{marks(None)} and not slow"), reports=True, limit_minutes=35),
    ]
    slow = pytest("slow", *SHARED_OUT, "-m", f"{marks(None)} and slow")
    faults = pytest("faults", *SHARED_OUT, "-m", marks("faults"))
    found += [
        Stage(name="slow", command=slow, reports=True, quick=False, limit_minutes=20),
        Stage(name="faults", command=faults, reports=True, quick=False, limit_minutes=20),
    ]
    binder = pytest("binder", "-m", marks("binder"))
    gateway = pytest("gateway", "-m", marks("gateway"))
    notebook = pytest("notebook", "-m", marks("notebook"))
    found += [
        Stage(name="binder", command=binder, reports=True, quick=False, limit_minutes=15, beside=True),
        Stage(name="tutorials", command=nbval("tutorials", "--nbval", strict), reports=True, quick=False, limit_minutes=20, beside=True),
        Stage(name="gateway", command=gateway, reports=True, quick=False, limit_minutes=20, beside=True),
        Stage(name="notebook", command=notebook, reports=True, quick=False, limit_minutes=20, beside=True),
    ]
    if lax:
        lax_stage = nbval("tutorials-lax", "--nbval-lax", lax)
        found.append(Stage(name="tutorials-lax", command=lax_stage, reports=True, quick=False, limit_minutes=20, beside=True))
    browser = pytest("browser", *SHARED_OUT, "-m", marks("browser"))
    measured = pytest("measured", "-m", marks("measured"))
    return [
        *found,
        Stage(name="browser", command=browser, reports=True, quick=False, limit_minutes=50, skips_whole=True),
        Stage(name="measured", command=measured, reports=True, quick=False, limit_minutes=15, skips_whole=True),
    ]


def copy_notebooks() -> None:
    """Fresh copies, so that a tutorial's database starts empty and the checkout stays clean."""
    shutil.rmtree(NOTEBOOK_COPIES, ignore_errors=True)
    if (HERE / "notebooks").is_dir():
        ignored = shutil.ignore_patterns("*.duckdb*", ".ipynb_checkpoints")
        shutil.copytree(HERE / "notebooks", NOTEBOOK_COPIES, ignore=ignored)


class Running:
    """A stage's process. Its output comes as it is written, or is kept in the stage's log if others run beside it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        stage.report.unlink(missing_ok=True)
        if not stage.beside:
            head(stage)
        self._start = time.monotonic()
        self._output = stage.log.open("wb") if stage.beside else None
        self._process = subprocess.Popen(
            stage.command, cwd=stage.folder, env=environment(stage), stdout=self._output, stderr=self._output, start_new_session=True
        )

    @property
    def seconds(self) -> float:
        """Since its start."""
        return time.monotonic() - self._start

    def is_over(self) -> bool:
        """Whether it has ended, or should have by now."""
        return self._process.poll() is not None or self.seconds > self.stage.limit_minutes * 60

    def end(self) -> Outcome:
        """End whatever is left of it; what became of it."""
        outcome = Outcome(seconds=self.seconds)
        code = self._process.poll()
        self.stop()
        if code is None:
            outcome.complaint = f"was stopped after {self.stage.limit_minutes:g} minutes"
        elif code:
            outcome.complaint = f"exit code {code}"
        if self._output is not None:
            self._output.close()
            head(self.stage)
            print(self.stage.log.read_text("utf-8", "replace"), end="", flush=True)
        if self.stage.reports:
            count(self.stage, outcome)
        if outcome.complaint and not outcome.failed:
            outcome.failed = 1  # so that the last line never says "0 failed" of a run that failed
        return outcome

    def stop(self) -> None:
        """Kill it, and what it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def head(stage: Stage) -> None:
    """The line above a stage's output."""
    print(f"\n━━ {stage.name} ━━", flush=True)


def environment(stage: Stage) -> dict[str, str]:
    """What a stage finds in its environment."""
    kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {  # without that one: tests start Python hundreds of times, and compiling wflab anew takes as long as the rest of its import
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "IPYTHONDIR": str(REPORTS / "ipython"),  # not the user's start-up files
        "WFLAB_JUNIT": str(stage.report),
    }


def count(stage: Stage, outcome: Outcome) -> None:
    """Add the stage's report to its outcome."""
    if not stage.report.exists():
        outcome.complaint = outcome.complaint or "left no test report"
        return
    for case in ET.parse(stage.report).iter("testcase"):  # noqa: S314  # written by our own run, a moment ago
        if case.find("failure") is not None or case.find("error") is not None:
            outcome.failed += 1
        elif (skip := case.find("skipped")) is not None:
            outcome.skipped += 1
            outcome.reasons[skip.get("message") or "no reason given"] += 1
        else:
            outcome.passed += 1
    if outcome.failed:
        outcome.complaint = outcome.complaint or f"{outcome.failed} failed"
    elif not outcome.passed and not (stage.skips_whole and outcome.skipped):
        outcome.complaint = outcome.complaint or "no tests ran"


def may_start(stage: Stage, running: list[Stage]) -> bool:
    """Whether there is a core for it, and nobody who wants to be alone."""
    return not running or (len(running) < CORES and all(one.beside for one in [stage, *running]))


def run(wanted: list[Stage]) -> dict[str, Outcome]:
    """Run them in their order: one after the other, or as many side by side as there are cores, where all of them may."""
    waiting = deque(wanted)
    running: list[Running] = []
    outcomes: dict[str, Outcome] = {}
    try:
        while waiting or running:
            while waiting and may_start(waiting[0], [one.stage for one in running]):
                running.append(Running(waiting.popleft()))
            for ended in [one for one in running if one.is_over()]:
                running.remove(ended)
                outcomes[ended.stage.name] = ended.end()
            time.sleep(LOOK_SECONDS)
    finally:  # also on Ctrl-C: what a stage started ends with it
        for one in running:
            one.stop()
    return {stage.name: outcomes[stage.name] for stage in wanted}


def summarise(outcomes: dict[str, Outcome], seconds: float) -> bool:
    """Print the table, every reason for a skip, and the counts; says whether all is well. `seconds` is what the whole took."""
    print("\n━━ summary ━━")
    for name, outcome in outcomes.items():
        tests = f"{outcome.passed} passed, {outcome.skipped} skipped" if outcome.passed or outcome.skipped else ""
        verdict = f"FAILED: {outcome.complaint}" if outcome.complaint else "ok"
        print(f"{name:<14} {outcome.seconds:7.1f} s  {verdict}{'  ' if tests else ''}{tests}")
    print(f"{'total':<14} {seconds:7.1f} s")
    for name, outcome in outcomes.items():
        for reason, times in outcome.reasons.items():
            print(f"SKIPPED {times} in {name}: {reason}")
    passed, failed, skipped = (sum(getattr(outcome, kind) for outcome in outcomes.values()) for kind in ("passed", "failed", "skipped"))
    print(f"\n{passed} passed, {failed} failed, {skipped} skipped", flush=True)
    return not any(outcome.complaint for outcome in outcomes.values())


def main() -> int:
    """Choose, run, sum up."""
    known = {stage.name: stage for stage in stages()}
    parser = argparse.ArgumentParser(description="Run wflab's checks and tests.")
    parser.add_argument("names", nargs="*", metavar="stage", help=f"one of: {', '.join(known)}")
    parser.add_argument("--quick", action="store_true", help="only the quick stages")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(known):
        parser.error(f"no stage named {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    REPORTS.mkdir(exist_ok=True)
    copy_notebooks()
    wanted = [known[name] for name in chosen.names] or [stage for stage in known.values() if stage.quick or not chosen.quick]
    start = time.monotonic()
    try:
        outcomes = run(wanted)
    except KeyboardInterrupt:
        print("\ninterrupted", flush=True)
        return 130
    return 0 if summarise(outcomes, time.monotonic() - start) else 1


if __name__ == "__main__":
    sys.exit(main())
