"""kill -9 at random moments under load, each time followed by a new process that goes on.

The invariants, checked over the whole record at the end:
A  every acknowledged start and event is in the record, events in the order in which they were acknowledged;
B  every history is numbered from 0 without a gap;
C  every history, replayed by the code that it ran, gives the recorded actions, turn by turn;
D  every activity has one recorded result, and none begins again after its result was recorded;
E  every instance has completed, with the right output.
The test counts its work and fails when that is too little to mean anything. `WFLAB_SEED` repeats the choice of moments.
"""

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import pytest

import wflab as wf
from tests.faults.invariants import check_numbers, check_replay
from tests.faults.loaded_lab import TICKS, Notes, define, expected, number_of
from wfengine.model.history import TaskCompleted
from wfengine.model.instance import Instance
from wfengine.model.work import HistoryRow

PROGRAM = Path(__file__).with_name("loaded_lab.py")
KILLS = 1000 if os.environ.get("WFLAB_LONG") else 200
MODES = ("load", "restless", "behind")
LONGEST_LIFE_SECONDS = 0.25
ONE_IN_EIGHT = 8
PATIENCE_SECONDS = 60.0
FINISH_SECONDS = 300.0


class Victims:
    """One process at work after the other, each from its start to its kill."""

    def __init__(self, path: Path, notes: Path) -> None:
        self._complaints = notes / "complaints"
        with self._complaints.open("wb") as complaints:
            self._process = subprocess.Popen(
                [sys.executable, str(PROGRAM), str(path), str(notes)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                start_new_session=True,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # a process with threads cannot be forked safely
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        self.said = ""

    def begin(self, number: int, mode: str) -> None:
        self.said = ""
        self._tell(f"live {number} {mode}")

    def wait_for(self, word: str, seconds: float = PATIENCE_SECONDS) -> bool:
        """Whether the one at work said so in time."""
        deadline = time.monotonic() + seconds
        while f"\n{word}" not in f"\n{self.said}" and (left := deadline - time.monotonic()) > 0:
            ready, _, _ = select.select([self._output], [], [], left)
            if ready:
                if not (piece := os.read(self._output.fileno(), 1 << 16)):
                    break
                self.said += piece.decode()
        return f"\n{word}" in f"\n{self.said}"

    def kill_after(self, seconds: float) -> None:
        time.sleep(seconds)  # the moment is what chance has chosen
        self._tell("kill")
        assert self.wait_for("e -9\n"), f"it ended by itself. {self.complaint}"

    def finish(self) -> None:
        """Let it come to its own end."""
        self._tell("wait")
        assert self.wait_for("e 0\n", FINISH_SECONDS), self.complaint

    @property
    def complaint(self) -> str:
        return f"{self.said[-200:]} {self._complaints.read_text()[-2000:]}"

    def _tell(self, line: str) -> None:
        self._input.write(f"{line}\n".encode())
        self._input.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()


@dataclass
class Work:
    """What a campaign has done."""

    kills: int = 0
    kills_while_opening: int = 0
    acknowledged: int = 0
    executions: int = 0
    repeated: int = 0
    taken_up: int = 0
    replayed: int = 0
    completed: Counter[str] = field(default_factory=Counter)


History = tuple[Callable[..., Any] | None, Instance, list[HistoryRow]]


@dataclass(frozen=True)
class Record:
    """All that there is to check when everything has ended."""

    acknowledged: list[list[Any]]
    ran: list[list[Any]]
    runs: list[tuple[Any, ...]]
    events: list[tuple[Any, ...]]
    histories: Sequence[History]

    @classmethod
    def read(cls, path: Path, notes: Path) -> "Record":
        side = Notes(notes)
        with wf.Lab(path) as lab, lab.engine.store.cursor() as cursor:
            runs = cursor.execute("SELECT instance_id, status, output, name FROM instances").fetchall()
            events = cursor.execute(
                "SELECT key, sequence, instance_id, type, event_id, task_execution_id, epoch(occurred_at), data FROM events "
                "ORDER BY key, sequence"
            ).fetchall()
            keys = [key for (key,) in cursor.execute("SELECT key FROM executions").fetchall()]
            define(wf.WorkflowRuntime(), side)
            found = lab.engine.registry.find
            of = lab.engine.store.histories(keys)
            histories = [(found("workflow", one.name), one, of[one.key]) for one in lab.engine.store.instances(keys)]
        return cls(side.read("acknowledged"), side.read("ran"), runs, events, histories)


def campaign(path: Path, notes: Path, chance: random.Random, kills: int) -> Work:
    """Kill, go on, and so forth; at last let everything come to its end."""
    work = Work()
    with Victims(path, notes) as victims:
        for number in range(kills):
            victims.begin(number, MODES[number % len(MODES)])
            if number % ONE_IN_EIGHT == ONE_IN_EIGHT - 1:
                victims.kill_after(chance.uniform(0.0, LONGEST_LIFE_SECONDS))
                work.kills_while_opening += not victims.wait_for("a", 0)
            else:
                assert victims.wait_for("a"), f"kill {number}: nothing was acknowledged. {victims.complaint}"
                victims.kill_after(chance.uniform(0.0, LONGEST_LIFE_SECONDS))
            work.kills += 1
            work.taken_up += sum(int(line[2:]) for line in victims.said.splitlines() if line.startswith("o "))
        victims.begin(kills, "finish")
        victims.finish()
    return work


def check(record: Record, work: Work) -> None:
    """A to E of the docstring above."""
    _check_acknowledged(record, work)
    _check_numbers(record)
    _check_replays(record, work)
    _check_activities(record, work)
    _check_outcomes(record, work)


def _check_acknowledged(record: Record, work: Work) -> None:
    known = {instance_id for instance_id, *_ in record.runs}
    raised = {(instance_id, data) for _, _, instance_id, kind, _, _, _, data in record.events if kind == "EventRaised"}
    for what, instance_id, *rest in record.acknowledged:
        assert instance_id in known, f"the acknowledged start of {instance_id} is lost"
        assert what == "start" or (instance_id, str(rest[0])) in raised, f"the acknowledged event {rest[0]} of {instance_id} is lost"
    work.acknowledged = len(record.acknowledged)


def _check_numbers(record: Record) -> None:
    expected_next: Counter[int] = Counter()
    for key, sequence, instance_id, *_ in record.events:
        assert sequence == expected_next[key], f"the history of {instance_id} has {sequence} where {expected_next[key]} follows"
        expected_next[key] += 1


def _check_replays(record: Record, work: Work) -> None:
    for workflow, instance, rows in record.histories:
        assert workflow is not None, f"workflow {instance.name} is not defined"
        check_numbers(instance, rows)
        work.replayed += check_replay(workflow, instance, rows, is_thorough=False)


def _check_activities(record: Record, work: Work) -> None:
    scheduled = {(key, event_id): execution for key, _, _, kind, event_id, execution, _, _ in record.events if kind == "TaskScheduled"}
    recorded: dict[str, float] = {}
    for key, _, instance_id, kind, event_id, _, at, _ in record.events:
        if kind == "TaskCompleted":
            execution = scheduled[key, event_id]
            assert execution not in recorded, f"{instance_id} has two results of one activity"
            recorded[execution] = at
    assert len(recorded) == len(scheduled), "an activity has no result although its workflow completed"
    times = Counter(execution for _, execution, _ in record.ran)
    for instance_id, execution, began_at in record.ran:
        assert began_at <= recorded[execution], f"an activity of {instance_id} ran again after its result was recorded"
    assert max(times.values()) <= 1 + work.kills
    assert set(times) == set(recorded), "a result was recorded of an activity that never ran"
    work.executions = len(record.ran)
    work.repeated = sum(count - 1 for count in times.values())


def _check_outcomes(record: Record, work: Work) -> None:
    lost = {instance_id for _, _, instance_id, *_ in record.events} - {instance_id for instance_id, *_ in record.runs}
    assert not lost, f"there is a history of {lost}, and no instance"
    for instance_id, status, output, kind in record.runs:
        assert status == "COMPLETED", f"{instance_id} is {status}"
        root, _, child = instance_id.partition(":")
        result = json.loads(output)
        if kind == "ticks":  # an event that was recorded and not acknowledged before the kill was sent again
            assert result == sorted(result), f"{instance_id} saw its events in the order {result}"
            result = sorted(set(result))
        assert result == expected(kind, number_of(root)), f"{instance_id} returned {result}"
        work.completed["child" if child else kind] += 1


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_nothing_acknowledged_is_lost_and_nothing_recorded_runs_again_however_often_the_process_is_killed(tmp_path: Path) -> None:
    seed = int(os.environ.get("WFLAB_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"WFLAB_SEED={seed}")  # noqa: T201  # to repeat it
    notes = tmp_path / "notes"
    notes.mkdir()
    began = time.monotonic()
    work = campaign(tmp_path / "wflab.duckdb", notes, random.Random(seed), KILLS)
    spent = time.monotonic() - began
    record = Record.read(tmp_path / "wflab.duckdb", notes)
    check(record, work)
    print(f"{work} in {spent:.0f} s")  # noqa: T201  # the work done
    assert work.kills == KILLS
    assert work.kills_while_opening <= KILLS // ONE_IN_EIGHT
    assert work.acknowledged >= 30 * KILLS, "too few acknowledgements to mean anything"
    assert sum(work.completed.values()) >= 20 * KILLS, "too few instances to mean anything"
    assert work.replayed >= 100 * KILLS, "too few turns replayed to mean anything"
    assert all(work.completed[kind] >= KILLS for kind in ("chain", "fan", "family", "timed", "ticks", "child"))
    assert work.repeated >= KILLS // 2, "the kills hit too few activities at work to mean anything"
    assert work.taken_up >= 2 * KILLS, "too few instances were under way at the kills to mean anything"
    random.Random(seed).shuffle(record.runs)  # they come in no order: whichever is first, its fault must be found
    for planted in planted_faults(record):
        with pytest.raises(AssertionError):
            check(planted, Work(kills=KILLS))


def planted_faults(record: Record) -> list[Record]:
    """Records with a fault each, which the checks must not miss."""
    events, ran, runs = record.events, record.ran, record.runs
    lost_event = next(event for event in events if event[3] == "EventRaised" and event[7] == str(TICKS - 1))
    completed = next(event for event in events if event[3] == "TaskCompleted")
    last = ran[-1]
    instance_id, _, output, name = runs[0]
    workflow, instance, rows = next(history for history in record.histories if history[1].name == "chain")
    result = next(row for row in rows if isinstance(row.event, TaskCompleted))
    wrong = msgspec.structs.replace(result, event=msgspec.structs.replace(result.event, result="-1"))
    other_past = [(workflow, instance, [wrong if row is result else row for row in rows])]
    return [
        replace(record, runs=runs[1:]),
        replace(record, acknowledged=[*record.acknowledged, ["start", "chain-9999-0"]]),
        replace(record, events=[event for event in events if event[2] != lost_event[2] or event[7] != lost_event[7]]),
        replace(record, events=[event for event in events if event is not completed]),
        replace(record, events=[*events, completed]),
        replace(record, ran=[*ran, [last[0], last[1], time.time()]]),
        replace(record, runs=[(instance_id, "RUNNING", output, name), *runs[1:]]),
        replace(record, runs=[(instance_id, "COMPLETED", "[-1]", name), *runs[1:]]),
        replace(record, histories=other_past),
    ]
