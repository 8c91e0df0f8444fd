"""What the timeline shows: one run's calls over time. The twin is extension/src/protocol/timeline.ts.

The calls themselves travel as columns (`wflab/views/columns.py`); what is worked out from all of them, also from those that a picture has no
room for, travels beside: groups, gaps, the strip on top. Bins have one entry per column of `stretches`.
"""

from typing import Any, Literal

import msgspec

from wflab.protocol.head import RunHead


class Stretch(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """A piece of time in which something happens, cut into so many columns of the bins."""

    since: float
    until: float
    columns: int


class Density(msgspec.Struct, frozen=True, kw_only=True):
    """Calls of one call-site folded into one row. `worst` has, per column, 1 + the number of the worst state (0: none), `many` how many calls.

    `parent` is the span that the calls hang below, `counts` says how many calls stand in which state, `sent` how many of them the picture
    has; where these are not all, `members` has their places in the group (32-bit numbers, ascending). Numbers of states are their places in
    the palette.
    """

    key: str
    name: str
    kind: str
    parent: str
    count: int
    sent: int
    attempts: int
    counts: dict[str, int]
    since: float
    until: float | None
    median_ms: float | None
    worst: bytes
    many: bytes
    members: bytes = b""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """How many attempts the whole lab makes at a time: of the activity of this name, or of all where it is ""."""

    name: str
    most: int


class Strip(msgspec.Struct, frozen=True, kw_only=True):
    """The top strip, per column: attempts that ran at a time, that were queued (32-bit floats), and failures (32-bit numbers)."""

    running: bytes
    queued: bytes
    failed: bytes


class TimelinePicture(RunHead, frozen=True, kw_only=True):
    """One run over time.

    `begin` and `end` bound everything that is known; `gaps` are the stretches in between in which nothing happens and that are long enough to
    be broken out. `critical` names the calls (`call_id`) that determine the end, last first. `blame` says how many milliseconds of the run's time went to
    what. `turns` are
    the moments at which the code ran, or some hundreds of them. `spans` are columns; `parents` has, for each execution in it that is a child, the span of
    its caller. `limits` are those that apply to its activities, `minor` the names of those that are declared to be of low importance, `major` of those of high, whose calls are not folded. `left_out` says in words what the picture does not have.
    """

    view: Literal["timeline"] = "timeline"
    why: str
    scheduled: float | None
    begin: float
    end: float
    gaps: list[tuple[float, float]]
    stretches: list[Stretch]
    strip: Strip
    groups: list[Density]
    spans: Any  # views.columns.Columns, which stands on a floor above
    parents: dict[str, str]
    limits: list[Limit]
    minor: list[str]
    major: list[str]
    spans_total: int
    turns: list[float]
    critical: list[str]
    blame: dict[str, float]
    left_out: list[str]


class Bins(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `bins`: per group asked for, as in `Density`, over the stretches asked for."""

    groups: dict[str, tuple[bytes, bytes]]


class Baseline(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `baseline`: what each call usually takes. `usual` has, per kind and name of a call, its median and 95th percentile in milliseconds.

    `runs` is how many runs that rests on; `label` says which.
    """

    label: str
    runs: int
    usual: dict[str, tuple[float, float]]


class Selected(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `select`: how many spans the handle's `.selection` holds now."""

    count: int


class SpanDetail(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `detail`: what only the record has of a span."""

    input: Any = None
    output: Any = None
    error: Any = None
