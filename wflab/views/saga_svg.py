"""The ladder as one SVG text, for saved notebooks and pages without our script (see `svg.py` for its themes)."""

from html import escape

from wflab.protocol.saga import SagaLadder, SagaNode, SagaPicture, SagaRow
from wflab.views.palette import PALETTE
from wflab.views.svg import BOLD, LINE, SMALL, badge_of, bar, glyph, in_both_themes, state_rules, text_at, theme_rules, waffle

MOST_ROWS = 24
LARGEST = 38_000
_TOP = 24.0
_DASHED = {"PENDING", "CANCELED"}


def svg_saga(picture: SagaPicture) -> str:
    """The first rows at their natural size; fewer where it would be too large for a notebook."""
    most = MOST_ROWS
    drawn = _drawn(picture.story.ladder, most)
    while len(drawn) > LARGEST and most > 1:
        most //= 2
        drawn = _drawn(picture.story.ladder, most)
    return drawn


def size_of(picture: SagaPicture) -> tuple[float, float]:
    """Width and height of the picture."""
    return picture.story.ladder.wide.width, _height(picture.story.ladder, MOST_ROWS)


def _height(ladder: SagaLadder, most: int) -> float:
    return max((row.y + row.height for row in ladder.rows[:most]), default=0.0) + _TOP + 8


def _drawn(ladder: SagaLadder, most: int) -> str:
    rows = ladder.rows[:most]
    layout, height = ladder.wide, _height(ladder, most)
    nodes = [node for row in rows for node in (row.forward, row.back) if node is not None]
    states = {state for node in nodes for state in (node.look, *node.counts)} | {"FAILED", "PENDING"}
    fixed = (
        "text{font-family:system-ui,sans-serif;font-size:12px}.s{font-size:10.5px}.b{font-weight:600}"
        f".w{{fill:none;stroke-width:1.5;stroke-dasharray:6 4}}.inferred{{stroke-dasharray:1.5 4}}.t{{fill:none;stroke-width:2}}.p{{stroke:{LINE};stroke-width:4}}"
    )
    style = fixed + in_both_themes(lambda theme: theme_rules(theme) + state_rules(states, theme))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{layout.width:g}" height="{height:g}" viewBox="0 0 {layout.width:g} {height:g}"><style>{style}</style>'
    ]
    parts.append(
        f'<text class="s b" x="{layout.forward[0]:g}" y="14">Forward</text><text class="s b" x="{layout.back[0]:g}" y="14">Compensation</text>'
    )
    parts.append(f'<g transform="translate(0 {_TOP:g})">')
    middle = (layout.forward[0] + layout.forward[1] + layout.back[0]) / 2
    for bridge in layout.bridges:
        row = next((row for row in rows if row.id == bridge.row), None)
        if row is not None:
            label = {"explicit": "undoes", "inferred": "inferred"}.get(bridge.link, "would undo")
            told = f"{label} · {row.token}" if row.token and len(row.token) < 12 else label  # noqa: PLR2004  # the lane is 160 pixels
            parts.append(f'<path class="w {bridge.link} l-{PALETTE.state(bridge.look).letter}" d="{bridge.path}"/>')
            parts.append(f'<text class="s" x="{middle:g}" y="{row.y + row.height / 2 - 5:g}" text-anchor="middle">{escape(told)}</text>')
    if layout.turn and most >= len(ladder.rows):
        parts.append(f'<path class="t l-{PALETTE.state("FAILED").letter}" d="{layout.turn}"/>')
    for row in rows:
        parts += _row(row, layout.forward, layout.back)
    return "".join([*parts, "</g></svg>"])


def _row(row: SagaRow, forward: tuple[float, float], back: tuple[float, float]) -> list[str]:
    if row.kind == "fold":
        return [_fold(x, width, row, told) for (x, width), told in ((forward, "clean pairs"), (back, "undone"))]
    parts = [] if row.forward is None else [_node(row.forward, forward[0], row.y, forward[1], row.height)]
    if row.back is not None:
        parts.append(_remark(row.back, back[0], row) if row.back.is_slight else _node(row.back, back[0], row.y, back[1], row.height))
    if row.is_pivot:
        parts.append(f'<path class="p" d="M{forward[0]:g} {row.y + row.height + 5:g}H{back[0] + back[1]:g}"/>')
    return parts


def _fold(x: float, width: float, row: SagaRow, told: str) -> str:
    box = f'<rect x="{x + 0.7:g}" y="{row.y:g}" width="{width - 1.4:g}" height="{row.height:g}" rx="5" fill="none" stroke="{LINE}" stroke-dasharray="4 3"/>'
    return f'{box}<text class="b" x="{x + 12:g}" y="{row.y + 19:g}">{row.count:,} {told}</text>'


def _remark(node: SagaNode, x: float, row: SagaRow) -> str:
    told = f"{node.word}: {node.name}" if node.name and node.state == "not-needed" else node.word
    return text_at(x + 44, row.y + row.height / 2 + 4, told, "s", 180, SMALL)


def _node(node: SagaNode, x: float, y: float, width: float, height: float) -> str:
    letter = PALETTE.state(node.look).letter
    dash = ' stroke-dasharray="4 3"' if node.look in _DASHED or node.state == "missing" else ""
    weight = 2 if node.look == "FAILED" else 1.4
    stack = f'<rect x="4" y="-3" width="{width - 4:g}" height="{height - 1:g}" rx="5" fill="none" class="l-{letter}" stroke-opacity=".35"/>'
    frame = f'<rect class="n l-{letter}" x=".7" y=".7" width="{width - 1.4:g}" height="{height - 1.4:g}" rx="5" stroke-width="{weight:g}"{dash}/>'
    spine = f'<path d="M5 1.2H5.6V{height - 1.2:g}H5a4.2 4.2 0 0 1-4.2-4.2V5.4a4.2 4.2 0 0 1 4.2-4.2z" class="f-{letter}"/>'
    count = f" \N{MULTIPLICATION SIGN}{node.count:,}" if node.count > 1 else ""
    title = f'<g transform="translate(12 6)">{_badge(node)}</g>{text_at(34, 18.5, node.name + count, "b", width - 42, BOLD)}'
    told = f"{node.word} · {node.caption}" if node.caption and node.count == 1 else node.caption or node.word
    order = f'<text class="s b" x="{width - 8:g}" y="{height - 9:g}" text-anchor="end">{escape(node.order)}</text>' if node.order else ""
    body = text_at(12, height - 9.5, told, "s", width - 24 - (6 * len(node.order)), SMALL)
    if node.cells:
        body += bar(node.counts, 12, 28, width - 22, 7) + waffle(node.cells, 12, 40, width - 22, 30)
    return f'<g transform="translate({x:g} {y:g})">{stack if node.count > 1 else ""}{frame}{spine}{title}{body}{order}</g>'


def _badge(node: SagaNode) -> str:
    if not node.is_doubtful:
        return badge_of(node.look)
    look, letter = PALETTE.state("UNKNOWN"), PALETTE.state(node.look).letter
    sign = glyph(look.path, f"of-{letter}" if look.solid else f"ol-{letter}", solid=look.solid)
    return f'<rect width="16" height="16" rx="3.5" class="f-{letter}"/>{sign}'
