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


class Box(msgspec.Struct, frozen=True):
    """Where a node stands; `lane` and `column` are for the lines between. The start takes no lane."""

    column: int
    lane: int
    lanes: int
    x: float
    y: float
    width: float
    height: float

    @property
    def port(self) -> float:
        """The height at which lines come and go."""
        return self.y + (self.height / 2 if self.lanes == 0 else _PORT)


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A node to place: how many lanes it takes, and which nodes before it lead to it (none: it follows the latest column)."""

    id: str
    causes: tuple[str, ...]
    lanes: int = 1


def place(
    items: Sequence[Item], *, start: str, end: str | None = None, end_causes: Sequence[str] = (), headroom: float = HEADROOM
) -> dict[str, Box]:
    """Place the start, all items in their order and, where given, the end; `headroom` is what is left free above."""
    boxes = {start: Box(0, 0, 0, MARGIN, headroom + _PORT - START_SIZE / 2, START_SIZE, START_SIZE)}
    taken: set[tuple[int, int]] = {(0, 0)}
    latest = 0
    for item in items:
        known = [boxes[cause] for cause in item.causes if cause in boxes]
        column = max((box.column for box in known), default=max(latest, 1) - 1) + 1
        lane = min((box.lane for box in known), default=1)
        while any((column, lane + offset) in taken for offset in range(item.lanes)):
            lane += 1
        taken.update((column, lane + offset) for offset in range(item.lanes))
        latest = max(latest, column)
        boxes[item.id] = _box(column, lane, item.lanes, NODE_WIDTH, headroom)
    if end is not None:
        known = [boxes[cause] for cause in end_causes if cause in boxes]
        boxes[end] = _box(latest + 1, min((box.lane for box in known), default=0), 1, END_WIDTH, headroom)
    return boxes


def size_of(boxes: Mapping[str, Box]) -> tuple[float, float]:
    """How much room the whole takes."""
    return max(box.x + box.width for box in boxes.values()) + MARGIN, max(box.y + box.height for box in boxes.values()) + MARGIN


def line(source: Box, target: Box, occupied: Sequence[Box]) -> str:
    """The path from one node to a later one; it dives under whatever stands between them on the target's lane."""
    x0, y0, x1, y1 = source.x + source.width, source.port, target.x, target.port
    between = [box for box in occupied if source.column < box.column < target.column]
    if not between:
        return f"M{x0:g} {y0:g}H{x1:g}" if y0 == y1 else _bend(x0, y0, x1, y1)
    if not any(box.lane <= target.lane < box.lane + box.lanes for box in between):
        return _bend(x0, y0, x0 + GAP, y1) + f"H{x1:g}"
    if not any(box.lane <= source.lane < box.lane + box.lanes for box in between):
        return f"M{x0:g} {y0:g}H{x1 - GAP:g}{_curve(x1 - GAP, y0, x1, y1)}"
    under = max(box.y + box.height for box in between if box.lane <= target.lane < box.lane + box.lanes) + (LANE - NODE_HEIGHT) / 2
    return f"{_bend(x0, y0, x0 + GAP, under)}H{x1 - GAP:g}{_curve(x1 - GAP, under, x1, y1)}"


def turn_back(source: Box, target: Box) -> str:
    """The path of a loop: from the top of its last node over to the top of its first, with the arrow's head."""
    inset = source.width / 4
    x0, x1 = source.x + source.width - inset, target.x + inset
    top = min(source.y, target.y)
    return f"M{x0:g} {source.y:g}C{x0:g} {top - 20:g} {x1:g} {top - 20:g} {x1:g} {target.y - 2:g}m-4 -5l4 5l4 -5"


def _box(column: int, lane: int, lanes: int, width: float, headroom: float) -> Box:
    x = MARGIN + START_SIZE + GAP + (column - 1) * (NODE_WIDTH + GAP)
    return Box(column, lane, lanes, x, headroom + lane * LANE, width, NODE_HEIGHT + (lanes - 1) * LANE)


def _bend(x0: float, y0: float, x1: float, y1: float) -> str:
    return f"M{x0:g} {y0:g}{_curve(x0, y0, x1, y1)}"


def _curve(x0: float, y0: float, x1: float, y1: float) -> str:
    middle = (x0 + x1) / 2
    return f"C{middle:g} {y0:g} {middle:g} {y1:g} {x1:g} {y1:g}"
