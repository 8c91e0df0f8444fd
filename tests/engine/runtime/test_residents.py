"""What is known of an execution after reopening, from its state and its history."""

from datetime import UTC, datetime, timedelta

from wfengine.model.history import ExecutionStarted
from wfengine.model.instance import Instance, Status
from wfengine.model.work import HistoryRow
from wfengine.runtime.residents import recovered

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_recovered_instance_does_not_go_back_to_the_times_of_a_past_that_it_shares() -> None:
    """A rerun's rows are older than the rerun itself; were it as old as they are, a clock that is set back could stamp it with an earlier time."""
    rerun_at = LONG_AGO + timedelta(hours=1)
    instance = Instance(
        key=2,
        instance_id="again",
        name="w",
        status=Status.RUNNING,
        created_at=rerun_at,
        updated_at=rerun_at,
        root=2,
        next_sequence=1,
        turn=1,
    )
    rows = [HistoryRow(2, 0, 1, ExecutionStarted(occurred_at=LONG_AGO, name="w", instance_id="again", execution=2))]
    assert recovered(instance, rows).instance.updated_at == rerun_at


def test_a_recovered_instance_is_as_old_as_its_last_event() -> None:
    """Its state is written only when its status changes."""
    instance = Instance(key=2, instance_id="i", name="w", status=Status.RUNNING, created_at=LONG_AGO, updated_at=LONG_AGO, root=2)
    later = LONG_AGO + timedelta(hours=1)
    rows = [HistoryRow(2, 0, 1, ExecutionStarted(occurred_at=later, name="w", instance_id="i", execution=2))]
    assert recovered(instance, rows).instance.updated_at == later
