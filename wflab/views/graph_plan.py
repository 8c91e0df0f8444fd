"""The planned part of a graph: what the recorded source may still come to, and what it has passed by.

A site is matched with what happened by its line, or where that is not certain by kind and name. What is left is planned, unless code that can
only run after it, or instead of it, has run already, or the run is over: then it was not taken. The order between planned sites is that of the text,
with its branches side by side.
"""

from collections.abc import Collection, Sequence
from typing import Literal

import msgspec

from wflab.analytics.call_sites import CallSite
from wflab.analytics.steps import START
from wflab.views.group_fold import CallGroup

_LABELS = {"activity": "some activity", "child": "some workflow", "detached": "some workflow", "timer": "timer", "event_wait": "some event"}
_EITHER = {"if": "else", "else": "if"}
_LOOPS = ("for", "while", "comprehension")


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """A site that no call was made at. `after` are ids of groups and of other planned ones."""

    id: str
    name: str
    kind: str
    line: int
    after: tuple[str, ...]
    standing: Literal["planned", "not taken"]


def planned_part(sites: Sequence[CallSite], groups: Sequence[CallGroup], group_key: str, *, is_over: bool) -> list[Planned]:
    """What is left of the plan, in the order of the text."""
    shown = [site for site in sites if site.kind not in {"can", "helper"} and not site.is_undo]
    homes = {id(site): _match(site, groups) for site in shown}
    taken = [site for site in shown if homes[id(site)] is not None]
    names = {id(site): homes[id(site)] or _identity(site, group_key) for site in shown}
    after = _order(shown)
    seen: set[str] = {group.id for group in groups}
    left: list[Planned] = []
    for site in shown:
        identity = names[id(site)]
        if identity in seen:
            continue
        seen.add(identity)
        left.append(
            Planned(
                id=identity,
                name=site.callee or _LABELS.get(site.kind, site.kind),
                kind="child" if site.kind == "detached" else site.kind,
                line=site.line,
                after=tuple(dict.fromkeys(names[id(cause)] for cause in after[id(site)])) or (START,),
                standing="not taken" if is_over or any(_is_past(site, other) for other in taken) else "planned",
            )
        )
    return left


def _identity(site: CallSite, group_key: str) -> str:
    """As the group will be called, where the line turns out to be certain."""
    kind = "child" if site.kind == "detached" else site.kind
    return f"{group_key}/{kind} {'' if kind == 'timer' else site.callee or ''}@{site.line}"


def _match(site: CallSite, groups: Sequence[CallGroup]) -> str | None:
    kind = "child" if site.kind == "detached" else site.kind
    of_kind = [group for group in groups if group.kind == kind]
    by_line = next(
        (group.id for group in of_kind if group.line == site.line and (kind == "timer" or site.callee in {None, group.name})), None
    )
    if by_line is not None:
        return by_line
    unplaced = [group for group in of_kind if group.line is None]
    return next((group.id for group in unplaced if kind == "timer" or site.callee in {None, group.name}), None)


def _is_past(site: CallSite, taken: CallSite) -> bool:
    """Whether a run that has come to `taken` can no more come to `site`."""
    if any(construct in taken.within for construct in site.within if construct.startswith(_LOOPS)):
        return False  # the loop may come round
    for construct in site.within:
        word, _, line = construct.partition(" ")
        if word in _EITHER and f"{_EITHER[word]} {line}" in taken.within:
            return True
    if any(construct.startswith("except") for construct in site.within) and not _is_later(taken, site):
        return False
    return _is_later(taken, site)


def _is_later(one: CallSite, other: CallSite) -> bool:
    return one.line > other.line and not any(construct.startswith(("def", "lambda")) for construct in other.within)


def _order(sites: Sequence[CallSite]) -> dict[int, list[CallSite]]:
    """Which sites come right before each."""
    after: dict[int, list[CallSite]] = {}
    _walk(list(sites), 0, [], after)
    return after


def _walk(sites: list[CallSite], depth: int, before: list[CallSite], after: dict[int, list[CallSite]]) -> list[CallSite]:
    """Order the sites of one block; what was last in it, on any way through it."""
    frontier, position, skipped = before, 0, before
    while position < len(sites):
        site = sites[position]
        label = site.within[depth] if len(site.within) > depth else ""
        end = position + 1
        if not label:
            after[id(site)] = frontier
            frontier = skipped = [site]
        else:
            while end < len(sites) and len(sites[end].within) > depth and sites[end].within[depth] == label:
                end += 1
            word = label.partition(" ")[0]
            came_from = skipped if word == "else" else frontier
            if word != "else":
                skipped = frontier
            last = _walk(sites[position:end], depth + 1, came_from, after)
            is_answered = (
                end < len(sites) and len(sites[end].within) > depth and sites[end].within[depth] == label.replace("if ", "else ", 1)
            )
            if word == "else":
                frontier = _union(last, [one for one in frontier if one not in skipped])
            elif word in {"if", "except", "case", "def", "lambda"} and not is_answered:
                frontier = _union(last, frontier)
            else:
                frontier = last
        position = end
    return frontier


def _union(one: Collection[CallSite], other: Collection[CallSite]) -> list[CallSite]:
    return [*one, *(site for site in other if site not in one)]
