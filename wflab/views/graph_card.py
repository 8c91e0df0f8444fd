"""The execution graph without a script: HTML that survives Jupyter's sanitiser and nbconvert, and text that is the same at every run."""

from html import escape

import msgspec

from wflab import protocol
from wflab.analytics.durations import span_text
from wflab.views.card import CELL, MUTED, framed, header, image, safe, scrolling
from wflab.views.graph_svg import size_of, svg_of
from wflab.views.graph_words import sentence_of, standing_of, title_of
from wflab.views.palette import PALETTE
from wflab.views.svg import printable

MOST_ROWS = 60
MOST_LINES = 40
LARGEST = 250_000
_LEVEL = 3


def html_graph(picture: protocol.GraphPicture) -> str:
    """The display as one string of HTML."""
    parts = [header(picture), _image(picture), *(_line(text) for text in _told(picture)), _table(picture)]
    return framed("graph", picture, sentence_of(picture), parts)


def text_graph(picture: protocol.GraphPicture) -> str:
    """The display as lines of text without ids, times or addresses."""
    groups = [group for group in picture.groups if group.kind not in {"workflow", "race"}]
    names = [f"{'    ' if group.frame else '  '}{printable(title_of(group))}" for group in groups]
    width = max(map(len, names), default=0)
    told = [f"{name:<{width}}  {printable(standing_of(group))}" for name, group in zip(names, groups, strict=True)]
    if len(told) > MOST_LINES:
        half = MOST_LINES // 2
        told = [*told[:half], f"  ... {len(told) - 2 * half} more groups", *told[-half:]]
    return "\n".join([f"{printable(picture.name)} {picture.status}", *told, *(f"  ({printable(strip)})" for strip in picture.strips)])


def cut(picture: protocol.GraphPicture) -> protocol.GraphPicture:
    """What fits into a notebook: example calls go first, then waffles; the strip says so."""
    if len(msgspec.json.encode(picture)) <= LARGEST:
        return picture
    bare = [msgspec.structs.replace(group, worst=[], members=[]) for group in picture.groups]
    smaller = msgspec.structs.replace(
        picture, groups=bare, strips=[*picture.strips, "cut to what a notebook may hold: run the cell for all"]
    )
    if len(msgspec.json.encode(smaller)) <= LARGEST:
        return smaller
    lean = [msgspec.structs.replace(group, cells="", durations=None, errors=group.errors[:1]) for group in bare]
    smaller = msgspec.structs.replace(smaller, groups=lean)
    while len(msgspec.json.encode(smaller)) > LARGEST:
        smaller = msgspec.structs.replace(smaller, groups=smaller.groups[: len(smaller.groups) // 2])
    return smaller


def _image(picture: protocol.GraphPicture) -> str:
    if not picture.levels:
        return f'<div style="{MUTED}">{len(picture.groups) - 1:,} groups are too many for a picture; the table has them.</div>'
    width, height = size_of(picture, _LEVEL)
    size = f"width:{width:g}px;height:{height:g}px;max-width:none;margin:0;display:block"
    return scrolling("Graph", image(svg_of(picture, _LEVEL), sentence_of(picture), size))


def _told(picture: protocol.GraphPicture) -> list[str]:
    crumbs = " / ".join(crumb.label for crumb in picture.path)
    folded = f"folded to be read: {crumbs}" if crumbs else ""
    total, shown = picture.generations_total, len(picture.generations)
    chain = f"showing {shown} of {total:,} generations" if total > shown else ""
    return [text for text in ("" if picture.is_over else picture.why, *picture.strips, folded, chain) if text]


def _line(text: str) -> str:
    return f'<div style="{MUTED};margin:4px 0 2px">{safe(text)}</div>'


def _table(picture: protocol.GraphPicture) -> str:
    groups = [group for group in picture.groups if group.kind != "workflow"]
    heads = "".join(f'<th style="{CELL}">{head}</th>' for head in ("Group", "Kind", "Line", "State", "Calls", "p50", "p95", "Error"))
    rows = "".join(_row(group) for group in groups[:MOST_ROWS])
    note = f", showing {MOST_ROWS}" if len(groups) > MOST_ROWS else ""
    return (
        f'<details style="margin:4px 0"><summary>Groups ({len(groups):,}{note})</summary>'
        f'<table style="border-collapse:collapse;color:inherit;font-size:12px;margin:4px 0"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></details>'
    )


def _row(group: protocol.GraphGroup) -> str:
    found, state = group.durations, group.planned or group.state
    counts = standing_of(group) if group.count > 1 and len(group.counts) > 1 else state
    cells = (
        safe(group.name),
        escape(PALETTE.kind(group.kind).label if group.kind not in {"race", "scope"} else group.kind),
        "" if group.line is None else str(group.line),
        f"{PALETTE.state(group.state).glyph}\ufe0e {safe(counts)}",
        f"{group.count:,}" if group.count else "",
        span_text(found.p50 / 1000) if found else "",
        span_text(found.p95 / 1000) if found else "",
        safe(f"{group.errors[0].count:,}x {group.errors[0].message}") if group.errors else "",
    )
    return "<tr>" + "".join(f'<td style="{CELL}">{cell}</td>' for cell in cells) + "</tr>"
