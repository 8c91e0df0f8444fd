"""Many simulated runs, one after the other, and the shortest story of the first that breaks a promise.

A seed and a number name a run for good: its tape is drawn from them and from nothing else.
"""

import random
from typing import NamedTuple

from wfengine.testing.simulation.library import Library
from wfengine.testing.simulation.shrinking import shrink
from wfengine.testing.simulation.simulation import Tally, simulate
from wfengine.testing.simulation.violation import Violation

TAPE_SIZES = (24, 48, 96, 192)


class Found(NamedTuple):
    """A broken promise: the number of the run that showed it, the plainest tape that shows it, and the violation with its story."""

    number: int
    tape: bytes
    violation: Violation


def tape_of(seed: int, number: int) -> bytes:
    """The tape of one run."""
    drawn = random.Random(f"{seed}/{number}")  # noqa: S311  # it must be drawn again from the seed; no secret
    return drawn.randbytes(drawn.choice(TAPE_SIZES))


def violation_of(tape: bytes, library: Library) -> Violation | None:
    """What is wrong with this run, if anything is."""
    try:
        simulate(tape, library)
    except Violation as violation:
        return violation
    return None


def campaign(seed: int, runs: int, library: Library, *, first: int = 0) -> tuple[Tally, Found | None]:
    """Runs, from number `first` on, until a promise is broken; that run is then made as plain as can be."""
    tally = Tally()
    for number in range(first, first + runs):
        tape = tape_of(seed, number)
        try:
            tally.add(simulate(tape, library))
        except Violation as violation:
            plainest = shrink(tape, lambda plainer: violation_of(plainer, library) is not None)
            return tally, Found(number, plainest, violation_of(plainest, library) or violation)
    return tally, None
