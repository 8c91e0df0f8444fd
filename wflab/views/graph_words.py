"""What stands in a group's node, and what is said of it: the same words in static cards, in text and, in TypeScript, in the page."""

from datetime import UTC, datetime

from wflab import protocol
from wflab.analytics.durations import span_text
from wflab.views.palette import PALETTE
from wflab.views.svg import printable

_WORDS = {"SUSPENDED": "waiting", "PENDING": "not started", "RUNNING": "running"}


def title_of(group: protocol.GraphGroup) -> str:
    """The name, and how many calls it stands for."""
    return f"{group.name} x{group.count:,}" if group.count > 1 and group.kind not in {"race", "scope"} else group.name


def caption(group: protocol.GraphGroup) -> str:
    """The line under the name where nothing ticks."""
    if group.planned:
        return group.planned
    parts = [group.note] if group.note else []
    if group.kind == "scope":
        return f"{group.note}, {group.count:,} calls"
    if group.took_ms is not None and group.note != "received":
        parts.append(span_text(group.took_ms / 1000))
    elif group.until is not None:
        parts.append(f"until {datetime.fromtimestamp(group.until / 1000, UTC):%d %b %H:%M} UTC")
    elif group.since is not None and not group.note:
        parts.append(_WORDS.get(group.state, "open"))
    if group.count == 1 and group.attempts_total > 1:
        parts.append(f"{group.attempts_total} attempts")
    if group.is_loop and group.rounds > 1:
        parts.append(f"loop \N{MULTIPLICATION SIGN}{group.rounds:,}")
    return " · ".join(parts)


def figures(group: protocol.GraphGroup) -> str:
    """`p50 1.2 s  p95 4 s`."""
    found = group.durations
    return "" if found is None else f"p50 {span_text(found.p50 / 1000)}  p95 {span_text(found.p95 / 1000)}"


def counts_text(counts: dict[str, int]) -> str:
    """`863 ✓  12 ✕`, with the glyphs as text and not as pictures."""
    return "  ".join(f"{number:,} {PALETTE.state(state).glyph}\ufe0e" for state, number in counts.items())


def standing_of(group: protocol.GraphGroup) -> str:
    """How a group stands, in words: `863 COMPLETED, 12 FAILED`, or the state and what is to be known of it."""
    if group.planned:
        return group.planned
    if group.count > 1 and len(group.counts) > 1 and group.kind != "race":
        return ", ".join(f"{count:,} {state}" for state, count in group.counts.items())
    notes = [group.errors[0].message] if group.errors else [group.note] if group.note else []
    if group.count == 1 and group.attempts_total > 1:
        notes.append(f"{group.attempts_total} attempts")
    return f"{group.state} ({', '.join(notes)})" if notes else group.state


def sentence_of(picture: protocol.GraphPicture) -> str:
    """The whole graph in one sentence."""
    groups = [group for group in picture.groups if group.kind not in {"workflow", "race"} and not group.planned]
    told = "; ".join(f"{title_of(group)} {standing_of(group)}" for group in groups[:12])
    more = f"; and {len(groups) - 12} more groups" if len(groups) > 12 else ""  # noqa: PLR2004  # as many as one can listen to
    planned = sum(1 for group in picture.groups if group.planned)
    plan = f"; {planned} more in the plan" if planned else ""
    return printable(f"Execution graph of {picture.name}, {picture.status}: {told or 'nothing has run yet'}{more}{plan}.")
