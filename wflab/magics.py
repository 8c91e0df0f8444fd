"""The magics: a line of text → one call of the Lab. Whatever a magic can do, Python can do without it.

`%wf VERB ...` returns what it shows, so `run = %wf start order amount=500` works. Errors are one line that says what to do.
"""

import ast
import os
import re
import shlex
import signal
from collections.abc import Callable
from typing import Any, cast

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class, no_var_expand
from IPython.display import display

from wfengine.errors import InvalidArgument
from wfengine.model.instance import Status
from wflab.cheat_sheet import CheatSheet, Verb
from wflab.clock import LabClock
from wflab.comm import LabComm
from wflab.display.handle import ViewHandle
from wflab.lab import DEFAULT_PATH, Lab, current
from wflab.run import Run
from wflab.runs import Runs, span_of
from wflab.victim import Victim

_KEYWORD = re.compile(r"(?:^|\s+)(?=[A-Za-z_]\w*=(?!=))")
_LOADED = "_wflab_loaded"


@magics_class
class WflabMagics(Magics):
    """`%wf` and `%%victim` on the current lab."""

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

    def _verbs(self) -> list[Verb]:
        return [
            Verb("start", "start NAME [key=value ... | value] [--id ID]", "start a workflow; values are Python expressions", self._start),
            Verb("ls", "ls [NAME] [STATUS]", "list runs, newest first", self._ls),
            Verb("show", "show ID", "show a run: live while it goes on", lambda rest: self._run(rest, "show")),
            Verb("graph", "graph ID", "show a run's execution graph", lambda rest: self._run(rest, "graph").graph()),
            Verb("why", "why ID", "say in one sentence what a run waits for", lambda rest: self._run(rest, "why").why()),
            Verb("history", "history ID", "a run's events as a DataFrame", lambda rest: self._run(rest, "history").history()),
            Verb("steps", "steps ID", "a run's steps as a DataFrame", lambda rest: self._run(rest, "steps").steps()),
            Verb(
                "timeline",
                "timeline ID",
                "a run over time: calls, attempts, pauses and waits",
                lambda rest: self._run(rest, "timeline").timeline(),
            ),
            Verb("raise", "raise ID EVENT [value]", "deliver an external event", self._raise),
            Verb("approve", "approve ID [EVENT]", "answer the event a run waits for with True", lambda rest: self._answer(rest, "approve")),
            Verb("reject", "reject ID [EVENT]", "answer the event a run waits for with False", lambda rest: self._answer(rest, "reject")),
            Verb("inbox", "inbox", "show the questions that wait for an answer", self._inbox),
            Verb("suspend", "suspend ID", "let a run rest", lambda rest: self._act(rest, "suspend", Run.suspend)),
            Verb("resume", "resume ID", "let a suspended run go on", lambda rest: self._act(rest, "resume", Run.resume)),
            Verb("terminate", "terminate ID", "end a run and its children now", lambda rest: self._act(rest, "terminate", Run.terminate)),
            Verb("purge", "purge ID [--force]", "delete an ended run and its children; with --force whatever its state", self._purge),
            Verb("rerun", "rerun ID EVENT", "a new run that does an ended one again from an event_id on", self._rerun),
            Verb("clock", "clock [+7d | skip | virtual | real]", "show the lab's clock, or move virtual time", self._clock),
            Verb("crash", "crash [--yes]", "kill -9 the %%victim kernel; with --yes this very kernel", self._crash),
            Verb("help", "help [VERB]", "explain a verb, or list them all", self._help),
        ]

    def _start(self, rest: str) -> Run:
        rest, instance_id = _option(rest, "--id")
        name, _, text = rest.partition(" ")
        if not name:
            raise UsageError("%wf start takes a workflow's name: %wf start order amount=500")
        return current.get().start(name, self._input(text.strip()), instance_id=instance_id)

    def _input(self, text: str) -> Any:
        if not text:
            return None
        keywords = _keywords(text)
        return self._value(text) if keywords is None else {key: self._value(value) for key, value in keywords.items()}

    def _value(self, text: str) -> Any:
        try:
            return eval(text, self._names)  # noqa: S307  # the user's own expression in the user's own namespace, like any cell
        except Exception as error:  # noqa: BLE001  # whatever the expression raises
            raise UsageError(f"{text!r} is no Python expression that can be evaluated here ({type(error).__name__}: {error}).") from None

    def _ls(self, rest: str) -> Runs:
        runs = current.get().runs
        for word in rest.split():
            is_status = word.isupper() or (word.upper() in set(Status) and word not in current.get().engine.registry.names("workflow"))
            runs = runs.where(status=word) if is_status else runs.where(name=word)
        return runs

    def _run(self, rest: str, verb: str) -> Run:
        words = _split(rest, verb)
        if len(words) != 1:
            raise UsageError(f"%wf {verb} takes one id, the beginning of one, or `last`.")
        return current.get().get(words[0])

    def _raise(self, rest: str) -> Run:
        wanted, _, more = rest.partition(" ")
        event, _, text = more.strip().partition(" ")
        if not wanted or not event:
            raise UsageError("%wf raise takes an id and the event's name: %wf raise last human_approval True")
        run = current.get().get(wanted)
        run.raise_event(event, self._value(text.strip()) if text.strip() else None)
        return run

    def _answer(self, rest: str, verb: str) -> Run:
        words = _split(rest, verb)
        if len(words) not in {1, 2}:
            raise UsageError(f"%wf {verb} takes an id (or `last`), and the event's name where the run waits for several.")
        run = current.get().get(words[0])
        (run.approve if verb == "approve" else run.reject)(*words[1:])
        return run

    def _inbox(self, rest: str) -> ViewHandle:
        if rest:
            raise UsageError("%wf inbox takes no arguments: it shows all that wait for an answer.")
        return current.get().inbox()

    def _act(self, rest: str, verb: str, act: Callable[[Run], None]) -> Run:
        run = self._run(rest, verb)
        act(run)
        return run

    def _purge(self, rest: str) -> None:
        words = _split(rest, "purge")
        self._run(" ".join(word for word in words if word != "--force"), "purge").purge(force="--force" in words)

    def _rerun(self, rest: str) -> Run:
        words = _split(rest, "rerun")
        if len(words) != 2 or not words[1].isdecimal():  # noqa: PLR2004  # an id and an event
            raise UsageError("%wf rerun takes an id (or `last`) and an event_id of its history: %wf rerun last 0")
        return current.get().get(words[0]).rerun(int(words[1]))

    def _clock(self, rest: str) -> LabClock:
        clock = current.get().clock
        if rest in {"skip", "virtual", "real"}:
            return cast("LabClock", getattr(clock, rest)())
        if rest and not rest.startswith("+"):
            raise UsageError("%wf clock takes a span such as +7d or +90m, or one of: skip, virtual, real.")
        return clock.advance(span_of(rest[1:])) if rest else clock

    def _crash(self, rest: str) -> str | None:
        if rest == "--yes":
            os.kill(os.getpid(), signal.SIGKILL)
        if rest:
            raise UsageError("%wf crash kills the %%victim kernel; `%wf crash --yes` kills this one.")
        if not self.victim_kernel.kill():
            raise UsageError("There is no %%victim kernel to kill. `%wf crash --yes` kills this very kernel; nothing recorded is lost.")
        print("killed -9")  # noqa: T201  # the cell's output
        return None

    def _help(self, rest: str) -> Any:
        if not rest:
            return CheatSheet(list(self.verbs.values()), None)
        verb = self.verbs.get(rest)
        if verb is None:
            raise UsageError(f"%wf has no verb {rest!r}; there are {', '.join(self.verbs)}.")
        return CheatSheet([verb], None)

    def complete(self, context: CompletionContext) -> SimpleMatcherResult:
        """Verbs, workflow names, ids and events after `%wf`."""
        words = context.line_with_cursor[: context.cursor_position].split(" ")
        offered: list[str] = []
        match words:
            case ["%wf", _]:
                offered = list(self.verbs)
            case ["%wf", verb, _]:
                offered = self._arguments(verb)
        return {"completions": [SimpleCompletion(text) for text in offered if text.startswith(words[-1])], "suppress": bool(offered)}

    def _arguments(self, verb: str) -> list[str]:
        lab = current.find()
        if verb == "help":
            return list(self.verbs)
        if lab is None:
            return []
        if verb in {"start", "ls"}:
            return lab.engine.registry.names("workflow")
        return ["last", *(run.instance_id for run in lab.runs.list()[:50])]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext wflab`: open ./wflab.duckdb (unless a lab is open), go on with what was running, bind `lab`, register the magics."""
    if _LOADED in shell.__dict__:
        unload_ipython_extension(shell)
    lab = current.find() or Lab(os.environ.get("WFLAB_DB", DEFAULT_PATH))
    shell.push({"lab": lab})
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


def _keywords(text: str) -> dict[str, str] | None:
    """`a=1 b='x y=2'` as names and expressions; None where the text is one expression. A value ends where it is whole."""
    begins = [found.end() for found in _KEYWORD.finditer(text)]
    if not begins or begins[0] != 0:
        return None
    pairs = {}
    begin = 0
    for end in [*begins[1:], len(text)]:
        key, _, value = text[begin:end].partition("=")
        if end == len(text) or _is_whole(value):
            pairs[key] = value.strip()
            begin = end
    return pairs


def _is_whole(expression: str) -> bool:
    try:
        ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError):
        return False
    return True


def _split(text: str, verb: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"%wf {verb}: {error}.") from None


def _option(text: str, option: str) -> tuple[str, str | None]:
    """The text without `option VALUE`, and that value."""
    found = re.search(rf"(?:^|\s){option}[ =](\S+)", text)
    return (text, None) if found is None else ((text[: found.start()] + text[found.end() :]).strip(), found[1])


def _show(kind: str, content: dict[str, Any]) -> None:
    if kind == "stream":
        print(content["text"], end="")  # noqa: T201  # the child's output is the cell's
    elif kind == "error":
        raise InvalidArgument(f"in the child kernel: {content['ename']}: {content['evalue']}")
    else:
        data = {name: value for name, value in content["data"].items() if "widget" not in name}
        display(data, raw=True)
