"""What the engine's thread knows of an attempt of an activity, before it is at work and while it is."""

import msgspec

from wfengine.model.history import TaskScheduled
from wfengine.runtime.deadlines import Place
from wfengine.runtime.inline import InlineStep
from wfengine.runtime.program import ProgramActivity
from wfengine.runtime.registry import Definition
from wfengine.runtime.residents import Resident
from wfengine.runtime.worker import ActivityJob


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt whose activity is registered. `is_repeated`: it was found open when the lab was opened, and may have run before."""

    place: Place
    resident: Resident
    task: TaskScheduled
    definition: Definition | InlineStep | ProgramActivity
    is_repeated: bool

    @property
    def app_id(self) -> str | None:
        """The app whose activity it is."""
        return app_of(self.resident, self.task)

    @property
    def deaths(self) -> int:
        """How often the process died while it was at work."""
        return self.resident.deaths.get(self.task.event_id, 0)

    @property
    def timeout_s(self) -> float | None:
        """How long it may take: the call's own word, else the activity's."""
        return self.definition.timeout_s if self.task.timeout_s is None else self.task.timeout_s


class AtWork(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that was handed to the worker; `generation` is its circuit's."""

    attempt: Attempt
    job: ActivityJob
    generation: int | None


def app_of(resident: Resident, task: TaskScheduled) -> str | None:
    """The app whose activity is called: the call's own word, else the workflow's."""
    return resident.instance.app_id if task.app_id is None else task.app_id
