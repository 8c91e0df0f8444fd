"""What a lab looks at: one run, group, call or attempt, shared by all its views and the inspector."""

import logging
from collections.abc import Callable

import pandas as pd

from wflab.protocol import Focus

_log = logging.getLogger(__name__)
Listener = Callable[[Focus | None], None]


class LabFocus:
    """`lab.focus`. `read` gives the spans of an instance as a DataFrame."""

    def __init__(self, read: Callable[[str], pd.DataFrame]) -> None:
        self._read = read
        self._value: Focus | None = None
        self._listeners: list[Listener] = []

    @property
    def value(self) -> Focus | None:
        """What is looked at; None for nothing."""
        return self._value

    def set(self, instance_id: str | None, *, group: str | None = None, span_id: str | None = None, attempt: int | None = None) -> None:
        """Have all views turn to a run, or to a group of calls, a call or an attempt in it; None for nothing."""
        focus = None if instance_id is None else Focus(instance_id=instance_id, group=group, span_id=span_id, attempt=attempt)
        self.move(focus)

    def move(self, focus: Focus | None) -> None:
        """As `set`, with the whole at once. Any thread may call it; listeners must only enqueue."""
        if focus == self._value:
            return
        self._value = focus
        for listener in list(self._listeners):
            try:
                listener(focus)
            except Exception:  # noqa: BLE001  # a view's fault is its own
                _log.exception("a view could not follow the focus")

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have `listener` told of every move; call the result to stop that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def df(self) -> pd.DataFrame:
        """The rows of `run.spans()` that are looked at: all of a run's, a group's, a call's attempts, or one."""
        focus = self._value
        if focus is None:
            return pd.DataFrame()
        rows = self._read(focus.instance_id)
        if focus.span_id is not None:
            call = rows[(rows["call_id"] == focus.span_id) | (rows["span_id"] == focus.span_id)]
            return call if focus.attempt is None else call[call["attempt"] == focus.attempt]
        return rows if focus.group is None else rows[rows["group_key"] == focus.group]

    def __repr__(self) -> str:
        return "nothing in focus" if self._value is None else repr(self._value)
