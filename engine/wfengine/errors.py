"""Every exception of wflab, as one tree, split by whose move it is.

    WflabError
    ├── CallerError                  the caller's mistake: mend the call and try again
    │   ├── InvalidArgument          a value that cannot be used (also a ValueError)
    │   ├── PayloadError             not JSON, or too large (also a ValueError)
    │   ├── InstanceNotFound         no such instance (also a LookupError)
    │   ├── InstanceAlreadyExists    the id belongs to an instance that has not ended
    │   ├── InstanceNotTerminal      purge asks for an ended instance
    │   ├── WaitOver                 the event wait to be answered is open no more
    │   └── DefinitionNotFound       no workflow or activity of that name is registered
    ├── WorkflowFailed               the workflow's outcome: it failed or was terminated
    ├── WaitTimedOut                 the time to wait was up; nothing has changed (also a TimeoutError)
    └── EngineError                  the engine's fault or its surroundings'
        ├── EngineStopped            the engine was shut down, or can no longer write
        ├── EnginePaused             nothing can be recorded just now (disk full)
        └── StoreError
            ├── StoreInUse           another process (or Lab) holds the file
            ├── StoreCorrupt         the journal is damaged before its end
            ├── StoreVersion         written by a newer wflab
            ├── NotADatabase         the path names something else
            └── TransactionConflict  two transactions changed the same rows at once: try again

Inside workflow code, failures arrive as `TaskFailedError` (an activity or a child workflow failed) and `TimeoutError` (a wait ran
out); `NonRetryableError` is raised by activities; `PropagationNotFoundError` by questions to passed-on history that it cannot answer;
`NonDeterminismError` says that history and code disagree. Failures that the engine itself records of an activity have these names
as their `error_type`, and no class: ActivityTimeoutError, CircuitOpenError, PoisonActivityError.
"""

from datetime import datetime
from typing import Literal

from wfengine.model.failure import FailureDetails, without_frames_of_ours


class WflabError(Exception):
    """Anything wflab raises on purpose. `_render_traceback_` keeps a notebook's error to one line."""

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}", *getattr(self, "__notes__", ())]


class CallerError(WflabError):
    """The call cannot be carried out as it stands; nothing was recorded."""


class InvalidArgument(CallerError, ValueError):
    """An argument that cannot be used; the message says what to pass instead."""


class PayloadError(CallerError, ValueError):
    """A payload that is not JSON or is too large. `path` is where in the value, like `$.items[3].price`."""

    def __init__(self, message: str, *, path: str = "$") -> None:
        super().__init__(message)
        self.path = path


class InstanceNotFound(CallerError, LookupError):
    """No instance has this id."""

    def __init__(self, instance_id: str, hint: str = "`lab.runs` lists the ids that exist.") -> None:
        super().__init__(f"No workflow instance has the id {instance_id!r}. {hint}")
        self.instance_id = instance_id


class InstanceAlreadyExists(CallerError):
    """The id belongs to an instance that has not ended; ids may be used again after that."""

    def __init__(self, instance_id: str, name: str, status: str) -> None:
        super().__init__(
            f"The id {instance_id!r} is in use: workflow {name!r} is {status}. "
            "Pass another instance_id (or none), or terminate that instance first."
        )
        self.instance_id = instance_id


class InstanceNotTerminal(CallerError):
    """Only an ended instance can be purged."""

    def __init__(self, instance_id: str, status: str) -> None:
        super().__init__(f"Instance {instance_id!r} is {status} and cannot be purged. Terminate it first, or wait for its end.")
        self.instance_id = instance_id


class WaitOver(CallerError):
    """The event wait that was to be answered is open no more; nothing was delivered.

    `how` says what closed it, `at` when, `who` gave the answer; None where only history can tell.
    """

    def __init__(
        self,
        instance_id: str,
        *,
        how: Literal["answered", "timed out"] | None = None,
        at: datetime | None = None,
        who: str | None = None,
    ) -> None:
        closed = "" if how is None else f": it was {how} by {who}" if who else f": it {'was answered' if how == 'answered' else how}"
        moment = "" if at is None else f" at {at:%H:%M:%S} UTC"
        super().__init__(f"Instance {instance_id!r} does not wait for this any more{closed}{moment}. run.steps() tells what became of it.")
        self.instance_id = instance_id
        self.how = how
        self.at = at
        self.who = who


class DefinitionNotFound(CallerError, LookupError):
    """No workflow or activity of this name is registered."""

    def __init__(self, kind: str, name: str, known: list[str], *, hint: str | None = None) -> None:
        listed = ", ".join(sorted(known)) or "none yet"
        what_now = hint or "Run the cell that defines it, then try again."
        super().__init__(f"No {kind} named {name!r} is registered (registered: {listed}). {what_now}")
        self.name = name


class WorkflowFailed(WflabError):
    """An instance ended without completing: FAILED (see `failure_details`) or TERMINATED."""

    def __init__(self, instance_id: str, name: str, status: str, failure_details: FailureDetails | None) -> None:
        cause = f": {failure_details.error_type}: {failure_details.message}" if failure_details else ""
        super().__init__(f"Workflow {name!r} ({instance_id}) is {status}{cause}")
        self.instance_id = instance_id
        self.status = status
        self.failure_details = failure_details
        lines = without_frames_of_ours(failure_details.stack_trace) if failure_details and failure_details.stack_trace else ""
        if lines:
            self.add_note(lines)

    @property
    def failure(self) -> FailureDetails | None:
        """`failure_details`, by the name that it has at a lab's Run."""
        return self.failure_details


class WaitTimedOut(WflabError, TimeoutError):
    """The time given to a wait was up; what was waited for goes on."""


class EngineError(WflabError):
    """The engine or its surroundings failed; what was acknowledged is safe."""


class EngineStopped(EngineError):
    """The engine is shut down, or the disk no longer takes what it writes."""


class EnginePaused(EngineError):
    """Nothing can be recorded just now; the message says why and what to do."""


class StoreError(EngineError):
    """The database file or its journal."""


class StoreInUse(StoreError):
    """Another process, or another Lab of this one, has the file open for writing."""

    def __init__(self, path: str, *, pid: int | None, holder: str, since: datetime | None, is_own: bool = False) -> None:
        when = f" since {since:%Y-%m-%d %H:%M:%S} UTC" if since else ""
        who = f"{holder} (pid {pid})" if pid else holder
        advice = (
            "It is open in this very process: use that lab (wf.current_lab()), or close it first with its close()."
            if is_own
            else "Work in that kernel, shut it down (Kernel > Shut Down) and try again, or open another file: wf.Lab('other.duckdb')."
        )
        super().__init__(f"{path} is in use by {who}{when}. {advice}")
        self.path = path
        self.pid = pid
        self.holder = holder
        self.since = since


class StoreCorrupt(StoreError):
    """A record in the middle of the journal is damaged; the message says how much before it is readable."""


class StoreVersion(StoreError):
    """The file was written by a newer wflab than this one."""


class NotADatabase(StoreError):
    """The path names a file that is not a DuckDB database; it was left untouched."""


class TransactionConflict(StoreError):
    """A transaction changed what another had changed meanwhile, and was rolled back; the same again may succeed."""


class TaskFailedError(Exception):
    """An activity or a child workflow failed; raised in the workflow where the task is awaited."""

    def __init__(self, message: str, details: FailureDetails) -> None:
        super().__init__(message)
        self._details = details

    @property
    def details(self) -> FailureDetails:
        """What was recorded of the failure."""
        return self._details


class NonRetryableError(Exception):
    """Raise it in an activity: no retry policy tries again."""


class PropagationNotFoundError(Exception):
    """What was asked for is not in the history that the caller passed on."""


class NonDeterminismError(WflabError):
    """History and code disagree: what was recorded, what the code asks for now, and where.

    `kind` is what was most likely edited, in a word: "added", "removed", "replaced", "swapped", "patch", "ends early" or "goes on"; `cause` the
    same as a clause. Both are empty where that is not known.
    """

    def __init__(
        self, message: str, *, event_id: int, recorded: str, attempted: str, line: str = "", kind: str = "", cause: str = ""
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.cause = cause
        self.event_id = event_id
        self.recorded = recorded
        self.attempted = attempted
        self.line = line
