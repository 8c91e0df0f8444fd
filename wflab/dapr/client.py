"""DaprWorkflowClient: starts and manages instances. Each call is durable when it returns.

With `app_id` a call reaches only instances of that app: one of another app is as good as absent.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from wfengine.errors import InstanceNotFound, InvalidArgument
from wfengine.model.instance import Instance
from wfengine.model.payload import UNSET
from wfengine.runtime.engine import Engine
from wflab.dapr.history import WorkflowHistoryEvent, WorkflowInstanceIdPage, events_of
from wflab.dapr.state import WorkflowState
from wflab.lab import Lab, current, current_lab

USUAL_PAGE = 1024
LARGEST_NUMBER = 2**32 - 1  # Dapr's messages have no room for more

_PAGE = """
    SELECT instance_id FROM instances
    WHERE ($after IS NULL OR instance_id > $after) AND ($app IS NULL OR app_id = $app)
    ORDER BY instance_id LIMIT $size
"""


class DaprWorkflowClient:
    """Starts and manages instances of the current lab, or of the one it is given. Any thread may call it.

    `app_id` is the app it speaks for: calls go there where they name no other, and lists and histories are of that app only. What Dapr
    takes to reach a sidecar is accepted and not needed.
    """

    def __init__(
        self,
        host: str | None = None,
        port: str | None = None,
        logger_options: Any = None,
        max_grpc_message_length: int | None = None,
        *,
        lab: Lab | None = None,
        app_id: str | None = None,
    ) -> None:
        del host, port, logger_options, max_grpc_message_length
        self._given = lab
        self._app_id = app_id

    def __repr__(self) -> str:
        lab = self._given or current.find()
        app = "" if self._app_id is None else f"app_id={self._app_id!r}, "
        return f"DaprWorkflowClient({app}{'no lab is open' if lab is None else lab.path.name})"

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
        warn_of_reuse_id_policy(reuse_id_policy)
        return self._engine().schedule_new_workflow(
            workflow, input=input, instance_id=instance_id, start_at=start_at, app_id=app_id or self._app_id
        )

    def get_workflow_state(self, instance_id: str, *, fetch_payloads: bool = True, app_id: str | None = None) -> WorkflowState | None:
        """The present state; None for an unknown id."""
        found = self._find(instance_id, app_id or self._app_id)
        return None if found is None else WorkflowState(found, fetch_payloads=fetch_payloads)

    def wait_for_workflow_start(
        self, instance_id: str, *, fetch_payloads: bool = False, timeout_in_seconds: int = 0, app_id: str | None = None
    ) -> WorkflowState | None:
        """Wait for the first turn; 0 seconds means for ever. Raises InstanceNotFound, TimeoutError."""
        found = self.engine_of(instance_id, app_id).wait_for_workflow_start(instance_id, timeout_in_seconds or None)
        return WorkflowState(found, fetch_payloads=fetch_payloads)

    def wait_for_workflow_completion(
        self, instance_id: str, *, fetch_payloads: bool = True, timeout_in_seconds: int = 0, app_id: str | None = None
    ) -> WorkflowState | None:
        """Wait for the end; 0 seconds means for ever. Raises InstanceNotFound, TimeoutError."""
        found = self.engine_of(instance_id, app_id).wait_for_workflow_completion(instance_id, timeout_in_seconds or None)
        return WorkflowState(found, fetch_payloads=fetch_payloads)

    def raise_workflow_event(self, instance_id: str, event_name: str, *, data: Any = None, app_id: str | None = None) -> None:
        """Deliver an external event. As in Dapr it is discarded, without a word, where the instance has ended or never was."""
        with suppress(InstanceNotFound):
            self.engine_of(instance_id, app_id).raise_workflow_event(instance_id, event_name, data=data)

    def terminate_workflow(self, instance_id: str, *, output: Any = None, recursive: bool = True, app_id: str | None = None) -> None:
        """End it from outside; with `recursive` its children, too."""
        self.engine_of(instance_id, app_id).terminate_workflow(instance_id, output=output, recursive=recursive)

    def pause_workflow(self, instance_id: str, *, app_id: str | None = None) -> None:
        """Suspend it."""
        self.engine_of(instance_id, app_id).pause_workflow(instance_id)

    def resume_workflow(self, instance_id: str, *, app_id: str | None = None) -> None:
        """Resume it."""
        self.engine_of(instance_id, app_id).resume_workflow(instance_id)

    def purge_workflow(self, instance_id: str, recursive: bool = True, *, app_id: str | None = None) -> None:  # noqa: FBT001, FBT002  # Dapr's
        """Delete it, once it has ended; with `recursive` its children, too."""
        self.engine_of(instance_id, app_id).purge_workflow(instance_id, recursive=recursive)

    def list_workflow_instance_ids(self, *, page_size: int | None = None, continuation_token: str | None = None) -> WorkflowInstanceIdPage:
        """Some instance ids in alphabetical order, and the token for the next page; ids that are added meanwhile change no page before."""
        if page_size is not None and not 1 <= page_size <= LARGEST_NUMBER:
            raise InvalidArgument(f"page_size is a number from 1 to {LARGEST_NUMBER}, or None for the usual size, not {page_size!r}.")
        size = page_size or USUAL_PAGE
        with self._engine().store.cursor() as cursor:
            found = cursor.execute(_PAGE, {"after": continuation_token, "app": self._app_id, "size": size + 1}).fetchall()
        ids = [str(row[0]) for row in found[:size]]
        return WorkflowInstanceIdPage(ids, ids[-1] if len(found) > size else None)

    def iter_workflow_instance_ids(self, *, page_size: int = USUAL_PAGE) -> Iterator[str]:
        """Every instance id, a page at a time."""
        token: str | None = None
        while True:
            page = self.list_workflow_instance_ids(page_size=page_size, continuation_token=token)
            yield from page.instance_ids
            if (token := page.continuation_token) is None:
                return

    def get_workflow_history(self, instance_id: str) -> list[WorkflowHistoryEvent]:
        """The whole history of the id's newest execution, oldest event first. Raises InstanceNotFound."""
        return events_of(row.event for row in self.engine_of(instance_id).history(instance_id))

    def rerun_workflow_from_event(
        self,
        instance_id: str,
        event_id: int,
        *,
        new_instance_id: str | None = None,
        input: Any = UNSET,
        new_child_workflow_instance_id: str | None = None,
        app_id: str | None = None,
    ) -> str:
        """Start a new instance that shares the past of an ended one up to the event, and does again what the event asked for; its id.

        The event is an activity, a timer or a child workflow of an instance that is no child itself; see `WorkflowHistoryEvent.is_rerunnable`.
        `input` replaces what the activity or child got (None clears it). Raises InstanceNotFound, InvalidArgument, InstanceAlreadyExists.
        """
        return self._engine().rerun_workflow_from_event(
            instance_id,
            event_id,
            new_instance_id=new_instance_id,
            input=input,
            new_child_workflow_instance_id=new_child_workflow_instance_id,
            app_id=app_id or self._app_id,
        )

    def close(self) -> None:
        """Nothing is held; here for programs that call it."""

    def engine_of(self, instance_id: str, app_id: str | None = None) -> Engine:
        """The engine that has the instance. Raises InstanceNotFound where the instance is not of the app that is asked for."""
        wanted = app_id or self._app_id
        if wanted is not None and self._find(instance_id, wanted) is None:
            raise InstanceNotFound(instance_id, f"App {wanted!r} has none; another app may.")
        return self._engine()

    def _engine(self) -> Engine:
        return (self._given or current_lab()).engine

    def _find(self, instance_id: str, app_id: str | None) -> Instance | None:
        found = self._engine().get_workflow_state(instance_id)
        return found if found is None or app_id in (None, found.app_id) else None


def warn_of_reuse_id_policy(policy: Any) -> None:
    """To be called from what the program calls, so that the warning names the program's line."""
    if policy is not None:
        warnings.warn(
            "reuse_id_policy is deprecated and has no effect: an id can always be used again once its instance has ended.",
            DeprecationWarning,
            stacklevel=3,
        )
