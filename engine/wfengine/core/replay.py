"""advance: a workflow, its history and new events → the actions its code asks for.

Theory of operation. An execution is a *fold* over history. Each arriving event (a start, a result, a timer, an external event) settles tasks,
and the suspended code runs on until it waits again; whatever it asks for gets the next number. Each confirming event (TaskScheduled, ...)
says that an action of that number is already recorded, so it is not asked for again, and must agree with what the code asked for.
What is left unconfirmed when all events have been taken up is what this turn asks for.

Because it is a fold, an execution may be kept and fed only what is new: `replay` takes up what is recorded, `advance` what is new; the
actions are the same either way, and dropping an execution costs a replay, nothing else.

While an instance is suspended, arriving events are put aside and taken up in order on resumption. Termination is not the code's business:
it needs no code and is decided in `transitions`.
"""

from collections.abc import Callable, Iterable
from types import CoroutineType, GeneratorType
from typing import Any, Protocol, assert_never

from wfengine.core.agenda import Agenda, line_of
from wfengine.core.context import WorkflowContext
from wfengine.core.disagreement import Disagrees, disagreement, ended_early, goes_on
from wfengine.core.routines import Code
from wfengine.core.tasks import Task
from wfengine.errors import InvalidArgument, TaskFailedError
from wfengine.model.actions import CompleteWorkflow, ContinueAsNew, CreateDetachedWorkflow, ExecutionResult, RecordPatch
from wfengine.model.failure import failure_of
from wfengine.model.history import (
    ChildWorkflowInstanceCompleted,
    ChildWorkflowInstanceCreated,
    ChildWorkflowInstanceFailed,
    ContinuedAsNew,
    DetachedWorkflowInstanceCreated,
    EventRaised,
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    ExecutionTerminated,
    HistoryEvent,
    PatchRecorded,
    TaskCompleted,
    TaskEndedLate,
    TaskFailed,
    TaskRestarted,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from wfengine.model.instance import Status
from wfengine.model.payload import from_json, to_json

WorkflowFunction = Callable[[WorkflowContext, Any], Any]


class Watcher(Protocol):
    """Looks on while an execution is told its past: for a person who steps through it. It changes nothing."""

    def arrives(self, event: HistoryEvent, agenda: Agenda) -> None:
        """This event is about to reach the code."""

    def ran(self, event: HistoryEvent, agenda: Agenda, code: Code | None) -> None:
        """The code has done what it does about this event, and waits again or has ended."""

    def overhear(self, level: str, message: Any) -> None:
        """The code logs something, as it did when it ran first."""


class Execution:
    """One execution of a workflow, from its first event on. Used by one thread at a time.

    With a `watcher`, `ctx.is_replaying` is False as it was the first time, so that what was logged then is heard.
    """

    def __init__(self, workflow: WorkflowFunction, watcher: Watcher | None = None) -> None:
        self._workflow = workflow
        self._watcher = watcher
        self._agenda = Agenda()
        if watcher is not None:
            self._agenda.overhear = watcher.overhear
        self._outcome: Task[Any] | None = None
        self._code: Code | None = None
        self._suspended = False
        self._is_over = False
        self._put_aside: list[HistoryEvent] | None = None
        self._propagated: str | None = None

    @property
    def code(self) -> Code | None:
        """The workflow's generator or coroutine, for those who look at its frame."""
        return self._code

    def replay(self, events: Iterable[HistoryEvent]) -> None:
        """Take up what earlier turns took up. Raises NonDeterminismError where the code asks for something else, for more, or ends."""
        past = list(events)
        agenda = self._agenda
        agenda.is_replaying = True
        agenda.expect_patches(event.name for event in past if isinstance(event, PatchRecorded))
        place = 0
        try:
            for place, event in enumerate(past):  # noqa: B007  # the handler below tells where it was
                self._take_up(event)
            if not self._is_over:
                agenda.check_all_confirmed()
        except Disagrees as found:
            found.line = found.line or self._line()
            raise disagreement(found, past[place + 1 :], agenda.asked()) from None
        if self._has_ended() and not self._is_over:
            raise ended_early(self._line())
        agenda.is_replaying = False

    def replay_whole(self, events: Iterable[HistoryEvent]) -> None:
        """As `replay`, of a whole history: also raises where it ends by itself and the code would go on."""
        past = list(events)
        self.replay(past)
        was_terminated = any(isinstance(event, ExecutionTerminated) for event in past)
        if self._is_over and not was_terminated and not self._has_ended():
            asked = self._agenda.asked()
            raise goes_on(asked, self._agenda.line_asked_at(asked[0].id) if asked else "")

    @property
    def has_ended(self) -> bool:
        """Whether the code returned, raised, or asked to continue as new."""
        return self._has_ended()

    @property
    def raised(self) -> BaseException | None:
        """What the code has failed with; None where it has not."""
        outcome = self._outcome
        return outcome.get_exception() if outcome is not None and outcome.is_failed else None

    def _line(self) -> str:
        """Where the code stands; empty where it has ended."""
        frame = getattr(self._code, "gi_frame", None) or getattr(self._code, "cr_frame", None)
        return "" if frame is None else line_of(frame)

    def inline(self, task_id: int) -> Callable[..., Any] | None:
        """The function of an unsettled `ctx.step`."""
        return self._agenda.inline.get(task_id)

    @property
    def custom_status(self) -> str | None:
        """What the code has published."""
        return self._agenda.custom_status

    def awaited_events(self) -> list[str]:
        """Names, without regard to case, of the external events that the code waits for."""
        return self._agenda.awaited_events()

    def advance(self, events: Iterable[HistoryEvent]) -> ExecutionResult:
        """Take up new events, in order, and tell what the code asks for now."""
        for event in events:
            self._take_up(event)
        return self._result()

    def close(self) -> None:
        """Drop the suspended code."""
        self._agenda.seal()

    def _take_up(self, event: HistoryEvent) -> None:
        match event:
            case TaskScheduled() | TimerCreated() | ChildWorkflowInstanceCreated() | DetachedWorkflowInstanceCreated():
                self._agenda.confirm(event)
            case PatchRecorded():
                self._agenda.confirm_patch(event)
            case TaskRestarted() | TaskEndedLate():
                return  # untold
            case ExecutionSuspended():
                self._suspended = True
            case ExecutionResumed():
                self._suspended = False
                self._agenda.now = max(self._agenda.now, event.occurred_at)  # a timer set now is reckoned from now
                waiting, self._put_aside = self._put_aside, None
                for earlier in waiting or ():
                    self._arrive(earlier)
            case ExecutionTerminated() | ExecutionCompleted() | ContinuedAsNew():
                self._is_over = True
                self._agenda.seal()
            case _ if self._suspended and not self._has_ended():
                self._put_aside = [*(self._put_aside or ()), event]
            case _:
                self._arrive(event)

    def _arrive(self, event: HistoryEvent) -> None:
        if self._watcher is None:
            self._tell(event)
            return
        self._watcher.arrives(event, self._agenda)
        self._tell(event)
        self._watcher.ran(event, self._agenda, self._code)

    def _tell(self, event: HistoryEvent) -> None:
        agenda = self._agenda
        agenda.now = max(agenda.now, event.occurred_at)
        if self._has_ended():
            if isinstance(event, EventRaised):  # it came with the turn that ends this generation: the next one may want it
                agenda.keep(event)
            return
        match event:
            case ExecutionStarted():
                self._start(event)
            case TaskCompleted() | ChildWorkflowInstanceCompleted():
                agenda.settle_task(event.task_scheduled_id, from_json(event.result))
            case TaskFailed():
                agenda.settle_task(event.task_scheduled_id, None, self._task_failed("Activity", event))
            case ChildWorkflowInstanceFailed():
                agenda.settle_task(event.task_scheduled_id, None, self._task_failed("Child workflow", event))
            case TimerFired():
                agenda.settle_task(event.timer_id, None)
            case EventRaised():
                agenda.deliver(event)
            case (
                TaskScheduled()
                | TimerCreated()
                | ChildWorkflowInstanceCreated()
                | DetachedWorkflowInstanceCreated()
                | PatchRecorded()
                | TaskRestarted()
                | TaskEndedLate()
                | ExecutionSuspended()
                | ExecutionResumed()
                | ExecutionTerminated()
                | ExecutionCompleted()
                | ContinuedAsNew()
            ):
                raise AssertionError(event)  # handled by _take_up
            case _:
                assert_never(event)
        agenda.run_ready()

    def _task_failed(self, kind: str, event: TaskFailed | ChildWorkflowInstanceFailed) -> TaskFailedError:
        number = event.task_scheduled_id
        called = self._agenda.called(number)
        return TaskFailedError(f"{kind} {called!r} (task #{number}) failed: {event.failure.message}", event.failure)

    def _start(self, event: ExecutionStarted) -> None:
        self._agenda.now = max(self._agenda.now, event.scheduled_start or event.occurred_at)
        context = WorkflowContext(self._agenda, event)
        self._propagated = event.propagated
        outcome: Task[Any] = Task()
        try:
            made = self._workflow(context, from_json(event.input))
        except BaseException as error:  # noqa: BLE001  # a workflow that is a plain function, or whose arguments do not fit; SystemExit, too
            outcome.record_outcome(None, error)
        else:
            if isinstance(made, GeneratorType | CoroutineType):
                self._code = made
                outcome = self._agenda.start(made)
            else:
                outcome.record_outcome(made)
        self._outcome = outcome

    def _result(self) -> ExecutionResult:
        agenda = self._agenda
        status = agenda.custom_status
        if not self._has_ended():
            return ExecutionResult(actions=[*agenda.take_actions()], custom_status=status, passes_on=agenda.passes_on)
        # Nobody waits for a detached workflow, so it starts though its starter ends, and a patch that was told yes must be told so at every
        # replay; other actions that were not awaited are dropped.
        kept = [action for action in agenda.take_actions() if isinstance(action, CreateDetachedWorkflow | RecordPatch)]
        end = self._end()
        agenda.seal()
        return ExecutionResult(actions=[*kept, end], custom_status=status)

    def end(self) -> CompleteWorkflow | ContinueAsNew | None:
        """How the code ended; None where it has not."""
        return self._end() if self._has_ended() else None

    def _end(self) -> CompleteWorkflow | ContinueAsNew:
        agenda = self._agenda
        if (advice := agenda.forgotten()) is not None:  # also of code that failed: what it left out must not hide behind that
            return _failed(InvalidArgument(advice))
        if agenda.successor_input is not None:
            payload, save_events = agenda.successor_input
            carried = agenda.unconsumed_events() if save_events else ()
            return ContinueAsNew(input=payload, carried=carried, propagated=self._propagated)
        if self._outcome is not None and self._outcome.is_failed:
            return _failed(self._outcome.get_exception())
        return _completed(None if self._outcome is None else self._outcome.get_result())

    def _has_ended(self) -> bool:
        """Whether the code returned, raised, or asked to continue as new (which stands, whatever it does after)."""
        return self._agenda.successor_input is not None or (self._outcome is not None and self._outcome.is_complete)


def _completed(result: Any) -> CompleteWorkflow:
    try:
        output = None if result is None else to_json(result, "the workflow's output")
    except BaseException as error:  # noqa: BLE001  # not JSON, or the user's own model_dump failed
        return _failed(error)
    return CompleteWorkflow(status=Status.COMPLETED, output=output)


def _failed(error: BaseException) -> CompleteWorkflow:
    return CompleteWorkflow(status=Status.FAILED, failure=failure_of(error))
