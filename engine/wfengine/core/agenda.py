"""The agenda of one execution: what its code has asked for, what it waits for, and what has arrived for it.

The context (the verbs of workflow code) writes it, the execution (the events of history) settles it; neither looks into the other.
"""

import sys
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from types import FrameType
from typing import Any

from wfengine.core.disagreement import Disagrees, agrees
from wfengine.core.routines import Code, Routine
from wfengine.core.tasks import Task, settle
from wfengine.model.actions import CreateChildWorkflow, RecordPatch, ScheduleTask, TaskAction
from wfengine.model.history import ConfirmingEvent, EventRaised, PatchRecorded
from wfengine.model.payload import from_json

_ON_THE_WAY = ("wfengine.core.", "wfengine.testing.noticing", "wflab.")  # between the user's line and `ask`

_CALLS = (ScheduleTask, CreateChildWorkflow)


class Agenda:
    """Open actions by id, unsettled tasks by id, external events and their waiters by name, and the ready queue."""

    def __init__(self) -> None:
        self.now = datetime(1970, 1, 1, tzinfo=UTC)
        self.is_replaying = False
        self.custom_status: str | None = None
        self.successor_input: tuple[str | None, bool] | None = None
        self.passes_on = False
        self.overhear: Callable[[str, Any], None] | None = None  # somebody looks on, and the code is told its past as if it were new
        self.ready: list[Routine] = []  # a deque would take 700 bytes of every execution
        self.inline: dict[int, Callable[..., Any]] = {}
        self.to_be_awaited: tuple[tuple[Callable[[], bool], str], ...] = ()
        self._asked: dict[int, TaskAction] = {}
        self._lines: dict[int, str] = {}
        self._open: dict[int, Task[Any]] = {}
        self._next_id = 0
        self._arrived: list[EventRaised] | None = None
        self._waiting: dict[str, list[Task[Any]]] = {}
        self._routines: set[Routine] = set()
        self._sealed = False
        self._recorded_patches: Collection[str] = ()
        self._patches: dict[str, bool] = {}
        self._patches_asked: tuple[str, ...] = ()

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
        task.action_id = action.id
        if isinstance(action, _CALLS):
            task.called = action.name
        if self.is_replaying:
            self._lines[action.id] = _line_of_user_code()
        return task

    def order(self, action: TaskAction) -> None:
        """As `ask`, for what has no outcome to wait for."""
        self.ask(action)
        self._open.pop(action.id, None)

    def is_patched(self, name: str) -> bool:
        """Whether the code after this point is new to the execution, or was when it got here first; one answer per name."""
        answer = self._patches.get(name)
        if answer is None:
            answer = self._patches[name] = name in self._recorded_patches or not self.is_replaying
            if answer and not self._sealed:
                self._patches_asked += (name,)
        return answer

    def take_event(self, name: str) -> Task[Any] | None:
        """A settled task for the oldest event of this name that nobody has consumed, if there is one."""
        wanted = name.casefold()
        arrived = self._arrived or []
        for place, event in enumerate(arrived):
            if event.name.casefold() == wanted:
                del arrived[place]
                task: Task[Any] = Task()
                task.record_outcome(from_json(event.input))
                return task
        return None

    def await_event(self, name: str) -> Task[Any]:
        """A task for the next event of this name; waiters are served first come, first served."""
        task: Task[Any] = Task()
        if not self._sealed:
            self._waiting.setdefault(name.casefold(), []).append(task)
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

    def expect_patches(self, names: Iterable[str]) -> None:
        """The patches that the history to be replayed holds."""
        self._recorded_patches = frozenset(names) or ()

    def confirm(self, event: ConfirmingEvent) -> None:
        """History holds this action: it need not be asked for again. Raises Disagrees where the code asks for something else."""
        action = self._asked.get(event.event_id)
        if action is None or not agrees(event, action):
            raise Disagrees(event, action, self._lines.get(event.event_id, ""))
        del self._asked[event.event_id]
        self._lines.pop(event.event_id, None)

    def confirm_patch(self, event: PatchRecorded) -> None:
        """History holds this patch. Raises Disagrees where the code did not ask for it, or for another one first."""
        asked = next(iter(self._patches_asked), None)
        self._patches_asked = self._patches_asked[1:]
        if asked != event.name:
            raise Disagrees(event, None if asked is None else f"is_patched({asked!r})")

    def check_all_confirmed(self) -> None:
        """Nothing that the code has asked for may be missing in a history that holds its turns. Raises Disagrees."""
        if self._asked:
            action = next(iter(self._asked.values()))
            raise Disagrees(None, action, self._lines.get(action.id, ""))
        if self._patches_asked:
            raise Disagrees(None, f"is_patched({self._patches_asked[0]!r})")

    def asked(self) -> list[TaskAction]:
        """What the code has asked for and history has not confirmed."""
        return list(self._asked.values())

    def line_asked_at(self, action_id: int) -> str:
        """Where the code asked for what history has not confirmed, while it was replayed."""
        return self._lines.get(action_id, "")

    def routine_of(self, code: Code) -> Routine | None:
        """The suspended routine that runs this code."""
        return next((routine for routine in self._routines if routine.code is code), None)

    def settle_task(self, task_id: int, result: Any, exception: BaseException | None = None) -> None:
        """The outcome of action `task_id` has arrived; what nobody waits for any more is passed over."""
        task = self._open.pop(task_id, None)
        if self.inline:
            self.inline.pop(task_id, None)
        if task is not None:
            settle(task, result, exception)

    def called(self, task_id: int) -> str:
        """The name of what was called by this action, as long as its outcome is awaited."""
        task = self._open.get(task_id)
        return "" if task is None else task.called

    def deliver(self, event: EventRaised) -> None:
        """Give an external event to its first waiter, or keep it until somebody asks."""
        waiters = self._waiting.get(event.name.casefold())
        if waiters:
            settle(waiters.pop(0), from_json(event.input))
        else:
            self.keep(event)

    def keep(self, event: EventRaised) -> None:
        """Put an external event by for whoever asks for it later."""
        if self._arrived is None:  # most never get any, and every list of a sleeping execution costs the garbage collector time
            self._arrived = []
        self._arrived.append(event)

    def run_ready(self) -> None:
        """Run whoever can go on, in order, until all wait."""
        while self.ready:
            routine = self.ready.pop(0)
            routine.run()
            if routine.outcome.is_complete:
                self._routines.discard(routine)

    # The turn ends.

    def take_actions(self) -> list[TaskAction | RecordPatch]:
        """Hand over what the code has asked for and history does not hold yet, in order; it counts as recorded from now on."""
        actions: list[TaskAction | RecordPatch] = list(self._asked.values())
        self._asked.clear()
        if self._patches_asked:
            actions = [*(RecordPatch(name=name) for name in self._patches_asked), *actions]
            self._patches_asked = ()
        return actions

    def unconsumed_events(self) -> tuple[EventRaised, ...]:
        """External events that nobody has consumed, in arrival order."""
        return tuple(self._arrived or ())

    def awaited_events(self) -> list[str]:
        """Names, without regard to case, of the external events that somebody waits for."""
        return [name for name, waiters in self._waiting.items() if waiters]

    def forgotten(self) -> str | None:
        """The advice for what was to be awaited and never was."""
        return next((advice for is_awaited, advice in self.to_be_awaited if not is_awaited()), None)

    def seal(self) -> None:
        """Nothing more can be asked for; suspended code is closed."""
        self._sealed = True
        for routine in self._routines:
            routine.close()
        self._routines.clear()
        self.ready.clear()


def _line_of_user_code() -> str:
    """Where the workflow's own code asks; empty where a retry asks on its own."""
    frame: FrameType | None = sys._getframe(2)  # noqa: SLF001  # the cheap way to the caller's frame; only replays pay for it
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_ON_THE_WAY):
        frame = frame.f_back
    if frame is None or frame.f_globals.get("__name__", "").startswith("wfengine."):
        return ""
    return line_of(frame)


def line_of(frame: FrameType) -> str:
    """A frame's place, as a person finds it."""
    return f"line {frame.f_lineno} of {frame.f_code.co_name}"
