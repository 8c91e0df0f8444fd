"""What `%wf` shows: the verbs, and the latest runs; and what `%wf help` says of one."""

from collections.abc import Sequence
from html import escape

from wflab.runs import Runs
from wflab.verbs.verb import Verb

_LATEST = 5


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


class Explained:
    """`%wf help VERB`: how it is written, what it does, and the same in Python."""

    def __init__(self, verb: Verb) -> None:
        self._verb = verb

    def __repr__(self) -> str:
        verb = self._verb
        return f"%wf {verb.usage}\n    {verb.purpose}\n    in Python: {verb.python}"

    def _repr_html_(self) -> str:
        verb = self._verb
        return f"<p><code>%wf {escape(verb.usage)}</code><br>{escape(verb.purpose)}<br>In Python: <code>{escape(verb.python)}</code></p>"
