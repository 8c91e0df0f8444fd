"""What surrounds the engine: a clock that people set, and a worker whose activities end when, and as, the simulation says."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from wfengine.model.failure import FailureDetails
from wfengine.model.history import TaskCompleted, TaskFailed
from wfengine.model.payload import to_json
from wfengine.runtime.worker import ActivityJob
from wfengine.testing.simulation.chronicle import Chronicle, Outside
from wfengine.testing.simulation.violation import insist

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


class MachineTime:
    """The machine's time, which may be set back; it outlives the engine."""

    def __init__(self) -> None:
        self.now = BEGINNING

    def pass_by(self, span: timedelta) -> None:
        """Time goes on, or is set back."""
        self.now += span


class SimulatedClock:
    """As `RealClock`: the machine's time, kept from going backwards while the engine lives."""

    def __init__(self, machine: MachineTime) -> None:
        self._machine = machine
        self._latest = machine.now

    def now(self) -> datetime:
        """The present."""
        self._latest = max(self._latest, self._machine.now)
        return self._latest

    def seconds_until(self, moment: datetime) -> float | None:
        """Nobody waits here."""
        return 0.0 if moment <= self.now() else None


class SimulatedUnderway:
    """As `Underway`: which attempts are at work, kept over the death of the process."""

    def __init__(self) -> None:
        self.slots: dict[tuple[int, int], int] = {}
        self.found: dict[tuple[int, int], int] = {}

    def take_over(self) -> None:
        """Another process opens the file."""
        self.found = dict(self.slots)

    def forget(self, places: Iterable[tuple[int, int]]) -> None:
        """What was found of these attempts is dealt with."""
        for place in list(places):
            self.found.pop(place, None)
            self.slots.pop(place, None)


class SimulatedWorker:
    """Takes attempts and keeps them until told how they end."""

    def __init__(self, clock: SimulatedClock, underway: SimulatedUnderway, chronicle: Chronicle, outside: Outside) -> None:
        self.jobs: list[ActivityJob] = []
        self.ended: list[tuple[int, TaskCompleted | TaskFailed]] = []
        self._clock = clock
        self._underway = underway
        self._chronicle = chronicle
        self._outside = outside
        self._begun: set[tuple[int, int]] = set()

    def start(self, job: ActivityJob) -> None:
        """An attempt begins: never before it is durable that it should, and once in the life of an engine."""
        key, number = job.instance.key, job.task.event_id
        chapter = self._chronicle.chapters.get(key)
        insist(chapter is not None and number in chapter.tasks, "an activity starts when that is durable", key, number)
        insist((key, number) not in self._begun, "an attempt is made once", key, number)
        self._begun.add((key, number))
        self._underway.slots[key, number] = job.deaths
        self.jobs.append(job)

    def complete(self, place: int, value: Any) -> None:
        """The activity returns."""
        result = None if value is None else to_json(value)
        job = self.jobs[place]
        self._end(place, TaskCompleted(occurred_at=self._clock.now(), task_scheduled_id=job.task.event_id, result=result), result)

    def fail(self, place: int, *, non_retryable: bool) -> None:
        """The activity raises."""
        job = self.jobs[place]
        failure = FailureDetails(message=f"of {job.task.event_id}", error_type="ValueError", non_retryable=non_retryable)
        self._end(place, TaskFailed(occurred_at=self._clock.now(), task_scheduled_id=job.task.event_id, failure=failure), failure.message)

    def again(self, place: int) -> tuple[int, TaskCompleted | TaskFailed]:
        """An outcome that was told before."""
        key, outcome = self.ended[place]
        return key, msgspec.structs.replace(outcome, occurred_at=self._clock.now())

    def _end(self, place: int, outcome: TaskCompleted | TaskFailed, said: str | None) -> None:
        job = self.jobs.pop(place)
        self._underway.slots.pop((job.instance.key, job.task.event_id), None)
        self._outside.outcomes.setdefault((job.instance.key, job.task.event_id), []).append(said)
        self.ended.append((job.instance.key, outcome))
        job.done(job, outcome)
