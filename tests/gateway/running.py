"""Programs that speak to a sidecar, as processes of their own: how tests start them, and end them."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from wfengine.gateway.sidecar import Sidecar

HERE = Path(__file__).parent / "programs"
PYTHON = (sys.executable, str(HERE / "python" / "scenarios.py"))
LONGEST_SECONDS = 180


def free_ports(count: int) -> list[int]:
    """So many ports that nobody has just now, each another."""
    with ExitStack() as held:
        taken = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(one.getsockname()[1]) for one in taken]


def free_port() -> int:
    """One of them."""
    return free_ports(1)[0]


def plain_environment() -> dict[str, str]:
    """Ours, without a word about anybody's sidecar."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("DAPR_", "APP_"))}


def environment(sidecar: Sidecar) -> dict[str, str]:
    """What `dapr run` would say to a program beside this sidecar."""
    told = {"DAPR_GRPC_PORT": str(sidecar.app.grpc_port), "DAPR_HTTP_PORT": str(sidecar.app.http_port), "APP_ID": sidecar.app.app_id or ""}
    return {**plain_environment(), **told}


def started(command: Sequence[str], sidecar: Sidecar, *, folder: Path | None = None) -> "subprocess.Popen[str]":
    """A program that runs until its standard input is closed, or it is killed."""
    return subprocess.Popen(
        command, cwd=folder, env=environment(sidecar), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def results(command: Sequence[str], sidecar: Sidecar, *, folder: Path | None = None) -> dict[str, Any]:
    """What a program that runs all scenarios prints of each."""
    with started(command, sidecar, folder=folder) as program:
        try:
            said, complaints = program.communicate(timeout=LONGEST_SECONDS)
        except subprocess.TimeoutExpired:
            program.kill()
            said, complaints = program.communicate()
    found: dict[str, Any] = {}
    for line in said.splitlines():
        if line.startswith("{"):
            found.update(json.loads(line))
    assert program.returncode == 0, f"{said}\n{complaints}"
    return found
