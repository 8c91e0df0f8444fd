"""What the dashboard shows: how all runs of a lab do. The twin is extension/src/protocol/dashboard.ts.

Times are milliseconds since the epoch, lengths are seconds, rates between 0 and 1. None is what there is nothing to compute from; a page shows –.
"""

from typing import Literal

import msgspec


class DashboardFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which runs are looked at; an empty one is all. `since` and `until` bound the end: a span before now (`24h`) or a moment as ISO text.

    `status`, `error` (a failure's fingerprint) and `reached` (a call that a run asked for, with `reached_state` the state of one) choose among the
    instances listed; numbers about the fleet do not follow them, or a success rate of failed runs would be nought.
    """

    since: str = ""
    until: str = ""
    name: str = ""
    version: str | None = None
    tag: str = ""
    text: str = ""
    children: bool = False
    canceled: bool = False
    status: str = ""
    error: str = ""
    reached: str = ""
    reached_state: str = ""


class Kpi(msgspec.Struct, frozen=True, kw_only=True):
    """A tile. `tip` says what the number is made of; `standing` whether it holds what was asked for, empty where nothing was."""

    key: Literal["success", "p95", "running", "stuck", "burn"]
    title: str
    value: str
    note: str
    tip: str
    standing: Literal["", "good", "bad"] = ""


class WorkflowLine(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow in one of its versions. `trend` are (ended well, ended badly) in the picture's bins; `per_hour` how many ended.

    `failure` is what most of its runs failed of, `oldest` since when the oldest one that is under way is.
    """

    name: str
    version: str
    counts: dict[str, int]
    numerator: int
    denominator: int
    rate: float | None
    low: float | None
    high: float | None
    p50: float | None
    p95: float | None
    trend: list[tuple[int, int]]
    per_hour: float | None
    failure: str = ""
    oldest: float | None = None


class FailureLine(msgspec.Struct, frozen=True, kw_only=True):
    """Failures that are the same but for ids and numbers. `activity` is empty where the workflow's own code raised; `sample` is the newest run.

    `new_since` is the version, or the beginning of the code's hash, of which it is new; empty where it is not.
    """

    fingerprint: str
    activity: str
    count: int
    share: float
    first: float
    last: float
    workflows: list[str]
    sample: str
    message: str
    frame: str
    new_since: str = ""


class StuckLine(msgspec.Struct, frozen=True, kw_only=True):
    """A run that stands still and should not: why, and what to do."""

    instance_id: str
    name: str
    status: str
    reason: str
    since: float
    why: str
    remedy: str


class HeatGrid(msgspec.Struct, frozen=True, kw_only=True):
    """Ended runs by the time of their end and by their length. `cells` are (column, row, runs, how many of them ended badly); empty ones are left out.

    The `columns` are even parts of the time from the picture's `begin` to its `end`; row r spans `edges[r]` to `edges[r + 1]`, in seconds.
    """

    columns: int
    edges: list[float]
    cells: list[tuple[int, int, int, int]]


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A run in the table of instances; `note` is its error, or nothing."""

    instance_id: str
    name: str
    version: str
    status: str
    created: float
    ended: float | None = None
    note: str = ""


class TypeNode(msgspec.Struct, frozen=True, kw_only=True):
    """Something that runs of one workflow asked for, and how many of them by the worst state of it in a run. `column` and `row` are its place."""

    name: str
    kind: str
    counts: dict[str, int]
    column: int
    row: int


class TypeGraph(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of many runs of one workflow, over `runs` of `total`; `edges` are (from, to, how many runs), places in `nodes`."""

    runs: int
    total: int
    nodes: list[TypeNode]
    edges: list[tuple[int, int, int]]


class DashboardPicture(msgspec.Struct, frozen=True, kw_only=True):
    """All of it. `states` count runs without regard to what is chosen among the instances; `code` is the filter as Python.

    `names`, `versions` and `tags` are what can be filtered by. `begin` and `end` are what the trends' bins span. `curve` is how long ended runs took,
    as (seconds, share of them that took no longer), and `heat` the same over time. `instances` are a page of `total`, from place `first` on, in the order `order` (a column, behind `-`
    where the other way round); `chosen` says how many are marked. `everything` counts all runs of the lab. `trouble` says why the engine does not go on.
    """

    view: Literal["dashboard"] = "dashboard"
    lab: str
    now: float
    ticks: bool
    is_over: bool = False
    filter: DashboardFilter
    code: str
    definition: str
    states: dict[str, int]
    everything: int
    kpis: list[Kpi]
    names: list[str]
    versions: list[str]
    tags: list[str]
    begin: float
    end: float
    workflows: list[WorkflowLine]
    workflows_total: int
    failures: list[FailureLine]
    failures_total: int
    stuck: list[StuckLine]
    stuck_total: int
    curve: list[tuple[float, float]]
    curve_count: int
    heat: HeatGrid
    instances: list[RunRow]
    total: int
    first: int
    order: str
    chosen: list[str] = []
    graph: TypeGraph | None = None
    trouble: str | None = None


class ExplainedNumber(msgspec.Struct, frozen=True, kw_only=True):
    """Where a number comes from: what it means, its SQL with the parameters, and the Python that gives the same."""

    title: str
    definition: str
    sql: str
    parameters: dict[str, str]
    code: str


class DashboardBulk(msgspec.Struct, frozen=True, kw_only=True):
    """What an act on many comes to. In a dry run `would` lists (run, workflow, state) and `count` must be said to go on; `unfit` it cannot be done to.

    Afterwards `done` and `failed` count, and `errors` are (run, reason).
    """

    verb: str
    count: int
    unfit: int
    would: list[tuple[str, str, str]] = []
    done: int = 0
    failed: int = 0
    errors: list[tuple[str, str]] = []
