"""DaprMCPClient: the tools of MCP servers, which Dapr offers as workflows (`dapr.internal.mcp.<server>.ListTools` and `.CallTool.<tool>`).

In a lab there is no sidecar to offer them: whoever registers workflows of these names has made an MCP server.
"""

import json
from typing import Any

import msgspec

from wfengine.errors import DefinitionNotFound, InvalidArgument
from wflab.dapr.client import DaprWorkflowClient
from wflab.dapr.state import WorkflowState, WorkflowStatus

MCP_WORKFLOW_PREFIX = "dapr.internal.mcp."


class MCPToolDef(msgspec.Struct, frozen=True):
    """One tool: its name, what it does, a JSON Schema of what it takes, and the workflow that calls it."""

    name: str
    description: str
    input_schema: dict[str, Any] = {}
    server_name: str = ""
    call_tool_workflow: str = ""


class ToolCatalogue:
    """The tools of the servers asked so far, as both clients tell them; `allowed` names those to keep."""

    def __init__(self, allowed: set[str] | None) -> None:
        self._allowed = allowed
        self._tools: dict[str, list[MCPToolDef]] = {}

    def _add(self, server: str, answer: str | None) -> None:
        """Keep what the server's ListTools workflow answered."""
        try:
            tools = [_tool(server, found) for found in json.loads(answer or "{}").get("tools", [])]
        except (json.JSONDecodeError, AttributeError, TypeError) as error:
            raise RuntimeError(f"MCP server {server!r} listed its tools in a form that cannot be read: {answer!r:.200}") from error
        self._tools[server] = [tool for tool in tools if self._allowed is None or tool.name in self._allowed]

    def get_all_tools(self) -> list[MCPToolDef]:
        """The tools of all servers connected so far."""
        return [tool for tools in self._tools.values() for tool in tools]

    def get_server_tools(self, server_name: str) -> list[MCPToolDef]:
        """The tools of one server; empty where it was not asked."""
        return list(self._tools.get(server_name, []))

    def get_connected_servers(self) -> list[str]:
        """The servers connected so far."""
        return list(self._tools)


class DaprMCPClient(ToolCatalogue):
    """Asks MCP servers for their tools, which it gives as plain records; call one by starting its `call_tool_workflow`."""

    def __init__(
        self, *, timeout_in_seconds: int = 60, allowed_tools: set[str] | None = None, wf_client: DaprWorkflowClient | None = None
    ) -> None:
        super().__init__(allowed_tools)
        self._timeout_in_seconds = checked_timeout(timeout_in_seconds)
        self._client = wf_client or DaprWorkflowClient()

    def connect(self, mcpserver_name: str) -> None:
        """Ask the server for its tools, and wait for the answer. Raises RuntimeError where there is none in time, or a failure."""
        workflow = list_tools_of(mcpserver_name)
        try:
            instance_id = self._client.schedule_new_workflow(workflow, input={"mcpServerName": mcpserver_name})
        except DefinitionNotFound as missing:
            raise no_such_server(mcpserver_name) from missing
        try:
            state = self._client.wait_for_workflow_completion(instance_id, timeout_in_seconds=self._timeout_in_seconds)
        except TimeoutError as late:
            raise no_answer(mcpserver_name, self._timeout_in_seconds) from late
        self._add(mcpserver_name, answer_of(mcpserver_name, state))


def checked_timeout(seconds: int) -> int:
    """Raises InvalidArgument for what is no time to wait."""
    if seconds <= 0:
        raise InvalidArgument(f"timeout_in_seconds must be a positive number, not {seconds!r}.")
    return seconds


def list_tools_of(server: str) -> str:
    """The name of the workflow that lists a server's tools. Raises InvalidArgument for an empty name."""
    if not server or not server.strip():
        raise InvalidArgument("mcpserver_name must be the name of an MCP server, not an empty text.")
    return f"{MCP_WORKFLOW_PREFIX}{server}.ListTools"


def no_such_server(server: str) -> InvalidArgument:
    """Nobody has registered the server's workflows."""
    return InvalidArgument(
        f"There is no MCP server {server!r} in this lab: Dapr's sidecar offers one as workflows, and {list_tools_of(server)!r} is not registered. "
        "Register a workflow of that name that returns {'tools': [{'name': ..., 'description': ..., 'inputSchema': {...}}]}."
    )


def no_answer(server: str, seconds: int) -> RuntimeError:
    """The server has not listed its tools in time."""
    return RuntimeError(f"MCP server {server!r} has not listed its tools within {seconds} seconds.")


def answer_of(server: str, state: WorkflowState | None) -> str | None:
    """What the ListTools workflow returned. Raises RuntimeError where it did not complete."""
    if state is None or state.runtime_status is not WorkflowStatus.COMPLETED:
        status = "gone" if state is None else state.runtime_status.name
        cause = "" if state is None or state.failure_details is None else f": {state.failure_details.message}"
        raise RuntimeError(f"MCP server {server!r} has not listed its tools: the workflow is {status}{cause}")
    return state.serialized_output


def _tool(server: str, found: dict[str, Any]) -> MCPToolDef:
    name = found.get("name", "")
    return MCPToolDef(
        name=name,
        description=found.get("description", ""),
        input_schema=found.get("inputSchema") or {},
        server_name=server,
        call_tool_workflow=f"{MCP_WORKFLOW_PREFIX}{server}.CallTool.{name}",
    )
