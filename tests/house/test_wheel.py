"""The wheel is what a user gets: both packages, the views' JavaScript, the JupyterLab extension, and nothing that is ours alone."""

import json
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
LABEXTENSION = "share/jupyter/labextensions/wflab"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Built as pip would build it, but without fetching the build tools anew."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=CHECKOUT, check=True)
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_holds_both_packages_with_their_data(wheel: zipfile.ZipFile) -> None:
    sources = {
        path.relative_to(root).as_posix()
        for root, package in ((CHECKOUT, "wflab"), (CHECKOUT / "engine", "wfengine"))
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and "labextension" not in path.parts
    }
    assert sources
    assert sources <= set(wheel.namelist())


def test_the_wheel_holds_the_widget_bundle(wheel: zipfile.ZipFile) -> None:
    bundle = wheel.read("wflab/static/run.js").decode()
    assert "export" in bundle


def test_the_wheel_puts_the_extension_where_jupyterlab_looks(wheel: zipfile.ZipFile) -> None:
    files = {name.partition(".data/data/")[2]: name for name in wheel.namelist() if ".data/" in name}
    manifest = json.loads(wheel.read(files[f"{LABEXTENSION}/package.json"]))
    assert manifest["name"] == LABEXTENSION.rpartition("/")[2], "JupyterLab asks for the files under this name"
    assert f"-{manifest['version']}-" in str(wheel.filename)
    assert f"{LABEXTENSION}/{manifest['jupyterlab']['_build']['load']}" in files
    assert json.loads(wheel.read(files[f"{LABEXTENSION}/install.json"]))["packageName"] == "wflab"
    assert all(name.startswith(f"{LABEXTENSION}/") for name in files)


def test_the_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    rooms = {name.split("/")[0] for name in wheel.namelist()}
    assert {room for room in rooms if not room.endswith((".dist-info", ".data"))} == {"wflab", "wfengine"}
    assert [name for name in wheel.namelist() if name.startswith("wflab/labextension")] == []
    assert [name for name in wheel.namelist() if name.endswith((".ts", ".duckdb", ".pyc"))] == []


def test_the_wheel_says_its_licence_and_its_python(wheel: zipfile.ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    metadata = Parser().parsestr(wheel.read(name).decode())
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
