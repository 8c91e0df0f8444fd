"""Many runs at once, written as the engine writes them but without running anything: for whatever counts, ranks or draws a fleet.

`record` opens a file's store, submits commits and closes it again; `record_into` writes behind the back of an engine that is open, which then
knows nothing of these runs and never wakes them.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Event

import wflab as wf
from wfengine.model import history as h
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import TERMINAL, Instance, ParentInstance, Status
from wfengine.model.work import Commit, HistoryRow
from wfengine.store.store import Store

NOW = datetime(2026, 11, 27, 12, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
_TRACE = 'Traceback (most recent call last):\n  File "/lab/wfengine/worker.py", line 9, in run\n  File "<cell 3>", line 12, in {}\n{}\n'


def run(
    key: int,
    *,
    name: str = "order",
    status: Status = Status.COMPLETED,
    created: datetime = NOW - timedelta(hours=1),
    seconds: float = 5.0,
    instance_id: str | None = None,
    activity: str = "charge_card",
    error: tuple[str, str] = ("ValueError", "card 17 declined"),
    parent: ParentInstance | None = None,
    generation: int = 0,
    version: str | None = None,
    code_hash: str | None = None,
    tags: dict[str, str] | None = None,
) -> Commit:
    """One execution, from its start to where it stands: one call of an activity, then its end, `seconds` after it was `created`."""
    identity = instance_id or f"{name}-{key}"
    ended = created + timedelta(seconds=seconds)
    begun = Instance(
        key=key,
        instance_id=identity,
        name=name,
        status=Status.RUNNING,
        created_at=created,
        updated_at=created,
        root=key if parent is None else parent.key,
        parent=parent,
        generation=generation,
        version=version,
        code_hash=code_hash,
        tags=tags or {},
        input="17",
        turn=1,
        next_sequence=2,
    )
    events: list[h.HistoryEvent] = [
        h.ExecutionStarted(
            occurred_at=created, name=name, instance_id=identity, input="17", execution=key, parent=parent, version=version, tags=tags or {}
        ),
        h.TaskScheduled(occurred_at=created, event_id=0, name=activity, task_execution_id=f"{key}-0", input="17"),
    ]
    is_failed = status is Status.FAILED
    failure = FailureDetails(error[1], error[0], _TRACE.format(activity, ": ".join(error)))
    told = FailureDetails(f"Activity 'charge' (task #0) failed: {error[1]}", "TaskFailedError", _TRACE.format(name, "TaskFailedError"))
    if is_failed:
        events.append(h.TaskFailed(occurred_at=ended, task_scheduled_id=0, failure=failure, started_at=created, duration_ms=seconds * 1000))
    elif status in TERMINAL:
        events.append(h.TaskCompleted(occurred_at=ended, task_scheduled_id=0, result="1", started_at=created, duration_ms=seconds * 1000))
    if status is Status.CONTINUED_AS_NEW:
        events.append(h.ContinuedAsNew(occurred_at=ended, input="18"))
    elif status in TERMINAL:
        events.append(h.ExecutionCompleted(occurred_at=ended, status=status, failure=told if is_failed else None))
    rows = [HistoryRow(key, place, 1 if place < 2 else 2, event) for place, event in enumerate(events)]
    return Commit(history=rows, runs=[begun, *([] if status is Status.RUNNING else [_ended(begun, status, ended, told, len(rows))])])


def _ended(begun: Instance, status: Status, ended: datetime, failure: FailureDetails, rows: int) -> Instance:
    return Instance(
        **{field: getattr(begun, field) for field in begun.__struct_fields__}
        | {
            "status": status,
            "updated_at": ended,
            "failure": failure if status is Status.FAILED else None,
            "output": "1" if status is Status.COMPLETED else None,
            "next_sequence": rows,
            "turn": 2,
        }
    )


def mixed(count: int, *, now: datetime = NOW, seed: int = 7) -> Iterator[Commit]:
    """`count` runs of four workflows that ended in the last day, most of them well."""
    chance = Random(seed)
    names = ("order", "refund", "import_catalog", "nightly_report")
    errors = (("ValueError", "card {} declined"), ("TimeoutError", "no answer from gateway-{}"), ("KeyError", "sku {}"))
    for key in range(1, count + 1):
        status = chance.choices((Status.COMPLETED, Status.FAILED, Status.TERMINATED), (960, 30, 10))[0]
        error_type, message = chance.choice(errors)
        seconds = chance.lognormvariate(1.5, 0.8)
        yield run(
            key,
            name=chance.choice(names),
            status=status,
            created=now - timedelta(seconds=seconds + chance.uniform(0, 86_000)),
            seconds=seconds,
            error=(error_type, message.format(chance.randrange(10_000))),
            version=f"v{chance.randrange(1, 4)}",
            tags={"shop": chance.choice(("berlin", "oslo", "lima"))},
        )


def under_way(
    key: int,
    *events: h.HistoryEvent,
    name: str = "order",
    status: Status = Status.RUNNING,
    failure: FailureDetails | None = None,
    since: datetime = NOW,
) -> Commit:
    """An execution that has not ended, with what was recorded of it after its start."""
    instance_id = f"{name}-{key}"
    begun = h.ExecutionStarted(occurred_at=since, name=name, instance_id=instance_id, execution=key)
    instance = Instance(
        key=key,
        instance_id=instance_id,
        name=name,
        status=status,
        created_at=since,
        updated_at=since,
        root=key,
        failure=failure,
        turn=1,
        next_sequence=1 + len(events),
    )
    return Commit(history=[HistoryRow(key, place, 1, event) for place, event in enumerate((begun, *events))], runs=[instance])


def issue_mix(*, now: datetime = NOW, name: str = "order") -> Iterator[Commit]:
    """The 1,000 runs of the issue: 960 COMPLETED, 20 FAILED, 10 TERMINATED, 5 CANCELED and 5 that continued as new."""
    counts = {Status.COMPLETED: 960, Status.FAILED: 20, Status.TERMINATED: 10, Status.CANCELED: 5, Status.CONTINUED_AS_NEW: 5}
    states = [status for status, count in counts.items() for _ in range(count)]
    for place, status in enumerate(states):
        yield run(place + 1, name=name, status=status, created=now - timedelta(minutes=5 + place % 600), seconds=1 + place % 9)


def record(path: Path, commits: Iterable[Commit]) -> None:
    """Write the commits to the file at `path`, which no lab has open."""
    last, durable, troubles = object(), Event(), []
    store = Store.open(path)
    try:
        store.start(
            on_durable=lambda tokens: durable.set() if last in tokens else None,
            on_trouble=lambda trouble: troubles.append(trouble) if trouble else None,
            on_fatal=troubles.append,
        )
        for commit in commits:
            store.submit(commit, None)
        store.submit(Commit(), last)
        assert durable.wait(120)
        assert not troubles
    finally:
        store.close()


def record_into(lab: wf.Lab, commits: Iterable[Commit]) -> None:
    """Write the commits behind the back of an engine that is open."""

    def write(ack: "Future[None]") -> None:
        for commit in commits:
            lab.engine.store.submit(commit, None)
        ack.set_result(None)

    lab.engine.in_engine(write, 60)
    lab.engine.record_act_soon(lab.audit("look at runs that nobody started", "a test")).result(60)  # durable, and so is all before it
