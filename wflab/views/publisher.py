"""One thread that writes to all widgets, so that no two threads do and no page is flooded.

A view is redrawn at once at its first change, then at most four times a second (less often where making its picture is dear); all views
together at most twenty times. Nothing is sent while nothing changes, and the thread sleeps until something does.
"""

import logging
import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, Protocol

from wfengine.condition import Condition
from wflab.protocol import Notice, Picture
from wflab.views.card import static_bundle

VIEW_PAUSE_S = 0.25
SEND_PAUSE_S = 0.05
_SHARE_OF_TIME = 5
_log = logging.getLogger(__name__)


class LiveView(Protocol):
    """What the publisher writes to: a widget."""

    def show(self, picture: Picture) -> bool:
        """Draw the picture; whether it was a new one."""

    def tell(self, notice: Notice) -> None:
        """Say something beside the picture."""

    def close(self) -> None:
        """Be gone: nothing of it is displayed any more."""


class DisplayHandle(Protocol):
    """IPython's: the place in a notebook where a view is displayed."""

    def update(self, obj: dict[str, Any], /, *, raw: bool) -> None:
        """Replace what is displayed there."""


class _Entry:
    def __init__(self, view: LiveView, snapshot: Callable[[], Picture], display: DisplayHandle | None) -> None:
        self.view = view
        self.snapshot = snapshot
        self.display = display
        self.is_dirty = True
        self.is_freezing = False
        self.notices: list[Notice] = []
        self.due = 0.0

    @property
    def has_work(self) -> bool:
        return self.is_dirty or self.is_freezing or bool(self.notices)


class Publisher:
    """Any thread may call any method, and none of them waits for a widget; snapshots and views are used by the own thread only.

    `close` ends the thread without waiting for it. `clock` counts seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = Condition()  # guards everything below
        self._entries: dict[Hashable, list[_Entry]] = {}
        self._next_send = 0.0
        self._is_closing = False
        self._at_work: _Entry | None = None
        threading.Thread(target=self._run, name="wflab-publisher", daemon=True).start()

    def attach(self, key: Hashable, view: LiveView, snapshot: Callable[[], Picture], *, display: DisplayHandle | None = None) -> None:
        """Keep the view at `snapshot()` whenever `key` is touched. A key may have several views; `display` is for `freeze`."""
        with self._changed.lock:
            self._entries.setdefault(key, []).append(_Entry(view, snapshot, display))
            self._changed.notify_all()

    def touch(self, key: Hashable) -> None:
        """Tell that something about `key` changed."""
        with self._changed.lock:
            for entry in self._entries.get(key, ()):
                entry.is_dirty = True
            self._changed.notify_all()

    def tell(self, key: Hashable, notice: Notice) -> None:
        """Show a notice in the views of `key`."""
        with self._changed.lock:
            for entry in self._entries.get(key, ()):
                entry.notices.append(notice)
            self._changed.notify_all()

    def freeze(self, key: Hashable) -> None:
        """Draw the views of `key` a last time, put the static card in place of each that has a display, and let go of them."""
        with self._changed.lock:
            for entry in self._entries.get(key, ()):
                entry.is_freezing = True
            self._changed.notify_all()

    def detach(self, key: Hashable, view: LiveView | None = None) -> None:
        """Let go of the views of `key`, or of one, as they are."""
        with self._changed.lock:
            kept = [entry for entry in self._entries.pop(key, ()) if view is not None and entry.view is not view]
            if kept:
                self._entries[key] = kept
            self._changed.notify_all()

    def settle(self, timeout_s: float) -> bool:
        """Wait until everything is shown; whether it was in time."""
        return self._changed.wait_for(lambda: self._is_closing or (self._at_work is None and not self._with_work()), timeout_s)

    def close(self) -> None:
        """Stop; what is not shown yet is not shown any more."""
        with self._changed.lock:
            self._is_closing = True
            self._entries.clear()
            self._changed.notify_all()

    def _with_work(self) -> list[tuple[Hashable, _Entry]]:
        return [(key, entry) for key, entries in self._entries.items() for entry in entries if entry.has_work]

    def _run(self) -> None:
        while True:
            found = self._next()
            if found is None:
                return
            key, entry = found
            with self._changed.lock:
                entry.is_dirty = False
                is_freezing, entry.is_freezing = entry.is_freezing, False
                notices, entry.notices = entry.notices, []
            started = self._clock()
            try:
                _show(entry, notices, is_freezing=is_freezing)
            except Exception:  # noqa: BLE001  # whatever a snapshot or a closed widget raises must not end the thread for all others
                _log.exception("a view of %r could not be drawn; it is let go", key)
                is_freezing = True
            with self._changed.lock:
                now = self._clock()
                self._next_send = now + SEND_PAUSE_S
                entry.due = now + max(VIEW_PAUSE_S, _SHARE_OF_TIME * (now - started))
                self._at_work = None
                if is_freezing:
                    self._let_go(key, entry)
                self._changed.notify_all()

    def _next(self) -> tuple[Hashable, _Entry] | None:
        """Wait for the next view that may be drawn, and take it up; None when closed."""
        while True:
            with self._changed.lock:
                if self._is_closing:
                    return None
                pause = -1.0  # until something changes
                work = self._with_work()
                if work:
                    key, entry = min(work, key=lambda found: found[1].due)
                    pause = max(entry.due, self._next_send) - self._clock()
                    if pause <= 0:
                        self._at_work = entry
                        return key, entry
                changed = self._changed.listen()
            changed.acquire(timeout=pause)

    def _let_go(self, key: Hashable, entry: _Entry) -> None:
        kept = [other for other in self._entries.pop(key, ()) if other is not entry]
        if kept:
            self._entries[key] = kept


def _show(entry: _Entry, notices: list[Notice], *, is_freezing: bool) -> None:
    picture = entry.snapshot()
    entry.view.show(picture)
    for notice in notices:
        entry.view.tell(notice)
    if is_freezing and entry.display is not None:
        entry.display.update(static_bundle(picture), raw=True)
        entry.view.close()
