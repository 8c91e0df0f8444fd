"""The names of `dapr.ext.workflow`, with the same signatures, over a lab: a program moves here and back by changing one import."""

import json
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any, TypeVar, overload

from wfengine.core.context import NAME_ATTRIBUTE, name_of
from wfengine.errors import WorkflowFailed
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import Instance
from wflab.lab import Lab, current, current_lab

Function = TypeVar("Function", bound=Callable[..., Any])


class WorkflowStatus(Enum):
    """Dapr's set of states."""

    UNKNOWN = 0
    RUNNING = 1
    COMPLETED = 2
    FAILED = 3
    TERMINATED = 4
    PENDING = 5
    SUSPENDED = 6
    STALLED = 7


class WorkflowState:
    """A snapshot of an instance. Payloads are JSON text (`serialized_...`), times aware UTC."""

    def __init__(self, instance: Instance, *, fetch_payloads: bool = True) -> None:
        self._instance = instance
        self._with_payloads = fetch_payloads

    @property
    def instance_id(self) -> str:
        """The id."""
        return self._instance.instance_id

    @property
    def name(self) -> str:
        """The workflow's name."""
        return self._instance.name

    @property
    def runtime_status(self) -> WorkflowStatus:
        """Where it stands."""
        return WorkflowStatus.__members__.get(str(self._instance.status), WorkflowStatus.UNKNOWN)

    @property
    def created_at(self) -> datetime:
        """When it was started."""
        return self._instance.created_at

    @property
    def last_updated_at(self) -> datetime:
        """When its state changed last."""
        return self._instance.updated_at

    @property
    def serialized_input(self) -> str | None:
        """What it was started with."""
        return self._instance.input if self._with_payloads else None

    @property
    def serialized_output(self) -> str | None:
        """What it returned."""
        return self._instance.output if self._with_payloads else None

    @property
    def serialized_custom_status(self) -> str | None:
        """What it published."""
        return self._instance.custom_status if self._with_payloads else None

    @property
    def failure_details(self) -> FailureDetails | None:
        """Why it failed."""
        return self._instance.failure

    def raise_if_failed(self) -> None:
        """Raise WorkflowFailed if it failed."""
        if self.runtime_status is WorkflowStatus.FAILED:
            one = self._instance
            raise WorkflowFailed(one.instance_id, one.name, one.status, one.failure)

    def to_json(self) -> dict[str, Any]:
        """The state as a dict of plain data."""
        return {
            "instance_id": self.instance_id,
            "name": self.name,
            "runtime_status": self.runtime_status.name,
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "serialized_input": self.serialized_input,
            "serialized_output": self.serialized_output,
            "serialized_custom_status": self.serialized_custom_status,
            "failure_details": self.failure_details,
        }

    def __str__(self) -> str:
        return json.dumps(self.to_json(), default=str)


class WorkflowRuntime:
    """Registers workflows and activities. It belongs to the current lab, to the `lab` it is given, or to the next one that opens.

    `host`, `port` and what else Dapr takes to reach a sidecar is accepted and not needed: the engine is in this process.
    """

    def __init__(
        self, host: str | None = None, port: str | None = None, *, lab: Lab | None = None, app_id: str | None = None, **_: Any
    ) -> None:
        del host, port
        self.app_id = app_id
        self._lab: Lab | None = None
        self._follows = lab is None
        self._registered: list[tuple[str, Callable[..., Any], str | None]] = []
        if lab is None:
            current.when_open(self._join)
        else:
            self._join(lab)

    @overload
    def workflow(self, function: Function, /, *, name: str | None = None) -> Function: ...
    @overload
    def workflow(self, function: None = None, /, *, name: str | None = None) -> Callable[[Function], Function]: ...
    def workflow(self, function: Function | None = None, /, *, name: str | None = None) -> Function | Callable[[Function], Function]:
        """Decorator: `@wfr.workflow` or `@wfr.workflow(name="...")`."""
        return _decorator(self.register_workflow, function, name)

    @overload
    def activity(self, function: Function, /, *, name: str | None = None) -> Function: ...
    @overload
    def activity(self, function: None = None, /, *, name: str | None = None) -> Callable[[Function], Function]: ...
    def activity(self, function: Function | None = None, /, *, name: str | None = None) -> Function | Callable[[Function], Function]:
        """Decorator: `@wfr.activity` or `@wfr.activity(name="...")`."""
        return _decorator(self.register_activity, function, name)

    def register_workflow(self, fn: Callable[..., Any], *, name: str | None = None) -> None:
        """Register a workflow; a changed function under a known name is its new version."""
        self._register("workflow", fn, name)

    def register_activity(self, fn: Callable[..., Any], *, name: str | None = None) -> None:
        """Register an activity; likewise."""
        self._register("activity", fn, name)

    def start(self) -> None:
        """Opens the default lab where none is open; registered functions run from registration on."""
        if self._lab is None or not self._lab.is_open:
            self._join(current.find() or Lab())

    def shutdown(self) -> None:
        """Close the lab that this runtime belongs to."""
        if self._lab is not None:
            self._lab.close()
            self._lab = None

    def wait_for_worker_ready(self, timeout: float = 30.0) -> bool:
        """Whether the engine takes work; here it does as soon as the lab is open."""
        del timeout
        return self._lab is not None

    def _register(self, kind: str, function: Callable[..., Any], name: str | None) -> None:
        if name is None:
            name_of(function)  # refuses a lambda now, also where no lab is open yet
        if self._lab is not None and self._follows and not self._lab.is_open:  # closed under us, as by `%reload_ext wflab`
            self._lab = None
            current.when_open(self._join)
        if self._lab is None:
            self._registered.append((kind, function, name))
        elif kind == "workflow":
            self._lab.engine.register_workflow(function, name)
        else:
            self._lab.engine.register_activity(function, name)

    def _join(self, lab: Lab) -> None:
        self._lab = lab
        registered, self._registered = self._registered, []
        for kind, function, name in registered:
            self._register(kind, function, name)


class DaprWorkflowClient:
    """Starts and manages instances of the current lab, or of the one it is given. Each call is durable when it returns."""

    def __init__(self, host: str | None = None, port: str | None = None, *, lab: Lab | None = None, **_: Any) -> None:
        del host, port
        self._given = lab

    @property
    def _engine(self) -> Any:
        return (self._given or current_lab()).engine

    def schedule_new_workflow(
        self,
        workflow: Callable[..., Any] | str,
        *,
        input: Any = None,
        instance_id: str | None = None,
        start_at: datetime | None = None,
        reuse_id_policy: Any = None,
        app_id: str | None = None,
    ) -> str:
        """Start an instance; its id. An id may be used again once its instance has ended (`reuse_id_policy` has no effect)."""
        del reuse_id_policy
        started: str = self._engine.schedule_new_workflow(workflow, input=input, instance_id=instance_id, start_at=start_at, app_id=app_id)
        return started

    def get_workflow_state(self, instance_id: str, *, fetch_payloads: bool = True) -> WorkflowState | None:
        """The present state; None for an unknown id."""
        found = self._engine.get_workflow_state(instance_id)
        return None if found is None else WorkflowState(found, fetch_payloads=fetch_payloads)

    def wait_for_workflow_start(
        self, instance_id: str, *, fetch_payloads: bool = False, timeout_in_seconds: int = 0
    ) -> WorkflowState | None:
        """Wait for the first turn; 0 seconds means for ever. Raises TimeoutError."""
        found = self._engine.wait_for_workflow_start(instance_id, timeout_in_seconds or None)
        return WorkflowState(found, fetch_payloads=fetch_payloads)

    def wait_for_workflow_completion(
        self, instance_id: str, *, fetch_payloads: bool = True, timeout_in_seconds: int = 0
    ) -> WorkflowState | None:
        """Wait for the end; 0 seconds means for ever. Raises TimeoutError."""
        found = self._engine.wait_for_workflow_completion(instance_id, timeout_in_seconds or None)
        return WorkflowState(found, fetch_payloads=fetch_payloads)

    def raise_workflow_event(self, instance_id: str, event_name: str, *, data: Any = None, app_id: str | None = None) -> None:
        """Deliver an external event."""
        del app_id
        self._engine.raise_workflow_event(instance_id, event_name, data=data)

    def terminate_workflow(self, instance_id: str, *, output: Any = None, recursive: bool = True, app_id: str | None = None) -> None:
        """End it from outside."""
        del app_id
        self._engine.terminate_workflow(instance_id, output=output, recursive=recursive)

    def pause_workflow(self, instance_id: str, *, app_id: str | None = None) -> None:
        """Suspend it."""
        del app_id
        self._engine.pause_workflow(instance_id)

    def resume_workflow(self, instance_id: str, *, app_id: str | None = None) -> None:
        """Resume it."""
        del app_id
        self._engine.resume_workflow(instance_id)

    def purge_workflow(self, instance_id: str, *, recursive: bool = True, app_id: str | None = None) -> None:
        """Delete it, once it has ended."""
        del app_id
        self._engine.purge_workflow(instance_id, recursive=recursive)

    def close(self) -> None:
        """Nothing is held; here for programs that call it."""


def alternate_name(name: str | None = None) -> Callable[[Function], Function]:
    """Decorator: register the function under another name than its own."""

    def wrapper(fn: Function) -> Function:
        if hasattr(fn, NAME_ATTRIBUTE):
            raise ValueError(f"Function {fn.__name__} already has an alternate name {getattr(fn, NAME_ATTRIBUTE)}")
        fn.__dict__[NAME_ATTRIBUTE] = name or fn.__name__
        return fn

    return wrapper


@overload
def workflow(function: Function, /, *, name: str | None = None) -> Function: ...
@overload
def workflow(function: None = None, /, *, name: str | None = None) -> Callable[[Function], Function]: ...
def workflow(function: Function | None = None, /, *, name: str | None = None) -> Function | Callable[[Function], Function]:
    """Register a workflow with the current lab, or with the next one that opens: a decorator, with or without a name."""
    return WorkflowRuntime().workflow(function, name=name)


@overload
def activity(function: Function, /, *, name: str | None = None) -> Function: ...
@overload
def activity(function: None = None, /, *, name: str | None = None) -> Callable[[Function], Function]: ...
def activity(function: Function | None = None, /, *, name: str | None = None) -> Function | Callable[[Function], Function]:
    """Register an activity with the current lab, or with the next one that opens: a decorator, with or without a name."""
    return WorkflowRuntime().activity(function, name=name)


def _decorator(register: Callable[..., None], function: Function | None, name: str | None) -> Function | Callable[[Function], Function]:
    def registered(fn: Function) -> Function:
        register(fn, name=name)
        return fn

    return registered if function is None else registered(function)
