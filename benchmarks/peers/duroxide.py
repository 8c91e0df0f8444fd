"""duroxide: a runtime in Rust that replays Python generators; SQLite, opened by the engine in its own way."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from duroxide import Client, Runtime, RuntimeOptions, SqliteProvider

from benchmarks.peers import peer

# The quickest of what was tried: it polls every 100 ms unless told, and more than one dispatcher of a kind get in each other's way on SQLite.
OPTIONS = RuntimeOptions(dispatcher_poll_interval_ms=1, orchestration_concurrency=1, worker_concurrency=1, log_level="error")
DAY_MS = 86_400_000
WAIT_MS = 600_000

Steps = Generator[Any, Any, Any]


def chain(ctx: Any, length: int) -> Steps:
    """Activities in a row."""
    number = 0
    for _ in range(length):
        number = yield ctx.schedule_activity("add_one", number)
    return number


def fan(ctx: Any, width: int) -> Steps:
    """Activities at once."""
    results = yield ctx.all([ctx.schedule_activity("add_one", number) for number in range(width)])
    return sum(result["ok"] for result in results)


def sleeper(ctx: Any, number: int) -> Steps:
    """Sleep for a day."""
    yield ctx.schedule_timer(DAY_MS)
    return number


def approval(ctx: Any, number: int) -> Steps:
    """Wait for a word, then act."""
    yield ctx.wait_for_event("approved")
    return (yield ctx.schedule_activity("add_one", number))


class Duroxide:
    """A `Peer`."""

    starters = 1  # more of them now and then wait out its pauses after `database is locked`

    def __init__(self, client: Client) -> None:
        self._client = client

    def start(self, workflow: str, argument: int, instance_id: str) -> str:
        """Returns when its row is committed."""
        self._client.start_orchestration(instance_id, workflow, argument)
        return instance_id

    def result(self, started: str) -> int:
        """Wait for its end."""
        ended = self._client.wait_for_orchestration(started, WAIT_MS)
        assert ended.status == "Completed", ended.error
        return int(ended.output)

    def found(self, instance_id: str) -> str:
        """An id is all that is needed."""
        return instance_id

    def waiting(self, instance_ids: list[str]) -> None:
        """Until each one's history has more than its start."""
        for each in instance_ids:
            peer.until(partial(self._has_begun, each))

    def approve(self, instance_id: str) -> None:
        """Raise the event."""
        self._client.raise_event(instance_id, "approved", data=True)

    def _has_begun(self, instance_id: str) -> bool:
        stats = self._client.get_orchestration_stats(instance_id)
        return stats is not None and stats.history_event_count > 1

    def durability(self) -> str:
        """It opens SQLite in its own way, offers no choice and says nothing: the syncs were counted."""
        return "SQLite in WAL as the engine opens it: a commit is written and not synced, so a power cut loses the latest"


@contextmanager
def opened(directory: Path) -> Iterator[Duroxide]:
    """A runtime on a file in the directory."""
    path = peer.database(directory)
    path.touch()
    provider = SqliteProvider.open(f"sqlite:{path}")
    runtime = Runtime(provider, OPTIONS)
    runtime.register_activity("add_one", lambda _, number: peer.add_one(number))
    for workflow in (chain, fan, sleeper, approval):
        runtime.register_orchestration(workflow.__name__, workflow)
    runtime.start()
    yield Duroxide(Client(provider))
    runtime.shutdown(1000)
