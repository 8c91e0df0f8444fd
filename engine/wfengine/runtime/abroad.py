"""Turns that are made elsewhere, from when they leave until they come back, are lost or called back. On the engine's thread, but for `answered`.

What arrives meanwhile gathers in the instance's inbox. It is recorded behind what the turn asked for, and no earlier; where the turn ended the
generation, what people sent is the next one's.
"""

from collections.abc import Callable, Sequence

import msgspec

from wfengine.core.transitions import PassOn
from wfengine.errors import EnginePaused
from wfengine.model.actions import ExecutionResult
from wfengine.model.failure import FailureDetails
from wfengine.model.history import ConfirmingEvent, EventRaised, ExecutionResumed, ExecutionSuspended, HistoryEvent, PatchRecorded
from wfengine.model.instance import Instance, Status
from wfengine.model.work import HistoryRow
from wfengine.runtime.executor import TurnOutcome
from wfengine.runtime.population import Population
from wfengine.runtime.residents import Away, Inbox, Resident
from wfengine.runtime.workflow_code import WorkflowCode

Conclude = Callable[
    [Resident, Inbox | None, Instance, Sequence[HistoryEvent], ExecutionResult | FailureDetails | None, PassOn | None], list[HistoryRow]
]
_Asked = ConfirmingEvent | PatchRecorded
_Sent = EventRaised | ExecutionSuspended | ExecutionResumed


class Abroad:
    """`conclude` records what a turn came to, `enqueue` has an instance take its next, `put_off` has it wait for the record to be readable again."""

    def __init__(
        self,
        *,
        population: Population,
        code: WorkflowCode,
        post: Callable[..., None],
        conclude: Conclude,
        enqueue: Callable[[Resident], None],
        put_off: Callable[[Resident], None],
    ) -> None:
        self._population = population
        self._code = code
        self._post = post
        self._conclude = conclude
        self._enqueue = enqueue
        self._put_off = put_off
        self._keys: set[int] = set()

    def is_any(self) -> bool:
        """Whether a turn is away that somebody waits for."""
        return any(self._population.of_key(key) is not None for key in self._keys)  # else it was purged meanwhile

    def leave(self, resident: Resident, away: Away) -> None:
        """Its turn is made elsewhere."""
        resident.away = away
        resident.is_busy = True
        self._keys.add(resident.instance.key)

    def answered(self, resident: Resident, away: Away, outcome: TurnOutcome) -> None:
        """It has come back. Called on any thread."""
        self._post(self._come_back, resident, away, outcome)

    def recall(self, resident: Resident) -> None:
        """Nobody waits for it any more: what it took up is news again."""
        self._keys.discard(resident.instance.key)
        self._code.recall(resident.instance.key)
        resident.come_back()

    def _come_back(self, resident: Resident, away: Away, outcome: TurnOutcome) -> None:
        if resident.away is not away:  # it was recalled
            return
        key = resident.instance.key
        if self._population.of_key(key) is not resident:  # it was purged
            self._keys.discard(key)
            return
        try:
            pass_on = self._code.pass_on(resident) if isinstance(outcome, ExecutionResult) and outcome.passes_on else None
        except EnginePaused:
            self.recall(resident)
            self._put_off(resident)
            return
        self._keys.discard(key)
        resident.away = None
        resident.is_busy = False
        result = self._code.took(resident, outcome)
        rows = self._conclude(resident, away.inbox, away.before, away.unseen, result, pass_on)
        if isinstance(result, ExecutionResult):
            self._code.recorded(key, [row for row in rows if row.key == key and isinstance(row.event, _Asked)])
        if resident.instance.status is Status.CONTINUED_AS_NEW:
            self._hand_on(resident)
        elif resident.inbox:
            resident.inbox.not_before(resident.instance.updated_at)
            self._enqueue(resident)

    def _hand_on(self, ended: Resident) -> None:
        """What people sent while the turn was away that ended this generation is meant for the next."""
        successor = self._population.of_id(ended.instance.instance_id)
        if ended.inbox is None or successor is None:
            return
        now = self._population.now_for(successor)
        successor.mail.events += (
            msgspec.structs.replace(event, occurred_at=now) for event in ended.inbox.events if isinstance(event, _Sent)
        )
        successor.mail.acks += ended.inbox.acks
        successor.mail.audit += ended.inbox.audit
        ended.inbox.events, ended.inbox.acks, ended.inbox.audit = [], [], []
