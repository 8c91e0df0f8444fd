"""Which event waits are open, told from history; compared with the code itself, played along, and with the view `waits`."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_any
from wfengine.core.transitions import new_instance
from wfengine.core.waits import Open, after_turn, ahead, closing, open_waits
from wfengine.model import history as h
from wfengine.model.work import HistoryRow
from wfengine.testing.rehearsal import Steps
from wfengine.testing.twice import PlayedTwice

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
STARTED = h.ExecutionStarted(occurred_at=BEGIN, name="order", instance_id="order-1")


def wait(event_id: int, name: str = "x") -> h.TimerCreated:
    return h.TimerCreated(occurred_at=BEGIN, event_id=event_id, fire_at=BEGIN + timedelta(hours=1), origin=h.EventWait(name=name))


def timer(event_id: int) -> h.TimerCreated:
    return h.TimerCreated(occurred_at=BEGIN, event_id=event_id, fire_at=BEGIN + timedelta(hours=1))


def raised(name: str = "x", who: str = "ana") -> h.EventRaised:
    return h.EventRaised(occurred_at=BEGIN, name=name, raised_by=who)


def fired(timer_id: int) -> h.TimerFired:
    return h.TimerFired(occurred_at=BEGIN, timer_id=timer_id, fire_at=BEGIN)


def numbers(waits: Open) -> list[int]:
    return [one.event.event_id for one in waits]


def test_the_event_that_came_first_closes_a_wait_and_so_does_its_own_timer() -> None:
    waits = after_turn((), [STARTED], [wait(0), wait(1)], 1)
    first, second = waits
    ours, theirs = raised(who="ana"), raised(who="bob")
    assert closing(waits, first, [ours, theirs]) is ours
    assert closing(waits, second, [ours, theirs]) is theirs
    assert closing(waits, first, [fired(0), ours]) == fired(0)
    assert closing(waits, second, [fired(0), ours]) is ours
    assert closing(waits, first, []) is None
    assert numbers(after_turn(waits, [ours], [], 2)) == [1]


def test_an_answer_goes_to_the_oldest_wait_of_a_name_in_any_case() -> None:
    waits = after_turn((), [STARTED], [wait(0, "X"), wait(1, "x"), wait(2, "y")], 1)
    assert ahead(waits, waits[0], []) is None
    assert ahead(waits, waits[1], []) is waits[0]
    assert ahead(waits, waits[1], [raised()]) is None
    assert ahead(waits, waits[2], []) is None


def test_a_timer_that_fires_beside_a_wait_closes_it_only_where_they_are_known_to_race() -> None:
    waits = after_turn((), [STARTED], [wait(0), timer(1)], 1)
    assert closing(waits, waits[0], [fired(1), raised()], rivals={1}) == fired(1)
    assert closing(waits, waits[0], [fired(1), raised()]) == raised()
    assert closing(waits, waits[0], [fired(1)]) is None


def test_a_wait_stays_open_when_a_timer_beside_it_has_fired_and_tells_that_it_has() -> None:
    """It may be waited for later on; whether it is left behind only the source tells."""
    went_on = h.TaskScheduled(occurred_at=BEGIN, event_id=3, name="escalate", task_execution_id="t")
    waits = after_turn((), [STARTED], [wait(0), timer(1), timer(2)], 1)
    after = after_turn(waits, [fired(1)], [went_on], 2)
    assert (numbers(after), after[0].fired) == ([0], frozenset({1}))
    assert [event.event_id for event in after[0].beside] == [0, 1, 2]
    assert after[0].has_timers_beside
    later = after_turn(after, [], [wait(4)], 3)
    assert ahead(later, later[1], []) is later[0], "an event goes to the oldest"
    assert not later[1].has_timers_beside
    assert after_turn(later, [raised()], [], 4) == (later[1],)


def workflow_of(steps: Sequence[str]) -> Any:
    def workflow(ctx: WorkflowContext, _: Any) -> Steps:
        for step in steps:
            what, *rest = step.split()
            try:
                if what == "activity":
                    yield ctx.call_activity("a")
                elif what == "either":
                    yield when_any([ctx.wait_for_external_event("x"), ctx.call_activity("a")])
                else:
                    yield ctx.wait_for_external_event(rest[0], timeout=timedelta(hours=1) if rest[1:] else None)
            except TimeoutError:
                continue
        yield ctx.call_activity("the last")

    return workflow


@settings(max_examples=80)
@given(
    st.lists(st.sampled_from(["wait x", "wait x", "wait y", "wait x 1h", "either"]), min_size=1, max_size=6),
    st.lists(st.lists(st.sampled_from(["done", "fired", "x", "x", "y"]), max_size=4), max_size=6),
)
def test_turn_by_turn_and_from_the_whole_history_it_is_what_the_code_waits_for(steps: list[str], turns: list[list[str]]) -> None:
    """Where it asks for an event twice on end within one turn, history does not tell whether the event came before the first or behind."""
    instance, rows = new_instance(1, h.ExecutionStarted(occurred_at=BEGIN, name="order", instance_id="order-1"))
    one = PlayedTwice(workflow_of([each for step in steps for each in (step, "activity")]), instance)
    keys = count(2)
    history: list[HistoryRow] = []
    waits: Open = ()
    open_tasks: list[int] = []
    timers: list[h.TimerCreated] = []
    arriving: list[h.HistoryEvent] = [row.event for row in rows]
    for words in ((), *turns):
        for word in words:
            match word:
                case "done" if open_tasks:
                    arriving.append(h.TaskCompleted(occurred_at=BEGIN, task_scheduled_id=open_tasks.pop(0)))
                case "fired" if timers:
                    arriving.append(fired(timers.pop(0).event_id))
                case "x" | "y":
                    arriving.append(raised(word))
        if not arriving:
            continue
        _, transition = one.turn(arriving, now=BEGIN, claim_key=lambda _: next(keys))
        if transition.instance.status.is_terminal:
            return
        history += transition.commit.history
        asked = [row.event for row in transition.commit.history if isinstance(row.event, h.ConfirmingEvent)]
        waits = after_turn(waits, arriving, asked, transition.instance.turn)
        arriving = []
        for event in asked:
            if isinstance(event, h.TaskScheduled):
                open_tasks.append(event.event_id)
            elif isinstance(event, h.TimerCreated) and event.fire_at is not None:
                timers.append(event)
    assert sorted({one.name for one in waits}) == sorted(one.awaited_events())
    assert open_waits(history) == waits
    one.close()
