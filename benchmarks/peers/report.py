"""The comparison for a person: works down, engines across, and below what each engine promises about a power cut."""

from collections.abc import Sequence

from benchmarks.peers.cell import Cell, Comparison

ABSENT = "n/a"
LEGEND = "(n x): wflab is n times as fast; below 1 it is slower. * see the notes."


def report(works: Sequence[Comparison], engines: Sequence[str], cells: Sequence[Cell]) -> str:
    """Table, legend, notes and durability."""
    by_place = {(cell.work, cell.engine): cell for cell in cells}
    versions = {cell.engine: cell.version for cell in cells if cell.version}
    promises = {cell.engine: cell.durability for cell in cells if cell.durability}
    head = ("work", "unit", *(f"{engine} {versions.get(engine, '')}".strip() for engine in engines))
    rows = [head]
    rows += [(work.what, work.unit, *(_shown(by_place.get((work.name, engine))) for engine in engines)) for work in works]
    parts = [_aligned(rows), LEGEND]
    parts += [f"* {cell.work}, {cell.engine}: {cell.note}" for cell in cells if cell.note]
    parts += ["", *(f"{engine}: {promises[engine]}" for engine in engines if engine in promises)]
    return "\n".join(parts)


def _shown(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    mark = " *" if cell.note else ""
    if cell.value is None:
        return ABSENT + mark
    ratio = "" if cell.times_as_fast is None or cell.engine == "wflab" else f" ({cell.times_as_fast:.3g} x)"
    return f"{cell.value:,.4g}{ratio}{mark}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
