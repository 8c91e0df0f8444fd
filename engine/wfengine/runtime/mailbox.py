"""The engine's mailbox: how other threads ask the one that decides."""

from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

_MOST_AT_ONCE = 1000


class Mailbox:
    """Any thread puts calls in; the engine's thread takes them out, in order."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[tuple[Callable[..., None], tuple[Any, ...]]] = SimpleQueue()

    def post(self, function: Callable[..., None], *arguments: Any) -> None:
        """Have the engine's thread call `function(*arguments)`."""
        self._calls.put((function, arguments))

    def ask(self, future: "Future[Any]", function: Callable[..., None], *arguments: Any) -> None:
        """Have the engine's thread call `function(future, *arguments)`; what that raises is the future's."""
        self.post(self._serve, future, function, arguments)

    def take_in(self, timeout: float | None) -> None:
        """Carry out what is there; wait up to `timeout` seconds (None: for ever) for the first call."""
        with suppress(Empty):
            function, arguments = self._calls.get(timeout=timeout) if timeout != 0 else self._calls.get_nowait()
            function(*arguments)
            for _ in range(_MOST_AT_ONCE):
                function, arguments = self._calls.get_nowait()
                function(*arguments)

    def refuse_all(self, error: Exception) -> None:
        """Nobody takes calls out any more: tell whoever waits for an answer."""
        with suppress(Empty):
            while True:
                function, arguments = self._calls.get_nowait()
                if function == self._serve and not arguments[0].done():
                    arguments[0].set_exception(error)

    def _serve(self, future: "Future[Any]", function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        """A caller's mistake is the caller's; it does not hurt the engine."""
        try:
            function(future, *arguments)
        except Exception as error:  # noqa: BLE001  # handed to the caller
            future.set_exception(error)
