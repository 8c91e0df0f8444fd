"""The engine's mailbox: how other threads ask the one that decides."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

_MOST_AT_ONCE = 1000


class Mailbox:
    """Any thread puts calls in; one at a time takes them out, in order. The engine's thread sleeps on a bell beside it.

    Whoever puts something in looks whether the engine sleeps, and the engine looks for calls after it has said that it will: one of the two sees the other.
    """

    def __init__(self) -> None:
        self._calls: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._is_asleep = False

    @property
    def has_calls(self) -> bool:
        """Whether there is something to take out."""
        return bool(self._calls)

    def post(self, function: Callable[..., None], *arguments: Any) -> None:
        """Have the engine call `function(*arguments)`."""
        self._calls.append((function, arguments))
        if self._is_asleep:
            self.ring()

    def put(self, function: Callable[..., None], *arguments: Any) -> None:
        """As `post`, for one who takes it out himself."""
        self._calls.append((function, arguments))

    def ask(self, future: "Future[Any]", function: Callable[..., None], *arguments: Any) -> None:
        """Have the engine call `function(future, *arguments)`; what that raises is the future's."""
        self.post(self._serve, future, function, arguments)

    def ring(self) -> None:
        """Wake the engine's thread."""
        self._bell.put(None)

    def sleep(self, timeout: float | None) -> None:
        """Wait for a call, or the bell, up to `timeout` seconds (None: for ever)."""
        self._is_asleep = True
        if not self._calls and timeout != 0:
            with suppress(Empty):
                self._bell.get(timeout=timeout)
        self._is_asleep = False
        with suppress(Empty):
            while True:
                self._bell.get_nowait()  # rung more than once

    def take_in(self) -> None:
        """Carry out what is there."""
        for _ in range(_MOST_AT_ONCE):
            if not self._calls:
                return
            function, arguments = self._calls.popleft()
            function(*arguments)

    def refuse_all(self, error: Exception) -> None:
        """Nobody takes calls out any more: tell whoever waits for an answer."""
        with suppress(IndexError):
            while True:
                function, arguments = self._calls.popleft()
                if function == self._serve and not arguments[0].done():
                    arguments[0].set_exception(error)

    def _serve(self, future: "Future[Any]", function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        """A caller's mistake is the caller's; it does not hurt the engine."""
        try:
            function(future, *arguments)
        except Exception as error:  # noqa: BLE001  # handed to the caller
            future.set_exception(error)
