"""The view `spans` tells of a history, in SQL, what `wflab.analytics.spans` lays out of it in Python: compared here row by row.

What only the source or the live engine knows (lines, groups, who is held up) the view does not have, and its timers have no names of their own.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import wflab as wf
from tests.engine.store.desk import BEGIN, moment
from tests.waiting import eventually
from wfengine.model import history as h
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import Instance, ParentInstance, Status
from wfengine.model.work import Commit, HistoryRow
from wfengine.store import appending, migrating
from wfengine.store.appending import Entry
from wfengine.store.database import Progress
from wfengine.store.rows import naive
from wflab.analytics.fingerprints import fingerprint
from wflab.analytics.spans import spans_of

pytestmark = pytest.mark.slow

WITHIN_SECONDS = 30.0
SHARED = (
    "instance_id", "generation", "span_id", "parent_id", "call_id", "kind", "name", "attempt", "attempts", "sequence", "event_id", "queued_at",
    "started_at", "ended_at", "fire_at", "state", "phase", "outcome", "error_type", "error_message", "error_fp", "compensates", "bytes_in",
    "bytes_out", "worker", "raised_by", "child_id", "late_at", "restarts", "rerun_of",
)  # fmt: skip


def in_sql(cursor: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    found = cursor.execute(f"SELECT {', '.join(SHARED)} FROM spans").fetchall()  # noqa: S608
    return sorted((dict(zip(SHARED, row, strict=True)) for row in found), key=lambda row: row["span_id"])


def in_python(instance: Instance, rows: list[HistoryRow]) -> list[dict[str, Any]]:
    told = []
    for span in spans_of(instance, rows):
        fields = {name: value for name, value in msgspec.structs.asdict(span).items() if name in SHARED}
        fields = {name: naive(value) if isinstance(value, datetime) else value for name, value in fields.items()}
        told.append({**fields, "state": str(span.state), "name": "timer" if span.kind == "timer" else span.name})
    return sorted(told, key=lambda row: row["span_id"])


# Real runs.


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[wf.Lab]:
    with wf.Lab(tmp_path / "orders.duckdb") as lab:
        lab.clock.virtual()
        yield lab


def agreed(lab: wf.Lab) -> list[dict[str, Any]]:
    """All spans of the lab, once both sides have told the same."""
    store = lab.engine.store
    with store.cursor() as cursor:
        told = in_sql(cursor)
        keys = [key for (key,) in cursor.execute("SELECT key FROM executions").fetchall()]
    expected = [span for one in store.instances(keys) for span in in_python(one, store.history(one.key))]
    assert told == sorted(expected, key=lambda row: row["span_id"])
    return told


def kinds(told: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return sorted((row["kind"], row["state"], row["outcome"]) for row in told)


def test_a_retry_then_a_success(lab: wf.Lab) -> None:
    tries = []

    def charge(_: Any, __: Any) -> str:
        tries.append(1)
        if len(tries) < 3:
            raise ValueError(f"card {len(tries)} declined")
        return "paid"

    def order(ctx: Any, _: Any) -> Any:
        policy = wf.RetryPolicy(first_retry_interval=timedelta(seconds=5), max_number_of_attempts=3)
        return (yield ctx.call_activity("charge", retry_policy=policy))

    wf.WorkflowRuntime(lab=lab).register_activity(charge, name="charge")
    wf.WorkflowRuntime(lab=lab).register_workflow(order, name="order")
    run = lab.start("order")
    eventually(lambda: len(tries) == 1 and "again" in run.why())
    told = agreed(lab)
    assert [row["phase"] for row in told] == ["executing", "backoff"]
    lab.clock.advance(timedelta(minutes=1))
    assert run.result(WITHIN_SECONDS) == "paid"
    assert kinds(agreed(lab)) == [
        ("activity", "COMPLETED", "returned"),
        ("activity", "FAILED", "failed"),
        ("activity", "FAILED", "failed"),
        ("workflow", "COMPLETED", "returned"),
    ]


@pytest.mark.parametrize("is_approved", [True, False])
def test_a_race_of_an_event_and_a_timer(lab: wf.Lab, *, is_approved: bool) -> None:
    def order(ctx: Any, _: Any) -> Any:
        approval, timeout = ctx.wait_for_external_event("approval"), ctx.create_timer(timedelta(days=7))
        winner = yield wf.when_any([approval, timeout])
        yield ctx.create_timer(timedelta(days=1))
        return winner is approval

    wf.WorkflowRuntime(lab=lab).register_workflow(order, name="order")
    run = lab.start("order", None, "order-1")
    lab.engine.wait_for_workflow_start("order-1", WITHIN_SECONDS)
    agreed(lab)
    if is_approved:
        run.approve("approval")
        eventually(lambda: len(run.history()) == 5)
    lab.clock.advance(timedelta(hours=1) if is_approved else timedelta(days=7, hours=1))
    won = next(row for row in agreed(lab) if row["outcome"] in {"raised", "fired"} and row["event_id"] in {0, 1})
    lost = next(row for row in agreed(lab) if row["event_id"] in {0, 1} and row is not won and row["outcome"] not in {"raised", "fired"})
    assert (lost["phase"], lost["ended_at"]) == ("waiting", None), "only the source tells that it has lost"
    told = run.spans()
    told = told[told["outcome"] == "cancelled"]
    assert told["kind"].tolist() == ["timer" if is_approved else "event_wait"]
    assert [naive(at) for at in told["ended_at"]] == [won["ended_at"]]
    lab.clock.advance(timedelta(days=1))
    assert run.result(WITHIN_SECONDS) is is_approved
    agreed(lab)


def test_children_a_fan_out_and_a_next_generation(lab: wf.Lab) -> None:
    def score(_: Any, number: int) -> int:
        if number == 7:
            raise KeyError(number)
        return number

    def part(ctx: Any, number: int) -> Any:
        return (yield ctx.call_activity("score", input=number))

    def order(ctx: Any, generation: int) -> Any:
        yield wf.when_all([ctx.call_activity("score", input=n) for n in range(5)])
        yield ctx.call_child_workflow("part", input=1)
        ctx.schedule_new_workflow("part", input=2, instance_id=f"aside-{generation}")
        try:
            yield ctx.call_child_workflow("part", input=7)
        except wf.TaskFailedError:
            if generation < 2:
                ctx.continue_as_new(generation + 1)

    wf.WorkflowRuntime(lab=lab).register_activity(score, name="score")
    for function in (part, order):
        wf.WorkflowRuntime(lab=lab).register_workflow(function, name=function.__name__)
    lab.start("order", 0).result(WITHIN_SECONDS)
    lab.clock.advance(timedelta(0))
    told = agreed(lab)
    found = kinds(told)
    assert found.count(("can", "CONTINUED_AS_NEW", "continued")) == 2
    assert found.count(("child", "COMPLETED", "detached")) == 3
    assert found.count(("child", "FAILED", "failed")) == 3
    assert found.count(("activity", "COMPLETED", "returned")) == 3 * 7
    child_runs = [row for row in told if row["kind"] == "workflow" and row["parent_id"] is not None]
    assert {row["parent_id"] for row in child_runs} == {row["span_id"] for row in told if row["outcome"] in {"returned", "failed"}} & {
        row["span_id"] for row in told if row["kind"] == "child"
    }


def test_a_suspension_an_unasked_event_and_a_termination(lab: wf.Lab) -> None:
    def order(ctx: Any, _: Any) -> Any:
        yield ctx.wait_for_external_event("approval", timeout=timedelta(days=1))

    wf.WorkflowRuntime(lab=lab).register_workflow(order, name="order")
    run = lab.start("order", None, "order-1")
    lab.engine.wait_for_workflow_start("order-1", WITHIN_SECONDS)
    run.raise_event("note", "hello")
    run.suspend()
    agreed(lab)
    run.resume()
    run.suspend()
    run.terminate()
    assert kinds(agreed(lab)) == [
        ("event_wait", "CANCELED", "cancelled"),
        ("event_wait", "COMPLETED", "buffered"),
        ("suspend", "CANCELED", "cancelled"),
        ("suspend", "COMPLETED", "resumed"),
        ("workflow", "TERMINATED", "terminated"),
    ]


def test_a_saga_undone_and_its_rerun(lab: wf.Lab) -> None:
    def act(_: Any, number: int) -> int:
        if number == 2:
            raise ValueError("no seats")
        return number

    def trip(ctx: Any, _: Any) -> Any:
        saga = wf.Saga(ctx)
        try:
            yield saga.step("act", undo="undo", input=1)
            yield saga.step("act", undo="undo", input=2)
        except wf.TaskFailedError:
            yield from saga.compensate()

    def undo(_: Any, number: int) -> int:
        return number

    for function in (act, undo):
        wf.WorkflowRuntime(lab=lab).register_activity(function, name=function.__name__)
    wf.WorkflowRuntime(lab=lab).register_workflow(trip, name="trip")
    run = lab.start("trip", None, "trip/1")
    run.result(WITHIN_SECONDS)
    run.rerun(0).result(WITHIN_SECONDS)
    told = agreed(lab)
    [first, second] = [row for row in told if row["kind"] == "workflow"]
    assert (first["rerun_of"], second["rerun_of"]) == (None, "trip/1")
    assert [row["compensates"] for row in told if row["name"] == "undo"] == [f"{first['span_id']}:a0", f"{second['span_id']}:a0"]


# Every history that can be told.


@pytest.fixture(scope="module")
def tables() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(migrating.script("schema") + migrating.script("views"))
    return connection


Call = h.TaskScheduled | h.ChildWorkflowInstanceCreated


def _pause_after(call: Call) -> h.TimerOrigin:
    if isinstance(call, h.TaskScheduled):
        return h.ActivityRetry(name=call.name, task_execution_id=call.task_execution_id, attempt=call.attempt)
    return h.ChildWorkflowRetry(name=call.name, instance_id=call.instance_id, attempt=call.attempt)


class Telling:
    """A history told word by word; a word that has nothing to be about is passed over."""

    def __init__(self, key: int = 1) -> None:
        self.key = key
        self.rows: list[HistoryRow] = []
        self.turn = 1
        self.is_unseen = False
        self.next_id = 0
        self.calls: list[Call] = []
        self.failed: list[Call] = []
        self.paused: list[Call] = []
        self.timers: list[h.TimerCreated] = []
        self.status = Status.RUNNING
        self.tell(h.ExecutionStarted(occurred_at=BEGIN, name="order", instance_id="order-1", input="[1]", seed="eu/order-0/now/3"))

    @property
    def now(self) -> datetime:
        return moment(len(self.rows))

    def tell(self, event: Any) -> None:
        self.rows.append(HistoryRow(self.key, len(self.rows), self.turn, event))

    def arrive(self, event: Any) -> None:
        self.rows.append(HistoryRow(self.key, len(self.rows), 0 if self.is_unseen else self.turn, event))

    def ask(self, event: Any) -> Any:
        self.next_id += 1
        self.tell(event)
        return event

    def say(self, word: str) -> None:
        what, *rest = word.split()
        asked: dict[str, Any] = {"occurred_at": self.now, "event_id": self.next_id}
        match what:
            case "turn":
                self.turn, self.is_unseen = self.turn + 1, False
            case "unseen":
                self.is_unseen = True
            case "fire" | "raise" | "suspend" | "resume" | "restart" | "late":
                self._arrives(what, rest)
            case "timer":
                self.timers.append(self.ask(h.TimerCreated(**asked, fire_at=BEGIN)))
            case "wait":
                self.timers.append(self.ask(h.TimerCreated(**asked, fire_at=BEGIN, origin=h.EventWait(name=rest[0], title="?"))))
            case "detached":
                self.ask(h.DetachedWorkflowInstanceCreated(**asked, name="report", instance_id="r", execution=self.next_id % 2 or None))
            case "patch":
                self.tell(h.PatchRecorded(occurred_at=self.now, name="new"))
            case _:
                self._calls(what, rest, asked)

    def _live(self) -> list[Call]:
        """Calls that are not over, or may be tried again: nobody starts a child under the id of one of them."""
        return [*self.calls, *self.failed, *self.paused]

    def _calls(self, what: str, rest: list[str], asked: dict[str, Any]) -> None:
        identity = f"c{self.next_id}"
        match what:
            case "call":
                self.calls.append(self.ask(h.TaskScheduled(**asked, name="charge", task_execution_id=identity, input='{"é": 1}')))
            case "undo" if self.next_id:
                self.calls.append(self.ask(h.TaskScheduled(**asked, name="refund", task_execution_id=identity, compensates=0)))
            case "child" if not any(
                isinstance(call, h.ChildWorkflowInstanceCreated) and call.instance_id == rest[0] for call in self._live()
            ):
                self.calls.append(self.ask(h.ChildWorkflowInstanceCreated(**asked, name="ship", instance_id=rest[0], child_key=7)))
            case "ok" if self.calls:
                self._end(self.calls.pop(0), None)
            case "fail" if self.calls:
                self.failed.append(self.calls.pop(0))
                self._end(self.failed[-1], FailureDetails(f"no. {len(self.rows)}: gone\nand more", rest[0]))
            case "pause" if self.failed:
                call = self.failed.pop()
                self.ask(h.TimerCreated(**asked, fire_at=self.now + timedelta(minutes=1), origin=_pause_after(call)))
                self.paused.append(call)
            case "again" if self.paused:
                call = self.paused.pop()
                self.calls.append(self.ask(msgspec.structs.replace(call, **asked, attempt=call.attempt + 1)))

    def _arrives(self, what: str, rest: list[str]) -> None:
        at: dict[str, Any] = {"occurred_at": self.now}
        match what:
            case "fire" if self.timers:
                self.arrive(h.TimerFired(**at, timer_id=self.timers.pop().event_id, fire_at=BEGIN))
            case "raise":
                self.arrive(h.EventRaised(**at, name=rest[0], input='"ü"', raised_by="ana"))
            case "suspend":
                self.arrive(h.ExecutionSuspended(**at))
            case "resume":
                self.arrive(h.ExecutionResumed(**at))
            case "restart" if self.calls and isinstance(self.calls[0], h.TaskScheduled):
                self.arrive(h.TaskRestarted(**at, task_scheduled_id=self.calls[0].event_id, deaths=1))
            case "late" if self.failed and isinstance(self.failed[0], h.TaskScheduled):
                self.arrive(h.TaskEndedLate(**at, task_scheduled_id=self.failed[0].event_id))

    def _end(self, call: Call, failure: FailureDetails | None) -> None:
        about: dict[str, Any] = {"occurred_at": self.now, "task_scheduled_id": call.event_id}
        timing: dict[str, Any] = {"started_at": self.now, "worker": "w1"}
        match call, failure:
            case h.TaskScheduled(), None:
                self.arrive(h.TaskCompleted(**about, **timing, result="[1]"))
            case h.TaskScheduled(), FailureDetails():
                self.arrive(h.TaskFailed(**about, **timing, failure=failure))
            case _, None:
                self.arrive(h.ChildWorkflowInstanceCompleted(**about, result="[2]"))
            case _, FailureDetails():
                self.arrive(h.ChildWorkflowInstanceFailed(**about, failure=failure))

    def ends(self, status: Status) -> Instance:
        failure = FailureDetails("order 17 is lost", "KeyError") if status in {Status.FAILED, Status.STALLED, Status.SUSPENDED} else None
        if status in {Status.COMPLETED, Status.FAILED, Status.TERMINATED}:
            self.turn += status is not Status.TERMINATED
            self.tell(h.ExecutionCompleted(occurred_at=self.now, status=status, failure=failure))
        elif status is Status.CONTINUED_AS_NEW:
            self.tell(h.ContinuedAsNew(occurred_at=self.now, input="[9]"))
        return Instance(
            key=self.key, instance_id="order-1", name="order", status=status, created_at=BEGIN, updated_at=moment(500), root=self.key, input="[1]",
            parent=ParentInstance(key=9, instance_id="p", name="orders", task_id=3), failure=failure, output='"é"' if failure is None else None,
        )  # fmt: skip


WORDS = st.sampled_from([
    "turn", "turn", "turn", "unseen", "call", "undo", "child a", "child b", "detached", "timer", "timer", "wait x", "wait X", "wait y", "ok",
    "fail ValueError", "fail ActivityTimeoutError", "pause", "again", "fire", "fire", "raise x", "raise x", "raise Y", "suspend", "resume",
    "restart", "late", "patch",
])  # fmt: skip


Told = tuple[list[str], Status]


def compared(tables: duckdb.DuckDBPyConnection, *histories: Told) -> None:
    """Many histories at once: DuckDB takes longer to plan the view than to run it."""
    commits, expected = [], []
    for key, (words, status) in enumerate(histories, start=1):
        telling = Telling(key)
        for word in words:
            telling.say(word)
        instance = telling.ends(status)
        commits.append(Commit(history=telling.rows, runs=[instance]))
        expected += in_python(instance, telling.rows)
    tables.execute("DELETE FROM history; DELETE FROM runs")
    entries = [Entry(number, 1000 * number, commit) for number, commit in enumerate(commits, start=1)]
    appending.append(tables, entries, Progress(0, 1, 1, 1))
    assert in_sql(tables) == sorted(expected, key=lambda row: row["span_id"])


HISTORIES = st.tuples(st.lists(WORDS, max_size=40), st.sampled_from([*Status]))


@settings(max_examples=15, deadline=None)
@given(st.lists(HISTORIES, min_size=1, max_size=12))
def test_whatever_happens_both_lay_out_the_same_spans(tables: duckdb.DuckDBPyConnection, histories: list[Told]) -> None:
    compared(tables, *histories)


RACE = st.lists(st.sampled_from(["timer", "wait x", "wait y"]), min_size=2, max_size=4)
ENDS = st.lists(st.sampled_from(["fire", "raise x", "raise y", "unseen", "turn", "call", "suspend", "resume"]), max_size=8)
RACES = st.tuples(st.builds(lambda race, ends: [*race, "turn", *ends], RACE, ENDS), st.sampled_from([Status.RUNNING, Status.COMPLETED]))


@settings(max_examples=12, deadline=None)
@given(st.lists(RACES, min_size=1, max_size=20))
def test_both_lay_out_timers_and_waits_that_were_asked_for_together_alike(tables: duckdb.DuckDBPyConnection, races: list[Told]) -> None:
    compared(tables, *races)


def test_a_large_payload_has_its_size_though_it_stands_elsewhere(tables: duckdb.DuckDBPyConnection) -> None:
    telling = Telling()
    large = f'"{"é" * 700_000}"'
    telling.ask(h.TaskScheduled(occurred_at=BEGIN, event_id=0, name="charge", task_execution_id="c", input=large))
    instance = telling.ends(Status.RUNNING)
    tables.execute("DELETE FROM history; DELETE FROM runs")
    appending.append(tables, [Entry(1, 1, Commit(history=telling.rows, runs=[instance]))], Progress(0, 1, 1, 1))
    [_, call] = in_sql(tables)
    assert call["bytes_in"] == 1_400_002
    assert [_, call] == in_python(instance, telling.rows)


@settings(max_examples=100, deadline=None)
@given(st.text(alphabet="ab7f3-_#.:, \nZé\"'0x1" + "9" * 3, max_size=80))
def test_both_mask_a_message_alike(tables: duckdb.DuckDBPyConnection, message: str) -> None:
    assert tables.execute("SELECT error_fingerprint('E', ?)", [message]).fetchall() == [(fingerprint("E", message),)]
