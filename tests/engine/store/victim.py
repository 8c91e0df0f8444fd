"""A process that commits until it is killed, for the tests next to it. Not a test.

    victim.py PATH MODE [NUMBER]

It first says `R n`: the n commits found, after checking that they have no gap. `A n` is an acknowledgement.
load: commit without end, 16 at a time, applying and checkpointing as usual. restless: the same, checkpointing all the time.
crash: commit NUMBER times, each acknowledged, wait until DuckDB has them, then end at once. unapplied: the same, not applied.
"""

import os
import sys
import threading

from tests.engine.store.desk import start_of, step_of
from wfengine.store import applier
from wfengine.store.store import Store


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def main(path: str, mode: str, count: int = sys.maxsize) -> None:
    if mode == "restless":
        applier.CHECKPOINT_JOURNAL_BYTES = 0
        applier.CHECKPOINT_WHEN_IDLE_SECONDS = 0.0
    if mode == "unapplied":
        applier.LINGER_SECONDS = 3600.0
    store = Store.open(path)
    live = store.live()
    found = [row.sequence for _, history in live for row in history]
    assert found == list(range(len(found))), "the history has a gap"
    say(f"R {len(found)}")
    room = threading.Semaphore(1 if count < sys.maxsize else 16)

    def on_durable(tokens: list[object]) -> None:
        for token in tokens:
            say(f"A {token}")
            room.release()

    store.start(on_durable=on_durable, on_trouble=say_trouble, on_fatal=say_trouble)
    for number in range(len(found), min(len(found) + count, sys.maxsize)):
        room.acquire()
        store.submit(step_of(1, number) if number else start_of(1), number)
    room.acquire()
    if mode == "crash":
        store.flush()
    os._exit(0)


def say_trouble(text: str | None) -> None:
    say(f"T {text}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
