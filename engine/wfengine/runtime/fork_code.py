"""The code that a fork is to run, and whether the past that it shares agrees with it: worked out on the caller's thread, before anything is recorded."""

from collections.abc import Callable, Sequence
from typing import Any

from wfengine.core.arguments import NAME_ATTRIBUTE, name_of
from wfengine.core.forking import Cut, last_agreed
from wfengine.core.replay import Execution
from wfengine.errors import DefinitionNotFound, NonDeterminismError
from wfengine.model.instance import Instance
from wfengine.model.work import HistoryRow
from wfengine.runtime.registry import Definition, Registry


def chosen(registry: Registry, source: Instance, code: Callable[..., Any] | str | None) -> Definition | None:
    """The newest code of the source's workflow, or `code`; None where the workflow is not registered, so that the fork waits for it.

    A function that is registered runs under its name. Any other is a version of the source's workflow: under its own name as a version's name,
    or where it is named like the workflow as `fork-` and its hash. Raises DefinitionNotFound for a name that is not registered.
    """
    app_id = source.app_id
    if code is None:
        return registry.find("workflow", source.name, app_id=app_id, version=source.version)
    if isinstance(code, str):
        found = registry.find("workflow", code, app_id=app_id)
        if found is None:
            raise DefinitionNotFound("workflow", code, registry.names("workflow", app_id=app_id))
        return found
    name = name_of(code)
    registered = _registered(registry, Definition("workflow", name, code, app_id=app_id))
    if registered is not None:
        return registered
    own = getattr(code, "__name__", source.name)
    plain = Definition("workflow", source.name, code, app_id=app_id)
    is_free = own not in {source.name, *registry.versions(source.name, app_id=app_id)} and not hasattr(code, NAME_ATTRIBUTE)
    version = own if is_free else f"fork-{plain.code_hash[:8]}"
    return Definition("workflow", source.name, code, app_id=app_id, version=version)


def is_known(registry: Registry, definition: Definition) -> bool:
    """Whether this very code is registered, under this name."""
    return _registered(registry, definition) is not None


def _registered(registry: Registry, definition: Definition) -> Definition | None:
    for version in (None, *registry.versions(definition.name, app_id=definition.app_id)):
        found = registry.find("workflow", definition.name, definition.code_hash, app_id=definition.app_id, version=version)
        if found is not None and found.code_hash == definition.code_hash:
            return found
    return None


def check(definition: Definition, shared: Cut, recorded: Sequence[HistoryRow], source: Instance) -> str | None:
    """Replay the shared past on this code and give its custom status. Raises NonDeterminismError, which says where they part and from where to fork instead."""
    execution = Execution(definition)
    try:
        execution.replay(shared.past)
    except NonDeterminismError as error:
        earlier = last_agreed(recorded, error.event_id)
        advice = "" if earlier is None else f" To have it go another way from there, fork earlier: at={earlier}."
        raise NonDeterminismError(
            f"Nothing was forked: up to event {shared.rows[-1].sequence} the history of {source.name!r} does not agree with the code that "
            f"the fork would run. Recorded is {error.recorded}, the code asks for {error.attempted}"
            f"{f' ({error.line})' if error.line else ''}.{advice}",
            event_id=error.event_id,
            recorded=error.recorded,
            attempted=error.attempted,
            line=error.line,
        ) from None
    else:
        return execution.custom_status
    finally:
        execution.close()
