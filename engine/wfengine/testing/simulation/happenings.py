"""What may happen in a simulated world, one small function each; how often it does is how often it stands in `HAPPENINGS`."""

from collections.abc import Callable
from datetime import timedelta

from wfengine.model.payload import to_json
from wfengine.runtime.registry import Kind
from wfengine.testing.simulation.drawing import ACTIVITIES, EVENTS, INSTANCES, PAYLOADS, draw_program
from wfengine.testing.simulation.shapes import ASYNC, PLAIN, Part, as_input
from wfengine.testing.simulation.tape import Tape
from wfengine.testing.simulation.world import World

_SPANS = tuple(timedelta(seconds=seconds) for seconds in (1, 10, 31, 90_000, -3600))
_NAMES: tuple[tuple[Kind, str], ...] = (("workflow", PLAIN), ("workflow", ASYNC), *(("activity", name) for name in ACTIVITIES))

Happening = Callable[[World, Tape], None]


def nothing(_world: World, _tape: Tape) -> None:
    """The engine and its disk have time to themselves."""


def hide(world: World, tape: Tape) -> None:
    """Some definitions are missing from the beginning."""
    for kind, name in _NAMES:
        if tape.chance(8):
            world.shelf.hidden.add((kind, name))
            world.story.append(("hidden", name))


def show(world: World, _tape: Tape | None = None) -> None:
    """Everything is registered, as it was first written."""
    if not all(world.shelf.has_original(name) for _, name in _NAMES):
        world.story.append(("all is defined",))
    world.shelf.hidden.clear()
    world.shelf.restore()
    somebody_comes(world)
    for kind, name in _NAMES:
        world.mailbox.post(world.turns.defined, name, kind)


def edit(world: World, _tape: Tape) -> None:
    """The workflows' cells are edited and run again."""
    world.story.append(("edited",))
    world.shelf.edit()
    for name in (PLAIN, ASYNC):
        world.mailbox.post(world.turns.defined, name, "workflow")


def start(world: World, tape: Tape) -> None:
    """Somebody starts a workflow."""
    program = draw_program(tape)
    instance_id = tape.pick(INSTANCES)
    start_at = world.clock.now() + timedelta(seconds=40) if tape.chance(10) else None
    world.story.append(("start", instance_id, program, start_at))
    world.start(program.workflow, instance_id, as_input(Part(program=program, left=program.generations)), start_at)


def activity_ends(world: World, tape: Tape) -> None:
    """An activity returns or raises."""
    if not world.worker.jobs:
        return
    place = tape.below(len(world.worker.jobs))
    task = world.worker.jobs[place].task
    if tape.chance(30):
        is_final = tape.chance(20)
        world.story.append(("fail", task.event_id, task.name, is_final))
        world.worker.fail(place, non_retryable=is_final)
    else:
        value = tape.pick(PAYLOADS)
        world.story.append(("complete", task.event_id, task.name, value))
        world.worker.complete(place, value)


def outcome_comes_again(world: World, tape: Tape) -> None:
    """An outcome arrives that has arrived before."""
    if world.worker.ended:
        place = tape.below(min(256, len(world.worker.ended)))
        world.story.append(("again", world.worker.ended[place]))
        world.tell_again(place)


def events_are_raised(world: World, tape: Tape) -> None:
    """Somebody raises an event, or a few in a row."""
    instance_id = _anybody(world, tape)
    for _ in range(tape.pick((1, 1, 2, 3))):
        name, value = tape.pick(EVENTS), tape.pick(PAYLOADS)
        world.story.append(("raise", instance_id, name, value))
        world.raise_event(instance_id, name, None if value is None else to_json(value))


def somebody_looks(world: World, _tape: Tape) -> None:
    """Somebody looks at what is waited for."""
    world.seen = [*world.seen, *(one for one in world.open_waits() if one not in world.seen)]
    world.story.append(("look", len(world.seen)))


def wait_is_answered(world: World, tape: Tape) -> None:
    """Somebody, or several at once, answers a wait that was seen, long ago perhaps: it may be over."""
    somebody_looks(world, tape)
    if not world.seen:
        return
    asked = world.seen[-1 - tape.below(len(world.seen))]
    for _ in range(tape.pick((1, 1, 2))):
        value = tape.pick(PAYLOADS)
        world.story.append(("answer", asked.instance_id, asked.key.event_id, asked.name, value))
        world.answer(asked, None if value is None else to_json(value))


def suspend(world: World, tape: Tape) -> None:
    """Somebody suspends an instance."""
    instance_id = _anybody(world, tape)
    world.story.append(("suspend", instance_id))
    world.suspend(instance_id)


def resume(world: World, tape: Tape) -> None:
    """Somebody resumes an instance."""
    instance_id = _anybody(world, tape)
    world.story.append(("resume", instance_id))
    world.resume(instance_id)


def terminate(world: World, tape: Tape) -> None:
    """Somebody terminates an instance."""
    instance_id, recurse = _anybody(world, tape), not tape.chance(40)
    world.story.append(("terminate", instance_id, recurse))
    world.terminate(instance_id, recurse=recurse)


def purge(world: World, tape: Tape) -> None:
    """Somebody purges an instance, by force or once it has ended."""
    instance_id, recursive, force = _anybody(world, tape), not tape.chance(40), tape.chance(50)
    world.story.append(("purge", instance_id, recursive, force))
    world.purge(instance_id, recursive=recursive, force=force)


def rerun(world: World, tape: Tape) -> None:
    """Somebody runs an instance that has ended again, from one of its actions on."""
    instance_id, action, new_id = _anybody(world, tape), tape.below(6), tape.pick((*INSTANCES, "again"))
    world.story.append(("rerun", instance_id, action, new_id))
    world.rerun(instance_id, action, new_id)


def time_comes(world: World, _tape: Tape | None = None) -> None:
    """The next timer is due."""
    due = world.turns.timers.next_due()
    if due is not None:
        world.story.append(("time comes", due))
        world.machine.now = max(world.machine.now, due)


def time_passes(world: World, tape: Tape) -> None:
    """The clock moves, or is set, forward or back."""
    span = tape.pick(_SPANS)
    world.story.append(("time", span))
    world.machine.pass_by(span)


def crash(world: World, tape: Tape) -> None:
    """The process dies, perhaps between a write and its sync."""
    if tape.chance(60):
        world.write(1 + tape.below(4))
    surviving = world.unsynced_size * tape.below(256) // 255
    world.story.append(("crash", surviving, world.unsynced_size))
    world.crash(surviving)


def turn_comes_back(world: World, tape: Tape) -> None:
    """A turn that was made elsewhere comes back, or is lost with all others."""
    if not world.executor.away:
        return
    if tape.chance(30):
        world.story.append(("gone", len(world.executor.away)))
        world.executor.goes()
    else:
        place = tape.below(len(world.executor.away))
        world.story.append(("back", world.executor.away[place].item.instance.instance_id))
        world.executor.comes_back(place)


def somebody_comes(world: World, _tape: Tape | None = None) -> None:
    """Whoever makes turns elsewhere is there again."""
    if world.executor.is_gone:
        world.story.append(("there again",))
    world.executor.come()
    world.mailbox.post(world.turns.workers_came, None)


def _anybody(world: World, tape: Tape) -> str:
    known = [resident.instance.instance_id for resident in world.turns.population.all()]
    return tape.pick([*known, *INSTANCES])


HAPPENINGS: tuple[Happening, ...] = (
    nothing,
    *(activity_ends,) * 8,
    *(events_are_raised,) * 5,
    *(wait_is_answered,) * 4,
    suspend,
    *(resume,) * 2,
    *(terminate,) * 2,
    *(purge,) * 4,
    *(start,) * 3,
    *(rerun,) * 2,
    *(time_comes,) * 3,
    *(time_passes,) * 3,
    *(crash,) * 3,
    *(turn_comes_back,) * 8,
    *(somebody_comes,) * 2,
    outcome_comes_again,
    show,
    edit,
)
