"""Where the groups of a graph stand, for each level of detail, and the lines between them.

What a level hides is contracted: what led to a hidden group leads to whatever follows it. Groups that happened are placed in the order in which
they appeared and before all that is planned, so that places depend only on what was before.
"""

from collections.abc import Mapping, Sequence
from math import ceil

import msgspec

from wflab import protocol
from wflab.analytics.steps import START
from wflab.views import layout
from wflab.views.layout import Box, Item, Measures
from wflab.views.marks import MARKS

# Columns are narrow, and a node takes several of them: so every kind of node has its own width and no more than a little room around it.
WIDE = Measures(width=190.0, pitch=76.0, inset=0.0, lane=76.0)
SINGLE_COLUMNS = 3
GROUP_WIDTH = 260.0
GROUP_COLUMNS = 4
GROUP_LANES = 2
RACE_WIDTH = 114.0
RACE_COLUMNS = 2
LEVELS = 4
_HEAD = 30.0
_PADDING = 10.0
_EDGE = 6.0
_HIDDEN: tuple[frozenset[str], ...] = (
    frozenset(),
    frozenset({"child", "timer", "event_wait", "race"}) | MARKS,
    frozenset({"timer", "event_wait", "race"}) | MARKS,
    frozenset(),
)


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """A group as the layout needs it. `inner` is the graph it was expanded into; `is_many` is known too late for its place, until all is laid out anew."""

    id: str
    kind: str
    causes: tuple[str, ...]
    is_large: bool
    is_planned: bool = False
    is_many: bool = False
    inner: "Drawing | None" = None


class Drawing(msgspec.Struct, frozen=True, kw_only=True):
    """Groups in the order in which they appeared, and what led to what: (source, target, kind)."""

    groups: tuple[Placed, ...]
    links: tuple[tuple[str, str, str], ...]


class _Laid(msgspec.Struct, frozen=True, kw_only=True):
    """A drawing with its places, from its own corner."""

    boxes: dict[str, Box]
    links: list[tuple[str, str, str]]
    inner: "dict[str, _Laid]"
    width: float
    height: float


def level_of(drawing: Drawing, level: int) -> protocol.Level:
    """The places of one level above 0."""
    laid = _laid(drawing, level)
    drawn = _Drawn()
    drawn.take(laid, 0.0, 0.0)
    return protocol.Level(places=drawn.places, edges=drawn.edges, frames=drawn.frames, width=laid.width, height=laid.height)


def whole(identity: str) -> protocol.Level:
    """Level 0: the workflow is all there is."""
    place = (layout.MARGIN, layout.HEADROOM_FOR_LOOPS, GROUP_WIDTH, layout.NODE_HEIGHT + WIDE.lane)
    return protocol.Level(places={identity: place}, edges=[], frames=[], width=place[2] + 8, height=place[1] + place[3] + 8)


def _laid(drawing: Drawing, level: int) -> _Laid:
    visible = [group for group in drawing.groups if group.kind not in _HIDDEN[level]]
    sources = _resolved(drawing, {group.id for group in visible})
    links = _links(drawing, {group.id for group in visible}, sources)
    inner = {group.id: _laid(group.inner, level) for group in visible if group.inner is not None}
    items = [_item(group, inner.get(group.id), sources) for group in visible]
    boxes = layout.place(items, start=START, headroom=layout.HEADROOM_FOR_LOOPS, measures=WIDE)
    start = boxes.pop(START)
    width, height = layout.size_of(boxes or {START: start})
    return _Laid(boxes=boxes, links=links, inner=inner, width=width + _EDGE, height=height + _EDGE)


class _Drawn:
    """What is drawn so far, frames before what is in them."""

    def __init__(self) -> None:
        self.places: dict[str, tuple[float, float, float, float]] = {}
        self.edges: list[protocol.GraphEdge] = []
        self.frames: list[str] = []

    def take(self, laid: _Laid, x: float, y: float) -> None:
        boxes = {name: msgspec.structs.replace(box, x=box.x + x, y=box.y + y) for name, box in laid.boxes.items()}
        occupied = list(boxes.values())
        self.places |= {name: (box.x, box.y, box.width, box.height) for name, box in boxes.items()}
        self.edges += [_edge(source, target, kind, boxes, occupied) for source, target, kind in laid.links]
        for name, inside in laid.inner.items():
            self.frames.append(name)
            self.take(inside, boxes[name].x + _PADDING, boxes[name].y + _HEAD)


def _resolved(drawing: Drawing, shown: set[str]) -> dict[str, tuple[str, ...]]:
    """For every group the visible ones it stands for: itself, or whatever led to it."""
    found: dict[str, tuple[str, ...]] = {START: (START,)}
    for group in drawing.groups:
        if group.id in shown:
            found[group.id] = (group.id,)
        else:
            names = dict.fromkeys(name for cause in group.causes for name in found.get(cause, ()))
            found[group.id] = tuple(name for name in names if name != START) or (START,)
    return found


def _links(drawing: Drawing, shown: set[str], sources: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str, str]]:
    order = {group.id: place for place, group in enumerate(drawing.groups)}
    found: dict[tuple[str, str], str] = {}
    for source, target, kind in drawing.links:
        if target not in shown:
            continue
        for name in sources.get(source, ()):
            if name != START:
                went_back = order[name] >= order[target]
                found.setdefault((name, target), "loop" if went_back else "flow" if kind == "loop" else kind)
    return [(source, target, kind) for (source, target), kind in found.items()]


def _item(group: Placed, inner: _Laid | None, sources: Mapping[str, tuple[str, ...]]) -> Item:
    causes = tuple(dict.fromkeys(name for cause in group.causes for name in sources.get(cause, ())))
    causes = tuple(cause for cause in causes if cause != group.id)
    if inner is not None:
        width, height = max(inner.width + 2 * _PADDING, GROUP_WIDTH), inner.height + _HEAD + _PADDING
        columns = ceil((width + layout.GAP) / WIDE.pitch)
        lanes = 1 + max(0, ceil((height - layout.NODE_HEIGHT) / WIDE.lane))
        return Item(id=group.id, causes=causes, lanes=lanes, columns=columns, width=width, height=height)
    if group.is_large:
        return Item(id=group.id, causes=causes, lanes=GROUP_LANES, columns=GROUP_COLUMNS, width=GROUP_WIDTH)
    if group.kind == "race":
        return Item(id=group.id, causes=causes, columns=RACE_COLUMNS, width=RACE_WIDTH)
    return Item(id=group.id, causes=causes, columns=SINGLE_COLUMNS)


def _edge(source: str, target: str, kind: str, boxes: Mapping[str, Box], occupied: Sequence[Box]) -> protocol.GraphEdge:
    one, other = boxes[source], boxes[target]
    goes_back = kind == "loop" or one.last >= other.column
    path = layout.turn_back(one, other) if goes_back else layout.line(one, other, occupied, WIDE.lane)
    return protocol.GraphEdge(source=source, target=target, kind=kind, path=path)  # type: ignore[arg-type]  # a kind of ours
