"""The run's display without a script: HTML that survives Jupyter's sanitiser and nbconvert, and text that is the same at every run.

No `<style>`, no inline `<svg>`, no script: only inline styles, an `<img>` that holds the graph, and native `<details>` and tables.
"""

import json
from base64 import b64encode
from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape

from wflab import protocol
from wflab.analytics.durations import span_text
from wflab.analytics.steps import START
from wflab.views.graph import END, MORE
from wflab.views.palette import PALETTE
from wflab.views.svg import TIMES, printable, svg_badge, svg_graph

MOST_ROWS = 60
SHORT_LINES = 8
MOST_TEXT_LINES = 40
MOST_SPOKEN = 12
LONGEST_NAME = 60
_INK = "color:var(--jp-ui-font-color1,#1f2328)"
MUTED = "color:var(--jp-ui-font-color2,#57606a)"
_BORDER = "1px solid var(--jp-border-color2,#d0d7de)"
CELL = f"padding:3px 12px 3px 0;text-align:left;vertical-align:top;border-bottom:{_BORDER}"
_CODE = (
    "margin:4px 0 0;padding:8px 10px;overflow:auto;max-height:260px;font-family:var(--jp-code-font-family,monospace);font-size:12px;"
    f"line-height:1.45;white-space:pre-wrap;background:rgba(128,128,128,.12);border-radius:4px;{_INK}"
)


def html_card(picture: protocol.Picture) -> str:
    """The display as one string of HTML."""
    parts = [
        header(picture),
        _graph(picture),
        f'<div style="{MUTED};margin:6px 0 2px">{safe(picture.why)}</div>' if picture.why and not picture.is_over else "",
        _payload("Input", picture.input),
        _payload("Output", picture.output),
        _failure(picture.failure),
        _table(picture),
    ]
    return framed("run", picture, f"Run of {picture.name}, {picture.status}", parts)


def framed(view: str, picture: protocol.RunHead, label: str, parts: Iterable[str]) -> str:
    """The static form of a view of a run: its parts in the frame that all of them have."""
    frame = (
        f"border:{_BORDER};border-radius:6px;background:var(--jp-layout-color1,transparent);padding:10px 12px;font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:13px;"
        f"line-height:1.4;{_INK}"
    )
    return (
        f'<div data-wf-view="{view}" data-wf-mode="static" role="group" data-wf-state="{escape(picture.status)}" aria-label="{safe(label)}" '
        f'style="{frame}">{"".join(parts)}</div>'
    )


def text_card(picture: protocol.Picture) -> str:
    """The display as lines of text without ids, times or addresses."""
    nodes = [node for node in picture.graph.nodes if node.id not in {START, END}]
    width = max((len(_title(node)) for node in nodes), default=0)
    told = [f"  {_title(node):<{width}}  {_standing(node)}" for node in nodes]
    if len(told) > MOST_TEXT_LINES:
        half = MOST_TEXT_LINES // 2
        told = [*told[:half], f"  ... {len(told) - 2 * half} more lines", *told[-half:]]
    lines = [f"{printable(picture.name)} {picture.status}", *told]
    if picture.failure:
        first, *_ = picture.failure.message.splitlines() or [""]
        lines.append(f"error: {printable(picture.failure.error_type)}: {printable(first)}")
    if picture.output:
        lines.append(f"output: {printable(_compact(picture.output.text))}")
    return "\n".join(lines)


def _title(node: protocol.Node) -> str:
    name = printable(node.name)
    name = name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 3]}..."
    return f"{name} x{node.count}" if node.count > 1 and node.kind != MORE else name


def _standing(node: protocol.Node) -> str:
    if node.count > 1 and len(node.counts) > 1:
        return ", ".join(f"{count} {state}" for state, count in sorted(node.counts.items()))
    notes = [printable(node.error or node.note)] if node.error or node.note else []
    if len(node.attempts) > 1:
        notes.append(f"{len(node.attempts)} attempts")
    return f"{node.state} ({', '.join(notes)})" if notes else node.state


def _compact(text: str) -> str:
    """Pretty JSON on one line again; cut text stays as it is."""
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except ValueError:
        return " ".join(text.split())


def header(picture: protocol.RunHead) -> str:
    """The first line: how the run stands and which one it is."""
    since = picture.started or picture.created
    spent = span_text(max(0.0, (picture.ended or picture.now) - since) / 1000)
    when = f"took {spent}" if picture.is_over else f"as of {_clock(picture.now)}, {spent} after its start"
    badge = image(
        svg_badge(picture.status),
        PALETTE.state(picture.status).glyph,
        "vertical-align:-3px;margin:0 6px 0 0;width:16px;height:16px;display:inline-block",
    )
    return (
        f'<div style="{_INK}">{badge}<b>{escape(picture.status)}</b>&nbsp; <b>{safe(picture.name)}</b>&nbsp; '
        f'<code style="font-size:12px;padding:0;background:none;{MUTED}">{safe(picture.instance_id)}</code>&nbsp; <span style="{MUTED}">{escape(when)}</span></div>'
    )


def _graph(picture: protocol.Picture) -> str:
    drawn = svg_graph(picture.graph)
    sentence = _sentence(picture)
    hidden = f'<div style="{MUTED}">{picture.graph.hidden:,} steps are folded away in the graph.</div>' if picture.graph.hidden else ""
    size = f"width:{picture.graph.width:g}px;height:{picture.graph.height:g}px;max-width:none;margin:0;display:block"
    return scrolling("Graph", image(drawn, sentence, size)) + hidden


def _sentence(picture: protocol.Picture) -> str:
    nodes = [node for node in picture.graph.nodes if node.id not in {START, END}]
    told = "; ".join(f"{_title(node)} {_standing(node)}" for node in nodes[:MOST_SPOKEN])
    more = f"; and {len(nodes) - MOST_SPOKEN} more" if len(nodes) > MOST_SPOKEN else ""
    return printable(f"Execution graph of {picture.name}, {picture.status}: {told or 'no steps yet'}{more}.")


def _payload(label: str, payload: protocol.Payload | None) -> str:
    if payload is None:
        return ""
    cut = (
        f' <span style="{MUTED}">(the first {len(payload.text):,} characters; {payload.size:,} are recorded)</span>' if payload.cut else ""
    )
    attribute = " open" if payload.text.count("\n") < SHORT_LINES else ""
    return f'<details{attribute} style="margin:4px 0"><summary>{label}{cut}</summary><pre tabindex="0" style="{_CODE}">{safe(payload.text)}</pre></details>'


def _failure(failure: protocol.Failure | None) -> str:
    if failure is None:
        return ""
    trace = f'<pre tabindex="0" style="{_CODE}">{safe(failure.trace)}</pre>' if failure.trace else ""
    title = f"<b>{safe(failure.error_type)}</b>: {safe(failure.message)}"
    return f'<details style="margin:4px 0"><summary>Error: {title}</summary>{trace}</details>'


def _table(picture: protocol.Picture) -> str:
    heads = "".join(f'<th style="{CELL}">{head}</th>' for head in ("Step", "Kind", "State", "Attempts", "Took", "Result"))
    rows = "".join(_row(line) for line in picture.steps[:MOST_ROWS])
    shown = min(len(picture.steps), MOST_ROWS)
    note = f", showing {shown:,} lines" if picture.steps_total != sum(line.count for line in picture.steps[:shown]) else ""
    return (
        f'<details style="margin:4px 0"><summary>Steps ({picture.steps_total:,}{note})</summary>'
        f'<table style="border-collapse:collapse;color:inherit;font-size:12px;margin:4px 0"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></details>'
    )


def _row(line: protocol.StepLine) -> str:
    name = f"{line.name} {TIMES}{line.count:,}" if line.count > 1 else line.name
    took = span_text(line.took_ms / 1000) if line.took_ms is not None else ""
    note = f" ({safe(line.note)})" if line.note else ""
    cells = (
        safe(name),
        escape(PALETTE.kind(line.kind).label),
        f"{PALETTE.state(line.state).glyph}\ufe0e {escape(line.state)}{note}",
        str(line.attempts or ""),
        took,
        safe(line.result),
    )
    return "<tr>" + "".join(f'<td style="{CELL}">{cell}</td>' for cell in cells) + "</tr>"


def image(svg: str, alternative: str, style: str) -> str:
    """An SVG that a sanitiser keeps, with the sentence that stands for it."""
    data = b64encode(svg.encode()).decode()
    return f'<img alt="{escape(alternative)}" style="{style}" src="data:image/svg+xml;base64,{data}">'


def scrolling(name: str, content: str, style: str = ";margin:6px 0") -> str:
    """What may be wider than the page, in a box that keys can scroll, too."""
    return f'<div tabindex="0" role="group" aria-label="{name}" style="overflow-x:auto{style}">{content}</div>'


def _clock(ms: float) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%H:%M:%S} UTC"


def safe(text: str) -> str:
    """Text as HTML, without what would not be printed."""
    return escape(printable(text)).replace("\ufffd\n", "\n")
