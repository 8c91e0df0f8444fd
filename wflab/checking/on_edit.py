"""When a cell re-registers a workflow whose source changed: its histories are replayed at once, and the cell says how many agree.

The cell waits for a second at most. What takes longer goes on on a thread of its own, and the cell's line is exchanged when that is done.
"""

import threading
import time
from contextlib import suppress

from IPython.core.getipython import get_ipython
from IPython.display import DisplayHandle, display

from wfengine.errors import WflabError
from wfengine.model.instance import Instance
from wfengine.runtime.engine import Engine
from wfengine.runtime.registry import Definition
from wflab.checking.checked import Checked
from wflab.checking.checking import executions, verdicts_of
from wflab.checking.verdict import Verdict

_MOST_SECONDS = 1.0
_AT_A_TIME = 200
_NEWEST = """
    SELECT code_hash FROM definitions
    WHERE kind = 'workflow' AND name = $name AND app_id IS NOT DISTINCT FROM $app_id AND version IS NOT DISTINCT FROM $version
    ORDER BY position DESC LIMIT 1
"""


class _Text:
    """Plain text as a cell's output."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def registered_hash(engine: Engine, name: str, app_id: str | None, version: str | None) -> str | None:
    """The code that a name stands for before a cell registers it (again), also one of an earlier kernel; None where no cell runs, or for a new name."""
    if get_ipython() is None:
        return None
    found = engine.registry.find("workflow", name, app_id=app_id, version=version)
    if found is not None:
        return found.code_hash
    with suppress(WflabError), engine.store.cursor() as cursor:
        row = cursor.execute(_NEWEST, {"name": name, "app_id": app_id, "version": version}).fetchone()
        return None if row is None else str(row[0])
    return None


def check_on_edit(engine: Engine, definition: Definition, before: str | None, *, most_seconds: float = _MOST_SECONDS) -> None:
    """Say how the histories of a workflow whose code was `before` take its new code; nothing where it has none."""
    if before is None or before == definition.code_hash:
        return
    try:
        found = [
            one
            for one in executions(engine, definition.name, version=definition.version)
            if (one.app_id, one.version) == (definition.app_id, definition.version)
        ]
    except WflabError:  # the record cannot be read just now: the cell's own work is done
        return
    if found:
        _Check(engine, definition, found).run(most_seconds)


class _Check:
    def __init__(self, engine: Engine, definition: Definition, found: list[Instance]) -> None:
        self._engine = engine
        self._definition = definition
        self._found = found
        self._verdicts: list[Verdict] = []
        self._is_done = threading.Event()
        self._told = threading.Lock()  # guards that the interim line is shown before it is exchanged
        self._interim: DisplayHandle | None = None

    def run(self, most_seconds: float) -> None:
        deadline = time.monotonic() + most_seconds
        threading.Thread(target=self._replay, name="wflab-check", daemon=True).start()
        if self._is_done.wait(max(deadline - time.monotonic(), 0.0)):
            print(self._told_at_end())  # noqa: T201  # the cell's output
            return
        with self._told:
            if self._is_done.is_set():
                print(self._told_at_end())  # noqa: T201  # likewise
            else:
                self._interim = display(_Text(self._told_meanwhile()), display_id=True)

    def _replay(self) -> None:
        try:
            for some in verdicts_of(self._engine, self._found, lambda _: self._definition, in_one_query=_AT_A_TIME):
                self._verdicts += some
        except WflabError:  # the lab was closed, or the record cannot be read: what is known is told
            pass
        with self._told:
            self._is_done.set()
            if self._interim is not None:
                self._interim.update(_Text(self._told_at_end()))

    def _checked(self) -> Checked:
        return Checked(self._definition.name, getattr(self._definition.function, "__name__", self._definition.name), list(self._verdicts))

    def _told_at_end(self) -> str:
        checked = self._checked()
        hint = [] if checked.ok else [f"lab.check({self._definition.name!r}) tells which, and what would mend it."]
        return "\n".join([*checked.lines(), *hint])

    def _told_meanwhile(self) -> str:
        checked = self._checked()
        so_far = "all agree so far" if checked.ok else f"{checked.disagree:,} incompatible so far"
        return (
            f"{checked.name}: {len(checked):,} of {len(self._found):,} recorded histories replayed on this code, {so_far}. "
            f"The rest goes on in the background; lab.check({checked.name!r}) tells all."
        )
