"""Processes that keep a lab busy until they are killed, one after the other, for test_kill.py beside it. Not a test.

    loaded_lab.py PATH NOTES

NOTES is a folder of side files, each line one write: `acknowledged` has the starts and events that the lab has acknowledged, `ran` every
execution of an activity, written when it begins. Each life is forked from a process that has imported all there is, since imports take far
longer than most of these lives; nothing may start a thread there. It is told on stdin: `live ROUND MODE` begins a life, `kill` kills it, `wait` waits for
its own end. On stdout: `o N` when the lab is open and found N instances under way, `a` at the first acknowledgement; `e CODE` after the
end, when nothing is left of the process and of its lock on the file; CODE is that of `subprocess`, -9 after a kill.

load: as usual. restless: checkpointing all the time. behind: DuckDB gets nothing unless somebody reads. finish: nothing new is started, what
was begun is brought to its end.
"""

import json
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Generator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import wflab as wf
from wfengine.errors import StoreInUse
from wfengine.store import applier, store

TICKS = 6
CHAIN = 5
WIDTH = 6
THREADS = 6
STARTS_IN_A_ROUND = 48
KINDS = ("chain", "fan", "family", "timed", "ticks")
FINISH_SECONDS = 120.0
OPEN_SECONDS = 20.0

Steps = Generator[Any, Any, Any]


class Notes:
    """Side files that outlive the process. A kill may cut a write at the end of a page of memory: what was being said then was not said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files = {name: os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND) for name in ("acknowledged", "ran")}

    def write(self, name: str, *fields: object) -> None:
        os.write(self._files[name], f"\n{json.dumps(fields)}\n".encode())

    def read(self, name: str) -> list[list[Any]]:
        found = []
        for line in (self.folder / name).read_text().splitlines():
            with suppress(json.JSONDecodeError):  # an empty line, or one that was cut
                found.append(json.loads(line))
        return found


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def define(runtime: wf.WorkflowRuntime, notes: Notes) -> None:
    @runtime.activity(name="double")
    def double(ctx: wf.WorkflowActivityContext, number: int) -> int:
        notes.write("ran", ctx.workflow_id, ctx.task_execution_id, time.time())
        time.sleep(random.random() * 0.004)  # it takes a while, so that a kill may find it at work
        return 2 * number

    @runtime.workflow(name="chain")
    def chain(ctx: wf.WorkflowContext, number: int) -> Steps:
        for _ in range(CHAIN):
            number = yield ctx.call_activity("double", input=number)
        return number

    @runtime.workflow(name="fan")
    def fan(ctx: wf.WorkflowContext, number: int) -> Steps:
        return sum((yield wf.when_all([ctx.call_activity("double", input=number + place) for place in range(WIDTH)])))

    @runtime.workflow(name="family")
    def family(ctx: wf.WorkflowContext, number: int) -> Steps:
        results = yield wf.when_all([ctx.call_child_workflow("chain", input=number), ctx.call_child_workflow("fan", input=number)])
        return results

    @runtime.workflow(name="timed")
    def timed(ctx: wf.WorkflowContext, number: int) -> Steps:
        for _ in range(3):
            yield ctx.create_timer(timedelta(milliseconds=30))
            number = yield ctx.call_activity("double", input=number)
        return number

    @runtime.workflow(name="ticks")
    def ticks(ctx: wf.WorkflowContext, seen: list[int]) -> Steps:
        seen = [*seen, (yield ctx.wait_for_external_event("tick"))]
        yield ctx.call_activity("double", input=seen[-1])
        if seen[-1] < TICKS - 1:
            ctx.continue_as_new(seen, save_events=True)
        return seen


def expected(kind: str, number: int) -> object:
    """What a workflow of this kind returns."""
    chained, fanned = number * 2**CHAIN, sum(2 * (number + place) for place in range(WIDTH))
    return {"chain": chained, "fan": fanned, "family": [chained, fanned], "timed": number * 8, "ticks": list(range(TICKS))}[kind]


class Driver:
    """Starts instances and sends events from several threads, and notes what was acknowledged."""

    def __init__(self, lab: wf.Lab, notes: Notes, planned: list[str]) -> None:
        self._lab = lab
        self._notes = notes
        self._queue: SimpleQueue[str] = SimpleQueue()
        self.failure: BaseException | None = None
        self._first = threading.Event()
        known = notes.read("acknowledged")
        self._sent: dict[str, int] = {}
        for what, instance_id, *rest in known:
            if what == "event":
                self._sent[instance_id] = max(self._sent.get(instance_id, -1), rest[0])
        begun = dict.fromkeys(entry[1] for entry in known)
        unheard = [run.instance_id for run in lab.runs.where(name="ticks").list() if run.instance_id not in begun]
        for instance_id in [*begun, *unheard]:
            if kind_of(instance_id) == "ticks" and self._sent.get(instance_id, -1) < TICKS - 1:
                self._queue.put(instance_id)
        for instance_id in planned:
            self._queue.put(instance_id)
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(THREADS)]

    def _run(self) -> None:
        try:
            while True:
                self._bring_on(self._queue.get_nowait())
        except Empty:
            pass
        except BaseException as error:
            self.failure = error
            raise

    def _bring_on(self, instance_id: str) -> None:
        kind = kind_of(instance_id)
        if self._lab.engine.key_of(instance_id) is None:
            number = number_of(instance_id)
            self._lab.start(kind, [] if kind == "ticks" else number, instance_id)
            self._acknowledged("start", instance_id)
        if kind == "ticks":
            for tick in range(self._sent.get(instance_id, -1) + 1, TICKS):
                self._lab.get(instance_id).raise_event("TICK", tick)
                self._acknowledged("event", instance_id, tick)

    def _acknowledged(self, *fields: object) -> None:
        self._notes.write("acknowledged", *fields)
        if not self._first.is_set():
            self._first.set()
            say("a")


def kind_of(instance_id: str) -> str:
    return instance_id.partition("-")[0]


def number_of(instance_id: str) -> int:
    return int(instance_id.split("-")[2])


def opened(path: str) -> wf.Lab:
    """The lab, as soon as it may be had: a process that the one before had just forked has its lock, too, until it becomes another program."""
    ends_at = time.monotonic() + OPEN_SECONDS
    while True:
        try:
            return wf.Lab(path, poison_after=None)  # it is killed from outside, which is no activity's doing
        except StoreInUse:
            if time.monotonic() > ends_at:
                raise
            time.sleep(0.005)


def live(path: str, folder: str, round_number: int, mode: str) -> None:
    if mode == "restless":
        applier.CHECKPOINT_JOURNAL_BYTES = 0
        applier.CHECKPOINT_WHEN_IDLE_SECONDS = 0.0
    if mode == "behind":
        vars(store)["Applier"] = partial(applier.Applier, linger_seconds=3600.0)
    notes = Notes(Path(folder))
    lab = opened(path)
    define(wf.WorkflowRuntime(), notes)
    say(f"o {sum(not run.status.is_terminal for run in lab.runs.list())}")
    planned = [] if mode == "finish" else [f"{KINDS[n % len(KINDS)]}-{round_number}-{n}" for n in range(STARTS_IN_A_ROUND)]
    driver = Driver(lab, notes, planned)
    for thread in driver.threads:
        thread.start()
    if mode != "finish":
        threading.Event().wait()
    for thread in driver.threads:
        thread.join(FINISH_SECONDS)
    if driver.failure is not None:
        raise driver.failure
    for run in lab.runs.list():
        lab.get(run.instance_id).result(FINISH_SECONDS)
    lab.close()


def begun(path: str, folder: str, round_number: int, mode: str) -> int:
    """A process that lives such a life; its id."""
    process = os.fork()
    if process:
        return process
    code = 1
    try:
        live(path, folder, round_number, mode)
        code = 0
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(code)


def main(path: str, folder: str) -> None:
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "a thread is lost in a fork, with the locks that it holds"
    process = 0
    while line := sys.stdin.readline():
        match line.split():
            case ["live", number, mode]:
                process = begun(path, folder, int(number), mode)
            case ["kill" | "wait" as what]:
                if what == "kill":
                    os.kill(process, signal.SIGKILL)
                say(f"e {os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])}")


if __name__ == "__main__":
    main(*sys.argv[1:])
