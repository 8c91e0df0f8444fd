"""What the runtime's workflow API does, once for both doors: a message in, a message out, or a Refusal with Dapr's words.

An id is one instance for the whole lab, whichever app asks; daprd has a space of ids for each app.
"""

import asyncio
import uuid
from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from wfengine.errors import InstanceNotFound, InvalidArgument, PayloadError, WflabError
from wfengine.gateway.apps import App, checked_app_id
from wfengine.gateway.blocking import Blocking
from wfengine.gateway.refusals import Refusal
from wfengine.gateway.wire import dapr_pb2 as wire
from wfengine.gateway.workflows.verbatim import value_of
from wfengine.model.instance import Instance, Status
from wfengine.runtime.engine import Engine

T = TypeVar("T")
LONGEST_ID = 64
START_TIME = "dapr.workflow.start_time"


class WorkflowActs:
    """The seven acts, on the gateway's loop."""

    def __init__(self, engine: Engine, blocking: Blocking) -> None:
        self._engine = engine
        self._blocking = blocking

    async def start(self, app: App, asked: wire.StartWorkflowRequest) -> wire.StartWorkflowResponse:
        """Begin an instance of a workflow of the asking app, or of the one that is named."""
        instance_id = asked.instance_id or str(uuid.uuid4())
        if len(instance_id) > LONGEST_ID:
            raise Refusal(400, "ERR_INSTANCE_ID_TOO_LONG", f"workflow instance ID exceeds the max length of {LONGEST_ID} characters")
        if not all(sign.isalpha() or sign.isdigit() or sign in "-_" for sign in instance_id):
            message = f"workflow instance ID '{instance_id}' is invalid: only alphanumeric and underscore characters are allowed"
            raise Refusal(400, "ERR_INSTANCE_ID_INVALID", message)
        name = asked.workflow_name
        if not name:
            raise Refusal(400, "ERR_WORKFLOW_NAME_MISSING", "workflow name is not configured")
        told = (f"error starting workflow '{name}'", "ERR_START_WORKFLOW")
        start_at = _moment(asked.options.get(START_TIME), *told)
        app_id = _target_app(asked.app_id) or app.app_id
        await self._asked(self._begin(name, asked.input, instance_id, start_at, app_id), *told)
        return wire.StartWorkflowResponse(instance_id=instance_id)

    async def _begin(self, name: str, data: bytes, instance_id: str, start_at: datetime | None, app_id: str | None) -> None:
        _, started = self._engine.schedule_new_workflow_soon(
            name, input=value_of(data), instance_id=instance_id, start_at=start_at, app_id=app_id, may_be_elsewhere=True
        )
        await asyncio.wrap_future(started)

    async def get(self, asked: wire.GetWorkflowRequest) -> wire.GetWorkflowResponse:
        """Its state; of an id that is not known the id alone."""
        instance_id = _checked(asked)
        told = (f"error while getting workflow info on instance '{instance_id}'", "ERR_GET_WORKFLOW")
        found = await self._asked(self._blocking.run(self._engine.get_workflow_state, instance_id), *told)
        return wire.GetWorkflowResponse(instance_id=instance_id) if found is None else _described(found)

    async def terminate(self, asked: wire.TerminateWorkflowRequest) -> None:
        """End it with its children; nothing happens to one that has ended."""
        instance_id = _checked(asked)
        told = (f"error terminating workflow '{instance_id}'", "ERR_TERMINATE_WORKFLOW")
        await self._asked(asyncio.wrap_future(self._engine.terminate_workflow_soon(instance_id)), *told, unknown=instance_id)

    async def pause(self, asked: wire.PauseWorkflowRequest) -> None:
        """Suspend it."""
        instance_id = _checked(asked)
        told = (f"error pausing workflow {instance_id}", "ERR_PAUSE_WORKFLOW")
        await self._asked(asyncio.wrap_future(self._engine.pause_workflow_soon(instance_id)), *told)

    async def resume(self, asked: wire.ResumeWorkflowRequest) -> None:
        """Resume it."""
        instance_id = _checked(asked)
        told = (f"error resuming workflow {instance_id}", "ERR_RESUME_WORKFLOW")
        await self._asked(asyncio.wrap_future(self._engine.resume_workflow_soon(instance_id)), *told)

    async def purge(self, asked: wire.PurgeWorkflowRequest) -> None:
        """Delete an ended one with its children."""
        instance_id = _checked(asked)
        told = (f"error purging workflow {instance_id}", "ERR_PURGE_WORKFLOW")
        await self._asked(self._blocking.run(self._engine.purge_workflow, instance_id), *told, unknown=instance_id)

    async def raise_event(self, asked: wire.RaiseEventWorkflowRequest) -> None:
        """Deliver an external event; one for an ended instance is dropped."""
        instance_id, name = _checked(asked), asked.event_name
        if not name:
            raise Refusal(400, "ERR_WORKFLOW_EVENT_NAME_MISSING", "missing workflow event name")
        told = (f"error raising event on workflow '{instance_id}'", "ERR_RAISE_EVENT_WORKFLOW")
        await self._asked(self._raise(instance_id, name, asked.event_data), *told)

    async def _raise(self, instance_id: str, name: str, data: bytes) -> None:
        await asyncio.wrap_future(self._engine.raise_workflow_event_soon(instance_id, name, data=value_of(data)))

    async def _asked(self, act: Awaitable[T], message: str, code: str, *, unknown: str | None = None) -> T:
        """What the engine gives; what it refuses, in Dapr's words. With `unknown`, an id that is not known is a 404."""
        try:
            return await act
        except InstanceNotFound as error:
            if unknown is not None:
                message = f"unable to find workflow with the provided instance ID: {unknown}"
                raise Refusal(404, "ERR_INSTANCE_ID_NOT_FOUND", message) from error
            raise Refusal(500, code, f"{message}: no such instance exists") from error
        except (PayloadError, InvalidArgument) as error:
            raise Refusal(400, code, f"{message}: {error}") from error
        except WflabError as error:
            raise Refusal(500, code, f"{message}: {error}") from error


def _checked(asked: Any) -> str:
    """The id that is asked for, once the rest of the address is in order."""
    if not asked.instance_id:
        raise Refusal(400, "ERR_INSTANCE_ID_PROVIDED_MISSING", "no instance ID was provided")
    _target_app(asked.app_id)
    return str(asked.instance_id)


def _target_app(app_id: str) -> str | None:
    if not app_id:
        return None
    try:
        return checked_app_id(app_id)
    except InvalidArgument:
        message = f"workflow app ID '{app_id}' is invalid: only alphanumeric, dash and underscore characters are allowed"
        raise Refusal(400, "ERR_WORKFLOW_APP_ID_INVALID", message) from None


def _moment(text: str | None, message: str, code: str) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Refusal(500, code, f'{message}: start times must be in RFC3339 format (e.g. "2009-11-10T23:00:00Z")')


def _described(found: Instance) -> wire.GetWorkflowResponse:
    properties = {
        "dapr.workflow.custom_status": found.custom_status,
        "dapr.workflow.input": found.input,
        "dapr.workflow.output": found.output if found.failure is None else None,
    }
    if found.failure is not None:
        properties["dapr.workflow.failure.error_type"] = found.failure.error_type
        properties["dapr.workflow.failure.error_message"] = found.failure.message
        properties["dapr.workflow.failure.stack_trace"] = found.failure.stack_trace
    return wire.GetWorkflowResponse(
        instance_id=found.instance_id,
        workflow_name=found.name,
        created_at=_stamp(found.created_at),
        last_updated_at=_stamp(found.updated_at),
        runtime_status="UNKNOWN" if found.status is Status.STALLED else str(found.status),  # as in Dapr, whose table lacks it
        properties={name: text for name, text in properties.items() if text is not None},
    )


def _stamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
