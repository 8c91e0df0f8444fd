"""What workflow code prints while it is replayed is nobody's output: it was printed when it ran."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class _Hushed:
    """A stream that passes on all but what one thread writes."""

    def __init__(self, stream: Any, thread: int) -> None:
        self._stream = stream
        self._thread = thread

    def write(self, text: str) -> int:
        """As the stream's."""
        return len(text) if threading.get_ident() == self._thread else int(self._stream.write(text) or 0)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def hushed() -> Iterator[None]:
    """Pass over what this thread prints meanwhile. One thread at a time: the caller sees to that."""
    before = sys.stdout, sys.stderr
    mine = tuple(_Hushed(stream, threading.get_ident()) for stream in before)
    sys.stdout, sys.stderr = mine
    try:
        yield
    finally:  # unless somebody has exchanged them meanwhile
        sys.stdout = before[0] if sys.stdout is mine[0] else sys.stdout
        sys.stderr = before[1] if sys.stderr is mine[1] else sys.stderr
