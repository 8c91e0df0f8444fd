"""The result of a lint: findings, and hints apart from them."""

from collections.abc import Sequence
from html import escape

import pandas as pd

from wflab.linting.finding import Finding

_COLUMNS = ["line", "column", "rule", "message", "fix", "function", "via", "is_hint", "source"]
_CELL = "text-align:left;vertical-align:top;padding:2px 12px 2px 0"
_MOST_TOLD = 3


class Linted:
    """`lab.lint(...)`: `.findings`, `.hints`, `.ok`, `.df()`."""

    def __init__(self, name: str, found: Sequence[Finding]) -> None:
        self.name = name
        self.findings = [one for one in found if not one.is_hint]
        self.hints = [one for one in found if one.is_hint]

    @property
    def ok(self) -> bool:
        """Whether nothing was found; hints do not count."""
        return not self.findings

    def df(self) -> pd.DataFrame:
        """One row per finding and hint, by line: line, column, rule, message, fix, function, via, is_hint, source."""
        frame = pd.DataFrame(
            [[getattr(one, column) for column in _COLUMNS] for one in sorted([*self.findings, *self.hints])], columns=_COLUMNS
        )
        frame["via"] = frame["via"].astype("Int64")
        frame["is_hint"] = frame["is_hint"].astype(bool)
        return frame

    @property
    def headline(self) -> str:
        """One line: what was found."""
        if self.ok and not self.hints:
            return f"{self.name}: nothing found that differs between replays."
        plural = "finding" if len(self.findings) == 1 else "findings"
        hints = f", {len(self.hints)} {'hint' if len(self.hints) == 1 else 'hints'}" if self.hints else ""
        return f"{self.name}: {len(self.findings)} {plural}{hints}."

    def line(self) -> str:
        """All in one line, for a cell that defines the workflow."""
        told = [f"line {one.line}: {one.message} ({one.rule})" for one in self.findings[:_MOST_TOLD]]
        more = f"; and {len(self.findings) - _MOST_TOLD} more" if len(self.findings) > _MOST_TOLD else ""
        return f"{self.name} may differ between replays. {'; '.join(told)}{more}. lab.lint({self.name!r}) tells what to write instead."

    def __len__(self) -> int:
        return len(self.findings)

    def __repr__(self) -> str:
        lines = [self.headline]
        for one in [*self.findings, *self.hints]:
            where = "" if one.via is None else f", in {one.function}(), called in line {one.via}"
            lines += [
                f"  line {one.line}, column {one.column}{where}: {one.rule}{' (a hint)' if one.is_hint else ''}",
                f"    {one.message}.",
            ]
            lines += [f"    > {one.source}", f"    Instead: {one.fix}."]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        head = "".join(f'<th style="{_CELL}">{words}</th>' for words in ("line", "rule", "what", "instead"))
        rows = "".join(_row(one) for one in [*self.findings, *self.hints])
        table = f'<table style="border-collapse:collapse"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>' if rows else ""
        return f"<p>{'✓' if self.ok else '✗'}\ufe0e {escape(self.headline)}</p>{table}"


def _row(one: Finding) -> str:
    via = "" if one.via is None else f"<br>called in line {one.via}"
    source = f'<pre style="margin:2px 0;white-space:pre-wrap">{escape(one.source)}</pre>'
    rule = f"{escape(one.rule)}{' (hint)' if one.is_hint else ''}"
    cells = (f"{one.line}:{one.column}{via}", rule, escape(one.message) + source, escape(one.fix))
    return "<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells) + "</tr>"
