"""The timeline without a script: HTML that survives Jupyter's sanitiser and nbconvert, and text that is the same at every run."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape

from wflab import protocol
from wflab.analytics.durations import span_text
from wflab.analytics.span import Span
from wflab.views.head import milliseconds
from wflab.views.svg import TIMES, printable
from wflab.views.timeline_columns import spans_from
from wflab.views.timeline_picture import cut
from wflab.views.timeline_rows import Row, backoff_ms, rows_of, spoken
from wflab.views.timeline_svg import svg_timeline

MOST_ROWS = 60
_MOST_SPOKEN = 8
_INK = "color:var(--jp-ui-font-color1,#1f2328)"
_MUTED = "color:var(--jp-ui-font-color2,#57606a)"
_BORDER = "1px solid var(--jp-border-color2,#d0d7de)"
_CELL = f"padding:3px 12px 3px 0;text-align:left;vertical-align:top;border-bottom:{_BORDER}"


def timeline_html(picture: protocol.TimelinePicture) -> str:
    """The timeline as one string of HTML."""
    rows, spans = _rows(picture)
    shown = rows[:MOST_ROWS]
    sentence = _sentence(picture, rows)
    image = b64encode(svg_timeline(picture, shown, spans).encode()).decode()
    notes = list(picture.left_out) + ([f"showing {len(shown)} of {len(rows):,} rows"] if len(rows) > len(shown) else [])
    heads = "".join(f'<th style="{_CELL}">{head}</th>' for head in ("Call", "Kind", "States", "Attempts", "After", "Took", "Backoff"))
    body = "".join(_row(row, picture) for row in shown)
    note = f'<div style="{_MUTED}">{escape(" · ".join(notes))}</div>' if notes else ""
    table = f'<table style="border-collapse:collapse;color:inherit;font-size:12px;margin:4px 0"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>'
    frame = f"border:{_BORDER};border-radius:6px;padding:10px 12px;font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:13px;line-height:1.4;{_INK}"
    return (
        f'<div data-wf-view="timeline" data-wf-mode="static" data-wf-state="{escape(picture.status)}" style="{frame}">'
        f"<div><b>{escape(picture.status)}</b>&nbsp; <b>{_safe(picture.name)}</b>&nbsp; <code>{_safe(picture.instance_id)}</code>&nbsp; "
        f'<span style="{_MUTED}">{escape(_blame(picture))}</span></div>'
        f'<div style="overflow-x:auto;margin:6px 0"><img alt="{escape(sentence)}" style="max-width:none;display:block" src="data:image/svg+xml;base64,{image}"></div>{note}'
        f'<details style="margin:4px 0"><summary>Table ({len(rows):,} rows)</summary>{table}</details></div>'
    )


def timeline_text(picture: protocol.TimelinePicture) -> str:
    """The timeline as lines of text without ids or times."""
    rows, _ = _rows(picture)
    width = max((len(_title(row)) + 2 * row.depth for row in rows[:MOST_ROWS]), default=0)
    lines = [f"  {'  ' * row.depth + _title(row):<{width}}  {_states(row, picture)}" for row in rows[:MOST_ROWS] if row.kind != "workflow"]
    more = [f"  ... {len(rows) - MOST_ROWS} more rows"] if len(rows) > MOST_ROWS else []
    return "\n".join([f"{printable(picture.name)} {picture.status}", *lines, *more])


def _rows(picture: protocol.TimelinePicture) -> tuple[list[Row], list[Span]]:
    """At most sixty rows where grouping can make it so few."""
    spans = spans_from(cut(picture).spans, picture.parents, picture.instance_id)
    rows = rows_of(spans)
    counts = {group.key: group.count for group in picture.groups}
    if len(rows) > MOST_ROWS:
        rows = rows_of(spans, folded_from=2)
    return [_counted(row, counts) for row in rows], spans


def _counted(row: Row, counts: dict[str, int]) -> Row:
    """A group is as large as it is, however few of its calls were sent."""
    if row.count == 1 or row.key not in counts or counts[row.key] == row.count:
        return row
    return Row(key=row.key, name=row.name, kind=row.kind, depth=row.depth, state=row.state, count=counts[row.key], spans=row.spans)


def _sentence(picture: protocol.TimelinePicture, rows: Sequence[Row]) -> str:
    calls = [row for row in rows if row.kind != "workflow"]
    told = "; ".join(spoken(row, picture.now) for row in calls[:_MOST_SPOKEN])
    more = f"; and {len(calls) - _MOST_SPOKEN} more" if len(calls) > _MOST_SPOKEN else ""
    return printable(f"Timeline of {picture.name}, {picture.status}: {told or 'nothing has run yet'}{more}.")


def _blame(picture: protocol.TimelinePicture) -> str:
    whole = sum(picture.blame.values())
    shares = [f"{what} {round(100 * spent / whole)}%" for what, spent in picture.blame.items() if whole and spent / whole >= 0.005]  # noqa: PLR2004
    return " · ".join(shares) or picture.why


def _title(row: Row) -> str:
    return f"{printable(row.name)} x{row.count}" if row.count > 1 else printable(row.name)


def _states(row: Row, picture: protocol.TimelinePicture) -> str:
    counts = next((group.counts for group in picture.groups if group.key == row.key), None)
    if counts is not None:
        return ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    if len(row.spans) > 1 and row.count == 1:
        return f"{row.state} ({', '.join(str(span.state) for span in row.spans)})"
    outcome = row.spans[0].outcome.replace("_", " ")
    return f"{row.state} ({outcome})" if outcome in {"raised", "fired", "cancelled", "timed out", "buffered", "abandoned"} else row.state


def _row(row: Row, picture: protocol.TimelinePicture) -> str:
    took = row.took_ms
    pauses = backoff_ms(row.spans)
    group = next((group for group in picture.groups if group.key == row.key), None)
    name = f"{row.name} {TIMES}{row.count:,}" if row.count > 1 else row.name
    cells = (
        "&nbsp;" * 4 * row.depth + _safe(name),
        escape(row.kind.replace("_", " ")),
        _safe(_states(row, picture)),
        f"{len(row.spans) if group is None else group.attempts:,}",
        f"+{span_text((milliseconds(row.spans[0].queued_at) - picture.begin) / 1000)}",
        "" if took is None else span_text(took / 1000),
        span_text(pauses / 1000) if pauses else "",
    )
    return "<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells) + "</tr>"


def _safe(text: str) -> str:
    return escape(printable(text))
