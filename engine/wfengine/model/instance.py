"""An instance: one run of a workflow, as plain data.

An instance id is the user's; `key` is ours: a dense integer that names one *execution* of that id. Each generation of a workflow
that continues as new, and each later use of a freed id, has a key and a history of its own.
"""

from datetime import datetime
from enum import StrEnum

import msgspec

from wfengine.model.failure import FailureDetails


class Status(StrEnum):
    """Where an execution stands. Dapr's set, and CONTINUED_AS_NEW for a generation that handed on.

    Nothing here ends CANCELED: histories of other engines do.
    """

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    TERMINATED = "TERMINATED"
    SUSPENDED = "SUSPENDED"
    CONTINUED_AS_NEW = "CONTINUED_AS_NEW"
    CANCELED = "CANCELED"
    STALLED = "STALLED"

    @property
    def is_terminal(self) -> bool:
        """Whether nothing can happen to the execution any more."""
        return self in TERMINAL


TERMINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.TERMINATED, Status.CONTINUED_AS_NEW, Status.CANCELED})


class ParentInstance(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """Who started a child workflow: the execution and its task that waits for the child."""

    key: int
    instance_id: str
    name: str
    task_id: int


class Instance(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """The present state of one execution; a row of `runs` is written whenever `status` or `custom_status` changes.

    Times are aware UTC; payloads are JSON text. `next_sequence` numbers its history, `turn` counts the turns its code has run;
    `purge_at` is when an ended instance is deleted by itself.
    """

    key: int
    instance_id: str
    name: str
    status: Status
    created_at: datetime
    updated_at: datetime
    root: int
    version: str | None = None
    code_hash: str | None = None
    parent: ParentInstance | None = None
    generation: int = 0
    app_id: str | None = None
    tags: dict[str, str] = {}
    scheduled_start: datetime | None = None
    input: str | None = None
    output: str | None = None
    custom_status: str | None = None
    failure: FailureDetails | None = None
    next_sequence: int = 0
    turn: int = 0
    purge_at: datetime | None = None
