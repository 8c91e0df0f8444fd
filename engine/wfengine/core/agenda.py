"""The agenda of one execution: what its code has asked for, what it waits for, and what has arrived for it.

The context (the verbs of workflow code) writes it, the execution (the events of history) settles it; neither looks into the other.
"""

from collections import deque
from datetime import UTC, datetime
from typing import Any

from wfengine.core.routines import Code, Routine
from wfengine.core.tasks import Task, settle
from wfengine.errors import NonDeterminismError
from wfengine.model.actions import CreateChildWorkflow, CreateTimer, ScheduleTask, TaskAction
from wfengine.model.history import ChildWorkflowInstanceCreated, ConfirmingEvent, EventRaised, EventWait, TaskScheduled, TimerCreated
from wfengine.model.payload import from_json

_LIKELY = (
    "Most likely the workflow was edited after this instance started, or it reads something that changes (time, randomness, a global). "
    "Register the code it started with, or start a new instance."
)


class Agenda:
    """Open actions by id, unsettled tasks by id, external events and their waiters by name, and the ready queue."""

    def __init__(self) -> None:
        self.now = datetime(1970, 1, 1, tzinfo=UTC)
        self.is_replaying = False
        self.custom_status: str | None = None
        self.successor_input: tuple[str | None, bool] | None = None
        self.ready: deque[Routine] = deque()
        self._asked: dict[int, TaskAction] = {}
        self._open: dict[int, Task[Any]] = {}
        self._next_id = 0
        self._arrived: list[EventRaised] = []
        self._waiting: dict[str, deque[Task[Any]]] = {}
        self._routines: set[Routine] = set()
        self._sealed = False

    # The workflow's code asks.

    def next_id(self) -> int:
        """The number that the next action will have."""
        return self._next_id

    def ask(self, action: TaskAction) -> Task[Any]:
        """Record an action under its id, which must be `next_id()`, and give the task for its outcome."""
        task: Task[Any] = Task()
        if self._sealed:  # a `finally` block of code that was closed: it may ask, nothing comes of it
            return task
        self._next_id += 1
        self._asked[action.id] = action
        self._open[action.id] = task
        return task

    def take_event(self, name: str) -> Task[Any] | None:
        """A settled task for the oldest event of this name that nobody has consumed, if there is one."""
        wanted = name.casefold()
        for place, event in enumerate(self._arrived):
            if event.name.casefold() == wanted:
                del self._arrived[place]
                task: Task[Any] = Task()
                task.record_outcome(from_json(event.input))
                return task
        return None

    def await_event(self, name: str) -> Task[Any]:
        """A task for the next event of this name; waiters are served first come, first served."""
        task: Task[Any] = Task()
        if not self._sealed:
            self._waiting.setdefault(name.casefold(), deque()).append(task)
        return task

    def forget_waiter(self, name: str, task: Task[Any]) -> None:
        """Take a waiter off the list, so that a late event is kept for the next one."""
        waiters = self._waiting.get(name.casefold())
        if waiters and task in waiters:
            waiters.remove(task)

    def start(self, code: Code) -> Task[Any]:
        """Run `code` as a routine of its own up to its first wait; the task is its outcome."""
        if self._sealed:  # likewise
            code.close()
            return Task()
        routine = Routine(code, self.ready)
        routine.run()
        if not routine.outcome.is_complete:
            self._routines.add(routine)
        return routine.outcome

    # History answers.

    def confirm(self, event: ConfirmingEvent) -> None:
        """History holds this action: it need not be asked for again. Raises NonDeterminismError where the code asks for something else."""
        action = self._asked.get(event.event_id)
        if action is None or not _agrees(event, action):
            raise _mismatch(event, action)
        del self._asked[event.event_id]

    def check_all_confirmed(self) -> None:
        """Nothing that the code has asked for may be missing in a history that holds its turns. Raises NonDeterminismError."""
        if self._asked:
            raise _unrecorded(next(iter(self._asked.values())))

    def settle_task(self, task_id: int, result: Any, exception: BaseException | None = None) -> None:
        """The outcome of action `task_id` has arrived; what nobody waits for any more is passed over."""
        task = self._open.pop(task_id, None)
        if task is not None:
            settle(task, result, exception)

    def deliver(self, event: EventRaised) -> None:
        """Give an external event to its first waiter, or keep it until somebody asks."""
        waiters = self._waiting.get(event.name.casefold())
        if waiters:
            settle(waiters.popleft(), from_json(event.input))
        else:
            self.keep(event)

    def keep(self, event: EventRaised) -> None:
        """Put an external event by for whoever asks for it later."""
        self._arrived.append(event)

    def run_ready(self) -> None:
        """Run whoever can go on, in order, until all wait."""
        while self.ready:
            routine = self.ready.popleft()
            routine.run()
            if routine.outcome.is_complete:
                self._routines.discard(routine)

    # The turn ends.

    def take_actions(self) -> list[TaskAction]:
        """Hand over what the code has asked for and history does not hold yet, in order; it counts as recorded from now on."""
        actions = list(self._asked.values())
        self._asked.clear()
        return actions

    def unconsumed_events(self) -> tuple[EventRaised, ...]:
        """External events that nobody has consumed, in arrival order."""
        return tuple(self._arrived)

    def seal(self) -> None:
        """Nothing more can be asked for; suspended code is closed."""
        self._sealed = True
        for routine in self._routines:
            routine.close()
        self._routines.clear()
        self.ready.clear()


def _agrees(event: ConfirmingEvent, action: TaskAction) -> bool:
    match event:
        case TaskScheduled():
            return isinstance(action, ScheduleTask) and action.name == event.name
        case TimerCreated():
            return isinstance(action, CreateTimer) and _wait_name(action) == _wait_name(event)
        case ChildWorkflowInstanceCreated():
            return isinstance(action, CreateChildWorkflow) and action.name == event.name


def _wait_name(timer: TimerCreated | CreateTimer) -> str | None:
    return timer.origin.name.casefold() if isinstance(timer.origin, EventWait) else None


def _mismatch(event: ConfirmingEvent, action: TaskAction | None) -> NonDeterminismError:
    recorded = _told(event)
    attempted = "nothing at this point" if action is None else _told(action)
    return NonDeterminismError(
        f"History and code disagree at action {event.event_id}: recorded is {recorded}, the code now asks for {attempted}. {_LIKELY}",
        event_id=event.event_id,
        recorded=recorded,
        attempted=attempted,
    )


def _unrecorded(action: TaskAction) -> NonDeterminismError:
    attempted = _told(action)
    return NonDeterminismError(
        f"History and code disagree at action {action.id}: the code now asks for {attempted}, recorded is nothing. {_LIKELY}",
        event_id=action.id,
        recorded="nothing",
        attempted=attempted,
    )


def _told(what: ConfirmingEvent | TaskAction) -> str:
    match what:
        case TaskScheduled() | ScheduleTask():
            return f"call_activity({what.name!r})"
        case ChildWorkflowInstanceCreated() | CreateChildWorkflow():
            return f"call_child_workflow({what.name!r})"
        case TimerCreated() | CreateTimer():
            name = _wait_name(what)
            return "create_timer" if name is None else f"wait_for_external_event({name!r})"
