"""The engine in simulated worlds: drawn programs, orders, operations, crashes and clocks, in one thread and far faster than real time.

What must hold, after every commit and every step of the engine (the modules of `wfengine.testing.simulation` say it in code):

A. What was acknowledged is durable, also after a crash that takes what was not synced, or part of it.
B. Histories have no gaps, turns grow one by one, times never decrease; what has ended never changes.
C. A replay of history asks for what the kept execution asks for; and what the code asks for is what its program says.
D. An outcome is recorded once, and only of what was asked for; what is recorded is what was returned or raised.
E. An answer meant for one very wait goes to that one, and is delivered nowhere if it is refused.
F. Nobody sleeps for ever: everybody who has not ended can be woken, and at last ends.

The tape that decides a run is drawn by hypothesis, which also makes a failing one plainer. `make simulate` is the long form.
"""

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from wfengine.testing.simulation.campaign import TAPE_SIZES, campaign, tape_of
from wfengine.testing.simulation.library import Library
from wfengine.testing.simulation.simulation import Tally, simulate

RUNS = 10_000
tapes = st.sampled_from(TAPE_SIZES).flatmap(lambda size: st.binary(min_size=size, max_size=size))


@pytest.fixture(scope="module")
def library() -> Library:
    return Library()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_ten_thousand_simulated_runs_keep_every_promise(library: Library, capsys: pytest.CaptureFixture[str]) -> None:
    total = Tally()

    @seed(20261122)
    @settings(
        max_examples=RUNS,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(tapes)
    def run(tape: bytes) -> None:
        total.add(simulate(tape, library))

    run()
    with capsys.disabled():
        print(f"\n{total.told()}")  # noqa: T201  # how much work was done, for whoever reads the log
    assert total.runs >= RUNS
    assert total.commits >= 5 * RUNS
    assert total.acknowledged >= 5 * RUNS
    assert total.crashes >= RUNS // 2
    assert total.children >= RUNS // 10
    assert total.generations >= RUNS // 10
    assert total.terminated >= RUNS // 50
    assert total.purged >= RUNS // 50
    assert total.answered >= RUNS // 100
    assert total.refused >= RUNS // 100
    assert total.sent_away >= RUNS
    assert total.lost_away >= RUNS // 50


def test_a_seed_and_a_number_name_a_run_for_good(library: Library) -> None:
    first, again = (campaign(seed=7, runs=20, library=library) for _ in range(2))
    assert first == again
    assert first[0].runs == 20
    assert tape_of(7, 3) == tape_of(7, 3) != tape_of(8, 3)


def test_an_empty_tape_is_the_plainest_run(library: Library) -> None:
    tally = simulate(b"", library)
    assert (tally.runs, tally.executions) == (1, 1)
