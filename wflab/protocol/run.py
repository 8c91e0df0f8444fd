"""What the run's card shows: one run as a person sees it. The twin is extension/src/protocol/run.ts."""

from typing import Literal

import msgspec

from wflab.protocol.head import RunHead


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


class Picture(RunHead, frozen=True, kw_only=True):
    """One run as a person sees it.

    `answered` names the waits that an event or a deadline has closed, newest last, so that a page knows what became of a click.
    """

    view: Literal["run"] = "run"
    why: str
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
