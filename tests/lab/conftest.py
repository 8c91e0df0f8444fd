"""Histories that read like stories, for everything that draws or counts them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import msgspec
import pytest

import wflab as wf
from tests.lab.seed import PROGRAM, run_cell
from wfengine.model import history as h
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import TERMINAL, Instance, Status
from wfengine.model.work import HistoryRow
from wflab import protocol
from wflab.views.picture import picture_of

BEGIN = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


class Story:
    """A history told event by event. `turn` begins the code's next turn; `later` lets time pass; calls return their event ids."""

    def __init__(self, name: str = "order", payload: str | None = '{"amount": 5000}', instance_id: str = "7f3a9c") -> None:
        self.name = name
        self.instance_id = instance_id
        self.payload = payload
        self.now = BEGIN
        self.number = 1
        self.next_id = 0
        self.rows: list[HistoryRow] = []
        self.status = Status.RUNNING
        self.output: str | None = None
        self.failure: FailureDetails | None = None
        self.why = ""
        self.custom_status: str | None = None
        self.source: str | None = None
        self.tell(h.ExecutionStarted(occurred_at=self.now, name=name, instance_id=instance_id, input=payload))

    def tell(self, event: h.HistoryEvent, *, seen: bool = True) -> Self:
        self.rows.append(HistoryRow(1, len(self.rows), self.number if seen else 0, event))
        return self

    def turn(self) -> Self:
        self.number += 1
        return self

    def later(self, **span: float) -> Self:
        self.now += timedelta(**span)
        return self

    def call(self, name: str, *, identity: str | None = None, attempt: int = 1, payload: str | None = None) -> int:
        number = self._number()
        identity = identity or f"call-{number}"
        self.tell(
            h.TaskScheduled(occurred_at=self.now, event_id=number, name=name, task_execution_id=identity, attempt=attempt, input=payload)
        )
        return number

    def returns(self, number: int, result: str | None = "null", *, seen: bool = True) -> Self:
        started = self.now - timedelta(milliseconds=20)
        return self.tell(
            h.TaskCompleted(occurred_at=self.now, task_scheduled_id=number, result=result, started_at=started, worker="w1"), seen=seen
        )

    def fails(self, number: int, kind: str = "ValueError", message: str = "no", *, seen: bool = True) -> Self:
        return self.tell(
            h.TaskFailed(occurred_at=self.now, task_scheduled_id=number, failure=FailureDetails(message=message, error_type=kind)),
            seen=seen,
        )

    def backs_off(self, name: str, identity: str, attempt: int, **span: float) -> int:
        return self._timer(h.ActivityRetry(name=name, task_execution_id=identity, attempt=attempt), self.now + timedelta(**span))

    def timer(self, **span: float) -> int:
        return self._timer(h.UserTimer(), self.now + timedelta(**span))

    def waits(self, name: str, *, title: str | None = None, **span: float) -> int:
        return self._timer(h.EventWait(name=name, title=title), self.now + timedelta(**span) if span else None)

    def fires(self, number: int) -> Self:
        return self.tell(h.TimerFired(occurred_at=self.now, timer_id=number, fire_at=self.now))

    def raised(self, name: str, payload: str | None = "true", *, seen: bool = True) -> Self:
        return self.tell(h.EventRaised(occurred_at=self.now, name=name, input=payload, raised_by="ana"), seen=seen)

    def child(self, name: str, *, instance_id: str = "child-1", attempt: int = 1) -> int:
        number = self._number()
        self.tell(
            h.ChildWorkflowInstanceCreated(occurred_at=self.now, event_id=number, name=name, instance_id=instance_id, attempt=attempt)
        )
        return number

    def ends(self, status: Status = Status.COMPLETED, output: str | None = None, failure: FailureDetails | None = None) -> Self:
        self.status, self.output, self.failure = status, output, failure
        return self.tell(h.ExecutionCompleted(occurred_at=self.now, status=status, output=output, failure=failure))

    @property
    def instance(self) -> Instance:
        return Instance(
            key=1,
            instance_id=self.instance_id,
            name=self.name,
            status=self.status,
            created_at=BEGIN,
            updated_at=self.now,
            root=1,
            input=self.payload,
            output=self.output,
            failure=self.failure,
            custom_status=self.custom_status,
            next_sequence=len(self.rows),
            turn=self.number,
            code_hash="5eed",
        )

    def picture(self) -> protocol.Picture:
        why = "" if self.status in TERMINAL else self.why
        return picture_of(self.instance, self.rows, now=self.now, why=why, source=self.source)

    def retold(self, count: int) -> "Story":
        """The same story told only so far."""
        told = Story(self.name, self.payload, self.instance_id)
        told.source = self.source
        told.rows = self.rows[:count]
        told.number = max((row.turn for row in told.rows), default=0)
        told.now = told.rows[-1].event.occurred_at if told.rows else BEGIN
        return told

    def _timer(self, origin: h.TimerOrigin, fire_at: datetime | None) -> int:
        number = self._number()
        self.tell(h.TimerCreated(occurred_at=self.now, event_id=number, fire_at=fire_at, origin=origin))
        return number

    def _number(self) -> int:
        self.next_id += 1
        return self.next_id - 1


ESCALATION = """\
def request_escalation(ctx, order):
    approval = ctx.wait_for_external_event("human_approval")
    timeout = ctx.create_timer(timedelta(days=7))
    if (yield wf.when_any([approval, timeout])) == timeout:
        return (yield ctx.call_activity(handle_timeout, input=order))
    return (yield ctx.call_activity(process_approval, input=approval.get_result()))
"""


def approval() -> Story:
    """A large order that waits for a person, with seven days' time."""
    story = Story("request_escalation")
    story.source = ESCALATION
    story.waits("human_approval")
    story.timer(days=7)
    story.why = "waits for the event 'human_approval'; whoever may approve can raise it"
    return story


@pytest.fixture
def escalation() -> Story:
    return approval()


def without_clock(picture: protocol.Picture) -> protocol.Picture:
    return msgspec.structs.replace(picture, now=0.0)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[wf.Lab]:
    with wf.Lab(tmp_path / "orders.duckdb") as lab:
        yield lab


@pytest.fixture
def seed(lab: wf.Lab) -> dict[str, Any]:
    """The names of the seed program, run in the lab."""
    assert wf.current_lab() is lab
    return run_cell(PROGRAM)
