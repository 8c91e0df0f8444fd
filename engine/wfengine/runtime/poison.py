"""Poison activities: attempts that take the process down with them. Used by the engine's thread only.

The attempts that were at work when the process died are known (`store.underway`). Each is blamed for that death, for nobody knows which one it was;
this is recorded, and then it is made again. One that could be blamed for the last time runs while no other such attempt does: the guilty one is then
alone among the suspects, and those that only stood by end meanwhile and are forgotten. Others run beside it, so an attempt that waits for other
workflows does not wait for ever. An attempt that was only queued, or was at work at a clean end, is not blamed.
"""

from collections.abc import Set as AbstractSet
from datetime import datetime

from wfengine.errors import InvalidArgument
from wfengine.model.failure import FailureDetails
from wfengine.model.history import TaskFailed, TaskRestarted, TaskScheduled
from wfengine.runtime.attempts import Attempt
from wfengine.runtime.deadlines import Place
from wfengine.runtime.limits import Gate
from wfengine.runtime.residents import Resident
from wfengine.store.underway import Underway

_LAST = "last chance"


class Suspects:
    """`poison_after` is how many deaths an attempt may have been at work at until it fails for good; None: any number."""

    def __init__(self, underway: Underway, poison_after: int | None) -> None:
        if poison_after is not None and (isinstance(poison_after, bool) or not isinstance(poison_after, int) or poison_after < 1):
            raise InvalidArgument(f"poison_after must be a number >= 1, or None for never, not {poison_after!r}.")
        self._underway = underway
        self._poison_after = poison_after
        self._last_chances: Gate[Attempt] = Gate(most=1)
        self._inside: Place | None = None
        self._waiting: set[Place] = set()

    def verdict(self, resident: Resident, task: TaskScheduled, now: datetime) -> TaskRestarted | TaskFailed | None:
        """What is to be recorded of an open attempt before it is made again; None where it was not at work, or that is recorded."""
        place = resident.instance.key, task.event_id
        if place not in self._underway.found:
            return None
        deaths = self._underway.found[place] + 1
        if resident.deaths.get(task.event_id, 0) >= deaths:  # recorded, and then this process's predecessor died too
            self._underway.forget([place])
            return None
        if self._poison_after is None or deaths < self._poison_after:
            return TaskRestarted(occurred_at=now, task_scheduled_id=task.event_id, deaths=deaths)
        times = "once" if deaths == 1 else f"{deaths} times"
        message = f"Activity {task.name!r} was at work when the process died, {times}, and is not tried again."
        failure = FailureDetails(message=message, error_type="PoisonActivityError", non_retryable=True)
        return TaskFailed(occurred_at=now, task_scheduled_id=task.event_id, failure=failure)

    def recorded(self, place: Place) -> None:
        """The death of this attempt is in its history."""
        self._underway.forget([place])

    def keep(self, places: AbstractSet[Place]) -> None:
        """Of what was found at work, only these attempts are still open."""
        self._underway.forget(self._underway.found.keys() - places)

    def may_begin(self, attempt: Attempt) -> bool:
        """Whether it may begin now; else a `leave` gives it back."""
        if self._poison_after is None or not attempt.deaths or attempt.deaths < self._poison_after - 1:
            return True
        if self._last_chances.enter(_LAST, attempt):
            self._inside = attempt.place
            return True
        self._waiting.add(attempt.place)
        return False

    def leave(self, attempt: Attempt) -> list[Attempt]:
        """It has ended; gives those who may begin now."""
        if attempt.place != self._inside:
            return []
        let_in = self._last_chances.leave(_LAST)
        self._inside = let_in[0].place if let_in else None
        self._waiting.difference_update(other.place for other in let_in)
        return let_in

    def is_waiting(self, place: Place) -> bool:
        """Whether it waits for another suspect to end."""
        return place in self._waiting
