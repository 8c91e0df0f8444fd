"""The execution graph as a DataFrame and as a networkx graph."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from wflab import protocol
from wflab.views.palette import BADNESS

if TYPE_CHECKING:
    import networkx as nx

_KINDS_OF_NOTHING = {"workflow", "scope"}


def groups_frame(picture: protocol.GraphPicture) -> pd.DataFrame:
    """One row per group, in the order of appearance, planned ones last.

    | column | is |
    |---|---|
    | group_key | as in `run.spans()`: the parent's group, kind, name, and the line where that is certain |
    | kind, name, line | what was called, where in `run.source()` |
    | state | the worst state of its calls; planned where nothing was called yet |
    | count | how many calls |
    | PENDING ... COMPLETED | how many stand in each state, for states that occur |
    | attempts | of all calls |
    | p50, p95, took | of those that ended (timedelta); from the first begin to the last end |
    | error | the most frequent failure, with its number |
    """
    groups = [group for group in picture.groups if group.kind not in _KINDS_OF_NOTHING]
    states = [state for state in BADNESS if any(group.counts.get(state) for group in groups)]
    rows = [
        {
            "group_key": group.id,
            "kind": group.kind,
            "name": group.name,
            "line": group.line,
            "state": group.planned or group.state,
            "count": group.count,
            **{state: group.counts.get(state, 0) for state in states},
            "attempts": group.attempts_total,
            "p50": _span(group.durations.p50 if group.durations else None),
            "p95": _span(group.durations.p95 if group.durations else None),
            "took": _span(group.took_ms),
            "error": f"{group.errors[0].count}x {group.errors[0].message}" if group.errors else None,
        }
        for group in groups
    ]
    columns = ["group_key", "kind", "name", "line", "state", "count", *states, "attempts", "p50", "p95", "took", "error"]
    frame = pd.DataFrame(rows, columns=columns)
    frame["line"] = frame["line"].astype("Int64")
    for column in ("p50", "p95", "took"):
        frame[column] = pd.to_timedelta(frame[column])
    return frame


def digraph_of(picture: protocol.GraphPicture) -> "nx.DiGraph":
    """Nodes are group keys, with `name`, `kind`, `line`, `state`, `count`, `counts`, `took_ms` and `planned`; edges have their `kind`.

    Edges of kind loop lead back, lost ones lead nowhere; without those the graph has no cycle.
    """
    import networkx as nx  # noqa: PLC0415  # a fifth of the time that `import wflab` takes, and few ask for it

    graph: Any = nx.DiGraph(instance_id=picture.instance_id, name=picture.name)
    for group in picture.groups:
        if group.kind not in _KINDS_OF_NOTHING:
            graph.add_node(
                group.id,
                name=group.name,
                kind=group.kind,
                line=group.line,
                state=group.state,
                count=group.count,
                counts=dict(group.counts),
                took_ms=group.took_ms,
                planned=group.planned,
            )
    for edge in picture.levels[-1].edges if picture.levels else []:
        if edge.source in graph and edge.target in graph:
            graph.add_edge(edge.source, edge.target, kind=edge.kind)
    return graph


def _span(milliseconds: float | None) -> pd.Timedelta | None:
    return None if milliseconds is None else pd.Timedelta(milliseconds, unit="ms")
