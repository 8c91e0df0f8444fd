"""The execution graph at one level as one SVG text, for saved notebooks and pages without our script (see `svg.py` for its themes)."""

from html import escape
from math import log

from wflab import protocol
from wflab.analytics.durations import span_text
from wflab.views.graph_words import caption, counts_text, figures, title_of
from wflab.views.palette import PALETTE, Theme
from wflab.views.svg import (
    BOLD,
    LINE,
    SMALL,
    badge_of,
    bar,
    in_both_themes,
    printable,
    state_rules,
    text_at,
    theme_rules,
    waffle,
)

LARGEST = 38_000
_DASHED = {"PENDING", "CANCELED"}
_LARGE = 100
_RIBBON = 26.0


def svg_of(picture: protocol.GraphPicture, level: int) -> str:
    """The picture at its natural size; where it would be too large for a notebook, bars stand for the waffles and histograms."""
    drawn = _drawn(picture, picture.levels[level], is_full=True)
    return drawn if len(drawn) <= LARGEST else _drawn(picture, picture.levels[level], is_full=False)


def size_of(picture: protocol.GraphPicture, level: int) -> tuple[float, float]:
    """Width and height of the picture."""
    ribbon = _RIBBON if picture.generations else 0.0
    place = picture.levels[level]
    return max(place.width, 26.0 * len(picture.generations)), place.height + ribbon


def _drawn(picture: protocol.GraphPicture, level: protocol.Level, *, is_full: bool) -> str:
    groups = {group.id: group for group in picture.groups}
    shown = [groups[name] for name in level.places if name in groups]
    states = {state for group in shown for state in (group.state, *group.counts)} | {one.state for one in picture.generations}
    ribbon = _ribbon(picture.generations) if picture.generations else ""
    top = _RIBBON if ribbon else 0.0
    width, height = max(level.width, 26.0 * len(picture.generations)), level.height + top
    fixed = (
        "text{font-family:system-ui,sans-serif;font-size:12px}.s{font-size:10.5px}.b{font-weight:600}"
        f".e{{fill:none;stroke:{LINE};stroke-width:1.4}}.planned{{stroke-dasharray:4 3}}.mark{{stroke-dasharray:1 3}}.lost{{stroke-dasharray:2 3;stroke-opacity:.6}}"
        ".k{fill:none;stroke-width:1.3}.x{opacity:.3}"
    )
    style = fixed + in_both_themes(lambda theme: theme_rules(theme) + state_rules(states, theme) + _own_rules(theme))
    size = f'width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}><style>{style}</style>{_defs(shown)}{ribbon}',
        f'<g transform="translate(0 {top:g})">',
    ]
    frames = set(level.frames)
    parts += [_frame(groups[name], level.places[name]) for name in level.frames if name in groups]
    parts += [f'<path class="e {edge.kind}" d="{edge.path}"/>' for edge in level.edges]
    parts += [_struck(edge.path) for edge in level.edges if edge.kind == "lost"]
    parts += [_node(group, level.places[group.id], is_full=is_full) for group in shown if group.id not in frames]
    return "".join([*parts, "</g></svg>"])


def _own_rules(theme: Theme) -> str:
    return ".h{fill:#8b949e;fill-opacity:.45}" + (".m{stroke:#f0f3f6}" if theme == "dark" else ".m{stroke:#1f2328}")


def _defs(groups: list[protocol.GraphGroup]) -> str:
    badges = "".join(f'<g id="s-{escape(state)}">{badge_of(state)}</g>' for state in sorted({group.state for group in groups}))
    kinds = sorted({group.kind for group in groups})
    icons = "".join(f'<path id="k-{escape(kind)}" class="k" d="{PALETTE.kind(kind).path}"/>' for kind in kinds)
    return f"<defs>{badges}{icons}</defs>"


def _ribbon(generations: list[protocol.Generation]) -> str:
    """The generations of a chain, oldest first."""
    parts = []
    for place, one in enumerate(generations):
        letter = PALETTE.state(one.state).letter
        x = 2 + place * 26
        parts.append(f'<rect x="{x}" y="3" width="24" height="16" rx="3" class="n l-{letter}" stroke-width="1.6"/>')
        parts.append(f'<text x="{x + 12}" y="15" class="s" text-anchor="middle">{one.number}</text>')
    return "".join(parts)


def _struck(path: str) -> str:
    """The sign that an edge leads from who lost: where it begins."""
    x, y = (float(number) for number in path[1:].replace("C", "H").split("H")[0].split(" ")[:2])
    return f'<path class="e" d="M{x + 8:g} {y - 5:g}a5 5 0 1 0 .1 0zm-3.5 8.5l7 -7"/>'


def _frame(group: protocol.GraphGroup, place: tuple[float, float, float, float]) -> str:
    x, y, width, height = place
    letter = PALETTE.state(group.state).letter
    head = text_at(12, 19, title_of(group), "b", width - 24, BOLD)
    return (
        f'<g transform="translate({x:g} {y:g})"><rect width="{width:g}" height="{height:g}" rx="7" fill="none" class="l-{letter}" stroke-width="1.4"/>'
        f'<rect x="3" y="3" width="{width - 6:g}" height="{height - 6:g}" rx="5" fill="none" class="l-{letter}" stroke-opacity=".5"/>{head}</g>'
    )


def _node(group: protocol.GraphGroup, place: tuple[float, float, float, float], *, is_full: bool) -> str:
    x, y, width, height = place
    letter = PALETTE.state(group.state).letter
    dash = ' stroke-dasharray="4 3"' if group.planned or group.state in _DASHED or group.kind == "scope" else ""
    weight = 2 if group.state == "FAILED" else 1.4
    frame = f'<rect class="n l-{letter}" x=".7" y=".7" width="{width - 1.4:g}" height="{height - 1.4:g}" rx="5" stroke-width="{weight:g}"{dash}/>'
    if group.kind == "child":
        frame += f'<rect x="3.4" y="3.4" width="{width - 6.8:g}" height="{height - 6.8:g}" rx="3" fill="none" class="l-{letter}" stroke-opacity=".6"/>'
    spine = f'<path d="M5 1.2H5.6V{height - 1.2:g}H5a4.2 4.2 0 0 1-4.2-4.2V5.4a4.2 4.2 0 0 1 4.2-4.2z" class="f-{letter}"/>'
    stack = ""
    if group.count > 1 and group.kind != "race":
        stack = (
            f'<rect x="4" y="-3" width="{width - 4:g}" height="{height - 1:g}" rx="5" fill="none" class="l-{letter}" stroke-opacity=".35"/>'
        )
    body = _group(group, width, is_full=is_full) if height > _LARGE else _single(group, width)
    faded = ' class="x"' if group.planned == "not taken" else ""
    return f'<g transform="translate({x:g} {y:g})"{faded}>{stack}{frame}{spine}{body}</g>'


def _single(group: protocol.GraphGroup, width: float) -> str:
    detail = (group.errors[0].message if group.errors else "") or caption(group)
    count = ""
    if group.count > 1 and group.kind not in {"race", "scope"}:
        count = f'<text x="{width - 10:g}" y="18.5" class="s b" text-anchor="end">\N{MULTIPLICATION SIGN}{group.count:,}</text>'
        detail = f"{counts_text(group.counts)} · {detail}"
    icon = f'<use href="#k-{escape(group.kind)}" transform="translate({width - 20:g} 27) scale(.75)"/>'
    head = f'<use href="#s-{escape(group.state)}" x="12" y="6"/>{text_at(34, 18.5, group.name, "b", width - (80 if count else 42), BOLD)}{count}'
    return f"{head}{text_at(12, 36.5, detail, 's', width - 34, SMALL)}{icon}"


def _group(group: protocol.GraphGroup, width: float, *, is_full: bool) -> str:
    inner = width - 22
    count = f"\N{MULTIPLICATION SIGN}{group.count:,}"
    head = f'<use href="#s-{escape(group.state)}" x="12" y="6"/>{text_at(34, 18.5, group.name, "b", inner - 22 - len(count) * BOLD, BOLD)}'
    total = f'<text x="{width - 10:g}" y="18.5" class="s b" text-anchor="end">{count}</text>'
    cells = waffle(group.cells, 12, 38, inner, 22) if is_full and group.cells else ""
    told = text_at(12, 73, counts_text(group.counts), "s", inner - 84, SMALL)
    numbers = f'<text x="{width - 10:g}" y="73" class="s" text-anchor="end">{escape(printable(figures(group)))}</text>'
    shape = _histogram(group.durations, 12, 78, inner, 18) if is_full and group.durations else ""
    note = group.errors[0] if group.errors else None
    foot = text_at(12, 113, f"{note.count:,}\N{MULTIPLICATION SIGN} {note.message}" if note else caption(group), "s", inner, SMALL)
    return f"{head}{total}{bar(group.counts, 12, 26, inner, 8) if group.counts else ''}{cells}{told}{numbers}{shape}{foot}"


def _histogram(found: protocol.Durations, x: float, y: float, across: float, down: float) -> str:
    most = max(found.bins) or 1
    step = across / len(found.bins)
    bars = "".join(
        f"M{x + place * step:.1f} {y + down:g}v-{max(1.0, down * count / most):.1f}h{step - 1:.1f}v{max(1.0, down * count / most):.1f}z"
        for place, count in enumerate(found.bins)
        if count
    )
    tick = x + across * median_place(found)
    return f'<path d="{bars}" class="h"/><path d="M{tick:.1f} {y:g}v{down:g}" class="m" stroke-width="1.2"><title>median {span_text(found.p50 / 1000)}</title></path>'


def median_place(found: protocol.Durations) -> float:
    """Where the median stands between the histogram's ends, from 0 to 1."""
    spread = log(found.high / found.low)
    return 0.5 if spread <= 0 else min(1.0, max(0.0, log(max(found.p50, found.low) / found.low) / spread))
