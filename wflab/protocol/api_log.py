"""What the API log shows: the calls that came in by the lab's sidecars. The twin is extension/src/protocol/api_log.ts.

Times are milliseconds since the epoch, `took_ms` milliseconds. An empty app is the lab's own.
"""

from typing import Literal

import msgspec

Outcome = Literal["", "ok", "failed"]


class ApiLogFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls are looked at; an empty one is all. `app` is None for every app and "" for the lab's own.

    `since` and `until`: a span before now (`15m`) or a moment as ISO text. `text` is looked for in methods, targets, callers, errors and traces.
    """

    app: str | None = None
    api: str = ""
    outcome: Outcome = ""
    since: str = ""
    until: str = ""
    text: str = ""
    trace: str = ""


class CallGroup(msgspec.Struct, frozen=True, kw_only=True):
    """How many calls an app or an API has, under the rest of the filter."""

    name: str
    count: int
    failed: int


class ApiCallRow(msgspec.Struct, frozen=True, kw_only=True):
    """A call. `place` and `at` together say which one it is."""

    place: int
    at: float
    app: str
    api: str
    method: str
    target: str
    status: str
    is_failed: bool
    took_ms: float | None = None
    caller: str = ""
    error: str = ""


class ApiLogPicture(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `calls` are a page of `total`, from place `first` on, in the order `order` (a column, behind `-` where the other way round).

    `failed`, `p50` and `p95` are of all that the filter leaves. `bins` count (ok, failed) over time, from `begin` to `end`. `everything` counts all
    calls of the lab, `newer` those that came since the table stands still (`is_paused`), `dropped` those that were too many to be recorded.
    `served` says where the lab is served, and is empty where it is not.
    """

    view: Literal["api_log"] = "api_log"
    lab: str
    now: float
    ticks: bool
    is_over: bool = False
    filter: ApiLogFilter
    code: str
    apps: list[CallGroup]
    apis: list[CallGroup]
    total: int
    failed: int
    everything: int
    p50: float | None
    p95: float | None
    begin: float
    end: float
    bins: list[tuple[int, int]]
    calls: list[ApiCallRow]
    first: int
    page: int
    order: str
    is_paused: bool = False
    newer: int = 0
    dropped: int = 0
    served: str = ""
    trouble: str | None = None


class ApiCallDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A call with all its fields, the calls of its trace (itself among them, the oldest first), and the run it was about, if there is one."""

    call: ApiCallRow
    trace: str
    request_bytes: int | None
    response_bytes: int | None
    instance_id: str = ""
    workflow: str = ""
    others: list[ApiCallRow] = []
    others_total: int = 0
