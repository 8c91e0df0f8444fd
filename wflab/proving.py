"""From what a lab knows to the proof of a saga: the workflow by its name, its source, and results that earlier runs recorded."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from wfengine.core.arguments import name_of
from wfengine.errors import InvalidArgument
from wfengine.model.instance import Status
from wfengine.runtime.engine import Engine
from wfengine.runtime.registry import Definition
from wflab.analytics.call_sites import call_sites
from wflab.analytics.saga_proof import prove
from wflab.analytics.saga_rehearsal import Part
from wflab.analytics.steps import steps_of
from wflab.views.saga_proof import SagaProof

_LAST = "SELECT key FROM executions WHERE name = $name AND status = 'COMPLETED' ORDER BY key DESC LIMIT 1"


def saga_proof(
    engine: Engine,
    workflow: Callable[..., Any] | str,
    input: Any,
    *,
    activities: Iterable[Callable[..., Any]],
    mocks: Mapping[Any, Any] | None,
    events: Iterable[Any] | Mapping[str, Any],
    without_effect: Collection[str],
) -> SagaProof:
    """See `Lab.saga_proof`."""
    name = workflow if isinstance(workflow, str) else name_of(workflow)
    definition = engine.registry.find("workflow", name)
    if isinstance(workflow, str):
        if definition is None:
            known = ", ".join(engine.registry.names("workflow")) or "none"
            raise InvalidArgument(f"No workflow is registered as {name!r} (registered: {known}).")
        function = definition.function
    else:
        function, definition = workflow, Definition("workflow", name, workflow)
    real = {name_of(activity): Definition("activity", name_of(activity), activity) for activity in activities}
    part = Part(
        name=name,
        function=function,
        input=input,
        mocks={**real, **{name_of(callee): answer for callee, answer in (mocks or {}).items()}},
        recorded=_recorded(engine, name),
        events=list(events.items()) if isinstance(events, Mapping) else list(events),
        sites=call_sites(definition.source),
        find=lambda child: engine.registry.find("workflow", child),
    )
    return SagaProof(prove(part, without_effect=without_effect))


def _recorded(engine: Engine, name: str) -> dict[str, list[str | None]]:
    """What the steps of the last run that went well gave."""
    with engine.store.cursor() as cursor:
        found = cursor.execute(_LAST, {"name": name}).fetchone()
    instance = None if found is None else engine.store.instance(found[0])
    results: defaultdict[str, list[str | None]] = defaultdict(list)
    if instance is not None and instance.status is Status.COMPLETED:
        for step in steps_of(instance, engine.store.history(instance.key)):
            if step.kind in {"activity", "child"} and step.state == "COMPLETED":
                results[step.name].append(step.result)
    return dict(results)
