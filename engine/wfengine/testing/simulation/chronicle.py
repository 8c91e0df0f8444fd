"""All that ever became durable, and the promises about it, checked row by row as commits come in.

It is fed on its own, from the bytes that were synced, and remembers what was purged, too: what the engine or its store believe has no
part in it. `Outside` is what the world outside the engine knows to be true: what it raised, and what its activities returned.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime

from wfengine.model.history import (
    ChildWorkflowInstanceCompleted,
    ChildWorkflowInstanceCreated,
    ChildWorkflowInstanceFailed,
    ContinuedAsNew,
    DetachedWorkflowInstanceCreated,
    EventRaised,
    ExecutionCompleted,
    ExecutionStarted,
    ExecutionTerminated,
    HistoryEvent,
    TaskCompleted,
    TaskFailed,
    TaskRestarted,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from wfengine.model.instance import Instance, Status
from wfengine.model.work import Commit, HistoryRow
from wfengine.testing.simulation.drawing import BREAKABLE
from wfengine.testing.simulation.violation import insist

Outcome = TaskCompleted | TaskFailed


class Outside:
    """The truth outside: what was raised (and for which wait it was meant, or that it was refused), returned and purged by force, whose past is shared, how often activities died, and how many turns were made elsewhere or lost there."""

    def __init__(self) -> None:
        self.raised: dict[str, EventRaised] = {}
        self.meant: dict[str, tuple[int, int]] = {}
        self.refused: set[str] = set()
        self.outcomes: dict[tuple[int, int], list[str | None]] = {}
        self.deaths: Counter[tuple[int, int]] = Counter()
        self.doomed: set[int] = set()
        self.copied: dict[int, int] = {}
        self.sent_away = 0
        self.lost_away = 0

    def line_of(self, key: int) -> Iterator[int]:
        """An execution, and those whose past it shares."""
        found: int | None = key
        while found is not None:
            yield found
            found = self.copied.get(found)


class Chapter:
    """One execution, as durably recorded."""

    def __init__(self, key: int, started: ExecutionStarted) -> None:
        self.key = key
        self.started = started
        self.rows: list[HistoryRow] = []
        self.instance: Instance | None = None
        self.tasks: dict[int, str] = {}
        self.deaths: Counter[int] = Counter()
        self.timers: dict[int, datetime | None] = {}
        self.children: dict[int, ChildWorkflowInstanceCreated] = {}
        self.settled: set[int] = set()
        self.tokens: list[str] = []
        self.end: ExecutionCompleted | ContinuedAsNew | None = None
        self.successor: int | None = None
        self.is_purged = False
        self.is_terminating = False
        self.takes_children_along = False
        self.turn = 0
        self.next_action = 0

    @property
    def is_over(self) -> bool:
        """Whether it has ended in any way."""
        return self.end is not None or self.is_purged


class Chronicle:
    """Chapters by key."""

    def __init__(self, outside: Outside) -> None:
        self.chapters: dict[int, Chapter] = {}
        self.tokens: set[str] = set()
        self.commits = 0
        self.events = 0
        self._outside = outside
        self._endings: dict[tuple[int, int], Chapter] = {}

    def take(self, commit: Commit) -> None:
        """One more commit is durable."""
        self.commits += 1
        touched: dict[int, None] = {}
        for row in commit.history:
            self.events += 1
            touched[row.key] = None
            self._row(row)
        for instance in commit.runs:
            touched[instance.key] = None
            self._state(instance)
        for key in touched:
            self._agrees(self.chapters[key])
        for key in commit.purged:
            chapter = self.chapters.get(key)
            if chapter is not None:
                is_doomed = key in self._outside.doomed or self._came_of(chapter, commit.purged)
                insist(is_doomed or chapter.is_over, "only what has ended is purged", key)
                chapter.is_purged = True

    def latest(self, key: int) -> Chapter | None:
        """The last generation of an execution's line."""
        chapter = self.chapters.get(key)
        while chapter is not None and chapter.successor is not None:
            chapter = self.chapters.get(chapter.successor)
        return chapter

    def is_doomed(self, chapter: Chapter) -> bool:
        """Whether it is purged, or is to be by force whatever state it is in."""
        return chapter.is_purged or chapter.key in self._outside.doomed

    def _row(self, row: HistoryRow) -> None:
        event = row.event
        chapter = self.chapters.get(row.key)
        if chapter is None:
            insist(isinstance(event, ExecutionStarted), "a history begins with its start", row)
            if not isinstance(event, ExecutionStarted):
                return
            insist(event.execution == row.key, "a start names its execution", row)
            chapter = self.chapters[row.key] = Chapter(row.key, event)
        else:
            insist(not isinstance(event, ExecutionStarted), "an execution starts once", row)
            insist(event.occurred_at >= chapter.rows[-1].event.occurred_at, "times never decrease within a history", chapter.rows[-1], row)
        insist(row.sequence == len(chapter.rows), "sequence numbers have no gap", len(chapter.rows), row)
        insist(chapter.end is None and not chapter.is_purged, "nothing follows the end", chapter.end, row)
        insist(not chapter.is_terminating or isinstance(event, ExecutionCompleted), "the end follows termination at once", row)
        insist(not row.turn or row.turn >= chapter.turn, "turns never decrease", chapter.turn, row)
        chapter.turn = max(chapter.turn, row.turn)
        chapter.rows.append(row)
        self._event(chapter, event)

    def _event(self, chapter: Chapter, event: HistoryEvent) -> None:  # one arm for each kind that promises something
        match event:
            case TaskScheduled() | TimerCreated() | ChildWorkflowInstanceCreated() | DetachedWorkflowInstanceCreated():
                insist(event.event_id >= chapter.next_action, "an action is confirmed once, in order", chapter.key, event)
                chapter.next_action = event.event_id + 1
                if isinstance(event, TaskScheduled):
                    chapter.tasks[event.event_id] = event.name
                elif isinstance(event, TimerCreated):
                    chapter.timers[event.event_id] = event.fire_at
                elif isinstance(event, ChildWorkflowInstanceCreated):
                    chapter.children[event.event_id] = event
            case TaskCompleted() | TaskFailed():
                number = event.task_scheduled_id
                insist(number in chapter.tasks, "an outcome is that of a scheduled activity", chapter.key, event)
                self._settle(chapter, number, event)
                said = event.result if isinstance(event, TaskCompleted) else event.failure.message
                is_own = isinstance(event, TaskFailed) and self._own_failure(chapter, event)
                insist(
                    is_own or any(said in self._outside.outcomes.get((key, number), ()) for key in self._outside.line_of(chapter.key)),
                    "what an activity returned is recorded",
                    chapter.key,
                    event,
                )
            case TaskRestarted(task_scheduled_id=number):
                insist(number in chapter.tasks and number not in chapter.settled, "only an open attempt is made again", chapter.key, event)
                chapter.deaths[number] += 1
                insist(event.deaths == chapter.deaths[number], "deaths are counted one by one", chapter.key, event)
                insist(event.deaths <= self._deaths(chapter, number), "only deaths at work count", chapter.key, event)
            case TimerFired():
                due = chapter.timers.get(event.timer_id)
                insist(due is not None and due <= event.occurred_at, "a timer fires when it is due, not before", chapter.key, event)
                self._settle(chapter, event.timer_id, event)
            case ChildWorkflowInstanceCompleted() | ChildWorkflowInstanceFailed():
                self._settle(chapter, event.task_scheduled_id, event)
                self._kin_agree(chapter, event)
            case EventRaised():
                self._raised(chapter, event)
            case ExecutionTerminated():
                chapter.is_terminating = True
                chapter.takes_children_along = event.recurse
            case ExecutionCompleted():
                chapter.end = event
                parent = chapter.started.parent
                if parent is not None:
                    self._endings[parent.key, parent.task_id] = chapter
            case ContinuedAsNew():
                chapter.end = event
            case _:
                pass

    def _came_of(self, chapter: Chapter, purged: Sequence[int]) -> bool:
        """Whether it is a child or the next generation of what goes, too."""
        parent = chapter.started.parent
        return (parent is not None and parent.key in purged) or any(
            self.chapters[key].successor == chapter.key for key in purged if key in self.chapters
        )

    def _deaths(self, chapter: Chapter, number: int) -> int:
        return sum(self._outside.deaths[key, number] for key in self._outside.line_of(chapter.key))

    def _own_failure(self, chapter: Chapter, event: TaskFailed) -> bool:
        """Whether the engine itself may have failed this attempt."""
        name, number = chapter.tasks[event.task_scheduled_id], event.task_scheduled_id
        if event.failure.error_type == "PoisonActivityError":
            insist(self._deaths(chapter, number) > 0, "only what was at work at a death is poison", chapter.key, event)
            return True
        return event.failure.error_type == "CircuitOpenError" and name == BREAKABLE

    def _settle(self, chapter: Chapter, number: int, event: HistoryEvent) -> None:
        insist(number not in chapter.settled, "an outcome is recorded once", chapter.key, event)
        chapter.settled.add(number)

    def _raised(self, chapter: Chapter, event: EventRaised) -> None:
        token = event.raised_by or ""
        sent = self._outside.raised.get(token)
        insist(
            sent is not None and (sent.name, sent.input) == (event.name, event.input), "an event is recorded as it was raised", sent, event
        )
        insist(token not in chapter.tokens, "an event is recorded once", chapter.key, event)
        insist(not chapter.tokens or int(chapter.tokens[-1]) < int(token), "events keep their order", chapter.key, chapter.tokens, event)
        insist(token not in self._outside.refused, "an answer that is refused is not delivered", chapter.key, event)
        chapter.tokens.append(token)
        self.tokens.add(token)

    def _kin_agree(self, chapter: Chapter, event: ChildWorkflowInstanceCompleted | ChildWorkflowInstanceFailed) -> None:
        created = chapter.children.get(event.task_scheduled_id)
        insist(created is not None, "a child's outcome is that of a child", chapter.key, event)
        keys = ((key, event.task_scheduled_id) for key in self._outside.line_of(chapter.key))
        ended = next((self._endings[key] for key in keys if key in self._endings), None)
        if created is not None and created.child_key is None:
            insist(isinstance(event, ChildWorkflowInstanceFailed), "a child that never was has failed", chapter.key, event)
            return
        if isinstance(event, ChildWorkflowInstanceFailed) and event.failure.error_type == "WorkflowPurged":
            line = set(self._outside.line_of(chapter.key))
            lines = [other for other in self.chapters.values() if _is_child(other, line, event.task_scheduled_id)]
            insist(any(other.is_purged for other in lines), "only a purged child was purged", chapter.key, event)
            return
        insist(ended is not None, "a child has ended before its parent learns of it", chapter.key, event)
        end = ended.end if ended is not None else None
        if isinstance(end, ExecutionCompleted) and ended is not None:
            if isinstance(event, ChildWorkflowInstanceCompleted):
                insist((end.status, end.output) == (Status.COMPLETED, event.result), "parent and child agree", end, event)
            else:
                insist(end.status is not Status.COMPLETED or ended.is_purged, "parent and child agree", end, event)

    def _state(self, instance: Instance) -> None:
        chapter = self.chapters.get(instance.key)
        insist(chapter is not None, "a state has a history", instance)
        if chapter is None:
            return
        before, chapter.instance = chapter.instance, instance
        insist(before is None or not before.status.is_terminal, "an instance that has ended never changes", before, instance)
        insist(before is None or before.updated_at <= instance.updated_at, "an instance never goes back in time", before, instance)
        if instance.generation:
            for other in reversed(self.chapters.values()):
                if other.instance is not None and _is_next(other.instance, instance) and other.successor is None:
                    other.successor = instance.key
                    break

    def _agrees(self, chapter: Chapter) -> None:
        """The state that a commit leaves is the one its history says."""
        instance = chapter.instance
        insist(instance is not None, "a history has a state", chapter.key)
        if instance is None:
            return
        insist(instance.status.is_terminal == (chapter.end is not None), "the state ends with the history", instance, chapter.end)
        insist(instance.next_sequence <= len(chapter.rows), "a state does not run ahead of its history", instance)
        if isinstance(chapter.end, ExecutionCompleted):
            said = (chapter.end.status, chapter.end.output, chapter.end.failure)
            insist(
                (instance.status, instance.output, instance.failure) == said, "the state ends as the history does", instance, chapter.end
            )
            insist(instance.next_sequence == len(chapter.rows), "the last state counts the whole history", instance, len(chapter.rows))
        insist(not chapter.is_terminating or chapter.end is not None, "the end comes with the termination", chapter.key)


def _is_child(chapter: Chapter, parents: set[int], task_id: int) -> bool:
    started_by = chapter.started.parent
    return started_by is not None and started_by.key in parents and started_by.task_id == task_id


def _is_next(old: Instance, new: Instance) -> bool:
    """Whether `new` is the generation after `old`."""
    return (
        old.status is Status.CONTINUED_AS_NEW
        and old.instance_id == new.instance_id
        and old.generation + 1 == new.generation
        and old.key < new.key
    )
