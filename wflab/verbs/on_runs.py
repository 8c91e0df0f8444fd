"""Verbs about one run: it is named by its id, the beginning of one, or `last`."""

from collections.abc import Callable, Mapping
from typing import Any

from IPython.core.error import UsageError

from wfengine.model.instance import Status
from wflab.lab import current
from wflab.run import Run
from wflab.runs import Runs
from wflab.verbs.verb import Verb
from wflab.verbs.words import flag_of, input_of, option_of, value_of, words_of


def verbs_on_runs(names: Mapping[str, Any]) -> list[Verb]:
    """All of them; `names` is the user's namespace, in which values are evaluated."""
    return [
        Verb(
            name="start",
            usage="start NAME [key=value ... | value] [--id ID]",
            purpose="start a workflow; values are Python expressions",
            python='lab.start("order", {"amount": 500}, instance_id="order-1")',
            action=lambda rest: _start(rest, names),
            takes=("workflow",),
            options=("--id",),
        ),
        Verb(
            name="ls",
            usage="ls [NAME] [STATUS]",
            purpose="list runs, newest first",
            python='lab.runs.where(name="order", status="FAILED")',
            action=_ls,
            takes=("workflow", "status"),
        ),
        *(
            _shows(name, purpose, python, show)
            for name, purpose, python, show in (
                ("show", "show a run: live while it goes on", 'lab.get("last")', lambda run: run),
                ("graph", "show a run's execution graph", "run.graph()", Run.graph),
                ("timeline", "a run over time: calls, attempts, pauses and waits", "run.timeline()", Run.timeline),
                ("replay", "step through a run, with the variables of its code", "run.replay()", Run.replay),
                ("saga", "what a run did, what it undid, and what is left", "run.saga()", Run.saga),
                ("why", "say in one sentence what a run waits for", "run.why()", Run.why),
                ("history", "a run's events as a DataFrame", "run.history()", Run.history),
                ("steps", "a run's steps as a DataFrame", "run.steps()", Run.steps),
            )
        ),
        Verb(
            name="raise",
            usage="raise ID EVENT [value]",
            purpose="deliver an external event",
            python='run.raise_event("paid", {"by": "card"})',
            action=lambda rest: _raise(rest, names),
            takes=("id", "event"),
        ),
        *(
            Verb(
                name=verb,
                usage=f"{verb} ID [EVENT]",
                purpose=f"answer the event a run waits for with {answer}",
                python=f"run.{verb}()",
                action=lambda rest, verb=verb, act=act: _answer(rest, verb, act),  # type: ignore[misc]  # mypy cannot infer a lambda with defaults
                takes=("id", "event"),
            )
            for verb, answer, act in (("approve", True, Run.approve), ("reject", False, Run.reject))
        ),
        _acts("suspend", "let a run rest", Run.suspend),
        _acts("resume", "let a suspended run go on", Run.resume),
        _acts("terminate", "end a run and its children now", Run.terminate),
        Verb(
            name="purge",
            usage="purge ID [--force]",
            purpose="delete an ended run and its children; with --force whatever its state",
            python="run.purge(force=True)",
            action=_purge,
            takes=("id",),
            options=("--force",),
        ),
        Verb(
            name="rerun",
            usage="rerun ID EVENT",
            purpose="a new run that does an ended one again from an event_id on",
            python="run.rerun(from_event=2)",
            action=_rerun,
            takes=("id",),
        ),
        Verb(
            name="fork",
            usage="fork ID [--at SEQUENCE]",
            purpose="a new run that shares a run's past up to an event, and goes on from there",
            python='run.fork(at=7, edit={"charge_card": {"paid": True}})',
            action=_fork,
            takes=("id",),
            options=("--at",),
        ),
    ]


def run_of(rest: str, verb: str) -> Run:
    """The one run that the rest of the line names."""
    words = words_of(rest, verb)
    if len(words) != 1:
        raise UsageError(f"%wf {verb} takes one id, the beginning of one, or `last`.")
    return current.get().get(words[0])


def _shows(name: str, purpose: str, python: str, show: Callable[[Run], Any]) -> Verb:
    return Verb(name=name, usage=f"{name} ID", purpose=purpose, python=python, action=lambda rest: show(run_of(rest, name)), takes=("id",))


def _acts(name: str, purpose: str, act: Callable[[Run], None]) -> Verb:
    def action(rest: str) -> Run:
        run = run_of(rest, name)
        act(run)
        return run

    return Verb(name=name, usage=f"{name} ID", purpose=purpose, python=f"run.{name}()", action=action, takes=("id",))


def _start(rest: str, names: Mapping[str, Any]) -> Run:
    rest, instance_id = option_of(rest, "--id")
    name, _, text = rest.partition(" ")
    if not name:
        raise UsageError("%wf start takes a workflow's name: %wf start order amount=500")
    return current.get().start(name, input_of(text.strip(), names), instance_id=instance_id)


def _ls(rest: str) -> Runs:
    runs = current.get().runs
    for word in rest.split():
        is_status = word.isupper() or (word.upper() in set(Status) and word not in current.get().engine.registry.names("workflow"))
        runs = runs.where(status=word) if is_status else runs.where(name=word)
    return runs


def _raise(rest: str, names: Mapping[str, Any]) -> Run:
    wanted, _, more = rest.partition(" ")
    event, _, text = more.strip().partition(" ")
    if not wanted or not event:
        raise UsageError("%wf raise takes an id and the event's name: %wf raise last human_approval True")
    run = current.get().get(wanted)
    run.raise_event(event, value_of(text.strip(), names) if text.strip() else None)
    return run


def _answer(rest: str, verb: str, act: Callable[..., None]) -> Run:
    words = words_of(rest, verb)
    if len(words) not in {1, 2}:
        raise UsageError(f"%wf {verb} takes an id (or `last`), and the event's name where the run waits for several.")
    run = current.get().get(words[0])
    act(run, *words[1:])
    return run


def _purge(rest: str) -> None:
    rest, force = flag_of(rest, "--force")
    run_of(rest, "purge").purge(force=force)


def _rerun(rest: str) -> Run:
    words = words_of(rest, "rerun")
    if len(words) != 2 or not words[1].isdecimal():  # noqa: PLR2004  # an id and an event
        raise UsageError("%wf rerun takes an id (or `last`) and an event_id of its history: %wf rerun last 0")
    return current.get().get(words[0]).rerun(int(words[1]))


def _fork(rest: str) -> Run:
    rest, at = option_of(rest, "--at")
    if at is not None and not at.isdecimal():
        raise UsageError("%wf fork takes a sequence of the run's history behind --at: %wf fork last --at 7")
    return run_of(rest, "fork").fork(None if at is None else int(at))
