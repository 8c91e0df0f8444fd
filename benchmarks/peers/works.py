"""The works of the comparison, written once over `Peer`: each gives the figure of one cell.

They are the rows of benchmarks/works seen from outside: what only wflab can be asked (bytes, shares of a thread) is not measured here.
"""

import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import pairwise
from pathlib import Path

from benchmarks.peers.peer import Peer, begun

CHAINS = 5
KILLED_WITHIN_SECONDS = 600
LENGTH = 100
ACTIVITIES = 5

Opened = Callable[[Path], AbstractContextManager[Peer]]


def chain(peer: Peer, size: int) -> float:
    """Milliseconds from the begin of one activity to the begin of the next, p50."""
    gaps = []
    _ran(peer, "chain", 2, "warm-up")
    for number in range(size):
        begun.clear()
        _ran(peer, "chain", LENGTH, f"chain-{number}")
        gaps += [(later - earlier) * 1000 for earlier, later in pairwise(begun)]
    return statistics.median(gaps)


def fan(peer: Peer, size: int) -> float:
    """Seconds from start to result of a workflow that has all its activities run at once."""
    assert peer.result(peer.start("fan", 2, "warm-up")) == 3
    begin = time.perf_counter()
    assert peer.result(peer.start("fan", size, "fan")) == size * (size + 1) // 2
    return time.perf_counter() - begin


def many(peer: Peer, size: int) -> float:
    """Workflows per second: started by one thread, one after the other, then waited for."""
    _ran(peer, "chain", ACTIVITIES, "warm-up")
    begin = time.perf_counter()
    started = [peer.start("chain", ACTIVITIES, f"many-{number}") for number in range(size)]
    assert all(peer.result(each) == ACTIVITIES for each in started)
    return size / (time.perf_counter() - begin)


def one(peer: Peer, size: int) -> float:
    """Milliseconds from start to result of a workflow of one activity, alone, p50."""
    times = []
    for number in range(10 + size):
        begin = time.perf_counter()
        _ran(peer, "chain", 1, f"one-{number}")
        times.append((time.perf_counter() - begin) * 1000)
    return statistics.median(times[10:])


def long(peer: Peer, size: int) -> float:
    """Steps per second of one workflow."""
    _ran(peer, "chain", 20, "warm-up")
    begin = time.perf_counter()
    _ran(peer, "chain", size, "long")
    return size / (time.perf_counter() - begin)


def sleepers(peer: Peer, size: int) -> float:
    """Sleeping workflows per second, started side by side, until each one's timer is recorded."""
    names = [f"sleeper-{number}" for number in range(size)]
    begin = time.perf_counter()
    starters = [threading.Thread(target=_start_each, args=(peer, names[first :: peer.starters])) for first in range(peer.starters)]
    for thread in starters:
        thread.start()
    for thread in starters:
        thread.join()
    peer.waiting(names)
    return size / (time.perf_counter() - begin)


def recovery(opened: Opened, engine: str, directory: Path, size: int) -> float:
    """Seconds from opening what a killed process left, with all its workflows waiting, to the last one's result."""
    command = [sys.executable, "-m", "benchmarks.peers.measure", engine, "left-behind", "--size", str(size), "--directory", str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as doomed:
        assert doomed.stdout is not None
        told = any(line == b"all wait\n" for line in doomed.stdout)
        doomed.kill()
    assert told, "the process ended before its workflows waited"
    begin = time.perf_counter()
    with opened(directory) as peer:
        names = _approvals(size)
        for name in names:
            peer.approve(name)
        results = [peer.result(peer.found(name)) for name in names]
        seconds = time.perf_counter() - begin
    assert results == [number + 1 for number in range(size)]
    return seconds


def left_behind(peer: Peer, size: int) -> float:
    """Start workflows that wait for an event, say so, and wait to be killed; should nobody do it, it ends by itself."""
    names = _approvals(size)
    for number, name in enumerate(names):
        peer.start("approval", number, name)
    peer.waiting(names)
    print("all wait", flush=True)
    time.sleep(KILLED_WITHIN_SECONDS)
    return 0.0


WORKS: dict[str, Callable[[Peer, int], float]] = {
    "chain": chain,
    "fan": fan,
    "many": many,
    "one": one,
    "long": long,
    "sleepers": sleepers,
    "left-behind": left_behind,
}


def _approvals(size: int) -> list[str]:
    return [f"approval-{number}" for number in range(size)]


def _start_each(peer: Peer, names: list[str]) -> None:
    for name in names:
        peer.start("sleeper", 0, name)


def _ran(peer: Peer, workflow: str, argument: int, instance_id: str) -> None:
    assert peer.result(peer.start(workflow, argument, instance_id)) == argument, instance_id
