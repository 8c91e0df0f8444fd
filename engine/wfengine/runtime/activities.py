"""Attempts of activities, from being recorded as scheduled to the arrival of their outcome. Everything here runs on the engine's thread.

An attempt waits here while its activity is not registered, and then for its turn where there are limits. When its turn comes the activity's circuit
lets it through or fails it at once; the worker makes it, and its outcome becomes an event for its instance. If its time is up first, that is its
outcome: its place is free, and when the function ends after all, that is recorded as late. A timeout is in real time, also where the lab's clock is
virtual, because functions run in real time.
"""

import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec

from wfengine.model.failure import FailureDetails
from wfengine.model.history import HistoryEvent, TaskEndedLate, TaskFailed, TaskRestarted, TaskScheduled
from wfengine.model.work import CircuitRow, Commit
from wfengine.runtime.attempts import Attempt, AtWork, app_of
from wfengine.runtime.circuits import Circuits
from wfengine.runtime.deadlines import Deadlines, Place
from wfengine.runtime.executor import Elsewhere
from wfengine.runtime.inline import InlineStep
from wfengine.runtime.limits import Gate, Limits
from wfengine.runtime.poison import Suspects
from wfengine.runtime.population import Population
from wfengine.runtime.program import ProgramActivity
from wfengine.runtime.registry import Definition, Registry
from wfengine.runtime.residents import Resident
from wfengine.runtime.standing import HeldUp
from wfengine.runtime.transactional import LastWord
from wfengine.runtime.worker import ActivityJob, ActivityWorker, Outcome

_SOON_SECONDS = 0.05
_log = logging.getLogger("wfengine")


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt depends on to be made, beside its activity's being registered."""

    circuits: Circuits
    suspects: Suspects
    limits: Limits


class Activities:
    """`post` hands a call to whoever decides, `lend` lets this very thread be that if it may; `arrive` takes an event for a live execution; `submit` records what concerns none.

    `find_inline` gives the function of a `ctx.step`, from the code that asked for it; None while that code cannot run. `elsewhere` are the programs
    that make what is not registered here, once there are any.
    """

    def __init__(  # noqa: PLR0913  # what it stands on
        self,
        *,
        registry: Registry,
        worker: ActivityWorker,
        population: Population,
        conditions: Conditions,
        post: Callable[..., None],
        lend: Callable[..., None],
        arrive: Callable[[Resident, HistoryEvent], None],
        submit: Callable[[Commit], None],
        find_inline: Callable[[Resident, TaskScheduled], Callable[..., object] | None],
    ) -> None:
        self._registry = registry
        self._worker = worker
        self._population = population
        self._circuits = conditions.circuits
        self._suspects = conditions.suspects
        self._post = post
        self._lend = lend
        self._arrive = arrive
        self._submit = submit
        self._find_inline = find_inline
        self.elsewhere: Elsewhere | None = None
        self._undefined: defaultdict[tuple[str | None, str], list[tuple[Resident, TaskScheduled, bool]]] = defaultdict(list)
        self._unheld: defaultdict[int, list[tuple[Resident, TaskScheduled, bool]]] = defaultdict(list)
        limits = conditions.limits
        is_limited = limits.most_activities is not None or bool(limits.activities)
        self._gate: Gate[Attempt] | None = Gate(limits.most_activities, limits.activities) if is_limited else None
        self._queued: set[Place] = set()
        self._granted: deque[Attempt] = deque()
        self._is_beginning = False
        self._at_work: dict[Place, AtWork] = {}
        self._deadlines = Deadlines(self._at_work.__contains__)

    @property
    def is_idle(self) -> bool:
        """Whether no attempt is under way. One that waits for its turn waits for one that is; one whose time is up does not count."""
        return not self._at_work

    def newest_circuits(self, rows: Iterable[CircuitRow]) -> list[CircuitRow]:
        """The state of these circuits as it is now, to be recorded."""
        return [self._circuits.newest(row) for row in rows]

    # Beginning.

    def recover(self) -> None:
        """At opening, when everybody is there: only attempts that are still open are suspects."""
        self._suspects.keep({(resident.instance.key, event_id) for resident in self._population.all() for event_id in resident.tasks})

    def take_up(self, resident: Resident) -> None:
        """Make its open attempts (again); those that were at work when the process died only once that is recorded."""
        for task in list(resident.tasks.values()):
            verdict = self._suspects.verdict(resident, task, self._population.now_for(resident))
            if verdict is None:
                self.start(resident, task, is_repeated=True)
            else:
                self._arrive(resident, verdict)

    def restart(self, resident: Resident, restarted: TaskRestarted) -> None:
        """It is recorded that this attempt was at work when the process died: make it again."""
        self._suspects.recorded((resident.instance.key, restarted.task_scheduled_id))
        task = resident.tasks.get(restarted.task_scheduled_id)
        if task is not None:
            self.start(resident, task, is_repeated=True)

    def start(self, resident: Resident, task: TaskScheduled, *, is_repeated: bool = False) -> None:
        """Make this attempt, which is recorded, as soon as its activity is registered and its turn has come."""
        definition = self._code_of(resident, task)
        if definition is None:
            waiting = self._unheld[resident.instance.key] if task.is_inline else self._undefined[app_of(resident, task), task.name]
            waiting.append((resident, task, is_repeated))
            return
        place = resident.instance.key, task.event_id
        attempt = Attempt(place=place, resident=resident, task=task, definition=definition, is_repeated=is_repeated)
        if not attempt.deaths or self._suspects.may_begin(attempt):
            self._take_turn(attempt)

    def defined(self, name: str, app_id: str | None = None) -> None:
        """An activity was registered: the attempts that waited for it are made."""
        self._start_again(self._undefined.pop((app_id, name), []))

    def workers_came(self, app_id: str | None) -> None:
        """A program of this app has connected: the attempts that waited for the app are made."""
        for app, name in [place for place in self._undefined if place[0] == app_id]:
            self.defined(name, app)

    def held(self, resident: Resident) -> None:
        """The code that holds the functions of its inline steps can run (again)."""
        self._start_again(self._unheld.pop(resident.instance.key, []))

    def _start_again(self, waiting: list[tuple[Resident, TaskScheduled, bool]]) -> None:
        for resident, task, is_repeated in waiting:
            if self._is_wanted(resident, task):
                self.start(resident, task, is_repeated=is_repeated)

    def _code_of(self, resident: Resident, task: TaskScheduled) -> Definition | InlineStep | ProgramActivity | None:
        if not task.is_inline:
            app_id = app_of(resident, task)
            found = self._registry.find("activity", task.name, app_id=app_id)
            if found is None and self.elsewhere is not None and self.elsewhere.has_workers(app_id):
                return ProgramActivity(self.elsewhere)
            return found
        function = self._find_inline(resident, task)
        return None if function is None else InlineStep(function)

    def _is_wanted(self, resident: Resident, task: TaskScheduled) -> bool:
        return task.event_id in resident.tasks and self._population.of_key(resident.instance.key) is resident

    def _take_turn(self, attempt: Attempt) -> None:
        if self._gate is None or self._gate.enter(attempt.task.name, attempt):
            self._granted.append(attempt)
            self._begin_granted()
        else:
            self._queued.add(attempt.place)

    def _begin_granted(self) -> None:
        """One after the other and never one within the other: an attempt that is refused makes room for the next."""
        if self._is_beginning:
            return
        self._is_beginning = True
        while self._granted:
            self._begin(self._granted.popleft())
        self._is_beginning = False

    def _begin(self, attempt: Attempt) -> None:
        task, definition = attempt.task, attempt.definition
        if not self._is_wanted(attempt.resident, task):
            self._leave(attempt)
            return
        breaker, generation = definition.circuit_breaker, None
        if breaker is not None:
            entered = self._circuits.enter(breaker, attempt.app_id, task.name, self._population.clock.now())
            if isinstance(entered, FailureDetails):
                self._leave(attempt)
                now = self._population.now_for(attempt.resident)
                self._arrive(attempt.resident, TaskFailed(occurred_at=now, task_scheduled_id=task.event_id, failure=entered))
                return
            generation = entered
        has_timeout = attempt.timeout_s is not None
        job = ActivityJob(
            instance=attempt.resident.instance,
            task=task,
            definition=definition,
            done=self._done,
            began=self._began if has_timeout else None,
            deaths=attempt.deaths,
            is_repeated=attempt.is_repeated,
            last_word=LastWord() if has_timeout and definition.transactional else None,
        )
        self._at_work[attempt.place] = AtWork(attempt=attempt, job=job, generation=generation)
        self._maker(job).start(job)

    def _maker(self, job: ActivityJob) -> "ActivityWorker | Elsewhere":
        return job.definition.workers if isinstance(job.definition, ProgramActivity) else self._worker

    def _leave(self, attempt: Attempt) -> None:
        """Its places are free for those who wait."""
        for next_suspect in self._suspects.leave(attempt):
            self._take_turn(next_suspect)
        if self._gate is not None:
            for following in self._gate.leave(attempt.task.name):
                self._queued.discard(following.place)
                self._granted.append(self._as_defined_now(following))
            self._begin_granted()

    def _as_defined_now(self, attempt: Attempt) -> Attempt:
        """While it waited its activity may have been registered anew."""
        newest = None if attempt.task.is_inline else self._code_of(attempt.resident, attempt.task)
        return attempt if newest is None else msgspec.structs.replace(attempt, definition=newest)

    # Ending.

    def _done(self, job: ActivityJob, outcome: Outcome | None) -> None:
        """Called on the worker's thread."""
        is_lent = isinstance(job.definition, Definition | InlineStep) and not job.definition.is_coroutine
        (self._lend if is_lent else self._post)(self._take_outcome, job, outcome)

    def _take_outcome(self, job: ActivityJob, outcome: Outcome | None) -> None:
        ended = self._at_work.pop((job.instance.key, job.task.event_id), None)
        if outcome is None:
            self._make_again(ended)
        elif ended is None:
            self._record_late(job, outcome)
        else:
            self._settle(ended, outcome)

    def _make_again(self, given_back: AtWork | None) -> None:
        """Whoever had it is gone; it waits until somebody can make it."""
        if given_back is None:
            return
        attempt = given_back.attempt
        self._leave(attempt)
        if self._is_wanted(attempt.resident, attempt.task):
            self.start(attempt.resident, attempt.task, is_repeated=True)

    def _settle(self, ended: AtWork, outcome: Outcome) -> None:
        resident = ended.attempt.resident
        is_wanted = self._is_wanted(resident, ended.attempt.task)  # else it is late: the instance has ended
        changed = self._settled_circuit(ended, has_failed=isinstance(outcome, TaskFailed))
        if changed is not None and is_wanted:
            resident.mail.circuits.append(changed)
        elif changed is not None:
            self._submit(Commit(circuits=[changed]))
        if is_wanted:
            self._arrive(resident, msgspec.structs.replace(outcome, occurred_at=self._population.now_for(resident)))
        self._leave(ended.attempt)

    def _settled_circuit(self, ended: AtWork, *, has_failed: bool) -> CircuitRow | None:
        breaker, generation = ended.attempt.definition.circuit_breaker, ended.generation
        if breaker is None or generation is None:
            return None
        task, now = ended.attempt.task, self._population.clock.now()
        place = ended.attempt.app_id, task.name
        return self._circuits.settle(breaker, *place, now, generation=generation, has_failed=has_failed)

    def _record_late(self, job: ActivityJob, outcome: Outcome) -> None:
        resident = self._population.of_key(job.instance.key)
        error_type = outcome.failure.error_type if isinstance(outcome, TaskFailed) else None
        if resident is None:
            _log.debug("Activity %r of %s ended late (%s).", job.task.name, job.instance.instance_id, error_type or "it returned")
            return
        self._arrive(
            resident,
            TaskEndedLate(
                occurred_at=self._population.now_for(resident),
                task_scheduled_id=job.task.event_id,
                error_type=error_type,
                started_at=outcome.started_at,
                duration_ms=outcome.duration_ms,
                worker=outcome.worker,
            ),
        )

    # Timeouts.

    def next_deadline_seconds(self) -> float | None:
        """How long until the time of some attempt is up."""
        moment = self._deadlines.next()
        return None if moment is None else max(moment - time.monotonic(), 0.0)

    def expire(self) -> None:
        """Fail the attempts whose time is up, after the outcomes that have come in already: the engine's thread may be behind."""
        for place in self._deadlines.pop_due(time.monotonic()):
            self._post(self._time_out, place)

    def _time_out(self, place: Place) -> None:
        expired = self._at_work.get(place)
        if expired is None:
            return
        last_word = expired.job.last_word
        if last_word is not None and not last_word.take():
            self._deadlines.add(time.monotonic() + _SOON_SECONDS, place)  # it is committing; unless that fails, its outcome comes
            return
        del self._at_work[place]
        self._maker(expired.job).give_up_on(expired.job)
        self._settle(expired, _timed_out(expired, expired.attempt.timeout_s or 0.0))

    def _began(self, job: ActivityJob, moment: float) -> None:
        """Called on the worker's thread."""
        self._post(self._watch, job, moment)

    def _watch(self, job: ActivityJob, moment: float) -> None:
        place = job.instance.key, job.task.event_id
        watched = self._at_work.get(place)
        if watched is not None:  # else it has ended meanwhile
            self._deadlines.add(moment + (watched.attempt.timeout_s or 0.0), place)

    # Waiting.

    def held_up(self, resident: Resident) -> list[HeldUp]:
        """The attempts of this instance that are recorded and not being made, and why."""
        found = ((task, self._what_holds_up(resident, task)) for task in resident.tasks.values())
        return [HeldUp(event_id=task.event_id, name=task.name, kind=held[0], reason=held[1]) for task, held in found if held is not None]

    def _what_holds_up(self, resident: Resident, task: TaskScheduled) -> "tuple[Literal['definition', 'turn'], str] | None":
        app_id, place = app_of(resident, task), (resident.instance.key, task.event_id)
        if not task.is_inline and self._code_of(resident, task) is None:
            program = "" if self.elsewhere is None else ", or start the program that has it"
            if app_id is None:
                return "definition", f"activity {task.name!r} is not registered: run the cell that defines it{program}"
            return "definition", f"app {app_id!r} has not registered activity {task.name!r}{program}"
        if self._suspects.is_waiting(place):
            return "turn", "it was at work when the process died, and the last tries of such are made one at a time"
        if self._gate is not None and place in self._queued:
            return "turn", f"{self._gate.fullness(task.name)} are under way"
        return None

    def waiting_reason(self, resident: Resident) -> str | None:
        """Why no attempt of this instance is under way although there are some to be made; None where there is no such reason."""
        held_up = self.held_up(resident)
        lacking = next((held.reason for held in held_up if held.kind == "definition"), None)
        if lacking is not None or not held_up or any((resident.instance.key, event_id) in self._at_work for event_id in resident.tasks):
            return lacking
        return f"activity {held_up[0].name!r} waits for its turn: {held_up[0].reason}"


def _timed_out(expired: AtWork, timeout_s: float) -> TaskFailed:
    task, is_coroutine = expired.job.task, expired.job.definition.is_coroutine
    what_now = "It was cancelled." if is_coroutine else "Its function cannot be stopped and goes on; what comes of it is late."
    message = f"Activity {task.name!r} had not ended after {timeout_s:g} s, its timeout. {what_now}"
    return TaskFailed(
        occurred_at=task.occurred_at,
        task_scheduled_id=task.event_id,
        failure=FailureDetails(message=message, error_type="ActivityTimeoutError"),
        duration_ms=timeout_s * 1000,
        worker="async" if is_coroutine else "thread",
    )
