"""An instance's state as Dapr's client tells it."""

import json
from datetime import datetime
from enum import Enum
from typing import Any

from wfengine.errors import WorkflowFailed
from wfengine.model.failure import FailureDetails
from wfengine.model.instance import Instance


class WorkflowStatus(Enum):
    """Dapr's set of states. Each equals the `Status` of the same name, and its text."""

    UNKNOWN = 0
    RUNNING = 1
    COMPLETED = 2
    FAILED = 3
    TERMINATED = 4
    PENDING = 5
    SUSPENDED = 6
    STALLED = 7

    def __eq__(self, other: object) -> bool:
        return self.name == other if isinstance(other, str) else self is other

    def __hash__(self) -> int:
        return hash(self.name)


class WorkflowState:
    """A snapshot of an instance. Payloads are JSON text (`serialized_...`), times naive UTC, as in Dapr."""

    def __init__(self, state: Instance, *, fetch_payloads: bool = True) -> None:
        self._instance = state
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
        return self._instance.created_at.replace(tzinfo=None)

    @property
    def last_updated_at(self) -> datetime:
        """When its state changed last."""
        return self._instance.updated_at.replace(tzinfo=None)

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
        """Why it failed, or what stalls it."""
        return self._instance.failure

    def raise_if_failed(self) -> None:
        """Raise WorkflowFailed if it failed."""
        if self.runtime_status is WorkflowStatus.FAILED:
            one = self._instance
            raise WorkflowFailed(one.instance_id, one.name, one.status, one.failure)

    def to_json(self) -> dict[str, Any]:
        """The state as a dict; `failure_details` is in it only where there are any."""
        state: dict[str, Any] = {
            "instance_id": self.instance_id,
            "name": self.name,
            "runtime_status": self.runtime_status.name,
            "created_at": self.created_at,
            "last_updated_at": self.last_updated_at,
            "serialized_input": self.serialized_input,
            "serialized_output": self.serialized_output,
            "serialized_custom_status": self.serialized_custom_status,
        }
        if (failure := self.failure_details) is not None:
            state["failure_details"] = {
                "message": failure.message,
                "error_type": failure.error_type,
                "stack_trace": failure.stack_trace,
            }
        return state

    def __repr__(self) -> str:
        return f"WorkflowState({self.name}, {self.runtime_status.name}, {self.instance_id})"

    def __str__(self) -> str:
        return json.dumps(self.to_json(), indent=4, sort_keys=True, default=str)
