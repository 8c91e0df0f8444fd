"""The messages between kernel and page. `extension/src/protocol.ts` is the twin; tests/protocol/ holds samples that both suites read.

A picture is everything a view draws, as plain data: times are milliseconds since the epoch, states are the palette's names, places are
pixels. Unknown fields are ignored on both sides, so that a field may be added; a change of meaning needs a new name.
"""

from typing import Any, Literal

import msgspec


class Payload(msgspec.Struct, frozen=True, kw_only=True):
    """JSON text made pretty, cut to what a page should hold; `size` is the length of the whole as recorded."""

    text: str
    size: int
    cut: bool = False


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """What a person reads of a failure."""

    error_type: str
    message: str
    trace: str | None = None


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A place in the execution graph: the start, the end, or all steps of one name that were asked for together or in a loop.

    `counts` says how many steps stand in which state; `cells` has one of the palette's letters per cell of the waffle, each for the
    same number of steps in the order asked for. `since` and `until` tick in the page while the node is open; `took_ms` stands once it
    is over. `attempts` has the state of each attempt where there was more than one.
    """

    id: str
    name: str
    kind: str
    state: str
    x: float
    y: float
    width: float
    height: float
    count: int = 1
    counts: dict[str, int] = {}
    cells: str = ""
    attempts: list[str] = []
    note: str = ""
    error: str = ""
    since: float | None = None
    until: float | None = None
    took_ms: float | None = None
    is_loop: bool = False


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """A line between two nodes, with its path ready to draw."""

    source: str
    target: str
    kind: Literal["flow", "join", "loop", "lost"]
    path: str


class Graph(msgspec.Struct, frozen=True, kw_only=True):
    """The small execution graph. `hidden` counts the steps folded away to keep it small."""

    nodes: list[Node]
    edges: list[Edge]
    width: float
    height: float
    hidden: int = 0


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """An event the instance waits for. `schema` is the JSON Schema of the answer, as JSON text."""

    id: str
    event: str
    since: float
    until: float | None = None
    title: str | None = None
    schema: str | None = None


class StepLine(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table of steps; a `count` above 1 stands for a whole fan-out or loop."""

    id: str
    name: str
    kind: str
    state: str
    attempts: int
    started: float
    took_ms: float | None = None
    count: int = 1
    note: str = ""
    result: str = ""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """One run as a person sees it. `now` is the lab's clock when it was made; `ticks` whether that clock runs by itself.

    `answered` names the waits that an event or a deadline has closed, newest last, so that a page knows what became of a click.
    """

    view: Literal["run"] = "run"
    key: int
    instance_id: str
    name: str
    status: str
    is_over: bool
    generation: int
    created: float
    started: float | None
    ended: float | None
    now: float
    ticks: bool
    why: str
    custom_status: str | None
    input: Payload | None
    output: Payload | None
    failure: Failure | None
    graph: Graph
    waits: list[Wait]
    answered: list[str]
    steps: list[StepLine]
    steps_total: int
    events_total: int
    attempts_total: int


class ShowPicture(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="picture"):
    """Kernel to page: draw this. `seq` grows by one with each picture of a view."""

    seq: int
    picture: Picture


class Notice(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="notice"):
    """Kernel to page: what became of the act with this token, where the picture will not show it."""

    text: str
    token: str | None = None
    level: Literal["info", "error"] = "info"


class Act(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="act"):
    """Page to kernel: do this. It may arrive twice; `token` tells the second time from another click."""

    act: Literal["raise"]
    token: str
    wait_id: str
    event: str
    data: Any = None


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="ready"):
    """Page to kernel: a page draws this view, in this theme."""

    theme: Literal["light", "dark"]


ToPage = ShowPicture | Notice
FromPage = Act | Ready


def as_data(message: ToPage) -> dict[str, Any]:
    """The message as plain data for a comm."""
    data: dict[str, Any] = msgspec.to_builtins(message)
    return data


def read_from_page(data: object) -> FromPage | None:
    """The message of a page; None for what is no message of ours, or of a newer page."""
    try:
        message: FromPage = msgspec.convert(data, type=FromPage)
    except msgspec.ValidationError:
        return None
    return message
