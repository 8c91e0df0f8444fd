"""What `%wf` shows: the verbs, and the latest runs."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import msgspec

from wflab.runs import Runs

_LATEST = 5


class Verb(msgspec.Struct, frozen=True):
    """One verb of `%wf`: how it is written, what it does, and what carries it out (given the rest of the line)."""

    name: str
    usage: str
    purpose: str
    action: Callable[[str], Any]


class CheatSheet:
    """Shown as text or as a table."""

    def __init__(self, verbs: Sequence[Verb], runs: Runs | None) -> None:
        self._verbs = verbs
        self._latest = [] if runs is None else runs.list()[:_LATEST]

    def __repr__(self) -> str:
        width = max(len(verb.usage) for verb in self._verbs)
        lines = [f"%wf {verb.usage:<{width}}  {verb.purpose}" for verb in self._verbs]
        if self._latest:
            lines += ["", "latest runs:", *(f"  {run.name} {run.status}  {run.instance_id}" for run in self._latest)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<tr><td style="text-align:left"><code>%wf {escape(verb.usage)}</code></td>'
            f'<td style="text-align:left">{escape(verb.purpose)}</td></tr>'
            for verb in self._verbs
        )
        runs = "".join(
            f'<tr><td style="text-align:left">{escape(run.name)}</td><td style="text-align:left">{escape(run.status)}</td>'
            f'<td style="text-align:left"><code>{escape(run.instance_id)}</code></td></tr>'
            for run in self._latest
        )
        latest = f"<p>Latest runs</p><table><tbody>{runs}</tbody></table>" if runs else ""
        return f"<table><tbody>{rows}</tbody></table>{latest}"
