"""One simulated run, decided by a tape: drawn programs in a drawn world, then everything is let go on to its end.

The promises are checked all along (`chronicle`, `wakefulness`, `executor`), and at the end once more: everybody ends, and every history
is the one its program had to have (`foretelling`).
"""

import msgspec

from wfengine.model.history import ContinuedAsNew
from wfengine.runtime.residents import Resident
from wfengine.testing.simulation.fulfilment import check_fulfilment
from wfengine.testing.simulation.happenings import HAPPENINGS, hide, show, start, time_comes
from wfengine.testing.simulation.library import Library
from wfengine.testing.simulation.tape import Tape
from wfengine.testing.simulation.violation import Violation, insist
from wfengine.testing.simulation.world import World

MOST_STEPS = 60
_MOST_ROUNDS = 150


class Tally(msgspec.Struct, kw_only=True):
    """How much work was done."""

    runs: int = 0
    commits: int = 0
    events: int = 0
    crashes: int = 0
    acknowledged: int = 0
    turns: int = 0
    executions: int = 0
    children: int = 0
    generations: int = 0
    terminated: int = 0
    purged: int = 0
    answered: int = 0
    refused: int = 0
    sent_away: int = 0
    lost_away: int = 0

    def add(self, other: "Tally") -> None:
        """Count that, too."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def told(self) -> str:
        """In one line."""
        counts = ", ".join(f"{getattr(self, name):,} {name}" for name in self.__struct_fields__ if name != "runs")
        return f"{self.runs:,} runs: {counts}"


def simulate(data: bytes, library: Library) -> Tally:
    """Run what the tape says. Raises Violation, with the story, where the engine breaks a promise or breaks down."""
    tape = Tape(data)
    world = World(
        library,
        most_kept=tape.pick((100, 1, 2)),
        poison_after=tape.pick((None, None, 1, 2, 3)),
        most_activities=tape.pick((None, None, None, 1, 2)),
        is_far=tape.pick((False, False, True)),
    )
    try:
        _live(world, tape)
        _let_everything_end(world)
        check_fulfilment(world)
    except Violation as violation:
        raise Violation(_told(world, str(violation), data)) from violation
    except Exception as error:
        raise Violation(_told(world, f"the engine broke down: {error!r}", data)) from error
    chapters = world.chronicle.chapters.values()
    return Tally(
        runs=1,
        commits=world.chronicle.commits,
        events=world.chronicle.events,
        crashes=world.crashes,
        acknowledged=world.acknowledged,
        turns=world.turns_of_the_dead + world.executor.turns,
        executions=len(chapters),
        children=sum(chapter.started.parent is not None for chapter in chapters),
        generations=sum(isinstance(chapter.end, ContinuedAsNew) for chapter in chapters),
        terminated=sum(chapter.is_terminating for chapter in chapters),
        purged=sum(chapter.is_purged for chapter in chapters),
        answered=len(world.chronicle.tokens & world.outside.meant.keys()),
        refused=len(world.outside.refused),
        sent_away=world.outside.sent_away,
        lost_away=world.outside.lost_away,
    )


def _live(world: World, tape: Tape) -> None:
    hide(world, tape)
    start(world, tape)
    for _ in range(MOST_STEPS):
        if tape.is_spent:
            return
        tape.pick(HAPPENINGS)(world, tape)
        if not tape.chance(15):
            world.run_engine()
        if not tape.chance(40):
            world.sync(1 + tape.below(4))
            world.run_engine()


def _let_everything_end(world: World) -> None:
    """No more mishaps: activities return, timers come due, people answer. Everybody has to end."""
    world.story.append(("from here on all goes well",))
    show(world)
    for _ in range(_MOST_ROUNDS):
        _settle(world)
        living = list(world.turns.population.all())
        if not living:
            insist(not world.unanswered, "whoever asked is answered", world.unanswered)
            return
        _help(world, living)
    raise Violation(f"everybody ends: {[(one.instance.instance_id, one.instance.status) for one in world.turns.population.all()]}")


def _settle(world: World) -> None:
    world.run_engine()
    while world.store.waiting or world.worker.jobs or world.executor.away:
        while world.executor.away:
            world.executor.comes_back(0)
        while world.worker.jobs:
            world.worker.complete(0, None)
        world.sync(len(world.store.waiting))
        world.run_engine()


def _help(world: World, living: list[Resident]) -> None:
    show(world)
    for resident in living:
        world.resume(resident.instance.instance_id)
    time_comes(world)
    _settle(world)
    for _ in range(2):  # the second time while what follows from the first is not durable yet
        for resident in list(world.turns.population.all()):
            for name in ("go", "strasse", "stop"):
                world.raise_event(resident.instance.instance_id, name, '"at last"')
        world.run_engine()


def _told(world: World, what: str, data: bytes) -> str:
    story = "\n".join(f"  {' '.join(str(part) if isinstance(part, str) else repr(part) for part in line)}" for line in world.story)
    return f"{what}\n{story}\nTo see it again: make simulate TAPE={data.hex() or '00'}"
