"""Recorded runs to step through, without a lab."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.lab.conftest import Story
from wfengine.errors import TaskFailedError
from wfengine.model.instance import Status
from wfengine.model.retry import RetryPolicy
from wfengine.model.work import HistoryRow
from wfengine.runtime.registry import Definition
from wfengine.testing.rehearsal import Rehearsal
from wfengine.testing.stepping.stepper import Stepper, event_steps, in_own_thread
from wflab import protocol
from wflab.analytics.spans import spans_of
from wflab.analytics.step_calls import StepCalls
from wflab.analytics.step_notes import StepNote
from wflab.views.replay_picture import replay_picture


def order(ctx: Any, o: dict[str, Any]) -> Any:
    policy = RetryPolicy(first_retry_interval=timedelta(seconds=2), max_number_of_attempts=3)
    inv = yield ctx.call_activity("reserve", input=o)
    pay = yield ctx.call_activity("charge_card", input=o["total"], retry_policy=policy)
    note: dict[str, Any] = {"lines": [1, 2], "by": "ana"}
    ok = yield ctx.wait_for_external_event("approval")
    del inv
    yield ctx.create_timer(timedelta(seconds=5))
    note["lines"].append(3)
    done = yield ctx.call_activity("ship", input=[pay, ok])
    return done


def ordered() -> list[HistoryRow]:
    """Eight steps: the start, a reservation, two failed attempts and one that succeeded, an approval, a timer, the shipment."""
    told = Rehearsal(order, {"id": "A17", "total": 1800})
    told.start()
    told.turn(told.completed(0, "rsv-991"))
    told.turn(told.failed(1, "declined"))
    told.turn(told.fired(2))
    told.turn(told.failed(3, "declined"))
    told.turn(told.fired(4))
    told.turn(told.completed(5, {"id": "p-3", "amount": 1800}))
    told.turn(told.raised("approval", "yes"))
    told.turn(told.fired(7))
    told.turn(told.completed(8, "shipped"))
    return turns_of(told)


def turns_of(told: Rehearsal) -> list[HistoryRow]:
    rows, turn = [], 0
    for place, event in enumerate(told.history):
        turn += type(event).__name__ in {"ExecutionStarted", "TaskCompleted", "TaskFailed", "TimerFired", "EventRaised"}
        rows.append(HistoryRow(1, place, turn, event))
    return rows


def looped(count: int) -> list[HistoryRow]:
    told = Rehearsal(loop, count)
    told.start()
    for place in range(count):
        told.turn(told.failed(place) if place % 50 == 7 else told.completed(place, place))
    return turns_of(told)


def loop(ctx: Any, count: int) -> Any:
    total = 0
    for place in range(count):
        try:
            got = yield ctx.call_activity("part", input=place)
            total += got
        except TaskFailedError:
            continue
    return total


def picture(
    rows: list[HistoryRow],
    code: Any = order,
    *,
    position: int | None = None,
    divergence: protocol.Divergence | None = None,
    notes: Sequence[StepNote] = (),
) -> protocol.ReplayPicture:
    """The picture of a run of `code`; None: of its events alone."""
    instance = _instance(rows)
    if code is None:
        steps, sources, hits = event_steps(rows), [], {}
    else:
        stepper = Stepper(Definition("workflow", "order", code))
        in_own_thread(lambda: stepper.take(rows))
        steps, sources, hits = stepper.steps, stepper.sources, stepper.line_hits()
    return replay_picture(
        instance,
        rows,
        steps,
        sources=sources,
        hits=hits,
        now=rows[-1].event.occurred_at,
        ticks=True,
        why="",
        level="events" if code is None else "code",
        is_reading=False,
        position=position or len(steps),
        label="the code it started with (0f)",
        banners=[]
        if code is not None
        else ["The code of this run (0f) is not in memory; none is registered here. Shown are its events alone."],
        diff="",
        divergence=divergence,
        code_steps=len(steps),
        calls=StepCalls(spans_of(instance, rows), rows, steps),
        notes=notes,
    )


def note(step: int, text: str, id: str = "n1") -> StepNote:
    """A note about a step of `ordered()`."""
    sequence = (0, 2, 4, 8, 12, 14, 16, 18)[step - 1]
    return StepNote(id=id, sequence=sequence, text=text, who="ana", at=datetime(2026, 1, 1, 12, tzinfo=UTC))


def _instance(rows: list[HistoryRow]) -> Any:
    story = Story("order", '{"id": "A17", "total": 1800}', "7f3a9c")
    story.rows, story.now, story.status = rows, rows[-1].event.occurred_at, Status.COMPLETED
    return story.instance


def parted() -> protocol.Divergence:
    return protocol.Divergence(
        step=2,
        seq=3,
        event_id=1,
        expected="call_activity('charge_card')",
        produced="create_timer",
        line=4,
        source_line="yield ctx.create_timer(timedelta(seconds=1))",
        cause="Most likely call_activity('charge_card') was replaced by create_timer, or renamed.",
        edit="- old\n+ new",
        recipe='if ctx.is_patched("create_timer"):\n    ...',
        message="History and code disagree",
    )
