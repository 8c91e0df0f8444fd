"""Activities at work: functions on our own daemon threads, coroutine functions on a loop of their own.

No ThreadPoolExecutor: its threads are joined at exit, and a kernel with a busy one is killed before it can say goodbye. An idle thread takes
the next job; a new one is made only while none is idle and fewer than `most_threads` exist.
"""

import asyncio
import inspect
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime
from queue import Empty, SimpleQueue

import msgspec

from wfengine.errors import InvalidArgument, NonRetryableError
from wfengine.model.failure import failure_of
from wfengine.model.history import TaskCompleted, TaskFailed, TaskScheduled
from wfengine.model.instance import Instance
from wfengine.model.payload import from_json, to_json
from wfengine.model.propagation import PropagatedHistory, read_propagated
from wfengine.runtime.activity_cursor import ActivityCursor
from wfengine.runtime.inline import InlineStep
from wfengine.runtime.program import ProgramActivity
from wfengine.runtime.registry import Definition
from wfengine.runtime.transactional import LastWord, Transactions
from wfengine.store.underway import Underway

Outcome = TaskCompleted | TaskFailed
_MOST_WITH_REPLACED = 400  # however many functions hang past their time


class WorkflowActivityContext:
    """What an activity gets as its first argument."""

    def __init__(
        self,
        workflow_id: str,
        task_id: int,
        task_execution_id: str,
        attempt: int,
        cursor: ActivityCursor | None = None,
        *,
        propagated: str | None = None,
    ) -> None:
        self._workflow_id = workflow_id
        self._task_id = task_id
        self._task_execution_id = task_execution_id
        self._attempt = attempt
        self._cursor = cursor
        self._propagated = propagated

    @property
    def workflow_id(self) -> str:
        """The id of the instance that called the activity."""
        return self._workflow_id

    @property
    def task_id(self) -> int:
        """The number of this attempt's action within the instance."""
        return self._task_id

    @property
    def task_execution_id(self) -> str:
        """The idempotency key: the same for all attempts of one call, also after a crash."""
        return self._task_execution_id

    @property
    def attempt(self) -> int:
        """1 for the first try."""
        return self._attempt

    @property
    def cursor(self) -> ActivityCursor:
        """The lab's database, inside the transaction that also records this activity's completion. Raises InvalidArgument elsewhere."""
        if self._cursor is None:
            raise InvalidArgument("ctx.cursor is there in transactional activities only: register this one with transactional=True.")
        return self._cursor

    def get_propagated_history(self) -> PropagatedHistory | None:
        """The history that the call passed on with `propagation=`; None where it passed on none."""
        return None if self._propagated is None else read_propagated(self._propagated)

    def get_inner_context(self) -> "WorkflowActivityContext":
        """Itself; in Dapr, the context that this one wraps, which calls `workflow_id` `orchestration_id`."""
        return self

    @property
    def orchestration_id(self) -> str:
        """As `workflow_id`."""
        return self._workflow_id


class ActivityJob(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to be made. `done` is called on the worker's thread with what came of it; so is `began` at its start, where that counts.

    A program elsewhere may give it back: `done` with None, and it is to be made again.

    `deaths` tells how often the process died while it was at work, `is_repeated` whether it may have run before. `last_word` decides between the
    commit of a transactional activity and its timeout.
    """

    instance: Instance
    task: TaskScheduled
    definition: Definition | InlineStep | ProgramActivity
    done: Callable[["ActivityJob", Outcome | None], None]
    began: Callable[["ActivityJob", float], None] | None = None
    deaths: int = 0
    is_repeated: bool = False
    last_word: LastWord | None = None


class ActivityWorker:
    """Threads and a loop for activities. `start` and `give_up_on` are called by the engine's thread only."""

    def __init__(self, now: Callable[[], datetime], *, underway: Underway, transactions: Transactions, most_threads: int = 100) -> None:
        self._now = now
        self._underway = underway
        self._transactions = transactions
        self._most_threads = most_threads
        self._process = os.getpid()
        self._jobs: SimpleQueue[ActivityJob | None] = SimpleQueue()
        self._threads = 0
        self._idle = 0
        self._queued = 0
        self._timed: set[int] = set()
        self._given_up: set[int] = set()
        self._lock = threading.Lock()  # guards the counts and sets above
        self._coroutines: dict[int, Future[None]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, job: ActivityJob) -> None:
        """Begin an attempt as soon as there is room."""
        if job.definition.is_coroutine:
            running = asyncio.run_coroutine_threadsafe(self._run_coroutine(job), self._coroutine_loop())
            if job.began is not None:
                self._coroutines[id(job)] = running
                running.add_done_callback(lambda _: self._coroutines.pop(id(job), None))
            return
        with self._lock:
            self._queued += 1
            # to start a thread takes long, so the engine's own does it only where nobody is there to do it
            needs_thread = not self._idle and self._takes_thread()
        self._jobs.put(job)
        if needs_thread:
            self._add_thread()

    def give_up_on(self, job: ActivityJob) -> None:
        """Its time is up: cancel a coroutine; another thread may take the place of the one that a function keeps."""
        running = self._coroutines.pop(id(job), None)
        if running is not None:
            running.cancel()
            return
        with self._lock:
            if id(job) not in self._timed:
                return
            self._timed.discard(id(job))
            self._given_up.add(id(job))
            self._most_threads += 1
            needs_thread = self._takes_thread()
        if needs_thread:
            self._add_thread()

    def close(self) -> None:
        """Let idle threads go; busy ones finish their attempt, whose result is late then. Nothing is waited for."""
        with suppress(Empty):
            while True:
                self._jobs.get_nowait()  # nobody would hear of it; it is started again when the lab is opened
        for _ in range(self._threads):
            self._jobs.put(None)
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)

    def _takes_thread(self) -> bool:
        """Whether another thread is needed, and counted already; the lock is held."""
        if self._queued <= self._idle or self._threads >= min(self._most_threads, _MOST_WITH_REPLACED):
            return False
        self._threads += 1
        self._idle += 1
        return True

    def _add_thread(self) -> None:
        try:
            threading.Thread(target=self._work, name="wflab-activity", daemon=True).start()
        except RuntimeError:  # the system has no more threads: what is queued waits for those there are
            with self._lock:
                self._threads -= 1
                self._idle -= 1

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            with self._lock:
                self._queued -= 1
                self._idle -= 1
                if job.began is not None:
                    self._timed.add(id(job))
                needs_thread = self._takes_thread()
            if needs_thread:  # before the function, which may keep this one for long
                self._add_thread()
            outcome = self._run_function(job)
            with self._lock:
                self._timed.discard(id(job))
                is_replaced = id(job) in self._given_up
                if is_replaced:
                    self._given_up.discard(id(job))
                    self._most_threads -= 1
                    self._threads -= 1
                else:
                    self._idle += (
                        1  # before it is told: this thread may make the engine's round then, and is the one to take what that begins
                    )
            job.done(job, outcome)
            if is_replaced:
                return

    def _run_function(self, job: ActivityJob) -> Outcome:
        slot = self._underway.enter(job.instance.key, job.task.event_id, job.deaths)
        watch = self._begun(job, "thread")
        try:
            if job.definition.transactional:
                result = self._in_transaction(job)
            else:
                value = job.definition(_context(job), from_json(job.task.input))
                if inspect.iscoroutine(value):  # a coroutine function under a plain decorator
                    value = asyncio.run(value)
                result = _encoded(job, value)
            outcome: Outcome = watch.completed(job.task.event_id, result)
        except BaseException as error:  # noqa: BLE001  # SystemExit and the like are failures of the activity, not of the engine
            outcome = watch.failed(job.task.event_id, error)
        if os.getpid() != self._process:
            os._exit(int(isinstance(outcome, TaskFailed)))  # the function forked, and the child came back: there is no engine here
        self._underway.leave(slot)
        return outcome

    def _in_transaction(self, job: ActivityJob) -> str | None:
        place = job.instance.key, job.task.event_id
        if job.is_repeated:
            is_committed, result = self._transactions.committed(*place)
            if is_committed:
                return result
        return self._transactions.run(
            *place,
            lambda cursor: _encoded(job, job.definition(_context(job, ActivityCursor(cursor)), from_json(job.task.input))),
            job.last_word,
        )

    async def _run_coroutine(self, job: ActivityJob) -> None:
        slot = self._underway.enter(job.instance.key, job.task.event_id, job.deaths)
        watch = self._begun(job, "async")
        try:
            value = await job.definition(_context(job), from_json(job.task.input))
            outcome: Outcome = watch.completed(job.task.event_id, _encoded(job, value))
        except BaseException as error:  # noqa: BLE001  # as above, and CancelledError
            outcome = watch.failed(job.task.event_id, error)
        self._underway.leave(slot)
        job.done(job, outcome)

    def _begun(self, job: ActivityJob, worker: str) -> "_Stopwatch":
        watch = _Stopwatch(worker, max(self._now(), job.task.occurred_at))  # the clock may have been set back since it was scheduled
        if job.began is not None:
            job.began(job, time.monotonic())
        return watch

    def _coroutine_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=_run_loop, args=(self._loop,), name="wflab-async-activities", daemon=True).start()
        return self._loop


class _Stopwatch:
    """The start is told by the engine's clock, which may be virtual; the duration is always real."""

    def __init__(self, worker: str, now: datetime) -> None:
        self._worker = worker
        self._started_at = now
        self._begin = time.perf_counter()

    def completed(self, task_id: int, result: str | None) -> TaskCompleted:
        return TaskCompleted(
            occurred_at=self._started_at,
            task_scheduled_id=task_id,
            result=result,
            started_at=self._started_at,
            duration_ms=self._duration_ms(),
            worker=self._worker,
        )

    def failed(self, task_id: int, error: BaseException) -> TaskFailed:
        return TaskFailed(
            occurred_at=self._started_at,
            task_scheduled_id=task_id,
            failure=failure_of(error, non_retryable=isinstance(error, NonRetryableError)),
            started_at=self._started_at,
            duration_ms=self._duration_ms(),
            worker=self._worker,
        )

    def _duration_ms(self) -> float:
        return (time.perf_counter() - self._begin) * 1000


def _run_loop(loop: asyncio.AbstractEventLoop) -> None:
    """Until it is stopped; what is under way then is cancelled."""
    try:
        loop.run_forever()
        loop.run_until_complete(_cancel_others())
    finally:
        loop.close()


async def _cancel_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _context(job: ActivityJob, cursor: ActivityCursor | None = None) -> WorkflowActivityContext:
    task = job.task
    return WorkflowActivityContext(
        job.instance.instance_id, task.event_id, task.task_execution_id, task.attempt, cursor, propagated=task.propagated
    )


def _encoded(job: ActivityJob, value: object) -> str | None:
    return None if value is None else to_json(value, f"the result of activity {job.task.name!r}")
