"""Waiting that Ctrl-C cannot break, for whatever the main thread may wait for.

`threading.Condition`, and so `Event` and `Future`, enter, leave and wait in Python code. A KeyboardInterrupt that comes there leaves the lock held for
ever, or not held when the `with` block lets it go ("release unlocked lock"). Here `with` takes a lock of C, where no interrupt comes in between,
and nobody holds it while he waits, so there is nothing to take back.
"""

import threading
from _thread import RLock, allocate_lock
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from time import monotonic
from typing import Any, TypeVar

T = TypeVar("T")


class Condition:
    """What `lock` guards has changed: `with changed.lock:` change it and `notify_all`; `wait_for` with the lock not held."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._bells: deque[threading.Lock] = deque()

    def listen(self) -> threading.Lock:
        """With the lock held: a bell that the next change rings. `acquire` it once the lock is let go."""
        bell = allocate_lock()
        bell.acquire()
        self._bells.append(bell)
        return bell

    def notify_all(self) -> None:
        """With the lock held: wake whoever waits."""
        _ring(self._bells)

    def wait_for(self, is_so: Callable[[], object], timeout: float | None = None) -> bool:
        """Wait until `is_so()`, which is asked with the lock held, at most `timeout` seconds; whether it came to be."""
        deadline = None if timeout is None else monotonic() + timeout
        while True:
            with self.lock:
                if is_so():
                    return True
                bell = self.listen()
            left = -1 if deadline is None else deadline - monotonic()
            if (deadline is not None and left <= 0) or not bell.acquire(timeout=left):
                with self.lock:
                    if bell in self._bells:
                        self._bells.remove(bell)
                    return bool(is_so())


class Answer(Future[T]):
    """A future whose waiting Ctrl-C cannot break. Nobody can cancel it: asyncio tries to when a wait is given up."""

    def __init__(self) -> None:
        super().__init__()
        self._condition = _Told()  # type: ignore[assignment]  # all that is asked of a future's condition here
        self._state = "RUNNING"  # as `set_running_or_notify_cancel` does

    def result(self, timeout: float | None = None) -> T:
        """As a future's."""
        self._wait(timeout)
        return super().result(0)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """As a future's."""
        self._wait(timeout)
        return super().exception(0)

    def _wait(self, timeout: float | None) -> None:
        told: Any = self._condition
        if self.done():
            return
        bell = allocate_lock()
        bell.acquire()
        told.bells.append(bell)
        if not self.done():  # it may have come before the bell was there
            bell.acquire(timeout=-1 if timeout is None else max(0.0, timeout))


class _Told(RLock):  # type: ignore[misc]  # only typeshed calls it final
    """A future's condition: a lock of C, and whom to tell."""

    def __init__(self) -> None:
        self.bells: deque[threading.Lock] = deque()

    def notify_all(self) -> None:
        _ring(self.bells)

    def wait(self, _timeout: float | None = None) -> bool:
        """Where a future would wait; whoever comes here has waited already."""
        return False


def _ring(bells: "deque[threading.Lock]") -> None:
    while bells:
        bells.popleft().release()
