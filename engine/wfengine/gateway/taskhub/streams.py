"""Work on its way to the programs of an app: streams that workers hold open, and what waits for room on one. Everything here runs on the gateway's loop.

A worker takes whatever is sent, and some lose what they have no room for (Dapr's JavaScript SDK the 111th item), so each stream has a bound of its own for
turns and for attempts. What a stream had when it ended goes to another one, or back to the engine where there is none.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from wfengine.gateway.taskhub.executions import Told
from wfengine.gateway.wire import taskhub_pb2 as pb
from wfengine.model.failure import FailureDetails
from wfengine.model.history import TaskFailed
from wfengine.runtime.executor import Lost, WorkItem
from wfengine.runtime.worker import ActivityJob

MOST_OF_OLD, MOST_OF_NEW = 50, 1000
"""How many turns, and how many attempts, a stream has at a time: of a worker that says nothing of itself, and of one that does."""


@dataclass(slots=True, eq=False)
class Turn:
    """A turn to be made. `told` has the history."""

    item: WorkItem
    told: Told
    token: str = ""

    @property
    def place(self) -> tuple[str, int | None]:
        """How a worker that gives no token back names it."""
        return self.item.instance.instance_id, None


@dataclass(slots=True, eq=False)
class Attempt:
    """An attempt of an activity to be made; `request` is what the worker is sent."""

    job: ActivityJob
    request: pb.ActivityRequest
    token: str = ""

    @property
    def place(self) -> tuple[str, int | None]:
        """Likewise."""
        return self.job.instance.instance_id, self.job.task.event_id


Work = Turn | Attempt


@dataclass(slots=True, eq=False)
class Stream:
    """One worker's open stream. `warm` says how much of an execution's past its worker has."""

    app_id: str | None
    is_stateful: bool = False
    wants_pings: bool = False
    most: int = MOST_OF_OLD
    outgoing: deque[bytes] = field(default_factory=deque)
    bell: asyncio.Event = field(default_factory=asyncio.Event)
    turns: dict[str, Turn] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    warm: dict[int, int] = field(default_factory=dict)
    is_open: bool = True

    def send(self, message: bytes) -> None:
        """Put a message on its way."""
        self.outgoing.append(message)
        self.bell.set()

    def close(self) -> None:
        """Say goodbye."""
        self.is_open = False
        self.bell.set()

    def has_room(self, work: Work) -> bool:
        """Whether it may be given this."""
        return len(self.turns if isinstance(work, Turn) else self.attempts) < self.most


class Desk:
    """What is under way at the programs of one app."""

    def __init__(self, *, most_bytes: int, began: Callable[[Attempt], None]) -> None:
        self.streams: list[Stream] = []
        self._most_bytes = most_bytes
        self._began = began
        self._turns: deque[Turn] = deque()
        self._attempts: deque[Attempt] = deque()
        self._under_way: dict[str, tuple[Stream, Work]] = {}
        self._places: dict[tuple[str, int | None], str] = {}
        self._homes: dict[int, Stream] = {}
        self._prefix, self._numbers = secrets.token_hex(8), count()

    # Workers.

    def join(self, stream: Stream) -> None:
        """A worker has opened a stream."""
        self.streams.append(stream)
        self._pump()

    def leave(self, stream: Stream) -> None:
        """It has ended: what it had goes to others, or back."""
        if stream not in self.streams:
            return
        self.streams.remove(stream)
        self._homes = {key: home for key, home in self._homes.items() if home is not stream}
        had: list[Work] = [*stream.turns.values(), *stream.attempts.values()]
        for work in had:
            self._forget(work)
        self._turns.extendleft(reversed(stream.turns.values()))
        self._attempts.extendleft(reversed(stream.attempts.values()))
        stream.turns.clear()
        stream.attempts.clear()
        if self.streams:
            self._pump()
        else:
            self.give_back("Its worker is gone: start the program again, or another one of its app.")

    def give_back(self, reason: str) -> None:
        """Nobody is there to make what waits."""
        turns, self._turns = self._turns, deque()
        for turn in turns:
            if turn.item.answer is not None:
                turn.item.answer(Lost(reason))
        attempts, self._attempts = self._attempts, deque()
        for attempt in attempts:
            attempt.job.done(attempt.job, None)

    # Work.

    def offer(self, work: Work) -> None:
        """Send it to a worker as soon as one has room."""
        (self._turns if isinstance(work, Turn) else self._attempts).append(work)  # type: ignore[arg-type]
        if self.streams:
            self._pump()
        else:
            self.give_back("No program of its app is connected: start one.")

    def recall(self, key: int) -> None:
        """Nobody waits for a turn of this execution any more."""
        for stream, work in list(self._under_way.values()):
            if isinstance(work, Turn) and work.item.instance.key == key:
                self._end(stream, work)
        self._turns = deque(turn for turn in self._turns if turn.item.instance.key != key)

    def drop(self, key: int) -> None:
        """The execution has ended."""
        self._homes.pop(key, None)
        for stream in self.streams:
            stream.warm.pop(key, None)

    def complete(self, token: str, place: tuple[str, int | None]) -> Work | None:
        """What a worker says is done; None where nobody waits for that (any more). Without a token, what was sent to this place last."""
        found = self._under_way.get(token or self._places.get(place, ""))
        if found is None or found[1].place != place:
            return None
        self._end(*found)
        return found[1]

    def _end(self, stream: Stream, work: Work) -> None:
        (stream.turns if isinstance(work, Turn) else stream.attempts).pop(work.token, None)
        self._forget(work)
        self._pump()

    def _forget(self, work: Work) -> None:
        self._under_way.pop(work.token, None)
        if self._places.get(work.place) == work.token:
            del self._places[work.place]

    def _pump(self) -> None:
        """Send what there is room for."""
        for waiting in (self._turns, self._attempts):
            while waiting and (stream := self._choose(waiting[0])) is not None:
                self._send(stream, waiting.popleft())

    def _choose(self, work: Work) -> Stream | None:
        if isinstance(work, Turn):
            home = self._homes.get(work.item.instance.key)
            if home is not None and home.has_room(work):
                return home
            return min((one for one in self.streams if one.has_room(work)), key=lambda one: len(one.turns), default=None)
        return min((one for one in self.streams if one.has_room(work)), key=lambda one: len(one.attempts), default=None)

    def _send(self, stream: Stream, work: Work) -> None:
        work.token = f"{self._prefix}-{next(self._numbers)}"
        if isinstance(work, Turn):
            message = _turn_message(stream, work)
        else:
            message = pb.WorkItem(activityRequest=work.request, completionToken=work.token).SerializeToString()
        if len(message) > self._most_bytes:
            _refuse(work, len(message), self._most_bytes)
            return
        self._under_way[work.token] = stream, work
        self._places[work.place] = work.token
        if isinstance(work, Turn):
            stream.turns[work.token] = work
            self._homes[work.item.instance.key] = stream
            if stream.is_stateful:
                stream.warm[work.item.instance.key] = len(work.told.past)
        else:
            stream.attempts[work.token] = work
            self._began(work)
        stream.send(message)


def _turn_message(stream: Stream, turn: Turn) -> bytes:
    told, instance = turn.told, turn.item.instance
    known = stream.warm.get(instance.key, 0)
    if not 0 < known <= len(told.past):
        known = 0
    request = pb.WorkflowRequest(
        instanceId=instance.instance_id, pastEvents=told.past[known:], newEvents=told.new, propagatedHistory=told.propagated
    )
    request.executionId.value = str(instance.key)
    if instance.app_id is not None:
        request.router.sourceAppID = instance.app_id
    if known:
        request.cachedHistory.eventCount = known
    return pb.WorkItem(workflowRequest=request, completionToken=turn.token).SerializeToString()


def _refuse(work: Work, size: int, most: int) -> None:
    """It is larger than a worker would take, and would end the stream."""
    message = f"It takes {size:,} bytes to tell a worker of this, and a worker takes at most {most:,}. Pass less, or raise the limit on both sides."
    failure = FailureDetails(message=message, error_type="PayloadSizeExceeded")
    if isinstance(work, Attempt):
        task = work.job.task
        work.job.done(work.job, TaskFailed(occurred_at=task.occurred_at, task_scheduled_id=task.event_id, failure=failure))
    elif work.item.answer is not None:
        work.item.answer(failure)
