"""Which edit explains a disagreement best, where more than the history and what was asked for is known: the text of the code that disagrees.

The engine sees only that another call stands in a recorded one's place. If the recorded call still comes further down in the text, it was not
replaced: something was put in before it.
"""

import re

from wfengine.errors import NonDeterminismError
from wflab.analytics.call_sites import SiteKind, call_sites

_CALL = re.compile(r"^(\w+)(?:\('(.*)'\))?$")
_KINDS: dict[str, SiteKind] = {
    "call_activity": "activity",
    "step": "activity",
    "call_child_workflow": "child",
    "schedule_new_workflow": "detached",
    "wait_for_external_event": "event_wait",
    "create_timer": "timer",
}


def likeliest_edit(error: NonDeterminismError, text: str | None, line: int | None) -> tuple[str, str]:
    """The edit in a word, and as a clause, as in NonDeterminismError; `line` is that of `text` (from 1 on) which asks for what is not recorded."""
    if error.kind != "replaced" or line is None or not _comes_after(error.recorded, text, line):
        return error.kind, error.cause
    return "added", f"{error.attempted} was added before {error.recorded}"


def _comes_after(recorded: str, text: str | None, line: int) -> bool:
    found = _CALL.match(recorded)
    kind = None if found is None else _KINDS.get(found[1])
    if found is None or kind is None:
        return False
    name = (found[2] or "").casefold()  # events are told in lower case
    return any(site.kind == kind and site.line > line and (site.callee or "").casefold() == name for site in call_sites(text))
