"""The execution graph as one SVG text, for saved notebooks and pages without our script.

It is meant to be the content of an `<img>`: a document of its own, so its ids and styles meet nobody else's. It has no background, and both
themes in it: inside an image, `prefers-color-scheme` is the colour scheme of the page's element around it, which JupyterLab sets with its
theme. So a saved picture follows the theme of whoever opens it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from html import escape

from wflab import protocol
from wflab.analytics.durations import span_text
from wflab.views.graph import END, MORE
from wflab.views.layout import START_SIZE
from wflab.views.palette import PALETTE, Theme

_INK = {"light": ("#1f2328", "#57606a"), "dark": ("#f0f3f6", "#9aa4ae")}
LINE = "#8b949e"
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]")
TIMES = "\N{MULTIPLICATION SIGN}"
NOTHING_YET = "nothing has run yet"
WAFFLE_COLUMNS = 50
BOLD, SMALL = 7.0, 5.9


def svg_graph(graph: protocol.Graph) -> str:
    """Draw the graph at its natural size."""
    states = {state for node in graph.nodes for state in (node.state, *node.counts)}
    size = f'width="{graph.width:g}" height="{graph.height:g}" viewBox="0 0 {graph.width:g} {graph.height:g}"'
    fixed = (
        "text{font-family:system-ui,sans-serif;font-size:12px}.s{font-size:10.5px}.b{font-weight:600}"
        f".e{{fill:none;stroke:{LINE};stroke-width:1.4}}.join{{stroke-opacity:.55}}.lost{{stroke-dasharray:4 3}}.k{{fill:none;stroke-width:1.3}}"
    )
    style = fixed + in_both_themes(lambda theme: theme_rules(theme) + state_rules(states, theme))
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{style}</style>{_defs(graph)}']
    parts += [f'<path class="e {edge.kind}" d="{edge.path}"/>' for edge in graph.edges]
    parts += [_node(node) for node in graph.nodes]
    return "".join([*parts, "</svg>"])


def svg_badge(state: str) -> str:
    """The badge of a state alone, 16 x 16."""
    style = in_both_themes(lambda theme: state_rules({state}, theme))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16"><style>{style}</style>{badge_of(state)}</svg>'
    )


def in_both_themes(rules: Callable[[Theme], str]) -> str:
    """The rules for light pages, and for dark ones."""
    return f"{rules('light')}@media (prefers-color-scheme:dark){{{rules('dark')}}}"


def theme_rules(theme: Theme) -> str:
    """Inks and surfaces."""
    ink, muted = _INK[theme]
    surface = PALETTE.surface[theme]
    return f"text{{fill:{ink}}}.s{{fill:{muted}}}.k{{stroke:{muted}}}.n{{fill:{surface}}}.g{{stroke:{surface}}}"


def state_rules(states: Iterable[str], theme: Theme) -> str:
    """`f-` fills with a state's colour and `l-` draws lines in it; `of-` and `ol-` do so in the colour that stands out on it."""
    rules = []
    for state in sorted(states):
        look, letter = PALETTE.state(state), PALETTE.state(state).letter
        fill, on = look.fill(theme), look.on(theme)
        rules.append(f".f-{letter}{{fill:{fill}}}.l-{letter}{{stroke:{fill}}}.of-{letter}{{fill:{on}}}.ol-{letter}{{stroke:{on}}}")
    return "".join(rules)


def printable(text: str) -> str:
    """Text without characters that XML forbids, terminals obey or that turn the line's direction."""
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def badge_of(state: str) -> str:
    """The badge of a state, in a 16 x 16 box."""
    look = PALETTE.state(state)
    letter = look.letter
    if look.hollow:
        box = f'<rect x="1" y="1" width="14" height="14" rx="3" fill="none" class="l-{letter}" stroke-width="1.3" stroke-dasharray="2 2"/>'
        return box + glyph(look.path, f"f-{letter}" if look.solid else f"l-{letter}", solid=look.solid)
    return f'<rect width="16" height="16" rx="3.5" class="f-{letter}"/>' + glyph(
        look.path, f"of-{letter}" if look.solid else f"ol-{letter}", solid=look.solid
    )


def glyph(path: str, colour: str, *, solid: bool) -> str:
    """The sign of a state."""
    if solid:
        return f'<path d="{path}" class="{colour}"/>'
    return f'<path d="{path}" fill="none" class="{colour}" stroke-width="1.9" stroke-linecap="round" stroke-linejoin="round"/>'


def _defs(graph: protocol.Graph) -> str:
    states = sorted({node.state for node in graph.nodes})
    kinds = sorted({node.kind for node in graph.nodes})
    badges = "".join(f'<g id="s-{escape(state)}">{badge_of(state)}</g>' for state in states)
    icons = "".join(f'<path id="k-{escape(kind)}" class="k" d="{PALETTE.kind(kind).path}"/>' for kind in kinds)
    return f"<defs>{badges}{icons}</defs>"


def _node(node: protocol.Node) -> str:
    if node.width == START_SIZE:
        told = f'<text class="s" x="{node.x + 22:g}" y="{node.y + 11:g}">{NOTHING_YET}</text>' if node.state == "PENDING" else ""
        return f'<circle class="n" cx="{node.x + 7:g}" cy="{node.y + 7:g}" r="6" stroke="{LINE}" stroke-width="1.6"/>{told}'
    letter = PALETTE.state(node.state).letter
    dash = ' stroke-dasharray="4 3"' if node.state in {"PENDING", "CANCELED"} or node.kind == MORE else ""
    weight = 2 if node.state == "FAILED" else 1.4
    frame = f'<rect class="n l-{letter}" x=".7" y=".7" width="{node.width - 1.4:g}" height="{node.height - 1.4:g}" rx="5" stroke-width="{weight:g}"{dash}/>'
    if node.kind == "child":
        frame += f'<rect x="3.4" y="3.4" width="{node.width - 6.8:g}" height="{node.height - 6.8:g}" rx="3" fill="none" class="l-{letter}" stroke-opacity=".6"/>'
    spine = f'<path d="M5 1.2H5.6V{node.height - 1.2:g}H5a4.2 4.2 0 0 1-4.2-4.2V5.4a4.2 4.2 0 0 1 4.2-4.2z" class="f-{letter}"/>'
    stack = f'<rect x="4" y="-3" width="{node.width - 4:g}" height="{node.height - 1:g}" rx="5" fill="none" class="l-{letter}" stroke-opacity=".35"/>'
    body = _end(node) if node.id == END else _single(node) if not node.cells else _group(node)
    return f'<g transform="translate({node.x:g} {node.y:g})">{stack if node.cells else ""}{frame}{spine}{body}</g>'


def _end(node: protocol.Node) -> str:
    return f'<use href="#s-{escape(node.state)}" x="12" y="15"/>{text_at(34, 27.5, node.name, "b", 108, BOLD)}'


def _single(node: protocol.Node) -> str:
    detail = node.error or caption(node)
    icon = f'<use href="#k-{escape(node.kind)}" transform="translate({node.width - 20:g} 27) scale(.75)"/>'
    head = f'<use href="#s-{escape(node.state)}" x="12" y="6"/>{text_at(34, 18.5, node.name, "b", node.width - 42, BOLD)}'
    return f"{head}{text_at(12, 36.5, detail, 's', node.width - 36, SMALL)}{icon}"


def _group(node: protocol.Node) -> str:
    inner = node.width - 22
    count = f"{TIMES}{node.count:,}"
    head = f'<use href="#s-{escape(node.state)}" x="12" y="6"/>{text_at(34, 18.5, node.name, "b", inner - 22 - len(count) * BOLD, BOLD)}'
    total = f'<text x="{node.width - 10:g}" y="18.5" class="s b" text-anchor="end">{count}</text>'
    counts = "  ".join(f"{number:,} {PALETTE.state(state).glyph}\ufe0e" for state, number in node.counts.items())
    line = text_at(12, 79, counts, "s", inner, SMALL)
    return f"{head}{total}{bar(node.counts, 12, 28, inner, 10)}{waffle(node.cells, 12, 44, inner, 20)}{line}{text_at(12, 96, node.error or caption(node), 's', inner, SMALL)}"


def bar(counts: Mapping[str, int], x: float, y: float, width: float, height: float) -> str:
    """Proportional, but two pixels at least for every state that occurs: one failure in a hundred thousand is seen."""
    total = sum(counts.values())
    room = width - 2 * len(counts)
    parts = []
    for state, number in counts.items():
        part = 2 + room * number / total
        parts.append(f'<rect x="{x:.2f}" y="{y:g}" width="{part:.2f}" height="{height:g}" class="f-{PALETTE.state(state).letter}"/>')
        x += part
    return "".join(parts)


def waffle(cells: str, x: float, y: float, across: float, down: float) -> str:
    """A grid of cells in reading order, one path for each state; letters in lower case have a notch: other states are with it."""
    columns = min(WAFFLE_COLUMNS, len(cells))
    rows = -(-len(cells) // columns)
    width, height = across / columns, down / rows
    runs: dict[str, list[str]] = {}
    notches = []
    for row in range(rows):
        of_row = cells[row * columns : (row + 1) * columns]
        for match in re.finditer(r"(.)\1*", of_row.upper()):
            piece = len(match[0]) * width
            runs.setdefault(match[1], []).append(
                f"M{x + match.start() * width:.1f} {y + row * height:.1f}h{piece:.1f}v{height:.1f}h-{piece:.1f}z"
            )
        notches += [
            f"M{x + (at + 1) * width:.1f} {y + row * height:.1f}v{height / 2:.1f}l-{width / 2:.1f}-{height / 2:.1f}z"
            for at, letter in enumerate(of_row)
            if letter.islower()
        ]
    painted = "".join(f'<path d="{"".join(paths)}" class="f-{escape(letter)}"/>' for letter, paths in runs.items())
    upright = "".join(f"M{x + column * width:.1f} {y:g}v{down:g}" for column in range(1, columns))
    level = "".join(f"M{x:g} {y + row * height:.1f}h{across:g}" for row in range(1, rows))
    notched = f'<path d="{"".join(notches)}" class="n"/>' if notches else ""
    return f'{painted}{notched}<path d="{upright}{level}" class="g" stroke-width=".8"/>'


def caption(node: protocol.Node) -> str:
    """What stands under a node's name when nothing ticks."""
    parts = [node.note] if node.note else []
    if node.kind == MORE:
        return "folded away; the table has what happened"
    if node.took_ms is not None and node.note != "received":
        parts.append(span_text(node.took_ms / 1000))
    elif node.until is not None:
        parts.append(f"until {datetime.fromtimestamp(node.until / 1000, UTC):%d %b %H:%M} UTC")
    elif node.since is not None and not node.note:
        parts.append({"SUSPENDED": "waiting", "PENDING": "not started"}.get(node.state, "running"))
    if len(node.attempts) > 1:
        parts.append(f"{len(node.attempts)} attempts")
    if node.is_loop:
        parts.append("in a loop")
    return " · ".join(parts)


def text_at(x: float, y: float, text: str, style: str, room: float, character: float) -> str:
    """One line of text, cut to the room there is."""
    most = max(3, int(room / character))
    shown = printable(text)
    cut = shown if len(shown) <= most else shown[: most - 1] + "…"
    return f'<text x="{x:g}" y="{y:g}" class="{style}">{escape(cut)}</text>'
