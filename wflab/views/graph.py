"""Steps grouped into a small execution graph: one group for all steps of a name asked for in one turn, so a fan-out of any width is one.

Everything here depends only on what was recorded up to a group's first step, so groups never change places when a history grows. Two
things bend that rule to keep the graph small: a loop's repeats are folded into one group per step of its body, and the middle of a
very long graph into one group "more".
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from wflab.analytics.steps import START, Step, StepState

END = "end"
MORE = "more"
LOOP_REPEATS = 12
LONGEST_BODY = 6
MOST_GROUPS = 80
_KEPT = 30
_CHUNK = 20
LinkKind = Literal["flow", "join", "loop", "lost"]


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Steps drawn as one node. `after` and `joins` name the groups that led to it, and those that had to be over as well."""

    id: str
    name: str
    kind: str
    turn: int
    steps: tuple[Step, ...]
    after: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()
    is_loop: bool = False

    @property
    def done_turn(self) -> int | None:
        """The turn that saw the last of its steps end; None while one is open or unseen."""
        turns = [step.done_turn for step in self.steps]
        return None if not all(turns) else max(turn for turn in turns if turn)


class Link(msgspec.Struct, frozen=True):
    """One group leads to another."""

    source: str
    target: str
    kind: LinkKind


class ExecutionGraph(msgspec.Struct, frozen=True, kw_only=True):
    """Groups in the order asked for, and their links; `start` and `end` are link ends without a group."""

    groups: tuple[Group, ...]
    links: tuple[Link, ...]
    hidden: int = 0


def execution_graph(steps: Sequence[Step], *, ended: bool) -> ExecutionGraph:
    """Group the steps of one execution; `ended` adds the links to its end."""
    groups = _fold_loops(_join(_grouped(steps)))
    groups, hidden = _fold_middle(groups)
    links = _links(groups)
    if ended:
        links += _links_to_end(groups, links)
    return ExecutionGraph(groups=tuple(groups), links=tuple(dict.fromkeys(links)), hidden=hidden)


def _grouped(steps: Sequence[Step]) -> list[Group]:
    members: dict[tuple[int, tuple[str, ...], str, str], list[Step]] = {}
    for step in steps:
        members.setdefault((step.turn, step.after, step.kind, step.name), []).append(step)
    home = {step.id: found[0].id for found in members.values() for step in found}
    return [
        Group(id=found[0].id, name=name, kind=kind, turn=turn, steps=tuple(found), after=_distinct(home.get(s, s) for s in after))
        for (turn, after, kind, name), found in members.items()
    ]


def _join(groups: list[Group]) -> list[Group]:
    """Let a group that ended without leading anywhere lead to what was asked for next: that is how waiting for several looks."""
    turns: defaultdict[int, list[Group]] = defaultdict(list)
    for group in groups:
        turns[group.turn].append(group)
    loose: list[Group] = []
    joined: dict[str, tuple[str, ...]] = {}
    for turn, asked in turns.items():
        causes = {cause for group in asked for cause in group.after}
        loose = [group for group in loose if group.id not in causes]
        over = [group for group in loose if (group.done_turn or turn + 1) <= turn and _can_join(group)]
        for group in asked:
            if group.after:  # an event nobody had asked for follows from nothing
                joined[group.id] = tuple(other.id for other in over)
        if any(group.after for group in asked):
            loose = [group for group in loose if group not in over]
        loose += [group for group in asked if group.after]
    return [_with_joins(group, joined.get(group.id, ())) for group in groups]


def _can_join(group: Group) -> bool:
    return any(step.state is not StepState.CANCELED for step in group.steps)


def _with_joins(group: Group, joins: tuple[str, ...]) -> Group:
    after = tuple(cause for cause in group.after if cause != START) if joins else group.after
    return msgspec.structs.replace(group, after=after, joins=joins)


def _fold_loops(groups: list[Group]) -> list[Group]:
    """Fold the repeats of a loop's body, where each turn's requests follow only from the turn's before."""
    blocks = _blocks(groups)
    kept: list[Group] = []
    homes: dict[str, str] = {}
    position = 0
    while position < len(blocks):
        body, length = _loop_at(blocks, position)
        if body:
            for offset in range(body):
                turns = [sorted(block, key=_signature) for block in blocks[position + offset : position + length : body]]
                for members in zip(*turns, strict=True):
                    kept.append(_folded(members))
                    homes.update(dict.fromkeys((member.id for member in members), members[0].id))
            position += length
        else:
            kept += blocks[position]
            position += 1
    return [_rehomed(group, homes) for group in kept]


def _blocks(groups: list[Group]) -> list[list[Group]]:
    blocks: dict[int, list[Group]] = {}
    for group in groups:
        blocks.setdefault(group.turn, []).append(group)
    return list(blocks.values())


def _signature(group: Group) -> tuple[str, str]:
    return group.kind, group.name


def _loop_at(blocks: list[list[Group]], start: int) -> tuple[int, int]:
    """The length of the body and of all its repeats from here on, in turns; (0, 0) where there is no loop."""
    for body in range(1, LONGEST_BODY + 1):
        end = start + body
        while end < len(blocks) and _follows(blocks, end) and _same(blocks[end], blocks[end - body]):
            end += 1
        inside = all(_follows(blocks, index) for index in range(start + 1, min(start + body, len(blocks))))
        if inside and (end - start) // body > LOOP_REPEATS:
            return body, end - start
    return 0, 0


def _follows(blocks: list[list[Group]], index: int) -> bool:
    before = {group.id for group in blocks[index - 1]}
    return all(before.issuperset(group.after + group.joins) for group in blocks[index])


def _same(block: list[Group], other: list[Group]) -> bool:
    return sorted(map(_signature, block)) == sorted(map(_signature, other))


def _folded(members: Sequence[Group]) -> Group:
    steps = tuple(step for group in members for step in group.steps)
    after = _distinct(cause for group in members[:2] for cause in group.after)  # the second's come from the loop's end: the way back
    return msgspec.structs.replace(members[0], steps=steps, after=after, is_loop=True)


def _rehomed(group: Group, homes: dict[str, str]) -> Group:
    after = _distinct(homes.get(cause, cause) for cause in group.after)
    joins = _distinct(homes.get(cause, cause) for cause in group.joins)
    return msgspec.structs.replace(group, after=after, joins=tuple(cause for cause in joins if cause not in after))


def _fold_middle(groups: list[Group]) -> tuple[list[Group], int]:
    """Keep both ends of a long graph. The cut moves in chunks, so that places move seldom."""
    if len(groups) <= MOST_GROUPS:
        return groups, 0
    hidden = -(-(len(groups) - MOST_GROUPS) // _CHUNK) * _CHUNK
    middle = groups[_KEPT : _KEPT + hidden]
    inside = {group.id for group in middle}
    steps = tuple(step for group in middle for step in group.steps)
    causes = _distinct(cause for group in middle for cause in group.after + group.joins if cause not in inside)
    more = Group(id=MORE, name=f"{len(steps):,} more steps", kind=MORE, turn=middle[0].turn, steps=steps, after=causes)
    homes = dict.fromkeys(inside, MORE)
    tail = [_rehomed(group, homes) for group in groups[_KEPT + hidden :]]
    return [*groups[:_KEPT], more, *tail], len(steps)


def _links(groups: list[Group]) -> list[Link]:
    links: list[Link] = []
    place = {group.id: index for index, group in enumerate(groups)}
    for index, group in enumerate(groups):
        lost = all(step.state is StepState.CANCELED for step in group.steps)
        flow: LinkKind = "lost" if lost else "flow"
        for cause in group.after:
            backwards = place.get(cause, -1) >= index
            links.append(Link(cause, group.id, "loop" if backwards else flow))
        links += [Link(cause, group.id, "join") for cause in group.joins if place.get(cause, -1) < index]
    return links


def _links_to_end(groups: list[Group], links: list[Link]) -> list[Link]:
    leading = {link.source for link in links if link.kind != "loop"}
    last = [group for group in groups if group.id not in leading and _can_join(group) and group.after]
    turn = max((group.done_turn or 0 for group in last), default=0)
    kinds: list[tuple[str, LinkKind]] = [(group.id, "flow" if (group.done_turn or 0) == turn else "join") for group in last]
    return [Link(source, END, kind) for source, kind in kinds] or [Link(groups[-1].id if groups else START, END, "flow")]


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
