"""Verbs about the whole bench: its views, its clock, and the child kernel that may die."""

import os
import signal
from collections.abc import Callable
from typing import Any, cast

from IPython.core.error import UsageError

from wflab.clock import LabClock
from wflab.lab import Lab, current
from wflab.runs import span_of
from wflab.verbs.verb import Verb
from wflab.victim import Victim


def verbs_on_the_lab(victim: Victim) -> list[Verb]:
    """All of them; `victim` is the child kernel of `%%victim`."""
    return [
        _shows("inbox", "show the questions that wait for an answer", Lab.inbox),
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
