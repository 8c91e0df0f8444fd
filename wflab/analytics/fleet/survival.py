"""How long until runs complete, with those that are still under way counted for what they tell: not yet, after so long.

To leave them out would tell of the quick ones only; to take their age for their duration would be wrong, too. Kaplan and Meier's estimate does
neither. Intervals: Greenwood's variance on the log(-log) scale, so that they stay between 0 and 1 (Kalbfleisch and Prentice, 1980).
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import NormalDist
from typing import Any, Literal

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

from wfengine.errors import InvalidArgument
from wflab.analytics.fleet.answer import Answer, Asked
from wflab.analytics.fleet.grouping import grouping
from wflab.analytics.fleet.population import Population

Event = Literal["completed", "ended"]
_QUESTION = """{population}
SELECT {groups}epoch_us(coalesce(ended_at, $now)) - epoch_us(created_at) AS took, {event} AS is_event
FROM fleet
WHERE coalesce(ended_at, $now) >= created_at"""
_EVENTS: dict[str, str] = {"completed": "status = 'COMPLETED'", "ended": "ended_at IS NOT NULL"}
_DEFINITION = (
    "survival: the share of runs that have not {event} so long after their start (Kaplan-Meier). Runs under way count as censored: they had not by "
    "now{others}. low and high: {confidence:.0%} interval (Greenwood, log-log). A chain of CONTINUED_AS_NEW is one run."
)
_OTHERS = ", and so do runs that FAILED or were TERMINATED, from then on"


def survival(
    cursor: duckdb.DuckDBPyConnection,
    found: Population,
    by: str | Sequence[str] | None,
    *,
    now: datetime,
    event: Event = "completed",
    confidence: float = 0.95,
) -> Answer:
    """One row per group and time at which something happened; see `kaplan_meier` for the columns. `time` is a timedelta64. Raises InvalidArgument."""
    if event not in _EVENTS:
        raise InvalidArgument(f"event is 'completed' or 'ended', not {event!r}.")
    if not 0 < confidence < 1:
        raise InvalidArgument(f"confidence lies between 0 and 1, such as 0.95; not {confidence!r}.")
    groups = grouping(by)
    sql = _QUESTION.format(population=found.sql, groups=groups.select, event=_EVENTS[event])
    parameters = {**found.parameters, **groups.parameters, "now": now.astimezone(UTC).replace(tzinfo=None)}
    said = _DEFINITION.format(event=event, others=_OTHERS if event == "completed" else "", confidence=confidence)
    question = Asked(sql=sql, parameters=parameters, definition=said)
    rows = question.frame(cursor)
    parts = []
    grouped: list[tuple[Any, pd.DataFrame]] = list(rows.groupby(groups.columns, dropna=False)) if groups.columns else [((), rows)]
    for key, group in grouped:
        curve = kaplan_meier(group["took"].to_numpy(dtype=float), group["is_event"].to_numpy(dtype=bool), confidence)
        for place, column in enumerate(groups.columns):
            curve.insert(place, column, key[place])
        parts.append(curve)
    frame = pd.concat(parts or [_blank(groups.columns)], ignore_index=True)
    frame["time"] = pd.to_timedelta(frame["time"], unit="us")
    return question.answer(frame)


def _blank(groups: Sequence[str]) -> pd.DataFrame:
    blank = kaplan_meier(np.array([], dtype=float), np.array([], dtype=bool))
    for place, column in enumerate(groups):
        blank.insert(place, column, pd.Series(dtype=str))
    return blank


def kaplan_meier(times: npt.NDArray[np.float64], is_event: npt.NDArray[np.bool_], confidence: float = 0.95) -> pd.DataFrame:
    """The curve of durations, some of which are censored: they lasted at least so long.

    One row for 0 and for each distinct time: time, at_risk (just before it), events, censored, survival (just after it), low, high. The
    interval is NaN where survival is 0. At a tie, what is censored was still at risk of the events.
    """
    distinct, place = np.unique(times, return_inverse=True)
    events = np.bincount(place, weights=is_event, minlength=len(distinct))
    censored = np.bincount(place, weights=~is_event, minlength=len(distinct))
    at_risk = len(times) - np.concatenate(([0.0], np.cumsum(events + censored)[:-1])) if len(times) else np.array([])
    survival = np.cumprod(1 - events / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(events / (at_risk * (at_risk - events)))
        spread = NormalDist().inv_cdf(0.5 + confidence / 2) * np.sqrt(greenwood) / np.abs(np.log(survival))
        middle = np.log(-np.log(survival))
        low, high = np.exp(-np.exp(middle + spread)), np.exp(-np.exp(middle - spread))
    sure = survival == 1  # nothing has happened yet
    low, high = np.where(sure, 1.0, low), np.where(sure, 1.0, high)
    low, high = np.where(survival == 0, np.nan, low), np.where(survival == 0, np.nan, high)
    begin = (
        []
        if len(distinct) and distinct[0] == 0
        else [{"time": 0.0, "at_risk": len(times), "events": 0, "censored": 0, "survival": 1.0, "low": 1.0, "high": 1.0}]
    )
    frame = pd.DataFrame(
        {
            "time": distinct,
            "at_risk": at_risk.astype("int64"),
            "events": events.astype("int64"),
            "censored": censored.astype("int64"),
            "survival": survival,
            "low": low,
            "high": high,
        }
    )
    return pd.concat([pd.DataFrame(begin), frame], ignore_index=True) if begin and len(times) else frame


def time_until(curve: pd.DataFrame, share: float) -> pd.Timedelta | None:
    """When this share of the runs of one curve has completed; None where the curve does not come so far."""
    reached = curve[curve["survival"] <= 1 - share + 1e-12]
    return None if reached.empty else reached["time"].iloc[0]
