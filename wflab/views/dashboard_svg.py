"""The dashboard as one SVG text: how each workflow's runs ended, and what most of them failed of (see `svg.py` for its themes).

A page makes the same in extension/src/views/dashboard/svg.ts; tests/protocol/dashboard.svg holds both to it.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from math import floor

from wflab.analytics.durations import span_text
from wflab.analytics.fleet.answer import DASH
from wflab.protocol.dashboard import DashboardPicture, FailureLine, Kpi, WorkflowLine
from wflab.views.dashboard_picture import rate_text, title_of
from wflab.views.palette import PALETTE, Theme
from wflab.views.svg import in_both_themes, printable, theme_rules

STATES = (
    "COMPLETED", "CONTINUED_AS_NEW", "RUNNING", "PENDING", "SUSPENDED", "STALLED", "CANCELED", "TERMINATED", "FAILED", "UNKNOWN",
)  # fmt: skip
WIDTH = 720
MOST_DRAWN = 16
MOST_FAILURES = 8
_EDGE = 16
_ROW = 22
_TWO_LINES = 32
_BAR_AT, _BAR = 190, 270
_TILE, _GAP = 132, 7
_GLYPH_FROM = 14.0  # a part that is narrower has no room for its sign
_LINE = 124
_FIXED = (
    "text{font-family:system-ui,sans-serif;font-size:12px}.s{font-size:10.5px}.b{font-weight:600}.h{font-size:14px;font-weight:600}"
    ".v{font-size:19px;font-weight:600}.k{stroke-width:1}.bad{stroke-width:2}"
)


def svg_dashboard(picture: DashboardPicture, *, alone: bool = False) -> str:
    """The workflows and the failures; `alone`, with what a page has around them: heading, tiles, definition, and a ground to be legible on."""
    lines, failures = picture.workflows[:MOST_DRAWN], picture.failures[:MOST_FAILURES]
    parts: list[str] = []
    y = 4.0
    if alone:
        parts += [*_heading(picture), *(_tile(kpi, place) for place, kpi in enumerate(picture.kpis))]
        y = 118.0
    parts.append(_text(_EDGE, y + 14, _of("Workflows", len(lines), picture.workflows_total), "b", 60))
    y += 20
    for line in lines:
        parts.append(_workflow(line, y))
        y += _ROW
    if failures:
        parts.append(_text(_EDGE, y + 20, _of("Top failures", len(failures), picture.failures_total), "b", 60))
        y += 26
        for failure in failures:
            parts.append(_failure(failure, y))
            y += _TWO_LINES
    if alone:
        y += 6
        for told in _wrapped(picture.definition):
            parts.append(_text(_EDGE, y + 12, told, "s", _LINE))
            y += 14
    y += 8
    states = {state for line in lines for state in line.counts} | {"FAILED"}
    style = _FIXED + in_both_themes(lambda theme: theme_rules(theme) + _state_rules(states, theme))
    ground = '<rect class="n" width="100%" height="100%"/>' if alone else ""
    size = f'width="{WIDTH}" height="{y:g}" viewBox="0 0 {WIDTH} {y:g}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{style}</style>{ground}{"".join(parts)}</svg>'


def segments(counts: dict[str, int], width: float, least: float = 3.0) -> list[tuple[str, float]]:
    """The widths of a bar's parts by state, in the palette's order; none of them so small that it could not be seen."""
    present = [(state, counts[state]) for state in STATES if counts.get(state)]
    total = sum(count for _, count in present)
    widths = [max(least, width * count / total) for _, count in present]
    spare = sum(widths) - width
    largest = max(range(len(widths)), key=widths.__getitem__, default=0)
    return [(state, widths[place] - (spare if place == largest else 0)) for place, (state, _) in enumerate(present)]


def _state_rules(states: Iterable[str], theme: Theme) -> str:
    looks = [PALETTE.state(state) for state in sorted(states)]
    return "".join(f".f{look.letter}{{fill:{look.fill(theme)}}}.o{look.letter}{{fill:{look.on(theme)}}}" for look in looks) + (
        f".bad{{stroke:{PALETTE.state('FAILED').fill(theme)}}}"
    )


def _heading(picture: DashboardPicture) -> list[str]:
    moment = datetime.fromtimestamp(floor(picture.now / 1000), UTC)
    return [
        _text(_EDGE, 24, f"Dashboard of {picture.lab}", "h", 60),
        f'<text class="s" x="{WIDTH - _EDGE}" y="24" text-anchor="end">as of {moment:%Y-%m-%d %H:%M:%S} UTC</text>',
        _text(_EDGE, 41, picture.code, "s", _LINE),
    ]


def _tile(kpi: Kpi, place: int) -> str:
    x = _EDGE + place * (_TILE + _GAP)
    sign = {"good": " ✓\ufe0e", "bad": " ✕\ufe0e"}.get(kpi.standing, "")
    box = f'<rect class="n k{" bad" if kpi.standing == "bad" else ""}" x="{x}" y="52" width="{_TILE}" height="58" rx="5"/>'
    words = [(66, kpi.title, "s", 24), (89, kpi.value + sign, "v", 11), (104, kpi.note, "s", 23)]
    return box + "".join(_text(x + 8, y, told, style, most) for y, told, style, most in words)


def _workflow(line: WorkflowLine, y: float) -> str:
    parts, x = [], float(_BAR_AT)
    for state, width in segments(line.counts, _BAR):
        look = PALETTE.state(state)
        parts.append(f'<rect class="f{look.letter}" x="{_tenth(x)}" y="{y + 4:g}" width="{_tenth(max(width - 0.6, 1))}" height="14"/>')
        if width >= _GLYPH_FROM:
            parts.append(
                f'<text class="o{look.letter}" x="{_tenth(x + width / 2)}" y="{y + 15:g}" text-anchor="middle">{look.glyph}\ufe0e</text>'
            )
        x += width
    p95 = DASH if line.p95 is None else span_text(line.p95)
    told = [
        _text(_EDGE, y + 15, title_of(line.name, line.version), "", 25),
        _text(_BAR_AT + _BAR + 12, y + 15, rate_text(line.rate), "b", 8),
        _text(_BAR_AT + _BAR + 62, y + 15, f"{line.numerator:,}/{line.denominator:,}", "s", 17),
        f'<text class="s" x="{WIDTH - _EDGE}" y="{y + 15:g}" text-anchor="end">p95 {escape(p95)}</text>',
    ]
    return "".join([*told, *parts])


def _failure(line: FailureLine, y: float) -> str:
    where = line.activity or "the workflow itself"
    mark = f"new since {line.new_since} · " if line.new_since else ""
    return "".join(
        [
            f'<path class="fF" d="M{_EDGE} {y + 4:g}h3v24h-3z"/>',
            _text(_EDGE + 10, y + 14, f"{line.count:,}", "b", 9),
            _text(_EDGE + 66, y + 14, f"{floor(line.share * 100 + 0.5)}%", "s", 4),
            _text(_EDGE + 104, y + 14, line.fingerprint, "", 84),
            _text(_EDGE + 104, y + 27, f"{mark}{where} · {', '.join(line.workflows)}", "s b" if mark else "s", 100),
        ]
    )


def _of(heading: str, shown: int, total: int) -> str:
    return f"{heading} ({shown} of {total:,})" if total > shown else heading


def _wrapped(text: str) -> Sequence[str]:
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _LINE:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return lines


def _text(x: float, y: float, told: str, style: str, most: int) -> str:
    shown = printable(told)
    cut = shown if len(shown) <= most else f"{shown[: most - 1]}…"
    of = f' class="{style}"' if style else ""
    return f'<text{of} x="{x:g}" y="{y:g}">{escape(cut)}</text>'


def _tenth(value: float) -> str:
    return f"{floor(value * 10 + 0.5) / 10:g}"
