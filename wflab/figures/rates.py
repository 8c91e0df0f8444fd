"""Figures of shares: how many succeed, what fails, which ways runs go, one version beside another."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from wflab.analytics.durations import span_text
from wflab.figures.template import INK, MUTED, blank, labels, nothing, plain, rows_of, short, state_colour, state_label
from wflab.views.palette import Theme

_START = "No runs have ended yet. Start some: lab.start(workflow, input)"
_MOST_ROWS = 30
_NEAR_ZERO = 0.3
_ENDS = (("completed", "COMPLETED"), ("failed", "FAILED"), ("terminated", "TERMINATED"), ("running", "RUNNING"))


def success_rates(frame: pd.DataFrame, by: Sequence[str], theme: Theme) -> Any:
    """A dot for each group's rate, with Wilson's interval as whiskers."""
    shown = frame[frame["denominator"] > 0].head(_MOST_ROWS)
    title = "Success rate"
    if shown.empty:
        return nothing(theme, title, _START)
    names = labels(shown, by)
    figure = blank(
        theme,
        _capped(title + " with 95 % interval", len(shown), int((frame["denominator"] > 0).sum())),
        x="COMPLETED of those that ended",
        rows=len(shown),
    )
    rate, low, high = shown["rate"], shown["low"], shown["high"]
    figure.add_scatter(
        x=rate,
        y=[short(name) for name in names],
        mode="markers+text",
        text=[
            f"{share:.1%}  ({int(good):,}/{int(total):,})"
            for share, good, total in zip(rate, shown["numerator"], shown["denominator"], strict=True)
        ],
        textposition="top center",
        textfont={"size": 11, "color": INK[theme]},
        marker={"color": state_colour("COMPLETED", theme), "size": 11, "symbol": "diamond"},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": high - rate,
            "arrayminus": rate - low,
            "color": MUTED[theme],
            "thickness": 2,
            "width": 6,
        },
        hovertext=[
            f"<b>{plain(name)}</b><br>{share:.1%} = {int(good):,} of {int(total):,}<br>95 %: {bottom:.1%} – {top:.1%}<br>"
            f"{int(failed):,} failed, {int(stopped):,} terminated, {int(live):,} under way"
            for name, share, good, total, bottom, top, failed, stopped, live in zip(
                names,
                rate,
                shown["numerator"],
                shown["denominator"],
                low,
                high,
                shown["failed"],
                shown["terminated"],
                shown["running"],
                strict=True,
            )
        ],
        hoverinfo="text",
        showlegend=False,
    )
    figure.update_xaxes(tickformat=".0%", range=[_from(low), 1.03], zeroline=False)
    figure.update_yaxes(range=[len(shown) - 0.5, -0.75])
    return figure


def failures(frame: pd.DataFrame, theme: Theme) -> Any:
    """A bar for each fingerprint, the most frequent on top."""
    shown = frame.head(_MOST_ROWS)
    title = "Failures by fingerprint"
    if shown.empty:
        return nothing(theme, title, "Nothing has failed. lab.runs.where(status='FAILED') would list what does.")
    figure = blank(theme, _capped(title, len(shown), len(frame)), x="runs that FAILED", rows=len(shown))
    names = [f"{row.activity}: {row.fingerprint}" if row.activity else str(row.fingerprint) for row in rows_of(shown)]
    figure.add_bar(
        x=shown["count"],
        y=list(range(len(shown))),
        orientation="h",
        marker={"color": state_colour("FAILED", theme)},
        text=[f"{count:,} ({share:.0%})" for count, share in zip(shown["count"], shown["share"], strict=True)],
        textposition="outside",
        cliponaxis=False,
        hovertext=[
            f"<b>{plain(name)}</b><br>{plain(row.message)}<br>{row.total:,} runs of {plain(', '.join(row.workflows))}<br>"
            f"first {row.first_seen:%Y-%m-%d %H:%M:%S}, last {row.last_seen:%Y-%m-%d %H:%M:%S} UTC<br>sample {plain(row.sample)}"
            f"{f'<br>new since {plain(row.new_since)}' if row.new_since else ''}"
            for name, row in zip(names, rows_of(shown), strict=True)
        ],
        hoverinfo="text",
        showlegend=False,
    )
    figure.update_yaxes(tickvals=list(range(len(shown))), ticktext=[short(name, 64) for name in names], autorange="reversed")
    figure.update_xaxes(range=[0, 1.18 * float(shown["count"].max())], rangemode="tozero", tickformat=",d")
    return figure


def variants(frame: pd.DataFrame, name: str, theme: Theme) -> Any:
    """A bar for each path, of the states that its runs are in."""
    shown = frame.head(_MOST_ROWS)
    title = f"Paths of {name}"
    if shown.empty:
        return nothing(theme, title, f"No run of {name} yet. Start one: lab.start({name}, input)")
    figure = blank(theme, _capped(title, len(shown), len(frame)), x="runs", rows=len(shown))
    rows = list(range(len(shown)))
    for column, state in _ENDS:
        if not shown[column].any():
            continue
        figure.add_bar(
            x=shown[column],
            y=rows,
            orientation="h",
            name=state_label(state),
            marker={"color": state_colour(state, theme)},
            hovertext=[
                f"<b>{plain(row.path)}</b><br>{getattr(row, column):,} {state} of {row.total:,} ({row.share:.0%} of all)"
                f"{'' if pd.isna(row.p50) else f'<br>p50 {span_text(row.p50.total_seconds())}'}<br>sample {plain(row.sample)}"
                for row in rows_of(shown)
            ],
            hoverinfo="text",
        )
    figure.update_layout(barmode="stack")
    figure.update_yaxes(tickvals=rows, ticktext=[short(path, 72) for path in shown["path"]], autorange="reversed")
    figure.update_xaxes(rangemode="tozero", tickformat=",d")
    return figure


def compare_versions(frame: pd.DataFrame, name: str, theme: Theme) -> Any:
    """Two panels with a row for each version, the oldest on top: the success rate, and the median duration, each with its interval."""
    title = f"Versions of {name}"
    if frame.empty:
        return nothing(theme, title, f"No run of {name} yet. Start one: lab.start({name}, input)")
    rows = list(range(len(frame)))
    figure = blank(theme, f"{title}, with 95 % intervals", rows=len(frame))
    rate, p50 = frame["rate"], frame["p50"].dt.total_seconds()
    p50_low, p50_high = frame["p50_low"].dt.total_seconds(), frame["p50_high"].dt.total_seconds()
    for axis, values, low, high, told in (
        ("x", rate, frame["low"], frame["high"], [_rate(row) for row in rows_of(frame)]),
        ("x2", p50, p50_low, p50_high, ["" if pd.isna(span) else span_text(span) for span in p50]),
    ):
        figure.add_scatter(
            x=values,
            y=rows,
            xaxis=axis,
            mode="markers+text",
            text=told,
            textposition="top center",
            textfont={"size": 11, "color": INK[theme]},
            cliponaxis=False,
            marker={"color": state_colour("COMPLETED", theme), "size": 11, "symbol": "diamond"},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": high - values,
                "arrayminus": values - low,
                "color": MUTED[theme],
                "thickness": 2,
                "width": 6,
            },
            hovertext=[_hover(row) for row in rows_of(frame)],
            hoverinfo="text",
            showlegend=False,
        )
    most = max((float(one) for one in (*p50, *p50_high) if not pd.isna(one)), default=1.0)
    figure.update_layout(
        xaxis={"domain": [0, 0.46], "title": {"text": "success rate"}, "tickformat": ".0%", "range": [_from(frame["low"]), 1.03]},
        xaxis2={"domain": [0.54, 1], "title": {"text": "median duration (s)"}, "range": [0, 1.25 * most], "anchor": "y"},
    )
    figure.update_yaxes(tickvals=rows, ticktext=[short(one, 24) for one in frame["version"]], range=[len(frame) - 0.5, -0.75])
    return figure


def _from(low: "pd.Series[float]") -> float:
    """Where an axis of rates begins: 0 where the intervals come near it, else a little before the lowest."""
    lowest = 0.0 if low.isna().all() else float(low.min())
    return -0.03 if lowest < _NEAR_ZERO else lowest - 0.06


def _rate(row: Any) -> str:
    total = row.completed + row.failed + row.terminated
    return "–" if not total else f"{row.rate:.1%}  ({row.completed:,}/{total:,})"


def _hover(row: Any) -> str:
    change = "" if pd.isna(row.change) else f"<br>change {row.change:+.1%} ({row.change_low:+.1%} to {row.change_high:+.1%})"
    failure = f"<br>fails most of {plain(row.top_failure)} ({row.top_failures:,})" if row.top_failure else ""
    took = "" if pd.isna(row.p50) else f"<br>p50 {span_text(row.p50.total_seconds())}, p95 {span_text(row.p95.total_seconds())}"
    return f"<b>{plain(row.version)}</b> ({plain(row.code_hash[:8])})<br>{row.total:,} runs, {row.running:,} under way<br>{_rate(row)}{change}{took}{failure}"


def _capped(title: str, shown: int, total: int) -> str:
    return title if shown == total else f"{title} (the first {shown} of {total:,})"
