"""Which code a replay runs: the version that the run started with, if it is in memory; recorded source only where a person says so; else none."""

import ast
import difflib
import sys
from collections.abc import Callable
from textwrap import dedent
from types import FunctionType
from typing import Any, NamedTuple

from wfengine.errors import InvalidArgument
from wfengine.model.instance import Instance
from wfengine.runtime.engine import Engine
from wfengine.runtime.registry import Definition
from wflab.analytics.sources import source_of

_MOST_DIFF = 16_000
Code = Callable[..., Any] | str | None


class Chosen(NamedTuple):
    """`definition` None: no code, events only. `label` names the code, `text` is what was recorded; `is_other` where it is not what ran."""

    definition: Definition | None
    label: str
    text: str | None
    banners: list[str]
    diff: str
    is_other: bool


def choose(engine: Engine, instance: Instance, *, code: Code = None, source: bool = False) -> Chosen:
    """The code to step through, with what a person should know about it. Raises InvalidArgument where `code` is none."""
    recorded = source_of(engine, instance.key).text
    newest = engine.registry.find("workflow", instance.name, app_id=instance.app_id, version=instance.version)
    found = engine.registry.find("workflow", instance.name, instance.code_hash, app_id=instance.app_id, version=instance.version)
    if code is not None:
        return _other(code, instance, recorded, newest)
    if source:
        return _from_record(instance, recorded, found)
    if found is not None and found.code_hash == instance.code_hash:
        edited = newest is not None and newest.code_hash != found.code_hash
        banners = (
            [f"The code was edited since: this run's is {found.code_hash}, registered now is {newest.code_hash}."]
            if edited and newest
            else []
        )
        diff = difference(found.source, newest.source, instance.name) if edited and newest else ""
        return Chosen(found, f"the code it started with ({found.code_hash})", found.source, banners, diff, is_other=False)
    return Chosen(None, "events only", recorded, [_missing(instance, recorded, found)], _diff_to(recorded, found), is_other=False)


def difference(before: str | None, after: str | None, name: str) -> str:
    """The two sources as a unified diff; empty where they are the same, or one is not known."""
    if before is None or after is None:
        return ""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), f"{name} as recorded", f"{name} now", lineterm="")
    return "\n".join(lines)[:_MOST_DIFF]


def _other(code: Code, instance: Instance, recorded: str | None, newest: Definition | None) -> Chosen:
    if code == "current":
        if newest is None:
            raise InvalidArgument(f"No workflow {instance.name!r} is registered: run the cell that defines it.")
        definition = newest
    elif callable(code):
        definition = Definition("workflow", instance.name, code)
    else:
        raise InvalidArgument(f"code is a workflow function, or 'current' for what is registered now, not {code!r}.")
    label = f"{getattr(definition.function, '__name__', instance.name)} ({definition.code_hash})"
    return Chosen(definition, label, definition.source, [], difference(recorded, definition.source, instance.name), is_other=True)


def _from_record(instance: Instance, recorded: str | None, registered: Definition | None) -> Chosen:
    if recorded is None:
        raise InvalidArgument(f"No source of {instance.name} was recorded for this run, so there is none to run.")
    function = compiled(recorded, instance.name, registered)
    banner = f"This runs the recorded source ({instance.code_hash}), as you said; names that it uses are taken from this kernel."
    return Chosen(
        Definition("workflow", instance.name, function),
        f"the recorded source ({instance.code_hash})",
        recorded,
        [banner],
        "",
        is_other=False,
    )


def compiled(text: str, name: str, registered: Definition | None = None) -> FunctionType:
    """The function of a recorded source, without its decorators, which would register it. Raises InvalidArgument where it cannot be made here."""
    try:
        tree = ast.parse(dedent(text))
        made = next(one for one in tree.body if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef))
    except (SyntaxError, StopIteration) as error:
        raise InvalidArgument(f"The recorded source of {name} is no function that can be run by itself: {error}.") from None
    made.decorator_list = []
    plain = getattr(registered, "function", None)
    around = plain.__globals__ if isinstance(plain, FunctionType) else vars(sys.modules["__main__"])
    scope = dict(around)
    try:
        exec(compile(ast.Module(body=[made], type_ignores=[]), f"<recorded source of {name}>", "exec"), scope)  # noqa: S102  # the user said so: source=True
    except Exception as error:  # noqa: BLE001  # its defaults and annotations may need what is not here
        raise InvalidArgument(
            f"The recorded source of {name} cannot be run here: {type(error).__name__}: {error}. Run the cells that it needs."
        ) from None
    function: FunctionType = scope[made.name]
    return function


def _missing(instance: Instance, recorded: str | None, found: Definition | None) -> str:
    if instance.code_hash is None and instance.turn:
        return (
            f"The code of {instance.name} ran in a program elsewhere: what it was told and what it asked for is shown, its lines and variables are not. "
            "run.replay(code=fn) replays the history on code that is here."
        )
    if instance.code_hash is None:
        return f"No code of {instance.name} has run yet, so there is nothing to step through."
    here = "none is registered here" if found is None else f"registered here is {found.code_hash}"
    way = "run.replay(source=True) runs the recorded source; " if recorded is not None else ""
    return (
        f"The code of this run ({instance.code_hash}) is not in memory; {here}. Shown are its events alone. "
        f"{way}run.replay(code=fn) replays the history on other code."
    )


def _diff_to(recorded: str | None, found: Definition | None) -> str:
    return "" if found is None else difference(recorded, found.source, found.name)
