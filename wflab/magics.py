"""The magics: a line of text → one call of the Lab. Whatever a magic can do, Python can do without it.

`%wf VERB ...` returns what it shows, so `run = %wf start order amount=500` works. Errors are one line that says what to do.
"""

import os
import re
from functools import partial
from typing import Any, Literal, cast

import pandas as pd
from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand
from IPython.display import display

from wfengine.errors import InvalidArgument
from wflab.cells import written
from wflab.cheat_sheet import CheatSheet, Explained
from wflab.comm import LabComm
from wflab.dapr.runtime import activity, workflow
from wflab.lab import DEFAULT_PATH, Lab, current
from wflab.options import options
from wflab.verbs.completing import offered
from wflab.verbs.on_runs import verbs_on_runs
from wflab.verbs.on_the_lab import verbs_on_the_lab
from wflab.verbs.verb import Verb
from wflab.verbs.words import input_of
from wflab.victim import Victim

_PARAMETER = re.compile(r"\$([A-Za-z_]\w*)")
_LOADED = "_wflab_loaded"
_FOLLOWERS = "_wflab_followers"  # of the lab that was loaded before: its runtimes go over to the next


@magics_class
class WflabMagics(Magics):
    """`%wf`, `%%workflow`, `%%activity`, `%%wfsql` and `%%victim` on the current lab."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self._names: dict[str, Any] = shell.user_ns
        self.victim_kernel = Victim()
        self.verbs: dict[str, Verb] = {verb.name: verb for verb in self._verbs()}

    @no_var_expand
    @line_magic
    def wf(self, line: str) -> Any:
        """`%wf` shows the verbs and the latest runs; `%wf VERB ...` carries one out; `%wf help VERB` explains it."""
        name, _, rest = line.strip().partition(" ")
        if not name:
            lab = current.find()
            return CheatSheet(list(self.verbs.values()), None if lab is None else lab.runs)
        verb = self.verbs.get(name)
        if verb is None:
            raise UsageError(f"%wf has no verb {name!r}; there are {', '.join(self.verbs)}. `%wf help VERB` explains one.")
        return verb.action(rest.strip())

    @no_var_expand
    @cell_magic
    def victim(self, line: str, cell: str) -> None:
        """Run the cell in a child kernel that may be killed (`%wf crash`), with its own lab on its own file; a new one starts when needed."""
        if line.strip():
            raise UsageError("%%victim takes no arguments; the code goes into the lines below it.")
        if not self.victim_kernel.run(cell, _show):
            print("The child kernel was killed. The next %%victim cell starts a new one.")  # noqa: T201  # the cell's output

    @no_var_expand
    @cell_magic
    def workflow(self, line: str, cell: str) -> None:
        """`%%workflow NAME` or `%%workflow NAME(ctx, order)`: register the cell's function, or the cell as a function's body, as a workflow."""
        self._define("workflow", line, cell)

    @no_var_expand
    @cell_magic
    def activity(self, line: str, cell: str) -> None:
        """`%%activity NAME` or `%%activity NAME(ctx, order)`: register the cell's function, or the cell as a function's body, as an activity."""
        self._define("activity", line, cell)

    @no_var_expand
    @cell_magic
    def wfsql(self, line: str, cell: str) -> pd.DataFrame:
        """`%%wfsql [NAME] [key=value ...]`: the answer to the cell's SQL as a DataFrame, also as NAME; `$key` in it is the value, or a variable of the notebook."""
        first, _, rest = line.strip().partition(" ")
        name, text = (first, rest.strip()) if first.isidentifier() else ("", line.strip())
        given = input_of(text, self._names)
        if given is not None and not isinstance(given, dict):
            raise UsageError(
                "%%wfsql takes the name of a variable for the answer, and parameters as key=value: %%wfsql slow since='2026-11-01'"
            )
        asked = set(_PARAMETER.findall(cell)) - set(given or {})
        parameters = {key: self._names[key] for key in asked if key in self._names} | (given or {})
        answer = current.get().sql(cell, **parameters)
        if name:
            self._names[name] = answer
        return answer

    def _define(self, kind: Literal["workflow", "activity"], line: str, cell: str) -> None:
        shell = cast("InteractiveShell", self.shell)
        made = written(kind, line, shell.transform_cell(cell))
        file = shell.compile.cache(made.source, raw_code=made.source)  # where tracebacks, and the lab, find the source of a cell
        exec(compile(made.source, file, "exec"), shell.user_ns)  # noqa: S102  # the user's own cell
        (workflow if kind == "workflow" else activity)(self._names[made.function], name=made.name)

    def _verbs(self) -> list[Verb]:
        explain = Verb(
            name="help",
            usage="help [VERB]",
            purpose="explain a verb, or list them all",
            python="help(lab)",
            action=self._help,
            takes=("verb",),
        )
        return [*verbs_on_runs(self._names), *verbs_on_the_lab(self._names, self.victim_kernel), explain]

    def _help(self, rest: str) -> Any:
        if not rest:
            return CheatSheet(list(self.verbs.values()), None)
        verb = self.verbs.get(rest)
        if verb is None:
            raise UsageError(f"%wf has no verb {rest!r}; there are {', '.join(self.verbs)}.")
        return Explained(verb)

    def complete(self, context: CompletionContext) -> SimpleMatcherResult:
        """Verbs, workflow names, ids, events and options after `%wf`."""
        found = offered(context.line_with_cursor[: context.cursor_position], self.verbs)
        return {"completions": [SimpleCompletion(text) for text in found], "suppress": bool(found)}


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext wflab`: open ./wflab.duckdb (unless a lab is open), go on with what was running, bind `lab`, register the magics."""
    if _LOADED in shell.__dict__:
        unload_ipython_extension(shell)
    lab = current.find() or Lab(os.environ.get("WFLAB_DB", DEFAULT_PATH), limits=options.limits)
    shell.push({"lab": lab})
    followers, shell.__dict__[_FOLLOWERS] = shell.__dict__.get(_FOLLOWERS, []), lab.followers
    for follower in [found for reference in list(followers) if (found := reference()) is not None]:
        follower.follow(lab)
    if shell.extension_manager is not None:  # once the lab is closed, to load it opens one again
        lab.when_closed(partial(shell.extension_manager.loaded.discard, "wflab"))
    magics = WflabMagics(shell)
    shell.register_magics(magics)

    @context_matcher()  # type: ignore[untyped-decorator]  # IPython's decorators carry no types
    def wflab_matcher(context: CompletionContext) -> SimpleMatcherResult:
        return magics.complete(context)

    shell.Completer.custom_matchers.insert(0, wflab_matcher)
    shell.__dict__[_LOADED] = (magics, wflab_matcher, LabComm(lab))
    for note in [*lab.engine.store.opened_notes, *lab.resumed()]:
        print(note)  # noqa: T201  # what a person wants to know at this moment, and nothing when there is nothing


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """`%unload_ext wflab`: close the lab; its runs go on when it is loaded again."""
    magics, matcher, comm = shell.__dict__.pop(_LOADED, (None, None, None))
    if magics is not None:
        comm.close()
        magics.victim_kernel.close()
        shell.Completer.custom_matchers.remove(matcher)
    lab = current.find()
    if lab is not None:
        lab.close()
    shell.user_ns.pop("lab", None)


def _show(kind: str, content: dict[str, Any]) -> None:
    if kind == "stream":
        print(content["text"], end="")  # noqa: T201  # the child's output is the cell's
    elif kind == "error":
        raise InvalidArgument(f"in the child kernel: {content['ename']}: {content['evalue']}")
    else:
        data = {name: value for name, value in content["data"].items() if "widget" not in name}
        display(data, raw=True)
