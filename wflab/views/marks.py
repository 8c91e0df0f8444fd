"""What happened to a run beside its calls: that it was suspended, and the patches that its code asked for. Nothing follows from them.

They stand where the run was then, so they hang on what led there and take part in no order.
"""

from datetime import datetime

from wflab import protocol
from wflab.analytics.step import START
from wflab.views.head import milliseconds
from wflab.views.payloads import one_line

SUSPEND = "suspend"
PATCH = "patch"
MARKS = frozenset({SUSPEND, PATCH})


class Mark:
    """One node: all suspensions of a run, or one patch. A span's end is None while it lasts."""

    def __init__(self, identity: str, kind: str, name: str, cause: str) -> None:
        self.id = identity
        self.kind = kind
        self.name = name
        self.cause = cause
        self.spans: list[tuple[datetime, datetime | None]] = []
        self.reason = ""

    @property
    def lasts(self) -> bool:
        """Whether the run is suspended now."""
        return bool(self.spans) and self.spans[-1][1] is None


class Marks:
    """The marks of one execution, in the order in which they appeared; those under `group_key` have the keys that spans have."""

    def __init__(self, group_key: str) -> None:
        self._group_key = group_key
        self.all: dict[str, Mark] = {}

    def suspend(self, at: datetime, reason: str | None, cause: str) -> Mark:
        """The run stands still from here on."""
        mark = self._mark(SUSPEND, "suspended", f"{self._group_key}/{SUSPEND}", cause)
        if not mark.lasts:
            mark.spans.append((at, None))
            mark.reason = reason or ""
        return mark

    def resume(self, at: datetime) -> None:
        """It goes on."""
        mark = self.all.get(f"{self._group_key}/{SUSPEND}")
        if mark is not None and mark.lasts:
            mark.spans[-1] = (mark.spans[-1][0], at)

    def patch(self, at: datetime, name: str, cause: str) -> Mark:
        """The code asked whether it is patched, and was told yes."""
        mark = self._mark(PATCH, name, f"{self._group_key}/{PATCH} {name}", cause)
        mark.spans.append((at, at))
        return mark

    def _mark(self, kind: str, name: str, identity: str, cause: str) -> Mark:
        return self.all.setdefault(identity, Mark(identity, kind, name, cause))


def links_of(mark: Mark) -> list[tuple[str, str, str]]:
    """The line from where the run was."""
    return [] if mark.cause == START else [(mark.cause, mark.id, "mark")]


def mark_node(mark: Mark, instance_id: str, *, is_over: bool, frame: str | None) -> protocol.GraphGroup:
    """What its node says."""
    state = "COMPLETED" if not mark.lasts else "CANCELED" if is_over else "SUSPENDED"
    ended = [(end - begin).total_seconds() * 1000 for begin, end in mark.spans if end is not None]
    note = "the code took the patched way" if mark.kind == PATCH else mark.reason or "paused"
    return protocol.GraphGroup(
        id=mark.id,
        name=one_line(mark.name),
        kind=mark.kind,
        state=state,
        count=len(mark.spans),
        counts={state: len(mark.spans)},
        note=one_line(note),
        since=milliseconds(mark.spans[-1][0]) if state == "SUSPENDED" else None,
        took_ms=round(sum(ended), 3) if mark.kind == SUSPEND and ended and not mark.lasts else None,
        frame=frame,
        instance_id=instance_id,
    )
