"""Many groups folded into scopes: the constructs of the source that they stand in, or else neighbours, so that what is drawn can be read.

A scope is opened by its id; `path` holds the ids of those opened, outermost first. What is declared to be important is not folded away.
"""

from collections.abc import Collection, Mapping, Sequence

import msgspec

from wflab import protocol
from wflab.analytics.steps import START
from wflab.views.graph_levels import Drawing, Placed
from wflab.views.group_numbers import in_order
from wflab.views.marks import MARKS
from wflab.views.palette import worst

MOST_GROUPS = 60
MOST_DRAWN = 200
MOST_KEPT = 30
_CHUNK = 20
_WORDS = {"comprehension": "loop"}


class Folded(msgspec.Struct, frozen=True, kw_only=True):
    """What is drawn of a graph, and the way to it."""

    groups: list[protocol.GraphGroup]
    drawing: Drawing
    path: list[protocol.Crumb]


def fold(
    groups: Sequence[protocol.GraphGroup],
    drawing: Drawing,
    within: Mapping[str, tuple[str, ...]],
    path: Sequence[str],
    name: str,
    *,
    important: Collection[str] = (),
) -> Folded:
    """The groups themselves where they are few; else those of the scope that `path` leads to, with the scopes inside it folded.

    Call-sites of `important` activities stand beside the scopes, as long as there are no more than MOST_KEPT.
    """
    found = [group.id for group in groups if group.kind == "activity" and group.name in important]
    apart = frozenset(found if len(found) <= MOST_KEPT else ())
    crumbs: list[protocol.Crumb] = []
    depth = 0
    while len(drawing.groups) > MOST_GROUPS:
        scopes = _scopes(drawing, within, depth, apart)
        crumbs = crumbs or [protocol.Crumb(id="", label=name)]
        wanted = path[len(crumbs) - 1] if len(crumbs) <= len(path) else ""
        if wanted not in scopes:
            folded, drawing = _fold(groups, drawing, scopes, apart)
            return Folded(groups=folded, drawing=drawing, path=crumbs)
        members, label = scopes[wanted]
        crumbs.append(protocol.Crumb(id=wanted, label=label))
        groups, drawing = _only(groups, drawing, set(members))
        depth += 1
    return Folded(groups=list(groups), drawing=drawing, path=crumbs)


def _scopes(
    drawing: Drawing, within: Mapping[str, tuple[str, ...]], depth: int, apart: Collection[str]
) -> dict[str, tuple[list[str], str]]:
    """By id the members and the label of each scope, in the order of appearance. A scope of one is the group itself, without a label."""
    found: dict[str, tuple[list[str], str]] = {}
    loose: list[str] = []
    counts: dict[str, int] = {}
    for group in drawing.groups:
        for outer in within.get(group.id, ())[depth : depth + 1]:
            counts[outer] = counts.get(outer, 0) + 1
    first = 1
    for group in drawing.groups:
        if group.id in apart:
            loose = []  # what comes after it is no neighbour of what came before
            continue
        construct = next(iter(within.get(group.id, ())[depth : depth + 1]), None)
        if construct is not None and 1 < counts[construct] < len(drawing.groups):
            word, _, line = construct.partition(" ")
            found.setdefault(f"scope:{depth}:{construct}", ([], f"{_WORDS.get(word, word)} in line {line}"))[0].append(group.id)
            continue
        if not loose or len(loose) == _CHUNK:
            loose = []
            found[f"scope:{depth}:from {first}"] = (loose, "")
        loose.append(group.id)
        first += 1
    last = 0
    for identity, (members, label) in found.items():
        if not label:
            found[identity] = (members, f"call-sites {last + 1} to {last + len(members)}")
            last += len(members)
    return found


def _fold(
    groups: Sequence[protocol.GraphGroup], drawing: Drawing, scopes: Mapping[str, tuple[list[str], str]], apart: Collection[str]
) -> tuple[list[protocol.GraphGroup], Drawing]:
    home = {member: str(identity) for identity, (members, _) in scopes.items() for member in members}
    home |= {group.id: group.id for group in drawing.groups if group.id in apart}
    by_id = {group.id: group for group in groups}
    causes: dict[str, dict[str, None]] = {}
    placed: dict[str, list[Placed]] = {}
    for group in drawing.groups:
        placed.setdefault(home[group.id], []).append(group)
        causes.setdefault(home[group.id], {}).update(dict.fromkeys(home.get(cause, START) for cause in group.causes))
    order = list(placed)

    def place(identity: str) -> Placed:
        before = tuple(c for c in causes[identity] if c != identity and (c not in order or order.index(c) < order.index(identity)))
        if identity not in scopes:
            return msgspec.structs.replace(placed[identity][0], causes=before)
        is_planned = all(one.is_planned for one in placed[identity])
        return Placed(id=identity, kind="scope", causes=before, is_large=False, is_planned=is_planned)

    drawn = tuple(place(identity) for identity in order)
    links = dict.fromkeys((home.get(s, START), home.get(t, START), k if k == "planned" else "flow") for s, t, k in drawing.links)
    links = {link: None for link in links if link[0] != link[1]}
    folded = [
        _merged(identity, scopes[identity][1], [by_id[one.id] for one in placed[identity]]) if identity in scopes else by_id[identity]
        for identity in order
    ]
    return folded, Drawing(groups=drawn, links=tuple(links))


def _merged(identity: str, label: str, members: Sequence[protocol.GraphGroup]) -> protocol.GraphGroup:
    counts: dict[str, int] = {}
    calls = [member for member in members if member.kind not in MARKS] or members
    for member in calls:
        for state, count in member.counts.items():
            counts[state] = counts.get(state, 0) + count
    counts = in_order(counts)
    is_planned = all(member.planned for member in members)
    return protocol.GraphGroup(
        id=identity,
        name=label,
        kind="scope",
        state="PENDING" if is_planned else worst(counts),
        planned="planned" if is_planned else "",
        count=sum(counts.values()),
        counts=counts,
        errors=[error for member in members for error in member.errors][:3],
        note=f"{len(calls)} groups",
        count_of_groups=len(calls),
        can_expand=True,
        members=[member.id for member in members],
        instance_id=members[0].instance_id,
    )


def _only(groups: Sequence[protocol.GraphGroup], drawing: Drawing, members: set[str]) -> tuple[Sequence[protocol.GraphGroup], Drawing]:
    kept = tuple(
        msgspec.structs.replace(group, causes=tuple(cause if cause in members else START for cause in group.causes))
        for group in drawing.groups
        if group.id in members
    )
    links = tuple(link for link in drawing.links if link[0] in members and link[1] in members)
    return [group for group in groups if group.id in members], Drawing(groups=kept, links=links)
