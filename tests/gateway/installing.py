"""What the programs in other languages need, installed once into `reports/programs/` and kept there: with npm, Go and Maven, by their lock files.

A language whose toolchain is missing is skipped, and so are Go and Java where their registry is out of reach; JavaScript has to run wherever Node is.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.gateway.running import HERE

KEPT = Path(__file__).parents[2] / "reports" / "programs"
LONGEST_SECONDS = 540


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How to start a program."""

    command: tuple[str, ...]

    def worker(self) -> tuple[str, ...]:
        """The command that starts it as a worker, which asks for nothing itself."""
        return (*self.command, "worker")


def javascript(name: str = "scenarios.mjs") -> Program:
    """A program on Node.js."""
    node, npm = _tool("node"), _tool("npm")
    with _alone("javascript") as folder:
        for file in ("package.json", "package-lock.json", ".npmrc", name):
            shutil.copy2(HERE / "javascript" / file, folder / file)
        _once(folder, [HERE / "javascript" / "package-lock.json"], lambda: _run((npm, "ci", "--silent"), folder))
    return Program(command=(node, str(folder / name)))


def go() -> Program:
    """The program in Go, built."""
    tool = _tool("go", Path("/usr/local/go/bin/go"))
    with _alone("go") as folder:
        _run_or_skip((tool, "build", "-o", str(folder / "scenarios"), "."), HERE / "go")  # its own cache knows what is new
    return Program(command=(str(folder / "scenarios"),))


def java() -> Program:
    """The program in Java, compiled."""
    tool, machine = _tool("mvn"), _tool("java")
    with _alone("java") as folder:
        paths = folder / "classpath.txt"
        build = (tool, "-q", "-B", "compile", "dependency:build-classpath", f"-Dprogram.output={folder}", f"-Dmdep.outputFile={paths}")
        _once(folder, sorted((HERE / "java").rglob("*.*")), lambda: _run_or_skip(build, HERE / "java"))
        classes = os.pathsep.join((str(folder / "classes"), paths.read_text()))
    return Program(command=(machine, "-cp", classes, "program.Scenarios"))


def _tool(name: str, elsewhere: Path | None = None) -> str:
    found = shutil.which(name) or (str(elsewhere) if elsewhere is not None and elsewhere.exists() else None)
    return found or pytest.skip(f"{name} is not installed here")


@contextmanager
def _alone(language: str) -> Iterator[Path]:
    """The folder where a language's program is kept; one process at a time has it."""
    folder = KEPT / language
    folder.mkdir(parents=True, exist_ok=True)
    with (KEPT / f"{language}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder


def _once(folder: Path, sources: Sequence[Path], install: Callable[[], None]) -> None:
    """Install, unless this was done for just these files."""
    done = folder / "installed.txt"
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    if not done.exists() or done.read_text() != wanted:
        install()
        done.write_text(wanted)


def _run(command: tuple[str, ...], folder: Path) -> None:
    found = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LONGEST_SECONDS, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


_OUT_OF_REACH = (
    "dial tcp",
    "403 Forbidden",
    "no such host",
    "Could not find artifact",
    "Could not transfer artifact",
    "Unknown host",
    "i/o timeout",
)


def _run_or_skip(command: tuple[str, ...], folder: Path) -> None:
    """Skip where what it needs cannot be had; anything else is a failure."""
    try:
        _run(command, folder)
    except AssertionError as failed:
        if any(sign in str(failed) for sign in _OUT_OF_REACH):
            pytest.skip(f"what it needs is out of reach here: {str(failed).strip()[:200]}")
        raise
