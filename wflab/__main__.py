"""`wflab` in a shell: Dapr's `dapr workflow` verbs on a lab's file, for when no kernel has it open. `wflab --help`.

`run` imports the module that defines the workflow, so its activities are there, or starts the apps of a run file, as `dapr run -f` does; the other
verbs need no code: what waits for code goes on waiting.
"""

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from typing import Any

import pandas as pd

from wfengine.errors import InvalidArgument, WflabError
from wflab.checking.at_rest import copied
from wflab.lab import DEFAULT_PATH, Lab


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out one command; 0 if that went well. What cannot be done is one line on stderr, and 1."""
    asked = _parser().parse_args(arguments)
    if asked.verb == "check":
        return _check(asked)
    try:
        if asked.verb == "run" and asked.run_file is not None:
            return _run_apps(asked)
        definition = _imported(asked.workflow) if asked.verb == "run" else None
        with Lab(asked.db) as lab:
            answer = asked.act(lab, asked, definition)
    except WflabError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201  # it is a command's
        return 1
    if answer is not None:
        print(answer)  # noqa: T201  # likewise
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="wflab", description="Workflows of a lab's file, which no kernel may have open.")
    parser.add_argument("--db", default=DEFAULT_PATH, help="the lab's file (default: %(default)s)")
    verbs = parser.add_subparsers(dest="verb", required=True)

    run = verbs.add_parser("run", help="start a workflow and wait for its result; with -f, the apps of a run file, until Ctrl-C")
    what = run.add_mutually_exclusive_group(required=True)
    what.add_argument("workflow", nargs="?", help="module:function; the module is imported from here")
    what.add_argument("-f", "--run-file", help="Dapr's multi-app run file, or a folder with a dapr.yaml; the lab is the apps' sidecar")
    run.add_argument("--db", default=argparse.SUPPRESS, help="the lab's file")
    run.add_argument("--input", help="JSON")
    run.add_argument("--instance-id")
    run.set_defaults(act=_run)

    check = verbs.add_parser("check", help="replay recorded histories on a workflow's code; exits with 1 where one does not agree")
    check.add_argument("workflow", help="module:function; the module is imported from here")
    check.add_argument("--db", default=argparse.SUPPRESS, help="the lab's file")
    check.add_argument("--limit", type=int, help="only so many, the newest first")
    check.add_argument("--status", action="append", help="only those in this status; may be repeated")
    check.add_argument("--json", action="store_true", help="a JSON object: counts, and a list of those that do not agree")

    ls = verbs.add_parser("list", help="list instances, newest first")
    ls.add_argument("--filter-name", help="only instances of this workflow")
    ls.add_argument("--filter-status", help="only those in this status, in any case")
    ls.add_argument("--filter-max-age", help="only those started within this span: 90m, 24h, 7d")
    ls.set_defaults(act=_list)
    history = _with_id(verbs, "history", "an instance's events", lambda lab, asked, _: _table(lab.get(asked.id).history(), asked))
    for listing in (ls, history):
        listing.add_argument("-o", "--output", choices=["short", "wide", "json"], default="short")

    _with_id(verbs, "suspend", "let an instance rest", lambda lab, asked, _: lab.get(asked.id).suspend())
    _with_id(verbs, "resume", "let it go on", lambda lab, asked, _: lab.get(asked.id).resume())
    terminate = _with_id(
        verbs, "terminate", "end it and its children", lambda lab, asked, _: lab.get(asked.id).terminate(_json(asked.output))
    )
    terminate.add_argument("--output", help="its output, JSON")
    event = _with_id(
        verbs,
        "raise-event",
        "deliver an external event",
        lambda lab, asked, _: lab.get(asked.id).raise_event(asked.event, _json(asked.data)),
    )
    event.add_argument("event")
    event.add_argument("--data", help="JSON")
    rerun = _with_id(verbs, "rerun", "do an ended one again from an event on; prints the new id", _rerun)
    rerun.add_argument("event_id", type=int)
    rerun.add_argument("--new-instance-id")
    purge = _with_id(
        verbs, "purge", "delete an ended one with its children", lambda lab, asked, _: lab.get(asked.id).purge(force=asked.force)
    )
    purge.add_argument("--force", action="store_true", help="whatever its state")
    return parser


def _with_id(verbs: Any, verb: str, what: str, act: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(verb, help=what)
    parser.add_argument("id", help="an instance id, the beginning of one, or `last`")
    parser.set_defaults(act=act)
    return parser


def _run(lab: Lab, asked: argparse.Namespace, definition: Any) -> str:
    run = lab.start(definition, _json(asked.input), instance_id=asked.instance_id)
    return json.dumps(run.result(), ensure_ascii=False)


def _run_apps(asked: argparse.Namespace) -> int:
    """0 where all apps ended well or were interrupted, 1 where one failed."""
    with Lab(asked.db) as lab:
        serving = lab.serving  # raises where the extra is missing
        from wflab.serving.console import run_on_console  # noqa: PLC0415  # likewise

        return run_on_console(serving, asked.run_file)


def _check(asked: argparse.Namespace) -> int:
    """0 where all histories agree, 1 where one does not, 2 where nothing could be checked: a file that is not there, or that a kernel holds."""
    try:
        function = _imported(asked.workflow)
        with copied(asked.db) as path, Lab(path, at_rest=True) as lab:
            checked = lab.check(function, limit=asked.limit, status=asked.status)
    except WflabError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201  # it is a command's
        return 2
    print(json.dumps(checked.as_json(), ensure_ascii=False, indent=2) if asked.json else repr(checked))  # noqa: T201  # likewise
    return 0 if checked.ok else 1


def _rerun(lab: Lab, asked: argparse.Namespace, _: Any) -> str:
    return lab.get(asked.id).rerun(asked.event_id, instance_id=asked.new_instance_id).id


def _list(lab: Lab, asked: argparse.Namespace, _: Any) -> str:
    runs = lab.runs.where(name=asked.filter_name, status=asked.filter_status)
    return _table((runs.since(asked.filter_max_age) if asked.filter_max_age else runs).df(), asked)


def _table(frame: pd.DataFrame, asked: argparse.Namespace) -> str:
    if asked.output == "json":
        return str(frame.to_json(orient="records", date_format="iso", default_handler=str))
    short = [
        column
        for column in ("instance_id", "name", "status", "created_at", "sequence", "type", "event_id", "occurred_at")
        if column in frame
    ]
    return str((frame if asked.output == "wide" else frame[short]).to_string(index=False)) if len(frame) else "none"


def _json(text: str | None) -> Any:
    try:
        return None if text is None else json.loads(text)
    except ValueError as error:
        raise InvalidArgument(f"{text!r} is not JSON ({error}). Text needs quotes of its own: '\"text\"'.") from None


def _imported(place: str) -> Any:
    """The workflow function of `module:function`; importing the module registers what it defines with the lab that opens next."""
    module, _, name = place.partition(":")
    sys.path.insert(0, "")
    try:
        found = getattr(importlib.import_module(module), name, None) if module and name else None
    except ImportError as error:
        raise InvalidArgument(f"{module!r} cannot be imported: {error}.") from None
    if found is None:
        raise InvalidArgument(f"{place!r} names no workflow; write module:function, such as orders:place_order.")
    return found


if __name__ == "__main__":
    sys.exit(main())
