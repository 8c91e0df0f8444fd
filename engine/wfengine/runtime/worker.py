"""Activities at work: functions on our own daemon threads, coroutine functions on a loop of their own.

No ThreadPoolExecutor: its threads are joined at exit, and a kernel with a busy one is killed before it can say goodbye. An idle thread takes
the next job; a new one is made only while none is idle and fewer than `most_threads` exist.
"""

import asyncio
import inspect
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from queue import Empty, SimpleQueue

import msgspec

from wfengine.errors import NonRetryableError
from wfengine.model.failure import failure_of
from wfengine.model.history import TaskCompleted, TaskFailed, TaskScheduled
from wfengine.model.instance import Instance
from wfengine.model.payload import from_json, to_json
from wfengine.runtime.registry import Definition

Outcome = TaskCompleted | TaskFailed


class WorkflowActivityContext:
    """What an activity gets as its first argument."""

    def __init__(self, workflow_id: str, task_id: int, task_execution_id: str, attempt: int) -> None:
        self._workflow_id = workflow_id
        self._task_id = task_id
        self._task_execution_id = task_execution_id
        self._attempt = attempt

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


class ActivityJob(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to be made; `done` is called on the worker's thread with what came of it."""

    instance: Instance
    task: TaskScheduled
    definition: Definition
    done: Callable[["ActivityJob", Outcome], None]


class ActivityWorker:
    """Threads and a loop for activities. `start` is called by the engine's thread only."""

    def __init__(self, now: Callable[[], datetime], *, most_threads: int = 100) -> None:
        self._now = now
        self._most_threads = most_threads
        self._jobs: SimpleQueue[ActivityJob | None] = SimpleQueue()
        self._threads = 0
        self._idle = 0
        self._queued = 0
        self._lock = threading.Lock()  # guards the three counts
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, job: ActivityJob) -> None:
        """Begin an attempt as soon as there is room."""
        if job.definition.is_coroutine:
            asyncio.run_coroutine_threadsafe(_run_coroutine(job, _Stopwatch("async", self._now)), self._coroutine_loop())
            return
        with self._lock:
            self._queued += 1
            needs_thread = self._queued > self._idle and self._threads < self._most_threads
            if needs_thread:
                self._threads += 1
                self._idle += 1
        self._jobs.put(job)
        if needs_thread:
            threading.Thread(target=self._work, name="wflab-activity", daemon=True).start()

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

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            with self._lock:
                self._queued -= 1
                self._idle -= 1
            _run_function(job, _Stopwatch("thread", self._now))
            with self._lock:
                self._idle += 1

    def _coroutine_loop(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=_run_loop, args=(self._loop,), name="wflab-async-activities", daemon=True).start()
        return self._loop


class _Stopwatch:
    """The start is told by the engine's clock, which may be virtual; the duration is always real."""

    def __init__(self, worker: str, now: Callable[[], datetime]) -> None:
        self._worker = worker
        self._started_at = now()
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


def _context(job: ActivityJob) -> WorkflowActivityContext:
    return WorkflowActivityContext(job.instance.instance_id, job.task.event_id, job.task.task_execution_id, job.task.attempt)


def _run_function(job: ActivityJob, watch: _Stopwatch) -> None:
    try:
        value = job.definition(_context(job), from_json(job.task.input))
        if inspect.iscoroutine(value):  # a coroutine function under a plain decorator
            value = asyncio.run(value)
        outcome: Outcome = watch.completed(job.task.event_id, _encoded(job, value))
    except BaseException as error:  # noqa: BLE001  # SystemExit and the like are failures of the activity, not of the engine
        outcome = watch.failed(job.task.event_id, error)
    job.done(job, outcome)


async def _run_coroutine(job: ActivityJob, watch: _Stopwatch) -> None:
    try:
        value = await job.definition(_context(job), from_json(job.task.input))
        outcome: Outcome = watch.completed(job.task.event_id, _encoded(job, value))
    except BaseException as error:  # noqa: BLE001  # as above, and CancelledError
        outcome = watch.failed(job.task.event_id, error)
    job.done(job, outcome)


def _encoded(job: ActivityJob, value: object) -> str | None:
    return None if value is None else to_json(value, f"the result of activity {job.task.name!r}")
