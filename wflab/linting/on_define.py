"""When a cell defines a workflow: one line about what in it surely differs between replays; quiet about the rest, and where nothing changed."""

from IPython.core.getipython import get_ipython

from wfengine.errors import InvalidArgument
from wfengine.runtime.registry import Definition
from wflab.linting.linted import Linted
from wflab.linting.linting import lint

_SURE = {"clock", "random", "sleep", "io", "concurrency"}


def lint_on_define(definition: Definition, before: str | None) -> None:
    """Print it as the cell's output; nothing outside of a notebook. `before` is the code that the name stood for until now."""
    if get_ipython() is None or before == definition.code_hash:
        return
    try:
        linted = lint(definition.function)
    except InvalidArgument:  # no source, or no plain function: nothing to read
        return
    sure = [one for one in linted.findings if one.rule in _SURE]
    if sure:
        print(Linted(definition.name, sure).line())  # noqa: T201  # the cell's output
