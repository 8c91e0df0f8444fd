"""Which lines run: `sys.monitoring` where Python has it (3.12), else `sys.settrace`. Either way only code objects that are this replay's own.

Monitoring is turned on for those code objects alone, and they are copies, so the live worker pays nothing; `settrace` is for the thread that replays.
"""

import dis
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

from wfengine.testing.stepping.isolating import Isolation

MOST_LINES_A_STEP = 2_000_000
_TOOLS = (3, 4, 1, 2)  # the ids that no tool of Python's own documentation claims come first
_YIELDS = dis.opmap["YIELD_VALUE"]


class RunsOn(BaseException):
    """The code has run so many lines without waiting that it may never wait."""


class Lines:
    """`lines` are those since `begin_step`, in order and each once, as (source, line within it); `hits` counts all. `ended` has the last locals of code that returned."""

    def __init__(self, isolation: Isolation) -> None:
        self.hits: Counter[tuple[int, int]] = Counter()
        self.lines: dict[tuple[int, int], None] = {}
        self.ended: dict[int, tuple[int, dict[str, Any]]] = {}
        self._isolation = isolation
        self._count = 0
        self._opcodes: dict[int, bytes] = {}

    def begin_step(self) -> None:
        """What runs from here on is another step."""
        self.lines = {}
        self._count = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """What this thread runs within is counted."""
        monitoring = getattr(sys, "monitoring", None)
        tool = None if monitoring is None else next((one for one in _TOOLS if monitoring.get_tool(one) is None), None)
        if monitoring is not None and tool is not None:
            with self._monitored(monitoring, tool):
                yield
            return
        before = sys.gettrace()
        sys.settrace(self._trace)
        try:
            yield
        finally:
            sys.settrace(before)

    @contextmanager
    def _monitored(self, monitoring: Any, tool: int) -> Iterator[None]:
        events = monitoring.events
        monitoring.use_tool_id(tool, "wflab replay")
        try:
            monitoring.register_callback(tool, events.LINE, self._ran)
            monitoring.register_callback(tool, events.PY_RETURN, self._returned)
            for code in self._isolation.codes:
                monitoring.set_local_events(tool, code, events.LINE | events.PY_RETURN)
            yield
        finally:
            for code in self._isolation.codes:
                monitoring.set_local_events(tool, code, 0)
            for event in (events.LINE, events.PY_RETURN):
                monitoring.register_callback(tool, event, None)
            monitoring.free_tool_id(tool)

    def _ran(self, code: CodeType, line: int) -> None:
        place = self._isolation.source_of(code)
        if place is not None:
            self._note(place, line)

    def _returned(self, code: CodeType, _offset: int, _value: object) -> None:
        self.ended[id(code)] = (sys._getframe(1).f_lineno, dict(sys._getframe(1).f_locals))  # noqa: SLF001  # the way to the frame that returns

    def _trace(self, frame: FrameType, _event: str, _argument: object) -> Callable[..., Any] | None:
        if self._isolation.source_of(frame.f_code) is None:
            return None
        return self._trace_within

    def _trace_within(self, frame: FrameType, event: str, _argument: object) -> Callable[..., Any]:
        code = frame.f_code
        if event == "line":
            self._ran(code, frame.f_lineno)
        elif event == "return" and not self._waits(frame):
            self.ended[id(code)] = (frame.f_lineno, dict(frame.f_locals))
        return self._trace_within

    def _waits(self, frame: FrameType) -> bool:
        """Whether the code comes back: a generator that yields returns, too, as far as tracing goes."""
        code = frame.f_code
        opcodes = self._opcodes.get(id(code))
        if opcodes is None:
            opcodes = self._opcodes[id(code)] = code.co_code
        return 0 <= frame.f_lasti < len(opcodes) and opcodes[frame.f_lasti] == _YIELDS

    def _note(self, source: int, line: int) -> None:
        place = (source, line - self._isolation.sources[source].first + 1)
        self.hits[place] += 1
        self.lines[place] = None
        self._count += 1
        if self._count > MOST_LINES_A_STEP:
            self._count = 0
            raise RunsOn(f"The code ran {MOST_LINES_A_STEP:,} lines without waiting for anything; it may never do so.")
