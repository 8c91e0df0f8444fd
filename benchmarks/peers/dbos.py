"""dbos: steps run inline in the workflow's function; SQLite, here in WAL with synchronous=FULL (its default is a rollback journal)."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID

from benchmarks.peers import peer

POLL_SECONDS = 0.05  # for messages and for results of workflows that another process started; its default is a second
DAY_SECONDS = 86_400

step = DBOS.step()(peer.add_one)


async def _add_one(number: int) -> int:
    return peer.add_one(number)


async_step = DBOS.step()(_add_one)


def chain(length: int) -> int:
    """Steps in a row."""
    number = 0
    for _ in range(length):
        number = step(number)
    return number


async def fan(width: int) -> int:
    """Steps at once."""
    return sum(await asyncio.gather(*[async_step(number) for number in range(width)]))


async def sleeper(number: int) -> int:
    """Sleep for a day. As a coroutine: functions would need a thread each."""
    await DBOS.sleep_async(DAY_SECONDS)
    return number


async def approval(number: int) -> int:
    """Wait for a word, then act."""
    await DBOS.recv_async("approved", timeout_seconds=DAY_SECONDS)
    return int(await async_step(number))


WORKFLOWS = {each.__name__: DBOS.workflow()(each) for each in (chain, fan, sleeper, approval)}


class Dbos:
    """A `Peer`."""

    starters = 1

    def __init__(self, path: Path) -> None:
        self._path = path

    def start(self, workflow: str, argument: int, instance_id: str) -> Any:
        """Returns when its row is committed."""
        with SetWorkflowID(instance_id):
            return DBOS.start_workflow(WORKFLOWS[workflow], argument)

    def result(self, started: Any) -> int:
        """Wait for its end."""
        return int(started.get_result(polling_interval_sec=POLL_SECONDS))

    def found(self, instance_id: str) -> Any:
        """A handle that asks the database."""
        return DBOS.retrieve_workflow(instance_id)

    def waiting(self, instance_ids: list[str]) -> None:
        """Until there is a row with the end of each one's sleep, or of its wait: that is a step called sleep, too."""
        count = "select count(*) from operation_outputs where function_name = 'DBOS.sleep'"
        with closing(sqlite3.connect(self._path)) as connection:
            peer.until(lambda: connection.execute(count).fetchone()[0] == len(instance_ids))

    def approve(self, instance_id: str) -> None:
        """Send the message."""
        DBOS.send(instance_id, message=True, topic="approved")

    def durability(self) -> str:
        """As SQLite says: a connection like the engine's own, which sets neither."""
        with closing(sqlite3.connect(self._path)) as connection:
            return peer.sqlite_durability(connection.execute) + "; a commit for each step"


@contextmanager
def opened(directory: Path) -> Iterator[Dbos]:
    """DBOS, launched on a file in the directory."""
    path = peer.database(directory)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")  # the file remembers it
    config: DBOSConfig = {
        "name": "compare",
        "system_database_url": f"sqlite:///{path}",
        "application_version": "1",
        "log_level": "ERROR",
        "notification_listener_polling_interval_sec": POLL_SECONDS,
    }
    DBOS(config=config)
    DBOS.launch()
    yield Dbos(path)
    DBOS.destroy()
