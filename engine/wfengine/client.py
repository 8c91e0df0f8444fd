"""WorkflowClient: what any engine offers, near or far."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from datetime import datetime
from typing import Any, Protocol

from wfengine.model.instance import Instance
from wfengine.model.work import AuditRow, HistoryRow


class WorkflowClient(Protocol):
    """Calls block until their effect is durable and may come from any thread. Times are aware UTC, payloads JSON text in what is returned.

    They raise the errors of `wfengine.errors`: InstanceNotFound, InstanceAlreadyExists, PayloadError, EnginePaused, EngineStopped, ...
    """

    def schedule_new_workflow(
        self,
        workflow: Callable[..., Any] | str,
        *,
        input: Any = None,
        instance_id: str | None = None,
        start_at: datetime | None = None,
        tags: Mapping[str, str] | None = None,
        app_id: str | None = None,
    ) -> str:
        """Start an instance; gives its id."""

    def get_workflow_state(self, instance_id: str) -> Instance | None:
        """Its present state."""

    def wait_for_workflow_start(self, instance_id: str, timeout_seconds: float | None = None) -> Instance:
        """Wait for its first turn."""

    def wait_for_workflow_completion(self, instance_id: str, timeout_seconds: float | None = None) -> Instance:
        """Wait for its end."""

    def when_finished(self, instance_id: str) -> Future[Instance]:
        """A future for its end."""

    def raise_workflow_event(self, instance_id: str, event_name: str, *, data: Any = None, audit: AuditRow | None = None) -> None:
        """Deliver an external event."""

    def terminate_workflow(self, instance_id: str, *, output: Any = None, recursive: bool = True, audit: AuditRow | None = None) -> None:
        """End it from outside."""

    def pause_workflow(self, instance_id: str, *, audit: AuditRow | None = None) -> None:
        """Suspend it."""

    def resume_workflow(self, instance_id: str, *, audit: AuditRow | None = None) -> None:
        """Resume it."""

    def purge_workflow(self, instance_id: str, *, recursive: bool = True, audit: AuditRow | None = None) -> None:
        """Delete it."""

    def history(self, instance_id: str) -> list[HistoryRow]:
        """Its history, in order."""
