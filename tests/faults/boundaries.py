"""A process that plays a pattern again and again, each time killed at another commit boundary, for test_every_boundary.py beside it. Not a test.

    boundaries.py FOLDER PATTERN

It forks before any thread or database exists, so a life costs no imports. A *boundary* is a moment at the k-th sync of the journal:

    unwritten   before the commits are written (as if the machine had lost them)
    synced      synced, not acknowledged, nothing of their effects let go
    twice       synced, and the life that recovers is killed at one of its own first commits, too
    unsynced    written, not synced; a kill leaves the same bytes as `synced`, so this one is for the long form

Each boundary is a lab of its own: a life that is killed there, then one that goes on with it to the end and checks the record. On stdout one
report per boundary, as JSON. k grows until a life survives; the report of that one is the uninterrupted run.
"""

import itertools
import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec

from tests.faults.invariants import check_numbers, check_replay, check_results, check_wake_up
from tests.patterns.patterns import FORMS, PATTERNS, WORKFLOWS, Form, Pattern, register, until, waits_for
from wfengine.model.history import EventRaised, TaskRestarted
from wfengine.runtime.engine import Engine
from wfengine.runtime.worker import WorkflowActivityContext
from wfengine.store.journal import Journal
from wfengine.store.store import Store

Moment = Literal["unwritten", "unsynced", "synced", "twice"]
MOMENTS: tuple[Moment, ...] = ("unwritten", "synced", "twice", *(("unsynced",) if os.environ.get("WFLAB_LONG") else ()))
LANES = 2
PATIENCE_SECONDS = 30.0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What the last life at a boundary found. `histories` are event types by instance and generation, `ran` activity and idempotency key
    of each execution; `trouble` says why there is nothing to report.
    """

    moment: Moment = "unwritten"
    number: int = 0
    form: Form = "generator"
    deaths: int = 0
    output: str | None = None
    histories: dict[str, list[str]] = {}
    ran: list[tuple[str, str]] = []
    acknowledged: int = 0
    turns_replayed: int = 0
    trouble: str = ""


class Life:
    """One process's time with a lab, which may end at a boundary."""

    def __init__(self, folder: Path, pattern: Pattern, form: Form) -> None:
        self._pattern = pattern
        self._form: Form = form
        self._path = folder / "lab.duckdb"
        self._ran = folder / "ran"
        self._acknowledged = folder / "acknowledged"
        self.told = folder / "report"

    def play(self) -> None:
        """Bring the pattern to its end, from wherever it stands, and write the report."""
        store = Store.open(self._path)
        for instance, rows in store.live():
            check_wake_up(instance, rows)
        engine = Engine(store)
        engine.start()
        register(engine, self._form, self._note_run)
        self._check_acknowledged(engine)
        self._bring_on(engine)
        self._check_acknowledged(engine)
        self.told.write_bytes(msgspec.json.encode(self._report(store)))

    def _bring_on(self, engine: Engine) -> None:
        """Do what is left to do, and note what is acknowledged."""
        pattern = self._pattern
        if engine.key_of(pattern.name) is None:
            engine.schedule_new_workflow(pattern.name, input=pattern.input, instance_id=pattern.name)
            _append(self._acknowledged, "start")
        for name, data in pattern.raised:
            until(engine, lambda name=name: waits_for(engine, pattern.name, name))  # type: ignore[misc]
            if name not in _raised(engine, pattern.name):
                engine.raise_workflow_event(pattern.name, name, data=data)
                _append(self._acknowledged, name)
        engine.wait_for_workflow_completion(pattern.name, PATIENCE_SECONDS)

    def _report(self, store: Store) -> Report:
        """Check the record and tell what is in it."""
        histories: dict[str, list[str]] = {}
        turns = 0
        with store.cursor() as cursor:
            keys = [key for (key,) in cursor.execute("SELECT key FROM executions ORDER BY key").fetchall()]
        for instance in store.instances(keys):
            rows = store.history(instance.key)
            check_numbers(instance, rows)
            check_results(instance, rows)
            assert instance.status.is_terminal, f"{instance.instance_id} has not ended"
            turns += check_replay(WORKFLOWS[self._form][instance.name], instance, rows)
            types = [type(row.event).__name__ for row in rows if not isinstance(row.event, TaskRestarted)]
            histories[f"{instance.instance_id}/{instance.generation}"] = types
        ended = store.find(self._pattern.name)
        assert ended is not None
        return Report(
            output=ended.output,
            histories=histories,
            ran=[(name, execution) for name, execution in map(json.loads, _lines(self._ran))],
            acknowledged=len(_lines(self._acknowledged)),
            turns_replayed=turns,
        )

    def _check_acknowledged(self, engine: Engine) -> None:
        """A: what this lab has acknowledged in an earlier life is there."""
        for what in _lines(self._acknowledged):
            assert engine.key_of(self._pattern.name) is not None, "the acknowledged start is lost"
            assert what == "start" or what in _raised(engine, self._pattern.name), f"the acknowledged event {what} is lost"

    def _note_run(self, ctx: WorkflowActivityContext, name: str, _given: Any) -> None:
        _append(self._ran, json.dumps([name, ctx.task_execution_id]))


def _raised(engine: Engine, instance_id: str) -> list[str]:
    return [row.event.name for row in engine.history(instance_id) if isinstance(row.event, EventRaised)]


def _append(path: Path, line: str) -> None:
    """One write, so that a line is whole or not there whenever the process dies."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def die_at(moment: Moment, number: int) -> None:
    """From now on this process is killed at its `number`-th sync."""
    write, sync = Journal.write, Journal.sync
    left = itertools.count(number, -1)  # writes that fail do not happen here, so each has its sync
    last = False

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def write_then_perhaps_die(self: Journal, batch: list[Any]) -> None:
        nonlocal last
        last = next(left) == 1
        if last and moment == "unwritten":
            die()
        write(self, batch)

    def sync_then_perhaps_die(self: Journal) -> None:
        if last and moment == "unsynced":
            die()
        sync(self)
        if last:
            die()

    vars_of_class: Any = Journal
    vars_of_class.write, vars_of_class.sync = write_then_perhaps_die, sync_then_perhaps_die


def in_a_child(work: Callable[[], None]) -> int:
    """Do it in a forked process; gives how that ended: 0, or the signal's number negated. What it raises ends it with 1."""
    pid = os.fork()
    if not pid:
        try:
            work()
        except BaseException:  # noqa: BLE001  # told by the exit code, and to whoever reads stderr
            traceback.print_exc()
            os._exit(1)
        os._exit(0)  # without a goodbye, as the record needs none
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def boundary(folder: Path, pattern: Pattern, moment: Moment, number: int) -> Report:
    """Die there, recover, check."""
    form = FORMS[(number + MOMENTS.index(moment)) % len(FORMS)]
    folder.mkdir()
    life = Life(folder, pattern, form)
    deaths = 0
    plans: list[tuple[Moment, int] | None] = [(moment, number), None]
    if moment == "twice":
        plans = [("synced", number), ("synced", 1 + number % 3), None]
    for plan in plans:

        def live(plan: tuple[Moment, int] | None = plan) -> None:
            if plan is not None:
                die_at(*plan)
            life.play()

        match in_a_child(live):
            case 0 if plan is None or not deaths:
                break
            case -9 if plan is not None:
                deaths += 1
            case 0:
                continue  # the second death did not come: so little was left to do
            case code:
                return Report(moment=moment, number=number, form=form, deaths=deaths, trouble=f"a life ended with {code}")
    report = msgspec.json.decode(life.told.read_bytes(), type=Report)
    shutil.rmtree(folder)
    return msgspec.structs.replace(report, moment=moment, number=number, form=form, deaths=deaths)


def lane(folder: Path, pattern: Pattern, first: int) -> None:
    """Every LANES-th boundary of each moment (for two deaths, every second of those), until a life survives."""
    for moment in MOMENTS:
        for number in itertools.count(first, LANES * 2 if moment == "twice" else LANES):
            report = boundary(folder / f"{moment}-{number}", pattern, moment, number)
            os.write(1, msgspec.json.encode(report) + b"\n")
            if not report.deaths:
                break


def main(folder: str, name: str) -> None:
    pattern = next(pattern for pattern in PATTERNS if pattern.name == name)
    lanes = []
    for first in range(1, LANES + 1):
        pid = os.fork()
        if not pid:
            lane(Path(folder), pattern, first)
            os._exit(0)
        lanes.append(pid)
    sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in lanes))


if __name__ == "__main__":
    main(*sys.argv[1:])
