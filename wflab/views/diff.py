"""What `run.diff(other)` gives: two runs beside each other as text, HTML and a DataFrame. Marks and words say it; colour says it again."""

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from wfengine.model.instance import Instance
from wfengine.model.payload import from_json
from wflab.analytics.diff import CHANGES, Change, Pair, paired
from wflab.analytics.durations import span_text
from wflab.analytics.steps import Step, StepState
from wflab.views.card import CELL, MUTED, safe
from wflab.views.palette import PALETTE
from wflab.views.payloads import one_line, payload_of

_MARKS: dict[Change, str] = {"same": "=", "other result": "≠", "other input": "≈", "other outcome": "!", "only in a": "-", "only in b": "+"}
_TINTS: dict[Change, str] = {
    "same": "transparent",
    "other result": "#8b949e33",
    "other input": "#8b949e1f",
    "other outcome": "#8b949e4d",
    "only in a": "#8b949e1f",
    "only in b": "#8b949e1f",
}
_MOST_ROWS = 400
_WIDEST = 60
_FEW_MS = 0.001


class RunDiff:
    """Two runs, aligned by step. `a` is the first; display it, or take `df()`."""

    def __init__(self, a: Instance, steps_a: Sequence[Step], b: Instance, steps_b: Sequence[Step]) -> None:
        self.a = a
        self.b = b
        self._pairs = paired(steps_a, steps_b)

    @property
    def is_same(self) -> bool:
        """Whether both did the same with the same results, and ended alike; times do not count."""
        return self._ends_alike() and all(pair.change == "same" and not pair.moved for pair in self._pairs)

    def df(self) -> pd.DataFrame:
        """One row per step of either run.

        step, kind, change (same, other result, other input, other outcome, only in a, only in b), moved (done by both, at another place in the
        order), state_a, state_b, result_a, result_b, input_a, input_b, error_a, error_b, took_a, took_b, difference (took_b - took_a; timedelta64).
        """
        frame = pd.DataFrame([_row(pair) for pair in self._pairs], columns=_COLUMNS)
        frame["change"] = pd.Categorical(frame["change"], categories=CHANGES)
        for column in ("state_a", "state_b"):
            frame[column] = pd.Categorical(frame[column], categories=[str(state) for state in StepState], ordered=True)
        for column in ("took_a", "took_b", "difference"):
            frame[column] = pd.to_timedelta(frame[column], unit="s")
        return frame

    def text(self) -> str:
        """The same in lines: what both did in short, the rest in full; without ids and times."""
        lines = [self._title(), *self._ends()]
        for pair in self._pairs[:_MOST_ROWS]:
            words = pair.change + (", at another place" if pair.moved else "")
            told = _told(pair)
            lines.append(f"  {_MARKS[pair.change]} {pair.step.name:<24} {words}{': ' + told if told else ''}")
        return "\n".join([*lines, *self._cut()])

    def __repr__(self) -> str:
        return self.text()

    def _repr_html_(self) -> str:
        heads = "".join(
            f'<th style="{CELL}">{head}</th>' for head in ("", "Step", "Change", "In a", "In b", "Took a", "Took b", "Difference")
        )
        rows = "".join(_html_row(pair) for pair in self._pairs[:_MOST_ROWS])
        notes = "".join(f'<p style="{MUTED}">{safe(line.strip())}</p>' for line in (*self._ends(), *self._cut()))
        return (
            f"<p><b>{safe(self._title())}</b></p>{notes}"
            f'<table style="border-collapse:collapse;color:inherit;font-size:12px"><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>'
        )

    def _title(self) -> str:
        counts = Counter(pair.change for pair in self._pairs)
        moved = sum(pair.moved for pair in self._pairs)
        told = [f"{counts[change]:,} {change}" for change in CHANGES if counts[change]] + ([f"{moved:,} at another place"] if moved else [])
        names = self.a.name if self.a.name == self.b.name else f"{self.a.name} (a) and {self.b.name} (b)"
        return f"Two runs of {names}: {', '.join(told) or 'no steps'}"

    def _ends_alike(self) -> bool:
        return (self.a.status, self.a.output, _failure(self.a)) == (self.b.status, self.b.output, _failure(self.b))

    def _ends(self) -> list[str]:
        lines = []
        if self.a.input != self.b.input:
            lines.append(f"  input: {_short(self.a.input)} in a, {_short(self.b.input)} in b")
        if self.a.code_hash != self.b.code_hash:
            lines.append("  they ran different code")
        if self._ends_alike():
            lines.append(f"  both are {self.a.status}" + (f" with {_short(self.a.output)}" if self.a.output is not None else ""))
        else:
            lines.append(f"  a is {_ending(self.a)}, b is {_ending(self.b)}")
        return lines

    def _cut(self) -> list[str]:
        return [f"  showing {_MOST_ROWS} of {len(self._pairs):,} steps; .df() has all"] if len(self._pairs) > _MOST_ROWS else []


_COLUMNS = [
    "step", "kind", "change", "moved", "state_a", "state_b", "result_a", "result_b", "input_a", "input_b", "error_a", "error_b", "took_a", "took_b",
    "difference",
]  # fmt: skip


def _row(pair: Pair) -> tuple[object, ...]:
    a, b = pair.a, pair.b
    both = pair.took_a is not None and pair.took_b is not None
    return (
        pair.step.name, pair.step.kind, pair.change, pair.moved,
        None if a is None else str(a.state), None if b is None else str(b.state),
        None if a is None else from_json(a.result), None if b is None else from_json(b.result),
        None if a is None else from_json(a.input), None if b is None else from_json(b.input),
        _error(a), _error(b), pair.took_a, pair.took_b, (pair.took_b or 0) - (pair.took_a or 0) if both else None,
    )  # fmt: skip


def _told(pair: Pair) -> str:
    a, b = pair.a, pair.b
    if a is None or b is None:
        return _stands(pair.step)
    match pair.change:
        case "same":
            return ""
        case "other input":
            return f"{_short(a.input)} in a, {_short(b.input)} in b"
        case _:
            return f"{_stands(a)} in a, {_stands(b)} in b"


def _html_row(pair: Pair) -> str:
    words = pair.change + (", at another place" if pair.moved else "")
    a, b = pair.a, pair.b
    changed_input = pair.change == "other input"
    cells = (
        f"<b>{_MARKS[pair.change]}</b>",
        f'{safe(pair.step.name)} <span style="{MUTED}">{safe(PALETTE.kind(pair.step.kind).label)}</span>',
        safe(words),
        "" if a is None else safe(_short(a.input) if changed_input else _stands(a, with_state=True)),
        "" if b is None else safe(_short(b.input) if changed_input else _stands(b, with_state=True)),
        "" if pair.took_a is None else span_text(pair.took_a),
        "" if pair.took_b is None else span_text(pair.took_b),
        _slower(pair),
    )
    return f'<tr style="background:{_TINTS[pair.change]}">' + "".join(f'<td style="{CELL}">{cell}</td>' for cell in cells) + "</tr>"


def _slower(pair: Pair) -> str:
    if pair.took_a is None or pair.took_b is None:
        return ""
    change = pair.took_b - pair.took_a
    return "" if abs(change) < _FEW_MS else f"{span_text(abs(change))} {'longer' if change > 0 else 'shorter'}"


def _stands(step: Step, *, with_state: bool = False) -> str:
    state = f"{PALETTE.state(str(step.state)).glyph} " if with_state else ""
    if step.failure is not None:
        return one_line(f"{state}{step.failure.error_type}: {step.failure.message}")
    return state + (_short(step.result) if step.result is not None else str(step.state))


def _ending(run: Instance) -> str:
    failure = _failure(run)
    return f"{run.status}" + (f" ({one_line(failure)})" if failure else f" with {_short(run.output)}" if run.output is not None else "")


def _failure(run: Instance) -> str:
    return "" if run.failure is None else f"{run.failure.error_type}: {run.failure.message}"


def _error(step: Step | None) -> str | None:
    return None if step is None or step.failure is None else f"{step.failure.error_type}: {step.failure.message}"


def _short(payload: str | None) -> str:
    """A payload in a few characters, without what is called a secret."""
    shown = payload_of(payload)
    flat = "nothing" if shown is None else one_line(shown.text)
    return flat if len(flat) <= _WIDEST else f"{flat[: _WIDEST - 1]}…"
