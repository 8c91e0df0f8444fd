"""Who decides: one thread at a time, the one that holds the baton; and how other threads ask it.

In each round what has arrived is taken in, due timers fire, whoever is ready has a turn, and what was decided becomes durable. The engine's own thread
makes the rounds, and sleeps while there is nothing to do. A thread that has just made an attempt of an activity makes a round itself if the baton
lies there (`lend`): two hand-overs between threads less for each step. What callers ask is answered through a future once its effect is durable, so
callers may sit on any thread but the one that decides.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from wfengine.condition import Answer
from wfengine.core.routines import place_in_workflow
from wfengine.errors import EnginePaused, EngineStopped, InvalidArgument, WaitTimedOut
from wfengine.runtime.mailbox import Mailbox
from wfengine.runtime.turns import Turns
from wfengine.runtime.virtual_time import VirtualTime
from wfengine.store.store import Store

T = TypeVar("T")
_RETRY_SECONDS = 0.5
_LONGEST_SLEEP_SECONDS = 3600.0
_LONG_SECONDS = 3.0
_log = logging.getLogger("wfengine")


class Loop:
    """`troubled` is called when recording pauses or goes on, on the engine's thread. All public methods may be called from any thread."""

    def __init__(self, *, mailbox: Mailbox, store: Store, turns: Turns, virtual_time: VirtualTime, troubled: Callable[[], None]) -> None:
        self._mailbox = mailbox
        self._store = store
        self._turns = turns
        self._virtual_time = virtual_time
        self._troubled = troubled
        self._trouble: str | None = None
        self._stopped: str | None = None
        self._stopping = False
        self._gone = threading.Event()
        self._baton = threading.Lock()
        self._holder: int | None = None
        self._since = 0.0
        self._wakes_at: float | None = None  # on the monotonic clock, while the engine's thread sleeps; None: when it is rung
        self._failure: BaseException | None = None
        self._is_open = False  # whether others than the engine's own thread may make rounds
        self._thread: threading.Thread | None = None

    @property
    def trouble(self) -> str | None:
        """Why the engine is paused or stopped, and what to do; None while all is well."""
        return self._stopped or self._trouble

    @property
    def busy(self) -> str | None:
        """What workflow code keeps everything else waiting, and where; None while none has for more than a few seconds."""
        holder, since = self._holder, self._since
        seconds = time.monotonic() - since
        if holder is None or seconds < _LONG_SECONDS:
            return None
        frame = sys._current_frames().get(holder)  # noqa: SLF001  # made for this: what another thread is at
        place = place_in_workflow(frame)
        if place is None:
            return None
        return f"Workflow code has been at work for {seconds:.0f} s, at {place}, and nothing else can go on meanwhile. Waiting and computing belong into activities."

    def start(self) -> None:
        """Take up what the store holds and go on with it. A second call does nothing."""
        if self._thread is not None:
            return
        self._turns.recover()
        self._store.start(
            on_durable=lambda tokens: self._mailbox.post(self._turns.durable, tokens),
            on_trouble=self._on_trouble,
            on_fatal=self._on_fatal,
            holds=True,
        )
        self._is_open = True
        self._thread = threading.Thread(target=self._run, name="wflab-engine", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let what was decided become durable and end the thread. Raises InvalidArgument on the thread that decides."""
        if threading.get_ident() == self._holder:
            raise InvalidArgument("The lab cannot be closed from inside a workflow's code.")
        if self._thread is not None and not self._gone.is_set():
            self._mailbox.post(self._stop)
            self._gone.wait(10)
        self._stopped = self._stopped or "The lab is closed. Open it again to go on."

    def call(self, function: Callable[..., None], *arguments: Any) -> None:
        """Have the engine's thread do something and wait until it is durable."""
        if self._trouble is not None and self._stopped is None:
            raise EnginePaused(f"{self._trouble} Nothing was recorded by this call; try again then.")
        ack: Future[None] = Answer()
        self.ask(ack, function, *arguments)
        told = False
        while True:
            with suppress(FutureTimeout):
                return ack.result(0.5)
            told = told or self._tell_if_busy()
            if self._gone.is_set() and not ack.done():
                raise EngineStopped(self._stopped)
            if self._trouble is not None and not ack.done():
                raise EnginePaused(f"{self._trouble} This call is not acknowledged yet; it takes effect when there is room.")

    def ask(self, future: "Future[Any]", function: Callable[..., None], *arguments: Any) -> None:
        """Have the engine's thread call `function(future, *arguments)`, without waiting. Raises EngineStopped, InvalidArgument."""
        if threading.get_ident() == self._holder:
            raise InvalidArgument("The lab cannot be called from inside a workflow's code; do it in an activity.")
        if self._stopped is not None:
            raise EngineStopped(self._stopped)
        if self._thread is None:
            raise EngineStopped("The engine has not been started.")
        self._mailbox.ask(future, function, *arguments)
        if self._gone.is_set():  # it went while we knocked
            self._mailbox.refuse_all(EngineStopped(self._stopped))

    def wait(self, future: "Future[T]", timeout_seconds: float | None) -> T:
        """What the future comes to. Raises WaitTimedOut, InvalidArgument, and what it failed with."""
        if timeout_seconds is not None and (not isinstance(timeout_seconds, int | float) or not timeout_seconds <= threading.TIMEOUT_MAX):
            raise InvalidArgument(f"timeout_seconds is a number of seconds, or None to wait for ever, not {timeout_seconds!r}.")
        try:
            if timeout_seconds is None or timeout_seconds > _LONG_SECONDS:
                with suppress(FutureTimeout):
                    return future.result(_LONG_SECONDS)
                self._tell_if_busy()
                timeout_seconds = None if timeout_seconds is None else timeout_seconds - _LONG_SECONDS
            return future.result(timeout_seconds)
        except FutureTimeout:
            if future.done():
                raise
            raise WaitTimedOut(f"Not there after {timeout_seconds:g} seconds; it goes on, wait again.") from None

    def lend(self, function: Callable[..., None], *arguments: Any) -> None:
        """Have the engine call `function(*arguments)`: on this thread, with a whole round, if nobody decides just now."""
        if not self._baton.acquire(blocking=False):
            self._mailbox.post(function, *arguments)
            return
        self._take_over()
        try:
            self._mailbox.put(function, *arguments)
            if self._is_open:
                self._round()
                self._wake_if_needed()
        except BaseException as failure:  # noqa: BLE001  # it ends the engine, on its own thread, and not an activity's
            self._is_open = False
            self._failure = failure
            self._mailbox.ring()
        finally:
            self._holder = None
            self._baton.release()

    @contextmanager
    def _deciding(self) -> Iterator[None]:
        """The baton is held; whatever goes wrong then is the end of all rounds."""
        with self._baton:
            self._take_over()
            try:
                yield
            except BaseException:
                self._is_open = False
                raise
            finally:
                self._holder = None

    def _take_over(self) -> None:
        self._since = time.monotonic()
        self._holder = threading.get_ident()

    def _wake_if_needed(self) -> None:
        """The engine's thread may sleep too long for what this round has brought."""
        seconds = self._seconds_to_wait()
        is_sooner = seconds is not None and (self._wakes_at is None or time.monotonic() + seconds < self._wakes_at)
        if is_sooner or self._mailbox.has_calls:
            self._mailbox.ring()

    def _tell_if_busy(self) -> bool:
        busy = self.busy
        if busy is not None:
            _log.warning("%s", busy)
        return busy is not None

    def _run(self) -> None:
        try:
            while not self._stopping:
                with self._deciding():
                    self._check()
                    self._round()
                    seconds = self._seconds_to_wait()
                    self._wakes_at = None if seconds is None else time.monotonic() + seconds
                if not self._stopping:
                    self._mailbox.sleep(seconds)
            with self._deciding():
                self._is_open = False
                self._check()
                self._commit()
                while self._turns.has_unacknowledged() and self.trouble is None:
                    self._mailbox.sleep(1.0)
                    self._mailbox.take_in()
                    self._commit()
        except EngineStopped as stopped:  # the store says that nothing more can be written
            self._stopped = self._stopped or str(stopped)
        except BaseException as error:  # noqa: BLE001  # a fault of ours: stop for good rather than go on with a doubtful state
            _log.critical("The engine failed and has stopped.", exc_info=True)
            self._stopped = f"The engine failed and has stopped ({type(error).__name__}: {error}); what was acknowledged is safe. Restart the kernel to go on."
        self._stopped = self._stopped or "The lab is closed. Open it again to go on."
        self._turns.give_up(EngineStopped(self._stopped))
        self._virtual_time.give_up(EngineStopped(self._stopped))
        self._gone.set()
        self._mailbox.refuse_all(EngineStopped(self._stopped))

    def _check(self) -> None:
        """Another thread's round may have failed."""
        if self._failure is not None:
            raise self._failure

    def _round(self) -> None:
        turns = self._turns
        self._mailbox.take_in()
        turns.retry_put_off()
        turns.fire_due()
        turns.activities.expire()
        turns.run_ready()
        self._virtual_time.move()
        self._commit()

    def _commit(self) -> None:
        """All that was decided since becomes durable together, and its effects are let go."""
        durable = self._store.commit_held()
        if durable:
            self._turns.durable(durable)

    def _seconds_to_wait(self) -> float | None:
        if self._turns.has_ready() or self._virtual_time.can_move():
            return 0
        due = self._turns.next_due()
        waits = [None if due is None else self._turns.clock.seconds_until(due), self._turns.activities.next_deadline_seconds()]
        wait = min((min(seconds, _LONGEST_SLEEP_SECONDS) for seconds in waits if seconds is not None), default=None)
        if not self._turns.has_put_off():
            return wait
        return _RETRY_SECONDS if wait is None else min(wait, _RETRY_SECONDS)

    def _stop(self) -> None:
        self._stopping = True

    def _on_trouble(self, trouble: str | None) -> None:
        self._trouble = trouble
        self._mailbox.post(self._troubled)

    def _on_fatal(self, trouble: str) -> None:
        self._stopped = trouble
        self._mailbox.post(self._stop)
