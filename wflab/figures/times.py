"""Figures of time: how long runs take, how many end when, how many are not done yet, and runs beside each other."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pandas as pd

from wflab.analytics.durations import span_text
from wflab.figures.template import DASHES, INK, MUTED, blank, labels, nothing, plain, rows_of, see_through, short, state_colour, state_label
from wflab.views.palette import Theme

_NONE_ENDED = "No runs have completed yet. Start some: lab.start(workflow, input)"
_NO_RUNS = "No runs yet. Start one: lab.start(workflow, input)"
_MOST_CURVES = 12
_MOST_POINTS = 400
_MOST_TICKS = 9
_SHORTEST_S = 0.001
_FENCES = (0.05, 0.25, 0.5, 0.75, 0.95)
_TICKS_S = (
    *(part / 1000 for part in (1, 2, 5, 10, 20, 50, 100, 200, 500)), 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 6 * 3600, 12 * 3600,
    86_400, 2 * 86_400, 7 * 86_400, 30 * 86_400, 365 * 86_400,
)  # fmt: skip
_UNITS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"), (0.001, "ms"))


def durations_ecdf(frame: pd.DataFrame, by: Sequence[str], theme: Theme) -> Any:
    """For each group, which share of its runs was done after how long."""
    title = "Durations"
    if frame.empty:
        return nothing(theme, title, _NONE_ENDED)
    figure = blank(theme, "Durations: share of runs done within", x="duration (log)", y="share of runs")
    for place, (label, group) in enumerate(_groups(frame, by)):
        values = np.sort(group["took"].dt.total_seconds().to_numpy())
        shares = np.arange(1, len(values) + 1) / len(values)
        at = _even(len(values))
        p50, p95 = (span_text(float(np.quantile(values, share))) for share in (0.5, 0.95))
        figure.add_scatter(
            x=np.maximum(values[at], _SHORTEST_S),
            y=shares[at],
            name=f"{short(label, 32)} ({len(values):,}): p50 {p50}, p95 {p95}",
            mode="lines+markers" if len(at) == 1 else "lines",
            line={
                "shape": "hv",
                "dash": DASHES[place % len(DASHES)],
                "color": INK[theme] if place < len(DASHES) else MUTED[theme],
                "width": 2,
            },
            hovertext=[
                f"<b>{plain(label)}</b><br>{share:.0%} done within {span_text(value)}"
                for value, share in zip(values[at], shares[at], strict=True)
            ],
            hoverinfo="text",
        )
    _log_axis(figure, frame["took"].dt.total_seconds())
    figure.update_yaxes(tickformat=".0%", range=[0, 1.02])
    return _with_legend(figure, frame, by)


def durations_box(frame: pd.DataFrame, by: Sequence[str], theme: Theme) -> Any:
    """A box for each group: the middle half, the median, and whiskers from the 5th to the 95th percentile."""
    title = "Durations"
    if frame.empty:
        return nothing(theme, title, _NONE_ENDED)
    groups = _groups(frame, by)
    figure = blank(theme, "Durations: median, middle half, 5th to 95th percentile", x="duration (log)", rows=len(groups))
    told = [np.maximum(np.quantile(group["took"].dt.total_seconds(), _FENCES), _SHORTEST_S) for _, group in groups]
    figure.add_box(
        y=[f"{short(label, 32)} ({len(group):,})" for label, group in groups],
        orientation="h",
        lowerfence=[one[0] for one in told],
        q1=[one[1] for one in told],
        median=[one[2] for one in told],
        q3=[one[3] for one in told],
        upperfence=[one[4] for one in told],
        line={"color": INK[theme]},
        fillcolor=see_through(MUTED[theme], 0.25),
        showlegend=False,
    )
    _log_axis(figure, pd.Series(np.concatenate(told)))
    figure.update_yaxes(autorange="reversed")
    return figure


def throughput(frame: pd.DataFrame, every: timedelta, theme: Theme) -> Any:
    """A stacked bar for each bin of time: how many runs ended in it, by how."""
    title = "Throughput"
    if frame.empty:
        return nothing(theme, title, _NONE_ENDED)
    width = span_text(every.total_seconds())
    figure = blank(theme, f"Throughput: runs that ended, per {width}", x="time of the end (UTC)", y=f"runs per {width}")
    for state in frame["status"].cat.categories:
        rows = frame[frame["status"] == state]
        if rows.empty:
            continue
        figure.add_bar(
            x=rows["time"] + every / 2,
            y=rows["count"],
            width=every.total_seconds() * 1000 * 0.9,
            name=f"{state_label(state)} {int(rows['count'].sum()):,}",
            marker={"color": state_colour(state, theme)},
            hovertext=[
                f"{begin:%Y-%m-%d %H:%M:%S} UTC, {width}<br>{count:,} {state}"
                for begin, count in zip(rows["time"], rows["count"], strict=True)
            ],
            hoverinfo="text",
        )
    figure.update_layout(barmode="stack")
    figure.update_yaxes(rangemode="tozero", tickformat=",d")
    return figure


def survival(frame: pd.DataFrame, by: Sequence[str], event: str, theme: Theme) -> Any:
    """Kaplan-Meier's curve of each group with its interval as a band; ticks are runs that are censored there."""
    title = f"Not yet {event}"
    if frame.empty:
        return nothing(theme, title, _NO_RUNS)
    unit, name = _unit(frame["time"].dt.total_seconds().max())
    figure = blank(
        theme, f"Share of runs not yet {event} (Kaplan-Meier, 95 % interval)", x=f"time since the start ({name})", y=f"share not {event}"
    )
    has_ticks = False
    for place, (label, group) in enumerate(_groups(frame, by)):
        censored = group[group["censored"] > 0]
        out = _thinned(censored)
        group = _thinned(group)  # noqa: PLW2901  # as many points as a screen shows
        x = group["time"].dt.total_seconds().to_numpy() / unit
        low, high = group["low"].ffill(), group["high"].ffill()
        colour = INK[theme]
        _band(figure, x, low, high, colour)
        figure.add_scatter(
            x=x,
            y=group["survival"],
            name=f"{short(label, 32)} ({int(group['at_risk'].iloc[0]):,})",
            mode="lines",
            line={"shape": "hv", "dash": DASHES[place % len(DASHES)], "color": colour, "width": 2},
            hovertext=[
                f"<b>{plain(label)}</b><br>after {span_text(row.time.total_seconds())}: {row.survival:.1%} not {event}"
                f"{'' if pd.isna(row.low) else f' ({row.low:.1%} – {row.high:.1%})'}<br>{row.at_risk:,} at risk"
                for row in rows_of(group)
            ],
            hoverinfo="text",
        )
        if not out.empty:
            figure.add_scatter(
                x=out["time"].dt.total_seconds() / unit,
                y=out["survival"],
                mode="markers",
                marker={"symbol": "line-ns-open", "size": 9, "color": colour, "line": {"width": 1.5}},
                hovertext=[
                    f"{row.censored:,} under way or ended otherwise after {span_text(row.time.total_seconds())}" for row in rows_of(out)
                ],
                hoverinfo="text",
                name="| censored" if len(out) == len(censored) else f"| censored ({len(out):,} of {len(censored):,} ticks)",
                showlegend=not has_ticks,
            )
            has_ticks = True
    figure.update_yaxes(tickformat=".0%", range=[0, 1.02])
    figure.update_xaxes(rangemode="tozero")
    return _with_legend(figure, frame, by)


def runs(frame: pd.DataFrame, total: int, theme: Theme) -> Any:
    """A bar for each run from its start to its end, or to now."""
    title = "Runs over time"
    if frame.empty:
        return nothing(theme, title, _NO_RUNS)
    shown = frame.sort_values("started", ignore_index=True)
    named = f"{title} (the newest {len(shown)} of {total:,})" if total > len(shown) else title
    figure = blank(theme, named, x="time (UTC)", rows=0)
    figure.update_layout(height=max(240, 140 + 18 * len(shown)), barmode="overlay", bargap=0.25)
    for state in shown["status"].cat.categories:
        rows = shown[shown["status"] == state]
        if rows.empty:
            continue
        figure.add_bar(
            x=(rows["ended"] - rows["started"]).dt.total_seconds() * 1000,
            base=rows["started"],
            y=rows.index.tolist(),
            orientation="h",
            name=f"{state_label(state)} {len(rows):,}",
            marker={"color": state_colour(state, theme), "line": {"width": 1, "color": state_colour(state, theme)}},
            hovertext=[
                f"<b>{plain(row.name)}</b> {plain(row.instance_id)}<br>{state}<br>from {row.started:%Y-%m-%d %H:%M:%S} UTC, {span_text((row.ended - row.started).total_seconds())}"
                for row in rows_of(rows)
            ],
            hoverinfo="text",
        )
    figure.update_xaxes(type="date")
    figure.update_yaxes(
        tickvals=shown.index.tolist(), ticktext=[short(name, 28) for name in shown["name"]], autorange="reversed", tickfont={"size": 11}
    )
    return figure


def _band(figure: Any, x: Any, low: Any, high: Any, colour: str) -> None:
    nothing_drawn = {"mode": "lines", "line": {"width": 0, "shape": "hv", "color": colour}, "hoverinfo": "skip", "showlegend": False}
    figure.add_scatter(x=x, y=low, **nothing_drawn)
    figure.add_scatter(x=x, y=high, fill="tonexty", fillcolor=see_through(colour, 0.12), **nothing_drawn)


def _even(count: int) -> Any:
    """At most so many places among `count`, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(_MOST_POINTS, count)).astype(int))


def _thinned(frame: pd.DataFrame) -> pd.DataFrame:
    return frame if len(frame) <= _MOST_POINTS else frame.iloc[_even(len(frame))]


def _groups(frame: pd.DataFrame, by: Sequence[str]) -> list[tuple[str, pd.DataFrame]]:
    """The largest groups, with what they are called."""
    named = frame.assign(_label=labels(frame, by))
    found = [(str(label), group) for label, group in named.groupby("_label", sort=False)]
    return sorted(found, key=lambda one: -len(one[1]))[:_MOST_CURVES]


def _with_legend(figure: Any, frame: pd.DataFrame, by: Sequence[str]) -> Any:
    total = len(set(labels(frame, by)))
    if total > _MOST_CURVES:
        figure.update_layout(title_text=f"{figure.layout.title.text} (the {_MOST_CURVES} largest of {total:,} groups)")
    figure.update_layout(showlegend=True, legend={"orientation": "v", "x": 1.02, "y": 1, "xanchor": "left", "yanchor": "top"})
    return figure


def _log_axis(figure: Any, seconds: "pd.Series[float]") -> None:
    """A logarithmic axis of seconds with ticks that people say: 200 ms, 5 s, 2 min."""
    low, high = max(float(seconds.min()), _SHORTEST_S), max(float(seconds.max()), _SHORTEST_S)
    inside = [tick for tick in _TICKS_S if low / 2 <= tick <= high * 2]
    every = inside[:: max(1, -(-len(inside) // _MOST_TICKS))]
    figure.update_xaxes(
        type="log", tickvals=every, ticktext=[span_text(tick) for tick in every], range=[np.log10(low * 0.8), np.log10(high * 1.25)]
    )


def _unit(seconds: float) -> tuple[float, str]:
    return next(((size, name) for size, name in _UNITS if seconds >= 2 * size), _UNITS[-1])
