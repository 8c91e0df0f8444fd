"""The inbox without a script: a picture of who waits how long, a table without buttons, and text that is the same at every run."""

from datetime import UTC, datetime
from html import escape

from wflab.analytics.durations import span_text
from wflab.protocol.inbox import InboxItem, InboxPicture
from wflab.views.card import CELL, MUTED, image, safe
from wflab.views.palette import PALETTE
from wflab.views.svg import in_both_themes, printable, theme_rules

MOST_ROWS = 60
MOST_DRAWN = 8
EMPTY = "Nothing is waiting on you."
_ROW = 26
_WIDTH = 420
_RING = 7.5
_TURN = 2 * 3.14159 * _RING
_LONGEST = 44
FRAME = (
    "border:1px solid var(--jp-border-color2,#d0d7de);border-radius:6px;background:var(--jp-layout-color1,transparent);padding:10px 12px;"
    "font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:13px;line-height:1.4;color:var(--jp-ui-font-color1,#1f2328)"
)


def inbox_html(picture: InboxPicture) -> str:
    """The inbox as one string of HTML."""
    sentence = sentence_of(picture)
    moment = datetime.fromtimestamp(picture.now / 1000, UTC)
    head = f'<div><b>Inbox</b>&nbsp; {escape(sentence)} <span style="{MUTED}">as of {moment:%Y-%m-%d %H:%M:%S} UTC</span></div>'
    return (
        f'<div data-wf-view="inbox" data-wf-mode="static" role="group" aria-label="{safe(sentence)}" style="{FRAME}">'
        f"{head}{_drawing(picture, sentence)}{_table(picture)}</div>"
    )


def inbox_text(picture: InboxPicture) -> str:
    """As lines of text without ids or times."""
    lines = [f"  {printable(item.workflow)} · {printable(item.event)}{_asked(item)}" for item in picture.items[:MOST_ROWS]]
    more = picture.total - len(lines)
    return "\n".join([sentence_of(picture), *lines, *([f"  ... {more:,} more"] if more > 0 else [])])


def sentence_of(picture: InboxPicture) -> str:
    """The whole in one sentence."""
    if picture.total:
        return "1 question waits for an answer." if picture.total == 1 else f"{picture.total:,} questions wait for an answer."
    if not picture.others:
        return EMPTY
    return f"{EMPTY} {picture.others:,} {'workflow waits' if picture.others == 1 else 'workflows wait'} on timers or systems."


def time_left(item: InboxItem, now: float) -> str:
    """In words."""
    if item.until is None:
        return "no deadline"
    return f"{span_text((item.until - now) / 1000)} left" if item.until > now else "time is up"


def _asked(item: InboxItem) -> str:
    return f": {printable(item.title)}" if item.title else ""


def _drawing(picture: InboxPicture, sentence: str) -> str:
    if not picture.items:
        return ""
    shown = picture.items[:MOST_DRAWN]
    height = _ROW * len(shown) + 4
    style = "text{font-family:system-ui,sans-serif;font-size:12px}.s{font-size:10.5px}" + in_both_themes(
        lambda theme: (
            f"{theme_rules(theme)}.r{{fill:none;stroke:{PALETTE.state('SUSPENDED').fill(theme)};stroke-width:3}}.o{{stroke-opacity:.25}}"
        )
    )
    rows = "".join(_row(item, picture.now, 2 + place * _ROW) for place, item in enumerate(shown))
    size = f'width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
    drawn = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{style}</style>{rows}</svg>'
    told = "; ".join(f"{item.title or item.event} of {item.workflow}, {time_left(item, picture.now)}" for item in shown)
    return image(drawn, printable(f"{sentence} {told}."), "display:block;margin:6px 0;max-width:100%")


def _row(item: InboxItem, now: float, top: float) -> str:
    y = top + _ROW / 2
    share = 1.0 if item.until is None else min(1.0, max(0.0, (item.until - now) / max(1.0, item.until - item.since)))
    ring = f'<circle class="r o" cx="11" cy="{y}" r="{_RING}"/>'
    if item.until is not None:
        ring += f'<circle class="r" cx="11" cy="{y}" r="{_RING}" stroke-dasharray="{share * _TURN:.1f} 60" transform="rotate(-90 11 {y})"/>'
    title = printable(item.title or item.event)
    title = title if len(title) <= _LONGEST else f"{title[: _LONGEST - 1]}…"
    left = escape(time_left(item, now))
    return (
        f'{ring}<text x="28" y="{y + 4}">{escape(title)}</text><text class="s" x="{_WIDTH - 4}" y="{y + 4}" text-anchor="end">{left}</text>'
    )


def _table(picture: InboxPicture) -> str:
    if not picture.items:
        return ""
    heads = ("Question", "Workflow", "Event", "Run", "Time left", "Waiting for")
    head = "".join(f'<th scope="col" style="{CELL}">{name}</th>' for name in heads)
    rows = "".join(_line(item, picture.now) for item in picture.items[:MOST_ROWS])
    cut = f", showing {MOST_ROWS} of {picture.total:,}" if picture.total > MOST_ROWS else ""
    return (
        f'<details open style="margin:4px 0"><summary>Pending ({picture.total:,}{cut})</summary>'
        f'<table style="border-collapse:collapse;color:inherit;font-size:12px;margin:4px 0"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></details>'
    )


def _line(item: InboxItem, now: float) -> str:
    left = time_left(item, now)
    asked = " · ".join(
        word for word in (item.title, f"{item.risk} risk" if item.risk else "", f"for {item.requester}" if item.requester else "") if word
    )
    cells = (asked, item.workflow, item.event, item.instance_id, left, span_text((now - item.since) / 1000))
    return "<tr>" + "".join(f'<td style="{CELL}">{safe(cell)}</td>' for cell in cells) + "</tr>"
