"""What is written together: a Commit and its rows.

A Commit is everything one turn (or one call from outside) writes, at once or not at all. The store numbers commits and rows.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from wfengine.model.history import HistoryEvent
from wfengine.model.instance import Instance


class HistoryRow(msgspec.Struct, gc=False, frozen=True, array_like=True):
    """One event at its place. `turn` is the turn that took the event up; 0: recorded, but no code has seen it yet."""

    key: int
    sequence: int
    turn: int
    event: HistoryEvent


class DefinitionRow(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """One version of a workflow or activity that was registered. `origin` is a cell (`In[4]`) or `file:line`."""

    name: str
    kind: Literal["workflow", "activity"]
    code_hash: str
    source: str | None
    origin: str | None
    packages: dict[str, str]
    registered_at: datetime
    version: str | None = None
    app_id: str | None = None


class CircuitRow(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """A change in the state of an activity's circuit breaker (see `model.circuit`); the newest row of (app, name) is its present state."""

    at: datetime
    name: str
    state: str
    consecutive_failures: int
    requests: int = 0
    app_id: str | None = None


class AuditRow(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """One act of a person: who did what to which instance, from where and why."""

    at: datetime
    who: str
    what: str
    key: int | None = None
    instance_id: str | None = None
    where: str | None = None
    why: str | None = None


class Commit(msgspec.Struct, gc=False, frozen=True, kw_only=True, omit_defaults=True):
    """All rows that become durable together.

    `runs` holds the new state of each instance whose status row changes; `purged` names executions whose rows are deleted, after
    everything else in this commit was appended.
    """

    history: list[HistoryRow] = []
    runs: list[Instance] = []
    definitions: Sequence[DefinitionRow] = ()  # seldom any; an empty list for each commit would be work for the garbage collector
    audit: Sequence[AuditRow] = ()
    circuits: Sequence[CircuitRow] = ()
    purged: Sequence[int] = ()
