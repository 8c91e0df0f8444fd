"""Timers that nobody waits for do not gather: a week's deadline of an approval that came at once is forgotten long before."""

from datetime import UTC, datetime, timedelta

from wfengine.runtime.timers import Timers

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)


def test_timers_that_nobody_waits_for_are_thrown_out_and_the_others_fire_in_order() -> None:
    timers = Timers(lambda due: due.key % 100 == 0)
    for key in range(10_000):
        timers.add(BEGINNING + timedelta(seconds=10_000 - key), key, 0)
        assert timers.count < 3_000
    fired = [due.key for due in timers.pop_due(BEGINNING + timedelta(days=1)) if due.key % 100 == 0]
    assert fired == list(range(9_900, -1, -100))
