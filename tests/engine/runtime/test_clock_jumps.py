"""Row 8 of the faults: the machine's clock is set back by an hour or forward by ten years, between events and across a restart.

Timers fire once and never early by the engine's clock, a workflow never sees time go back, and no duration is negative.
"""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.faults.invariants import check_numbers, check_replay
from wfengine.core.context import WorkflowContext
from wfengine.model.history import TaskCompleted, TaskScheduled, TimerCreated, TimerFired
from wfengine.model.instance import Instance, Status
from wfengine.model.payload import from_json
from wfengine.model.work import HistoryRow
from wfengine.runtime.clock import RealClock
from wfengine.runtime.engine import Engine
from wfengine.store.store import Store
from wfengine.testing.rehearsal import Steps

pytestmark = pytest.mark.slow

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
AN_HOUR = timedelta(hours=1)
TEN_YEARS = timedelta(days=3652)
SPANS = [timedelta(minutes=5), timedelta(hours=2), timedelta(seconds=1)]

Jump = timedelta | Literal["restart"]
JUMPS = st.one_of(
    st.sampled_from([-AN_HOUR, TEN_YEARS, -TEN_YEARS, timedelta(0), timedelta(minutes=3), "restart"]),
    st.timedeltas(min_value=-AN_HOUR, max_value=timedelta(hours=3)),
)


class Wall:
    """The machine's clock, in the hands of somebody who sets it."""

    def __init__(self) -> None:
        self.shows = NEW_YEAR

    def __call__(self) -> datetime:
        return self.shows


def sleeper(ctx: WorkflowContext, _: Any) -> Steps:
    """Sleeps and works in turn; gives the times it saw."""
    seen = [ctx.current_utc_datetime.isoformat()]
    for span in SPANS:
        yield ctx.create_timer(span)
        seen.append(ctx.current_utc_datetime.isoformat())
        yield ctx.call_activity(work)
        seen.append(ctx.current_utc_datetime.isoformat())
    return seen


def work(_ctx: Any, _: Any) -> None:
    return None


def opened(path: Path, wall: Wall) -> Engine:
    engine = Engine(Store.open(path), clock=RealClock(wall))
    engine.start()
    engine.register_workflow(sleeper)
    engine.register_activity(work)
    return engine


def settle(engine: Engine) -> None:
    """Have the engine look at the clock, and wait until nothing happens any more by itself."""
    deadline = time.monotonic() + 20
    quiet_rounds = 0
    while quiet_rounds < 3:
        assert time.monotonic() < deadline
        engine.in_engine(lambda ack: ack.set_result(None), 20)
        quiet_rounds = quiet_rounds + 1 if engine._turns.is_idle() and not engine._mailbox.has_calls else 0


def check(instance: Instance, rows: list[HistoryRow]) -> None:
    """What row 8 asks for."""
    check_numbers(instance, rows)  # times never decrease
    check_replay(sleeper, instance, rows)
    events = [row.event for row in rows]
    fired = [event for event in events if isinstance(event, TimerFired)]
    assert sorted(event.timer_id for event in fired) == sorted(event.event_id for event in events if isinstance(event, TimerCreated))
    assert all(event.occurred_at >= event.fire_at for event in fired)
    seen = from_json(instance.output)
    assert seen == sorted(seen)
    scheduled = {event.event_id: event.occurred_at for event in events if isinstance(event, TaskScheduled)}
    for event in events:
        if isinstance(event, TaskCompleted):
            assert event.started_at is not None
            assert event.duration_ms is not None
            assert scheduled[event.task_scheduled_id] <= event.started_at <= event.occurred_at
            assert event.duration_ms >= 0
    assert instance.created_at <= instance.updated_at


@settings(max_examples=20)
@given(st.lists(JUMPS, max_size=8))
@example([-AN_HOUR, TEN_YEARS, -AN_HOUR])
@example([timedelta(minutes=6), -AN_HOUR, "restart", timedelta(hours=2), "restart"])
@example([TEN_YEARS, "restart", -TEN_YEARS, "restart", -AN_HOUR])
def test_whatever_the_clock_does_timers_fire_once_and_never_early_and_no_time_goes_back(jumps: list[Jump]) -> None:
    wall = Wall()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "lab.duckdb"
        engine = opened(path, wall)
        try:
            engine.schedule_new_workflow(sleeper, instance_id="s")
            settle(engine)
            for jump in [*jumps, *[TEN_YEARS + AN_HOUR] * (2 + len(SPANS))]:
                if isinstance(jump, timedelta):
                    wall.shows += jump
                else:
                    engine.close()
                    engine = opened(path, wall)
                settle(engine)
            ended = engine.wait_for_workflow_completion("s", 20)
            assert ended.status is Status.COMPLETED
            check(ended, engine.history("s"))
        finally:
            engine.close()


@given(st.lists(st.timedeltas(min_value=-TEN_YEARS, max_value=TEN_YEARS), max_size=20))
def test_a_real_clock_goes_on_where_it_stood_when_the_machines_is_set_back(jumps: list[timedelta]) -> None:
    wall = Wall()
    wall.shows += 200 * TEN_YEARS  # far from the beginning of all time
    clock = RealClock(wall)
    expected = wall.shows
    for jump in jumps:
        wall.shows += jump
        expected += max(jump, timedelta(0))
        assert clock.now() == expected


def test_a_timer_is_not_late_because_the_clock_was_set_back(tmp_path: Path) -> None:
    """By the time that has passed, not by what the wall shows: an hour's setback must not make five minutes an hour and five."""
    wall = Wall()
    with opened(tmp_path / "lab.duckdb", wall) as engine:
        wall.shows -= AN_HOUR
        engine.schedule_new_workflow(sleeper, instance_id="s")
        settle(engine)
        for minutes, fired in ((4, 0), (2, 1)):
            wall.shows += timedelta(minutes=minutes)
            settle(engine)
            assert sum(isinstance(row.event, TimerFired) for row in engine.history("s")) == fired


def test_an_activity_that_begins_after_a_restart_with_an_earlier_clock_does_not_begin_before_it_was_asked_for(tmp_path: Path) -> None:
    wall = Wall()
    engine = Engine(Store.open(tmp_path / "lab.duckdb"), clock=RealClock(wall))
    engine.start()
    engine.register_workflow(sleeper)  # and not yet the activity
    engine.schedule_new_workflow(sleeper, instance_id="s")
    wall.shows += SPANS[0]
    settle(engine)
    engine.close()
    wall.shows -= AN_HOUR
    with opened(tmp_path / "lab.duckdb", wall) as again:
        for _ in SPANS:
            settle(again)
            wall.shows += TEN_YEARS
        settle(again)
        check(again.wait_for_workflow_completion("s", 20), again.history("s"))


@pytest.mark.parametrize("jump", [-AN_HOUR, TEN_YEARS])
def test_a_start_in_the_future_is_not_early_and_comes_once_whatever_the_clock_does(tmp_path: Path, jump: timedelta) -> None:
    wall = Wall()
    start_at = NEW_YEAR + 2 * AN_HOUR
    engine = opened(tmp_path / "lab.duckdb", wall)
    engine.schedule_new_workflow(sleeper, instance_id="s", start_at=start_at)
    wall.shows += jump
    settle(engine)
    state = engine.get_workflow_state("s")
    assert state is not None
    assert bool(state.turn) == (engine.now() >= start_at)
    engine.close()
    wall.shows = start_at - timedelta(minutes=1)
    with opened(tmp_path / "lab.duckdb", wall) as again:
        settle(again)
        wall.shows += timedelta(minutes=2)
        settle(again)
        rows = again.history("s")
        assert max(row.turn for row in rows) >= 1
        assert sum(isinstance(row.event, TimerCreated) for row in rows) == 1 + sum(isinstance(row.event, TimerFired) for row in rows)
