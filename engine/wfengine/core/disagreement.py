"""History and code disagree: what is recorded, what the code asks for, where, and what was most likely edited."""

from collections.abc import Sequence

from wfengine.errors import NonDeterminismError
from wfengine.model.actions import CreateChildWorkflow, CreateDetachedWorkflow, CreateTimer, ScheduleTask, TaskAction
from wfengine.model.history import (
    ChildWorkflowInstanceCreated,
    ConfirmingEvent,
    DetachedWorkflowInstanceCreated,
    EventWait,
    HistoryEvent,
    PatchRecorded,
    TaskScheduled,
    TimerCreated,
)

_ADVICE = (
    'Register the code that it started with and it goes on, or keep the old path for old instances: `if ctx.is_patched("..."):` around '
    "what is new, or a new version of the workflow. If nothing was edited, the code reads something that changes: time, randomness, a global."
)


class Disagrees(Exception):  # it never leaves the core: `disagreement` makes the error of it
    """What is recorded (None: nothing more) and what the code asks for instead (None: nothing)."""

    def __init__(self, recorded: ConfirmingEvent | PatchRecorded | None, attempted: TaskAction | str | None, line: str = "") -> None:
        super().__init__()
        self.recorded = recorded
        self.attempted = attempted
        self.line = line


def agrees(event: ConfirmingEvent, action: TaskAction) -> bool:
    """Whether a recorded event is this action's: by kind and name, not by input."""
    match event:
        case TaskScheduled():
            return isinstance(action, ScheduleTask) and action.name == event.name
        case TimerCreated():
            return isinstance(action, CreateTimer) and _wait_name(action) == _wait_name(event)
        case ChildWorkflowInstanceCreated():
            return isinstance(action, CreateChildWorkflow) and action.name == event.name
        case DetachedWorkflowInstanceCreated():
            return isinstance(action, CreateDetachedWorkflow) and action.name == event.name


def disagreement(found: Disagrees, later: Sequence[HistoryEvent], asked: Sequence[TaskAction]) -> NonDeterminismError:
    """The error to show. `later` is the history after the event at issue, `asked` what else the code asks for at this point."""
    recorded, attempted = found.recorded, found.attempted
    number = -1
    if isinstance(recorded, ConfirmingEvent):
        number = recorded.event_id
    elif attempted is not None and not isinstance(attempted, str):
        number = attempted.id
    told_recorded = "nothing more" if recorded is None else told(recorded)
    told_attempted = "nothing" if attempted is None else told(attempted)
    at = "" if number < 0 else f" at action {number}"
    line = f" ({found.line})" if found.line else ""
    kind, cause = _edit(recorded, attempted, later, asked)
    return NonDeterminismError(
        f"History and code disagree{at}: recorded is {told_recorded}, the code now asks for {told_attempted}{line}. "
        f"Most likely {cause}. {_ADVICE}",
        event_id=number,
        recorded=told_recorded,
        attempted=told_attempted,
        line=found.line,
        kind=kind,
        cause=cause,
    )


def ended_early(line: str) -> NonDeterminismError:
    """The code ends where the instance went on."""
    where = f" ({line})" if line else ""
    return NonDeterminismError(
        f"History and code disagree: the code now ends where the recorded instance went on{where}. "
        f"Most likely a `return` was added or a call removed. {_ADVICE}",
        event_id=-1,
        recorded="a workflow that goes on",
        attempted="the end of the workflow",
        line=line,
        kind="ends early",
        cause="a `return` was added or a call removed",
    )


def goes_on(asked: Sequence[TaskAction], line: str) -> NonDeterminismError:
    """The code goes on where the instance ended; `asked` is what it asks for then."""
    attempted = told(asked[0]) if asked else "a workflow that waits"
    cause = f"{attempted} was added" if asked else "a `return` or `continue_as_new` was removed, or something more is waited for"
    where = f" ({line})" if line else ""
    return NonDeterminismError(
        f"History and code disagree: recorded is the end of the workflow, the code now asks for {attempted}{where}. Most likely {cause}.",
        event_id=asked[0].id if asked else -1,
        recorded="the end of the workflow",
        attempted=attempted,
        line=line,
        kind="goes on",
        cause=cause,
    )


def told(what: ConfirmingEvent | PatchRecorded | TaskAction | str) -> str:
    """An action or its event, as the call that makes it."""
    match what:
        case str():
            return what
        case TaskScheduled() | ScheduleTask():
            return f"step({what.name!r})" if what.is_inline else f"call_activity({what.name!r})"
        case ChildWorkflowInstanceCreated() | CreateChildWorkflow():
            return f"call_child_workflow({what.name!r})"
        case DetachedWorkflowInstanceCreated() | CreateDetachedWorkflow():
            return f"schedule_new_workflow({what.name!r})"
        case PatchRecorded():
            return f"is_patched({what.name!r})"
        case TimerCreated() | CreateTimer():
            name = _wait_name(what)
            return "create_timer" if name is None else f"wait_for_external_event({name!r})"


def _edit(
    recorded: ConfirmingEvent | PatchRecorded | None,
    attempted: TaskAction | str | None,
    later: Sequence[HistoryEvent],
    asked: Sequence[TaskAction],
) -> tuple[str, str]:
    """The edit that explains it best: in a word, and as a clause."""
    if isinstance(recorded, PatchRecorded) or isinstance(attempted, str):
        return "patch", "an is_patched was removed, renamed or moved; recorded patches must stay, in their order"
    if recorded is None:
        return "added", "the call was added" if attempted is None else f"{told(attempted)} was added"
    if attempted is None:
        return "removed", f"{told(recorded)} was removed, or moved behind something that the code now waits for"
    was_recorded_later = any(isinstance(event, ConfirmingEvent) and told(event) == told(attempted) for event in later)
    is_asked_later = any(told(action) == told(recorded) for action in asked)
    if is_asked_later and was_recorded_later:
        return "swapped", f"{told(recorded)} and {told(attempted)} changed places"
    if is_asked_later:
        return "added", f"{told(attempted)} was added before {told(recorded)}"
    if was_recorded_later:
        return "removed", f"{told(recorded)} was removed before {told(attempted)}"
    return "replaced", f"{told(recorded)} was replaced by {told(attempted)}, or renamed"


def _wait_name(timer: TimerCreated | CreateTimer) -> str | None:
    return timer.origin.name.casefold() if isinstance(timer.origin, EventWait) else None
