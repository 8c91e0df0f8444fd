"""What workflow code asks for: one immutable action each, in the imperative. `id` numbers the actions of an execution from 0."""

from datetime import datetime

import msgspec

from wfengine.model.failure import FailureDetails
from wfengine.model.history import EventRaised, TimerOrigin, UserTimer
from wfengine.model.instance import Status
from wfengine.model.propagation import PropagationScope


class ScheduleTask(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """Run an attempt of an activity."""

    id: int
    name: str
    task_execution_id: str
    input: str | None = None
    attempt: int = 1
    app_id: str | None = None
    timeout_s: float | None = None
    compensates: int | None = None
    is_inline: bool = False
    propagation: PropagationScope = PropagationScope.NONE


class CreateTimer(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """Wake up at `fire_at` (aware UTC); None only records what is waited for. `nanoseconds`: see TimerCreated."""

    id: int
    fire_at: datetime | None
    origin: TimerOrigin = UserTimer()
    nanoseconds: int = 0


class CreateChildWorkflow(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """Start a child workflow."""

    id: int
    name: str
    instance_id: str
    input: str | None = None
    attempt: int = 1
    app_id: str | None = None
    propagation: PropagationScope = PropagationScope.NONE


class CreateDetachedWorkflow(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """Start a workflow that is nobody's child."""

    id: int
    name: str
    instance_id: str
    input: str | None = None
    app_id: str | None = None
    scheduled_start: datetime | None = None


class RecordPatch(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """Keep that the code was told it is patched."""

    name: str


class CompleteWorkflow(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """End the instance."""

    status: Status
    output: str | None = None
    failure: FailureDetails | None = None


class ContinueAsNew(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """End this generation and start the next with `input` and the events that nobody has consumed, in arrival order.

    `propagated` is the history that this generation was given, handed on.
    """

    input: str | None
    carried: tuple[EventRaised, ...] = ()
    propagated: str | None = None


TaskAction = ScheduleTask | CreateTimer | CreateChildWorkflow | CreateDetachedWorkflow
Action = TaskAction | RecordPatch | CompleteWorkflow | ContinueAsNew


class ExecutionResult(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """What one turn of the code asks for. `custom_status` is the whole present value, as text; `passes_on`: history may be passed on.

    `version` is the named version that a program elsewhere says it ran.
    """

    actions: list[Action]
    passes_on: bool = False
    custom_status: str | None = None
    version: str | None = None
