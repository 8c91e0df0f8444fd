"""A process whose main thread calls the lab until it is interrupted, again and again, for test_interrupts.py beside it. Not a test.

    interrupted.py PATH NOTES ROUNDS

Each round it says `r`, makes one kind of call over and over until SIGINT comes, says `k` when it has, and then the next call must work. NOTES gets a line of JSON for every
acknowledged start and event. What it says at the end is JSON: how often each kind of call was interrupted. Anything but KeyboardInterrupt ends it.
"""

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

import wflab as wf
from wfengine.testing.rehearsal import Steps

WAIT_SECONDS = 60.0


class Caller:
    """The calls, and what was acknowledged."""

    def __init__(self, lab: wf.Lab, notes: str) -> None:
        self._lab = lab
        self._notes = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._numbers = count()
        self.calls: dict[str, Callable[[], object]] = {
            "start": self.start,
            "result": lambda: lab.start("quick", 1).result(WAIT_SECONDS),
            "raise_event": self.raise_event,
            "sql": lambda: lab.sql("SELECT type, count(*) FROM events GROUP BY type"),
            "state": lambda: lab.get("listener").status,
            "history": lambda: lab.get("listener").history(),
        }

    def start(self) -> None:
        instance_id = f"q-{next(self._numbers)}"
        self._lab.start("quick", 1, instance_id)
        self._note("start", instance_id)

    def raise_event(self) -> None:
        number = next(self._numbers)
        self._lab.get("listener").raise_event("heard", number)
        self._note("event", number)

    def _note(self, *fields: object) -> None:
        os.write(self._notes, (json.dumps(fields) + "\n").encode())


def quick(ctx: wf.WorkflowContext, number: int) -> Steps:
    return (yield ctx.call_activity(add_one, input=number))


def add_one(_ctx: wf.WorkflowActivityContext, number: int) -> int:
    return number + 1


def listener(ctx: wf.WorkflowContext, _: Any) -> Steps:
    yield ctx.wait_for_external_event("never")


def main(path: str, notes: str, rounds: int) -> None:
    interrupted: Counter[str] = Counter()
    with wf.Lab(path) as lab:
        runtime = wf.WorkflowRuntime()
        runtime.register_workflow(quick)
        runtime.register_workflow(listener)
        runtime.register_activity(add_one)
        lab.start(listener, None, "listener")
        caller = Caller(lab, notes)
        for number in range(rounds):
            name = list(caller.calls)[number % len(caller.calls)]
            try:
                os.write(1, b"r\n")
                while True:
                    caller.calls[name]()
            except KeyboardInterrupt:
                os.write(1, b"k\n")  # before anything that may take long, or the press would be taken for a lost one
                interrupted[name] += 1
            assert lab.start("quick", number).result(WAIT_SECONDS) == number + 1
    os.write(1, json.dumps(interrupted).encode())


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored in what a shell runs in the background
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
