"""A rehearsal: a workflow played without an engine. You say what arrives, it tells what the code asks for.

Every turn is played twice (`twice`), so that whoever rehearses a workflow tests its determinism along the way. Each event comes one
second after the one before.
"""

from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import Any

from wfengine.core.replay import Execution, WorkflowFunction
from wfengine.core.tasks import Task
from wfengine.core.transitions import new_instance
from wfengine.model.actions import Action, CompleteWorkflow, CreateTimer
from wfengine.model.failure import FailureDetails
from wfengine.model.history import (
    ChildWorkflowInstanceCompleted,
    ChildWorkflowInstanceFailed,
    EventRaised,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    HistoryEvent,
    TaskCompleted,
    TaskFailed,
    TimerFired,
)
from wfengine.model.payload import from_json, to_json
from wfengine.testing.twice import PlayedTwice

Steps = Generator[Task[Any], Any, Any]
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class Rehearsal:
    """One execution of `workflow`. `history` is what an engine would have recorded, `actions` what each turn asked for."""

    def __init__(
        self, workflow: WorkflowFunction, input: Any = None, *, instance_id: str = "i-1", scheduled_start: datetime | None = None
    ) -> None:
        self.now = BEGINNING
        self.actions: list[list[Action]] = []
        self.custom_status: str | None = None
        self._keys = 1
        started = ExecutionStarted(
            occurred_at=self.now,
            name=getattr(workflow, "__name__", "workflow"),
            instance_id=instance_id,
            input=None if input is None else to_json(input),
            scheduled_start=scheduled_start,
        )
        instance, rows = new_instance(1, started)
        self._first = rows[0].event
        self._played = PlayedTwice(workflow, instance)

    @property
    def history(self) -> list[HistoryEvent]:
        """What an engine would have recorded."""
        return self._played.history

    def start(self, *events: HistoryEvent) -> list[Action]:
        """The first turn, with what arrived before it."""
        return self.turn(self._first, *events)

    def turn(self, *events: HistoryEvent) -> list[Action]:
        """Let these events arrive together; gives the actions that the code asks for."""
        self.now = max(self.now, *(event.occurred_at for event in events)) if events else self.now
        result, _ = self._played.turn(events, now=self.now, claim_key=self._claim_key)
        self.actions.append(result.actions)
        self.custom_status = result.custom_status
        return result.actions

    def rebuilt(self) -> Execution:
        """Another execution, made of history alone."""
        return self._played.rebuilt()

    def close(self) -> None:
        """The end of the rehearsal; `finally` blocks of suspended code run here."""
        self._played.close()

    @property
    def output(self) -> Any:
        """What the workflow returned; AssertionError where it has not completed, with what it did instead."""
        match self.actions[-1]:
            case [*_, CompleteWorkflow(failure=None, output=output)]:
                return from_json(output)
            case other:
                raise AssertionError(other)

    @property
    def failure(self) -> FailureDetails:
        """What the workflow failed with; AssertionError where it has not."""
        match self.actions[-1]:
            case [*_, CompleteWorkflow(failure=FailureDetails() as failure)]:
                return failure
            case other:
                raise AssertionError(other)

    # What may arrive.

    def completed(self, task_id: int, result: Any = None) -> TaskCompleted:
        """An activity returned."""
        return TaskCompleted(occurred_at=self._tick(), task_scheduled_id=task_id, result=_text(result))

    def failed(self, task_id: int, message: str = "broken", error_type: str = "ValueError", *, non_retryable: bool = False) -> TaskFailed:
        """An activity raised."""
        failure = FailureDetails(message=message, error_type=error_type, non_retryable=non_retryable)
        return TaskFailed(occurred_at=self._tick(), task_scheduled_id=task_id, failure=failure)

    def fired(self, timer_id: int) -> TimerFired:
        """A timer came due; time moves on to its moment."""
        moment = next(a.fire_at for turn in self.actions for a in turn if isinstance(a, CreateTimer) and a.id == timer_id)
        if moment is None:
            raise AssertionError(f"timer {timer_id} never fires")
        self.now = max(self._tick(), moment)
        return TimerFired(occurred_at=self.now, timer_id=timer_id, fire_at=moment)

    def child_completed(self, task_id: int, result: Any = None) -> ChildWorkflowInstanceCompleted:
        """A child workflow completed."""
        return ChildWorkflowInstanceCompleted(occurred_at=self._tick(), task_scheduled_id=task_id, result=_text(result))

    def child_failed(self, task_id: int, message: str = "broken", error_type: str = "ValueError") -> ChildWorkflowInstanceFailed:
        """A child workflow failed."""
        failure = FailureDetails(message=message, error_type=error_type)
        return ChildWorkflowInstanceFailed(occurred_at=self._tick(), task_scheduled_id=task_id, failure=failure)

    def raised(self, name: str, data: Any = None) -> EventRaised:
        """An external event."""
        return EventRaised(occurred_at=self._tick(), name=name, input=_text(data))

    def suspended(self) -> ExecutionSuspended:
        """Somebody pauses the instance."""
        return ExecutionSuspended(occurred_at=self._tick())

    def resumed(self) -> ExecutionResumed:
        """Somebody resumes it."""
        return ExecutionResumed(occurred_at=self._tick())

    def _claim_key(self, instance_id: str | None) -> int:
        del instance_id
        self._keys += 1
        return self._keys

    def _tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def _text(value: Any) -> str | None:
    return None if value is None else to_json(value)
