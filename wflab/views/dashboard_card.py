"""The dashboard without a script: the tiles in a line, a picture of how each workflow's runs ended, tables; and text that is the same at every look."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from wflab.analytics.durations import span_text
from wflab.analytics.fleet.answer import DASH
from wflab.protocol.dashboard import DashboardPicture, WorkflowLine
from wflab.views.card import CELL, MUTED, image, safe
from wflab.views.dashboard_picture import rate_text, title_of
from wflab.views.dashboard_svg import MOST_DRAWN, STATES, svg_dashboard
from wflab.views.inbox_card import FRAME
from wflab.views.svg import printable

MOST_ROWS = 40
EMPTY = "No runs yet. Start one: lab.start(workflow, input); lab.recipes() has patterns to begin with."
NONE_HERE = "No run fits the filter."
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
    lines = [
        f"  {printable(title_of(line.name, line.version))}: {_told(line)}"
        for line in sorted(picture.workflows[:MOST_ROWS], key=lambda line: title_of(line.name, line.version))
    ]
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


def _told(line: WorkflowLine) -> str:
    ended = ", ".join(f"{line.counts[state]:,} {state}" for state in STATES if line.counts.get(state))
    return f"success {rate_text(line.rate)} ({line.numerator:,}/{line.denominator:,}); {ended}"


def _drawing(picture: DashboardPicture, sentence: str) -> str:
    shown = picture.workflows[:MOST_DRAWN]
    told = "; ".join(f"{title_of(line.name, line.version)}: {_told(line)}" for line in shown)
    return image(svg_dashboard(picture), printable(f"{sentence} {told}."), "display:block;margin:6px 0;max-width:100%")


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
            title_of(line.name, line.version),
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
