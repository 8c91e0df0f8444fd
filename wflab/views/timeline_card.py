"""The timeline without a script: HTML that survives Jupyter's sanitiser and nbconvert, and text that is the same at every run."""

from collections.abc import Sequence
from html import escape

import msgspec

from wflab import protocol
from wflab.analytics.durations import span_text
from wflab.analytics.span import Span
from wflab.views.card import CELL, MUTED, framed, header, image, safe, scrolling
from wflab.views.head import milliseconds
from wflab.views.svg import TIMES, printable
from wflab.views.timeline_columns import spans_from
from wflab.views.timeline_picture import cut
from wflab.views.timeline_rows import Row, backoff_ms, rows_of, spoken
from wflab.views.timeline_svg import svg_timeline

MOST_ROWS = 60
_MOST_SPOKEN = 8


def timeline_html(picture: protocol.TimelinePicture) -> str:
    """The timeline as one string of HTML."""
    rows, spans = _rows(picture)
    shown = rows[:MOST_ROWS]
    sentence = _sentence(picture, rows)
    drawn = image(svg_timeline(picture, shown, spans), sentence, "max-width:none;margin:0;display:block")
    notes = [*picture.left_out, *_untold(spans)] + ([f"showing {len(shown)} of {len(rows):,} rows"] if len(rows) > len(shown) else [])
    parts = [
        header(picture),
        f'<div style="{MUTED};margin:4px 0 2px">{safe(_blame(picture))}</div>',
        scrolling("Timeline", drawn),
        f'<div style="{MUTED}">{safe(" · ".join(notes))}</div>' if notes else "",
        _table(picture, rows),
    ]
    return framed("timeline", picture, sentence, parts)


def _untold(spans: Sequence[Span]) -> list[str]:
    """Programs elsewhere do not tell when they took a call up."""
    count = sum(
        span.kind == "activity" and span.worker is not None and span.started_at is None and span.ended_at is not None for span in spans
    )
    return [f"queue time unknown for {count:,} {'attempt' if count == 1 else 'attempts'}: the bars include it"] if count else []


def timeline_text(picture: protocol.TimelinePicture) -> str:
    """The timeline as lines of text without ids or times."""
    rows, _ = _rows(picture)
    width = max((len(_title(row)) + 2 * row.depth for row in rows[:MOST_ROWS]), default=0)
    lines = [f"  {'  ' * row.depth + _title(row):<{width}}  {_states(row, picture)}" for row in rows[:MOST_ROWS] if row.kind != "workflow"]
    more = [f"  ... {len(rows) - MOST_ROWS} more rows"] if len(rows) > MOST_ROWS else []
    return "\n".join([f"{printable(picture.name)} {picture.status}", *lines, *more])


def _rows(picture: protocol.TimelinePicture) -> tuple[list[Row], list[Span]]:
    """At most sixty rows where grouping can make it so few."""
    kept = cut(picture)
    spans = spans_from(kept.spans, picture.parents, picture.instance_id)
    rows = rows_of(spans, minor=picture.minor, major=picture.major)
    if len(rows) > MOST_ROWS:
        rows = rows_of(spans, folded_from=2, minor=picture.minor)
    return [_counted(row, kept.groups) for row in rows], spans


def _counted(row: Row, groups: Sequence[protocol.Density]) -> Row:
    """A group is as large as it is, however few of its calls were sent."""
    if row.count == 1:
        return row
    if row.is_minor:
        within = {span.group_key for span in row.spans}
        count = row.count + sum(group.count - group.sent for group in groups if group.key in within)
        return msgspec.structs.replace(row, count=count, name=f"+{count:,} minor")
    return msgspec.structs.replace(row, count=next((group.count for group in groups if group.key == row.key), row.count))


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
    return f"{printable(row.name)} x{row.count}" if row.count > 1 and not row.is_minor else printable(row.name)


def _states(row: Row, picture: protocol.TimelinePicture) -> str:
    counts = next((group.counts for group in picture.groups if group.key == row.key), None)
    if row.is_minor:
        counts = row.counts
    if counts is not None:
        return ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
    if len(row.spans) > 1 and row.count == 1:
        return f"{row.state} ({', '.join(str(span.state) for span in row.spans)})"
    outcome = row.spans[0].outcome.replace("_", " ")
    return f"{row.state} ({outcome})" if outcome in {"raised", "fired", "cancelled", "timed out", "buffered", "abandoned"} else row.state


def _table(picture: protocol.TimelinePicture, rows: Sequence[Row]) -> str:
    heads = "".join(f'<th style="{CELL}">{head}</th>' for head in ("Call", "Kind", "States", "Attempts", "After", "Took", "Backoff"))
    body = "".join(_row(row, picture) for row in rows[:MOST_ROWS])
    return (
        f'<details style="margin:4px 0"><summary>Table ({len(rows):,} rows)</summary>'
        f'<table style="border-collapse:collapse;color:inherit;font-size:12px;margin:4px 0"><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></details>'
    )


def _row(row: Row, picture: protocol.TimelinePicture) -> str:
    took = row.took_ms
    pauses = backoff_ms(row.spans)
    group = next((group for group in picture.groups if group.key == row.key), None)
    name = f"{row.name} {TIMES}{row.count:,}" if row.count > 1 and not row.is_minor else row.name
    cells = (
        "&nbsp;" * 4 * row.depth + safe(name),
        escape(row.kind.replace("_", " ")),
        safe(_states(row, picture)),
        f"{len(row.spans) if group is None else group.attempts:,}",
        f"+{span_text((milliseconds(row.spans[0].queued_at) - picture.begin) / 1000)}",
        "" if took is None else span_text(took / 1000),
        span_text(pauses / 1000) if pauses else "",
    )
    return "<tr>" + "".join(f'<td style="{CELL}">{cell}</td>' for cell in cells) + "</tr>"
