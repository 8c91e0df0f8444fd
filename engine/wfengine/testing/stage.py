"""The stage of a play: all instances of one workflow's family, what is due to happen to them, and the virtual time.

What happens first: what is there; then an offered event that somebody waits for; then whatever is due next, to which time jumps.
"""

import heapq
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from wfengine.core.transitions import Transition, new_instance
from wfengine.errors import WflabError
from wfengine.model.failure import FailureDetails
from wfengine.model.history import (
    ChildWorkflowInstanceCompleted,
    ChildWorkflowInstanceCreated,
    ChildWorkflowInstanceFailed,
    EventRaised,
    EventWait,
    ExecutionStarted,
    HistoryEvent,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from wfengine.model.instance import Instance, ParentInstance
from wfengine.model.payload import from_json, to_json
from wfengine.runtime.registry import Definition
from wfengine.runtime.worker import WorkflowActivityContext
from wfengine.testing.answers import Answered, Answers
from wfengine.testing.noticing import NoticingContext
from wfengine.testing.twice import PlayedTwice

MOST_TURNS = 10_000


class NeverEnds(WflabError):
    """A played workflow waits for what cannot happen any more, or goes on and on; the message says which, and for what."""


class Event(msgspec.Struct, frozen=True):
    """An external event: raised as soon as somebody waits for it, or once `after` has passed since the start.

    It goes to the workflow that waits for it, parents first; one with `after` to the workflow itself, unless `instance_id` names a child.
    """

    name: str
    data: Any = None
    after: timedelta = timedelta(0)
    instance_id: str | None = None


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of an activity, an inline step or a child workflow, in the order they were asked for."""

    name: str
    kind: Literal["activity", "step", "workflow"]
    input: Any
    attempt: int
    is_over: bool = False
    result: Any = None
    failure: FailureDetails | None = None

    @property
    def outcome(self) -> Any:
        """What came of it: the failure, or else the result."""
        return self.result if self.failure is None else self.failure


class Played:
    """One execution on the stage. It is ready for a turn while its inbox holds something."""

    def __init__(self, definition: Definition, instance: Instance, inbox: list[HistoryEvent], answers: Answers) -> None:
        self.definition = definition
        self.inbox = inbox
        self.turns = PlayedTwice(lambda context, payload: definition(NoticingContext(context, answers), payload), instance)

    @property
    def instance(self) -> Instance:
        """Its present state."""
        return self.turns.instance

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or handed on to its next generation."""
        return self.instance.status.is_terminal


class Stage:
    """All instances of one play, what is due, and the virtual time."""

    def __init__(self, answers: Answers, events: Sequence[Event], began: datetime) -> None:
        self._answers = answers
        self.now = began
        self._played: dict[int, Played] = {}
        self._by_id: dict[str, Played] = {}
        self._ready: deque[Played] = deque()
        self._due: list[tuple[datetime, int, int | str, HistoryEvent | Event]] = []
        self.unraised = list(events)
        self._claimed: set[str] = set()  # in the turn under way
        self._keys = 0
        self._order = 0
        self.generations: list[Played] = []  # of the instance that the play is about
        self.calls: list[Call] = []
        self._places: dict[tuple[int, int], int] = {}

    def play(self, definition: Definition, started: ExecutionStarted, timeout: timedelta | None, *, most_generations: int) -> None:
        """Until the first instance ends, or `timeout` has passed."""
        instance, rows = new_instance(self._next_key(), started)
        self._begin(definition, instance, [row.event for row in rows])
        for event in self.unraised:
            if event.after:
                self._at(self.now + event.after, event.instance_id or started.instance_id, event)
        deadline = None if timeout is None else self.now + timeout
        turns = 0
        while not self.generations[-1].is_over:
            if self._ready:
                turns += 1
                self._turn(self._ready.popleft())
                self._expect_an_end(turns, most_generations if timeout is None else MOST_TURNS)
            elif not self._offer() and not self._wait(deadline):
                break

    def close(self) -> None:
        """Drop whoever is still suspended."""
        for played in self._played.values():
            played.turns.close()

    # What happens next.

    def _expect_an_end(self, turns: int, most_generations: int) -> None:
        if turns < MOST_TURNS and len(self.generations) <= most_generations:
            return
        so_far = f"{turns} turns" if turns >= MOST_TURNS else f"continuing as new {most_generations} times (most_generations)"
        raise NeverEnds(
            f"Workflow {self.generations[0].instance.name!r} has not ended after {so_far}; its last event is at {self.now:%Y-%m-%d %H:%M:%S}. "
            "To look at a workflow that goes on for ever, pass timeout=timedelta(...): so much virtual time will pass."
        )

    def _offer(self) -> bool:
        """Raise the first event that somebody waits for."""
        for event in [event for event in self.unraised if not event.after]:
            for played in self._played.values():
                fits = event.instance_id in {None, played.instance.instance_id}
                if fits and not played.is_over and event.name.casefold() in played.turns.awaited_events():
                    self._deliver(played, self._raised(event))
                    return True
        return False

    def _wait(self, deadline: datetime | None) -> bool:
        """Let time pass until something is due; False where the deadline comes first."""
        while self._due:
            moment, _, to, event = self._due[0]
            if deadline is not None and moment > deadline:
                break
            heapq.heappop(self._due)
            played = self._played.get(to) if isinstance(to, int) else self._by_id.get(to)
            if played is None or played.is_over:
                continue
            self.now = max(self.now, moment)
            self._deliver(played, self._raised(event) if isinstance(event, Event) else event)
            return True
        if deadline is None:
            raise NeverEnds(self._told(self.generations[-1]))
        self.now = deadline
        return False

    def _raised(self, event: Event) -> EventRaised:
        self.unraised.remove(event)
        data = None if event.data is None else to_json(event.data, f"the data of event {event.name!r}")
        return EventRaised(occurred_at=self.now, name=event.name, input=data)

    def _told(self, played: Played) -> str:
        """A sentence for the instance, and one for each child that it waits for."""
        names = [name for name in _waits_of(played) if name.casefold() in played.turns.awaited_events()]
        children = [other for other in self._played.values() if not other.is_over and _parent_key(other.instance) == played.instance.key]
        waits = [f"for the external event {name!r}" for name in names]
        waits += [f"for its child {child.instance.name!r} ({child.instance.instance_id})" for child in children]
        what = " and ".join(waits) or "for a task that nothing settles"
        advice = f" Raise it: run(..., events=[Event({names[0]!r}, data)])." if names else ""
        return " ".join([f"Workflow {played.instance.name!r} waits for ever {what}.{advice}", *map(self._told, children)])

    # A turn and what follows from it.

    def _turn(self, played: Played) -> None:
        inbox, played.inbox = played.inbox, []
        seen = len(played.turns.history)
        _, transition = played.turns.turn(inbox, now=self.now, claim_key=self._claim)
        for timer in transition.timers:
            if timer.fire_at is not None:
                fired = TimerFired(occurred_at=max(self.now, timer.fire_at), timer_id=timer.event_id, fire_at=timer.fire_at)
                self._at(timer.fire_at, played.instance.key, fired)
        for event in played.turns.history[seen:]:
            if isinstance(event, TaskScheduled | ChildWorkflowInstanceCreated):
                self._called(played, event)
        for task in transition.activities:
            self._perform(played, task)
        self._start(played, transition)
        self._claimed.clear()
        for failed in transition.unstartable:
            self._deliver(played, failed)
        if transition.to_parent is not None:
            self._tell_parent(played.instance.parent, transition.to_parent)

    def _start(self, played: Played, transition: Transition) -> None:
        for instance, rows in transition.started:
            events = [row.event for row in rows]
            if instance.instance_id == played.instance.instance_id:
                self._begin(played.definition, instance, events)
            elif instance.parent is not None:
                definition = self._answers.child(instance)
                if definition is not None:
                    self._begin(definition, instance, events)
                else:
                    came = self._answers.of_child(instance)
                    self._answer(came.after, instance.parent.key, _child_outcome(instance.parent.task_id, came, self.now + came.after))

    def _perform(self, played: Played, task: TaskScheduled) -> None:
        context = WorkflowActivityContext(
            played.instance.instance_id, task.event_id, task.task_execution_id, task.attempt, propagated=task.propagated
        )
        came = self._answers.of_attempt(task, context, played.turns.inline(task.event_id))
        if task.timeout_s is not None and came.after.total_seconds() > task.timeout_s:
            limit = timedelta(seconds=task.timeout_s)
            told = f"Activity {task.name!r} had not ended after {task.timeout_s:g} s, its timeout."
            came = Answered(failure=FailureDetails(message=told, error_type="ActivityTimeoutError"), after=limit)
        self._answer(came.after, played.instance.key, _task_outcome(task.event_id, came, self.now + came.after))

    def _tell_parent(self, parent: ParentInstance | None, event: ChildWorkflowInstanceCompleted | ChildWorkflowInstanceFailed) -> None:
        waiting = None if parent is None else self._played.get(parent.key)
        if waiting is not None and not waiting.is_over:
            self._deliver(waiting, event)

    def _begin(self, definition: Definition, instance: Instance, inbox: list[HistoryEvent]) -> None:
        played = Played(definition, instance, inbox, self._answers)
        self._played[instance.key] = self._by_id[instance.instance_id] = played
        if not self.generations or instance.instance_id == self.generations[0].instance.instance_id:
            self.generations.append(played)
        self._ready.append(played)

    def _deliver(self, played: Played, event: HistoryEvent) -> None:
        self._note_outcome(played.instance.key, event)
        if not played.inbox:
            self._ready.append(played)
        played.inbox.append(event)

    def _answer(self, after: timedelta, to: int, event: HistoryEvent) -> None:
        if after:
            self._at(self.now + after, to, event)
        else:
            self._deliver(self._played[to], event)

    def _at(self, moment: datetime, to: int | str, event: HistoryEvent | Event) -> None:
        """`to` is an execution by its key, or an instance, whichever its generation then, by its id."""
        self._order += 1
        heapq.heappush(self._due, (moment, self._order, to, event))

    # The list of calls.

    def _called(self, played: Played, event: TaskScheduled | ChildWorkflowInstanceCreated) -> None:
        kind: Literal["activity", "step", "workflow"] = "workflow"
        if isinstance(event, TaskScheduled):
            kind = "step" if event.is_inline else "activity"
        self._places[played.instance.key, event.event_id] = len(self.calls)
        self.calls.append(Call(name=event.name, kind=kind, input=from_json(event.input), attempt=event.attempt))

    def _note_outcome(self, key: int, event: HistoryEvent) -> None:
        match event:
            case (
                TaskCompleted(task_scheduled_id=task_id, result=result)
                | ChildWorkflowInstanceCompleted(task_scheduled_id=task_id, result=result)
            ):
                place = self._places[key, task_id]
                self.calls[place] = msgspec.structs.replace(self.calls[place], is_over=True, result=from_json(result))
            case (
                TaskFailed(task_scheduled_id=task_id, failure=failure)
                | ChildWorkflowInstanceFailed(task_scheduled_id=task_id, failure=failure)
            ):
                place = self._places[key, task_id]
                self.calls[place] = msgspec.structs.replace(self.calls[place], is_over=True, failure=failure)

    # Keys.

    def _claim(self, instance_id: str | None) -> int | None:
        if instance_id is not None:
            live = self._by_id.get(instance_id)
            if instance_id in self._claimed or (live is not None and not live.is_over):
                return None
            self._claimed.add(instance_id)
        return self._next_key()

    def _next_key(self) -> int:
        self._keys += 1
        return self._keys


def _waits_of(played: Played) -> list[str]:
    """The names that it has waited for, in its own spelling, each once."""
    names = {
        timer.origin.name.casefold(): timer.origin.name
        for timer in played.turns.history
        if isinstance(timer, TimerCreated) and isinstance(timer.origin, EventWait)
    }
    return list(names.values())


def _parent_key(instance: Instance) -> int | None:
    return None if instance.parent is None else instance.parent.key


def _task_outcome(task_id: int, came: Answered, moment: datetime) -> TaskCompleted | TaskFailed:
    if came.failure is not None:
        return TaskFailed(occurred_at=moment, task_scheduled_id=task_id, failure=came.failure)
    return TaskCompleted(occurred_at=moment, task_scheduled_id=task_id, result=came.result)


def _child_outcome(task_id: int, came: Answered, moment: datetime) -> ChildWorkflowInstanceCompleted | ChildWorkflowInstanceFailed:
    if came.failure is not None:
        return ChildWorkflowInstanceFailed(occurred_at=moment, task_scheduled_id=task_id, failure=came.failure)
    return ChildWorkflowInstanceCompleted(occurred_at=moment, task_scheduled_id=task_id, result=came.result)
