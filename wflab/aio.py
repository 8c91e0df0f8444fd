"""The names of `dapr.ext.workflow.aio`: the clients for coroutines."""

from wflab.dapr.aio import DaprMCPClient, DaprWorkflowClient
from wflab.dapr.mcp import MCPToolDef

__all__ = ["DaprMCPClient", "DaprWorkflowClient", "MCPToolDef"]
