"""What a history's events say in a line each, and what is under way after them: read from the events alone, no code is run."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

from wfengine.core.disagreement import told
from wfengine.model import history as h
from wfengine.model.actions import CreateChildWorkflow, CreateDetachedWorkflow, CreateTimer, ScheduleTask, TaskAction
from wfengine.model.failure import FailureDetails
from wfengine.model.work import HistoryRow
from wfengine.testing.stepping.step import Asked, Open, Outcome, Taken

MOST_OPEN = 50
_ROUNDED = timedelta(milliseconds=500)


class Ledger:
    """Takes up events in order. `open` is by action id, in the order asked for."""

    def __init__(self) -> None:
        self.open: dict[int, Open] = {}
        self._names: dict[int, tuple[str, int]] = {}

    def first_open(self) -> tuple[Open, ...]:
        """As many of the open ones as a person looks at."""
        return tuple(islice(self.open.values(), MOST_OPEN))

    def ask(self, action: TaskAction, at: datetime) -> None:
        """The code asked for this."""
        match action:
            case ScheduleTask():
                self._add(action.id, Open(id=action.id, kind="activity", name=action.name, since=at, attempt=action.attempt))
            case CreateChildWorkflow():
                self._add(action.id, Open(id=action.id, kind="child", name=action.name, since=at, attempt=action.attempt))
            case CreateTimer():
                self._timer(action.id, action.fire_at, action.origin, at)
            case CreateDetachedWorkflow():
                self._names[action.id] = (action.name, 1)

    def confirmed(self, event: h.ConfirmingEvent) -> None:
        """The same, from the event that records it."""
        match event:
            case h.TaskScheduled():
                self._add(
                    event.event_id,
                    Open(id=event.event_id, kind="activity", name=event.name, since=event.occurred_at, attempt=event.attempt),
                )
            case h.ChildWorkflowInstanceCreated():
                self._add(
                    event.event_id, Open(id=event.event_id, kind="child", name=event.name, since=event.occurred_at, attempt=event.attempt)
                )
            case h.TimerCreated():
                self._timer(event.event_id, event.fire_at, event.origin, event.occurred_at)
            case h.DetachedWorkflowInstanceCreated():
                self._names[event.event_id] = (event.name, 1)

    def settle(self, event: h.HistoryEvent) -> None:
        """This arrived: what it answers is under way no more."""
        match event:
            case h.TaskCompleted() | h.TaskFailed() | h.ChildWorkflowInstanceCompleted() | h.ChildWorkflowInstanceFailed():
                self.open.pop(event.task_scheduled_id, None)
            case h.TimerFired():
                self.open.pop(event.timer_id, None)
            case h.EventRaised() if (answered := self._wait_for(event.name)) is not None:
                del self.open[answered]
            case _:
                pass

    def taken(self, row: HistoryRow) -> Taken:
        """The line for a row that arrives; before it is settled, as what it answers must still be open."""
        event = row.event
        by = f" by {event.raised_by}" if isinstance(event, h.EventRaised) and event.raised_by else ""
        return Taken(sequence=row.sequence, type=type(event).__name__, text=f"{self.text(event)}{by}", event_id=self._answered(event))

    def text(self, event: h.HistoryEvent) -> str:  # noqa: PLR0911  # one short arm per kind of event
        """What arrived, in a few words."""
        match event:
            case h.ExecutionStarted():
                return "started"
            case h.TaskCompleted() | h.ChildWorkflowInstanceCompleted():
                return f"{self._called(event.task_scheduled_id)} completed"
            case h.TaskFailed() | h.ChildWorkflowInstanceFailed():
                return f"{self._called(event.task_scheduled_id)} failed: {_failure(event.failure)}"
            case h.TimerFired():
                return f"{self._called(event.timer_id)} fired"
            case h.EventRaised():
                return f"event {event.name} raised"
            case h.ExecutionCompleted():
                return f"ended: {event.status.value}"
            case h.PatchRecorded():
                return f"patch {event.name}"
            case h.TaskScheduled() | h.TimerCreated() | h.ChildWorkflowInstanceCreated() | h.DetachedWorkflowInstanceCreated():
                return told(event)
            case _:
                return _words(type(event).__name__)

    def _answered(self, event: h.HistoryEvent) -> int | None:
        return self._wait_for(event.name) if isinstance(event, h.EventRaised) else answers(event)

    def _wait_for(self, event_name: str) -> int | None:
        """The oldest open wait for an event of this name."""
        name = event_name.casefold()
        return next((one.id for one in self.open.values() if one.kind == "wait" and one.name.casefold() == name), None)

    def _called(self, action_id: int) -> str:
        name, attempt = self._names.get(action_id, (f"action {action_id}", 1))
        return f"{name} (attempt {attempt})" if attempt > 1 else name

    def _add(self, action_id: int, one: Open) -> None:
        self._names.setdefault(action_id, (one.name, one.attempt))
        self.open[action_id] = one

    def _timer(self, action_id: int, fire_at: datetime | None, origin: h.TimerOrigin, at: datetime) -> None:
        match origin:
            case h.EventWait():
                self._add(action_id, Open(id=action_id, kind="wait", name=origin.name, since=at, until=fire_at))
            case h.ActivityRetry() | h.ChildWorkflowRetry():
                one = Open(id=action_id, kind="backoff", name=origin.name, since=at, attempt=origin.attempt + 1, until=fire_at)
                self._names.setdefault(action_id, (f"pause before attempt {origin.attempt + 1} of {origin.name}", 1))
                self.open[action_id] = one
            case _:
                span = timedelta(0) if fire_at is None else fire_at - at
                self._add(action_id, Open(id=action_id, kind="timer", name=f"timer {_span(span)}", since=at, until=fire_at))


def asked_text(action: TaskAction) -> str:
    """What the code asked for, as the call that makes it."""
    attempt = getattr(action, "attempt", 1)
    if isinstance(action, CreateTimer) and isinstance(action.origin, h.ActivityRetry | h.ChildWorkflowRetry):
        return f"pause before attempt {action.origin.attempt + 1} of {action.origin.name}"
    return f"{told(action)}, attempt {attempt}" if attempt > 1 else told(action)


def end_of(events: Iterable[h.HistoryEvent]) -> Asked | None:
    """How the code ended, from the events that close its history."""
    for event in events:
        match event:
            case h.ExecutionCompleted(failure=FailureDetails() as failure):
                return Asked(id=None, text=f"raise {_failure(failure)}")
            case h.ExecutionCompleted():
                return Asked(id=None, text=f"return {(event.output or 'None')[:200]}")
            case h.ContinuedAsNew():
                return Asked(id=None, text=f"continue_as_new({(event.input or '')[:200]})")
            case _:
                continue
    return None


def answers(event: h.HistoryEvent) -> int | None:
    """The action that an arriving event answers; which wait an external event answers is known only to a Ledger."""
    match event:
        case h.TaskCompleted() | h.TaskFailed() | h.ChildWorkflowInstanceCompleted() | h.ChildWorkflowInstanceFailed():
            return event.task_scheduled_id
        case h.TimerFired():
            return event.timer_id
        case _:
            return None


def outcome_of(event: h.HistoryEvent) -> Outcome:
    """For a step's colour."""
    match event:
        case h.ExecutionStarted():
            return Outcome.STARTED
        case h.TaskFailed() | h.ChildWorkflowInstanceFailed():
            return Outcome.FAILED
        case h.TimerFired():
            return Outcome.FIRED
        case h.EventRaised():
            return Outcome.RAISED
        case h.ExecutionResumed():
            return Outcome.RESUMED
        case _:
            return Outcome.COMPLETED


def is_arrival(event: h.HistoryEvent) -> bool:
    """Whether it is one that workflow code learns of."""
    return not isinstance(
        event,
        h.TaskScheduled
        | h.TimerCreated
        | h.ChildWorkflowInstanceCreated
        | h.DetachedWorkflowInstanceCreated
        | h.PatchRecorded
        | h.TaskRestarted
        | h.TaskEndedLate
        | h.ExecutionCompleted
        | h.ContinuedAsNew,
    )


def _failure(failure: FailureDetails) -> str:
    first, *_ = failure.message.splitlines() or [""]
    return f"{failure.error_type}: {first[:160]}"


def _words(name: str) -> str:
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()


def _span(span: timedelta) -> str:
    whole = timedelta(seconds=round(span.total_seconds())) if span > _ROUNDED else span
    return str(whole).replace(", 0:00:00", "")
