"""From what the engine knows of its waits to the inbox's picture. Pure; the lab's clock is an argument."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from wfengine.model.instance import Instance
from wfengine.runtime.operations import Awaited
from wflab.analytics.call_sites import CallSite, Sites, call_sites
from wflab.protocol.inbox import InboxGroup, InboxItem, InboxPicture
from wflab.views.head import milliseconds

MOST_ITEMS = 1_000
PAGE = 200
MOST_GROUPS = 200
MOST_SAVED = 300
_LONGEST_SCHEMA = 20_000
_LONGEST_SAVED = 100_000
_MOST_NEXT = 3


class Notes(msgspec.Struct, frozen=True):
    """What people noted of a wait beside its answer."""

    assignee: str = ""
    snoozed: datetime | None = None
    is_ignored: bool = False


NO_NOTES = Notes()


def ordered(waiting: Iterable[Awaited]) -> list[Awaited]:
    """The nearest deadline first, then those without one; the oldest first among equals."""
    return sorted(waiting, key=_place)


def inbox_picture(
    waiting: Sequence[Awaited],
    notes: Mapping[tuple[int, int], Notes],
    *,
    lab: str,
    user: str,
    now: datetime,
    ticks: bool,
    others: int = 0,
    trouble: str | None = None,
) -> InboxPicture:
    """All of `waiting`, which is in order, or the first page and the groups where there are too many."""
    is_whole = len(waiting) <= MOST_ITEMS
    schemas: dict[str, int] = {}
    return InboxPicture(
        lab=lab,
        user=user,
        now=milliseconds(now),
        ticks=ticks,
        items=items_of(waiting if is_whole else waiting[:PAGE], notes, schemas),
        total=len(waiting),
        groups=[] if is_whole else groups_of(waiting),
        schemas=list(schemas),
        others=others,
        trouble=trouble,
    )


def items_of(waiting: Iterable[Awaited], notes: Mapping[tuple[int, int], Notes], schemas: dict[str, int]) -> list[InboxItem]:
    """One for each; a schema that is not in `schemas` yet takes the next place there."""
    items = []
    for instance, event, wait, deadline in waiting:
        noted = notes.get((instance.key, event.event_id), NO_NOTES)
        schema = wait.schema if wait.schema is not None and len(wait.schema) <= _LONGEST_SCHEMA else None
        items.append(
            InboxItem(
                id=f"{instance.key}.a{event.event_id}",
                key=instance.key,
                instance_id=instance.instance_id,
                wait_id=f"a{event.event_id}",
                workflow=instance.name,
                event=wait.name,
                since=milliseconds(event.occurred_at),
                until=None if deadline is None else milliseconds(deadline),
                title=wait.title,
                schema=None if schema is None else schemas.setdefault(schema, len(schemas)),
                risk=wait.risk,
                requester=wait.requester,
                parent=None if instance.parent is None else instance.parent.name,
                assignee=noted.assignee,
                snoozed=None if noted.snoozed is None else milliseconds(noted.snoozed),
                is_ignored=noted.is_ignored,
            )
        )
    return items


def groups_of(waiting: Sequence[Awaited]) -> list[InboxGroup]:
    """By workflow and event, the largest first."""
    counts = Counter((one.instance.name, one.wait.name) for one in waiting)
    nearest: dict[tuple[str, str], datetime] = {}
    for one in waiting:
        if one.deadline is not None:
            nearest.setdefault((one.instance.name, one.wait.name), one.deadline)
    return [
        InboxGroup(workflow=workflow, event=event, count=count, until=_milliseconds(nearest.get((workflow, event))))
        for (workflow, event), count in counts.most_common(MOST_GROUPS)
    ]


def cut(picture: InboxPicture) -> InboxPicture:
    """As much of it as a notebook may hold; `total` still tells how many there are."""
    schemas: list[str] = []
    room = _LONGEST_SAVED
    for schema in picture.schemas:
        schemas.append(schema if len(schema) <= room else "{}")
        room -= min(room, len(schema))
    return msgspec.structs.replace(picture, items=picture.items[:MOST_SAVED], schemas=schemas)


def what_next(source: str | None, event: str) -> tuple[list[tuple[str, str]], str]:
    """What the source may call once this event has come, each with the condition it stands under; and what where the time is up before."""
    sites = call_sites(source)
    line = Sites(sites).line_of("event_wait", event)
    if source is None or line is None:
        return [], ""
    lines = source.splitlines()
    after = [site for site in sites if site.line > line and not site.is_undo]
    late = next((_named(site) for site in after if site.within and site.within[-1].startswith("except")), "")
    likely = [(_condition(site, lines), _named(site)) for site in after if not (site.within and site.within[-1].startswith("except"))]
    return likely[:_MOST_NEXT], late


def _condition(site: CallSite, lines: list[str]) -> str:
    if not site.within:
        return ""
    word, _, number = site.within[-1].partition(" ")
    place = int(number or 0) - 1
    said = lines[place].strip().rstrip(":") if 0 <= place < len(lines) else ""
    return f"else of: {said}" if word == "else" else said


def _named(site: CallSite) -> str:
    words = {"child": "child workflow", "event_wait": "wait for", "can": "next generation", "helper": "whatever", "timer": "timer"}
    return f"{words.get(site.kind, 'call')} {site.callee or ''}".strip()


def _place(one: Awaited) -> tuple[bool, datetime, datetime, int, int]:
    until = one.deadline
    return (until is None, until or one.event.occurred_at, one.event.occurred_at, one.instance.key, one.event.event_id)


def _milliseconds(moment: datetime | None) -> float | None:
    return None if moment is None else milliseconds(moment)


def started_of(instance: Instance) -> float:
    """When the run began."""
    return milliseconds(instance.scheduled_start or instance.created_at)
