"""unhinged: steps run inline in the task's function, by one worker thread that polls; SQLite in WAL with synchronous=FULL."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import unhinged

from benchmarks.peers import peer

POLL_SECONDS = 0.001  # its own default, 0.25, would be all that is measured
DAY_SECONDS = 86_400


def chain(length: int, ctx: unhinged.TaskContext) -> int:
    """Steps in a row."""
    number = 0
    for _ in range(length):
        number = ctx.step("add_one", lambda number=number: peer.add_one(number))
    return number


def sleeper(number: int, ctx: unhinged.TaskContext) -> int:
    """Sleep for a day."""
    ctx.sleep_for("day", DAY_SECONDS)
    return number


def approval(parameters: list[Any], ctx: unhinged.TaskContext) -> int:
    """Wait for a word, then act. Events are shared by all tasks of a queue, so its name says for whom it is."""
    number, instance_id = parameters
    ctx.await_event(f"approved:{instance_id}")
    return int(ctx.step("add_one", lambda: peer.add_one(number)))


class Unhinged:
    """A `Peer`. Steps are not run side by side here: a fan-out is children on another queue, as its documentation has it."""

    starters = 4

    def __init__(self, path: str) -> None:
        self._app = unhinged.Unhinged(path, queue_name="parents", busy_timeout=60)
        self._children = unhinged.Unhinged(path, queue_name="children", busy_timeout=60)
        self._has_children = False
        for name, task in (("chain", chain), ("sleeper", sleeper), ("approval", approval), ("fan", self._fan)):
            self._app.register_task(name)(task)
        self._children.register_task("add_one")(lambda number, _: peer.add_one(number))

    def start(self, workflow: str, argument: int, instance_id: str) -> str:
        """The task's own id is made by the engine; ours is the key that keeps it from being started twice."""
        if workflow == "fan" and not self._has_children:
            _work(self._children)
            self._has_children = True
        parameters = [argument, instance_id] if workflow == "approval" else argument
        return str(self._app.spawn(workflow, parameters, idempotency_key=instance_id)["task_id"])

    def result(self, started: str) -> int:
        """Ask for it; the engine's own wait begins with a pause of 50 ms."""
        while (snapshot := self._app.fetch_task_result(started)) is None or not snapshot.terminal:
            peer.pause()
        assert snapshot.state == "completed", snapshot
        return int(snapshot.result)

    def found(self, instance_id: str) -> str:
        """By its key."""
        row = self._app.engine.connection.execute("select task_id from t_parents where idempotency_key = ?", (instance_id,)).fetchone()
        return str(row[0])

    def waiting(self, instance_ids: list[str]) -> None:
        """Until the table has as many that sleep."""
        connection = self._app.engine.connection
        peer.until(lambda: connection.execute("select count(*) from t_parents where state = 'sleeping'").fetchone()[0] == len(instance_ids))

    def approve(self, instance_id: str) -> None:
        """Emit the event."""
        self._app.emit_event(f"approved:{instance_id}", payload=True)

    def durability(self) -> str:
        """As SQLite says."""
        return peer.sqlite_durability(self._app.engine.connection.execute) + "; a commit for each step"

    @contextmanager
    def working(self) -> Iterator[None]:
        """A worker for the tasks. The children's begins with the first fan-out: it would only get in the way of the other works."""
        _work(self._app)
        yield
        self._app.stop_worker()
        self._children.stop_worker()

    def _fan(self, width: int, ctx: unhinged.TaskContext) -> int:
        children = ctx.step(
            "spawn", lambda: [self._children.spawn("add_one", number, queue="children")["task_id"] for number in range(width)]
        )
        return sum(int(ctx.await_task_result(child, queue_name="children").result) for child in children)


def _work(app: unhinged.Unhinged) -> None:
    threading.Thread(target=app.start_worker, kwargs={"poll_interval": POLL_SECONDS}, daemon=True).start()


@contextmanager
def opened(directory: Path) -> Iterator[Unhinged]:
    """An app on a file in the directory."""
    app = Unhinged(str(peer.database(directory)))
    with app.working():
        yield app
