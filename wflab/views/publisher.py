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
from wflab import protocol
from wflab.views.bundles import bundle_of
from wflab.views.listening import kernel_listens

VIEW_PAUSE_S = 0.25
SEND_PAUSE_S = 0.05
STORE_PAUSE_S = 5.0
_SHARE_OF_TIME = 5
_ENDS_WITHIN_SECONDS = 2.0
_log = logging.getLogger(__name__)


class LiveView(Protocol):
    """What the publisher writes to: a widget."""

    @property
    def is_seen(self) -> bool:
        """Whether anybody may be looking."""

    def show(self, picture: Any) -> bool:
        """Draw the picture; whether it was a new one."""

    def tell(self, message: protocol.Notice | protocol.Reply | protocol.FocusMoved) -> None:
        """Say something beside the picture."""

    def part(self) -> None:
        """Nothing more will be shown: say so."""

    def _repr_mimebundle_(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a notebook stores of the view while it is live."""

    def close(self) -> None:
        """Be gone: nothing of it is displayed any more."""


class DisplayHandle(Protocol):
    """IPython's: the place in a notebook where a view is displayed."""

    def update(self, obj: dict[str, Any], /, *, raw: bool, metadata: dict[str, Any] | None = None) -> None:
        """Replace what is displayed there."""


class _Entry:
    def __init__(self, view: LiveView, snapshot: Callable[[], Any], display: DisplayHandle | None, now: float, pause_s: float) -> None:
        self.view = view
        self.pause_s = pause_s
        self.snapshot = snapshot
        self.display = display
        self.is_dirty = True
        self.is_freezing = False
        self.messages: list[protocol.Notice | protocol.FocusMoved] = []
        self.jobs: list[Callable[[], None]] = []
        self.due = 0.0
        self.stored_at = now
        self.is_stored = True  # whether the notebook holds what was last shown

    def due_at(self, *, keeps_stored: bool) -> float | None:
        """When there is something to do next; None for nothing."""
        if self.jobs or self.messages or self.is_freezing:
            return 0.0
        if self.is_dirty and self.view.is_seen:
            return self.due
        return max(self.due, self.stored_at + STORE_PAUSE_S) if keeps_stored and not self.is_stored and self.display is not None else None


class Publisher:
    """Any thread may call any method, and none but `close` waits for a widget; snapshots and views are used by the own thread only.

    `clock` counts seconds, `work` those in which the thread that asks was at work: a picture is dear for
    what it keeps from others, not for what it waits for. With `keeps_stored`, what a notebook would save of a view that has a display
    is brought up to date every few seconds while it changes.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, work: Callable[[], float] = time.thread_time) -> None:
        self.keeps_stored = False
        self._clock = clock
        self._work = work
        self._changed = Condition()  # guards everything below
        self._entries: dict[Hashable, list[_Entry]] = {}
        self._next_send = 0.0
        self._is_closing = False
        self._parting: list[LiveView] = []
        self._at_work: _Entry | None = None
        self._thread = threading.Thread(target=self._run, name="wflab-publisher", daemon=True)
        self._thread.start()

    def attach(
        self,
        key: Hashable,
        view: LiveView,
        snapshot: Callable[[], Any],
        *,
        display: DisplayHandle | None = None,
        pause_s: float | None = None,
    ) -> None:
        """Keep the view at `snapshot()` whenever `key` is touched, `pause_s` apart. A key may have several views; `display` is where it is shown."""
        with self._changed.lock:
            entry = _Entry(view, snapshot, display, self._clock(), VIEW_PAUSE_S if pause_s is None else pause_s)
            self._entries.setdefault(key, []).append(entry)
            self._changed.notify_all()

    def touch(self, key: Hashable) -> None:
        """Tell that something about `key` changed. A view that nobody sees is drawn once somebody does: touch it then."""
        self._each(key, lambda entry: setattr(entry, "is_dirty", True))

    def tell(self, key: Hashable, message: protocol.Notice | protocol.FocusMoved) -> None:
        """Say something in the views of `key`."""
        self._each(key, lambda entry: entry.messages.append(message))

    def post(self, key: Hashable, job: Callable[[], None]) -> None:
        """Have `job` done by the thread that writes to the views of `key`."""
        self._each(key, lambda entry: entry.jobs.append(job))

    def finish(self, key: Hashable) -> None:
        """Draw the views of `key` once more, and have what the notebook stores follow at once: nothing will change any more."""

        def change(entry: _Entry) -> None:
            entry.is_dirty, entry.is_stored, entry.stored_at = True, False, -STORE_PAUSE_S

        self._each(key, change)

    def freeze(self, key: Hashable) -> None:
        """Draw the views of `key` a last time, put the static form in place of each that has a display, and let go of them."""
        self._each(key, lambda entry: setattr(entry, "is_freezing", True))

    def detach(self, key: Hashable, view: LiveView | None = None) -> DisplayHandle | None:
        """Let go of the views of `key`, or of one, as they are; gives the place of the last one that had one."""
        with self._changed.lock:
            gone = [entry for entry in self._entries.get(key, ()) if view is None or entry.view is view]
            for entry in gone:
                self._let_go(key, entry)
            self._changed.notify_all()
            return next((entry.display for entry in reversed(gone) if entry.display is not None), None)

    def settle(self, timeout_s: float) -> bool:
        """Wait until everything is shown; whether it was in time."""
        return self._changed.wait_for(lambda: self._is_closing or (self._at_work is None and not self._has_work()), timeout_s)

    def close(self) -> None:
        """Stop; what is not shown yet is not shown any more. The own thread has all views say so, and ends.

        That is waited for, but not for long: at the kernel's end the thread that sends for all others ends next, and what this one sends
        after it garbles what others do.
        """
        with self._changed.lock:
            self._is_closing = True
            self._parting += [entry.view for entries in self._entries.values() for entry in entries]
            self._entries.clear()
            self._changed.notify_all()
        if self._thread is not threading.current_thread():
            self._thread.join(_ENDS_WITHIN_SECONDS)

    def _each(self, key: Hashable, change: Callable[[_Entry], object]) -> None:
        with self._changed.lock:
            for entry in self._entries.get(key, ()):
                change(entry)
            self._changed.notify_all()

    def _has_work(self) -> bool:
        return any(entry.due_at(keeps_stored=False) is not None for entries in self._entries.values() for entry in entries)

    def _run(self) -> None:
        while True:
            found = self._next()
            if not kernel_listens():
                self._fall_silent()
                return
            if found is None:
                self._part()
                return
            key, entry = found
            with self._changed.lock:
                entry.is_dirty = False
                is_freezing, entry.is_freezing = entry.is_freezing, False
                messages, entry.messages = entry.messages, []
                jobs, entry.jobs = entry.jobs, []
            started, worked = self._clock(), self._work()
            try:
                self._write(entry, jobs, messages, is_freezing=is_freezing)
            except Exception:  # noqa: BLE001  # whatever a snapshot or a closed widget raises must not end the thread for all others
                _log.exception("a view of %r could not be drawn; it is let go", key)
                is_freezing = True
            with self._changed.lock:
                now = self._clock()
                self._next_send = now + SEND_PAUSE_S
                entry.due = started + max(entry.pause_s, _SHARE_OF_TIME * (self._work() - worked))
                self._at_work = None
                if is_freezing:
                    self._let_go(key, entry)
                self._changed.notify_all()

    def _fall_silent(self) -> None:
        with self._changed.lock:
            self._is_closing = True
            self._at_work = None
            self._entries.clear()
            self._changed.notify_all()

    def _part(self) -> None:
        for view in self._parting:
            try:
                view.part()
            except Exception:  # noqa: BLE001  # a widget that is gone already; the others are to hear of it
                _log.debug("a view could not be told that its lab is closed", exc_info=True)

    def _next(self) -> tuple[Hashable, _Entry] | None:
        """Wait for the next view that may be written to, and take it up; None when closed."""
        while True:
            with self._changed.lock:
                if self._is_closing:
                    return None
                pause = -1.0  # until something changes
                work = [
                    (due, number, key, entry)
                    for number, (key, entry) in enumerate((key, entry) for key, entries in self._entries.items() for entry in entries)
                    if (due := entry.due_at(keeps_stored=self.keeps_stored)) is not None
                ]
                if work:
                    due, _, key, entry = min(work, key=lambda found: found[:2])
                    pause = max(due, self._next_send) - self._clock()
                    if pause <= 0:
                        self._at_work = entry
                        return key, entry
                changed = self._changed.listen()
            changed.acquire(timeout=pause)

    def _write(self, entry: _Entry, jobs: list[Callable[[], None]], messages: list[Any], *, is_freezing: bool) -> None:
        """Show the view's picture, say what there is to say, and bring up to date what the notebook stores."""
        for job in jobs:
            job()
        picture = entry.snapshot()
        if entry.view.show(picture):
            entry.is_stored = False
        for message in messages:
            entry.view.tell(message)
        if entry.display is None:
            return
        if is_freezing:
            entry.display.update(bundle_of(picture), raw=True)
            entry.view.close()
        elif self.keeps_stored and not entry.is_stored and self._clock() >= entry.stored_at + STORE_PAUSE_S:
            data, metadata = entry.view._repr_mimebundle_()
            entry.display.update(data, metadata=metadata, raw=True)
            entry.is_stored, entry.stored_at = True, self._clock()

    def _let_go(self, key: Hashable, entry: _Entry) -> None:
        kept = [other for other in self._entries.pop(key, ()) if other is not entry]
        if kept:
            self._entries[key] = kept
