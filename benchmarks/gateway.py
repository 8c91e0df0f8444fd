"""What the gateway costs a turn, beside durabletask's own in-memory backend, in one run. A JSON line per sidecar, the machine's first.

    python benchmarks/gateway.py                                100 workers, 1,000 workflows, three times each, taking turns
    python benchmarks/gateway.py --workers 10 --workflows 200   less

The same bare worker (no SDK) drives both; a workflow is three turns and two attempts. `ratio` is the time of a turn here to that of durabletask: below 1
is ahead, though here every turn is synced to the disk, and logged in `api_calls`.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.environment import environment
from benchmarks.measuring import usual_raw_ms
from benchmarks.peers.engines import ENGINES
from benchmarks.peers.environments import NotInstalled, python_of

HERE = Path(__file__).resolve().parent
LIMIT_SECONDS = 120


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure both. The exit code says nothing about the target: machines differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=100)
    parser.add_argument("--workflows", type=int, default=1000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--environments", type=Path, default=Path(".bench"))
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=Path.cwd()) as scratch:
        _print({"environment": environment(Path(scratch)) | {"raw_ms": round(usual_raw_ms(Path(scratch)), 3)}})
        sides: dict[str, tuple[str, Path]] = {"wflab": ("dapr", Path(sys.executable))}
        try:
            sides["durabletask"] = "microsoft", python_of(ENGINES["durabletask"], options.environments)
        except NotInstalled as reason:
            _print({"durabletask": str(reason)})
        turns_ms: dict[str, list[float]] = {name: [] for name in sides}
        for repetition in range(options.repeat):
            for name, (dialect, python) in sides.items():
                path = Path(scratch) / f"{repetition}.duckdb"
                turns_ms[name].append(_turn_ms(python, name, dialect, path, options))
    middle = {name: statistics.median(found) for name, found in turns_ms.items()}
    for name, value in middle.items():
        row = {"name": name, "workers": options.workers, "workflows": options.workflows, "turn_ms": round(value, 3), "all": turns_ms[name]}
        if name == "wflab" and "durabletask" in middle:
            row |= {"ratio": round(value / middle["durabletask"], 3), "goal": "ratio at most 1"}
        _print(row)
    return 0


def _turn_ms(python: Path, name: str, dialect: str, path: Path, options: argparse.Namespace) -> float:
    server: list[str | Path] = [python, str(HERE / "hub" / "server.py"), name, str(path)]
    with subprocess.Popen(server, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdin is not None
        assert serving.stdout is not None
        port = serving.stdout.readline().strip()
        load: list[str | Path] = [
            python,
            str(HERE / "hub" / "load.py"),
            dialect,
            f"127.0.0.1:{port}",
            str(options.workers),
            str(options.workflows),
        ]
        done = subprocess.run(load, check=True, stdout=subprocess.PIPE, text=True, timeout=LIMIT_SECONDS)
        serving.stdin.close()
        serving.wait(30)
    told = json.loads(done.stdout)
    return float(1000 * told["seconds"] / told["turns"])


def _print(line: object) -> None:
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    sys.exit(main())
