"""Run what a change must pass, stage by stage, and add up the results.

    python tools/run_tests.py            every stage
    python tools/run_tests.py --quick    the stages without processes to kill, notebooks, browsers or downloads
    python tools/run_tests.py unit ...   the named stages

A failing stage does not stop the others. A stage fails if its command fails, if it outlives its limit, or if it should have run tests
and ran none. The last line counts the tests of all stages.
"""

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
REPORTS = HERE / "reports"
NOTEBOOK_COPIES = REPORTS / "notebooks"

# Notebooks whose saved outputs are not compared, only their errors (and the cells that ask with NBVAL_CHECK_OUTPUT), and why.
LAX_NOTEBOOKS: dict[str, str] = {}

# The kinds of tests that have a stage of their own; a test with several of these marks belongs to the first.
KINDS = ("binder", "browser", "notebook", "faults", "gateway")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One command. `reports` says that it writes test results; `skips_whole` that it may skip them all, with a reason."""

    name: str
    command: tuple[str, ...]
    folder: Path = HERE
    limit_minutes: float = 10
    quick: bool = True
    reports: bool = False
    skips_whole: bool = False

    @property
    def report(self) -> Path:
        """Where its results go, in JUnit's XML."""
        return REPORTS / f"{self.name}.xml"


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
    """All of them, cheapest first."""
    notebooks = sorted(path.name for path in (HERE / "notebooks").glob("*.ipynb"))
    lax = [name for name in notebooks if name in LAX_NOTEBOOKS]
    strict = [name for name in notebooks if name not in LAX_NOTEBOOKS]
    extension = HERE / "extension"
    found = [
        Stage(name="format", command=python("-m", "ruff", "format", "--check", ".")),
        Stage(name="lint", command=python("-m", "ruff", "check", ".")),
        Stage(name="types", command=python("-m", "mypy")),
        Stage(name="imports", command=(str(Path(sys.executable).with_name("lint-imports")), "--no-cache")),
        Stage(name="ts-types", command=("npm", "run", "--silent", "types"), folder=extension),
        Stage(name="ts-tests", command=("npm", "test", "--silent"), folder=extension, reports=True),
        Stage(name="unit", command=pytest("unit", "-m", f"{marks(None)} and not slow"), reports=True, limit_minutes=35),
        Stage(name="slow", command=pytest("slow", "-m", f"{marks(None)} and slow"), reports=True, quick=False, limit_minutes=20),
        Stage(name="faults", command=pytest("faults", "-m", marks("faults")), reports=True, quick=False, limit_minutes=20),
        Stage(name="gateway", command=pytest("gateway", "-m", marks("gateway")), reports=True, quick=False, limit_minutes=20),
        Stage(name="notebook", command=pytest("notebook", "-m", marks("notebook")), reports=True, quick=False, limit_minutes=20),
        Stage(name="tutorials", command=nbval("tutorials", "--nbval", strict), reports=True, quick=False, limit_minutes=20),
    ]
    if lax:
        lax_stage = nbval("tutorials-lax", "--nbval-lax", lax)
        found.append(Stage(name="tutorials-lax", command=lax_stage, reports=True, quick=False, limit_minutes=20))
    browser = pytest("browser", "-m", marks("browser"))
    binder = pytest("binder", "-m", marks("binder"))
    return [
        *found,
        Stage(name="browser", command=browser, reports=True, quick=False, limit_minutes=50, skips_whole=True),
        Stage(name="binder", command=binder, reports=True, quick=False, limit_minutes=15),
    ]


def copy_notebooks() -> None:
    """Fresh copies, so that a tutorial's database starts empty and the checkout stays clean."""
    shutil.rmtree(NOTEBOOK_COPIES, ignore_errors=True)
    if (HERE / "notebooks").is_dir():
        ignored = shutil.ignore_patterns("*.duckdb*", ".ipynb_checkpoints")
        shutil.copytree(HERE / "notebooks", NOTEBOOK_COPIES, ignore=ignored)


def execute(stage: Stage) -> str:
    """Run the stage's command with its output as it comes; returns what went wrong, or nothing."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "IPYTHONDIR": str(REPORTS / "ipython"),  # not the user's start-up files
        "WFLAB_JUNIT": str(stage.report),
    }
    process = subprocess.Popen(stage.command, cwd=stage.folder, env=environment, start_new_session=True)
    try:
        code = process.wait(stage.limit_minutes * 60)
    except subprocess.TimeoutExpired:
        return f"was stopped after {stage.limit_minutes:g} minutes"
    finally:  # also on Ctrl-C: what a stage started ends with it
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return f"exit code {code}" if code else ""


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


def run(stage: Stage) -> Outcome:
    """Run one stage from a clean start."""
    print(f"\n━━ {stage.name} ━━", flush=True)
    stage.report.unlink(missing_ok=True)
    start = time.monotonic()
    complaint = execute(stage)
    outcome = Outcome(seconds=time.monotonic() - start, complaint=complaint)
    if stage.reports:
        count(stage, outcome)
    if outcome.complaint and not outcome.failed:
        outcome.failed = 1  # so that the last line never says "0 failed" of a run that failed
    return outcome


def summarise(outcomes: dict[str, Outcome]) -> bool:
    """Print the table, every reason for a skip, and the counts; says whether all is well."""
    print("\n━━ summary ━━")
    for name, outcome in outcomes.items():
        tests = f"{outcome.passed} passed, {outcome.skipped} skipped" if outcome.passed or outcome.skipped else ""
        verdict = f"FAILED: {outcome.complaint}" if outcome.complaint else "ok"
        print(f"{name:<14} {outcome.seconds:7.1f} s  {verdict}{'  ' if tests else ''}{tests}")
    print(f"{'total':<14} {sum(outcome.seconds for outcome in outcomes.values()):7.1f} s")
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
    outcomes: dict[str, Outcome] = {}
    try:
        for stage in wanted:
            outcomes[stage.name] = run(stage)
    except KeyboardInterrupt:
        print("\ninterrupted", flush=True)
        return 130
    return 0 if summarise(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
