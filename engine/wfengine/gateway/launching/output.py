"""What programs write, line by line: kept in a ring, told to listeners, and without a terminal's colours where a page shows it."""

import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Literal

import msgspec

MOST_LINES = 10_000
LONGEST_LINE = 16_384
Stream = Literal["out", "err", "lab"]
# CSI (colours, cursor), OSC (titles, links) up to its end, and the two-byte escapes; then what is left of control characters but the tab.
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class OutputLine(msgspec.Struct, frozen=True):
    """A line, as it was written but for its end. `stream` is where: "out", "err", or "lab" for what the lab says of the program."""

    at: datetime
    app_id: str
    stream: Stream
    text: str

    @property
    def plain(self) -> str:
        """Without what only a terminal understands."""
        return plain(self.text)


def plain(text: str) -> str:
    """Text without escape sequences and control characters; a line that was written over itself, as progress is, as it was last seen."""
    last = text.rstrip("\r").rpartition("\r")[2]
    return _CONTROLS.sub("", _ESCAPES.sub("", last))


class Output:
    """The newest lines of one program. Thread-safe; listeners are called on the thread that reads, and must return at once."""

    def __init__(self, app_id: str, most: int = MOST_LINES) -> None:
        self._app_id = app_id
        self._lines: deque[OutputLine] = deque(maxlen=most)
        self._listeners: list[Callable[[OutputLine], None]] = []
        self._lock = threading.Lock()  # of the lines and of who listens

    def add(self, stream: Stream, text: str) -> None:
        """One line; one that is very long comes in pieces."""
        for begin in range(0, max(1, len(text)), LONGEST_LINE):
            line = OutputLine(datetime.now(UTC), self._app_id, stream, text[begin : begin + LONGEST_LINE])
            with self._lock:
                self._lines.append(line)
                listeners = list(self._listeners)
            for listener in listeners:
                listener(line)

    def listen(self, listener: Callable[[OutputLine], None], *, from_the_first: bool = False) -> Callable[[], None]:
        """Have `listener` told of each line; call the result to stop that. `from_the_first` begins with those that are there."""
        with self._lock:
            for line in self._lines if from_the_first else ():
                listener(line)
            self._listeners.append(listener)

        def forget() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return forget

    def lines(self) -> list[OutputLine]:
        """Those that are kept, the oldest first."""
        with self._lock:
            return list(self._lines)

    def __iter__(self) -> Iterator[OutputLine]:
        return iter(self.lines())

    def __len__(self) -> int:
        return len(self._lines)

    def __repr__(self) -> str:
        return "\n".join(line.plain for line in self.lines())


class LineReader:
    """Bytes as they come, cut into lines of text; what cannot be read as UTF-8 is replaced."""

    def __init__(self, add: Callable[[str], None]) -> None:
        self._add = add
        self._rest = b""

    def feed(self, chunk: bytes) -> None:
        """More of what was written."""
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        for line in whole:
            self._add(_text(line))
        if len(self._rest) > 4 * LONGEST_LINE:
            self.end()

    def end(self) -> None:
        """Nothing more comes: what is left is a line, too."""
        rest, self._rest = self._rest, b""
        if rest:
            self._add(_text(rest))


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").removesuffix("\r")
