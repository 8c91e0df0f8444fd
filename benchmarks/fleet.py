"""Questions about a whole fleet: what each takes over many instances of the real store. A JSON line per row, first the machine's.

    python benchmarks/fleet.py                       1,000, 10,000 and 100,000 instances
    python benchmarks/fleet.py --instances 100000    one size; may be repeated

`success_ms`, `durations_ms`, `failures_ms` and `stuck_ms` are lab.success_rates() and its neighbours, DataFrame included; `dashboard_ms` is
everything that a dashboard shows, and `filtered_ms` the same of the failed runs of one workflow.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

import wflab as wf
from benchmarks.environment import environment
from tests.lab import fleet

SIZES = (1_000, 10_000, 100_000)
GOALS_MS = {10_000: 150.0, 100_000: 500.0}  # of each aggregate


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the sizes that were asked for. The exit code says nothing about the targets: machines differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", action="append", type=int, help="so many instances; may be repeated")
    parser.add_argument("--repeat", type=int, default=5, help="how often each is asked; medians and the best are told (default 5)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=Path.cwd()) as scratch:
        _print({"environment": environment(Path(scratch))})
        for size in options.instances or SIZES:
            _print(_row(Path(scratch) / f"{size}.duckdb", size, options.repeat))
    return 0


def _row(path: Path, size: int, repeat: int) -> dict[str, Any]:
    fleet.record(path, fleet.mixed(size))
    with wf.Lab(path) as lab:
        dash = lab.dashboard()
        questions: dict[str, Callable[[], object]] = {
            "success": lab.success_rates,
            "durations": lab.durations,
            "failures": lab.failures,
            "stuck": lab.stuck,
            "dashboard": lambda: dash.source.concerns([]) and dash.source.picture(),
        }
        figures = {name: _measured(ask, repeat) for name, ask in questions.items()}
        dash.source.look_at({"name": "order", "status": "FAILED"})
        figures["filtered"] = _measured(questions["dashboard"], repeat)
        assert sum(dash.source.picture().states.values()) > 0
    goal = GOALS_MS.get(size)
    told = {f"{name}_ms": float(f"{median:.4g}") for name, (median, _) in figures.items()}
    best = {f"{name}_best_ms": float(f"{least:.4g}") for name, (_, least) in figures.items()}
    aggregates = [figures[name][0] for name in ("success", "durations", "failures", "stuck")]
    return {"work": "fleet", "instances": size, **told, **best, "goal_ms": goal, "met": goal is None or max(aggregates) <= goal}


def _measured(ask: Callable[[], object], repeat: int) -> tuple[float, float]:
    """The median and the least, in milliseconds."""
    spent = []
    for _ in range(repeat):
        begin = time.perf_counter()
        ask()
        spent.append((time.perf_counter() - begin) * 1000)
    return statistics.median(spent), min(spent)


def _print(what: object) -> None:
    print(msgspec.json.encode(what).decode(), flush=True)


if __name__ == "__main__":
    sys.exit(main())
