"""The benchmarks: a row per kind of work, a JSON line per row, each beside the raw write of the same moment.

    python benchmarks/run.py                        every row
    python benchmarks/run.py --only chain --only one
    python benchmarks/run.py --profile many         where the engine's thread spends its time
    python benchmarks/run.py --large                the large file at its full 10 million events

The lines go to stdout, first the machine's; a table for people goes to stderr.
"""

import argparse
import multiprocessing
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import msgspec

from benchmarks.bench import Bench
from benchmarks.environment import environment
from benchmarks.measuring import Repetition, repeat_once, row_of, table, usual_raw_ms
from benchmarks.works import chain, check, fan, large, long, many, memory, one, recovery, sleepers

WORKS = {module.WORK.name: module.WORK for module in (chain, fan, many, one, recovery, sleepers, memory, check, long, large)}
SUSPICIOUSLY_QUICK_MS = 0.03


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rows that were asked for. The exit code says nothing about the targets: machines differ."""
    options = _parser().parse_args(arguments)
    options.events = large.FULL_SIZE if options.large else options.events
    names = [options.profile] if options.profile else options.only or list(WORKS)
    rows = []
    with tempfile.TemporaryDirectory(prefix="benchmark-", dir=options.directory) as scratch:
        directory = Path(scratch)
        _print({"environment": environment(directory)})
        raw_ms = usual_raw_ms(directory)
        if raw_ms < SUSPICIOUSLY_QUICK_MS:
            print(f"A durable write to {options.directory} takes next to no time: is it a disk? --directory chooses.", file=sys.stderr)
        for name in names:
            repetitions = _repetitions(name, options, directory)
            raw_ms = min(raw_ms, *(each.raw_ms for each in repetitions))
            rows.append(row_of(WORKS[name], repetitions, quietest_raw_ms=raw_ms, is_full_size=_is_full_size(name, options)))
            _print(rows[-1])
    print(f"\n{table(rows)}", file=sys.stderr)
    return 0


def _repetitions(name: str, options: argparse.Namespace, directory: Path) -> list[Repetition]:
    repetitions = []
    spawn = multiprocessing.get_context("spawn")
    for number in range(1 if options.profile else options.repeat):
        # A process of its own: what is left of another repetition in memory changes both times and bytes.
        with ProcessPoolExecutor(1, mp_context=spawn) as pool:
            bench = Bench(directory / f"{name}-{number}", scale=options.scale, events=options.events, is_profiled=bool(options.profile))
            repetitions.append(pool.submit(_repeat, name, bench).result())
    for profile in filter(None, (each.profile for each in repetitions)):
        print(profile, file=sys.stderr)
    return repetitions


def _is_full_size(name: str, options: argparse.Namespace) -> bool:
    return options.scale == 1 and not options.profile and (name != "large" or options.events >= large.FULL_SIZE)


def _repeat(name: str, bench: Bench) -> Repetition:
    return repeat_once(WORKS[name], bench)


def _print(what: object) -> None:
    print(msgspec.json.encode(what).decode(), flush=True)


def _parser() -> argparse.ArgumentParser:
    rows = "\n".join(f"  {work.name:<10} {work.what}; target: {', '.join(map(str, work.goals))}" for work in WORKS.values())
    parser = argparse.ArgumentParser(description=f"{__doc__}\nrows:\n{rows}", formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=WORKS, metavar="ROW", help="only this row; may be repeated")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions of each row, each in a process of its own (default 3)")
    parser.add_argument("--directory", type=Path, default=Path.cwd(), help="where to work, on a disk that syncs (default: here)")
    parser.add_argument("--scale", type=float, default=1.0, help="shrink the sizes; targets are not judged then")
    parser.add_argument("--events", type=int, default=1_000_000, help="events in the large file (default 1,000,000)")
    parser.add_argument("--large", action="store_true", help="10 million events in the large file")
    parser.add_argument("--profile", choices=WORKS, metavar="ROW", help="profile the engine's thread in this row, once")
    return parser


if __name__ == "__main__":
    sys.exit(main())
