"""Workflow code and its turns: whether it can run, and what it asks for. Everything here runs on the engine's thread.

An instance without code that agrees with its history waits here, and says why (`resident.lacks`), until its workflow is registered (again).
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from wfengine.core.transitions import PassOn
from wfengine.errors import NonDeterminismError
from wfengine.model.actions import ExecutionResult
from wfengine.model.failure import FailureDetails, failure_of
from wfengine.model.history import ExecutionResumed, ExecutionStarted, HistoryEvent, TaskScheduled, Untold
from wfengine.model.instance import Status
from wfengine.model.propagation import Chunk, PropagationScope, passed_on
from wfengine.model.work import HistoryRow
from wfengine.runtime.executor import Dispatched, Executor, Lost, Missing, TurnOutcome, WorkItem
from wfengine.runtime.residents import Resident
from wfengine.store.store import Store


class WorkflowCode:
    """The code of all live instances, run by the executor. Reading a past raises EnginePaused while the record cannot be read."""

    def __init__(self, *, store: Store, executor: Executor, now: Callable[[], datetime]) -> None:
        self._store = store
        self._executor = executor
        self._now = now
        self._lacking: dict[tuple[str | None, str], dict[int, Resident]] = {}

    def check(self, resident: Resident) -> None:
        """Have the resident say what it lacks, if its code is not there."""
        runnable = self._executor.can_run(resident.instance)
        if isinstance(runnable, Missing):
            self._lack(resident, runnable.reason)

    def defined(self, name: str, app_id: str | None) -> list[Resident]:
        """A workflow was registered: those who waited for it and have a turn now. One whose version is still missing has it to say so."""
        ready = []
        for resident in self._lacking.pop((app_id, name), {}).values():
            resident.lacks = None
            runnable = self._executor.can_run(resident.instance)
            if isinstance(runnable, Missing):
                self._lack(resident, runnable.reason)
                if runnable.is_version:
                    resident.disagreement = _version_missing(runnable)
            if resident.lacks is None or resident.disagreement is not None:
                ready.append(resident)
        return ready

    def forget(self, resident: Resident) -> None:
        """It has ended, or is purged."""
        self._executor.drop(resident.instance.key)
        if resident.lacks is not None:
            place = resident.instance.app_id, resident.instance.name
            self._lacking.get(place, {}).pop(resident.instance.key, None)

    def drop(self, key: int) -> None:
        """The execution has ended, or is to be rebuilt from history when it is needed again."""
        self._executor.drop(key)

    def workers_came(self, app_id: str | None) -> list[Resident]:
        """A program of this app has connected: likewise for all its workflows."""
        return [resident for app, name in list(self._lacking) if app == app_id for resident in self.defined(name, app_id)]

    def advance(
        self, resident: Resident, arrived: list[HistoryEvent], answer: Callable[[TurnOutcome], None] | None = None
    ) -> ExecutionResult | FailureDetails | Dispatched | None:
        """What the code asks for; None where it cannot run now, a failure where it disagrees with history.

        Where the turn is made elsewhere, `answer` is called with what comes of it.
        """
        instance = resident.instance
        if resident.disagreement is not None:
            failure, resident.disagreement = resident.disagreement, None
            return failure
        if resident.lacks is not None or not _has_news(resident.unseen, arrived) or self.starts_later(resident):
            return None
        if instance.status is Status.SUSPENDED and not any(isinstance(event, ExecutionResumed) for event in arrived):
            return None
        keeps = self._executor.keeps(instance.key)
        if not keeps:
            runnable = self._executor.can_run(instance)
            if isinstance(runnable, Missing):
                self._lack(resident, runnable.reason)
                return _version_missing(runnable) if runnable.is_version else None
            version = instance.version if instance.turn else runnable.version
            if (runnable.code_hash, version) != (instance.code_hash, instance.version):
                resident.instance = msgspec.structs.replace(instance, code_hash=runnable.code_hash, version=version)
        past = None if keeps else self._past_of(resident)
        try:
            result = self._executor.advance(
                WorkItem(instance=resident.instance, past=past, new=[*resident.unseen, *arrived], answer=answer)
            )
        except NonDeterminismError as error:
            self._executor.drop(instance.key)
            # The version it started with is tried again once that is there; if it is itself at fault, the newest.
            kept_hash = None if resident.instance.code_hash == instance.code_hash else instance.code_hash
            resident.instance = msgspec.structs.replace(instance, code_hash=kept_hash)
            self._lack(resident, str(error))
            return failure_of(error)
        if isinstance(result, ExecutionResult):
            resident.unseen = ()
            resident.past = None
        return result

    def took(self, resident: Resident, outcome: TurnOutcome) -> ExecutionResult | FailureDetails | None:
        """As `advance`, when a turn that was made elsewhere has come back."""
        if isinstance(outcome, Lost):
            self._executor.recall(resident.instance.key)
            self._lack(resident, outcome.reason)
            return None
        if isinstance(outcome, FailureDetails):
            self._executor.drop(resident.instance.key)
            self._lack(resident, outcome.message)
            return outcome
        if outcome.version is not None and resident.instance.version is None:
            resident.instance = msgspec.structs.replace(resident.instance, version=outcome.version)
        resident.unseen = ()
        resident.past = None
        return outcome

    def recorded(self, key: int, rows: list[HistoryRow]) -> None:
        """What a turn that was made elsewhere asked for is recorded so."""
        self._executor.recorded(key, rows)

    def recall(self, key: int) -> None:
        """Nobody waits for the turn that is made elsewhere any more."""
        self._executor.recall(key)

    def inline(self, resident: Resident, task: TaskScheduled) -> Callable[..., Any] | None:
        """The function of a `ctx.step`, from the code that handed it over; that is replayed if need be. None where it cannot be, now.

        Where the replay disagrees with history, the resident has the failure for its next turn.
        """
        key = resident.instance.key
        found = self._executor.inline(key, task.event_id)
        if found is not None or self._executor.keeps(key) or resident.lacks is not None:
            return found
        runnable = self._executor.can_run(resident.instance)
        if isinstance(runnable, Missing):
            self._lack(resident, runnable.reason)
            return None
        try:
            self._executor.revive(WorkItem(instance=resident.instance, past=self._past_of(resident), new=[]))
        except NonDeterminismError as error:
            self._executor.drop(key)
            if runnable.code_hash == resident.instance.code_hash:  # as in `advance`: the newest is tried next
                resident.instance = msgspec.structs.replace(resident.instance, code_hash=None)
            self._lack(resident, str(error))
            resident.disagreement = failure_of(error)
            return None
        resident.past = None
        return self._executor.inline(key, task.event_id)

    def pass_on(self, resident: Resident) -> PassOn:
        """What a call of this turn passes on of the history."""
        instance = resident.instance
        recorded = [row.event for row in self._store.history(instance.key)] if instance.next_sequence else []
        made: dict[PropagationScope, str | None] = {}

        def passing(scope: PropagationScope, written: list[HistoryRow]) -> str | None:
            if scope in made:  # the calls of a turn share one text, up to the first of them: a wide fan-out is kept once
                return made[scope]
            events = [*recorded, *(row.event for row in written)]
            received = next((event.propagated for event in events if isinstance(event, ExecutionStarted)), None)
            own = Chunk(app_id=instance.app_id, instance_id=instance.instance_id, name=instance.name, events=events)
            made[scope] = passed_on(scope, own, received)
            return made[scope]

        return passing

    def _past_of(self, resident: Resident) -> Sequence[HistoryEvent]:
        """The events that earlier turns took up."""
        if resident.past is None:
            taken_up = resident.instance.next_sequence - len(resident.unseen)
            resident.past = [row.event for row in self._store.history(resident.instance.key)[:taken_up]]
        return resident.past

    def starts_later(self, resident: Resident) -> bool:
        """Whether its time to start has not come."""
        start = resident.instance.scheduled_start
        return start is not None and not resident.instance.turn and start > self._now()

    def _lack(self, resident: Resident, reason: str) -> None:
        """Nothing can run until this workflow is registered (again)."""
        if resident.lacks is None:
            place = resident.instance.app_id, resident.instance.name
            self._lacking.setdefault(place, {})[resident.instance.key] = resident
        resident.lacks = reason


def _has_news(*waiting: Sequence[HistoryEvent]) -> bool:
    """Whether there is anything for the code to learn."""
    for events in waiting:
        for event in events:  # every turn comes here
            if not isinstance(event, Untold):
                return True
    return False


def _version_missing(missing: Missing) -> FailureDetails:
    return FailureDetails(message=missing.reason, error_type="VersionNotAvailable")
