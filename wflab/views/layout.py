"""Places for the nodes of an execution graph: left to right in columns, each node on a lane of its cause where that is free.

A node's place depends only on nodes before it, so that nothing moves when one is appended. Loop links never count for columns. Every node
has its ports at the height of its first lane, so a chain is a straight line whatever the nodes' heights.
"""

from collections.abc import Mapping, Sequence

import msgspec

NODE_WIDTH = 184.0
NODE_HEIGHT = 46.0
LANE = 60.0
START_SIZE = 14.0
END_WIDTH = 148.0
GAP = 34.0
MARGIN = 2.0
HEADROOM = 8.0
HEADROOM_FOR_LOOPS = 20.0
_PORT = NODE_HEIGHT / 2


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """How large things are: `pitch` is from column to column, `inset` what is left free before the first for the start, `lane` from lane to lane."""

    width: float = NODE_WIDTH
    pitch: float = NODE_WIDTH + GAP
    inset: float = START_SIZE + GAP
    lane: float = LANE


OF_CARD = Measures()


class Box(msgspec.Struct, frozen=True):
    """Where a node stands; `lane` and `column` are for the lines between. The start takes no lane."""

    column: int
    lane: int
    lanes: int
    x: float
    y: float
    width: float
    height: float
    columns: int = 1

    @property
    def last(self) -> int:
        """The last column it takes."""
        return self.column + self.columns - 1

    @property
    def port(self) -> float:
        """The height at which lines come and go."""
        return self.y + (self.height / 2 if self.lanes == 0 else _PORT)


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A node to place: how many lanes and columns it takes, and which nodes before it lead to it (none: it follows the latest column).

    Without `width` and `height` it is as large as a node is, and fills its lanes.
    """

    id: str
    causes: tuple[str, ...]
    lanes: int = 1
    columns: int = 1
    width: float | None = None
    height: float | None = None


def place(
    items: Sequence[Item],
    *,
    start: str,
    end: str | None = None,
    end_causes: Sequence[str] = (),
    headroom: float = HEADROOM,
    measures: Measures = OF_CARD,
) -> dict[str, Box]:
    """Place the start, all items in their order and, where given, the end; `headroom` is what is left free above."""
    boxes = {start: Box(0, 0, 0, MARGIN, headroom + _PORT - START_SIZE / 2, START_SIZE, START_SIZE)}
    taken: set[tuple[int, int]] = {(0, 0)}
    latest, abreast = 0, 1
    for item in items:
        known = [boxes[cause] for cause in item.causes if cause in boxes]
        column = max((box.last + 1 for box in known), default=abreast)
        lane = min((box.lane for box in known), default=1)
        while any(spot in taken for spot in _spots(item, column, lane)):
            lane += 1
        taken.update(_spots(item, column, lane))
        if column + item.columns - 1 > latest:
            latest, abreast = column + item.columns - 1, column
        boxes[item.id] = _box(item, column, lane, headroom, measures)
    if end is not None:
        known = [boxes[cause] for cause in end_causes if cause in boxes]
        last = Item(id=end, causes=(), width=END_WIDTH)
        boxes[end] = _box(last, latest + 1, min((box.lane for box in known), default=0), headroom, measures)
    return boxes


def size_of(boxes: Mapping[str, Box]) -> tuple[float, float]:
    """How much room the whole takes."""
    return max(box.x + box.width for box in boxes.values()) + MARGIN, max(box.y + box.height for box in boxes.values()) + MARGIN


def line(source: Box, target: Box, occupied: Sequence[Box], lane: float = LANE) -> str:
    """The path from one node to a later one; it dives under whatever stands between them on the target's lane."""
    x0, y0, x1, y1 = source.x + source.width, source.port, target.x, target.port
    between = [box for box in occupied if source.last < box.last and box.column < target.column]
    if not between:
        return f"M{x0:g} {y0:g}H{x1:g}" if y0 == y1 else _bend(x0, y0, x1, y1)
    if not any(box.lane <= target.lane < box.lane + box.lanes for box in between):
        return _bend(x0, y0, x0 + GAP, y1) + f"H{x1:g}"
    if not any(box.lane <= source.lane < box.lane + box.lanes for box in between):
        return f"M{x0:g} {y0:g}H{x1 - GAP:g}{_curve(x1 - GAP, y0, x1, y1)}"
    under = max(box.y + box.height for box in between if box.lane <= target.lane < box.lane + box.lanes) + (lane - NODE_HEIGHT) / 2
    return f"{_bend(x0, y0, x0 + GAP, under)}H{x1 - GAP:g}{_curve(x1 - GAP, under, x1, y1)}"


def turn_back(source: Box, target: Box) -> str:
    """The path of a loop: from the top of its last node over to the top of its first, with the arrow's head."""
    inset = source.width / 4
    x0, x1 = source.x + source.width - inset, target.x + inset
    top = min(source.y, target.y)
    return f"M{x0:g} {source.y:g}C{x0:g} {top - 20:g} {x1:g} {top - 20:g} {x1:g} {target.y - 2:g}m-4 -5l4 5l4 -5"


def _spots(item: Item, column: int, lane: int) -> list[tuple[int, int]]:
    return [(column + across, lane + down) for across in range(item.columns) for down in range(item.lanes)]


def _box(item: Item, column: int, lane: int, headroom: float, measures: Measures) -> Box:
    x = MARGIN + measures.inset + (column - 1) * measures.pitch
    width = measures.width if item.width is None else item.width
    height = NODE_HEIGHT + (item.lanes - 1) * measures.lane if item.height is None else item.height
    return Box(column, lane, item.lanes, x, headroom + lane * measures.lane, width, height, item.columns)


def _bend(x0: float, y0: float, x1: float, y1: float) -> str:
    return f"M{x0:g} {y0:g}{_curve(x0, y0, x1, y1)}"


def _curve(x0: float, y0: float, x1: float, y1: float) -> str:
    middle = (x0 + x1) / 2
    return f"C{middle:g} {y0:g} {middle:g} {y1:g} {x1:g} {y1:g}"
