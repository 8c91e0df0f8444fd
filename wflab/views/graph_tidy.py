"""A graph laid out from scratch, and kept so.

As a run goes on nothing moves, so each group stands where what was known at its first step put it: a join found later leads back, a single call
that became a loop stays small, what was not taken stands behind all the rest. Whoever asks for it has the graph laid out anew with all that is
known by now. From then on those places are kept in turn, and what is new comes after them.
"""

from collections.abc import Mapping

import msgspec

from wflab.analytics.step import START
from wflab.views.graph_levels import Drawing, Placed
from wflab.views.marks import MARKS

Pins = Mapping[str, Placed]


def pins_of(drawing: Drawing) -> dict[str, Placed]:
    """The groups in the order in which they are laid out anew, also those that are inside others: first by depth, the flow before what is beside it."""
    place = {group.id: number for number, group in enumerate(drawing.groups)}
    sources: dict[str, list[str]] = {group.id: [] for group in drawing.groups}
    for source, target, kind in drawing.links:
        if kind != "loop" and source in place and target in place and place[source] < place[target]:
            sources[target].append(source)
    depth: dict[str, int] = {}
    for group in drawing.groups:  # sources come before
        depth[group.id] = max((depth[source] + 1 for source in sources[group.id]), default=0)
    beside = {group.id: group.kind in MARKS or not _leads_on(group, drawing) for group in drawing.groups}
    pins: dict[str, Placed] = {}
    for group in sorted(drawing.groups, key=lambda one: (depth[one.id], beside[one.id], one.is_planned, place[one.id])):
        causes = tuple(dict.fromkeys(sources[group.id])) or (group.causes and (START,))
        pins[group.id] = msgspec.structs.replace(group, causes=causes, is_large=group.is_large or group.is_many, inner=None)
        if group.inner is not None:
            pins |= pins_of(group.inner)
    return pins


def kept(drawing: Drawing, pins: Pins) -> Drawing:
    """The drawing with the groups that are pinned where they were put, and then all others."""
    inner = {group.id: kept(group.inner, pins) for group in drawing.groups if group.inner is not None}
    now = {group.id: msgspec.structs.replace(group, inner=inner.get(group.id)) for group in drawing.groups}
    if pins.keys().isdisjoint(now):
        return drawing if not inner else msgspec.structs.replace(drawing, groups=tuple(now.values()))
    stay = [
        msgspec.structs.replace(pin, is_planned=now[name].is_planned, inner=now[name].inner) for name, pin in pins.items() if name in now
    ]
    return msgspec.structs.replace(drawing, groups=(*stay, *(group for name, group in now.items() if name not in pins)))


def _leads_on(group: Placed, drawing: Drawing) -> bool:
    return any(source == group.id for source, _, _ in drawing.links)
