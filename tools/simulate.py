"""The long form of the simulation: as many runs as you like from any seed, or one run again. `make simulate SEED=7 RUNS=100000`."""

import argparse
import secrets
import sys
import time

from wfengine.testing.simulation.campaign import campaign, violation_of
from wfengine.testing.simulation.library import Library
from wfengine.testing.simulation.simulation import Tally

AT_ONCE = 1_000


def main() -> int:
    """Run, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="which runs; by default a new one is drawn")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--tape", type=bytes.fromhex, help="one run, by the tape that a failure printed")
    options = parser.parse_args()
    if options.tape is not None:
        return _one(options.tape)
    return _many(secrets.randbelow(2**31) if options.seed is None else options.seed, options.runs)


def _one(tape: bytes) -> int:
    violation = violation_of(tape, Library())
    print("Every promise was kept." if violation is None else f"BROKEN: {violation}")
    return 0 if violation is None else 1


def _many(seed: int, runs: int) -> int:
    library, total, begin = Library(), Tally(), time.monotonic()
    print(f"SEED={seed}", flush=True)
    for first in range(0, runs, AT_ONCE):
        tally, found = campaign(seed, min(AT_ONCE, runs - first), library, first=first)
        total.add(tally)
        if found is not None:
            print(
                f"BROKEN in run {found.number}: {found.violation}\nThe same run, not yet made plain: make simulate SEED={seed} RUNS={found.number + 1}"
            )
            return 1
        print(f"{total.told()} ({total.runs / (time.monotonic() - begin):.0f} runs/s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
