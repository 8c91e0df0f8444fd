"""The same work on wflab and on the durable engines that install from PyPI, in one run, with ratios and what each promises.

    python benchmarks/compare.py                              every engine, every work; some minutes
    python benchmarks/compare.py --only chain --engine dbos   one work, one peer and wflab
    python benchmarks/compare.py --repeat 3 --json FILE       medians of three; a line of JSON per cell, the machine's first

Each peer has a virtual environment of its own under .bench/, each cell a process and a database of its own and a time limit. The table
goes to stdout, what is under way to stderr.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.environment import environment
from benchmarks.measuring import usual_raw_ms
from benchmarks.peers.cell import SYNCS, Cell, Comparison, Found, Nothing, Place, beside, cell_of, measured
from benchmarks.peers.engines import ENGINES, OURS, Engine
from benchmarks.peers.environments import NotInstalled, python_of
from benchmarks.peers.report import report
from benchmarks.peers.works import CHAINS, LENGTH

COMPARISONS = {
    work.name: work
    for work in (
        Comparison(name="chain", what="chain of 100 activities, p50 of a step", unit="ms", size=CHAINS),
        Comparison(name=SYNCS, what="  syncs for each such step, counted", unit="", size=LENGTH),
        Comparison(name="fan", what="fan-out to 1,000 activities", unit="s", size=1000),
        Comparison(name="many", what="1,000 workflows of 5 activities", unit="workflows/s", size=1000, more_is_better=True),
        Comparison(name="one", what="one-activity workflow, start to result, p50", unit="ms", size=100),
        Comparison(name="recovery", what="kill -9 with 500 waiting, reopened, all finished", unit="s", size=500),
        Comparison(name="sleepers", what="10,000 sleeping workflows", unit="started/s", size=10_000, more_is_better=True),
        Comparison(name="long", what="one workflow of 5,000 steps", unit="steps/s", size=5000, more_is_better=True),
    )
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Fill the table. An engine that fails, or cannot be installed, leaves cells that say why."""
    options = _parser().parse_args(arguments)
    works = [COMPARISONS[name] for name in options.only or COMPARISONS]
    engines = [OURS, *(ENGINES[name] for name in options.engine or ENGINES if name != OURS.name)]
    cells: list[Cell] = []
    with tempfile.TemporaryDirectory(prefix="compare-", dir=options.directory) as scratch:
        machine = environment(Path(scratch)) | {"raw_ms": round(usual_raw_ms(Path(scratch)), 3), "scale": options.scale}
        lines: list[object] = [{"environment": machine}]
        places = _places(engines, Path(scratch), options)
        for work in works:
            row = _row(work, engines, places, options)
            cells += row
            lines += row
    print(f"{report(works, [engine.name for engine in engines], cells)}\n\nmachine: {msgspec.json.encode(machine).decode()}")
    if options.json:
        options.json.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return 0


def _places(engines: list[Engine], scratch: Path, options: argparse.Namespace) -> dict[str, Place | Nothing]:
    places: dict[str, Place | Nothing] = {}
    for engine in engines:
        try:
            places[engine.name] = Place(python_of(engine, options.environments), scratch, options.limit)
        except NotInstalled as reason:
            places[engine.name] = Nothing(str(reason))
    return places


def _row(work: Comparison, engines: list[Engine], places: dict[str, Place | Nothing], options: argparse.Namespace) -> list[Cell]:
    """The engines take turns, so that a busy moment of the machine does not fall on one of them alone."""
    found: dict[str, list[Found | Nothing]] = {engine.name: [] for engine in engines}
    sizes = {engine.name: max(2, round(engine.size(work.name, work.size) * options.scale)) for engine in engines}
    for _ in range(options.repeat):
        for engine in engines:
            told = _one(work, engine, places[engine.name], sizes[engine.name])
            print(f"{work.name:<10}{engine.name:<13}{told.value if isinstance(told, Found) else told}", file=sys.stderr, flush=True)
            found[engine.name].append(told)
    scaled = msgspec.structs.replace(work, size=max(2, round(work.size * options.scale)))
    row = [cell_of(scaled, engine, found[engine.name], size=sizes[engine.name]) for engine in engines]
    return [beside(cell, row[0], work) for cell in row]


def _one(work: Comparison, engine: Engine, place: Place | Nothing, size: int) -> Found | Nothing:
    if isinstance(place, Nothing):
        return place
    try:
        return measured(work, engine, place, size=size)
    except Nothing as reason:
        return reason


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=COMPARISONS, metavar="WORK", help=f"only this work: {', '.join(COMPARISONS)}")
    parser.add_argument("--engine", action="append", choices=ENGINES, metavar="ENGINE", help=f"only this peer: {', '.join(ENGINES)}")
    parser.add_argument("--repeat", type=int, default=1, help="repetitions of each cell (default 1)")
    parser.add_argument("--limit", type=float, default=60, help="seconds that a cell may take (default 60)")
    parser.add_argument("--scale", type=float, default=1.0, help="shrink the sizes, for a quick look")
    parser.add_argument("--directory", type=Path, default=Path.cwd(), help="where to work, on a disk that syncs (default: here)")
    parser.add_argument("--environments", type=Path, default=Path.cwd() / ".bench", help="where the peers are installed (default: .bench)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write a line of JSON for each cell")
    return parser


if __name__ == "__main__":
    sys.exit(main())
