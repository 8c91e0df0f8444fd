"""Where a ladder's columns are and how its lines run. Rows have their heights already; a page that is narrow has narrower columns, and the same rows."""

from collections.abc import Sequence

from wflab.protocol.saga import SagaBridge, SagaLadder, SagaLayout, SagaRow
from wflab.views.saga_rows import GAP

WIDE = ((0.0, 224.0), (384.0, 224.0))
NARROW = ((0.0, 120.0), (142.0, 120.0))
_INTO = 26.0
_BESIDE = 12.0
_BELOW = 11.0

Columns = tuple[tuple[float, float], tuple[float, float]]


def ladder_of(rows: list[SagaRow], *, turned: str | None, first: str | None, shown: int, total: int) -> SagaLadder:
    """`turned` is the row whose failure turned the saga around, `first` the one that was undone first."""
    height = max((row.y + row.height for row in rows), default=0.0) + GAP / 2
    return SagaLadder(
        rows=rows,
        height=height,
        wide=layout_of(rows, WIDE, turned, first),
        narrow=layout_of(rows, NARROW, turned, first),
        shown=shown,
        total=total,
    )


def layout_of(rows: Sequence[SagaRow], columns: Columns, turned: str | None, first: str | None) -> SagaLayout:
    """The lines between two columns."""
    forward, back = columns
    by_id = {row.id: row for row in rows}
    bridges = []
    for row in rows:
        if row.back is None or row.back.is_slight:
            continue
        done = row if row.forward is not None else by_id.get(row.id.removesuffix("<"))
        if done is not None and done.forward is not None:
            path = f"M{back[0]:g} {_centre(row):g}L{forward[0] + forward[1]:g} {_centre(done):g}"
            bridges.append(SagaBridge(row=done.id, path=path, look=row.back.look, link=row.link or "explicit"))
    source, target = by_id.get(turned or ""), by_id.get(first or "")
    turn = "" if source is None or target is None else _turn(rows, source, target, columns)
    return SagaLayout(width=back[0] + back[1], forward=forward, back=back, bridges=bridges, turn=turn)


def _turn(rows: Sequence[SagaRow], source: SagaRow, target: SagaRow, columns: Columns) -> str:
    """From what failed over to the other column and to the first undo: into its end that is nearer, or where nodes are in the way, into its side."""
    (x, width), (back, _) = columns
    low, high = sorted((source.y, target.y))
    between = [row for row in rows if low <= row.y <= high and row is not target]
    is_free = all(row.back is None or row.back.is_slight for row in between)
    start = f"M{x + width:g} {_centre(source):g}"
    if source is target or not is_free:
        side, end = back - _BESIDE, _centre(target) + _BELOW
        return f"M{x + width:g} {_centre(source) + _BELOW:g}H{side:g}V{end:g}H{back:g}m-6 -4l6 4l-6 4"
    if target.y < source.y:
        return f"{start}H{back + _INTO:g}V{target.y + target.height:g}m-4 6l4 -6l4 6"
    return f"{start}H{back + _INTO:g}V{target.y:g}m-4 -6l4 6l4 -6"


def _centre(row: SagaRow) -> float:
    return row.y + row.height / 2
