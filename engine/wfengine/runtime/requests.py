"""What callers hand over, checked on their own thread: what cannot be used is refused before anything is recorded."""

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from wfengine.core.arguments import checked_text, name_of
from wfengine.errors import DefinitionNotFound, InvalidArgument
from wfengine.model.history import EventRaised, ExecutionTerminated
from wfengine.model.payload import to_json
from wfengine.model.work import AuditRow
from wfengine.runtime.registry import Registry

LONGEST_ID = 256


def raised(event_name: Any, data: Any, audit: AuditRow | None) -> Callable[[datetime], EventRaised]:
    """An external event as the engine makes it, once its time is known."""
    checked_text(event_name, "an event's name")
    payload = None if data is None else to_json(data, f"the data of event {event_name!r}")
    return lambda now: EventRaised(occurred_at=now, name=event_name, input=payload, raised_by=None if audit is None else audit.who)


def terminated(output: Any, *, recursive: bool) -> Callable[[datetime], ExecutionTerminated]:
    """The end of an instance by an operator, likewise."""
    payload = None if output is None else to_json(output, "the output")
    return lambda now: ExecutionTerminated(occurred_at=now, output=payload, recurse=recursive)


def start_request(
    registry: Registry,
    workflow: Callable[..., Any] | str,
    input: Any,
    instance_id: str | None,
    start_at: datetime | None,
    tags: Mapping[str, str] | None,
    app_id: str | None,
    *,
    may_be_elsewhere: bool = False,
) -> dict[str, Any]:
    """What an ExecutionStarted says beside its time. Raises DefinitionNotFound, PayloadError, InvalidArgument.

    `may_be_elsewhere`: a program of the app may know the workflow, which need not be registered here then.
    """
    name = name_of(workflow)
    app_id = None if app_id is None else checked_text(app_id, "app_id")
    is_absent = may_be_elsewhere or (
        app_id is not None and app_id not in registry.apps()
    )  # then it waits, as a call to an app that is offline does
    if not is_absent and registry.find("workflow", name, app_id=app_id) is None:
        raise DefinitionNotFound("workflow", name, registry.names("workflow", app_id=app_id), hint=_elsewhere(registry, name, app_id))
    return {
        "name": name,
        "instance_id": uuid.uuid4().hex if instance_id is None else checked_id(instance_id),
        "input": None if input is None else to_json(input, f"the input of workflow {name!r}"),
        "scheduled_start": None if start_at is None else aware(start_at),
        "tags": checked_tags(tags),
        "app_id": app_id,
    }


def _elsewhere(registry: Registry, name: str, app_id: str | None) -> str | None:
    """Where the name stands for something that the caller may have meant."""
    if registry.find("activity", name, app_id=app_id) is not None:
        return f"There is an activity of that name; start a workflow that calls it, or decorate {name} with @wf.workflow."
    apps = [None, *sorted(registry.apps())]
    found = next((app for app in apps if app != app_id and registry.find("workflow", name, app_id=app) is not None), app_id)
    if found == app_id:
        return None
    return f"App {found!r} has one: pass app_id={found!r}." if found else "The lab itself has one: leave out app_id."


def checked_id(instance_id: Any) -> str:
    """A printable instance id. Raises InvalidArgument."""
    if not isinstance(instance_id, str) or not 0 < len(instance_id) <= LONGEST_ID or not instance_id.isprintable():
        raise InvalidArgument(f"An instance id is printable text of 1 to {LONGEST_ID} characters, not {instance_id!r:.80}.")
    return str.__str__(instance_id)


def checked_tags(tags: Any) -> dict[str, str]:
    """Tags, text to text. Raises InvalidArgument."""
    if not isinstance(tags, Mapping | None):
        raise InvalidArgument(f"Tags are text to text, such as {{'team': 'billing'}}, not {tags!r:.80}.")
    checked = dict(tags or {})
    for key, value in checked.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise InvalidArgument(f"Tags are text to text, such as {{'team': 'billing'}}; {key!r}: {value!r} is not.")
        checked_text(key, "a tag")
        checked_text(value, "a tag", may_be_empty=True)
    return {str.__str__(key): str.__str__(value) for key, value in checked.items()}


def aware(moment: Any) -> datetime:
    """A moment as aware UTC; naive means UTC. Raises InvalidArgument."""
    if not isinstance(moment, datetime):
        raise InvalidArgument(f"start_at is a datetime (naive means UTC), not {moment!r}.")
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
