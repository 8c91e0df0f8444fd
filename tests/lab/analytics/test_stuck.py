"""What counts as stuck and what does not: each reason alone, the first of several, and the waiting that is healthy."""

from datetime import timedelta

import pytest

import wflab as wf
from tests.lab import fleet
from wfengine.model import history as h
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import Status
from wfengine.model.payload import LARGEST_BYTES
from wfengine.model.work import Commit


def reasons(lab: wf.Lab, *commits: Commit, slo: wf.SLO | None = None) -> dict[str, str]:
    """The reason of each run that is stuck, by its id."""
    fleet.record_into(lab, commits)
    found = lab.stuck(slo=slo)
    assert not found["remedy"].str.len().eq(0).any()
    return dict(zip(found["instance_id"], found["reason"], strict=True))


@pytest.fixture
def known(lab: wf.Lab) -> wf.Lab:
    """A lab that has the code of everything here."""
    lab.engine.register_workflow(lambda _: None, "order")
    lab.engine.register_activity(lambda _: None, "charge")
    return lab


def scheduled(ago: timedelta, lab: wf.Lab, *, name: str = "charge", attempt: int = 1) -> h.TaskScheduled:
    return h.TaskScheduled(occurred_at=lab.engine.now() - ago, event_id=0, name=name, task_execution_id="t", attempt=attempt)


def waits(lab: wf.Lab, ago: timedelta) -> h.TimerCreated:
    return h.TimerCreated(occurred_at=lab.engine.now() - ago, event_id=0, fire_at=None, origin=h.EventWait(name="approval"))


MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_healthy_waiting_is_not_being_stuck(known: wf.Lab) -> None:
    now = known.engine.now()
    timer = h.TimerCreated(occurred_at=now - DAY, event_id=0, fire_at=now + 3 * DAY)
    fired = h.TimerFired(occurred_at=now - HOUR, timer_id=0, fire_at=now - HOUR)
    overdue = h.TimerCreated(occurred_at=now - DAY, event_id=0, fire_at=now - HOUR)
    following = h.TimerCreated(occurred_at=now - HOUR, event_id=1, fire_at=now + HOUR)
    found = reasons(
        known,
        fleet.under_way(1, timer, since=now - DAY),
        fleet.under_way(2, waits(known, DAY), since=now - DAY),
        fleet.under_way(3, scheduled(MINUTE, known), since=now - MINUTE),
        fleet.under_way(4, overdue, fired, following, since=now - DAY),
        fleet.under_way(5, status=Status.SUSPENDED, since=now - HOUR),
        fleet.under_way(6, waits(known, DAY), since=now - DAY),
    )
    assert found == {}


def test_each_reason_is_told_apart(known: wf.Lab) -> None:
    now = known.engine.now()
    failure = FailureDetails("the code asks for refund, history has charge", "NonDeterminismError")
    overdue = h.TimerCreated(occurred_at=now - DAY, event_id=0, fire_at=now - MINUTE)
    backoff = h.TimerCreated(
        occurred_at=now, event_id=1, fire_at=now + HOUR, origin=h.ActivityRetry(name="charge", task_execution_id="t", attempt=6)
    )
    found = reasons(
        known,
        fleet.under_way(1, status=Status.STALLED, failure=failure, since=now - HOUR),
        fleet.under_way(2, name="unknown", since=now - MINUTE),
        fleet.under_way(3, scheduled(MINUTE, known, name="no_such"), since=now - MINUTE),
        fleet.under_way(4, overdue, since=now - DAY),
        fleet.under_way(5, scheduled(HOUR, known), since=now - HOUR),
        fleet.under_way(6, since=now - HOUR),
        fleet.under_way(7, backoff, since=now - MINUTE),
        fleet.under_way(8, waits(known, 2 * HOUR), since=now - 2 * HOUR),
        fleet.under_way(9, status=Status.SUSPENDED, since=now - 2 * DAY),
        slo=wf.SLO(answer="1h"),
    )
    assert found == {
        "order-1": "stalled",
        "unknown-2": "no worker",
        "order-3": "no worker",
        "order-4": "timer overdue",
        "order-5": "no progress",
        "order-6": "no progress",
        "order-7": "retry storm",
        "order-8": "unanswered",
        "order-9": "suspended",
    }
    told = known.stuck().set_index("instance_id")
    assert "the code asks for refund" in str(told.loc["order-1", "why"])
    assert "cell that defines the workflow unknown" in str(told.loc["unknown-2", "remedy"])
    assert len(set(told["why"])) == len(told)


def test_a_run_has_one_reason_the_worst(known: wf.Lab) -> None:
    now = known.engine.now()
    overdue = h.TimerCreated(occurred_at=now - DAY, event_id=1, fire_at=now - HOUR)
    assert reasons(known, fleet.under_way(1, scheduled(HOUR, known), overdue, since=now - DAY)) == {"order-1": "timer overdue"}


def test_what_is_usual_for_a_step_is_not_without_progress(known: wf.Lab) -> None:
    """A step that takes an hour as a rule is given three."""
    now = known.engine.now()
    usual = [fleet.run(10 + n, activity="charge", seconds=3600, created=now - DAY) for n in range(5)]
    slow = fleet.under_way(1, scheduled(2 * HOUR, known), since=now - 2 * HOUR)
    too_slow = fleet.under_way(2, scheduled(4 * HOUR, known), since=now - 4 * HOUR)
    assert reasons(known, *usual, slow, too_slow) == {"order-2": "no progress"}
    assert "4 times its p99" in known.stuck()["why"][0]


def test_generations_and_events_without_end_are_found(known: wf.Lab) -> None:
    now = known.engine.now()
    spinning = [
        fleet.run(
            10 + n, name="order", instance_id="order-5000", generation=n, status=Status.CONTINUED_AS_NEW, created=now - MINUTE, seconds=1
        )
        for n in range(1_001)
    ]
    timer = h.TimerCreated(occurred_at=now, event_id=0, fire_at=now + HOUR)
    raised = [h.EventRaised(occurred_at=now, name="tick") for _ in range(10_000)]
    found = reasons(
        known,
        *spinning,
        fleet.under_way(5000, timer, since=now - MINUTE),
        fleet.under_way(6000, timer, *raised, since=now - MINUTE),
    )
    assert found == {"order-5000": "continues as new", "order-6000": "long history"}


@pytest.mark.slow
def test_a_payload_that_nears_what_can_be_kept_is_told_before_it_is_refused(known: wf.Lab) -> None:
    now = known.engine.now()
    timer = h.TimerCreated(occurred_at=now, event_id=0, fire_at=now + HOUR)
    found = reasons(
        known,
        fleet.under_way(
            1, timer, h.EventRaised(occurred_at=now, name="file", input=f'"{"x" * (LARGEST_BYTES * 9 // 10)}"'), since=now - MINUTE
        ),
        fleet.under_way(2, timer, h.EventRaised(occurred_at=now, name="file", input=f'"{"x" * (LARGEST_BYTES // 2)}"'), since=now - MINUTE),
    )
    assert found == {"order-1": "large payload"}
    assert "90% of what can be kept" in known.stuck()["why"][0]
