"""A few threads for what would block the gateway's loop: reading DuckDB, purging."""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
_THREADS = 4


class Blocking:
    """Runs calls on daemon threads, so that one that hangs never keeps the process from ending: the standard pool's are joined at exit."""

    def __init__(self, threads: int = _THREADS) -> None:
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._run, name=f"wflab-gateway-{n}", daemon=True) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """What the call gives or raises; from the loop."""
        future: Future[T] = Future()
        self._calls.put((future, function, arguments))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Let the threads end once they have done what was asked."""
        for _ in self._threads:
            self._calls.put(None)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            future, function, arguments = call
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(function(*arguments))
            except BaseException as error:  # noqa: BLE001  # it is the caller's, whatever it is
                future.set_exception(error)
