"""The record of a step: one logical call, timer, wait or child that a workflow's code asked for, with all its attempts."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from wfengine.model.failure import FailureDetails

START = "start"
LOST = "lost the race"
Kind = Literal["activity", "child", "timer", "event"]
Phase = Literal["queued", "executing", "backoff", "waiting", "done"]


class StepState(StrEnum):
    """Where a step stands, in the palette's words."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    SUSPENDED = "SUSPENDED"
    CANCELED = "CANCELED"


class Attempt(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """One try of a call. `retry_at` is when the next one starts, where a pause was recorded after this one."""

    number: int
    event_id: int
    state: StepState
    scheduled_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    failure: FailureDetails | None = None
    worker: str | None = None
    retry_at: datetime | None = None


class Step(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """One thing the code asked for, with what became of it.

    `after` names the steps whose end led to it, or `start`. `done_turn` is None while it is open, 0 where its end is recorded but
    not yet seen by the code. `fire_at` is a timer's, a wait's deadline, or the next attempt's. `note` says in two words how an open or
    canceled step stands, `label` what else is to be known of it. `restarts` counts how often the process died under it. `is_detached`: a
    workflow of its own was started, which nobody waits for and which leads to nothing here. Payloads are whole JSON texts.
    """

    id: str
    kind: Kind
    name: str
    state: StepState
    phase: Phase
    turn: int
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    done_turn: int | None = None
    after: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    input: str | None = None
    result: str | None = None
    failure: FailureDetails | None = None
    fire_at: datetime | None = None
    title: str | None = None
    schema: str | None = None
    raised_by: str | None = None
    child_id: str | None = None
    note: str = ""
    label: str = ""
    restarts: int = 0
    is_detached: bool = False


def open_waits(steps: Sequence[Step]) -> list[Step]:
    """The event waits that an event would still answer, oldest first."""
    return [step for step in steps if step.kind == "event" and step.state is StepState.SUSPENDED]
