"""mybinder.org builds its image from binder/ and opens the index; here the same requirements are installed and the first tutorial is run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[2]
FIRST_TUTORIAL = "notebooks/01_first_workflow.ipynb"


def copy_of_the_checkout(folder: Path) -> Path:
    """What a clone would hold: tracked files, and new ones that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=CHECKOUT, check=True, capture_output=True, text=True
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (CHECKOUT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, folder / name)
    return folder


def test_binder_installs_this_checkout_with_the_pinned_versions() -> None:
    lines = (CHECKOUT / "binder/requirements.txt").read_text("utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == ["-c ../tools/constraints.txt", "."]


def test_binder_asks_for_a_python_that_the_project_supports() -> None:
    python = (CHECKOUT / "binder/runtime.txt").read_text("utf-8").strip().removeprefix("python-")
    assert tuple(map(int, python.split("."))) >= (3, 11)


def test_binder_opens_the_index(tmp_path: Path) -> None:
    subprocess.run([CHECKOUT / "binder/postBuild"], env={**os.environ, "HOME": str(tmp_path)}, check=True)
    shown = subprocess.run(
        [sys.executable, "-m", "jupyter", "lab", "--show-config-json"],
        env={**os.environ, "JUPYTER_CONFIG_DIR": str(tmp_path / ".jupyter")},
        check=True,
        capture_output=True,
        text=True,
    )
    opened = json.loads(shown.stdout)["LabApp"]["default_url"]
    assert opened == "/lab/tree/notebooks/00_index.ipynb"
    assert (CHECKOUT / opened.removeprefix("/lab/tree/")).is_file()


@pytest.mark.binder
@pytest.mark.timeout(600)
def test_binders_requirements_install_in_a_new_environment_and_the_first_tutorial_runs(tmp_path: Path) -> None:
    """The copy has no widget bundle and no npm packages, so this is also the way of everyone who installs from a clone."""
    clone = copy_of_the_checkout(tmp_path / "clone")
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "venv")], check=True)
    binaries = tmp_path / "venv" / "bin"
    install = [str(binaries / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, "--upgrade", "pip>=25"], check=True)  # the image has a recent one; Debian's may be too old for constraints
    subprocess.run([*install, "-r", "binder/requirements.txt"], cwd=clone, check=True)
    environment = {**os.environ, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", "IPYTHONDIR": str(tmp_path / "ipython")}
    executed = subprocess.run(
        [str(binaries / "jupyter"), "execute", "--timeout=120", FIRST_TUTORIAL],
        cwd=clone,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert executed.returncode == 0, executed.stdout + executed.stderr
