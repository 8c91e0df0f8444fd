"""wflab itself, by the engine's own door."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.peers import peer
from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import Task, when_all
from wfengine.runtime.engine import Engine
from wfengine.runtime.worker import WorkflowActivityContext
from wfengine.store.store import Store

Steps = Generator[Task[Any], Any, Any]


def add_one(ctx: WorkflowActivityContext, number: int) -> int:
    """The activity."""
    del ctx
    return peer.add_one(number)


def chain(ctx: WorkflowContext, length: int) -> Steps:
    """Activities in a row."""
    number = 0
    for _ in range(length):
        number = yield ctx.call_activity(add_one, input=number)
    return number


def fan(ctx: WorkflowContext, width: int) -> Steps:
    """Activities at once."""
    results = yield when_all([ctx.call_activity(add_one, input=number) for number in range(width)])
    return sum(results)


def sleeper(ctx: WorkflowContext, number: int) -> Steps:
    """Sleep for a day."""
    yield ctx.create_timer(timedelta(days=1))
    return number


def approval(ctx: WorkflowContext, number: int) -> Steps:
    """Wait for a word, then act."""
    yield ctx.wait_for_external_event("approved")
    return (yield ctx.call_activity(add_one, input=number))


WORKFLOWS = {"chain": chain, "fan": fan, "sleeper": sleeper, "approval": approval}


class Wflab:
    """A `Peer`."""

    starters = 16  # a start returns when it is durable, so that only callers side by side share a sync

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def start(self, workflow: str, argument: int, instance_id: str) -> str:
        """Returns when the start is durable."""
        return self._engine.schedule_new_workflow(WORKFLOWS[workflow], input=argument, instance_id=instance_id)

    def result(self, started: str) -> int:
        """Wait for its end."""
        return int(self._engine.wait_for_workflow_completion(started, None).output or "")

    def found(self, instance_id: str) -> str:
        """An id is all that is needed."""
        return instance_id

    def waiting(self, instance_ids: list[str]) -> None:
        """An instance counts as started once its first turn, with what it waits for, is durable."""
        for each in instance_ids:
            self._engine.wait_for_workflow_start(each, None)

    def approve(self, instance_id: str) -> None:
        """Returns when the event is durable."""
        self._engine.raise_workflow_event(instance_id, "approved", data=True)

    def durability(self) -> str:
        """The journal's rule."""
        return "journal, fdatasync before each acknowledgement (shared by all that wait); DuckDB behind it"


@contextmanager
def opened(directory: Path) -> Iterator[Wflab]:
    """An engine on a store in the directory."""
    engine = Engine(Store.open(directory / "peer.duckdb"))
    for workflow in WORKFLOWS.values():
        engine.register_workflow(workflow)
    engine.register_activity(add_one)
    with engine:
        yield Wflab(engine)
