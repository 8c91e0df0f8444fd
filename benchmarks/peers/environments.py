"""A virtual environment for each peer, made once: the project's own environment never sees them."""

import subprocess
import sys
from pathlib import Path

from benchmarks.peers.engines import Engine

INSTALL_SECONDS = 300
MARK = "installed"  # written last: an environment without it is made anew


class NotInstalled(Exception):
    """The peer could not be installed; the comparison goes on without it."""


def python_of(engine: Engine, environments: Path) -> Path:
    """The Python that has the engine."""
    if engine.requirement is None:
        return Path(sys.executable)
    folder = environments / engine.name
    python, mark = folder / "bin" / "python", folder / MARK
    if not mark.exists() or mark.read_text("utf-8") != engine.requirement:
        print(f"installing {engine.requirement} into {folder}", file=sys.stderr)
        _call(sys.executable, "-m", "venv", "--clear", folder)
        _call(python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", engine.requirement)
        mark.write_text(engine.requirement, "utf-8")
    return python


def _call(*command: str | Path) -> None:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=INSTALL_SECONDS)
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"not installed within {INSTALL_SECONDS} s") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise NotInstalled(f"not installed: {said[-1] if said else command}")
