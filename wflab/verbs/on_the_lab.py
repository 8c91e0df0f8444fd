"""Verbs about the whole bench: its views, its clock, and the child kernel that may die."""

import os
import re
import signal
from collections.abc import Callable, Mapping
from typing import Any, cast

from IPython.core.error import UsageError

from wflab.clock import LabClock
from wflab.display.handle import ViewHandle
from wflab.lab import Lab, current
from wflab.runs import span_of
from wflab.verbs.verb import Verb
from wflab.verbs.words import flag_of, input_of, keywords_of, value_of, words_of
from wflab.victim import Victim

_WORD = re.compile(r"[\w.-]+")


def verbs_on_the_lab(names: Mapping[str, Any], victim: Victim) -> list[Verb]:
    """All of them; `names` is the user's namespace, `victim` the child kernel of `%%victim`."""
    return [
        _shows("inbox", "show the questions that wait for an answer", Lab.inbox),
        _shows("dashboard", "how all runs do: success, failures, what is stuck", Lab.dashboard),
        _shows("recipes", "show the gallery of patterns", Lab.recipes),
        Verb(
            name="api-log",
            usage="api-log [app=ID] [api=NAME] [outcome=failed] ...",
            purpose="every call that came in by a sidecar, as it comes",
            python='lab.api_log(app="orders", outcome="failed")',
            action=lambda rest: _api_log(rest, names),
        ),
        Verb(
            name="serve",
            usage="serve [grpc_port=50001] [http_port=3500] ...",
            purpose="open the lab to programs with Dapr's SDKs, as their sidecar",
            python="lab.serve(grpc_port=50001, http_port=3500)",
            action=lambda rest: current.get().serve(**_keywords(rest, names, "serve")),
        ),
        Verb(
            name="apps",
            usage="apps [ID] [--stop | --restart]",
            purpose="the programs beside the lab; with an ID one of them and its output",
            python='lab.apps["orders"].restart()',
            action=_apps,
            takes=("app",),
            options=("--stop", "--restart"),
        ),
        Verb(
            name="recipe",
            usage="recipe NAME [--insert] [knob=value ...]",
            purpose="show a pattern, or put its code into a new cell below",
            python='lab.recipes().insert("fanout", ITEMS=20)',
            action=lambda rest: _recipe(rest, names),
            takes=("recipe",),
            options=("--insert",),
        ),
        Verb(
            name="check",
            usage="check [NAME]",
            purpose="replay all recorded histories of a workflow (of all there are) on its code as it is now",
            python="lab.check(order)",
            action=_check,
            takes=("workflow",),
        ),
        Verb(
            name="lint",
            usage="lint NAME",
            purpose="what in a workflow's source would differ between replays, and what to write instead",
            python="lab.lint(order)",
            action=_lint,
            takes=("workflow",),
        ),
        Verb(
            name="clock",
            usage="clock [+7d | skip | virtual | real]",
            purpose="show the lab's clock, or move virtual time",
            python="lab.clock.advance(timedelta(days=7))",
            action=_clock,
            takes=("clock",),
        ),
        Verb(
            name="crash",
            usage="crash [--yes]",
            purpose="kill -9 the %%victim kernel; with --yes this very kernel",
            python="os.kill(os.getpid(), signal.SIGKILL)",
            action=lambda rest: _crash(rest, victim),
            options=("--yes",),
        ),
    ]


def _shows(name: str, purpose: str, show: Callable[[Lab], Any]) -> Verb:
    def action(rest: str) -> Any:
        if rest:
            raise UsageError(f"%wf {name} takes no arguments: it shows all there is.")
        return show(current.get())

    return Verb(name=name, usage=name, purpose=purpose, python=f"lab.{name}()", action=action)


def _recipe(rest: str, names: Mapping[str, Any]) -> ViewHandle | None:
    rest, inserts = flag_of(rest, "--insert")
    name, _, text = rest.partition(" ")
    knobs = input_of(text.strip(), names) or {}
    if not name or not isinstance(knobs, dict):
        raise UsageError("%wf recipe takes a recipe's name, and knobs as key=value: %wf recipe fanout --insert ITEMS=20")
    lab = current.get()
    if not inserts:
        return lab.recipes(name, **knobs)
    lab.recipes().insert(name, **knobs)
    return None


def _keywords(rest: str, names: Mapping[str, Any], verb: str) -> dict[str, Any]:
    given = input_of(rest, names)
    if given is not None and not isinstance(given, dict):
        raise UsageError(f"%wf {verb} takes options as key=value, with values in Python; `%wf help {verb}` shows some.")
    return given or {}


def _api_log(rest: str, names: Mapping[str, Any]) -> ViewHandle:
    """A word that is no name of the notebook's is a text: `api=state` means what `api="state"` does."""
    given = keywords_of(rest) if rest else {}
    if given is None:
        raise UsageError("%wf api-log takes filters as key=value: %wf api-log app=orders outcome=failed since=15m")
    return current.get().api_log(
        **{key: text if _WORD.fullmatch(text) and text not in names else value_of(text, names) for key, text in given.items()}
    )


def _apps(rest: str) -> Any:
    rest, stops = flag_of(rest, "--stop")
    rest, restarts = flag_of(rest, "--restart")
    words = words_of(rest, "apps")
    apps = current.get().apps
    if len(words) > 1 or (stops and restarts) or (restarts and not words):
        raise UsageError("%wf apps takes one app's id, with --restart or --stop; or none, with --stop for all: %wf apps orders --restart")
    if not words:
        if stops:
            apps.stop()
        return apps
    app = apps[words[0]]
    if stops:
        app.stop()
    elif restarts:
        app.restart()
    return app


def _check(rest: str) -> Any:
    words = words_of(rest, "check")
    if len(words) > 1:
        raise UsageError("%wf check takes one workflow's name, or none for all: %wf check order")
    lab = current.get()
    return lab.check(words[0]) if words else lab.check_all()


def _lint(rest: str) -> Any:
    words = words_of(rest, "lint")
    if len(words) != 1:
        raise UsageError("%wf lint takes one workflow's name: %wf lint order")
    return current.get().lint(words[0])


def _clock(rest: str) -> LabClock:
    clock = current.get().clock
    if rest in {"skip", "virtual", "real"}:
        return cast("LabClock", getattr(clock, rest)())
    if rest and not rest.startswith("+"):
        raise UsageError("%wf clock takes a span such as +7d or +90m, or one of: skip, virtual, real.")
    return clock.advance(span_of(rest[1:])) if rest else clock


def _crash(rest: str, victim: Victim) -> None:
    if rest == "--yes":
        os.kill(os.getpid(), signal.SIGKILL)
    if rest:
        raise UsageError("%wf crash kills the %%victim kernel; `%wf crash --yes` kills this one.")
    if not victim.kill():
        raise UsageError("There is no %%victim kernel to kill. `%wf crash --yes` kills this very kernel; nothing recorded is lost.")
    print("killed -9")  # noqa: T201  # the cell's output
