"""From an instance and its history to the Picture that every form of the run's display is drawn from. Pure; the lab's clock is an argument."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime

from wfengine.model import history as h
from wfengine.model.instance import TERMINAL, Instance
from wfengine.model.work import HistoryRow
from wflab import protocol
from wflab.analytics.steps import START, Step, StepState, open_waits, steps_of
from wflab.views import layout
from wflab.views.graph import END, MORE, ExecutionGraph, Group, execution_graph
from wflab.views.head import head_of, milliseconds
from wflab.views.palette import PALETTE, worst
from wflab.views.payloads import one_line, payload_of

MOST_CELLS = 250
MOST_LINES = 200
FOLDED_FROM = 25
_MOST_PIPS = 8
_ANSWERED = 20


def picture_of(
    instance: Instance,
    rows: Sequence[HistoryRow],
    *,
    now: datetime,
    why: str,
    inbox: Sequence[h.EventRaised] = (),
    held_up: Collection[int] = (),
    ticks: bool = True,
    source: str | None = None,
) -> protocol.Picture:
    """Draw one run up.

    `inbox` holds events that are accepted but not yet in the history; `held_up` the event ids of open attempts that nobody makes
    just now; `ticks` is False where `now` moves only when told to, as a virtual clock does; `source` tells who lost a race (see `steps_of`).
    """
    arrived = [HistoryRow(instance.key, instance.next_sequence + offset, 0, event) for offset, event in enumerate(inbox)]
    steps = steps_of(instance, [*rows, *arrived], held_up=held_up, source=source)
    is_over = instance.status in TERMINAL
    graph = execution_graph(steps, ended=is_over)
    lines = _lines(graph)
    return protocol.Picture(
        **head_of(instance, rows, now=now, ticks=ticks),
        why=why,
        input=payload_of(instance.input),
        output=payload_of(instance.output),
        failure=_failure(instance),
        graph=drawn_graph(instance, graph, is_over=is_over),
        waits=[] if is_over else [_wait(step) for step in open_waits(steps)],
        answered=[step.id for step in steps if step.kind == "event" and step.state is not StepState.SUSPENDED][-_ANSWERED:],
        steps=lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES // 2], *lines[-MOST_LINES // 2 :]],
        steps_total=len(steps),
        events_total=len(rows),
        attempts_total=sum(len(step.attempts) for step in steps),
    )


def drawn_graph(instance: Instance, graph: ExecutionGraph, *, is_over: bool) -> protocol.Graph:
    """The graph with the place of each node and the way of each edge."""
    causes: dict[str, list[str]] = {}
    for link in graph.links:
        if link.kind != "loop":
            causes.setdefault(link.target, []).append(link.source)
    items = [layout.Item(id=g.id, causes=tuple(causes.get(g.id, ())), lanes=1 if _is_single(g) else 2) for g in graph.groups]
    headroom = layout.HEADROOM_FOR_LOOPS if any(link.kind == "loop" for link in graph.links) else layout.HEADROOM
    boxes = layout.place(items, start=START, end=END if is_over else None, end_causes=causes.get(END, ()), headroom=headroom)
    width, height = layout.size_of(boxes)
    occupied = list(boxes.values())
    edges = [
        protocol.Edge(
            source=link.source,
            target=link.target,
            kind=link.kind,
            path=layout.turn_back(boxes[link.source], boxes[link.target])
            if link.kind == "loop"
            else layout.line(boxes[link.source], boxes[link.target], occupied),
        )
        for link in graph.links
    ]
    nodes = [_terminal_node(START, "start", "COMPLETED" if graph.groups or is_over else "PENDING", boxes[START])]
    nodes += [_node(group, boxes[group.id]) for group in graph.groups]
    if is_over:
        nodes.append(_terminal_node(END, instance.status.value, instance.status.value, boxes[END]))
    return protocol.Graph(nodes=nodes, edges=edges, width=width, height=height, hidden=graph.hidden)


def _is_single(group: Group) -> bool:
    return len(group.steps) == 1 or group.kind == MORE


def _terminal_node(identity: str, name: str, state: str, box: layout.Box) -> protocol.Node:
    return protocol.Node(id=identity, name=name, kind=identity, state=state, x=box.x, y=box.y, width=box.width, height=box.height)


def _node(group: Group, box: layout.Box) -> protocol.Node:
    steps = group.steps
    counts = Counter(step.state.value for step in steps)
    first = steps[0]
    single = len(steps) == 1
    still_open = [step.started_at or step.created_at for step in steps if step.phase != "done"]
    attempts = [attempt.state.value for attempt in first.attempts] if single and len(first.attempts) > 1 else []
    return protocol.Node(
        id=group.id,
        name=group.name,
        kind=group.kind,
        state=worst(counts),
        x=box.x,
        y=box.y,
        width=box.width,
        height=box.height,
        count=len(steps),
        counts=dict(counts),
        cells="" if _is_single(group) else _cells(steps),
        attempts=attempts[-_MOST_PIPS:],
        note=_note(first) if single else "",
        error=_top_error(steps),
        since=milliseconds(min(still_open)) if still_open else None,
        until=milliseconds(first.fire_at) if single and still_open and first.fire_at else None,
        took_ms=_took(steps),
        is_loop=group.is_loop,
    )


def _cells(steps: Sequence[Step]) -> str:
    """One letter for every ceil(N/250) steps in their order: the worst state among them."""
    size = -(-len(steps) // MOST_CELLS)
    return "".join(PALETTE.state(worst(step.state.value for step in steps[at : at + size])).letter for at in range(0, len(steps), size))


def _top_error(steps: Sequence[Step]) -> str:
    failures = [step.failure for step in steps if step.failure and step.state is StepState.FAILED]
    if not failures:
        return ""
    if len(steps) == 1:
        return one_line(f"{failures[0].error_type}: {failures[0].message}")
    (kind, count), *_ = Counter(failure.error_type for failure in failures).most_common(1)
    return one_line(f"{count:,}x {kind}")


def _wait(step: Step) -> protocol.Wait:
    return protocol.Wait(
        id=step.id,
        event=step.name,
        since=milliseconds(step.created_at),
        until=milliseconds(step.fire_at) if step.fire_at else None,
        title=step.title,
        schema=step.schema,
    )


def _lines(graph: ExecutionGraph) -> list[protocol.StepLine]:
    lines: list[protocol.StepLine] = []
    for group in graph.groups:
        if len(group.steps) >= FOLDED_FROM:
            lines.append(_folded_line(group))
        else:
            lines += [_line(step) for step in group.steps]
    return lines


def _line(step: Step) -> protocol.StepLine:
    error = f"{step.failure.error_type}: {step.failure.message}" if step.failure and step.state is StepState.FAILED else ""
    return protocol.StepLine(
        id=step.id,
        name=step.name,
        kind=step.kind,
        state=step.state.value,
        attempts=len(step.attempts),
        started=milliseconds(step.started_at or step.created_at),
        took_ms=_took([step]),
        note=_note(step),
        result=one_line(error or _result_text(step)),
    )


def _note(step: Step) -> str:
    return ", ".join(word for word in (step.label, step.note) if word)


def _result_text(step: Step) -> str:
    shown = payload_of(step.result)
    return shown.text if shown else ""


def _folded_line(group: Group) -> protocol.StepLine:
    counts = Counter(step.state.value for step in group.steps)
    return protocol.StepLine(
        id=group.id,
        name=group.name,
        kind=group.kind,
        state=worst(counts),
        attempts=sum(len(step.attempts) for step in group.steps),
        started=milliseconds(min(step.started_at or step.created_at for step in group.steps)),
        took_ms=_took(group.steps),
        count=len(group.steps),
        note=", ".join(f"{count:,} {state.lower()}" for state, count in counts.most_common()),
        result=_top_error(group.steps),
    )


def _failure(instance: Instance) -> protocol.Failure | None:
    found = instance.failure
    return protocol.Failure(error_type=found.error_type, message=found.message[:4000], trace=found.stack_trace) if found else None


def _took(steps: Sequence[Step]) -> float | None:
    """From the first begin to the last end; None while a step is open, and where none came to an end of its own."""
    ends = [step.ended_at for step in steps if step.ended_at]
    if not ends or any(step.phase != "done" for step in steps):
        return None
    return max(0.0, milliseconds(max(ends)) - milliseconds(min(step.started_at or step.created_at for step in steps)))
