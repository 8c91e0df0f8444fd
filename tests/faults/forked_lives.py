"""Many short lives of an engine on one file, each ended by a kill: processes forked from one that has imported all there is. Not a test.

    forked_lives.py book PATH KILLS SEED        lives end at random moments; the last one brings everything to its end
    forked_lives.py poison PATH HOW             lives end by an activity's doing, until one comes to its own end

Nothing here may start a thread before it forks. What a life has to say it writes to stdout, in whole lines.
"""

import ctypes
import os
import random
import select
import signal
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from wfengine.core.context import WorkflowContext
from wfengine.core.tasks import when_all
from wfengine.model.retry import RetryPolicy
from wfengine.runtime.engine import Engine
from wfengine.store import opening
from wfengine.store.store import Store
from wfengine.testing.rehearsal import Steps

WIDTH = 3
DEPTH = 3
STARTS = 1
LONGEST_LIFE_SECONDS = 0.06
PATIENCE_SECONDS = 60.0
MOST_LIVES = 12


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def skip_the_trial_of_the_log() -> None:
    """DuckDB's log is tried in a process of its own before a damaged file is opened; that is tested elsewhere, and most of a short life's time."""
    opening._aborts = lambda path: False  # noqa: ARG005  # as it is called


def begun(life: Callable[[int], None]) -> tuple[int, int]:
    """A process that lives `life`, which is given where to write that it is well under way; its id, and where to read that."""
    reader, writer = os.pipe()
    process = os.fork()
    if process:
        os.close(writer)
        return process, reader
    status = 1
    try:
        life(writer)
        status = 0
    finally:
        os._exit(status)


# Bookings.


def booking_engine(path: str) -> Engine:
    engine = Engine(Store.open(path), poison_after=None)  # these deaths are nobody's doing
    with engine.store.transaction() as cursor:
        cursor.execute("CREATE TABLE IF NOT EXISTS bookings (execution VARCHAR)")

    def books(ctx: Any, _: Any) -> str:
        ctx.cursor.execute("INSERT INTO bookings VALUES (?)", [ctx.task_execution_id])
        return str(ctx.task_execution_id)

    def trip(ctx: WorkflowContext, _: Any) -> Steps:
        for _ in range(DEPTH):
            yield when_all([ctx.call_activity("books") for _ in range(WIDTH)])

    engine.register_activity(books, "books", transactional=True)
    engine.register_workflow(trip, "trip")
    engine.start()
    return engine


def book(path: str, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(kills):

        def life(ready: int, number: int = number) -> None:
            engine = booking_engine(path)
            for place in range(STARTS):
                engine.schedule_new_workflow("trip", instance_id=f"trip-{number}-{place}")
            os.write(ready, b"!")
            time.sleep(PATIENCE_SECONDS)

        process, reader = begun(life)
        assert select.select([reader], [], [], PATIENCE_SECONDS)[0], "it was not under way in time"
        assert os.read(reader, 1) == b"!", "it ended by itself"
        time.sleep(chance.uniform(0.0, LONGEST_LIFE_SECONDS))
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(reader)
    engine = booking_engine(path)
    with engine.store.cursor() as cursor:
        started = [row[0] for row in cursor.execute("SELECT instance_id FROM instances").fetchall()]
    for instance_id in started:
        engine.wait_for_workflow_completion(instance_id, PATIENCE_SECONDS)
    engine.close()


# Poison.

KILLERS: dict[str, Callable[[], object]] = {
    "exits": lambda: os._exit(3),
    "kills": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "aborts": os.abort,
    "segmentation fault": lambda: ctypes.string_at(0),
}


def poisoned_engine(path: str, killer: Callable[[], object], ran: Path) -> Engine:
    engine = Engine(Store.open(path))

    def poison(_ctx: Any, _: Any) -> None:
        with ran.open("a") as file:
            file.write("poison\n")
        killer()

    def stands_by(_ctx: Any, number: int) -> int:
        time.sleep(0.2)  # so that it is at work at most deaths
        return number

    def flow(ctx: WorkflowContext, _: Any) -> Steps:
        policy = RetryPolicy(first_retry_interval=timedelta(0), max_number_of_attempts=5)
        return (yield ctx.call_activity("poison", retry_policy=policy))

    def neighbour(ctx: WorkflowContext, number: int) -> Steps:
        return (yield ctx.call_activity("stands by", input=number))

    engine.register_activity(poison, "poison")
    engine.register_activity(stands_by, "stands by")
    engine.register_workflow(flow, "flow")
    engine.register_workflow(neighbour, "neighbour")
    engine.start()
    return engine


def poison(path: str, how: str) -> None:
    ran = Path(path).with_name("ran")

    def life(_: int) -> None:
        engine = poisoned_engine(path, KILLERS[how], ran)
        if engine.key_of("neighbour-0") is None:
            for number in range(4):
                engine.schedule_new_workflow("neighbour", input=number, instance_id=f"neighbour-{number}")
            engine.schedule_new_workflow("flow", instance_id="flow")
        for instance_id in ("flow", *(f"neighbour-{number}" for number in range(4))):
            engine.wait_for_workflow_completion(instance_id, PATIENCE_SECONDS)
        engine.close()

    for number in range(MOST_LIVES):
        process, reader = begun(life)
        os.close(reader)
        if os.waitpid(process, 0)[1] == 0:
            say(f"lives {number + 1}")
            return
    say("lives without end")


if __name__ == "__main__":
    what, *arguments = sys.argv[1:]
    skip_the_trial_of_the_log()
    if what == "book":
        book(arguments[0], int(arguments[1]), int(arguments[2]))
    else:
        poison(*arguments)
