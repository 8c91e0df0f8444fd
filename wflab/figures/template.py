"""How our figures look: the plotly templates `wflab_light` and `wflab_dark`, and the few rules that all figures keep.

Hue is a state and nothing else, as in the views. What is no state (workflows, versions) is told apart by dash and marker in the ink's colour, so
that it reads in grey, too. plotly is imported when the first figure is made: it costs half a second.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from wflab.views.palette import PALETTE, Theme

INK: dict[Theme, str] = {"light": "#1f2328", "dark": "#f0f3f6"}
MUTED: dict[Theme, str] = {"light": "#57606a", "dark": "#9aa4ae"}
_GRID: dict[Theme, str] = {"light": "#e4e7eb", "dark": "#3a3f45"}
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_GREYS: dict[Theme, tuple[str, ...]] = {"light": ("#1f2328", "#6e7781", "#424a53"), "dark": ("#f0f3f6", "#9aa4ae", "#c9d1d9")}
_FONT = "system-ui, -apple-system, 'Segoe UI', sans-serif"
_ROW_PX = 34
_MARGIN = {"l": 12, "r": 24, "t": 64, "b": 48}


def template_name(theme: Theme) -> str:
    """The template of a theme, in the palette of now; registered with plotly under this name, which any figure of yours can use."""
    import plotly.graph_objects as go  # noqa: PLC0415  # only who makes figures pays for it
    import plotly.io as pio  # noqa: PLC0415  # likewise

    surface, ink, grid = PALETTE.surface[theme], INK[theme], _GRID[theme]
    axis = {
        "automargin": True,
        "gridcolor": grid,
        "linecolor": MUTED[theme],
        "zerolinecolor": grid,
        "tickfont": {"color": MUTED[theme]},
        "title": {"standoff": 10},
    }
    layout = {
        "font": {"family": _FONT, "size": 13, "color": ink},
        "paper_bgcolor": surface,
        "plot_bgcolor": surface,
        "colorway": list(_GREYS[theme]),
        "title": {"x": 0, "xref": "container", "pad": {"l": 14}, "font": {"size": 16}},
        "margin": _MARGIN,
        "xaxis": axis,
        "yaxis": {**axis, "ticklabelstandoff": 6},
        "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.0, "x": 0, "font": {"size": 12}, "traceorder": "normal"},
        "hoverlabel": {"bgcolor": surface, "bordercolor": MUTED[theme], "font": {"color": ink, "family": _FONT}, "align": "left"},
        "bargap": 0.35,
    }
    name = f"wflab_{theme}"
    pio.templates[name] = go.layout.Template(layout=layout)
    return name


def blank(theme: Theme, title: str, *, x: str = "", y: str = "", rows: int | None = None) -> Any:
    """A figure with a title and its axes named; as high as so many horizontal rows need."""
    from wflab.figures.figure import LabFigure  # noqa: PLC0415  # it imports plotly; see above

    figure = LabFigure(layout={"template": template_name(theme), "title": {"text": plain(title)}})
    figure.update_xaxes(title_text=x)
    figure.update_yaxes(title_text=y)
    if rows is not None:
        figure.update_layout(height=max(220, 130 + _ROW_PX * rows))
    return figure


def nothing(theme: Theme, title: str, what_to_do: str) -> Any:
    """A figure with nothing in it but what to do."""
    figure = blank(theme, title)
    figure.update_layout(height=220, xaxis={"visible": False}, yaxis={"visible": False})
    figure.add_annotation(
        text=plain(what_to_do), showarrow=False, x=0.5, y=0.5, xref="paper", yref="paper", font={"size": 14, "color": MUTED[theme]}
    )
    return figure


def plain(text: object) -> str:
    """Text as plotly shows it: it reads a little HTML, so what a user or a workflow supplies is escaped."""
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def short(text: object, most: int = 48) -> str:
    """`plain`, cut with an ellipsis: for axes. Hover has the whole."""
    whole = str(text)
    return plain(whole if len(whole) <= most else f"{whole[: most - 1]}…")


def labels(frame: Any, columns: Sequence[str]) -> list[str]:
    """What a group is called: its values, joined; `all runs` without groups."""
    if not columns:
        return ["all runs"] * len(frame)
    return [" · ".join("–" if pd.isna(value) else str(value) for value in row) for row in zip(*(frame[c] for c in columns), strict=True)]


def rows_of(frame: pd.DataFrame) -> list[Any]:
    """The rows as named tuples; `count`, which is a method of those, is called `total`."""
    return list(frame.rename(columns={"count": "total"}).itertuples(index=False))


def state_colour(state: str, theme: Theme) -> str:
    """A state's colour, of the palette of now."""
    return PALETTE.state(state).fill(theme)


def state_label(state: str) -> str:
    """A state with its glyph, which says it without colour."""
    return f"{PALETTE.state(state).glyph} {state}"


def see_through(colour: str, opacity: float) -> str:
    """The colour as rgba."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"
