"""What a row of the benchmarks is, and the raw write that its figures are compared with.

Everything is measured in one directory: a sync on another disk would say nothing. The machine's speed drifts, so the raw write is timed
right before and right after each repetition, and each repetition has a process of its own.
"""

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec

from benchmarks.bench import Bench

RAW_WRITES = 100
RECORD = b"x" * 300  # about what one step of a chain adds to the journal
RAW_FIGURE = "ratio_to_raw"
STEADY = 3.0  # a disk that others keep busy takes many times longer for the raw write, and not for ours: such a ratio flatters

Figures = dict[str, float]
_sync_data = getattr(os, "fdatasync", os.fsync)


class Goal(msgspec.Struct, frozen=True):
    """A bound for one figure of a row."""

    figure: str
    bound: float
    kind: Literal["at most", "at least"]

    def is_met(self, figures: Figures) -> bool:
        """Whether the figure keeps to the bound."""
        value = figures[self.figure]
        return value <= self.bound if self.kind == "at most" else value >= self.bound

    def __str__(self) -> str:
        return f"{self.figure} {self.kind} {self.bound:,g}"


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One row.

    `measure` gives the figure called `value` and may give others. `per_commit_ms` makes of `value` the milliseconds to compare with
    a raw write, where that makes sense.
    """

    name: str
    what: str
    unit: str
    measure: Callable[[Bench], Figures]
    goals: tuple[Goal, ...]
    per_commit_ms: Callable[[float], float] | None = None


class Repetition(msgspec.Struct, frozen=True):
    """What one process measured."""

    figures: Figures
    raw_ms: float
    profile: str


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the report: medians over the repetitions, and `runs`, the value of each. `met` is None where it cannot be judged."""

    work: str
    value: float
    unit: str
    ratio_to_raw: float | None
    raw_ms: float
    target: str
    met: bool | None
    runs: list[float]
    also: Figures


def repeat_once(work: Work, bench: Bench) -> Repetition:
    """One repetition, with the raw write timed around it."""
    bench.directory.mkdir(parents=True)
    before = raw_writes(bench.directory)
    figures = work.measure(bench)
    return Repetition(figures, statistics.median(before + raw_writes(bench.directory)), bench.profile)


def usual_raw_ms(directory: Path) -> float:
    """What a raw write takes just now."""
    return statistics.median(raw_writes(directory))


def raw_writes(directory: Path) -> list[float]:
    """Milliseconds of each of some appends to a file, each made durable by itself."""
    path = directory / "raw"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    times = []
    try:
        for _ in range(RAW_WRITES):
            begin = time.perf_counter()
            os.write(descriptor, RECORD)
            _sync_data(descriptor)
            times.append((time.perf_counter() - begin) * 1000)
    finally:
        os.close(descriptor)
        path.unlink()
    return times


def row_of(work: Work, repetitions: list[Repetition], *, quietest_raw_ms: float, is_full_size: bool) -> Row:
    """The medians of some repetitions, and whether they reach the goals. No ratio is given where the raw write was disturbed each time."""
    figures = {name: statistics.median(each.figures[name] for each in repetitions) for name in repetitions[0].figures}
    raw_ms = statistics.median(each.raw_ms for each in repetitions)
    # Each repetition is compared with its own raw writes: that is what the drift of the machine cancels out of.
    per_commit = work.per_commit_ms
    steady = [each for each in repetitions if each.raw_ms <= STEADY * quietest_raw_ms]
    ratios = [] if per_commit is None else [per_commit(each.figures["value"]) / each.raw_ms for each in steady]
    compared: Figures = {RAW_FIGURE: statistics.median(ratios)} if ratios else {}
    is_judged = is_full_size and all(goal.figure in figures | compared for goal in work.goals)
    return Row(
        work=work.name,
        value=_rounded(figures["value"]),
        unit=work.unit,
        ratio_to_raw=_rounded(compared[RAW_FIGURE]) if compared else None,
        raw_ms=_rounded(raw_ms),
        target=", ".join(map(str, work.goals)),
        met=all(goal.is_met(figures | compared) for goal in work.goals) if is_judged else None,
        runs=[_rounded(each.figures["value"]) for each in repetitions],
        also={name: _rounded(value) for name, value in figures.items() if name != "value"},
    )


def table(rows: list[Row]) -> str:
    """The rows for a person."""
    lines: list[tuple[str, ...]] = [("work", "value", "unit", "x raw", "raw ms", "met", "target", "also")]
    for row in rows:
        told: list[Any] = [row.work, row.value, row.unit, row.ratio_to_raw, row.raw_ms, row.met, row.target]
        also = " ".join(f"{name}={value:,g}" for name, value in row.also.items())
        lines.append((*("-" if cell is None else f"{cell:,g}" if isinstance(cell, float) else str(cell) for cell in told), also))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
