"""Which histories are replayed on which code: read in bulk, newest first, on the caller's thread."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from typing import Any

from wfengine.core.arguments import name_of
from wfengine.errors import DefinitionNotFound, InvalidArgument
from wfengine.model.instance import Instance, Status
from wfengine.runtime.engine import Engine
from wfengine.runtime.registry import Definition
from wfengine.store import reading
from wflab.checking.checked import Checked
from wflab.checking.hushing import hushed
from wflab.checking.replaying import verdict
from wflab.checking.verdict import Verdict

_IN_ONE_QUERY = 2_000
_one_at_a_time = threading.Lock()  # guards the process's stdout and stderr, of which there is one, too
CodeOf = Callable[[Instance], Definition | None]


def check(
    engine: Engine, workflow: Callable[..., Any] | str, *, code: Callable[..., Any] | str | None, limit: int | None, status: Any
) -> Checked:
    """Replay the histories of a workflow. Raises DefinitionNotFound, InvalidArgument."""
    name = name_of(workflow)
    given = code if code is not None else None if isinstance(workflow, str) else _unregistered(engine, workflow, name)
    on = None if given is None else _definition(engine, given, name)
    if on is None and name not in _registered(engine):
        raise DefinitionNotFound("workflow", name, sorted(_registered(engine)))
    code_of = _registered_code(engine) if on is None else lambda _: on
    found = executions(engine, name, statuses=_statuses(status), limit=_limit(limit))
    verdicts = [one for some in verdicts_of(engine, found, code_of) for one in some]
    newest = on or engine.registry.find("workflow", name)
    return Checked(name, getattr(newest and newest.function, "__name__", name), verdicts)


def executions(
    engine: Engine, name: str, *, statuses: Sequence[str] | None = None, version: str | None = None, limit: int | None = None
) -> list[Instance]:
    """Every execution of a workflow, generations of continue-as-new included, newest first."""
    with engine.store.cursor() as cursor:
        return reading.executions(cursor, name, statuses=statuses, version=version, limit=limit)


def verdicts_of(
    engine: Engine, found: Iterable[Instance], code_of: CodeOf, *, in_one_query: int = _IN_ONE_QUERY
) -> Iterator[list[Verdict]]:
    """Replay these, some at a time, in their order."""
    for some in _batches(found, in_one_query):
        with engine.store.cursor() as cursor:
            histories = reading.with_histories(cursor, some)
        with _one_at_a_time, hushed():
            verdicts = [verdict(instance, rows, code_of(instance)) for instance, rows in histories]
        yield verdicts


def _registered_code(engine: Engine) -> CodeOf:
    """The newest code of the version that an instance is recorded with."""
    return lambda instance: engine.registry.find("workflow", instance.name, app_id=instance.app_id, version=instance.version)


def _registered(engine: Engine) -> set[str]:
    return {name for app in (None, *engine.registry.apps()) for name in engine.registry.names("workflow", app_id=app)}


def _unregistered(engine: Engine, function: Callable[..., Any], name: str) -> Callable[..., Any] | None:
    """The function itself, unless it is what is registered under its name, in some version."""
    code_hash = Definition("workflow", name, function).code_hash
    for app in (None, *engine.registry.apps()):
        for version in (None, *engine.registry.versions(name, app_id=app)):
            found = engine.registry.find("workflow", name, app_id=app, version=version)
            if found is not None and found.code_hash == code_hash:
                return None
    return function


def _definition(engine: Engine, code: Callable[..., Any] | str, name: str) -> Definition:
    if isinstance(code, str):
        found = engine.registry.find("workflow", code)
        if found is None:
            raise DefinitionNotFound("workflow", code, engine.registry.names("workflow"))
        return found
    return Definition("workflow", name, code)


def _statuses(status: Any) -> list[str] | None:
    if status is None:
        return None
    several = [status] if isinstance(status, str | Enum) else list(status)
    wanted = [one.name if isinstance(one, Enum) else str(one).upper() for one in several]
    unknown = [one for one in wanted if one not in set(Status)]
    if unknown:
        raise InvalidArgument(f"There is no status {unknown[0]!r}; there are {', '.join(Status)}.")
    return wanted


def _limit(limit: Any) -> int | None:
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
        raise InvalidArgument(f"limit is how many histories to replay, the newest first, such as 1000, not {limit!r}.")
    return limit


def _batches(found: Iterable[Instance], size: int) -> Iterator[list[Instance]]:
    some: list[Instance] = []
    for one in found:
        some.append(one)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some
