"""The clients for coroutines: DaprWorkflowClient and DaprMCPClient again, with methods to be awaited.

The loop is never blocked: what must be written is waited for on a thread, an instance's moments are futures of the engine.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from datetime import datetime
from typing import Any

from wfengine.errors import DefinitionNotFound, WaitTimedOut
from wfengine.model.instance import Instance
from wfengine.model.payload import UNSET
from wflab.dapr import client as sync
from wflab.dapr import mcp
from wflab.dapr.history import WorkflowHistoryEvent, WorkflowInstanceIdPage
from wflab.dapr.state import WorkflowState
from wflab.lab import Lab

_WAKE_SECONDS = 0.25


class DaprWorkflowClient:
    """As `wflab.DaprWorkflowClient`, to be awaited."""

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
        self._client = sync.DaprWorkflowClient(host, port, logger_options, max_grpc_message_length, lab=lab, app_id=app_id)

    async def schedule_new_workflow(
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
        sync.warn_of_reuse_id_policy(reuse_id_policy)
        return await asyncio.to_thread(
            self._client.schedule_new_workflow, workflow, input=input, instance_id=instance_id, start_at=start_at, app_id=app_id
        )

    async def get_workflow_state(self, instance_id: str, *, fetch_payloads: bool = True, app_id: str | None = None) -> WorkflowState | None:
        """The present state; None for an unknown id."""
        return await asyncio.to_thread(self._client.get_workflow_state, instance_id, fetch_payloads=fetch_payloads, app_id=app_id)

    async def wait_for_workflow_start(
        self, instance_id: str, *, fetch_payloads: bool = False, timeout_in_seconds: int = 0, app_id: str | None = None
    ) -> WorkflowState | None:
        """Wait for the first turn; 0 seconds means for ever. Raises InstanceNotFound, TimeoutError."""
        engine = await asyncio.to_thread(self._client.engine_of, instance_id, app_id)
        return WorkflowState(await _arrived(engine.when_started(instance_id), timeout_in_seconds), fetch_payloads=fetch_payloads)

    async def wait_for_workflow_completion(
        self, instance_id: str, *, fetch_payloads: bool = True, timeout_in_seconds: int = 0, app_id: str | None = None
    ) -> WorkflowState | None:
        """Wait for the end; 0 seconds means for ever. Raises InstanceNotFound, TimeoutError."""
        engine = await asyncio.to_thread(self._client.engine_of, instance_id, app_id)
        return WorkflowState(await _arrived(engine.when_finished(instance_id), timeout_in_seconds), fetch_payloads=fetch_payloads)

    async def raise_workflow_event(self, instance_id: str, event_name: str, *, data: Any = None, app_id: str | None = None) -> None:
        """Deliver an external event. As in Dapr it is discarded, without a word, where the instance has ended or never was."""
        await asyncio.to_thread(self._client.raise_workflow_event, instance_id, event_name, data=data, app_id=app_id)

    async def terminate_workflow(self, instance_id: str, *, output: Any = None, recursive: bool = True, app_id: str | None = None) -> None:
        """End it from outside; with `recursive` its children, too."""
        await asyncio.to_thread(self._client.terminate_workflow, instance_id, output=output, recursive=recursive, app_id=app_id)

    async def pause_workflow(self, instance_id: str, *, app_id: str | None = None) -> None:
        """Suspend it."""
        await asyncio.to_thread(self._client.pause_workflow, instance_id, app_id=app_id)

    async def resume_workflow(self, instance_id: str, *, app_id: str | None = None) -> None:
        """Resume it."""
        await asyncio.to_thread(self._client.resume_workflow, instance_id, app_id=app_id)

    async def purge_workflow(self, instance_id: str, recursive: bool = True, *, app_id: str | None = None) -> None:  # noqa: FBT001, FBT002  # Dapr's
        """Delete it, once it has ended; with `recursive` its children, too."""
        await asyncio.to_thread(self._client.purge_workflow, instance_id, recursive, app_id=app_id)

    async def list_workflow_instance_ids(
        self, *, page_size: int | None = None, continuation_token: str | None = None
    ) -> WorkflowInstanceIdPage:
        """Some instance ids in alphabetical order, and the token for the next page."""
        return await asyncio.to_thread(self._client.list_workflow_instance_ids, page_size=page_size, continuation_token=continuation_token)

    async def iter_workflow_instance_ids(self, *, page_size: int = sync.USUAL_PAGE) -> AsyncIterator[str]:
        """Every instance id, a page at a time."""
        token: str | None = None
        while True:
            page = await self.list_workflow_instance_ids(page_size=page_size, continuation_token=token)
            for instance_id in page.instance_ids:
                yield instance_id
            if (token := page.continuation_token) is None:
                return

    async def get_workflow_history(self, instance_id: str) -> list[WorkflowHistoryEvent]:
        """The whole history of the id's newest execution, oldest event first. Raises InstanceNotFound."""
        return await asyncio.to_thread(self._client.get_workflow_history, instance_id)

    async def rerun_workflow_from_event(
        self,
        instance_id: str,
        event_id: int,
        *,
        new_instance_id: str | None = None,
        input: Any = UNSET,
        new_child_workflow_instance_id: str | None = None,
        app_id: str | None = None,
    ) -> str:
        """Start a new instance that shares the past of an ended one up to the event; see the other client."""
        return await asyncio.to_thread(
            self._client.rerun_workflow_from_event,
            instance_id,
            event_id,
            new_instance_id=new_instance_id,
            input=input,
            new_child_workflow_instance_id=new_child_workflow_instance_id,
            app_id=app_id,
        )


class DaprMCPClient(mcp.ToolCatalogue):
    """As `wflab.DaprMCPClient`; `connect` is to be awaited."""

    def __init__(
        self, *, timeout_in_seconds: int = 60, allowed_tools: set[str] | None = None, wf_client: DaprWorkflowClient | None = None
    ) -> None:
        super().__init__(allowed_tools)
        self._timeout_in_seconds = mcp.checked_timeout(timeout_in_seconds)
        self._client = wf_client or DaprWorkflowClient()

    async def connect(self, mcpserver_name: str) -> None:
        """Ask the server for its tools, and wait for the answer. Raises RuntimeError where there is none in time, or a failure."""
        workflow = mcp.list_tools_of(mcpserver_name)
        try:
            instance_id = await self._client.schedule_new_workflow(workflow, input={"mcpServerName": mcpserver_name})
        except DefinitionNotFound as missing:
            raise mcp.no_such_server(mcpserver_name) from missing
        try:
            state = await self._client.wait_for_workflow_completion(instance_id, timeout_in_seconds=self._timeout_in_seconds)
        except TimeoutError as late:
            raise mcp.no_answer(mcpserver_name, self._timeout_in_seconds) from late
        self._add(mcpserver_name, mcp.answer_of(mcpserver_name, state))


async def _arrived(moment: "Future[Instance]", timeout_in_seconds: float) -> Instance:
    waiting = asyncio.wrap_future(moment)
    deadline = time.monotonic() + timeout_in_seconds if timeout_in_seconds else float("inf")
    try:
        while not waiting.done():  # in short waits: ipykernel's Ctrl-C cancels a waiting cell, but does not wake its loop to hear of it
            left = deadline - time.monotonic()
            if left <= 0:
                raise WaitTimedOut(f"Not there after {timeout_in_seconds:g} seconds; it goes on, wait again.")
            await asyncio.wait({waiting}, timeout=min(left, _WAKE_SECONDS))
        return waiting.result()
    finally:
        waiting.cancel()
