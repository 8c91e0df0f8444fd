"""One cell of the comparison: run in a process of its own, with a time limit, and kept as what was found or why nothing was."""

import os
import shutil
import signal
import statistics
import subprocess
import tempfile
from pathlib import Path

import msgspec

from benchmarks.peers.engines import Engine
from benchmarks.peers.works import LENGTH

CHECKOUT = Path(__file__).resolve().parents[2]
SYNCS = "syncs"
SYNC_CALLS = "trace=fsync,fdatasync"


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """One row."""

    name: str
    what: str
    unit: str
    size: int
    more_is_better: bool = False


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """What one engine made of one work. `times_as_fast` is how many times as fast wflab is; `note` says what is not as in the other cells."""

    work: str
    engine: str
    unit: str
    size: int
    version: str = ""
    value: float | None = None
    runs: list[float] = []
    times_as_fast: float | None = None
    durability: str = ""
    note: str = ""


class Found(msgspec.Struct, frozen=True):
    """What the process wrote."""

    value: float
    version: str
    durability: str


class Nothing(Exception):
    """The process found nothing, and why."""


class Place(msgspec.Struct, frozen=True):
    """Where the cells of one engine are run: its Python, the folder for its databases, and the time it gets for each."""

    python: Path
    scratch: Path
    limit_seconds: float


def measured(work: Comparison, engine: Engine, place: Place, *, size: int) -> Found:
    """One repetition."""
    if work.name in engine.absent:
        raise Nothing(engine.absent[work.name])
    if work.name == SYNCS:
        return _syncs_per_step(engine, place)
    return _run([], work.name, engine, place, size)


def cell_of(work: Comparison, engine: Engine, found: list[Found | Nothing], *, size: int) -> Cell:
    """The median of the repetitions that found something."""
    good = [each for each in found if isinstance(each, Found)]
    notes = [] if size == work.size or not good else [f"{size:,} instead of {work.size:,}{_because(engine.why_less.get(work.name))}"]
    notes += sorted({str(each) for each in found if isinstance(each, Nothing)})
    cell = Cell(work=work.name, engine=engine.name, unit=work.unit, size=size, note="; ".join(notes))
    if not good:
        return cell
    return msgspec.structs.replace(
        cell,
        version=good[0].version,
        durability=good[0].durability,
        value=_rounded(statistics.median(each.value for each in good)),
        runs=[_rounded(each.value) for each in good],
    )


def beside(cell: Cell, ours: Cell | None, work: Comparison) -> Cell:
    """The cell with its ratio to ours, where both have a figure."""
    if ours is None or not cell.value or not ours.value or work.name == SYNCS:
        return cell
    ratio = ours.value / cell.value if work.more_is_better else cell.value / ours.value
    return msgspec.structs.replace(cell, times_as_fast=_rounded(ratio))


def _syncs_per_step(engine: Engine, place: Place) -> Found:
    """From the syncs of one chain and of three: what opening and closing need cancels out."""
    if not shutil.which("strace"):
        raise Nothing("needs strace")
    few, found = _counted(engine, place, 1)
    many, _ = _counted(engine, place, 3)
    return Found(round(max(0, many - few) / (2 * LENGTH), 2), found.version, found.durability)


def _counted(engine: Engine, place: Place, chains: int) -> tuple[int, Found]:
    with tempfile.NamedTemporaryFile("r", encoding="utf-8", dir=place.scratch) as counts:
        traced = ["strace", "--follow-forks", "--quiet=all", "--output", counts.name, "-e", SYNC_CALLS]
        found = _run(traced, "chain", engine, place, chains)
        return sum("resumed>" not in line and "sync(" in line for line in counts.read().splitlines()), found


def _run(prefix: list[str], work: str, engine: Engine, place: Place, size: int) -> Found:
    with tempfile.TemporaryDirectory(prefix=f"{engine.name}-", dir=place.scratch) as kept:
        folder = Path(kept)
        database, result, said = folder / "database", folder / "result.json", folder / "said"
        database.mkdir()
        command: list[str | Path] = [*prefix, place.python, "-m", "benchmarks.peers.measure", engine.name, work]
        command += ["--size", str(size), "--directory", database, "--result", result]
        with said.open("wb") as out, subprocess.Popen(command, cwd=CHECKOUT, stdout=out, stderr=out, start_new_session=True) as process:
            try:
                process.wait(place.limit_seconds)
            except subprocess.TimeoutExpired:
                raise Nothing(f"more than {place.limit_seconds:g} s") from None
            finally:
                _end(process)  # in any case: what it started must not outlive it
        if process.returncode:
            raise Nothing(_last_line(said))
        return msgspec.json.decode(result.read_bytes(), type=Found)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # the whole group is gone, as it should be


def _last_line(said: Path) -> str:
    lines = said.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1][:120] if lines else "it ended without a word"


def _because(reason: str | None) -> str:
    return f" ({reason})" if reason else ""


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
