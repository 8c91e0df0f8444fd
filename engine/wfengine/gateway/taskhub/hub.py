"""Where the engine meets the programs elsewhere: what it asks on its own thread is done on the gateway's loop, in order.

All that is said of executions and streams lives on the loop. The engine's thread keeps two facts of its own: which apps have a worker, and which
executions' histories are at hand.
"""

import asyncio
import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Any

from wfengine.gateway.blocking import Blocking
from wfengine.gateway.taskhub.executions import Told
from wfengine.gateway.taskhub.scalars import failure, payload, text
from wfengine.gateway.taskhub.streams import MOST_OF_NEW, MOST_OF_OLD, Attempt, Desk, Stream, Turn
from wfengine.gateway.taskhub.telling import passed_on
from wfengine.gateway.wire import taskhub_pb2 as pb
from wfengine.model.history import TaskCompleted, TaskFailed
from wfengine.model.work import HistoryRow
from wfengine.runtime.engine import Engine
from wfengine.runtime.executor import WorkItem
from wfengine.runtime.worker import ActivityJob, Outcome

MOST_BYTES = 4 * 1024 * 1024 * 95 // 100
"""What a worker is sent at most: gRPC's clients take 4 MiB unless told otherwise."""
_log = logging.getLogger("wfengine")


class Hub:
    """The engine's way to workers (`Elsewhere`), and the workers' way to the engine. `attach` makes it the engine's.

    `app_id` None is the lab's own app. Methods say whose they are: the engine's thread, or the loop.
    """

    def __init__(
        self,
        engine: Engine,
        loop: asyncio.AbstractEventLoop,
        blocking: Blocking,
        *,
        most_kept: int = 10_000,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self.engine = engine
        self.blocking = blocking
        self._loop = loop
        self._most_kept = most_kept
        self._most_bytes = most_bytes
        self._with_workers: frozenset[str | None] = frozenset()
        self._kept: OrderedDict[int, str | None] = OrderedDict()
        self._calls: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._is_rung = False
        self._lock = threading.Lock()
        self._told: dict[int, Told] = {}
        self._desks: dict[str | None, Desk] = {}

    def attach(self) -> None:
        """From now on the engine has what is not registered made here. Called from any thread but the loop's and the engine's."""
        self.engine.attach(self)

    def detach(self) -> None:
        """No more. What workers have is given back. Likewise."""
        self.engine.detach()
        self._post(self._close)

    # The engine's thread asks.

    def has_workers(self, app_id: str | None) -> bool:
        """Whether a program of this app is connected."""
        return app_id in self._with_workers

    def keeps(self, key: int) -> bool:
        """Whether a program of its app is connected and the history of this execution at hand."""
        return key in self._kept and self._kept[key] in self._with_workers

    def dispatch(self, item: WorkItem) -> None:
        """Have a worker make this turn."""
        key = item.instance.key
        if item.past is not None:  # else it is kept
            self._kept[key] = item.instance.app_id
            if len(self._kept) > self._most_kept:
                self._drop_oldest(key)
        else:
            self._kept.move_to_end(key)
        self._post(self._take_turn, item)

    def _drop_oldest(self, but: int) -> None:
        oldest = next(iter(self._kept))
        if oldest != but:
            self.drop(oldest)

    def recorded(self, key: int, rows: Sequence[HistoryRow]) -> None:
        """The last turn of this execution was recorded."""
        self._post(self._note, key, rows)

    def recall(self, key: int) -> None:
        """Nobody waits for its turn any more."""
        self._post(self._recall, key)

    def drop(self, key: int) -> None:
        """The execution has ended, or is told its whole past when it is needed again."""
        if self._kept.pop(key, 0) != 0:
            self._post(self._drop, key)

    def start(self, job: ActivityJob) -> None:
        """Have a worker make this attempt."""
        self._post(self._take_attempt, job)

    def give_up_on(self, job: ActivityJob) -> None:
        """Nothing: a worker cannot be stopped, and what it says is late."""

    def _post(self, call: Callable[..., None], *arguments: Any) -> None:
        """Have the loop do it, in order; one ring for all that gathers until it comes."""
        with self._lock:
            self._calls.append((call, arguments))
            if self._is_rung:
                return
            self._is_rung = True
        try:
            self._loop.call_soon_threadsafe(self._take_in)
        except RuntimeError:  # the loop is closed: the gateway is gone, and the engine will be told
            _log.debug("The gateway's loop is closed.")

    def _take_in(self) -> None:
        with self._lock:
            calls, self._calls = self._calls, deque()
            self._is_rung = False
        for call, arguments in calls:
            try:
                call(*arguments)
            except Exception:  # noqa: BLE001  # one bad item must not lose the others
                _log.exception("The gateway failed at %s.", getattr(call, "__name__", call))

    # The loop does.

    def desk(self, app_id: str | None) -> Desk:
        """What is under way at this app's programs."""
        found = self._desks.get(app_id)
        if found is None:
            found = self._desks[app_id] = Desk(most_bytes=self._most_bytes, began=_began)
        return found

    def join(self, stream: Stream) -> None:
        """A worker has opened a stream."""
        self._with_workers |= {stream.app_id}
        self.desk(stream.app_id).join(stream)
        self.engine.workers_came(stream.app_id)

    def leave(self, stream: Stream) -> None:
        """It has ended."""
        desk = self.desk(stream.app_id)
        if len(desk.streams) == 1 and stream in desk.streams:  # before it gives anything back
            self._with_workers -= {stream.app_id}
        desk.leave(stream)

    def count_workers(self, app_id: str | None) -> int:
        """How many workers of this app are connected; any thread may ask."""
        desk = self._desks.get(app_id)
        return 0 if desk is None else len(desk.streams)

    def told(self, key: int) -> list[pb.HistoryEvent] | None:
        """The recorded part of an execution's history, as its worker was told it; None where it is not kept."""
        found = self._told.get(key)
        return None if found is None else found.past

    def _take_turn(self, item: WorkItem) -> None:
        key = item.instance.key
        told = self._told.get(key)
        if told is None or item.past is not None:
            told = self._told[key] = Told(item.instance, item.past or ())
        told.take(item)
        self.desk(item.instance.app_id).offer(Turn(item, told))

    def _take_attempt(self, job: ActivityJob) -> None:
        task, instance = job.task, job.instance
        request = pb.ActivityRequest(
            name=task.name,
            input=text(task.input),
            workflowInstance=pb.WorkflowInstance(instanceId=instance.instance_id, executionId=text(str(instance.key))),
            taskId=task.event_id,
            taskExecutionId=task.task_execution_id,
            propagatedHistory=passed_on(task.propagated),
        )
        app_id = instance.app_id if task.app_id is None else task.app_id
        self.desk(app_id).offer(Attempt(job, request))

    def _note(self, key: int, rows: Sequence[HistoryRow]) -> None:
        told = self._told.get(key)
        if told is not None:
            told.recorded(rows)

    def _recall(self, key: int) -> None:
        told = self._told.get(key)
        if told is not None:
            self.desk(told.instance.app_id).recall(key)

    def _drop(self, key: int) -> None:
        told = self._told.pop(key, None)
        if told is not None:
            self.desk(told.instance.app_id).drop(key)

    def _close(self) -> None:
        self._with_workers = frozenset()
        for desk in self._desks.values():
            for stream in list(desk.streams):
                stream.close()
                desk.leave(stream)

    # Workers answer.

    def turn_done(self, app_id: str | None, response: pb.WorkflowResponse) -> None:
        """A worker has made a turn. What nobody waits for is passed over."""
        work = self.desk(app_id).complete(response.completionToken, (response.instanceId, None))
        if not isinstance(work, Turn) or work.item.answer is None:
            return
        try:
            outcome = work.told.result(response)
        except Exception as error:  # noqa: BLE001  # whatever a worker sends, the engine gets an answer
            _log.exception("A worker's answer for %s could not be read.", response.instanceId)
            outcome = failure(
                pb.TaskFailureDetails(errorType="BadResponse", errorMessage=f"The worker's answer could not be read: {error}")
            )
        work.item.answer(outcome)

    def attempt_done(self, app_id: str | None, response: pb.ActivityResponse) -> None:
        """A worker has made an attempt; likewise."""
        work = self.desk(app_id).complete(response.completionToken, (response.instanceId, response.taskId))
        if not isinstance(work, Attempt):
            return
        outcome: Outcome
        task = work.job.task
        if response.HasField("failureDetails"):
            outcome = TaskFailed(
                occurred_at=task.occurred_at, task_scheduled_id=task.event_id, failure=failure(response.failureDetails), worker="program"
            )
        else:
            outcome = TaskCompleted(
                occurred_at=task.occurred_at, task_scheduled_id=task.event_id, result=payload(response.result), worker="program"
            )
        work.job.done(work.job, outcome)


def stream_of(app_id: str | None, request: pb.GetWorkItemsRequest) -> Stream:
    """A worker's stream, as it says of itself."""
    capabilities = set(request.capabilities)
    return Stream(
        app_id=app_id,
        is_stateful=pb.WORKER_CAPABILITY_STATEFUL_HISTORY in capabilities,
        wants_pings=pb.WORKER_CAPABILITY_HEALTH_PING in capabilities,
        most=MOST_OF_NEW if capabilities else MOST_OF_OLD,
    )


def _began(attempt: Attempt) -> None:
    if attempt.job.began is not None:
        attempt.job.began(attempt.job, time.monotonic())
