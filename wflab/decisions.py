"""Where a person's answer to an event wait is decided, whoever gives it: the run's display, the inbox, the sidebar, `%wf approve`, `run.approve()`.

Each wait takes one answer, and its deadline, once it has passed, takes all that come later. The engine decides that, with its turn; here an
answer is checked against the declared schema before, and who comes too late is told who was first. Callers may sit on any thread, also
the kernel's shell channel: what they ask is only enqueued, for a thread that may read the record.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from datetime import datetime
from queue import SimpleQueue
from typing import Any, NamedTuple

import msgspec

from wfengine.condition import Answer
from wfengine.core.waits import WaitKey
from wfengine.errors import EnginePaused, EngineStopped, InstanceNotFound, InvalidArgument, WaitOver, WflabError
from wfengine.model.instance import Instance, Status
from wfengine.model.work import AuditRow
from wfengine.runtime.engine import Engine
from wflab.analytics.sources import source_of_races
from wflab.analytics.steps import Step, steps_of
from wflab.answers import check, plain_answer
from wflab.protocol import Act, Notice

_PATIENCE_SECONDS = 0.5
_FIRST_ACT = "SELECT what, occurred_at FROM audit WHERE instance = $key AND who = $who AND ends_with(what, $event) ORDER BY position DESC"
_log = logging.getLogger(__name__)


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """How a wait was decided. `won`: by this very answer; else `reason` says by what, and `who`, `verb` and `at` are those of the answer that was first.

    `who` and `verb` are empty where nobody answered, or nothing is known of them.
    """

    won: bool
    at: datetime
    who: str = ""
    verb: str = ""
    reason: str = ""


class _Given(NamedTuple):
    """An answer as it was asked for. `is_plain`: a bare yes or no, to be put in the schema's terms."""

    instance_id: str
    wait_id: str
    event: str
    data: Any
    verb: str
    where: str
    comment: str | None
    key: int | None
    is_plain: bool = False


class Decisions:
    """One per lab. `audit` makes the row that an act is recorded with; `notes_made` grows with each note."""

    def __init__(self, engine: Engine, audit: Callable[[str, str], AuditRow]) -> None:
        self._engine = engine
        self._audit = audit
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self.notes_made = 0

    def decide(
        self,
        instance_id: str,
        wait_id: str,
        event: str,
        data: Any,
        *,
        verb: str,
        where: str,
        comment: str | None = None,
        key: int | None = None,
    ) -> "Future[Decided]":
        """Answer the wait `wait_id` (as pictures name it) with `data`; returns at once, and the future comes to know how it was decided.

        `key` is the execution that was looked at: without it, the id's newest. The future fails with InvalidArgument where `data` does not fit the
        schema of the wait, with InstanceNotFound, PayloadError, EngineStopped; then nothing was delivered and the wait is as it was.
        """
        decided: Future[Decided] = Answer()
        given = _Given(instance_id, wait_id, event, data, verb, where, comment, key)
        self._do(decided, lambda: self._decide(decided, given))
        return decided

    def answer(self, act: Act, instance_id: str, where: str, told: Callable[[Notice], None]) -> None:
        """As `decide`, for a page: `told` gets what it is to be told, on any thread; nothing where the answer counts, as its picture will say so."""
        verb = act.verb or ("respond" if not isinstance(act.data, bool) else "approve" if act.data else "reject")
        decided = self.decide(instance_id, act.wait_id, act.event, act.data, verb=verb, where=where, comment=act.comment, key=act.key)
        decided.add_done_callback(lambda done: told(_notice(done, act.token)))

    def decide_and_wait(self, instance_id: str, wait_id: str, event: str, data: Any, *, verb: str, where: str, key: int) -> Decided:
        """As `decide`, and wait for it. A yes or no (True, False) becomes what the schema makes of it. Raises as the future, and EnginePaused."""
        decided: Future[Decided] = Answer()
        given = _Given(instance_id, wait_id, event, data, verb, where, None, key, is_plain=isinstance(data, bool))
        self._do(decided, lambda: self._decide(decided, given))
        while True:
            with suppress(FutureTimeout):
                return decided.result(_PATIENCE_SECONDS)
            if self._engine.trouble is not None and not decided.done():
                raise EnginePaused(f"{self._engine.trouble} This answer is not acknowledged yet; it takes effect when there is room.")

    def note(self, instance_id: str, what: str, *, where: str, why: str | None = None, key: int | None = None) -> "Future[None]":
        """Record an act beside the answers: whom a question was handed to, until when it was put off."""
        noted: Future[None] = Answer()
        row = msgspec.structs.replace(self._audit(what, where), instance_id=instance_id, key=key, why=why)
        self._do(noted, lambda: self._engine.record_act_soon(row).add_done_callback(lambda done: self._noted(done, noted)))
        return noted

    def outcome(self, instance_id: str, wait_id: str, event: str, *, key: int) -> Decided:
        """What became of a wait that is open no more, from the record."""
        given = _Given(instance_id, wait_id, event, None, "", "", None, key)
        return self._explain(WaitOver(instance_id), given, WaitKey(key, _number(wait_id)))

    def close(self) -> None:
        """Carry out nothing more."""
        self._is_closed = True
        self._jobs.put(None)

    # On the own thread.

    def _do(self, answer: "Future[Any]", job: Callable[[], None]) -> None:
        def carry_out() -> None:
            try:
                job()
            except WflabError as error:
                _fail(answer, error)
            except Exception as error:  # noqa: BLE001  # whatever it is, whoever waits is told
                _log.exception("an answer could not be carried out")
                _fail(answer, error)

        self._jobs.put(carry_out)
        if self._is_closed:
            self._refuse_all()
            _fail(answer, EngineStopped("The lab is closed. Open it again to go on."))
            return
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="wflab-decisions", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
        self._refuse_all()

    def _refuse_all(self) -> None:
        """Each job fails by itself: the engine refuses."""
        while not self._jobs.empty():
            job = self._jobs.get()
            if job is not None:
                job()

    def _decide(self, decided: "Future[Decided]", given: "_Given") -> None:
        engine, instance_id = self._engine, given.instance_id
        newest = engine.key_of(instance_id)
        if newest is None:
            raise InstanceNotFound(instance_id, "It was purged, or never was.")
        wait = WaitKey(newest if given.key is None else given.key, _number(given.wait_id))
        schema = self._schema(instance_id, wait)
        data = plain_answer(schema, is_yes=given.data) if given.is_plain else given.data
        check(schema, data, given.event)
        audit = msgspec.structs.replace(self._audit(f"{given.verb} {given.event}", given.where), why=given.comment or None)
        raised = engine.raise_workflow_event_soon(instance_id, given.event, data=data, audit=audit, if_waiting=wait)
        raised.add_done_callback(lambda done: self._settle(decided, done, given, wait, audit))

    def _noted(self, done: "Future[None]", noted: "Future[None]") -> None:
        self.notes_made += 1
        error = done.exception()
        if error is not None:
            noted.set_exception(error)
        else:
            noted.set_result(None)

    def _schema(self, instance_id: str, wait: WaitKey) -> str | None:
        found = (
            one for one in self._engine.awaited(instance_id) if one.instance.key == wait.execution and one.event.event_id == wait.event_id
        )
        return next((one.wait.schema for one in found), None)

    def _settle(self, decided: "Future[Decided]", done: "Future[None]", given: "_Given", wait: WaitKey, audit: AuditRow) -> None:
        """On the engine's thread."""
        error = done.exception()
        if error is None:
            decided.set_result(Decided(won=True, who=audit.who, verb=given.verb, at=audit.at))
        elif isinstance(error, WaitOver):
            over = error
            self._do(decided, lambda: decided.set_result(self._explain(over, given, wait)))
        else:
            _fail(decided, error)

    def _explain(self, over: WaitOver, given: "_Given", wait: WaitKey) -> Decided:
        """Who or what was first, from the record."""
        if over.how == "timed out" and over.at is not None:
            return _timed_out(over.at)
        engine = self._engine
        instance = engine.get_workflow_state(given.instance_id)
        if instance is None:
            return Decided(won=False, at=engine.now(), reason="it was purged and waits for nothing any more")
        step = self._step(instance, wait)
        if step is None or step.ended_at is None:
            return _ended(instance)
        if step.note == "timed out":
            return _timed_out(step.ended_at)
        who = step.raised_by or ""
        verb = self._verb(wait.execution, who, given.event)
        reason = f"already decided by {who} at {_clock(step.ended_at)}" if who else f"already decided at {_clock(step.ended_at)}"
        return Decided(won=False, who=who, verb=verb, at=step.ended_at, reason=reason)

    def _step(self, newest: Instance, wait: WaitKey) -> Step | None:
        same = newest.key == wait.execution
        instance = newest if same else msgspec.structs.replace(newest, key=wait.execution, status=Status.CONTINUED_AS_NEW)
        rows = self._engine.store.history(wait.execution)
        steps = steps_of(instance, rows, source=source_of_races(self._engine, wait.execution, rows))
        found = next((step for step in steps if step.id == f"a{wait.event_id}"), None)
        if found is not None and found.note == "lost the race":  # to a timer beside it, which has the moment
            fired = [step for step in steps if step.kind == "timer" and step.turn == found.turn and step.ended_at is not None]
            return msgspec.structs.replace(found, note="timed out", ended_at=fired[0].ended_at) if fired else None
        return found

    def _verb(self, key: int, who: str, event: str) -> str:
        """What whoever was first called it."""
        with self._engine.store.cursor() as cursor:
            row = cursor.execute(_FIRST_ACT, {"key": key, "who": who, "event": f" {event}"}).fetchone()
        return "" if row is None else str(row[0]).partition(" ")[0]


def _timed_out(at: datetime) -> Decided:
    return Decided(won=False, at=at, reason=f"timed out at {_clock(at)}, the workflow took the timeout branch")


def _ended(instance: Instance) -> Decided:
    reason = f"{instance.name} is {instance.status} since {_clock(instance.updated_at)}: it waits for nothing any more"
    waits_on = f"{instance.name} does not wait for this any more"
    return Decided(won=False, at=instance.updated_at, reason=reason if instance.status.is_terminal else waits_on)


def _clock(at: datetime) -> str:
    return at.astimezone().strftime("%H:%M:%S")


def _number(wait_id: str) -> int:
    """The action's number in a wait's name."""
    if not wait_id.startswith("a") or not wait_id[1:].isdecimal():
        raise InvalidArgument(f"There is no wait {wait_id!r}; reload the page, which may be from another release.")
    return int(wait_id[1:])


def _notice(done: "Future[Decided]", token: str) -> Notice:
    error = done.exception()
    if error is not None:
        return Notice(text=str(error), token=token, level="error")
    decided = done.result()
    return Notice(text="" if decided.won else decided.reason, token=token)


def _fail(future: "Future[Any]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)
