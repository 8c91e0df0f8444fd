"""History that a workflow passes on to what it calls: how much of it, and how the callee asks for it.

It travels as JSON text: chunks, one for each workflow in the line, the oldest ancestor first and the caller last. What the events of a
chunk had been passed on themselves is left out of it: it stands in the chunks before, and would double with every generation.
"""

from enum import Enum
from typing import TypeVar

import msgspec

from wfengine.errors import PropagationNotFoundError
from wfengine.model import history as h
from wfengine.model.failure import FailureDetails

T = TypeVar("T")


class PropagationScope(Enum):
    """How much history a call passes on: none, the caller's own, or the caller's with what it had received itself."""

    NONE = 0
    OWN_HISTORY = 1
    LINEAGE = 2


class Chunk(msgspec.Struct, gc=False, frozen=True, kw_only=True, omit_defaults=True):
    """One workflow's part: its history up to the call."""

    instance_id: str
    name: str
    events: list[h.HistoryEvent]
    app_id: str | None = None


class ActivityResult(msgspec.Struct, gc=False, frozen=True):
    """One attempt of an activity; payloads are JSON text. The fields stand in Dapr's order, so they may be given by position."""

    name: str
    started: bool
    completed: bool
    failed: bool
    input: str | None
    output: str | None
    error: FailureDetails | None


class ChildWorkflowResult(msgspec.Struct, gc=False, frozen=True):
    """One start of a child workflow; likewise."""

    name: str
    started: bool
    completed: bool
    failed: bool
    output: str | None
    error: FailureDetails | None


class WorkflowResult(msgspec.Struct, gc=False, frozen=True):
    """What one workflow of the line had done by then. Several matches come in the order of execution; `last` is the newest."""

    instance_id: str
    app_id: str
    name: str
    _events: list[h.HistoryEvent]

    def get_activities_by_name(self, name: str) -> list[ActivityResult]:
        """Every attempt of this activity; empty where there is none."""
        ends = {event.task_scheduled_id: event for event in self._events if isinstance(event, h.TaskCompleted | h.TaskFailed)}
        return [
            _activity(event, ends.get(event.event_id))
            for event in self._events
            if isinstance(event, h.TaskScheduled) and event.name == name
        ]

    def get_last_activity_by_name(self, name: str) -> ActivityResult:
        """The newest attempt of this activity. Raises PropagationNotFoundError."""
        return _last(self.get_activities_by_name(name), "activity", name, f"the passed-on history of workflow {self.name!r}")

    def get_child_workflows_by_name(self, name: str) -> list[ChildWorkflowResult]:
        """Every start of this child workflow; empty where there is none."""
        ends = {
            event.task_scheduled_id: event
            for event in self._events
            if isinstance(event, h.ChildWorkflowInstanceCompleted | h.ChildWorkflowInstanceFailed)
        }
        return [
            _child(event, ends.get(event.event_id))
            for event in self._events
            if isinstance(event, h.ChildWorkflowInstanceCreated) and event.name == name
        ]

    def get_last_child_workflow_by_name(self, name: str) -> ChildWorkflowResult:
        """The newest start of this child workflow. Raises PropagationNotFoundError."""
        return _last(self.get_child_workflows_by_name(name), "child workflow", name, f"the passed-on history of workflow {self.name!r}")

    def __repr__(self) -> str:
        return f"WorkflowResult(instance_id={self.instance_id!r}, app_id={self.app_id!r}, name={self.name!r})"


class PropagatedHistory:
    """What was passed on, by app, instance or workflow name. `events` are those of all chunks, in order; do not change the list."""

    def __init__(self, events: list[h.HistoryEvent], scope: PropagationScope, chunks: list[Chunk]) -> None:
        self.events = events
        self.scope = scope
        self._chunks = chunks

    @property
    def chunks(self) -> list[Chunk]:
        """One for each workflow of the line, the oldest ancestor first; do not change the list."""
        return self._chunks

    def get_app_ids(self) -> list[str]:
        """The apps of the line, oldest ancestor's first, each once; an app without an id is an empty text."""
        return list(dict.fromkeys(chunk.app_id or "" for chunk in self._chunks))

    def get_events_by_app_id(self, app_id: str) -> list[h.HistoryEvent]:
        """The events of one app's workflows."""
        return [event for chunk in self._chunks if (chunk.app_id or "") == app_id for event in chunk.events]

    def get_events_by_instance_id(self, instance_id: str) -> list[h.HistoryEvent]:
        """The events of one instance."""
        return [event for chunk in self._chunks if chunk.instance_id == instance_id for event in chunk.events]

    def get_events_by_workflow_name(self, workflow_name: str) -> list[h.HistoryEvent]:
        """The events of the workflows of one name."""
        return [event for chunk in self._chunks if chunk.name == workflow_name for event in chunk.events]

    def get_workflows(self) -> list[WorkflowResult]:
        """Every workflow of the line, the caller last."""
        return [_workflow(chunk) for chunk in self._chunks]

    def get_workflows_by_name(self, name: str) -> list[WorkflowResult]:
        """The workflows of one name; several where the line holds it more than once."""
        return [_workflow(chunk) for chunk in self._chunks if chunk.name == name]

    def get_last_workflow_by_name(self, name: str) -> WorkflowResult:
        """The workflow of one name that is nearest to the callee. Raises PropagationNotFoundError."""
        return _last(self.get_workflows_by_name(name), "workflow", name, "the passed-on history")


class _Written(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    scope: PropagationScope
    chunks: list[Chunk]


class _Line(msgspec.Struct, gc=False, frozen=True, kw_only=True):
    """As `_Written`, with chunks that are handed over as they are."""

    scope: PropagationScope
    chunks: list[msgspec.Raw]


_encode = msgspec.json.Encoder().encode
_read = msgspec.json.Decoder(_Written).decode
_read_line = msgspec.json.Decoder(_Line).decode


def passed_on(scope: PropagationScope, own: Chunk, received: str | None) -> str | None:
    """What a call with this scope passes on, as JSON text: `own` is the caller's history, `received` what was passed on to the caller."""
    if scope is PropagationScope.NONE:
        return None
    before = _read_line(received).chunks if received is not None and scope is PropagationScope.LINEAGE else []
    bare = msgspec.structs.replace(own, events=[_without_received(event) for event in own.events])
    return _encode(_Line(scope=scope, chunks=[*before, msgspec.Raw(_encode(bare))])).decode()


def read_propagated(text: str) -> PropagatedHistory:
    """What the callee sees of it."""
    written = _read(text)
    return PropagatedHistory([event for chunk in written.chunks for event in chunk.events], written.scope, written.chunks)


def _without_received(event: h.HistoryEvent) -> h.HistoryEvent:
    if isinstance(event, h.ExecutionStarted | h.TaskScheduled) and event.propagated is not None:
        return msgspec.structs.replace(event, propagated=None)
    return event


def _workflow(chunk: Chunk) -> WorkflowResult:
    return WorkflowResult(chunk.instance_id, chunk.app_id or "", chunk.name, chunk.events)


def _activity(asked: h.TaskScheduled, end: h.TaskCompleted | h.TaskFailed | None) -> ActivityResult:
    return ActivityResult(
        name=asked.name,
        started=True,
        completed=isinstance(end, h.TaskCompleted),
        failed=isinstance(end, h.TaskFailed),
        input=asked.input,
        output=end.result if isinstance(end, h.TaskCompleted) else None,
        error=end.failure if isinstance(end, h.TaskFailed) else None,
    )


def _child(
    asked: h.ChildWorkflowInstanceCreated, end: h.ChildWorkflowInstanceCompleted | h.ChildWorkflowInstanceFailed | None
) -> ChildWorkflowResult:
    return ChildWorkflowResult(
        name=asked.name,
        started=True,
        completed=isinstance(end, h.ChildWorkflowInstanceCompleted),
        failed=isinstance(end, h.ChildWorkflowInstanceFailed),
        output=end.result if isinstance(end, h.ChildWorkflowInstanceCompleted) else None,
        error=end.failure if isinstance(end, h.ChildWorkflowInstanceFailed) else None,
    )


def _last(found: list[T], kind: str, name: str, where: str) -> T:
    if not found:
        raise PropagationNotFoundError(f"There is no {kind} named {name!r} in {where}.")
    return found[-1]
