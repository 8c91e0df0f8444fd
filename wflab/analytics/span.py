"""The record that every view and every figure is made of: one attempt, timer, wait, child or band of a run, from when to when.

A change of a field's meaning is one of the SQL view `spans` (engine/wfengine/store/views.sql) and of the columns on the wire
(wflab/views/columns.py, extension/src/columns.ts), too.
"""

from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from wflab.analytics.steps import Phase

SpanKind = Literal["workflow", "activity", "child", "timer", "event_wait", "event_sent", "suspend", "stall", "can"]
Outcome = Literal[
    "", "returned", "failed", "timed_out", "fired", "raised", "buffered", "cancelled", "abandoned", "detached", "refused", "resumed",
    "continued", "terminated",
]  # fmt: skip
KINDS: tuple[str, ...] = ("workflow", "activity", "child", "timer", "event_wait", "event_sent", "suspend", "stall", "can")
PHASES: tuple[str, ...] = ("queued", "executing", "backoff", "waiting", "done")
OUTCOMES: tuple[str, ...] = (
    "", "returned", "failed", "timed_out", "fired", "raised", "buffered", "cancelled", "abandoned", "detached", "refused", "resumed",
    "continued", "terminated",
)  # fmt: skip


class SpanState(StrEnum):
    """The palette's ten states, in the order in which a frame sorts them."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    TERMINATED = "TERMINATED"
    SUSPENDED = "SUSPENDED"
    CONTINUED_AS_NEW = "CONTINUED_AS_NEW"
    CANCELED = "CANCELED"
    STALLED = "STALLED"
    UNKNOWN = "UNKNOWN"


_STATES = {str(state): state for state in SpanState}


def state_named(name: str) -> SpanState:
    """The state of this name; UNKNOWN for one of a later version."""
    return _STATES.get(name, SpanState.UNKNOWN)


class Span(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """One stretch of a run. Times are aware UTC; None is: not (yet), or not known.

    `span_id` is `<execution>:a<event id>` for what the code asked for, `<execution>:e<sequence>` for what only history has, `<execution>:stall`
    for a stall and `<execution>` for the run itself. `parent_id` is the run's span; of the run's own, the child span in its parent's run.

    `call_id` is the same for all attempts of a call: the id of the first one's span (`f"{execution}:{step.id}"`). `attempt` counts from 1 of
    `attempts` so far. `group_key` is the call-site: the parent's group, kind, name, and the line where that is certain. `index` is the
    call's place among the calls of its group, from 0.

    From `queued_at` (asked for) over `started_at` (code ran; None where nobody recorded that) to `ended_at`. `fire_at` is when a timer
    fires, when a wait times out, when a run was to start; of a failed attempt, when the next one starts: from `ended_at` to there is backoff,
    which is no span of its own. A lost race ends when the winner does, what the run left open ends with the run.

    `phase` says how it stands now. `outcome` says how it ended, "" while it is open:
    a call "returned", "failed", "timed_out" (its own limit), "abandoned" (the run ended first); a child also "detached" (started, and nobody
    waits) or "refused" (its id was taken); a timer "fired" or "cancelled"; a wait "raised", "timed_out", "cancelled", or "buffered" (the event
    came when nobody waited for it: a point in time); a suspension "resumed"; a run "returned", "failed", "terminated" or "continued".

    `compensates` is the `call_id` of what it undoes. `file` is where the definition was registered from, `line` counts from 1 within the
    recorded source (`run.source()`). Sizes are bytes of JSON. `late_at` is when the function did return, after its timeout had failed it; `restarts`
    how often the process died under it. `rerun_of` is the instance whose past a rerun shares, of a rerun's
    rerun the first. `note` is for people: why it was suspended, what a wait asks, why it was cancelled.
    """

    span_id: str
    instance_id: str
    execution: int
    generation: int = 0
    parent_id: str | None = None
    call_id: str
    kind: SpanKind
    name: str
    group_key: str = ""
    index: int = 0
    attempt: int = 1
    attempts: int = 1
    sequence: int | None = None
    event_id: int | None = None
    queued_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    fire_at: datetime | None = None
    state: SpanState
    phase: Phase
    outcome: Outcome = ""
    error_type: str | None = None
    error_message: str | None = None
    error_fp: str | None = None
    compensates: str | None = None
    planned: bool = False
    file: str | None = None
    line: int | None = None
    bytes_in: int | None = None
    bytes_out: int | None = None
    worker: str | None = None
    raised_by: str | None = None
    child_id: str | None = None
    late_at: datetime | None = None
    restarts: int = 0
    rerun_of: str | None = None
    note: str = ""
