"""A step in the making, and which step it is now, from where its history stands."""

from collections.abc import Collection
from datetime import datetime

import msgspec

from wfengine.model.failure import FailureDetails
from wfengine.model.work import HistoryRow
from wflab.analytics.step import LOST, START, Attempt, Kind, Phase, Step, StepState


class Draft:
    """A step in the making. `unasked`: an event that nobody had asked for."""

    __slots__ = (
        "attempts", "child_id", "created_at", "done_turn", "ended_at", "failure", "fire_at", "id", "input", "is_detached", "kind", "label",
        "name", "note", "raised_by", "restarts", "result", "schema", "state", "title", "turn", "unasked",
    )  # fmt: skip

    def __init__(self, kind: Kind, name: str, row: HistoryRow, identity: str) -> None:
        self.id = identity
        self.kind: Kind = kind
        self.name = name
        self.turn = row.turn
        self.created_at = row.event.occurred_at
        self.state: StepState | None = None
        self.ended_at: datetime | None = None
        self.done_turn: int | None = None
        self.attempts: list[Attempt] = []
        self.input: str | None = None
        self.result: str | None = None
        self.failure: FailureDetails | None = None
        self.fire_at: datetime | None = None
        self.title: str | None = None
        self.schema: str | None = None
        self.raised_by: str | None = None
        self.child_id: str | None = None
        self.unasked = False
        self.is_detached = False
        self.restarts = 0
        self.note = ""
        self.label = ""

    @property
    def is_open(self) -> bool:
        """Whether nothing has ended it."""
        return self.state is None

    def end(self, row: HistoryRow, state: StepState, note: str = "") -> None:
        """It is over, as this row tells."""
        self.state = state
        self.ended_at = row.event.occurred_at
        self.done_turn = row.turn
        self.note = note

    def reopen(self) -> None:
        """A failed attempt is followed by another."""
        self.state = self.ended_at = self.done_turn = self.failure = None
        self.note = ""

    def be_seen(self, turn: int) -> None:
        """The code has heard, in this turn, what was recorded while it could not run."""
        if self.state is None:
            self.state, self.ended_at, self.note = StepState.FAILED, self.attempts[-1].ended_at, ""
        self.done_turn = turn

    def end_attempt(self, number: int, **changes: object) -> None:
        """Tell how one attempt ended."""
        self.attempts[number] = msgspec.structs.replace(self.attempts[number], **changes)


def finished(
    draft: Draft, *, after: tuple[str, ...] = (), ended: bool = False, is_lost: bool = False, held_up: Collection[int] = ()
) -> Step:
    """The step that the draft amounts to, of a run that goes on or has `ended`; `is_lost`: it ran in a race that another has won."""
    state, note, attempts = draft.state, draft.note, draft.attempts
    phase: Phase = "done"
    if state is None and is_lost:
        state, note = StepState.CANCELED, LOST
    elif state is None and ended:
        state, note = StepState.CANCELED, "the workflow ended"
        attempts = [_given_up(attempt) for attempt in attempts]
    elif state is None:
        state, phase = standing_of(draft, held_up)
        attempts = [_waited_for(attempt, held_up) for attempt in attempts] if held_up else attempts
    started = attempts[0].started_at if attempts else None
    return Step(
        id=draft.id,
        kind=draft.kind,
        name=draft.name,
        state=state,
        phase=phase,
        turn=draft.turn,
        created_at=draft.created_at,
        started_at=started,
        ended_at=draft.ended_at,
        done_turn=draft.done_turn,
        after=() if draft.unasked else tuple(other for other in after if other != draft.id) or (START,),
        attempts=tuple(attempts),
        input=draft.input,
        result=draft.result,
        failure=draft.failure,
        fire_at=draft.fire_at,
        title=draft.title,
        schema=draft.schema,
        raised_by=draft.raised_by,
        child_id=draft.child_id,
        note=note,
        label=", ".join(word for word in (draft.label, f"restarted {draft.restarts}x" if draft.restarts else "") if word),
        restarts=draft.restarts,
        is_detached=draft.is_detached,
    )


def _waited_for(attempt: Attempt, held_up: Collection[int]) -> Attempt:
    """Nobody makes it just now."""
    if attempt.state is StepState.RUNNING and attempt.event_id in held_up:
        return msgspec.structs.replace(attempt, state=StepState.PENDING)
    return attempt


def standing_of(draft: Draft, held_up: Collection[int] = ()) -> tuple[StepState, Phase]:
    """How an open step of a live workflow stands. `held_up` holds the event ids of open attempts that nobody makes just now."""
    if draft.kind == "event":
        return StepState.SUSPENDED, "waiting"
    if draft.kind == "timer":
        return StepState.RUNNING, "waiting"
    if draft.note == "backoff":
        return StepState.RUNNING, "backoff"
    if draft.attempts and draft.attempts[-1].event_id in held_up and draft.attempts[-1].state is StepState.RUNNING:
        return StepState.PENDING, "queued"
    return StepState.RUNNING, "executing"


def _given_up(attempt: Attempt) -> Attempt:
    if attempt.state is StepState.RUNNING:
        return msgspec.structs.replace(attempt, state=StepState.CANCELED)
    return attempt
