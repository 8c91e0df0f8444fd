"""Nobody sleeps for ever: whoever has not ended is about to have a turn, or something is under way that will wake it.

Asked between two steps of the engine, when it has done all that it can do by itself.
"""

from wfengine.model.history import ChildWorkflowInstanceCreated, EventWait, TaskScheduled, TimerCreated
from wfengine.model.instance import Status
from wfengine.model.work import HistoryRow
from wfengine.runtime.kinship import is_child
from wfengine.runtime.population import Population
from wfengine.runtime.releasing import Reopened, Submitted
from wfengine.runtime.residents import Resident
from wfengine.runtime.timers import Timers
from wfengine.testing.simulation.chronicle import Chronicle
from wfengine.testing.simulation.faraway import FarawayExecutor
from wfengine.testing.simulation.library import Shelf
from wfengine.testing.simulation.outside import SimulatedWorker
from wfengine.testing.simulation.store import SimulatedStore
from wfengine.testing.simulation.violation import insist


def check_wakefulness(
    population: Population,
    timers: Timers,
    *,
    may_queue: bool,
    store: SimulatedStore,
    worker: SimulatedWorker,
    shelf: Shelf,
    chronicle: Chronicle,
    executor: FarawayExecutor,
) -> None:
    """Raise a Violation where somebody has been forgotten. `may_queue`: an activity may wait for others to end."""
    in_flight = {away.item.instance.key for away in executor.away}
    for waiting in store.waiting:
        if isinstance(waiting.token, Reopened):
            in_flight.add(waiting.token.resident.instance.key)
            in_flight.update(child.key for child in waiting.token.children)
        elif isinstance(waiting.token, Submitted):
            in_flight.add(waiting.token.resident.instance.key)
            in_flight.update(child.key for child, _ in waiting.token.transition.started)
    jobs = {(job.instance.key, job.task.event_id) for job in worker.jobs}
    due = {(timer.key, timer.timer_id) for timer in timers._heap}  # noqa: SLF001  # only a check wants to know all of them
    for resident in population.all():
        key = resident.instance.key
        if resident.is_busy:
            insist(key in in_flight, "who is busy has a commit or a turn under way", key)
            continue
        insist(not resident.is_queued, "whoever is ready has a turn", key)
        insist(not resident.inbox, "what has arrived is taken up", key, resident.inbox)
        chapter = chronicle.chapters.get(key)
        insist(chapter is not None, "who lives and is not busy is recorded", key)
        if chapter is None:
            continue
        insist(not chapter.is_over, "who has ended lives no more", key)
        parent = None if chapter.started.parent is None else chronicle.chapters.get(chapter.started.parent.key)
        ends_too = parent is not None and parent.takes_children_along and not chronicle.is_doomed(parent)
        insist(not ends_too, "a child ends with a parent that was terminated recursively", key, chapter.started.parent)
        for number in chapter.tasks:
            if number not in chapter.settled:
                is_missing = executor.is_gone or shelf.find("activity", chapter.tasks[number]) is None
                insist(is_missing or (may_queue and bool(jobs)) or (key, number) in jobs, "an open activity is under way", key, number)
        for number, fire_at in chapter.timers.items():
            if fire_at is not None and number not in chapter.settled:
                insist((key, number) in due, "an open timer is set", key, number)
        for number, created in chapter.children.items():
            if number not in chapter.settled:
                lives = is_child(population.of_id(created.instance_id), key, number)
                insist(lives, "an open child lives", key, created)
        insist(
            executor.is_gone or _waits(resident, chapter.settled, chapter.rows, due, shelf), "somebody can wake it", key, resident.instance
        )


def _waits(resident: Resident, settled: set[int], rows: list[HistoryRow], due: set[tuple[int, int | None]], shelf: Shelf) -> bool:
    instance = resident.instance
    if instance.status in {Status.SUSPENDED, Status.STALLED}:
        return True
    if resident.lacks is not None:
        return not shelf.has_original(instance.name)
    if not instance.turn:
        return (instance.key, None) in due
    return any(
        (isinstance(row.event, TaskScheduled | ChildWorkflowInstanceCreated) and row.event.event_id not in settled)
        or (isinstance(row.event, TimerCreated) and (row.event.event_id not in settled or isinstance(row.event.origin, EventWait)))
        for row in rows
    )
