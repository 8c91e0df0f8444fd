"""The replay without a script: a table of its steps and the code with its hit counts as HTML that survives Jupyter's sanitiser, and as text."""

from collections.abc import Sequence
from html import escape

from wflab import protocol
from wflab.analytics.durations import span_text
from wflab.views.card import CELL, MUTED, framed, header, image, safe, scrolling
from wflab.views.palette import PALETTE
from wflab.views.replay_picture import BEYOND
from wflab.views.svg import LINE, in_both_themes, printable, state_rules, theme_rules

STATES = {"S": "COMPLETED", "C": "COMPLETED", "F": "FAILED", "T": "PENDING", "E": "SUSPENDED", "R": "SUSPENDED", BEYOND: "FAILED"}
MOST_ROWS = 60
MOST_TICKS = 200
MOST_NOTES = 40
_WIDTH, _HEIGHT = 640, 44
_MOST_LINES = 200


def replay_html(picture: protocol.ReplayPicture) -> str:
    """The replay as one string of HTML."""
    told = _sentence(picture)
    notes = "".join(f'<div style="{MUTED};margin:2px 0">{safe(note)}</div>' for note in [*picture.banners, *picture.left_out])
    parts = [
        header(picture),
        scrolling("Steps", image(_svg(picture), told, f"width:{_WIDTH}px;height:{_HEIGHT}px;max-width:none;margin:0;display:block")),
        notes,
        _divergence(picture.divergence),
        _notes(picture.notes),
        _table(picture),
        *(_listing(source) for source in picture.sources if source.text),
    ]
    return framed("replay", picture, told, parts)


def replay_text(picture: protocol.ReplayPicture) -> str:
    """The replay as lines of text without ids or times."""
    steps = picture.details.steps[:MOST_ROWS]
    lines = [f"  {step.number:>3}  {_line(step):<9} {printable(step.event)}{_changed(step)}" for step in steps]
    more = [f"  ... {picture.steps_total - len(steps):,} more steps"] if picture.steps_total > len(steps) else []
    parted = picture.divergence
    end = [] if parted is None else [f"  history has {parted.expected}, the code asks for {parted.produced}{_at(parted)}"]
    notes = [f"  note at step {note.step}: {printable(' '.join(note.text.split()))}" for note in picture.notes[:MOST_NOTES]]
    return "\n".join([f"{printable(picture.name)} {picture.status}, {picture.steps_total:,} steps", *lines, *more, *end, *notes])


def _sentence(picture: protocol.ReplayPicture) -> str:
    failures = len(picture.failures)
    counted = f"{picture.steps_total:,} step{'' if picture.steps_total == 1 else 's'}"
    failed = f", {failures:,} of them took a failure" if failures else ""
    parted = picture.divergence
    told = (
        ""
        if parted is None
        else f"; from step {parted.step} on the code disagrees: history has {parted.expected}, the code asks for {parted.produced}"
    )
    return printable(f"Replay of {picture.name}, {picture.status}: {counted}{failed}{told}.")


def _svg(picture: protocol.ReplayPicture) -> str:
    """The scrubber: a mark per step, or the worst of several."""
    total = max(1, picture.steps_total)
    letters = picture.outcomes
    ticks = min(total, MOST_TICKS)
    parts = [f'<path d="M14 16H{_WIDTH - 14}" stroke="{LINE}" stroke-width="3" stroke-opacity=".5"/>']
    drawn = set()
    for tick in range(ticks if letters else 0):
        begin, end = tick * total // ticks, max(tick * total // ticks + 1, (tick + 1) * total // ticks)
        part = letters[begin:end]
        state = "FAILED" if BEYOND in part or "F" in part else STATES.get(part[-1:], "PENDING")
        drawn.add(state)
        x = 14 + (_WIDTH - 28) * (tick / max(1, ticks - 1) if ticks > 1 else 0.5)
        parts.append(f'<circle class="f-{PALETTE.state(state).letter}" cx="{x:.1f}" cy="16" r="{5 if ticks <= 60 else 2.5}"/>')  # noqa: PLR2004  # where marks would touch
        if ticks <= 30:  # noqa: PLR2004  # where numbers would touch
            parts.append(f'<text class="s" x="{x:.1f}" y="38" text-anchor="middle">{begin + 1}</text>')
    rules = in_both_themes(lambda theme: theme_rules(theme) + state_rules(drawn, theme))
    style = f"text{{font-family:system-ui,sans-serif;font-size:10.5px}}{rules}"
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"><style>{style}</style>{"".join(parts)}</svg>'


def _table(picture: protocol.ReplayPicture) -> str:
    steps = picture.details.steps
    shown = steps if len(steps) <= MOST_ROWS else [*steps[: MOST_ROWS // 2], *steps[-MOST_ROWS // 2 :]]
    begin = steps[0].at if steps else 0.0
    heads = "".join(f'<th style="{CELL}">{head}</th>' for head in ("Step", "Line", "Event", "Changed", "Asked for", "After"))
    rows = "".join(_row(step, begin) for step in shown)
    note = f" (showing {len(shown)} of {picture.steps_total:,})" if picture.steps_total > len(shown) else ""
    table = f'<table style="border-collapse:collapse;color:inherit;font-size:12px;margin:4px 0"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<details open style="margin:4px 0"><summary>Steps{note}</summary>{scrolling("Table of steps", table, "")}</details>'


def _row(step: protocol.StepDetail, begin: float) -> str:
    values = (
        str(step.number),
        "" if step.line is None else str(step.line),
        safe(step.event),
        safe(", ".join(step.changed)),
        safe("; ".join(one.text for one in step.asked[:4])),
        f"+{span_text((step.at - begin) / 1000)}",
    )
    return "<tr>" + "".join(f'<td style="{CELL}">{value}</td>' for value in values) + "</tr>"


def _listing(source: protocol.SourceText) -> str:
    counts = dict(source.hits)
    lines = source.text.splitlines()
    width = len(str(len(lines)))
    told = [
        f"{f'x{counts[number]}' if number in counts else '':>6}  {number:>{width}}  {printable(line)}"
        for number, line in enumerate(lines[:_MOST_LINES], start=1)
    ]
    more = [f"… {len(lines) - _MOST_LINES:,} more lines"] if len(lines) > _MOST_LINES else []
    style = "margin:4px 0 0;padding:8px 10px;overflow:auto;max-height:360px;font-family:var(--jp-code-font-family,monospace);font-size:12px;line-height:1.45;white-space:pre;background:rgba(128,128,128,.12);border-radius:4px;color:var(--jp-ui-font-color1,#1f2328)"
    return f'<details style="margin:4px 0"><summary>Code of {safe(source.name)}, with how often each line ran</summary><pre tabindex="0" style="{style}">{escape(chr(10).join([*told, *more]))}</pre></details>'


def _divergence(parted: protocol.Divergence | None) -> str:
    if parted is None:
        return ""
    return (
        f'<div data-wf-divergence="" style="margin:6px 0;padding:4px 10px;border-left:4px solid #bf0501">'
        f"<b>History and code part at step {parted.step}{safe(_at(parted))}.</b> History expected <code>{safe(parted.expected)}</code>, "
        f"the code produced <code>{safe(parted.produced)}</code>. {safe(parted.cause)}</div>"
    )


def _notes(notes: Sequence[protocol.StepNote]) -> str:
    if not notes:
        return ""
    lines = "".join(
        f'<li style="white-space:pre-wrap">Step {note.step}, {safe(note.event)}: {safe(note.text)}</li>' for note in notes[:MOST_NOTES]
    )
    more = f"<li>and {len(notes) - MOST_NOTES} more: run.replay().notes</li>" if len(notes) > MOST_NOTES else ""
    return f'<div style="margin:6px 0"><b>Notes</b><ul style="margin:2px 0">{lines}{more}</ul></div>'


def _at(parted: protocol.Divergence) -> str:
    return "" if parted.line is None else f", line {parted.line}"


def _line(step: protocol.StepDetail) -> str:
    return "" if step.line is None else f"line {step.line}"


def _changed(step: protocol.StepDetail) -> str:
    changed: Sequence[str] = step.changed
    return f"  ({', '.join(map(printable, changed))})" if changed else ""
