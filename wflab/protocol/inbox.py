"""What the inbox shows: the event waits of a lab that a person may answer. The twin is extension/src/protocol/inbox.ts."""

from typing import Any, Literal

import msgspec

from wflab.protocol.run import Graph


class InboxItem(msgspec.Struct, frozen=True, kw_only=True):
    """One open wait. `id` is its execution and its number, so that no later use of the instance id is taken for it.

    `schema` is the place of its JSON Schema in the picture's `schemas`; `risk` is low, medium or high, `requester` a name. `parent` names the workflow that this one is a child of; `assignee` and
    `snoozed` (a moment, which moves no deadline) are what people noted.
    """

    id: str
    key: int
    instance_id: str
    wait_id: str
    workflow: str
    event: str
    since: float
    until: float | None = None
    title: str | None = None
    schema: int | None = None
    risk: str | None = None
    requester: str | None = None
    parent: str | None = None
    assignee: str = ""
    snoozed: float | None = None
    is_ignored: bool = False


class InboxGroup(msgspec.Struct, frozen=True, kw_only=True):
    """All waits of one workflow for one event. `until` is the nearest deadline."""

    workflow: str
    event: str
    count: int
    until: float | None = None


class InboxPicture(msgspec.Struct, frozen=True, kw_only=True):
    """The waits with the nearest deadline first, `total` in all; `groups` stand where not all are given. `user` is how answers are labelled.

    `others` counts live runs that wait for no person. `trouble` says why the engine does not go on.
    """

    view: Literal["inbox"] = "inbox"
    lab: str
    user: str
    now: float
    ticks: bool
    is_over: bool = False
    items: list[InboxItem]
    total: int
    groups: list[InboxGroup] = []
    schemas: list[str] = []
    others: int = 0
    trouble: str | None = None


class InboxDetail(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for when a person opens an item: how its run stands, what came before and may come after, who did what.

    `steps` are (name, kind, state), the newest last; `recent` the last runs of the workflow as (id, state, how long it took). `next` are
    (condition, what is called), as far as the source tells; `history` rows of audit as (moment, who, what, where, why). `outputs` are the last results
    before the question as (step, text); `description` is Markdown taken apart (views.markdown). `graph` is the run's, and `here` the id of the
    node in it where the question stands; "" where that is folded away.
    """

    status: str
    started: float
    input: str = ""
    steps: list[tuple[str, str, str]] = []
    steps_total: int = 0
    recent: list[tuple[str, str, str]] = []
    next: list[tuple[str, str]] = []
    on_timeout: str = ""
    history: list[tuple[float, str, str, str, str]] = []
    outputs: list[tuple[str, str]] = []
    description: list[Any] = []
    graph: Graph | None = None
    here: str = ""


class InboxOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a wait that is open no more."""

    reason: str
    who: str = ""
    verb: str = ""
    at: float | None = None


class BulkOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What answering many at once comes to: in a dry run `would` lists (title, run) of those that would be answered, and `wrong` those that cannot be.

    `count` is their number, which must be typed to go on; `won` and `lost` are told after.
    """

    count: int
    would: list[tuple[str, str]] = []
    wrong: list[tuple[str, str]] = []
    won: int = 0
    lost: int = 0
