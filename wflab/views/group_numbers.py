"""What a group's node says in figures: counts, the waffle's cells, how long calls took, what they failed with, when the rest will be done."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

import msgspec
import numpy as np

from wflab import protocol
from wflab.views.group_fold import CODES, CallGroup
from wflab.views.head import milliseconds
from wflab.views.palette import BADNESS, PALETTE
from wflab.views.payloads import one_line

MOST_CELLS = 250
BINS = 24
ETA_FROM = 30
_ETA_WINDOW = 200
_MOST_WORST = 5
_MOST_ERRORS = 3
_IN_BARS = ("COMPLETED", "CONTINUED_AS_NEW", "RUNNING", "SUSPENDED", "STALLED", "FAILED", "TERMINATED", "CANCELED", "UNKNOWN", "PENDING")
_LETTERS = [PALETTE.state(state).letter for state in BADNESS]
_OPEN = np.array([state in {"SUSPENDED", "RUNNING", "PENDING", "STALLED"} for state in BADNESS])
_CANCELED, _PENDING, _COMPLETED = CODES["CANCELED"], CODES["PENDING"], CODES["COMPLETED"]


class Columns(msgspec.Struct, frozen=True):
    """A group's columns as they stand now: with the attempts that nobody makes, the races that are lost, and the run's end told."""

    codes: Any
    began: Any
    took: Any

    @property
    def counts(self) -> dict[str, int]:
        """How many calls stand in which state, in the order of a bar."""
        found = np.bincount(self.codes, minlength=len(BADNESS))
        return in_order({state: int(count) for state, count in zip(BADNESS, found, strict=True)})


def in_order(counts: Mapping[str, int]) -> dict[str, int]:
    """What is done comes first in a bar, what is not begun last."""
    return {state: counts[state] for state in _IN_BARS if counts.get(state)}


def columns_of(group: CallGroup, *, held_up: Collection[int] = (), lost: Collection[int] = (), is_over: bool = False) -> Columns:
    """`held_up` and `lost` are places of calls in the group."""
    codes = np.frombuffer(bytes(group.states), dtype=np.uint8)
    if held_up or lost or is_over:
        codes = codes.copy()
        if held_up:
            codes[list(held_up)] = _PENDING
        if is_over:
            codes[is_open(codes)] = _CANCELED
        if lost:
            codes[list(lost)] = _CANCELED
    began = np.array(group.began)
    return Columns(codes, began, np.maximum(np.array(group.ended) - began, 0.0))


def is_open(codes: Any) -> Any:
    """Which of these states are of what goes on."""
    return _OPEN[codes]


def cells_of(codes: Any) -> str:
    """One letter for every ceil(N/250) calls in their order: the worst state among them, in lower case where others are with it."""
    if not len(codes):
        return ""
    size = -(-len(codes) // MOST_CELLS)
    starts = np.arange(0, len(codes), size)
    worst, best = np.minimum.reduceat(codes, starts), np.maximum.reduceat(codes, starts)
    return "".join(_LETTERS[low] if low == high else _LETTERS[low].lower() for low, high in zip(worst, best, strict=True))


def durations_of(took: Any, codes: Any) -> protocol.Durations | None:
    """How long the calls took that came to an end of their own; None for none."""
    done = took[~np.isnan(took) & (codes != _CANCELED)]
    if not len(done):
        return None
    shown = np.maximum(done, 0.1)  # a logarithm wants something
    low, high = float(shown.min()), float(shown.max())
    if high / low < 1.5:  # noqa: PLR2004  # all alike: a little room on both sides, or the bins would show noise
        low, high = low / 1.5, high * 1.5
    bins, _ = np.histogram(np.log10(shown), bins=BINS, range=(np.log10(low), np.log10(high)))
    p50, p95 = (float(value) for value in np.percentile(done, (50, 95)))
    return protocol.Durations(low=_ms(low), high=_ms(high), bins=bins.tolist(), p50=_ms(p50), p95=_ms(p95), count=len(done))


def eta_of(group: CallGroup, columns: Columns, now: datetime) -> tuple[float, float] | None:
    """Between how many milliseconds from now the rest of the group is done, at the pace of the latest completions; None for too few, or no rest."""
    rest = int(is_open(columns.codes).sum())
    ended = np.array(group.ended)
    ended = np.sort(ended[~np.isnan(ended)])
    if not rest or len(ended) < ETA_FROM or group.kind not in {"activity", "child"}:
        return None
    window = min(len(ended), _ETA_WINDOW)
    spent = max(milliseconds(now) - float(ended[-window]), 1.0)
    slack = 1.96 / np.sqrt(window)
    return _ms(rest * spent / (window * (1 + slack))), _ms(rest * spent / (window * (1 - slack)))


def errors_of(group: CallGroup, key: int) -> list[protocol.ErrorCount]:
    """The most frequent failures, each with a call that shows it."""
    found = [(text, count) for text, count in group.fingerprints.most_common(_MOST_ERRORS) if count > 0]
    if not found:
        return []
    shown: dict[str, protocol.ErrorCount] = {}
    wanted = dict(found)
    for index, failure in group.failures.items():
        text = group.told(failure)
        if text in wanted and text not in shown:
            exact = f"{failure.error_type}: {failure.message}" if failure.message else failure.error_type
            message = one_line(text if wanted[text] > 1 else exact)
            shown[text] = protocol.ErrorCount(
                error_type=one_line(failure.error_type),
                message=message,
                count=wanted[text],
                index=index,
                span_id=f"{key}:{group.drafts[index].id}",
            )
        if len(shown) == len(wanted):
            break
    return sorted(shown.values(), key=lambda error: -error.count)


def by_badness(columns: Columns) -> Any:
    """The calls' places, those first that most need attention, then as asked for."""
    return np.argsort(columns.codes, kind="stable")


def worst_of(columns: Columns) -> list[int]:
    """The places of the few worst calls."""
    if len(columns.codes) > 4 * MOST_CELLS:  # no need to sort them all
        lowest = columns.codes.min()
        return [int(place) for place in np.flatnonzero(columns.codes == lowest)[:_MOST_WORST]]
    return [int(place) for place in by_badness(columns)[:_MOST_WORST]]


def _ms(value: float) -> float:
    return round(float(value), 3)
