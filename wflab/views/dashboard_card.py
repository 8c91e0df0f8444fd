"""The dashboard without a script: the tiles in a line, a picture of how each workflow's runs ended, tables; and text that is the same at every look."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from wflab.analytics.durations import span_text
from wflab.analytics.fleet.answer import DASH
from wflab.protocol.dashboard import DashboardPicture, WorkflowLine
from wflab.views.card import CELL, MUTED, image, safe
from wflab.views.dashboard_picture import rate_text
from wflab.views.inbox_card import FRAME
from wflab.views.palette import PALETTE
from wflab.views.svg import in_both_themes, printable, theme_rules

STATES = (
    "COMPLETED", "CONTINUED_AS_NEW", "RUNNING", "PENDING", "SUSPENDED", "STALLED", "CANCELED", "TERMINATED", "FAILED", "UNKNOWN",
)  # fmt: skip
MOST_DRAWN = 16
MOST_ROWS = 40
EMPTY = "No runs yet. Start one: lab.start(workflow, input); lab.recipes() has patterns to begin with."
NONE_HERE = "No run fits the filter."
_ROW = 24
_WIDTH = 460
_NAME = 150
_BAR = 220
_LONGEST = 22
_HEADS = ("Workflow", "Success", "Of", "p50", "p95", "Under way", "Top failure")


def dashboard_html(picture: DashboardPicture) -> str:
    """The dashboard as one string of HTML."""
    sentence = sentence_of(picture)
    moment = datetime.fromtimestamp(picture.now / 1000, UTC)
    head = f'<div><b>Dashboard</b>&nbsp; {escape(sentence)} <span style="{MUTED}">as of {moment:%Y-%m-%d %H:%M:%S} UTC</span></div>'
    tiles = " &nbsp; ".join(
        f"{escape(kpi.title)} <b>{escape(kpi.value)}</b> <span style='{MUTED}'>{escape(kpi.note)}</span>" for kpi in picture.kpis
    )
    body = (
        ""
        if not picture.workflows
        else f'<div style="margin:6px 0">{tiles}</div>{_drawing(picture, sentence)}{_workflows(picture)}{_stuck(picture)}{_failures(picture)}'
    )
    note = f'<div style="{MUTED};font-size:12px">{escape(picture.definition)}</div>' if picture.workflows else ""
    return f'<div data-wf-view="dashboard" data-wf-mode="static" role="group" aria-label="{safe(sentence)}" style="{FRAME}">{head}{body}{note}</div>'


def dashboard_text(picture: DashboardPicture) -> str:
    """As lines of text without ids or times: how each workflow's runs ended."""
    lines = [f"  {printable(_title(line))}: {_told(line)}" for line in sorted(picture.workflows[:MOST_ROWS], key=_title)]
    return "\n".join([counted(picture), *lines])


def counted(picture: DashboardPicture) -> str:
    """How many runs there are, and how many of them ended well; no times."""
    total = sum(picture.states.values())
    if not total:
        return NONE_HERE if picture.everything else EMPTY
    success = next(kpi for kpi in picture.kpis if kpi.key == "success")
    return f"{total:,} {'run' if total == 1 else 'runs'}: success {success.value} ({success.note.partition(' ')[0]})"


def sentence_of(picture: DashboardPicture) -> str:
    """The whole in one sentence."""
    if not sum(picture.states.values()):
        return counted(picture)
    values = {kpi.key: kpi.value for kpi in picture.kpis}
    return f"{counted(picture)}, p95 {values['p95']}, {values['running']} under way, {values['stuck']} stuck."


def _title(line: WorkflowLine) -> str:
    return f"{line.name}@{line.version}" if line.version else line.name


def _told(line: WorkflowLine) -> str:
    ended = ", ".join(f"{line.counts[state]:,} {state}" for state in STATES if line.counts.get(state))
    return f"success {rate_text(line.rate)} ({line.numerator:,}/{line.denominator:,}); {ended}"


def _drawing(picture: DashboardPicture, sentence: str) -> str:
    shown = picture.workflows[:MOST_DRAWN]
    height = _ROW * len(shown) + 4
    fills = in_both_themes(
        lambda theme: (
            theme_rules(theme) + "".join(f".f{PALETTE.state(state).letter}{{fill:{PALETTE.state(state).fill(theme)}}}" for state in STATES)
        )
    )
    style = f"text{{font-family:system-ui,sans-serif;font-size:12px}}{fills}"
    rows = "".join(_row(line, 2 + place * _ROW) for place, line in enumerate(shown))
    size = f'width="{_WIDTH}" height="{height}" viewBox="0 0 {_WIDTH} {height}"'
    drawn = f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{style}</style>{rows}</svg>'
    told = "; ".join(f"{_title(line)}: {_told(line)}" for line in shown)
    return image(drawn, printable(f"{sentence} {told}."), "display:block;margin:6px 0;max-width:100%")


def _row(line: WorkflowLine, top: float) -> str:
    title = printable(_title(line))
    title = title if len(title) <= _LONGEST else f"{title[: _LONGEST - 1]}…"
    parts, x = [], float(_NAME)
    for state, width in segments(line.counts, _BAR):
        parts.append(
            f'<rect class="f{PALETTE.state(state).letter}" x="{x:.1f}" y="{top + 5}" width="{max(width - 0.6, 1):.1f}" height="13"/>'
        )
        x += width
    rate = f'<text x="{_NAME + _BAR + 10}" y="{top + 16}">{rate_text(line.rate)}</text>'
    return f'<text x="0" y="{top + 16}">{escape(title)}</text>{"".join(parts)}{rate}'


def segments(counts: dict[str, int], width: float, least: float = 3.0) -> list[tuple[str, float]]:
    """The widths of a bar's parts by state, in the palette's order; none of them so small that it could not be seen."""
    present = [(state, counts[state]) for state in STATES if counts.get(state)]
    total = sum(count for _, count in present)
    floor = [max(least, width * count / total) for _, count in present]
    spare = sum(floor) - width
    largest = max(range(len(floor)), key=floor.__getitem__, default=0)
    return [(state, floor[place] - (spare if place == largest else 0)) for place, (state, _) in enumerate(present)]


def _table(summary: str, heads: tuple[str, ...], rows: Sequence[tuple[str, ...]], *, is_open: bool = False) -> str:
    if not rows:
        return ""
    head = "".join(f'<th scope="col" style="{CELL}">{name}</th>' for name in heads)
    body = "".join("<tr>" + "".join(f'<td style="{CELL}">{safe(cell)}</td>' for cell in row) + "</tr>" for row in rows)
    return (
        f'<details{" open" if is_open else ""} style="margin:4px 0"><summary>{summary}</summary>'
        f'<table style="border-collapse:collapse;color:inherit;font-size:12px;margin:4px 0"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></details>'
    )


def _workflows(picture: DashboardPicture) -> str:
    rows = [
        (
            _title(line),
            rate_text(line.rate),
            f"{line.numerator:,}/{line.denominator:,}",
            DASH if line.p50 is None else span_text(line.p50),
            DASH if line.p95 is None else span_text(line.p95),
            f"{sum(line.counts.get(state, 0) for state in ('PENDING', 'RUNNING', 'SUSPENDED', 'STALLED')):,}",
            line.failure,
        )
        for line in picture.workflows[:MOST_ROWS]
    ]
    cut = f", showing {MOST_ROWS}" if picture.workflows_total > MOST_ROWS else ""
    return _table(f"Workflows ({picture.workflows_total:,}{cut})", _HEADS, rows, is_open=True)


def _stuck(picture: DashboardPicture) -> str:
    rows = [(line.name, line.instance_id, line.reason, line.why, line.remedy) for line in picture.stuck[:MOST_ROWS]]
    cut = f", showing {len(rows)}" if picture.stuck_total > len(rows) else ""
    return _table(f"Stuck ({picture.stuck_total:,}{cut})", ("Workflow", "Run", "Reason", "Why", "What to do"), rows)


def _failures(picture: DashboardPicture) -> str:
    rows = [
        (line.fingerprint, line.activity, f"{line.count:,}", f"{line.share:.0%}", ", ".join(line.workflows), line.new_since)
        for line in picture.failures
    ]
    cut = f", showing {len(rows)}" if picture.failures_total > len(rows) else ""
    return _table(f"Failures ({picture.failures_total:,}{cut})", ("Failure", "Activity", "Runs", "Share", "Workflows", "New since"), rows)
