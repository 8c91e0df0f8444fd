"""The result of a check: how many histories agree, and those that do not by what parts them."""

from collections.abc import Sequence
from html import escape
from typing import Any

import msgspec
import pandas as pd

from wfengine.model.instance import Status
from wflab.checking import remedy
from wflab.checking.verdict import Disagreement, Verdict

_MOST_SHOWN = 10
_COLUMNS = [
    "instance_id",
    "status",
    "generation",
    "version",
    "agrees",
    "kind",
    "event_id",
    "sequence",
    "recorded",
    "attempted",
    "line",
    "cause",
]
_CELL = "text-align:left;vertical-align:top;padding:2px 12px 2px 0"


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Histories that part from the code in the same way. `live` have not ended, `stalled` of them are held up by it."""

    found: Disagreement
    count: int
    live: int
    stalled: int
    versions: tuple[str | None, ...]
    example: str

    @property
    def sentence(self) -> str:
        """What was recorded, what the code asks for, and where."""
        at = "" if self.found.event_id is None else f"at action {self.found.event_id} "
        line = f" ({self.found.line})" if self.found.line else ""
        return f"{at}recorded is {self.found.recorded}, now {self.found.attempted}{line}"

    @property
    def standing(self) -> str:
        """How many of them it matters to at once."""
        if not self.live:
            return "ended" if self.count == 1 else "all ended"
        stalled = f", {self.stalled:,} of them STALLED" if self.stalled else ""
        return f"{self.live:,} still open{stalled}"


class Checked:
    """`lab.check(...)`: `.agree`, `.disagree`, `.groups`, `.df()`; its text is stable, without ids or times."""

    def __init__(self, name: str, function: str, verdicts: Sequence[Verdict]) -> None:
        self.name = name
        self.verdicts = list(verdicts)
        self._function = function

    @property
    def agree(self) -> int:
        """How many histories agree with the code."""
        return len(self.verdicts) - self.disagree

    @property
    def disagree(self) -> int:
        """How many do not."""
        return sum(one.disagreement is not None for one in self.verdicts)

    @property
    def ok(self) -> bool:
        """Whether all agree."""
        return not self.disagree

    @property
    def groups(self) -> list[Group]:
        """Those that do not agree, by what parts them; the largest group first."""
        groups: dict[tuple[object, ...], list[Verdict]] = {}
        for one in self.verdicts:
            found = one.disagreement
            if found is not None:
                key = found.kind, found.event_id, found.recorded, found.attempted, found.line
                groups.setdefault(key, []).append(one)
        return sorted(map(_group, groups.values()), key=lambda group: -group.count)

    def df(self) -> pd.DataFrame:
        """One row per history, newest first: instance_id, status, generation, version, agrees, kind, event_id, sequence, recorded, attempted, line, cause.

        `event_id` and `sequence` are those of the event where a history and the code part (`run.history()`).
        """
        frame = pd.DataFrame([_row(one) for one in self.verdicts], columns=_COLUMNS)
        frame["status"] = pd.Categorical(frame["status"], categories=[str(status) for status in Status], ordered=True)
        frame["agrees"] = frame["agrees"].astype(bool)
        for column in ("event_id", "sequence"):
            frame[column] = frame[column].astype("Int64")
        return frame

    def as_json(self) -> dict[str, Any]:
        """Counts, and a dict for each history that does not agree, for programs."""
        return {
            "workflow": self.name,
            "replayed": len(self.verdicts),
            "agree": self.agree,
            "disagree": self.disagree,
            "disagreements": [
                {"instance_id": one.instance_id, "status": str(one.status), **msgspec.to_builtins(one.disagreement)}
                for one in self.verdicts
                if one.disagreement is not None
            ],
        }

    def remedies(self, group: Group) -> list[tuple[str, str]]:
        """What would mend a group: words, and text to paste."""
        if group.found.kind == "version":
            return [("Register the version that they are recorded with", "")]
        mends = []
        if patched := remedy.patch(group.found):
            mends.append(("Put the recorded branch back" if group.found.kind == "patch" else "Keep the recorded path for them", patched))
        known = {version for version in group.versions if version is not None}
        if len(known) == 1 and len(group.versions) == 1:
            mends.append(("Or register the new code as a version of its own", remedy.version(self.name, self._function, known.pop())))
        return mends or [("Mend the code, or register the code that they started with", "")]

    @property
    def headline(self) -> str:
        """One line: how many were replayed, and how many agree."""
        if not self.verdicts:
            return f"{self.name}: no recorded history to replay."
        plural = "history" if len(self.verdicts) == 1 else "histories"
        replayed = f"{self.name}: {len(self.verdicts):,} recorded {plural} replayed on this code"
        if self.ok:
            return f"{replayed}: {'it agrees' if len(self.verdicts) == 1 else 'all agree'}, 0 incompatible."
        return f"{replayed}: {self.agree:,} agree, {self.disagree:,} incompatible."

    def lines(self) -> list[str]:
        """The headline, and a line for each of the largest groups."""
        told = [f"  {group.count:,} x {group.sentence}; {group.standing}" for group in self.groups]
        more = [f"  and {len(told) - _MOST_SHOWN} other kinds; .df() has all"] if len(told) > _MOST_SHOWN else []
        return [self.headline, *told[:_MOST_SHOWN], *more]

    def __len__(self) -> int:
        return len(self.verdicts)

    def __repr__(self) -> str:
        lines = [self.headline]
        for group in self.groups[:_MOST_SHOWN]:
            lines += ["", f"{group.count:,} x {group.sentence}; {group.standing}"]
            lines.append(f"  Most likely {group.found.cause}.")
            if not group.live:
                lines.append(
                    "  They have ended, so nothing has to be mended for them; forks and replays of them need the code that they ran."
                )
            for words, text in self.remedies(group):
                lines += [f"  {words}{':' if text else '.'}", *(f"      {line}" for line in text.splitlines())]
        if len(self.groups) > _MOST_SHOWN:
            lines += ["", f"and {len(self.groups) - _MOST_SHOWN} other kinds; .df() has all"]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        parts = [f"<p>{'✓' if self.ok else '✗'}\ufe0e {escape(self.headline)}</p>"]
        if not self.ok:
            rows = "".join(self._html_row(group) for group in self.groups[:_MOST_SHOWN])
            head = "".join(
                f'<th style="{_CELL}">{words}</th>' for words in ("histories", "where they part", "most likely", "what would mend it")
            )
            parts.append(f'<table style="border-collapse:collapse"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>')
        return "".join(parts)

    def _html_row(self, group: Group) -> str:
        mends = "".join(
            f"<div>{escape(words)}</div>" + (f'<pre style="margin:2px 0;white-space:pre-wrap">{escape(text)}</pre>' if text else "")
            for words, text in self.remedies(group)
        )
        source = f'<pre style="margin:2px 0;white-space:pre-wrap">{escape(group.found.source)}</pre>' if group.found.source else ""
        cells = (f"{group.count:,}<br>{escape(group.standing)}", escape(group.sentence) + source, escape(group.found.cause), mends)
        return "<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells) + "</tr>"


def _group(verdicts: list[Verdict]) -> Group:
    found = verdicts[0].disagreement
    if found is None:
        raise AssertionError(verdicts)
    return Group(
        found=found,
        count=len(verdicts),
        live=sum(not one.status.is_terminal for one in verdicts),
        stalled=sum(one.status is Status.STALLED for one in verdicts),
        versions=tuple(sorted({one.version for one in verdicts}, key=str)),
        example=verdicts[0].instance_id,
    )


def _row(one: Verdict) -> tuple[object, ...]:
    found = one.disagreement
    where = (
        (None, None, None, "", "", "", "")
        if found is None
        else (found.kind, found.event_id, found.sequence, found.recorded, found.attempted, found.line, found.cause)
    )
    return (one.instance_id, str(one.status), one.generation, one.version, found is None, *where)
