"""What the execution graph shows: groups of calls, their places, and what leads to what. The twin is extension/src/protocol/graph.ts."""

from typing import Literal

import msgspec

from wflab.protocol.head import RunHead
from wflab.protocol.run import Failure, Payload


class Durations(msgspec.Struct, frozen=True, kw_only=True):
    """How long calls took, in milliseconds; `bins` has 24 counts between `low` and `high`, on a logarithmic scale."""

    low: float
    high: float
    bins: list[int]
    p50: float
    p95: float
    count: int


class ErrorCount(msgspec.Struct, frozen=True, kw_only=True):
    """One way of failing: how many did, and the call at the place `index` as an example."""

    error_type: str
    message: str
    count: int
    index: int
    span_id: str


class CallRow(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a group. `input` is the beginning of its input; `span_id` and `child_id` are what to look at."""

    index: int
    span_id: str
    state: str
    attempts: int
    took_ms: float | None
    error: str = ""
    input: str = ""
    child_id: str | None = None


class GraphGroup(msgspec.Struct, frozen=True, kw_only=True):
    """All calls of one call-site: the callee, its line in the recorded source, and the group it stands in.

    `id` is the `group_key` of `run.spans()`. `count` is 0 where nothing was asked for yet: `planned` says "planned", or "not taken" where the run
    has passed the place by. `counts` are in the order of a bar; each letter of `cells` stands for the same number of calls in the order asked for,
    with the worst state among them, in lower case where it is not the only one. `rounds` counts the turns that asked, above 1 in a loop. A single
    call has `span_id`, `attempts` (states) and `child_id`. `eta` is how many milliseconds from now the rest may take, from and to. `kind` is
    also race (timers and waits asked for together, or calls that the source has in a `when_any`; `members` are the groups that run in it, `note` how it stands) suspend and patch (what happened to the run beside its
    calls: `count` is how often), and scope (several groups
    folded into one; `members` counts them in `count_of_groups`). `frame` is the group that this one was expanded from.
    """

    id: str
    name: str
    kind: str
    state: str
    line: int | None = None
    planned: Literal["", "planned", "not taken"] = ""
    count: int = 0
    counts: dict[str, int] = {}
    cells: str = ""
    durations: Durations | None = None
    errors: list[ErrorCount] = []
    worst: list[CallRow] = []
    attempts: list[str] = []
    attempts_total: int = 0
    note: str = ""
    since: float | None = None
    until: float | None = None
    took_ms: float | None = None
    eta: tuple[float, float] | None = None
    rounds: int = 1
    is_loop: bool = False
    span_id: str | None = None
    child_id: str | None = None
    can_expand: bool = False
    is_expanded: bool = False
    members: list[str] = []
    count_of_groups: int = 0
    frame: str | None = None
    instance_id: str | None = None


class GraphEdge(msgspec.Struct, frozen=True, kw_only=True):
    """A line between two groups, ready to draw. `won` leads from a race's winner, `lost` from who lost it; what is planned has not happened.

    A `mark` leads to where the run was suspended, or its code took a patched way.
    """

    source: str
    target: str
    kind: Literal["flow", "join", "loop", "won", "lost", "planned", "mark"]
    path: str


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """One level of detail: where each of its groups stands (x, y, width, height), its edges, and how much room it takes.

    `frames` are places of expanded groups, around those of what is in them.
    """

    places: dict[str, tuple[float, float, float, float]]
    edges: list[GraphEdge]
    frames: list[str]
    width: float
    height: float


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of a chain that continues as new, from 0."""

    number: int
    state: str
    began: float
    ended: float | None


class Crumb(msgspec.Struct, frozen=True, kw_only=True):
    """One step on the way into folded groups; an empty `id` is the whole."""

    id: str
    label: str


class GraphPicture(RunHead, frozen=True, kw_only=True):
    """The graph of one run. `levels` are: 0 the workflow alone, 1 activities, 2 children too, 3 waits, timers, races, suspensions and patches too.

    `mode` is matrix where there are too many groups to draw: then `levels` are empty and `groups` are rows. `why` is one sentence on a run
    that goes on; `strips` say what is to be known of the picture itself. `path` leads to the folded groups shown, empty where nothing is folded.
    """

    view: Literal["graph"] = "graph"
    mode: Literal["graph", "matrix"] = "graph"
    why: str
    groups: list[GraphGroup]
    levels: list[Level]
    strips: list[str]
    path: list[Crumb]
    generations: list[Generation]
    generations_total: int
    calls_total: int
    groups_total: int
    events_total: int


class CallPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some of a group's calls, from the place `first` of those that were asked for, of which there are `total`."""

    first: int
    total: int
    rows: list[CallRow]


class AttemptLine(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of a call."""

    number: int
    state: str
    scheduled: float
    took_ms: float | None
    worker: str = ""
    error: str = ""


class CallDetail(msgspec.Struct, frozen=True, kw_only=True):
    """All about one call. `facts` are pairs of a label and a text; `raw` are its events as recorded, without what is called a secret."""

    title: str
    facts: list[tuple[str, str]]
    input: Payload | None
    output: Payload | None
    failure: Failure | None
    attempts: list[AttemptLine]
    raw: Payload | None
