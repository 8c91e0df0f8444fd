"""What the figures were measured on."""

import os
import platform
from pathlib import Path

import duckdb


def environment(directory: Path) -> dict[str, object]:
    """Machine, versions, and the file system that holds `directory`."""
    return {
        "cpus": os.cpu_count(),
        "load": [round(load, 2) for load in os.getloadavg()],
        "python": platform.python_version(),
        "duckdb": duckdb.__version__,
        "system": f"{platform.system()} {platform.release()}",
        "filesystem": filesystem(directory),
    }


def filesystem(directory: Path) -> str:
    """The type of the file system, where the system tells."""
    mounts = Path("/proc/self/mounts")
    if not mounts.exists():
        return "unknown"
    best, kind = "", "unknown"
    for line in mounts.read_text("utf-8").splitlines():
        _, mounted_at, found, *_ = line.split()
        if directory.resolve().is_relative_to(mounted_at) and len(mounted_at) >= len(best):
            best, kind = mounted_at, found
    return kind
