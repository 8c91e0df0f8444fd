"""The timeline as one SVG text, for saved notebooks and pages without our script; both themes are in it (see svg.py).

The same rows, phases and breaks as extension/src/views/timeline draws, over the whole of the run's time.
"""

from collections.abc import Callable, Iterable, Sequence
from html import escape

import numpy as np

from wflab import protocol
from wflab.analytics.durations import span_text
from wflab.analytics.span import Span
from wflab.views.head import milliseconds
from wflab.views.palette import BADNESS, PALETTE, Theme
from wflab.views.span_table import STATES
from wflab.views.svg import TIMES, printable
from wflab.views.timeline_rows import Row, bands_of

LEFT, RIGHT, WIDTH, TOP, HEIGHT = 180.0, 84.0, 860.0, 24.0, 22.0
BREAK = 26.0
_MIDDLE = HEIGHT / 2
_INK = {"light": ("#1f2328", "#57606a", "#d0d7de"), "dark": ("#f0f3f6", "#9aa4ae", "#444c56")}
_STEPS = (
    1,
    2,
    5,
    10,
    20,
    50,
    100,
    200,
    500,
    1e3,
    2e3,
    5e3,
    1e4,
    15e3,
    3e4,
    6e4,
    12e4,
    3e5,
    6e5,
    9e5,
    18e5,
    36e5,
    72e5,
    216e5,
    432e5,
    864e5,
)
_APART = 90.0
_LONGEST_NAME = 22
_CELLS = 120
_X = Callable[[float], float]


def svg_timeline(picture: protocol.TimelinePicture, rows: Sequence[Row], spans: Sequence[Span]) -> str:
    """Draw these rows."""
    chart = WIDTH - LEFT - RIGHT
    gaps = picture.gaps if picture.is_over or picture.status == "SUSPENDED" else []
    end = max(picture.end, picture.begin + 1)
    used = end - picture.begin - sum(until - since for since, until in gaps)
    scale = (chart - BREAK * len(gaps)) / used if used > 0 else 0.0

    def x(time: float) -> float:
        at = LEFT + (time - picture.begin) * scale
        for since, until in gaps:
            if time > since:
                inside = min(time, until) - since
                at += BREAK * inside / (until - since) - inside * scale
        return round(at, 1)

    height = TOP + HEIGHT * len(rows) + 6
    groups = {group.key: group for group in picture.groups}
    states = (
        {row.state for row in rows} | {str(span.state) for span in spans} | {state for group in picture.groups for state in group.counts}
    )
    body = [
        _ticks(picture, gaps, scale, x, height),
        *(_gap(gap, x, height) for gap in gaps),
        *(_band(span, x, height, end) for span in bands_of(spans)),
    ]
    for place, row in enumerate(rows):
        marks = (
            _density(groups[row.key], picture.stretches, x)
            if row.key in groups
            else "".join(_span(span, x, picture.now, end) for span in row.spans)
        )
        body.append(f'<g transform="translate(0 {TOP + place * HEIGHT:g})">{_head(row)}{marks}{_tail(row, groups.get(row.key))}</g>')
    style = _style(states | {"PENDING", "SUSPENDED"})
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH:g}" height="{height:g}" viewBox="0 0 {WIDTH:g} {height:g}"><style>{style}</style>{"".join(body)}</svg>'


def _style(states: Iterable[str]) -> str:
    def rules(theme: Theme) -> str:
        ink, muted, line = _INK[theme]
        known = "".join(
            f".f{PALETTE.state(s).letter}{{fill:{PALETTE.state(s).fill(theme)}}}.l{PALETTE.state(s).letter}{{stroke:{PALETTE.state(s).fill(theme)}}}"
            for s in sorted(states)
        )
        return f"text{{fill:{muted}}}.n{{fill:{ink}}}.g{{stroke:{line}}}.b{{fill:{muted}}}{known}"

    fixed = "text{font:10.5px system-ui,sans-serif}.n{font-size:12px;font-weight:600}path,.q{fill:none}.s{stroke:none}.b{fill-opacity:.25}path{stroke-width:1.5}"
    return f"{fixed}{rules('light')}@media (prefers-color-scheme:dark){{{rules('dark')}}}"


def _letter(state: str) -> str:
    return PALETTE.state(state).letter


def _head(row: Row) -> str:
    name = printable(row.name)
    most = _LONGEST_NAME - 2 * row.depth
    name = name if len(name) <= most else f"{name[: most - 1]}…"
    count = f" {TIMES}{row.count:,}" if row.count > 1 and not row.is_minor else ""
    look = PALETTE.state(row.state)
    glyph = f'<rect class="f{look.letter}" x="{row.depth * 12:g}" y="5" width="12" height="12" rx="2.5"{" fill-opacity=" + chr(34) + ".35" + chr(34) if look.hollow else ""}/>'
    return f'{glyph}<text class="n" x="{row.depth * 12 + 18:g}" y="15">{escape(name)}{count}</text>'


def _tail(row: Row, group: protocol.Density | None) -> str:
    took = row.took_ms if group is None else None if group.until is None else group.until - group.since
    said = "" if took is None else span_text(took / 1000)
    return f'<text x="{WIDTH - RIGHT + 8:g}" y="15">{escape(said)}</text>'


def _span(span: Span, x: _X, now: float, end: float) -> str:
    queued = milliseconds(span.queued_at)
    until = min(max(now, queued), end) if span.ended_at is None else milliseconds(span.ended_at)
    if span.kind == "timer":
        fired = span.outcome == "fired"
        close = "" if span.ended_at is None else _end(x(until), span, "diamond" if fired else "cross")
        return f'<circle class="q l{_letter(span.state)}" cx="{x(queued):g}" cy="{_MIDDLE:g}" r="3"/><path class="l{_letter(span.state)}" d="M{x(queued) + 3:g} {_MIDDLE:g}H{x(until):g}"/>{close}'
    if span.kind in {"event_wait", "event_sent"}:
        is_point = span.outcome == "buffered" or span.kind == "event_sent"
        comb = (
            ""
            if is_point
            else f'<path class="lS" stroke-dasharray="2 2" style="stroke-width:6" d="M{x(queued):g} {_MIDDLE:g}H{max(x(until), x(queued) + 2):g}"/>'
        )
        close = "" if span.ended_at is None else _end(x(until), span, "diamond" if is_point or span.outcome == "raised" else "cross")
        return comb + close
    started = milliseconds(span.started_at) if span.started_at else None
    begun = max(started, queued) if started is not None else until if span.phase == "queued" else queued
    parts = (
        [f'<rect class="q lP" stroke-dasharray="2 2" x="{x(queued):g}" y="8" width="{x(begun) - x(queued):.1f}" height="6"/>']
        if x(begun) - x(queued) > 1
        else []
    )
    if span.phase != "queued":
        high = 7 if span.kind == "workflow" else 12
        parts.append(
            f'<rect class="f{_letter(span.state)}" x="{x(begun):g}" y="{_MIDDLE - high / 2:g}" width="{max(3.0, x(until) - x(begun)):.1f}" height="{high}" rx="1.5"/>'
        )
    if span.ended_at is None:
        parts.append(f'<path class="l{_letter(span.state)}" d="M{x(until) + 3:g} 7h4m-4 4h7m-7 4h4"/>')
    if span.fire_at and span.ended_at and milliseconds(span.fire_at) > until and span.kind != "workflow":
        parts.append(
            f'<path class="l{_letter(span.state)}" stroke-dasharray="2 2.5" d="M{x(until):g} {_MIDDLE:g}H{x(min(milliseconds(span.fire_at), end)):g}"/>'
        )
    return "".join(parts)


def _end(at: float, span: Span, shape: str) -> str:
    letter = _letter(span.state)
    if shape == "diamond":
        return f'<path class="f{letter}" style="fill-opacity:1" d="M{at:g} {_MIDDLE - 5:g}l5 5l-5 5l-5-5z"/>'
    return f'<path class="l{letter}" d="M{at - 4:g} {_MIDDLE - 4:g}l8 8m0-8l-8 8"/>'


def _density(group: protocol.Density, stretches: Sequence[protocol.Stretch], x: _X) -> str:
    """Coarser than in the page: some hundred columns say as much on paper."""
    worst, many = np.frombuffer(group.worst, np.uint8), np.frombuffer(group.many, "<u2")
    most = max(1, int(many.max(initial=0)))
    parts: list[str] = []
    place = 0
    for stretch in stretches:
        step = max(1, -(-sum(s.columns for s in stretches) // _CELLS))
        for at in range(0, stretch.columns, step):
            states = [STATES[state - 1] for state in worst[place + at : place + min(at + step, stretch.columns)] if state]
            if not states:
                continue
            width = (stretch.until - stretch.since) / stretch.columns
            left, right = x(stretch.since + at * width), x(stretch.since + min(at + step, stretch.columns) * width)
            state = min(states, key=BADNESS.index)
            high = round(4 + 12 * (int(many[place + at : place + min(at + step, stretch.columns)].max()) / most) ** 0.5)
            parts.append(
                f'<rect class="f{_letter(state)}" x="{left:g}" y="{18 - high}" width="{max(1.0, right - left):.1f}" height="{high}"/>'
            )
        place += stretch.columns
    return "".join(parts)


def _ticks(picture: protocol.TimelinePicture, gaps: Sequence[tuple[float, float]], scale: float, x: _X, height: float) -> str:
    step = next((step for step in _STEPS if step * scale >= _APART), 864e5 * max(1, round(_APART / max(scale, 1e-12) / 864e5)))
    parts: list[str] = []
    borders = [picture.begin, *(moment for gap in gaps for moment in gap), picture.end]
    room = 0.0
    for since, until in zip(borders[::2], borders[1::2], strict=True):
        time = picture.begin + -(-(since - picture.begin) // step) * step
        while time <= until:
            is_free = all(not -_APART * 0.6 < x(time) - x(gap) < BREAK for gap, _ in gaps)
            if x(time) >= room and x(time) < WIDTH - RIGHT - 20 and is_free:
                elapsed = time - picture.begin
                parts.append(
                    f'<path class="g" d="M{x(time):g} 18V{height:g}"/><text x="{x(time) + 2:g}" y="12">{"0 s" if elapsed == 0 else "+" + span_text(elapsed / 1000)}</text>'
                )
                room = x(time) + _APART * 0.8
            time += step
    return "".join(parts)


def _gap(gap: tuple[float, float], x: _X, height: float) -> str:
    at = x(gap[0])
    return f'<rect class="b" x="{at:g}" y="0" width="{BREAK:g}" height="{height:g}"/><text x="{at + BREAK / 2:g}" y="12" text-anchor="middle" class="n">{span_text((gap[1] - gap[0]) / 1000)}</text>'


def _band(span: Span, x: _X, height: float, end: float) -> str:
    left, right = x(milliseconds(span.queued_at)), x(end if span.ended_at is None else milliseconds(span.ended_at))
    letter = "S" if span.kind == "suspend" else _letter(span.state)
    if span.kind == "can":
        return f'<path class="l{letter}" d="M{left - 1.5:g} {TOP:g}V{height:g}M{left + 1.5:g} {TOP:g}V{height:g}"/>'
    lines = "".join(f"M{at:g} {TOP:g}V{height:g}" for at in np.arange(left, max(right, left + 1), 5.0)[:160])
    return (
        f'<path class="l{letter}" stroke-dasharray="{"4 4" if span.kind == "suspend" else "1 3"}" style="stroke-opacity:.5" d="{lines}"/>'
    )
